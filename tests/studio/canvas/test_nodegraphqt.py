"""What is used of NodeGraphQt works as it is used, and what is switched off stays off."""

import subprocess
import sys
from dataclasses import replace

import pytest
from canvas_sheet import DETECT, Sheet

from pypipeline_studio.canvas.node_item import StudioNodeItem
from pypipeline_studio.canvas.pipe_item import StudioPipe
from pypipeline_studio.canvas.port_item import StudioPort
from pypipeline_studio.canvas.scene import StudioScene


@pytest.fixture
def sheet(qtbot):
    sheet = Sheet()
    yield sheet
    sheet.close()


def test_importing_it_takes_pyside_and_warns_of_nothing() -> None:
    script = "import pypipeline_studio.canvas.canvas, Qt; assert Qt.__binding__ == 'PySide6', Qt.__binding__"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_the_items_are_ours(sheet) -> None:
    first = sheet.add("first", DETECT)
    sheet.add("second", replace(DETECT, name="second", position=(300.0, 0.0)))
    pipe = sheet.wire("first", "boxes", "second", "image")
    assert isinstance(sheet.viewer.scene(), StudioScene)
    assert isinstance(first, StudioNodeItem)
    assert isinstance(first.inputs[0], StudioPort)
    assert isinstance(pipe, StudioPipe)


def test_nothing_gets_onto_the_undo_stack(sheet) -> None:
    sheet.add("first", DETECT)
    sheet.add("second", replace(DETECT, name="second", position=(300.0, 0.0)))
    pipe = sheet.wire("first", "boxes", "second", "image")
    sheet.graph.place(sheet.nodes["first"], (10.0, 20.0))
    sheet.graph.disconnect_pipe(pipe)
    sheet.graph.remove_studio_node(sheet.nodes["first"])
    assert sheet.stack.count() == 0


def test_an_input_keeps_its_old_wire_until_it_is_taken_away(sheet) -> None:
    for index in range(3):
        sheet.add(index, replace(DETECT, name=f"n{index}", position=(300.0 * index, 0.0)))
    sheet.wire(0, "boxes", 2, "image")
    pipe = sheet.wire(1, "boxes", 2, "image")
    (port,) = sheet.nodes[2].view.inputs
    assert len(port.connected_pipes) == 2
    sheet.graph.disconnect_pipe(pipe)
    assert [found.node.name for found in port.connected_ports] == ["n0"]


def test_a_port_that_is_not_there_gives_no_wire(sheet) -> None:
    sheet.add("first", DETECT)
    assert sheet.graph.connect_ports(sheet.nodes["first"], "nothing", sheet.nodes["first"], "image") is None


def test_own_texts_and_marks_stay_hidden(sheet) -> None:
    item = sheet.add("first", DETECT)
    item.disabled = True
    item.name = "another"
    item.draw_node()
    parts = (item._text_item, item._icon_item, item._x_item, *item._input_items.values(), *item._output_items.values())
    assert not any(part.isVisible() for part in parts)
    assert not item.disabled


def test_a_selected_wire_keeps_its_place_below_labels(sheet) -> None:
    sheet.add("first", DETECT)
    sheet.add("second", replace(DETECT, name="second", position=(400.0, 0.0)))
    pipe = sheet.wire("first", "boxes", "second", "image")
    before = pipe.zValue()
    for change in (pipe.activate, pipe.highlight, pipe.reset):
        change()
        assert pipe.zValue() == before < sheet.labels.zValue()
