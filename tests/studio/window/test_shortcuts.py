"""Keys that a person gives to actions: the dialog, what is kept, and what is taken from whom."""

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from pypipeline_engine.resources import get_examples
from pypipeline_studio.panels.key_recorder import KeyRecorder
from pypipeline_studio.panels.search_popup import CellSearchPopup
from pypipeline_studio.theme.icons import glyph
from pypipeline_studio.window.actions import ACTIONS
from pypipeline_studio.window.keymap import GROUP, Keymap
from pypipeline_studio.window.main_window import MainWindow
from pypipeline_studio.window.shortcuts import ShortcutsDialog

CTRL, SHIFT, ALT = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
)


@pytest.fixture
def window(qtbot, file_window):
    file_window.session.open(get_examples()["multiply"])
    file_window.activateWindow()
    qtbot.waitUntil(file_window.isActiveWindow)
    return file_window


@pytest.fixture
def dialog(qtbot, window):
    QTest.keyClick(window.canvas.viewer, Qt.Key.Key_Question)
    dialog = window.findChildren(ShortcutsDialog)[-1]
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow)
    yield dialog
    dialog.close()


def record(qtbot, dialog, key, modifiers=Qt.KeyboardModifier.NoModifier) -> None:
    QTest.mouseClick(dialog.recorder, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(dialog.recorder.hasFocus)
    QTest.keyClick(dialog.recorder, key, modifiers)


def test_an_action_gets_other_keys_that_work_and_that_the_tooltip_says(qtbot, window, dialog) -> None:
    dialog.choose("select_all")
    record(qtbot, dialog, Qt.Key.Key_K, CTRL | ALT)
    assert window.keymap.keys("select_all") == ("Ctrl+A", "Ctrl+Alt+K")
    assert "Ctrl+Alt+K" in window.commands["select_all"].toolTip()
    assert dialog._items["select_all"].text(1) == "Ctrl+A or Ctrl+Alt+K"
    dialog.hide()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    QTest.keyClick(window.canvas.viewer, Qt.Key.Key_K, CTRL | ALT)
    assert set(window.canvas.selected()) == set(window.session.document.cells)


def test_keys_of_another_action_are_named_and_taken_only_when_that_is_wanted(qtbot, window, dialog) -> None:
    dialog.choose("select_all")
    record(qtbot, dialog, Qt.Key.Key_D, CTRL)
    assert dialog._note.text() == "Ctrl+D belongs to Duplicate."
    assert window.keymap.owner("Ctrl+D") == "duplicate"
    dialog.keep_button.click()
    assert not dialog.take_button.isVisible()
    record(qtbot, dialog, Qt.Key.Key_D, CTRL)
    dialog.take_button.click()
    assert window.keymap.owner("Ctrl+D") == "select_all"
    assert window.keymap.keys("duplicate") == ()
    assert dialog._items["duplicate"].text(1) == "–"


def test_keys_with_a_fixed_meaning_are_refused_in_words(qtbot, window, dialog) -> None:
    dialog.choose("bypass")
    record(qtbot, dialog, Qt.Key.Key_Left)
    assert dialog._note.text().startswith("Left moves the selected cells")
    assert window.keymap.keys("bypass") == ("B",)
    record(qtbot, dialog, Qt.Key.Key_Escape)
    assert dialog.isVisible()
    assert not dialog.recorder.isChecked()


def test_keys_are_removed_and_the_usual_ones_come_back(window, dialog) -> None:
    dialog.choose("redo")
    dialog._keymap.remove("redo", "Ctrl+Y")
    assert dialog.reset_button.isEnabled()
    dialog.reset_button.click()
    assert window.keymap.keys("redo") == ("Ctrl+Y", "Ctrl+Shift+Z")
    assert QSettings().value(f"{GROUP}/redo") is None


def test_usual_keys_come_back_from_the_action_that_has_them(window) -> None:
    window.keymap.add("select_all", "Ctrl+D")
    window.keymap.reset("duplicate")
    assert window.keymap.keys("duplicate") == ("Ctrl+D",)
    assert window.keymap.keys("select_all") == ("Ctrl+A",)


def test_keys_are_kept_until_all_are_reset(window, tmp_path) -> None:
    window.keymap.add("bypass", "Ctrl+Alt+B")
    window.keymap.remove("bypass", "B")
    window.keymap.remove("run", "F5")
    another = MainWindow(tmp_path)
    assert another.keymap.keys("bypass") == ("Ctrl+Alt+B",)
    assert another.keymap.keys("run") == ()
    another.keymap.reset_all()
    assert not any(another.keymap.is_changed(key) for key in ACTIONS)
    another.close()
    another.deleteLater()


def test_keys_that_are_named_elsewhere_follow(window) -> None:
    assert window.inspector.state.disabled.toolTip().endswith("(D)")
    window.keymap.add("disable", "Ctrl+Alt+D")
    window.keymap.remove("disable", "D")
    window.keymap.remove("rename", "F2")
    window.keymap.add("add_cell", "Ctrl+Space")
    window.keymap.remove("add_cell", "Tab")
    assert window.inspector.state.disabled.toolTip().endswith("(Ctrl+Alt+D)")
    assert window.inspector.several.flags["disabled"][0].toolTip().endswith("(Ctrl+Alt+D)")
    assert window.inspector.head.pencil.toolTip() == "Rename"
    assert window.library.search_field._keys.accessibleName() == "Key Shift+A"
    window.keymap.reset_all()
    assert window.inspector.head.pencil.toolTip() == "Rename (F2)"
    assert window.library.search_field._keys.accessibleName() == "Key Tab"


def test_what_cannot_be_understood_in_the_settings_is_left_aside(window) -> None:
    for wrong in ("nonsense", "{}", "[1]", 5):
        QSettings().setValue(f"{GROUP}/run", wrong)
        assert Keymap(window.commands, window).keys("run") == ("F5",)


def test_no_two_actions_have_the_same_usual_keys(window) -> None:
    keys = [own for key in ACTIONS for own in window.keymap.keys(key)]
    assert len(keys) == len(set(keys))


def test_every_icon_of_an_action_is_in_the_font(qapp) -> None:
    unknown = glyph("no such icon")
    assert {key for key, info in ACTIONS.items() if info.icon and glyph(info.icon) == unknown} == {"help"}


def test_the_search_finds_actions_by_words_and_by_keys(window, dialog) -> None:
    QTest.keyClicks(dialog.search_field, "dupl")
    assert dialog._key == "duplicate"
    assert dialog._items["undo"].isHidden()
    dialog.search_field.clear()
    QTest.keyClicks(dialog.search_field, "ctrl+shift+s")
    assert dialog._key == "save_as"
    QTest.keyClick(dialog.search_field, Qt.Key.Key_Escape)
    assert not dialog._items["undo"].isHidden()


@pytest.mark.parametrize(
    ("key", "modifiers", "text"),
    [
        (Qt.Key.Key_Tab, Qt.KeyboardModifier.NoModifier, "Tab"),
        (Qt.Key.Key_Backtab, SHIFT, "Shift+Tab"),
        (Qt.Key.Key_Question, SHIFT, "?"),
        (Qt.Key.Key_P, CTRL | SHIFT, "Ctrl+Shift+P"),
        (Qt.Key.Key_A, SHIFT, "Shift+A"),
        (Qt.Key.Key_F12, ALT, "Alt+F12"),
    ],
)
def test_keys_are_recorded_as_a_person_would_write_them(qtbot, key, modifiers, text) -> None:
    recorder = KeyRecorder()
    qtbot.addWidget(recorder)
    recorder.show()
    recorded = []
    recorder.recorded.connect(recorded.append)
    recorder.setChecked(True)
    QTest.keyClick(recorder, Qt.Key.Key_Shift, SHIFT)
    assert recorder.isChecked()
    QTest.keyClick(recorder, key, modifiers)
    assert recorded == [text]
    assert not recorder.isChecked()


def test_the_first_page_names_the_keys_that_there_are_now(qtbot, file_window) -> None:
    page, keymap = file_window.first_run, file_window.keymap
    assert (page.add.keys, page.open.keys) == ("Tab", "Ctrl+O")
    keymap.add("open", "Ctrl+Alt+O")
    keymap.remove("open", "Ctrl+O")
    assert page.open.keys == "Ctrl+Alt+O"
    assert page.open.accessibleName() == "Open a graph (Ctrl+Alt+O)"
    keymap.remove("run", "F5")
    keymap.add("run", "F8")
    keymap.remove("shortcuts", "?")
    assert "press F8" in page._intro.text()
    assert page._hint.text() == "All shortcuts: Help > Shortcuts"
    keymap.remove("open", "Ctrl+Alt+O")
    assert page.open.keys == ""
    keymap.reset_all()
    assert (page.add.keys, page.open.keys) == ("Tab", "Ctrl+O")


def test_tab_on_the_first_page_adds_a_cell_only_where_it_is_bound_to_that(qtbot, file_window) -> None:
    page, keymap = file_window.first_run, file_window.keymap
    file_window.activateWindow()
    qtbot.waitUntil(page.example.hasFocus)
    keymap.remove("add_cell", "Tab")
    QTest.keyClick(page.example, Qt.Key.Key_Tab)
    assert QApplication.activePopupWidget() is None
    assert page.add.hasFocus()
    keymap.add("add_cell", "Tab")
    QTest.keyClick(page.add, Qt.Key.Key_Tab)
    popup = QApplication.activePopupWidget()
    assert isinstance(popup, CellSearchPopup)
    popup.close()
