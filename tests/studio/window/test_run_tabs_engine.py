"""Two graphs in tabs, and a real engine that runs one after the other."""

import json

import pytest

LONG_MS = 60_000


@pytest.fixture
def window(file_window, qtbot):
    file_window.start_engine()
    qtbot.waitUntil(lambda: file_window.engine.catalogue is not None, timeout=LONG_MS)
    yield file_window
    with qtbot.waitSignal(file_window.engine.gone, timeout=LONG_MS):
        file_window.engine.shutdown()


@pytest.fixture
def graphs(window, tmp_path):
    """Two graphs that run for long, opened; the first one is in front."""
    for name in ("one", "two"):
        graph = {
            "format": "pypipeline.graph",
            "version": 1,
            "cells": {
                "count": {"type": "sources.Counter", "parameters": {"count": 1_000_000}},
                "work": {"type": "demo.Work", "parameters": {"milliseconds": 2.0}},
                "write": {"type": "sinks.JsonLines", "parameters": {"path": f"{name}.jsonl"}},
            },
            "connections": [["count.value", "work.item"], ["work.item", "write.item"]],
        }
        (tmp_path / f"{name}.json").write_text(json.dumps(graph))
        window.session.open(tmp_path / f"{name}.json")
    window.session.show(window.session.graphs[0])
    return window.session.graphs


@pytest.mark.slow
def test_a_run_goes_on_behind_another_tab_until_that_one_is_run(window, graphs, qtbot, answer, tmp_path) -> None:
    session, control = window.session, window.run_control

    def is_seen() -> bool:
        return control.snapshot is not None and control.snapshot.sink_items > 20

    window.commands["run"].trigger()
    qtbot.waitUntil(is_seen, timeout=LONG_MS)
    before = control.snapshot.sink_items
    session.show(graphs[1])
    assert control.snapshot is None
    qtbot.waitUntil(lambda: window.engine.snapshot.sink_items > before + 50, timeout=LONG_MS)
    session.show(graphs[0])
    qtbot.waitUntil(lambda: control.snapshot.sink_items > before, timeout=LONG_MS)
    assert control.run.state == "running"

    session.show(graphs[1])
    answer("Stop it and run this one")
    window.commands["run"].trigger()
    qtbot.waitUntil(is_seen, timeout=LONG_MS)
    assert control.running_graph is graphs[1]
    session.show(graphs[0])
    assert control.run.state == "stopped"
    assert control.snapshot.state == "stopped"
    items = [json.loads(line) for line in (tmp_path / "one.jsonl").read_text().splitlines()]
    assert items == list(range(len(items)))

    answer("Stop it and close")
    assert window.tabs.close(graphs[1])
    qtbot.waitUntil(lambda: not control.is_busy, timeout=LONG_MS)
    assert window.engine.run.state == "stopped"
    assert control.run.state == "stopped"
    assert session.graphs == (graphs[0],)
    assert control.running_graph is None
