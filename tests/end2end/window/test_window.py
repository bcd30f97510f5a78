"""The real window on a real (virtual) screen, with a real engine process: what a person does, from drawing to the result."""

import json
import os
import shlex
import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    not os.environ.get("DISPLAY") or os.environ.get("QT_QPA_PLATFORM") == "offscreen",
    reason="needs a screen: xvfb-run python -m pytest tests/end2end/window",
)

from gestures import at_port, double_click, drag  # noqa: E402
from PySide6.QtCore import QPoint, QSettings, QStandardPaths, Qt  # noqa: E402
from PySide6.QtTest import QTest  # noqa: E402
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QMessageBox, QToolButton  # noqa: E402

from pypipeline_engine.resources import get_examples  # noqa: E402
from pypipeline_studio.panels.search_popup import CellSearchPopup  # noqa: E402
from pypipeline_studio.window.application import make_application  # noqa: E402
from pypipeline_studio.window.main_window import MainWindow  # noqa: E402

LONG_MS = 60_000


@pytest.fixture
def window(qapp, qtbot, tmp_path, monkeypatch):
    QStandardPaths.setTestModeEnabled(True)
    make_application("dark")
    QSettings().clear()
    monkeypatch.setattr(QApplication, "quit", lambda: None)
    window = MainWindow(tmp_path)
    window.show()
    qtbot.waitExposed(window)
    window.start_engine()
    qtbot.waitUntil(lambda: window.engine.catalogue is not None, timeout=LONG_MS)
    yield window
    window.session.undo_stack.setClean()
    if window.engine.pid:
        with qtbot.waitSignal(window.engine.gone, timeout=LONG_MS):
            window.close()
    window.close()
    window.deleteLater()


def add_cell(qtbot, window, point: QPoint, typed: str) -> str:
    """Double-click on the canvas, type, Enter; the name of the new cell."""
    before = set(window.session.document.cells)
    double_click(window.canvas, point)
    popup = QApplication.activePopupWidget()
    assert isinstance(popup, CellSearchPopup)
    QTest.keyClicks(popup.search_field, typed)
    QTest.keyClick(popup.search_field, Qt.Key.Key_Return)
    (name,) = set(window.session.document.cells) - before
    return name


def set_field(window, parameter: str, text: str) -> None:
    """Type into the field of a parameter in the inspector."""
    QApplication.processEvents()  # what has been made for another cell is shown then
    field = next(
        f for f in window.inspector.findChildren(QLineEdit) if f.isVisible() and parameter in f.accessibleName()
    )
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


def draw(qtbot, window) -> None:
    """Counter -> Work -> JsonLines, with mouse and keys."""
    assert add_cell(qtbot, window, QPoint(60, 60), "Counter") == "counter"
    set_field(window, "count", "1000000")
    assert add_cell(qtbot, window, QPoint(330, 60), "Work") == "work"
    assert add_cell(qtbot, window, QPoint(600, 60), "sinks JsonLines") == "json_lines"
    set_field(window, "path", "out.jsonl")
    drag(window.canvas, at_port(window.canvas, "counter", "value"), at_port(window.canvas, "work", "item"))
    drag(window.canvas, at_port(window.canvas, "work", "item", True), at_port(window.canvas, "json_lines", "item"))
    assert [(c.source, c.target) for c in window.session.document.connections] == [
        ("counter.value", "work.item"),
        ("work.item", "json_lines.item"),
    ]


def press(window, command: str) -> None:
    """Click on the button of a command in the toolbar."""
    action = window.commands[command]
    button = next(b for b in window.toolbar.findChildren(QToolButton) if b.defaultAction() is action)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def read_items(path) -> list[int]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_draw_save_run_scale_stop_and_run_headless(qtbot, window, tmp_path, monkeypatch) -> None:
    draw(qtbot, window)
    file = tmp_path / "drawn.json"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(file), ""))
    # Keys of menus need a window manager, which a virtual screen has not.
    window.commands["save"].trigger()
    assert file.exists()

    press(window, "run")
    control, names = window.run_control, ("counter", "work", "json_lines")
    qtbot.waitUntil(
        lambda: (
            control.snapshot is not None
            and all(name in control.snapshot.cells and control.snapshot.cells[name].rate_hz > 0 for name in names)
        ),
        timeout=LONG_MS,
    )
    nodes = window.canvas._nodes
    assert all(nodes[name].view.live.rate_hz > 0 for name in names)

    item = nodes["work"].view
    for clones in (1, 2):
        viewport = window.canvas.viewer.viewport()
        plus = window.canvas.viewer.mapFromScene(item.mapToScene(item._buttons()[1].center()))
        QTest.mouseMove(viewport, plus)
        qtbot.waitUntil(lambda: item._has_buttons, timeout=LONG_MS)
        QTest.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=plus)
        assert window.session.document.cells["work"].scale.thread == clones
    qtbot.waitUntil(
        lambda: control.snapshot.cells["work"].workers == 2 and control.snapshot.cells["work"].method == "thread",
        timeout=LONG_MS,
    )
    press(window, "stop")
    qtbot.waitUntil(lambda: control.run.state == "stopped", timeout=LONG_MS)
    items = read_items(tmp_path / "out.jsonl")
    assert items == list(range(len(items)))
    assert len(items) > 10

    window.files.save()
    window.files.copy_command()
    command = shlex.split(QApplication.clipboard().text())
    assert command[:2] == ["pypipeline", "run"]
    (tmp_path / "out.jsonl").unlink()
    arguments = [sys.executable, "-m", "pypipeline_engine", *command[1:], "--max-items", str(len(items))]
    subprocess.run(arguments, check=True, timeout=60, capture_output=True)
    assert read_items(tmp_path / "out.jsonl") == items


def test_the_advice_is_taken_by_its_button_measured_and_taken_back(qtbot, window, tmp_path) -> None:
    draw(qtbot, window)
    window.canvas.clones_requested.emit("work", 1)
    window.canvas.select(["work"])
    set_field(window, "milliseconds", "50")
    press(window, "run")
    control, advising, problems = window.run_control, window.bottom.advising, window.bottom.problems
    advice = "Scale work to 2 threads"
    qtbot.waitUntil(lambda: advising.action_text == advice, timeout=LONG_MS)
    item, viewer = window.canvas._nodes["work"].view, window.canvas.viewer
    assert item.live.is_limit
    badge = viewer.mapFromScene(item.mapToScene(item._limit_badge().center()))
    QTest.mouseClick(viewer.viewport(), Qt.MouseButton.LeftButton, pos=badge)
    qtbot.waitUntil(window.popovers.box.isVisible, timeout=LONG_MS)
    QTest.mouseClick(window.popovers.box.second_button, Qt.MouseButton.LeftButton)  # why
    qtbot.waitUntil(problems.row("limit:work").button.isVisible, timeout=LONG_MS)
    assert problems.row("limit:work").button.text() == advice
    QTest.mouseClick(problems.row("limit:work").button, Qt.MouseButton.LeftButton)
    assert window.session.document.cells["work"].scale.thread == 2
    qtbot.waitUntil(lambda: advising.trial.is_over, timeout=LONG_MS)
    assert advising.trial.measured_hz > advising.trial.before_hz
    assert control.snapshot.cells["work"].workers == 2
    assert "measured" in problems.row("trial").text.text()
    QTest.mouseClick(problems.row("trial").button, Qt.MouseButton.LeftButton)
    assert window.session.document.cells["work"].scale.thread == 1
    qtbot.waitUntil(lambda: control.snapshot.cells["work"].workers == 1, timeout=LONG_MS)
    press(window, "stop")
    qtbot.waitUntil(lambda: control.run.state == "stopped", timeout=LONG_MS)
    items = read_items(tmp_path / "out.jsonl")
    assert items == list(range(len(items)))


def test_a_killed_engine_is_told_and_run_works_again(qtbot, window, tmp_path) -> None:
    window.files.open(get_examples()["multiply"])
    before = window.session.document
    window.commands["run"].trigger()
    qtbot.waitUntil(lambda: window.run_control.run.run > 0, timeout=LONG_MS)
    os.kill(window.engine.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: window.engine.state == "ended", timeout=LONG_MS)
    assert window.session.document is before
    assert any("SIGKILL" in message.text for message in window.bottom._messages.values())
    window.commands["run"].trigger()
    qtbot.waitUntil(lambda: window.run_control.run.state == "ended", timeout=LONG_MS)
    assert not window.bottom._messages


def test_closing_asks_about_what_is_not_saved(qtbot, window, monkeypatch) -> None:
    window.canvas.add_cell("demo.Work")
    monkeypatch.setattr(QMessageBox, "exec", lambda _: QMessageBox.StandardButton.Cancel)
    window.close()
    assert window.isVisible()
    assert window.engine.pid
