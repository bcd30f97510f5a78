"""What people need who use no mouse, or do not see the window: names for what has the focus, keys for what can be done."""

from itertools import pairwise, takewhile

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QGraphicsView,
    QLabel,
    QLineEdit,
    QMenu,
    QTabBar,
    QWidget,
)

from pypipeline_engine.catalogue.discovery import Catalogue as Discovered
from pypipeline_engine.host.protocol import Catalogue, CellError, GraphProblem
from pypipeline_engine.resources import get_examples
from pypipeline_studio.panels.traceback_dialog import TracebackDialog
from pypipeline_studio.window.actions import ACTIONS
from pypipeline_studio.window.preferences import PreferencesDialog
from pypipeline_studio.window.ray_dialog import RayDialog
from pypipeline_studio.window.shortcuts import ShortcutsDialog


@pytest.fixture(scope="module")
def known() -> Catalogue:
    return Catalogue(types=tuple(Discovered(installed=False).get_types()))


@pytest.fixture
def window(qtbot, file_window, known):
    file_window.session.set_catalogue(known)
    file_window.session.open(get_examples()["people_tracking"])
    file_window.activateWindow()
    qtbot.waitUntil(file_window.isActiveWindow)
    return file_window


def name_of(widget: QWidget) -> str:
    """What a screen reader says."""
    spoken = widget.accessibleName()
    if not spoken and isinstance(widget, QAbstractButton | QLabel):
        spoken = widget.text()
    if not spoken and isinstance(widget, QTabBar):
        spoken = widget.tabText(widget.currentIndex())
    return spoken.strip()


def nameless(top: QWidget) -> list[str]:
    """What can have the focus and has no name: by its class, with those around it."""
    found = []
    for widget in (top, *top.findChildren(QWidget)):
        is_inner = isinstance(widget.parent(), (QComboBox, QAbstractItemView))  # parts that are spoken as one
        if widget.focusPolicy() == Qt.FocusPolicy.NoFocus or is_inner or widget is top or isinstance(widget, QMenu):
            continue
        if not widget.isVisibleTo(top) or widget.focusProxy() is not None:
            continue
        if not name_of(widget):
            around, names = widget, []
            while around is not None and around is not top:
                names.append(f"{type(around).__name__} {around.objectName()}".strip())
                around = around.parentWidget()
            found.append(" in ".join(names))
    return found


def test_everything_in_the_window_that_can_have_the_focus_has_a_name(qtbot, window) -> None:
    problem = GraphProblem(message="wrong", path="cells.video", cell="video")
    window.session.front.set_problems((problem,))
    window.session.problems_changed.emit()
    for selected in ((), ("detect",), ("detect", "draw"), ("video",)):
        window.canvas.select(selected)
        for tab in range(7):
            window.bottom.show_tab(tab)
            assert nameless(window) == []
    window.finding.bar.begin()
    assert nameless(window) == []
    window.session.new()
    assert window.first_run.isVisible()
    assert nameless(window) == []


@pytest.mark.parametrize("key", ["preferences", "shortcuts", "ray_cluster"])
def test_everything_in_the_dialogs_has_a_name(qtbot, window, key) -> None:
    window.commands[key].trigger()
    dialogs = [one for kind in (PreferencesDialog, ShortcutsDialog, RayDialog) for one in window.findChildren(kind)]
    assert len(dialogs) == 1
    assert nameless(dialogs[0]) == []
    dialogs[0].close()


def test_the_traceback_and_the_palette_have_names(qtbot, window) -> None:
    dialog = TracebackDialog(CellError(cell="a", message="ValueError: no"))
    qtbot.addWidget(dialog)
    dialog.show()
    assert nameless(dialog) == []
    palette = window.palette_search.open()
    assert nameless(palette) == []
    palette.close()


def test_every_action_is_in_a_menu_or_has_keys(window) -> None:
    in_menus = set()

    def collect(menu: QMenu) -> None:
        for action in menu.actions():
            inner = action.menu()
            if isinstance(inner, QMenu):
                collect(inner)
            in_menus.add(action.objectName())

    for action in window.menuBar().actions():
        collect(action.menu())
    lost = [key for key in ACTIONS if key not in in_menus and not window.commands.keys(key)]
    assert lost == []


def test_every_action_does_something(window) -> None:
    unbound = [key for key in ACTIONS if not window.commands[key].isSignalConnected(_triggered(window.commands[key]))]
    assert unbound == []


def _triggered(action):
    meta = action.metaObject()
    return meta.method(meta.indexOfSignal("triggered(bool)"))


def test_the_canvas_says_what_is_selected_and_where_it_leads(window) -> None:
    viewer = window.canvas.viewer
    window.canvas.select(())
    assert viewer.accessibleName() == "Graph"
    assert viewer.accessibleDescription() == "6 cells, none selected"
    window.canvas.select(["track"])
    assert viewer.accessibleDescription() == (
        "track, Sort; takes from detect boxes; gives to tracks tracks, draw boxes"
    )
    window.canvas.set_flag("disabled")
    assert viewer.accessibleDescription().startswith("track, Sort, Disabled;")
    window.canvas.select_all()
    assert viewer.accessibleDescription() == "6 cells selected: video, detect, track, tracks, draw and 1 more"
    window.session.open(get_examples()["nested"])
    name = next(name for name, cell in window.session.document.cells.items() if cell.is_pipeline)
    window.canvas.enter(name)
    assert viewer.accessibleName() == f"Graph, inside {name}"


def test_tab_goes_round_the_panels_and_comes_back(qtbot, window) -> None:
    """From the inspector on, because on the canvas Tab adds a cell."""
    window.canvas.select(["detect"])
    seen = []
    window.inspector.head.pencil.setFocus()
    for _ in range(200):
        focused = QApplication.focusWidget()
        if focused is None or focused in seen:
            break
        seen.append(focused)
        if isinstance(focused, QGraphicsView):
            break  # the canvas is reached
        QTest.keyClick(focused, Qt.Key.Key_Tab)
    assert any(isinstance(widget, QLineEdit) for widget in seen)
    assert len(seen) > 10


def tabbed(window, first, count):
    """What has the focus after each Tab."""
    first.setFocus()
    found = []
    for _ in range(count):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        found.append(QApplication.focusWidget())
    return found


@pytest.mark.parametrize("is_several", [False, True])
def test_tab_goes_through_the_inspector_from_top_to_bottom(window, is_several) -> None:
    """Rows that were made for a cell came after everything else in the window."""
    canvas, panel = window.canvas, window.inspector
    canvas.select(["detect"])
    canvas.duplicate()
    (copy,) = canvas.selected()
    canvas.select(["video"])
    QApplication.processEvents()
    canvas.select(["detect", copy] if is_several else ["detect"])
    QApplication.processEvents()
    first = panel.several if is_several else panel.head.question
    first.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    inside = list(takewhile(panel.isAncestorOf, tabbed(window, first, 40)))
    heights = [widget.mapTo(panel, QPoint()).y() for widget in inside]
    assert all(after > before - 12 for before, after in pairwise(heights))
    rows = (panel.several if is_several else panel.parameters).rows
    assert all(any(row.isAncestorOf(widget) for widget in inside) for row in rows.values())
    assert len(rows) == 5


def test_tab_goes_from_the_tabs_to_the_bar_that_asks(window) -> None:
    bar = window.outside.bar
    bar.show_notice("g changed", (("Reload", "", lambda: None), ("Keep mine", "", lambda: None)))
    assert tabbed(window, window.tabs.new_button, 2) == bar.buttons
