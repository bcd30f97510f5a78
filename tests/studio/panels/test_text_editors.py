"""Editors of texts, JSON, colours and paths, with real keys."""

import pytest
from panel_samples import FLOAT, INT, TEXT, parameter, value_type
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QColorDialog

from pypipeline_engine.catalogue.model import Folders
from pypipeline_studio.panels.colour_editor import ColourEditor
from pypipeline_studio.panels.parameter_rows import ParameterRow
from pypipeline_studio.panels.parameter_values import MISSING

CTRL = Qt.KeyboardModifier.ControlModifier
TEXT_ROW = parameter("text", TEXT, "")
LIST_ROW = parameter("mean", value_type("list", FLOAT), [0.0])
COLOUR_ROW = parameter("color", TEXT, "#ffffff")


class Shown:
    """A row that shows what it was given last, as the inspector does."""

    def __init__(self, row):
        self.row, self.editor = row, row.editor
        self.edits = []
        row.edited.connect(self._take)

    def show(self, value, *, is_connected=False, is_running=False):
        self.row.show_value(value, False, is_connected, is_running)

    def _take(self, _name, value, is_finished):
        self.edits.append((value, is_finished))
        self.show(value)


@pytest.fixture
def make(show, tmp_path):
    def make(declared, value=MISSING):
        row = ParameterRow(declared, "cell", Folders(tmp_path, tmp_path), 0)
        shown = Shown(show(row, 292, 200))
        shown.show(value)
        return shown

    return make


def click(button):
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_a_text_is_written_in_several_lines(make):
    shown = make(TEXT_ROW, "one")
    assert not shown.editor.long_field.isVisible()
    click(shown.editor.button)
    field = shown.editor.long_field
    assert field.hasFocus()
    assert not shown.editor.field.isVisible()
    QTest.keyClick(field, Qt.Key.Key_End, CTRL)
    QTest.keyClick(field, Qt.Key.Key_Return)
    QTest.keyClicks(field, "two")
    assert shown.edits == []
    QTest.keyClick(field, Qt.Key.Key_Return, CTRL)
    assert shown.edits == [("one\ntwo", True)]
    assert not shown.editor.button.isEnabled()  # one line cannot show it


def test_a_text_that_has_lines_is_shown_in_lines(make):
    shown = make(TEXT_ROW, "one\ntwo\r\nthree")
    assert shown.editor.long_field.isVisible()
    assert shown.editor.long_field.toPlainText().splitlines() == ["one", "two", "three"]
    shown.editor.long_field.setFocus()
    QTest.keyClick(shown.editor.long_field, Qt.Key.Key_Tab)  # goes on, and changes nothing
    assert not shown.editor.long_field.hasFocus()
    assert shown.edits == []


def test_leaving_takes_several_lines_and_escape_takes_them_back(make):
    shown = make(TEXT_ROW, "a\nb")
    field = shown.editor.long_field
    field.setFocus()
    QTest.keyClicks(field, "x")
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert field.toPlainText() == "a\nb"
    QTest.keyClicks(field, "x")
    shown.show("a\nc")  # what is being typed stays
    assert field.toPlainText() == "xa\nb"
    QTest.keyClick(field, Qt.Key.Key_Tab)
    assert shown.edits == [("xa\nb", True)]


def test_json_is_indented_and_checked_while_it_is_typed(make):
    shown = make(LIST_ROW, [1.0, 2.0])
    click(shown.editor.button)
    field = shown.editor.long_field
    assert field.toPlainText() == "[\n  1.0,\n  2.0\n]"
    field.selectAll()
    QTest.keyClicks(field, "[3, ")
    assert field.property("wrong")
    assert "no JSON" in shown.row.complaint.text()
    QTest.keyClick(field, Qt.Key.Key_Return, CTRL)
    assert shown.edits == []
    QTest.keyClick(field, Qt.Key.Key_Return)
    QTest.keyClicks(field, "4]")
    assert not shown.row.complaint.isVisible()
    QTest.keyClick(field, Qt.Key.Key_Return, CTRL)
    assert shown.edits == [([3, 4], True)]
    click(shown.editor.button)
    assert shown.editor.field.text() == "[3, 4]"
    assert not field.isVisible()


def test_several_lines_go_with_their_editor(make):
    shown = make(parameter("text", TEXT, "", when="config"), "a\nb")
    shown.show("a\nb", is_running=True)
    assert not shown.editor.long_field.isEnabled()
    shown.show("a\nb", is_connected=True)
    assert not shown.editor.long_field.isVisible()
    shown.show("a\nb")
    assert shown.editor.long_field.isVisible()
    assert shown.editor.long_field.isEnabled()


def test_a_number_has_one_line(make):
    assert make(parameter("n", INT, 1, minimum=0)).editor.below is None


def test_a_colour_is_typed_and_checked(make):
    shown = make(COLOUR_ROW, "#102030")
    assert isinstance(shown.editor, ColourEditor)
    field = shown.editor.field
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "#ff")
    assert shown.row.complaint.text() == 'cell.color: a colour such as #ff8000 is expected, not "#ff"'
    QTest.keyClicks(field, "8000")
    assert shown.editor.swatch.accessibleDescription() == "#ff8000"
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert shown.edits == [("#ff8000", True)]


def test_a_colour_is_chosen_and_seen_at_once(make):
    shown = make(COLOUR_ROW)
    click(shown.editor.swatch)
    dialog = shown.editor.findChild(QColorDialog, "colour")
    assert dialog.currentColor() == QColor("#ffffff")
    dialog.setCurrentColor(QColor("#00ff00"))
    assert shown.edits == [("#00ff00", False)]
    dialog.accept()
    assert shown.edits[1:] == [("#00ff00", True)]
    click(shown.editor.swatch)
    dialog = [found for found in shown.editor.findChildren(QColorDialog) if found.isVisible()][-1]
    dialog.setCurrentColor(QColor("#0000ff"))
    dialog.reject()
    assert shown.edits[-1] == ("#00ff00", True)
    assert shown.editor.field.text() == "#00ff00"


def test_a_path_that_is_not_there_is_told_while_it_is_typed(make, tmp_path):
    (tmp_path / "a.mp4").touch()
    shown = make(parameter("path", value_type("input_path"), when="config", required=True))
    field = shown.editor.field
    field.setFocus()
    QTest.keyClicks(field, "a.mp")
    assert shown.row.remark.text() == f"there is no file or folder {tmp_path / 'a.mp'}"
    assert shown.row.remark.isVisible()
    QTest.keyClicks(field, "4")
    assert not shown.row.remark.isVisible()
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert shown.edits == [("a.mp4", True)]


def test_a_path_that_a_run_would_write_over_is_told(make, tmp_path):
    (tmp_path / "out.txt").touch()
    shown = make(parameter("path", value_type("output_path"), when="config", required=True))
    shown.editor.field.setFocus()
    QTest.keyClicks(shown.editor.field, "out.tx")
    assert not shown.row.remark.isVisible()
    QTest.keyClicks(shown.editor.field, "t")
    assert "a run writes over it" in shown.row.remark.text()
