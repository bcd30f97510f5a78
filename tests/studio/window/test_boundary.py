"""Ports of a nested pipeline, made and changed at its edge."""

import pytest
from gestures import at_node, at_port, double_click, drag
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu

from pypipeline_engine.catalogue.discovery import Catalogue
from pypipeline_engine.host import protocol
from pypipeline_engine.resources import get_examples
from pypipeline_studio.document import edits
from pypipeline_studio.panels.name_dialog import NameDialog


@pytest.fixture(scope="module")
def known() -> protocol.Catalogue:
    return protocol.Catalogue(types=tuple(Catalogue(installed=False).get_types()))


@pytest.fixture
def inside(file_window, known):
    """A window that shows the inside of `poly`."""
    file_window.session.set_catalogue(known)
    file_window.session.open(get_examples()["nested"])
    file_window.canvas.open_path(("poly",))
    return file_window


def ends(window, path=("poly",)) -> list[tuple[str, str]]:
    return [(c.source, c.target) for c in edits.body_at(window.session.document, path).connections]


def poly(window):
    return window.session.document.cells["poly"]


def choose(window, text) -> None:
    """Choose an entry of the open menu, as the mouse would."""
    menu = next(menu for menu in window.findChildren(QMenu) if text in [a.text() for a in menu.actions()])
    next(action for action in menu.actions() if action.text() == text).trigger()
    menu.close()


def press_p(window) -> None:
    window.canvas.setFocus()
    QTest.keyClick(window.canvas.viewer, Qt.Key.Key_P, Qt.KeyboardModifier.ShiftModifier)


def type_name(window, name) -> NameDialog:
    dialog = window.findChild(NameDialog)
    dialog.name.clear()
    QTest.keyClicks(dialog.name, name)
    QTest.mouseClick(dialog.take_button, Qt.MouseButton.LeftButton)
    return dialog


def test_a_wire_dropped_on_the_outputs_makes_one(inside) -> None:
    before = inside.session.document
    drag(inside.canvas, at_port(inside.canvas, "work", "item", is_output=True), at_node(inside.canvas, ">"))
    assert poly(inside).outputs == ["y", "item"]
    assert ("work.item", "item") in ends(inside)
    assert len(inside.canvas._nodes[">"].view.inputs) == 2
    inside.session.undo_stack.undo()
    assert inside.session.document is before


def test_a_wire_dropped_on_the_inputs_makes_one(inside) -> None:
    document = edits.show_as_input(inside.session.document, ("poly",), "work", "milliseconds", True)
    inside.session.edit("Show", document)
    drag(inside.canvas, at_port(inside.canvas, "work", "milliseconds"), at_node(inside.canvas, "<"))
    assert poly(inside).inputs == ["x", "milliseconds"]
    assert ("milliseconds", "work.milliseconds") in ends(inside)
    inside.canvas.leave()
    assert [port.name for port in inside.canvas._nodes["poly"].view.inputs] == ["x", "milliseconds"]


def test_the_end_of_a_wire_dragged_to_the_outputs_leaves_its_input(inside) -> None:
    drag(inside.canvas, at_port(inside.canvas, "add", "b"), at_node(inside.canvas, ">"))
    assert ("work.item", "add.b") not in ends(inside)
    assert ("work.item", "item") in ends(inside)
    assert inside.session.undo_stack.count() == 1


def test_a_wire_dropped_on_the_wrong_edge_does_nothing(inside) -> None:
    before = inside.session.document
    drag(inside.canvas, at_port(inside.canvas, "work", "item", is_output=True), at_node(inside.canvas, "<"))
    assert inside.session.document is before


def test_an_empty_pipeline_has_edges_to_drag_wires_to(inside) -> None:
    document, name = edits.add_cell(inside.session.document, (), "Pipeline", (0, 400))
    document, _ = edits.add_cell(document, (name,), "demo.Work", (0, 0))
    inside.session.edit("Add", document)
    inside.canvas.open_path((name,))
    drag(inside.canvas, at_port(inside.canvas, "work", "item"), at_node(inside.canvas, "<"))
    drag(inside.canvas, at_port(inside.canvas, "work", "item", is_output=True), at_node(inside.canvas, ">"))
    assert ends(inside, (name,)) == [("item", "work.item"), ("work.item", "item")]


def test_the_menu_of_a_port_makes_it_a_port_of_the_pipeline(inside) -> None:
    viewport = inside.canvas.viewer.viewport()
    at = at_port(inside.canvas, "square", "x squared")
    inside.canvas.menu_requested.emit((), viewport.mapToGlobal(at))
    choose(inside, "Make square.x squared an output of the pipeline")
    assert ("square.x squared", "x squared") in ends(inside)


def test_the_ports_of_the_selected_cell_are_offered_by_key(inside) -> None:
    inside.canvas.select(["add"])
    press_p(inside)
    choose(inside, "Make add.value an output of the pipeline")
    assert poly(inside).outputs == ["y", "value"]
    texts = {action.text(): action.isEnabled() for menu in inside.findChildren(QMenu) for action in menu.actions()}
    assert texts["add.a is fed by square.x squared"] is False


def test_a_port_is_renamed_and_the_connections_outside_follow(inside) -> None:
    before = inside.session.document
    double_click(inside.canvas, at_node(inside.canvas, "<", dy=40))
    type_name(inside, "number")
    assert poly(inside).inputs == ["number"]
    assert ("count.value", "poly.number") in ends(inside, ())
    assert inside.session.undo_stack.undoText() == "Rename the input x"
    inside.session.undo_stack.undo()
    assert inside.session.document is before


def test_a_name_that_cannot_be_is_explained_and_stays_to_be_mended(inside) -> None:
    before = inside.session.document
    inside.canvas.select([">"])
    press_p(inside)
    choose(inside, "Rename the output y …")
    dialog = type_name(inside, "a.b")
    assert dialog.isVisible()
    assert "contains a dot" in dialog.complaint.text()
    assert inside.session.document is before
    type_name(inside, "z")
    assert poly(inside).outputs == ["z"]


def test_a_port_is_added_and_removed_at_the_edge(inside) -> None:
    inside.canvas.select(["<"])
    press_p(inside)
    choose(inside, "Add an input …")
    type_name(inside, "x")  # taken
    type_name(inside, "more")
    assert poly(inside).inputs == ["x", "more"]
    press_p(inside)
    choose(inside, "Remove the input x")
    assert poly(inside).inputs == ["more"]
    assert ("count.value", "poly.x") not in ends(inside, ())
    inside.session.undo_stack.undo()
    assert ("count.value", "poly.x") in ends(inside, ())


def test_the_outermost_pipeline_has_no_ports(inside) -> None:
    inside.canvas.leave()
    inside.canvas.menu_requested.emit(("poly",), inside.mapToGlobal(QPoint(600, 400)))
    assert not [menu for menu in inside.findChildren(QMenu) if "Ports" in menu.title()]
    next(menu for menu in inside.findChildren(QMenu) if menu.isVisible()).close()
    press_p(inside)
    assert "outermost pipeline" in inside.statusBar().currentMessage()
