"""Editing several selected cells in the inspector of the window, by real events."""

import json

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from pypipeline_engine.catalogue.discovery import Catalogue as Discovered
from pypipeline_engine.graph.model import OnError
from pypipeline_engine.host.protocol import Catalogue, HostInfo
from pypipeline_engine.resources import get_examples

LEFT, ENTER = Qt.MouseButton.LeftButton, Qt.Key.Key_Return


@pytest.fixture(scope="module")
def known() -> Catalogue:
    return Catalogue(types=tuple(Discovered(installed=False).get_types()))


@pytest.fixture
def window(qtbot, file_window, known, tmp_path):
    cells = {
        "one": {"type": "vision.Resize", "parameters": {"width": 320}},
        "two": {"type": "vision.Resize", "parameters": {"width": 640}, "scale": {"thread": 2}},
        "track": {"type": "tracking.Sort"},
    }
    path = tmp_path / "graph.json"
    path.write_text(json.dumps({"format": "pypipeline.graph", "version": 1, "cells": cells, "connections": []}))
    file_window.session.set_catalogue(known)
    file_window.session.open(path)
    file_window.activateWindow()
    qtbot.waitUntil(file_window.isActiveWindow)
    return file_window


@pytest.fixture
def panel(window):
    window.canvas.select(["one", "two"])
    return window.inspector.several


def type_into(field, text) -> None:
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, ENTER)


def test_what_differs_is_shown_as_mixed_and_changed_in_one_step(window, panel) -> None:
    assert panel.isVisible()
    assert panel.title.text() == "2 cells selected"
    field = panel.rows["width"]._fields[0]
    assert field.text() == ""
    assert field.placeholderText() == "mixed"
    assert "two: 640" in panel.rows["width"].editor.toolTip()
    before = window.session.document
    type_into(field, "200")
    cells = window.session.document.cells
    assert [cells[name].parameters["width"] for name in ("one", "two")] == [200, 200]
    assert panel.rows["width"]._fields[0].text() == "200"
    assert window.session.undo_stack.undoText() == "Set width of 2 cells"
    window.session.undo_stack.undo()
    assert window.session.document == before
    assert panel.rows["width"]._fields[0].placeholderText() == "mixed"


def test_a_wrong_value_is_explained_and_nothing_changes(window, panel) -> None:
    before = window.session.document
    type_into(panel.rows["width"]._fields[0], "wide")
    assert "width" in panel.rows["width"]._fields[0].complaint
    assert window.session.document == before


def test_all_go_back_to_their_defaults(window, panel) -> None:
    QTest.mouseClick(panel.rows["width"].reset_button, LEFT)
    assert all("width" not in window.session.document.cells[name].parameters for name in ("one", "two"))
    assert window.session.undo_stack.count() == 1
    assert not panel.rows["width"].reset_button.isEnabled()


def test_numbers_of_clones_are_set_and_added_to(window, panel) -> None:
    assert panel.clones.placeholderText() == "mixed"
    QTest.mouseClick(panel.more, LEFT)
    assert [window.session.document.cells[name].scale.thread for name in ("one", "two")] == [1, 3]
    type_into(panel.clones, "4")
    assert [window.session.document.cells[name].scale.thread for name in ("one", "two")] == [4, 4]
    assert panel.clones.text() == "4"
    assert window.session.undo_stack.count() == 2


def test_a_cell_that_keeps_a_state_stays_and_that_is_said(window) -> None:
    window.canvas.select(["one", "track"])
    panel = window.inspector.several
    assert "track keeps a state" in panel._limit.text()
    type_into(panel.clones, "3")
    assert window.session.document.cells["one"].scale.thread == 3
    assert window.session.document.cells["track"].scale is None
    assert "track keeps its state" in window.status.currentMessage()
    assert panel.clones.text() == ""


def test_the_method_the_queue_and_the_policy(window, panel) -> None:
    info = HostInfo(protocol=1, engine_version="1", python_version="3", pid=1, nb_cpus=2, has_ray=True)
    window.engine.info_arrived.emit(info)
    window._inspection.show_selection()
    panel.method.setFocus()
    panel.method.activated.emit(1)
    assert window.session.document.cells["two"].scale.ray == 2
    type_into(panel.capacity, "9")
    assert {window.session.document.cells[name].scale.queue_capacity for name in ("one", "two")} == {9}
    panel.policy.activated.emit(1)
    assert {window.session.document.cells[name].on_error for name in ("one", "two")} == {OnError(then="skip")}
    assert panel.policy.currentText() == "Skip item"
    assert window.session.undo_stack.count() == 3


def test_a_mixed_flag_is_set_for_all_by_one_click(window, panel) -> None:
    window.canvas.select(["one"])
    window.canvas.set_flag("disabled")
    window.canvas.select(["one", "two"])
    box, mixed = panel.flags["disabled"]
    assert mixed.isVisible()
    assert not box.isChecked()
    QTest.mouseClick(box, LEFT)
    assert all(window.session.document.cells[name].disabled for name in ("one", "two"))
    assert not mixed.isVisible()
    QTest.mouseClick(box, LEFT)
    assert not any(window.session.document.cells[name].disabled for name in ("one", "two"))


def test_another_graph_is_opened_while_several_are_selected(window, panel) -> None:
    window.session.open(get_examples()["nested"])
    assert not panel.isVisible()
    assert window.inspector.cell == ""


def test_one_cell_and_none_are_shown_as_before(window, panel) -> None:
    window.canvas.select(["one"])
    assert window.inspector.cell == "one"
    assert not panel.isVisible()
    window.canvas.select(())
    assert window.inspector.cell == ""
