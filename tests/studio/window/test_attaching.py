"""Attaching to a run that was started elsewhere, by mouse and keys, against a real one."""

import pytest
from gestures import at_node, drag
from PySide6.QtCore import QPoint, QSettings, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit
from watched_run import WatchedRun

from pypipeline_studio.document.views import NodeLive
from pypipeline_studio.window.watched_session import CANNOT_FOLLOW, IS_OVER, ONLY_WATCHED

LONG_MS = 60_000
pytestmark = pytest.mark.slow


@pytest.fixture
def run(tmp_path):
    run = WatchedRun(tmp_path)
    yield run
    run.end()


def press(button) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


@pytest.fixture
def window(qtbot, file_window):
    yield file_window
    file_window.attaching.close()
    qtbot.waitUntil(lambda: not file_window.attaching.windows)


@pytest.fixture
def attached(qtbot, window, run, answer):
    """The window of the run; the question of what becomes of it is answered by leaving it."""
    answer("Leave it running")
    window.commands["attach"].trigger()
    dialog = window.attaching.dialog
    QGuiApplication.clipboard().setText(run.line)
    QTest.keyClick(dialog.address, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert (dialog.address.text(), dialog.token_file.text()) == (run.url, str(run.token_file))
    press(dialog.attach_button)
    qtbot.waitUntil(lambda: bool(window.attaching.windows), timeout=LONG_MS)
    attached = window.attaching.windows[0]
    qtbot.waitUntil(lambda: attached.canvas.node_item("work").live is not None, timeout=LONG_MS)
    qtbot.waitUntil(lambda: attached.engine.catalogue is not None, timeout=LONG_MS)
    return attached


def live_of(attached):
    """What is shown of the cell `work`, also where that is nothing yet."""
    return attached.canvas.node_item("work").live or NodeLive("idle", workers="nothing shown")


def take_control(qtbot, attached) -> None:
    press(attached.bar.control_button)
    qtbot.waitUntil(lambda: attached.session.may_change, timeout=LONG_MS)


def test_the_run_is_shown_and_nothing_can_be_changed_without_control(qtbot, window, attached, run) -> None:
    assert window.attaching.dialog is None
    assert attached.windowTitle() == f"headless at {run.url.partition('://')[2]}"
    assert set(attached.canvas.presentation.nodes) == {"count", "work", "write"}
    assert attached.toolbar._state.text() == "Running"
    qtbot.waitUntil(lambda: live_of(attached).is_limit, timeout=LONG_MS)
    assert "Nobody has control" in attached.bar.text.text()
    assert not attached.commands["stop"].isEnabled()
    told = []
    attached.session.refused.connect(told.append)
    attached.canvas.select(["work"])
    attached.canvas.remove_selected()
    attached.canvas.clones_requested.emit("work", 1)
    assert told == [ONLY_WATCHED, ONLY_WATCHED]
    assert attached.session.document.cells["work"].scale is None
    before = attached.canvas.node_item("work").pos()
    point = at_node(attached.canvas, "work")
    drag(attached.canvas, point, point + QPoint(40, 30))
    assert attached.canvas.node_item("work").pos() != before
    kept = QSettings().value("attach/recent")
    assert run.url in kept
    assert run.token not in str({key: QSettings().value(key) for key in QSettings().allKeys()})
    attached.close()
    assert run.process.poll() is None


def test_who_only_watches_cannot_type_until_control_is_got(qtbot, attached, run) -> None:
    inspector = attached.inspector
    attached.canvas.select(["work"])
    editor = inspector.parameters.rows["milliseconds"].editor
    field = editor.findChild(QLineEdit)
    assert not field.isEnabled()
    assert inspector._why_locked.text() == ONLY_WATCHED
    assert inspector._note.isVisible()
    told = []
    attached.session.refused.connect(told.append)
    shown = field.text()
    QTest.mouseClick(field, Qt.MouseButton.LeftButton)
    QTest.keyClicks(field, "77")
    assert (field.text(), told) == (shown, [])
    for part in (inspector.scaling, inspector.policy, inspector.state, inspector.head.name, inspector.head.pencil):
        assert not part.isEnabled()
    attached.canvas.select(["count"])  # other fields, which are made only now
    attached.canvas.select(["work"])
    field = inspector.parameters.rows["milliseconds"].editor.findChild(QLineEdit)
    assert not field.isEnabled()
    take_control(qtbot, attached)
    assert field.isEnabled()
    assert not inspector._note.isVisible()
    assert not inspector.state.isEnabled()  # which no run can follow
    press(attached.bar.control_button)
    qtbot.waitUntil(lambda: not field.isEnabled(), timeout=LONG_MS)
    take_control(qtbot, attached)
    attached.commands["stop"].trigger()
    qtbot.waitUntil(lambda: attached.run_control.run.state == "stopped", timeout=LONG_MS)
    assert inspector._why_locked.text() == IS_OVER
    assert not field.isEnabled()


def test_with_control_the_run_is_scaled_paused_and_stopped(qtbot, window, attached, run) -> None:
    take_control(qtbot, attached)
    assert "You have control" in attached.bar.text.text()
    attached.canvas.clones_requested.emit("work", 2)
    qtbot.waitUntil(lambda: live_of(attached).workers == "×2 threads", timeout=LONG_MS)
    attached.commands["undo"].trigger()
    qtbot.waitUntil(lambda: live_of(attached).workers == "", timeout=LONG_MS)
    told = []
    attached.session.refused.connect(told.append)
    attached.canvas.select(["write"])
    attached.canvas.remove_selected()
    assert told == [CANNOT_FOLLOW]
    attached.commands["pause"].trigger()
    qtbot.waitUntil(lambda: attached.run_control.run.state == "paused", timeout=LONG_MS)
    press(attached.bar.control_button)
    qtbot.waitUntil(lambda: "Nobody has control" in attached.bar.text.text(), timeout=LONG_MS)
    assert not attached.session.may_change
    assert not attached.session.undo_stack.canUndo()
    take_control(qtbot, attached)
    attached.commands["stop"].trigger()
    qtbot.waitUntil(lambda: attached.run_control.run.state == "stopped", timeout=LONG_MS)
    assert run.wait() == 0
    assert "is over" in attached.bar.text.text()


def test_closing_the_window_leaves_the_run_and_gives_control_back(qtbot, window, attached, run, answer) -> None:
    take_control(qtbot, attached)
    asked = answer("Cancel")
    attached.close()
    assert "goes on at" in asked[0]
    assert attached.isVisible()
    answer("Leave it running")
    press(attached.bar.detach_button)
    assert window.attaching.windows == []
    assert run.process.poll() is None


def test_a_wrong_token_is_told_in_the_dialog_and_can_be_mended(qtbot, window, run) -> None:
    window.commands["attach"].trigger()
    dialog = window.attaching.dialog
    dialog.address.setText(run.url)
    press(dialog.attach_button)
    assert "Give the token" in dialog.complaint.text()
    QTest.keyClicks(dialog.token, "wrong")
    press(dialog.attach_button)
    qtbot.waitUntil(lambda: not dialog.is_waiting(), timeout=LONG_MS)
    assert "not that of this run" in dialog.complaint.text()
    dialog.token.setText(run.token)
    press(dialog.attach_button)
    qtbot.waitUntil(lambda: bool(window.attaching.windows), timeout=LONG_MS)


def test_what_is_no_address_is_told_in_the_dialog(window) -> None:
    window.commands["attach"].trigger()
    dialog = window.attaching.dialog
    dialog.address.setText("somewhere")
    press(dialog.attach_button)
    assert "such as http://127.0.0.1:8421" in dialog.complaint.text()
    dialog.address.setText("127.0.0.1:1")
    dialog.token_file.setText("/none/token")
    press(dialog.attach_button)
    assert "/none/token cannot be read: No such file" in dialog.complaint.text()
    assert "A run on another machine has written it there" in dialog.complaint.text()


def test_a_run_that_is_killed_is_told(qtbot, window, attached, run) -> None:
    advising = attached.bottom.advising
    qtbot.waitUntil(lambda: bool(advising.action_text), timeout=LONG_MS)
    assert attached.toolbar._state.text() == "Running"
    run.process.kill()
    qtbot.waitUntil(lambda: attached.engine.state == "ended", timeout=LONG_MS)
    assert attached.toolbar._state.text() == "Not known"
    assert advising.action_text == "", "nobody would follow it"
    limit = attached.bottom.problems.row(f"limit:{advising.limit.cells[0]}")
    assert limit.button.text() == "Show"
    row = attached.bottom.problems.row("engine:engine")
    assert "has ended there" in row.text.text()
    assert row.button.text() == "Attach again"
