"""Wires without a mouse."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from pypipeline_engine.catalogue.discovery import Catalogue
from pypipeline_engine.host import protocol
from pypipeline_engine.resources import get_examples
from pypipeline_studio.panels.palette import CommandPalette


@pytest.fixture
def people(file_window):
    file_window.session.set_catalogue(protocol.Catalogue(types=tuple(Catalogue(installed=False).get_types())))
    file_window.session.open(get_examples()["people_tracking"])
    file_window.canvas.setFocus()
    return file_window


def choose(window, typed) -> str:
    """Press W, type, and Enter; what is said about the one that is chosen."""
    QTest.keyClick(window.canvas.viewer, Qt.Key.Key_W)
    popup = QApplication.activePopupWidget()
    assert isinstance(popup, CommandPalette)
    QTest.keyClicks(popup.search_field, typed)
    where = popup.entry_at(0).where
    QTest.keyClick(popup.search_field, Qt.Key.Key_Return)
    return where


def wires(window):
    return [(wire.source, wire.target) for wire in window.session.document.connections]


def test_cells_are_disconnected_and_connected_by_keys(people) -> None:
    before = people.session.document
    people.canvas.select(["track"])
    assert choose(people, "detect.boxes") == "Disconnect"
    assert ("detect.boxes", "track.boxes") not in wires(people)
    assert choose(people, "detect") == "Connect"
    assert ("detect.boxes", "track.boxes") in wires(people)
    assert people.canvas.hasFocus() or people.canvas.viewer.hasFocus()
    people.commands["undo"].trigger()
    people.commands["undo"].trigger()
    assert people.session.document == before


def test_a_wire_that_takes_the_place_of_another_says_so(people) -> None:
    people.canvas.select(["detect"])
    assert choose(people, "draw") == "Connect, instead of track.tracks"
    assert ("detect.boxes", "draw.boxes") in wires(people)
    assert ("track.tracks", "draw.boxes") not in wires(people)


def test_without_a_cell_it_is_said_what_is_missing(people) -> None:
    people.canvas.select(())
    QTest.keyClick(people.canvas.viewer, Qt.Key.Key_W)
    assert QApplication.activePopupWidget() is None
    assert "select the cell" in people.statusBar().currentMessage()
