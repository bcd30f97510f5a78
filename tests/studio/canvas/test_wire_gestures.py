"""A cell that is dropped on a wire, and a line that is drawn across wires."""

import pytest
from gestures import at_node, drag, middle_of_wire, move
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest

from pypipeline_engine.graph.model import CellEntry, ConnectionEntry, Document
from pypipeline_studio.canvas.viewer import CELL_MIME
from pypipeline_studio.document import edits

PLACES = {"count": (0, 0), "write": (800, 0), "work": (380, 300), "other": (0, 300)}
SLICE = Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def line(session, canvas):
    """count -> write, far from each other, and two cells below that nothing is connected with."""
    session.begin(
        Document(
            name="line",
            cells={
                "count": CellEntry(type="sources.Counter"),
                "write": CellEntry(type="sinks.JsonLines"),
                "work": CellEntry(type="demo.Work"),
                "other": CellEntry(type="sources.Counter"),
            },
            connections=[ConnectionEntry(source="count.value", target="write.item")],
            view={
                "count": {"pos": [0, 0]},
                "write": {"pos": [800, 0]},
                "work": {"pos": [380, 300]},
                "other": {"pos": [0, 300]},
            },
        )
    )
    canvas.viewer.zoom_by(1 / canvas.viewer.get_scale())
    canvas.fit_all()
    return session


def wires(session):
    return sorted((c.source, c.target) for c in session.document.connections)


def middle(canvas, source, target):
    return middle_of_wire(canvas, tuple(source.split(".")), tuple(target.split(".")))


def over_wire(canvas, name):
    """Where to drag the title of a cell so that its body lies on the wire."""
    over = middle(canvas, "count.value", "write.item")
    item = canvas._nodes[name].view
    _, top, _, bottom = item.box()
    scale = canvas.viewer.get_scale()
    return over - QPoint(0, round((bottom - top) / 2 * scale)) + QPoint(0, round(14 * scale))


def test_a_cell_that_is_dropped_on_a_wire_is_put_in_between(canvas, line):
    drag(canvas, at_node(canvas, "work"), over_wire(canvas, "work"))
    assert wires(line) == [("count.value", "work.item"), ("work.item", "write.item")]
    assert line.undo_stack.undoText() == "Insert work"
    line.undo_stack.undo()
    assert wires(line) == [("count.value", "write.item")]
    assert line.document.view["work"]["pos"] == [380, 300]


def test_the_wire_is_marked_while_the_cell_is_over_it(canvas, line):
    (pipe,) = canvas._pipes.values()
    drag(canvas, at_node(canvas, "work"), over_wire(canvas, "work"), release=False)
    assert pipe._highlight
    move(canvas, QPoint(5, canvas.height() - 5), Qt.MouseButton.LeftButton)
    assert not pipe._highlight
    QTest.mouseRelease(canvas.viewer.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(5, canvas.height() - 5))
    assert wires(line) == [("count.value", "write.item")]


def test_a_cell_that_does_not_fit_is_only_moved(canvas, line):
    """A source takes nothing but parameters."""
    drag(canvas, at_node(canvas, "other"), over_wire(canvas, "other"))
    assert wires(line) == [("count.value", "write.item")]
    assert line.undo_stack.undoText() == "Move other"


def test_a_cell_that_is_connected_is_only_moved(canvas, line):
    line.edit("Connect", edits.connect(line.document, (), "other.value", "work.item"))
    drag(canvas, at_node(canvas, "work"), over_wire(canvas, "work"))
    assert wires(line) == [("count.value", "write.item"), ("other.value", "work.item")]


def drop_cell(canvas, at):
    data = QMimeData()
    data.setData(CELL_MIME, b"demo.Work")
    canvas.viewer.dropEvent(
        QDropEvent(
            QPointF(at), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        )
    )


def test_a_cell_from_the_list_is_put_into_the_wire_on_which_it_is_dropped(canvas, line):
    drop_cell(canvas, middle(canvas, "count.value", "write.item"))
    (added,) = canvas.selected()
    assert set(wires(line)) == {("count.value", f"{added}.item"), (f"{added}.item", "write.item")}


@pytest.mark.parametrize("is_new", [False, True])
def test_a_short_wire_becomes_long_enough_for_the_cell_in_one_step(canvas, line, is_new):
    line.edit("Move", edits.move_cells(line.document, (), {"write": (250, 0)}))
    before, steps = line.document, line.undo_stack.count()
    if is_new:
        drop_cell(canvas, middle(canvas, "count.value", "write.item"))
    else:
        drag(canvas, at_node(canvas, "work"), over_wire(canvas, "work"))
    (name,) = canvas.selected()
    assert set(wires(line)) == {("count.value", f"{name}.item"), (f"{name}.item", "write.item")}
    count, added, write = (canvas.boxes()[cell] for cell in ("count", name, "write"))
    assert count[:2] == (0, 0)
    assert count[2] < added[0]
    assert added[2] < write[0]
    assert canvas.boxes()["other"][:2] == (0, 300)
    assert line.undo_stack.count() == steps + 1
    line.undo_stack.undo()
    assert line.document == before
    assert canvas.boxes()["write"][:2] == (250, 0)


def test_a_line_across_wires_cuts_them_in_one_step(canvas, line):
    line.edit("Connect", edits.connect(line.document, (), "count.value", "work.item"))
    before = wires(line)
    start = canvas._nodes["count"].view
    scene_x = start.box()[2] + 30  # where both wires have left their port
    viewer = canvas.viewer
    top = viewer.mapFromScene(QPointF(scene_x, start.box()[1] - 60))
    bottom = viewer.mapFromScene(QPointF(scene_x, start.box()[3] + 200))
    drag(canvas, top, bottom, modifiers=SLICE)
    assert wires(line) == []
    assert line.undo_stack.undoText() == "Disconnect 2 connections"
    line.undo_stack.undo()
    assert wires(line) == before


def test_a_line_that_meets_nothing_cuts_nothing(canvas, line):
    steps = line.undo_stack.count()
    drag(canvas, QPoint(3, 3), QPoint(3, 60), modifiers=SLICE)
    assert line.undo_stack.count() == steps
    assert wires(line) == [("count.value", "write.item")]


def test_a_line_with_a_corner_on_the_wire_cuts_it(canvas, line):
    over = middle(canvas, "count.value", "write.item")
    drag(canvas, over - QPoint(0, 40), over + QPoint(0, 40), modifiers=SLICE)  # half of the way is exactly on it
    assert wires(line) == []


def test_escape_takes_the_line_away(canvas, line):
    over = middle(canvas, "count.value", "write.item")
    canvas.select(["work"])
    drag(canvas, over - QPoint(0, 40), over + QPoint(0, 40), modifiers=SLICE, release=False)
    (pipe,) = canvas._pipes.values()
    assert pipe._highlight
    QTest.keyClick(canvas.viewer, Qt.Key.Key_Escape, SLICE)
    assert not canvas.viewer._slicer.is_active
    assert not pipe._highlight
    move(canvas, over - QPoint(30, 40), Qt.MouseButton.LeftButton, SLICE)
    QTest.mouseRelease(canvas.viewer.viewport(), Qt.MouseButton.LeftButton, SLICE, over - QPoint(30, 40))
    assert wires(line) == [("count.value", "write.item")]
    assert canvas.selected() == ("work",)
