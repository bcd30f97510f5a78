"""The dialog for a new cell, and what becomes of it."""

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from pypipeline_studio.panels.new_cell_dialog import NewCellDialog
from pypipeline_studio.window import source_files
from pypipeline_studio.window.source_files import EDITOR_SETTING, SourceFiles, WrongCommand, editor_command

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def opened(file_window, monkeypatch):
    """What is opened in an editor, in place of opening it."""
    files = []
    monkeypatch.setattr(source_files.QDesktopServices, "openUrl", lambda url: files.append(url.toLocalFile()) or True)
    return files


@pytest.fixture
def dialog(file_window, tmp_path, opened, qtbot):
    file_window.cells.folder = tmp_path / "own"
    file_window.commands["new_cell"].trigger()
    found = file_window.findChild(NewCellDialog)
    qtbot.waitExposed(found)
    yield found


def fill(dialog, name="Bright", port="image"):
    QTest.keyClicks(dialog.name, name)
    QTest.keyClicks(dialog.inputs.lines[0].name, port)
    QTest.keyClicks(dialog.outputs.lines[0].name, port)


def test_a_cell_is_written_and_opened(dialog, opened, file_window, tmp_path):
    fill(dialog)
    QTest.mouseClick(dialog.create_button, LEFT)
    path = tmp_path / "own" / "my_cells.py"
    assert "class Bright(ASingleCell):" in path.read_text()
    assert opened == [str(path)]
    assert "my_cells.Bright" in file_window.statusBar().currentMessage()


def test_nothing_is_said_about_what_nobody_has_come_to_yet(dialog):
    assert not dialog.complaint.isVisible()
    QTest.keyClicks(dialog.name, "bright")
    assert dialog.complaint.text().startswith("It begins with a capital letter")
    assert dialog.name.property("wrong")
    assert not dialog.inputs.lines[0].name.property("wrong")


def test_create_says_what_is_missing_and_goes_there(dialog, tmp_path):
    QTest.keyClicks(dialog.name, "Bright")
    QTest.mouseClick(dialog.create_button, LEFT)
    assert dialog.isVisible()
    assert dialog.complaint.text() == "The input needs a name."
    assert dialog.focusWidget() is dialog.inputs.lines[0].name
    assert not (tmp_path / "own").exists()


def test_lines_are_added_and_removed_by_buttons(dialog):
    QTest.mouseClick(dialog.parameters.add_button, LEFT)
    line = dialog.parameters.lines[0]
    assert dialog.focusWidget() is line.name
    QTest.keyClicks(line.name, "level")
    QTest.keyClicks(line.default, "7")
    QTest.keyClicks(line.maximum, "5")
    assert dialog.complaint.text() == "The default, 7, is not between the least and the largest value."
    assert line.default.property("wrong") and not line.name.property("wrong")
    line.kind.setCurrentIndex(line.kind.findData("str"))
    assert not line.minimum.isVisible()
    assert not dialog.complaint.isVisible()
    QTest.mouseClick(line.remove_button, LEFT)
    assert dialog.spec.parameters == ()


def test_a_file_that_cannot_take_the_cell_is_told_and_nothing_is_lost(dialog, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "my_cells.py").write_text("def x(:")
    fill(dialog)
    QTest.mouseClick(dialog.create_button, LEFT)
    assert dialog.isVisible()
    assert "my_cells.py has an error in line 1" in dialog.complaint.text()
    assert dialog.name.text() == "Bright"


@pytest.mark.parametrize(("key", "writes"), [(Qt.Key.Key_Return, True), (Qt.Key.Key_Escape, False)])
def test_enter_creates_and_escape_does_not(dialog, tmp_path, key, writes):
    fill(dialog)
    QTest.keyClick(dialog.outputs.lines[0].name, key)
    assert not dialog.isVisible()
    assert (tmp_path / "own" / "my_cells.py").exists() is writes


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("code -g {file}:{line}", ["code", "-g", "/a b.py:7"]),
        ("vim", ["vim", "/a b.py"]),
        ('"/my editor/e" +{line}', ["/my editor/e", "+7", "/a b.py"]),
    ],
)
def test_the_command_of_an_editor_gets_file_and_line(command, expected):
    assert editor_command(command, "/a b.py", 7) == expected


def test_a_command_that_cannot_be_read_is_told():
    with pytest.raises(WrongCommand, match="Edit > Preferences"):
        editor_command('code "', "/a.py", 1)


def test_an_editor_that_cannot_be_started_is_told(file_window, tmp_path):
    QSettings().setValue(EDITOR_SETTING, str(tmp_path / "no_such_editor"))
    file = tmp_path / "a.py"
    file.write_text("")
    told = []
    sources = SourceFiles()
    sources.told.connect(told.append)
    assert not sources.open(str(file), 3)
    assert "no_such_editor" in told[-1] and "line 3" in told[-1]
    assert not sources.open(str(tmp_path / "gone.py"))
    assert "not there any more" in told[-1]


def test_enter_presses_the_button_that_has_the_focus(dialog, tmp_path):
    """It pressed Create, wherever the focus was."""
    fill(dialog)
    cancel = next(button for button in dialog.findChildren(QPushButton) if button.text() == "Cancel")
    cancel.setFocus()
    QTest.keyClick(cancel, Qt.Key.Key_Return)
    assert not dialog.isVisible()
    assert not (tmp_path / "own").exists()
