"""Layout and alignment by keys, in the window."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu

from pypipeline_engine.resources import get_examples
from pypipeline_studio.document import edits
from pypipeline_studio.window.menus import ALIGNMENTS, SEPARATOR

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def press(window, key, modifiers) -> None:
    window.canvas.setFocus()
    QTest.keyClick(window.canvas.viewer, key, modifiers)


def place(window, name, path=()) -> tuple[float, float]:
    return edits.position_of(edits.body_at(window.session.document, path), name)


@pytest.fixture
def people(file_window):
    file_window.session.open(get_examples()["people_tracking"])
    return file_window


def test_the_graph_is_laid_out_in_one_step(people) -> None:
    session = people.session
    heap = edits.move_cells(session.document, (), dict.fromkeys(session.document.cells, (50, 70)))
    session.edit("Heap", heap)
    press(people, Qt.Key.Key_F, CTRL | SHIFT)
    places = [place(people, name) for name in session.document.cells]
    assert (min(x for x, _ in places), min(y for _, y in places)) == (48, 72)
    columns = [place(people, name)[0] for name in ("video", "detect", "track", "draw", "people")]
    assert columns == sorted(set(columns))
    boxes = list(people.canvas.boxes().values())
    assert not [
        (a, b) for i, a in enumerate(boxes) for b in boxes[:i]
        if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
    ]  # fmt: skip
    assert all(
        people.canvas.viewer.viewport().rect().contains(people.canvas.viewer.mapFromScene(b[0], b[1])) for b in boxes
    )
    session.undo_stack.undo()
    assert session.document is heap


def test_a_selection_is_laid_out_where_it_is(people) -> None:
    before = people.session.document
    moved = edits.move_cells(before, (), {"detect": (480, 480), "track": (480, 720)})
    people.session.edit("Move", moved)
    people.canvas.select(["detect", "track"])
    press(people, Qt.Key.Key_F, CTRL | SHIFT)
    assert (place(people, "detect"), place(people, "track")) == ((480, 480), (768, 480))
    for name in set(before.cells) - {"detect", "track"}:
        assert place(people, name) == edits.position_of(before, name)
    assert people.canvas.selected() == ("detect", "track")


def test_the_edges_of_a_nested_pipeline_are_laid_out_as_well(file_window) -> None:
    file_window.session.open(get_examples()["nested"])
    file_window.canvas.open_path(("poly",))
    press(file_window, Qt.Key.Key_F, CTRL | SHIFT)
    columns = [place(file_window, name, ("poly",))[0] for name in ("<", "work", "square", "add", ">")]
    assert columns == [columns[0] + 288 * index for index in range(5)]


def test_a_loop_does_not_stretch_the_graph(file_window) -> None:
    file_window.session.open(get_examples()["fibonacci"])
    press(file_window, Qt.Key.Key_F, CTRL | SHIFT)
    assert place(file_window, "delay")[0] < place(file_window, "add")[0]


def test_nodes_are_aligned_by_keys_in_one_step(people) -> None:
    before = people.session.document
    people.canvas.select(["detect", "draw"])
    press(people, Qt.Key.Key_Left, CTRL | SHIFT)
    assert place(people, "detect")[0] == place(people, "draw")[0] == edits.position_of(before, "detect")[0]
    assert place(people, "draw")[1] == edits.position_of(before, "draw")[1]
    people.session.undo_stack.undo()
    assert people.session.document is before


def test_every_alignment_is_in_the_menus_and_does_what_it_says(people) -> None:
    titles = {menu.title().replace("&", ""): menu for menu in people.menuBar().findChildren(QMenu)}
    assert [action.text() for action in titles["Align"].actions() if action.text()] == [
        people.commands[key].text() for key in ALIGNMENTS if key != SEPARATOR
    ]
    edges = {"left": 0, "right": 2, "top": 1, "bottom": 3}
    for edge in ("left", "centre", "right", "top", "middle", "bottom"):
        people.canvas.select(["video", "detect", "people"])
        people.commands[f"align_{edge}"].trigger()
        boxes = [people.canvas.boxes()[name] for name in ("video", "detect", "people")]
        if edge in edges:
            assert len({box[edges[edge]] for box in boxes}) == 1
        else:
            axis = edge == "middle"
            middles = [box[axis] + box[axis + 2] for box in boxes]
            assert max(middles) - min(middles) <= 2  # places are whole pixels
        people.session.undo_stack.undo()


def test_nodes_are_distributed(people) -> None:
    people.session.edit("Move", edits.move_cells(people.session.document, (), {"detect": (250, 0)}))
    people.canvas.select(["video", "detect", "track"])
    press(people, Qt.Key.Key_H, CTRL | SHIFT)
    assert [place(people, name)[0] for name in ("video", "detect", "track")] == [0, 280, 560]
    people.commands["distribute_vertically"].trigger()
    assert people.session.undo_stack.undoText() == "Distribute 3 nodes"


def test_too_few_nodes_are_told(people) -> None:
    before = people.session.document
    people.canvas.select(["video"])
    people.commands["align_top"].trigger()
    assert "at least 2" in people.statusBar().currentMessage()
    people.commands["distribute_vertically"].trigger()
    assert "at least 3" in people.statusBar().currentMessage()
    assert people.session.document is before
