"""Problems of the graph in the window: a click shows where they are, the button mends them."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

from pypipeline_engine.catalogue.discovery import Catalogue as Discovered
from pypipeline_engine.graph.check import check
from pypipeline_engine.graph.model import CellEntry, ConnectionEntry, Document, Scale
from pypipeline_engine.host.protocol import Catalogue, GraphProblem, Validation
from pypipeline_studio.window.bottom import PROBLEMS_TAB

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture(scope="module")
def known() -> Catalogue:
    return Catalogue(types=tuple(Discovered(installed=False).get_types()))


@pytest.fixture
def window(qtbot, file_window, known):
    file_window.session.set_catalogue(known)
    file_window.bottom.show_tab(PROBLEMS_TAB)
    return file_window


def look(window) -> None:
    """What the engine does after an edit."""
    found = check(window.session.document, window.session.types)
    problems = [
        GraphProblem(message=p.message, severity=p.severity, path=p.path, cell=p.cell, line=p.line) for p in found
    ]
    window.session.set_validation(Validation(problems=tuple(problems)))


def row_with(window, text):
    return next(row for row in window.bottom.problems.rows.values() if text in row.text.text())


def nested(**inner) -> Document:
    cells = {"post": CellEntry(type="Pipeline", **inner), "a": CellEntry(type="sources.Counter")}
    return Document(name="graph", cells=cells)


def test_the_button_mends_it_in_one_step_where_it_is(window) -> None:
    document = nested(cells={"track": CellEntry(type="tracking.Sort", scale=Scale(thread=4))})
    window.session.begin(document)
    look(window)
    row = row_with(window, "does not support scaling")
    assert row.button.text() == "Run it without clones"
    QTest.mouseClick(row.button, LEFT)
    assert window.session.document.find(("post", "track")).scale is None
    assert window.canvas.path == ("post",)
    assert window.canvas.selected() == ("track",)
    assert window.session.undo_stack.undoText() == "Run it without clones: post.track"
    window.session.undo_stack.undo()
    assert window.session.document == document


def test_a_click_shows_a_connection_in_a_nested_pipeline(window) -> None:
    window.session.begin(
        nested(
            cells={"count": CellEntry(type="sources.Counter"), "d": CellEntry(type="detection.HogPeople")},
            connections=[ConnectionEntry(source="count.value", target="d.image")],
        )
    )
    look(window)
    row = row_with(window, "is expected")
    assert row.title.text() == "count.value → d.image"
    QTest.mouseClick(row.title, LEFT)
    assert window.canvas.path == ("post",)
    assert [pipe.isSelected() for pipe in window.canvas._pipes.values()] == [True]
    QTest.mouseClick(row.button, LEFT)
    assert window.session.document.cells["post"].connections == []


def test_a_connection_that_cannot_be_drawn_shows_the_cell_at_its_other_end(window) -> None:
    cells = {"a": CellEntry(type="sources.Counter"), "w": CellEntry(type="demo.Work")}
    wires = [ConnectionEntry(source="xyzzy.value", target="w.item")]
    window.session.begin(Document(name="graph", cells=cells, connections=wires))
    look(window)
    QTest.mouseClick(row_with(window, "there is no cell").title, LEFT)
    assert window.canvas.selected() == ("w",)


def test_a_file_is_chosen_and_written_as_it_is_in_graphs(qtbot, window, tmp_path) -> None:
    video = CellEntry(type="sources.VideoFile")
    window.session.begin(Document(name="graph", cells={"video": video}))
    window.session.save(tmp_path / "graph.json")
    look(window)
    row = row_with(window, "must be set")
    assert row.button.text() == "Choose a file …"
    QTest.mouseClick(row.button, LEFT)
    dialog = window.findChild(QFileDialog, "fix_file")
    dialog.fileSelected.emit(str(tmp_path / "films" / "people.avi"))
    dialog.close()
    assert window.session.document.cells["video"].parameters == {"path": "films/people.avi"}


def test_without_an_obvious_fix_the_button_shows_the_cell(window) -> None:
    window.session.begin(Document(name="graph", cells={"d": CellEntry(type="detection.HogPeople")}))
    look(window)
    row = row_with(window, "is not connected")
    assert row.button.text() == "Show"
    QTest.mouseClick(row.button, LEFT)
    assert window.canvas.selected() == ("d",)
    assert not window.session.undo_stack.canUndo()
