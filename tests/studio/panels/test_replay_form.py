"""The form with which a held item is run again."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QVBoxLayout, QWidget

from pypipeline_engine.catalogue.discovery import Catalogue
from pypipeline_engine.catalogue.model import Folders
from pypipeline_studio.panels.replay_form import ReplayForm


@pytest.fixture
def form(qtbot):
    """A form between other things."""
    window, form = QWidget(), ReplayForm()
    layout = QVBoxLayout(window)
    layout.addWidget(QPushButton("before"))
    layout.addWidget(form)
    layout.addWidget(QPushButton("after"))
    qtbot.addWidget(window)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    yield form  # the window lives as long


def show(form, name, given=()):
    (found,) = [found for found in Catalogue(installed=False).get_types() if found.name == name]
    form.show_cell("work", found, {}, Folders(Path(), Path()), given)


def tabbed(form):
    """Through what Tab goes between what is before the form and what is after it."""
    before, after = form.window().findChildren(QPushButton, options=Qt.FindChildOption.FindDirectChildrenOnly)
    before.setFocus()
    found = []
    while len(found) < 40:
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        if QApplication.focusWidget() is after:
            break
        found.append(QApplication.focusWidget())
    return found


@pytest.mark.parametrize("names", [["vision.Canny"], ["demo.Work", "vision.Canny"]])
def test_tab_goes_from_top_to_bottom(qtbot, form, names) -> None:
    """Editors are made after the buttons below them, and again for another cell."""
    for name in names:
        show(form, name)
    qtbot.waitUntil(lambda: all(editor.isVisible() for editor in form.editors.values()))
    form.apply_button.setEnabled(True)
    *parts, run, apply = tabbed(form)
    assert [run, apply] == [form.run_button, form.apply_button]
    found = [next(name for name, editor in form.editors.items() if editor.isAncestorOf(part)) for part in parts]
    assert len(form.editors) > 1
    assert list(dict.fromkeys(found)) == list(form.editors)
    tops = [part.mapTo(form, QPoint()).y() for part in parts]
    assert tops == sorted(tops)


def test_what_the_item_brings_is_not_asked_for(form) -> None:
    show(form, "math.Expression", ["a"])
    assert list(form.editors) == ["b", "c", "expression"]
    show(form, "math.Expression", ["a", "c"])
    assert list(form.editors) == ["b", "expression"]
