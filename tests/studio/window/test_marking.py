"""Colours of cells and comment boxes."""

import pytest
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu

from pypipeline_engine.graph.writer import to_text
from pypipeline_engine.resources import get_examples
from pypipeline_studio.document.comments import add_comment
from pypipeline_studio.theme.colours import mark_colour
from pypipeline_studio.theme.tokens import MARKS


@pytest.fixture
def people(file_window):
    file_window.session.open(get_examples()["people_tracking"])
    return file_window


def press_k(window) -> dict:
    window.canvas.setFocus()
    QTest.keyClick(window.canvas.viewer, Qt.Key.Key_K)
    menus = [menu for menu in window.findChildren(QMenu) if menu.isVisible() and menu.title() == "Colour"]
    return {action.text(): action for menu in menus for action in menu.actions()}


def choose(window, text) -> None:
    action = press_k(window)[text]
    action.trigger()
    action.parent().close()


def test_the_selection_gets_a_colour_in_one_step(people) -> None:
    before = people.session.document
    people.canvas.select(["detect", "track"])
    choose(people, "Teal")
    view = people.session.document.view
    assert view["detect"] == {"pos": [280, 0], "colour": "teal"}
    assert view["track"]["colour"] == "teal"
    assert '"detect": {"pos": [280, 0], "colour": "teal"}' in to_text(people.session.document)
    assert people.canvas.presentation.nodes["detect"].mark == "teal"
    assert people.session.undo_stack.count() == 1
    people.session.undo_stack.undo()
    assert people.session.document is before
    assert people.canvas.presentation.nodes["detect"].mark == ""


def test_the_menu_shows_the_colour_and_takes_it_away(people) -> None:
    before = people.session.document
    people.canvas.select(["detect"])
    choose(people, "Rose")
    offered = press_k(people)
    assert [text for text, action in offered.items() if action.isChecked()] == ["Rose"]
    offered["None"].trigger()
    offered["None"].parent().close()
    assert to_text(people.session.document) == to_text(before)


def test_cells_and_comment_boxes_are_coloured_together(people) -> None:
    document, key = add_comment(people.session.document, (), (0, 400, 200, 100))
    people.session.edit("", document)
    people.canvas.select(["video"])
    people.canvas.comments.select([key])
    choose(people, "Blue")
    view = people.session.document.view
    assert (view["video"]["colour"], view[key]["colour"]) == ("blue", "blue")
    assert people.session.undo_stack.undoText() == "Colour 2 items"
    people.canvas.select([])
    people.canvas.comments.select([key])
    assert "None" not in press_k(people)


def test_nothing_selected_is_told(people) -> None:
    people.canvas.select([])
    assert press_k(people) == {}
    assert "Nothing is selected" in people.statusBar().currentMessage()


@pytest.mark.parametrize("scale", [1.0, 0.5, 0.3])
def test_the_mark_is_painted_at_every_zoom(people, scale) -> None:
    people.canvas.select(["detect"])
    people.marking.set_mark("green")
    people.canvas.select([])
    viewer = people.canvas.viewer
    left, top, right, bottom = people.canvas.boxes()["detect"]
    viewer.show_rectangle(QRectF(QPointF(left, top), QPointF(right, bottom)), most=scale)
    assert viewer.get_scale() == pytest.approx(scale)
    picture = viewer.viewport().grab().toImage()
    x = viewer.mapFromScene(QPointF((left + right) / 2, top)).x()
    column = {picture.pixelColor(x, y).name() for y in range(picture.height())}
    assert mark_colour("green").name() in column


def test_a_colour_that_is_not_known_is_kept_and_not_painted(people) -> None:
    view = {**people.session.document.view, "detect": {"pos": [280, 0], "colour": "mauve"}}
    people.session.edit("", people.session.document.model_copy(update={"view": view}))
    assert "mauve" not in MARKS
    people.canvas.viewer.viewport().grab()
    assert '"colour": "mauve"' in to_text(people.session.document)
    assert "Marked" not in people.canvas._nodes["detect"].view.toolTip()
