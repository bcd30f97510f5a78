"""Help on cells, and their sources."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from pypipeline_engine.catalogue.discovery import Catalogue as Discovered
from pypipeline_engine.graph.model import CellEntry, Document
from pypipeline_engine.host.protocol import Catalogue
from pypipeline_studio.panels.cell_help import CellHelp, help_text


@pytest.fixture
def window(file_window, monkeypatch):
    types = Discovered(installed=False).get_types("vision")
    file_window.session.set_catalogue(Catalogue(types=tuple(types)))
    cells = {
        "blur": CellEntry(type="vision.GaussianBlur"),
        "gone": CellEntry(type="no.Such"),
        "nested": CellEntry(type="Pipeline", cells={}),
    }
    file_window.session.begin(Document(name="g", cells=cells))
    file_window.opened = []
    monkeypatch.setattr(file_window.sources, "open", lambda file, line=1: file_window.opened.append((file, line)))
    return file_window


def test_the_source_of_a_cell_that_ships_opens_at_its_class(window):
    window.canvas.select(["blur"])
    window.canvas.setFocus()
    QTest.keyClick(window.canvas.viewer, Qt.Key.Key_F4)
    ((file, line),) = window.opened
    assert Path(file).read_text(encoding="utf-8").splitlines()[line - 1].startswith("class GaussianBlur")


@pytest.mark.parametrize("name", ["gone", "nested"])
def test_what_has_no_source_is_told(window, name):
    window.canvas.select([name])
    window.commands["open_source"].trigger()
    assert window.opened == []
    assert name in window.statusBar().currentMessage()


def test_f1_shows_help_on_the_selected_cell_with_its_source(window):
    window.canvas.select(["blur"])
    QTest.keyClick(window, Qt.Key.Key_F1)
    shown = window.findChild(CellHelp)
    text = shown.text.toPlainText()
    assert "Smooths an image with a Gaussian kernel" in text
    assert "sigma_x" in text and "from 0 to 100 px" in text
    QTest.mouseClick(shown.source_button, Qt.MouseButton.LeftButton)
    assert len(window.opened) == 1


def test_the_question_mark_of_the_inspector_shows_the_same(window):
    window.canvas.select(["blur"])
    QTest.mouseClick(window.inspector.head.question, Qt.MouseButton.LeftButton)
    assert window.findChild(CellHelp).windowTitle() == "Help on vision.GaussianBlur"


def test_f1_in_the_list_of_cells_is_about_the_row_there(window):
    window.canvas.select(["gone"])
    tree = window.library.tree
    tree.setCurrentItem(tree.topLevelItem(0).child(1))
    tree.setFocus()
    QTest.keyClick(window, Qt.Key.Key_F1)
    assert window.findChild(CellHelp).windowTitle() == f"Help on {window.library.current_type().name}"


def test_help_shows_texts_of_cells_as_they_are(window):
    blur = window.session.types.find("vision.GaussianBlur")
    text = help_text(blur.model_copy(update={"description": "a < b & `x`\n\n<b>bold</b>"}))
    assert "a &lt; b &amp; <code>x</code>" in text
    assert "&lt;b&gt;bold" in text
