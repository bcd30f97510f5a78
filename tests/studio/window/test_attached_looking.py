"""Looking into a run that was started elsewhere, as into one of the studio: values, errors, breakpoints, menus."""

import json
import signal
import urllib.request

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from shiboken6 import isValid
from watched_run import GRAPH, WatchedRun

from pypipeline_engine.graph.model import OnError
from pypipeline_studio.engine.addresses import read_address
from pypipeline_studio.engine.remote import RemoteEngine
from pypipeline_studio.window.attached_window import AttachedWindow
from pypipeline_studio.window.watched_session import ONLY_WATCHED

LONG_MS = 60_000
pytestmark = pytest.mark.slow
FAILING = {
    **GRAPH,
    "cells": {
        **GRAPH["cells"],
        "work": {"type": "demo.Work", "parameters": {"milliseconds": 5, "fail_every": 10}, "on_error": "skip"},
    },
}


@pytest.fixture
def run(tmp_path):
    run = WatchedRun(tmp_path, graph=FAILING)
    yield run
    run.end()


@pytest.fixture
def attached(qtbot, file_window, run, monkeypatch):
    engine = RemoteEngine(read_address(run.url), run.token)
    with qtbot.waitSignal(engine.attached, timeout=LONG_MS) as told:
        engine.start()
    window = AttachedWindow(engine, told.args[0])
    window.show()
    qtbot.waitUntil(lambda: engine.catalogue is not None, timeout=LONG_MS)
    yield window
    if isValid(window):
        monkeypatch.setattr(AttachedWindow, "_may_leave", lambda _: True)
        with qtbot.waitSignal(window.destroyed):
            window.close()


def take_control(qtbot, attached) -> None:
    QTest.mouseClick(attached.bar.control_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: attached.session.may_change, timeout=LONG_MS)


def ask(run, path: str):
    request = urllib.request.Request(f"{run.url}/v1{path}", headers={"Authorization": f"Bearer {run.token}"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def test_who_only_watches_sees_values_and_errors(qtbot, attached) -> None:
    attached.canvas.select(["count"])
    attached.bottom.show_panel(attached.bottom.previews)
    qtbot.waitUntil(lambda: attached.bottom.previews.text.toPlainText().isdigit(), timeout=LONG_MS)
    errors = attached.bottom.errors
    attached.bottom.show_panel(errors)
    qtbot.waitUntil(lambda: errors.list.topLevelItemCount() > 1, timeout=LONG_MS)
    assert "fail_every is 10" in errors.list.topLevelItem(0).text(3)
    assert not errors.keep.isEnabled()
    assert not errors.rerun_button.isEnabled()
    qtbot.waitUntil(lambda: attached.bottom.statistics.model.rowCount() > 0, timeout=LONG_MS)
    attached.canvas.select(["work"])
    told = []
    attached.debugging.told.connect(told.append)
    attached.commands["breakpoint"].trigger()
    assert told == [ONLY_WATCHED]
    assert not attached.debugging.breaking.rows()


def test_files_are_looked_for_where_the_run_goes_on(attached, run) -> None:
    assert attached.session.folder == run.folder
    assert attached.session.front.folder == run.folder


def test_the_menu_of_a_cell_offers_what_can_be_done_with_it(qtbot, attached) -> None:
    attached.canvas.menu_requested.emit(("work",), QPoint(100, 100))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    texts = [action.text().replace("&", "") for action in menu.actions() if not action.isSeparator()]
    assert {"Preview", "Breakpoint", "Open the source", "Help on the cell", "Run clones on"} <= set(texts)
    assert not {"Delete", "Disable", "Group into a nested pipeline"} & set(texts)
    menu.close()


def test_with_control_failed_items_are_kept_and_policies_changed(qtbot, attached, run) -> None:
    attached.bottom.show_panel(attached.bottom.errors)
    take_control(qtbot, attached)
    qtbot.waitUntil(attached.bottom.errors.rerun_button.isEnabled, timeout=LONG_MS)
    attached.canvas.select(["work"])
    attached.inspector.on_error_changed.emit(OnError(retry=2, then="skip"))
    qtbot.waitUntil(
        lambda: ask(run, "/graph")["graph"]["cells"]["work"]["on_error"] == {"retry": 2, "then": "skip"},
        timeout=LONG_MS,
    )


def test_who_leaves_takes_breakpoints_along_and_the_run_goes_on(qtbot, attached, run, answer) -> None:
    take_control(qtbot, attached)
    attached.canvas.select(["work"])
    attached.commands["breakpoint"].trigger()
    qtbot.waitUntil(lambda: attached.debugging.holding.cells == ("work",), timeout=LONG_MS)
    asked = answer("Leave it running")
    with qtbot.waitSignal(attached.destroyed, timeout=LONG_MS):
        attached.close()
    assert "is paused at" in asked[0]
    qtbot.waitUntil(lambda: ask(run, "/run")["controller"] is None, timeout=LONG_MS)
    assert ask(run, "/run")["state"] == "running"
    assert ask(run, "/watched")["breakpoints"] == []


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="this system cannot stop a process and let it go on")
def test_a_run_that_hangs_is_told_until_it_answers_again(qtbot, attached, run) -> None:
    qtbot.waitUntil(lambda: attached.run_control.snapshot is not None, timeout=LONG_MS)
    run.process.send_signal(signal.SIGSTOP)
    try:
        qtbot.waitUntil(lambda: attached.engine.state == "silent", timeout=LONG_MS)
        row = attached.bottom.problems.row("engine:silence")
        assert row.title.text() == "The run does not answer"
        assert "The network to 127.0.0.1" in row.text.text()
    finally:
        run.process.send_signal(signal.SIGCONT)
    qtbot.waitUntil(lambda: attached.engine.state == "ready", timeout=LONG_MS)
    assert not attached.bottom._messages


def test_a_run_that_was_paused_can_be_left_so(qtbot, attached, run, answer) -> None:
    take_control(qtbot, attached)
    attached.commands["pause"].trigger()
    qtbot.waitUntil(lambda: attached.run_control.run.state == "paused", timeout=LONG_MS)
    answer("Leave it paused")
    with qtbot.waitSignal(attached.destroyed, timeout=LONG_MS):
        attached.close()
    qtbot.waitUntil(lambda: ask(run, "/run")["controller"] is None, timeout=LONG_MS)
    assert ask(run, "/run")["state"] == "paused"
