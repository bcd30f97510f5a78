"""Closing the window while a graph runs, and an engine that does not answer; the engine is played."""

import json

import pytest
from panel_samples import figures
from PySide6.QtGui import QGuiApplication

from pypipeline_engine.host.protocol import RunInfo, Snapshot

GRAPH = {"format": "pypipeline.graph", "version": 1, "name": "demo", "cells": {"count": {"type": "sources.Counter"}}}


@pytest.fixture
def window(file_window, tmp_path, monkeypatch):
    """A window with a run that goes on, in an engine that would be alive."""
    window = file_window
    path = tmp_path / "my graph.json"
    path.write_text(json.dumps(GRAPH))
    window.session.open(path)
    monkeypatch.setattr(window.engine, "run_graph", lambda *_, **__: None)
    monkeypatch.setattr(window.engine, "shutdown", lambda: ended.append(True))
    monkeypatch.setattr(type(window.engine), "pid", property(lambda _: 0 if window.engine.state == "ended" else 4711))
    ended = []
    window.ended = ended
    window.run_control.start()
    window.engine.run = RunInfo(run=1, state="running", name="demo")
    window.engine._set_state("ready")
    window.engine.run_changed.emit(window.engine.run)
    yield window
    window.engine._set_state("ended")


def test_cancel_lets_the_run_go_on(window, answer) -> None:
    asked = answer("Cancel")
    window.close()
    assert asked[0].startswith("demo is running. It runs in the engine of this window and ends with it")
    assert (window.isVisible(), window.ended) == (True, [])


def test_stop_and_close(window, answer) -> None:
    answer("Stop and close")
    window.close()
    assert (window.isVisible(), window.ended) == (False, [True])


def test_the_command_for_a_headless_run_is_copied(window, answer, tmp_path) -> None:
    asked = answer("Copy the command")
    window.close()
    command = f"pypipeline run '{tmp_path}/my graph.json' --output-dir {tmp_path} --monitor"
    assert command in asked[0]
    assert QGuiApplication.clipboard().text() == command
    assert window.isVisible()


def test_a_graph_with_changes_is_to_be_saved_first(window, answer) -> None:
    asked = answer("Cancel")
    window.session.edit("", window.session.document.model_copy(update={"name": "other"}))
    window.close()
    assert asked[0].endswith("Save the graph first.")
    window.session.undo_stack.setClean()


def test_nothing_is_asked_when_the_run_is_over(window, answer) -> None:
    asked = answer("Cancel")
    window.engine.run = RunInfo(run=1, state="ended")
    window.engine.run_changed.emit(window.engine.run)
    window.close()
    assert (asked, window.ended) == ([], [True])


def test_an_engine_that_does_not_answer_is_told_with_what_to_do(window) -> None:
    window.engine._set_state("silent")
    row = window.bottom.problems.row("engine:silence")
    assert "Code of a cell may keep Python to itself" in row.text.text()
    assert row.button.text() == "Restart the engine"
    window.engine._set_state("ready")
    assert "engine:silence" not in window.bottom.problems.rows
    hanging = figures(1.0).model_copy(update={"working_s": 12.0})
    window.engine.snapshot = Snapshot(
        run=1, state="running", elapsed_s=20, window_s=2, sink_items=1, sink_rate_hz=0, cells={"count": hanging}
    )  # fmt: skip
    window.engine._set_state("silent")
    row = window.bottom.problems.row("engine:silence")
    assert "count had been at the same item for 12.0 s" in row.text.text()
    assert row.button.isVisible()
