"""What the tooltips of wires and ports tell while a graph runs."""

import pytest
from gestures import at_port, middle_of_wire, move
from looking_support import BOXES, BOXES_VALUE, IMAGE, IMAGE_VALUE, NUMBER, PlayedRun, number_value, open_graph
from panel_samples import figures, snapshot
from PySide6.QtCore import QEvent, QPoint
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QToolTip

from pypipeline_engine.host.protocol import Refusal
from pypipeline_studio.window.watching import NO_PICTURE


@pytest.fixture
def window(file_window, tmp_path):
    open_graph(file_window, tmp_path)
    yield file_window
    QToolTip.hideText()


@pytest.fixture
def run(window, monkeypatch):
    return PlayedRun(window, monkeypatch)


def begin(window, run) -> None:
    run.start()
    cells = {name: figures(0.5, 10.0) for name in window.session.document.cells}
    window.engine.snapshot_arrived.emit(snapshot(cells))


def rest(window, point) -> None:
    """Let the mouse rest at a point for as long as a tooltip takes."""
    viewport = window.canvas.viewer.viewport()
    move(window.canvas, point)
    QApplication.sendEvent(viewport, QHelpEvent(QEvent.Type.ToolTip, point, viewport.mapToGlobal(point)))


def asked(run) -> list:
    return [(one[0], one[1]) for one in run.names("preview", "stop_preview")]


def test_a_wire_tells_its_rate_and_one_value_and_asks_once(window, run) -> None:
    begin(window, run)
    rest(window, middle_of_wire(window.canvas, IMAGE, ("find", "image")))
    assert asked(run) == [("preview", IMAGE)]
    assert "waiting for a value" in QToolTip.text()
    run.value(IMAGE, IMAGE_VALUE, 1204)
    lines = QToolTip.text().splitlines()
    assert lines[0] == "paint.image → find.image"
    assert "10.0/s" in lines
    assert lines[-2:] == ["about 92.2 kB/s", "item 1,204: uint8 48x64x3 · 9.22 kB · 0 to 255, mean 70"]
    assert asked(run) == [("preview", IMAGE), ("stop_preview", IMAGE)]
    assert run.pictures == []


def test_boxes_are_counted(window, run) -> None:
    begin(window, run)
    rest(window, at_port(window.canvas, "find", "boxes", is_output=True))
    run.value(BOXES, BOXES_VALUE, 3)
    assert QToolTip.text().splitlines()[-1] == "item 3: 1 box · float32 1x5"


def test_ports_tell_it_too_inputs_that_of_their_wire(window, run) -> None:
    begin(window, run)
    rest(window, at_port(window.canvas, "count", "value", is_output=True))
    run.value(NUMBER, number_value(42), 3)
    assert QToolTip.text().splitlines()[-1] == "item 3: 42"
    rest(window, at_port(window.canvas, "end", "item"))
    assert asked(run)[-1] == ("preview", BOXES)


def test_nothing_is_asked_for_when_the_mouse_has_left(window, run) -> None:
    begin(window, run)
    rest(window, middle_of_wire(window.canvas, IMAGE, ("find", "image")))
    move(window.canvas, QPoint(2, 2))
    assert asked(run)[-1] == ("stop_preview", IMAGE)
    shown = QToolTip.text()
    run.value(IMAGE, IMAGE_VALUE)
    assert QToolTip.text() == shown


def test_without_a_run_the_tooltips_are_the_usual_ones(window, run) -> None:
    rest(window, middle_of_wire(window.canvas, IMAGE, ("find", "image")))
    assert asked(run) == []
    assert "waiting" not in QToolTip.text()


def test_why_there_is_no_value_is_told(window, run) -> None:
    begin(window, run)
    rest(window, middle_of_wire(window.canvas, IMAGE, ("find", "image")))
    run.answers["preview"][0](Refusal(message="paint runs in other processes"))
    assert QToolTip.text().splitlines()[-1] == "paint runs in other processes"


def test_what_somebody_looks_at_already_is_shown_at_once(window, run) -> None:
    begin(window, run)
    window.watching.want("tab", {NUMBER: NO_PICTURE})
    run.value(NUMBER, number_value(7), 3)
    rest(window, at_port(window.canvas, "count", "value", is_output=True))
    assert QToolTip.text().splitlines()[-1] == "item 3: 7"
