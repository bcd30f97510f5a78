"""The row of tabs in the window, by mouse and by keys."""

import pytest
from panel_samples import FLOAT, parameter, port
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QMenu

from pypipeline_engine.catalogue.model import CellType
from pypipeline_engine.graph.reader import read_file
from pypipeline_engine.host.protocol import Catalogue
from pypipeline_engine.resources import get_examples
from pypipeline_studio.document import edits

LEFT, MIDDLE, NO_BUTTON = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton, Qt.MouseButton.NoButton
CTRL, SHIFT, NONE = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.NoModifier,
)

WORK = CellType(
    name="demo.Work",
    category="demo",
    class_name="Work",
    inputs=(port("item", "any"),),
    outputs=(port("item", "any"),),
    parameters=(parameter("milliseconds", FLOAT, 5.0),),
)


@pytest.fixture
def window(file_window, qtbot):
    file_window.resize(1600, 900)  # so that there is room for all tabs
    file_window.activateWindow()
    qtbot.waitUntil(file_window.isActiveWindow)
    return file_window


@pytest.fixture
def files(window, tmp_path):
    """Three graphs, opened; the last one is in front."""
    paths = [tmp_path / f"{name}.json" for name in ("one", "two", "three")]
    for path, example in zip(paths, ("multiply", "nested", "multiply"), strict=True):
        path.write_bytes(get_examples()[example].read_bytes())
    window.files.open_all(paths)
    return paths


def add(graph) -> None:
    graph.edit("Add", edits.add_cell(graph.document, (), "demo.Work", (0, 0))[0])


def titles(window) -> list[str]:
    return [graph.title for graph in window.session.graphs]


def tab(window, index) -> QPoint:
    """A point of a tab that is not its cross."""
    return window.tabs.bar.tabRect(index).topLeft() + QPoint(40, 16)


def click(window, point, button=LEFT) -> None:
    QTest.mouseClick(window.tabs.bar, button, NONE, point)


def press(window, key, modifiers) -> None:
    QTest.keyClick(window.focusWidget(), key, modifiers)


def drag_tab(window, index, to) -> None:
    bar = window.tabs.bar
    start, end = tab(window, index), bar.tabRect(to).center()
    QTest.mousePress(bar, LEFT, NONE, start)
    for step in range(1, 9):
        point = QPointF(start + (end - start) * (step / 8))
        event = QMouseEvent(QEvent.Type.MouseMove, point, bar.mapToGlobal(point), NO_BUTTON, LEFT, NONE)
        QApplication.sendEvent(bar, event)
    QTest.mouseRelease(bar, LEFT, NONE, end)


# ------------------------------------------------------------------ which one is in front


def test_a_click_shows_the_graph_of_a_tab(window, files) -> None:
    assert window.tabs.bar.currentIndex() == 2
    click(window, tab(window, 1))
    assert window.session.path == files[1]
    assert window.windowTitle() == "two.json[*]"
    assert set(window.canvas._nodes) == set(window.session.document.cells)


def test_keys_go_round_the_tabs_in_both_directions(window, files) -> None:
    shown = []
    for key, modifiers in (
        (Qt.Key.Key_Tab, CTRL), (Qt.Key.Key_PageDown, CTRL), (Qt.Key.Key_Backtab, CTRL | SHIFT),
        (Qt.Key.Key_PageUp, CTRL),
    ):  # fmt: skip
        press(window, key, modifiers)
        shown.append(window.session.title)
    assert shown == ["one.json", "two.json", "one.json", "three.json"]


def test_a_new_graph_gets_a_tab_by_key_by_button_and_by_a_double_click_beside_the_tabs(window, files) -> None:
    press(window, Qt.Key.Key_N, CTRL)
    assert titles(window)[3:] == ["untitled.json"]
    assert window.first_run.isVisible()
    press(window, Qt.Key.Key_N, CTRL)
    assert len(titles(window)) == 4
    add(window.session)
    QTest.mouseClick(window.tabs.new_button, LEFT)
    assert len(titles(window)) == 5
    add(window.session)
    bar = window.tabs.bar
    bar.setFixedWidth(bar.width() + 200)
    QApplication.processEvents()
    QTest.mouseDClick(bar, LEFT, NONE, QPoint(bar.width() - 20, 16))
    assert len(titles(window)) == 6


def test_a_file_that_is_open_is_brought_to_the_front(window, files, monkeypatch) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(files[0])], ""))
    press(window, Qt.Key.Key_O, CTRL)
    assert window.session.path == files[0]
    assert len(titles(window)) == 3


def test_tabs_can_be_moved_with_the_mouse(window, files) -> None:
    drag_tab(window, 0, 2)
    assert titles(window) == ["two.json", "three.json", "one.json"]
    assert window.session.title == "one.json"
    assert window.tabs.bar.currentIndex() == 2
    drag_tab(window, 2, 1)
    assert titles(window) == ["two.json", "one.json", "three.json"]


# ------------------------------------------------------------------ what a tab says


def test_a_tab_says_what_is_not_saved_where_the_file_is_and_what_tells_it_from_others(window, files, tmp_path) -> None:
    other = tmp_path / "folder" / "two.json"
    other.parent.mkdir()
    other.write_bytes(files[1].read_bytes())
    window.files.open(other)
    add(window.session)
    bar = window.tabs.bar
    assert bar.tabText(1) == f"two.json {tmp_path.name}"
    assert bar.tabText(3) == "two.json folder"
    assert bar.accessibleTabName(3) == "two.json, folder, has changes that are not saved"
    assert str(other) in bar.tabToolTip(3)
    assert bar.accessibleTabName(0) == "one.json"
    before = bar.grab().toImage()
    window.commands["undo"].trigger()
    assert bar.grab().toImage() != before
    assert bar.accessibleTabName(3) == "two.json, folder"


# ------------------------------------------------------------------ what each one keeps


def test_each_graph_keeps_its_undo_selection_zoom_and_nested_pipeline(window, files) -> None:
    canvas, session = window.canvas, window.session
    one, two, _ = session.graphs
    session.show(two)
    canvas.enter("poly")
    canvas.select(["work"])
    canvas.viewer.zoom_by(1.7)
    place = canvas.viewer.get_place()
    items = {name: node.view for name, node in canvas._nodes.items()}
    paths = [pipe.path() for pipe in canvas._pipes.values()]
    assert window.crumbs.isVisible()
    click(window, tab(window, 0))
    assert canvas.path == ()
    assert canvas.selected() == ()
    assert not window.crumbs.isVisible()
    add(session)
    assert window.commands["undo"].text() == "&Undo Add"
    canvas.select(list(session.document.cells)[:1])
    click(window, tab(window, 1))
    assert canvas.path == ("poly",)
    assert canvas.selected() == ("work",)
    assert canvas.viewer.get_scale() == pytest.approx(place[0])
    moved = canvas.viewer.get_place()[1] - place[1]
    assert abs(moved.x()) + abs(moved.y()) < 4
    assert {name: node.view for name, node in canvas._nodes.items()} == items  # not made anew
    assert [pipe.path() for pipe in canvas._pipes.values()] == paths
    assert not window.commands["undo"].isEnabled()
    assert not window.isWindowModified()
    click(window, tab(window, 0))
    assert canvas.selected() == tuple(session.document.cells)[:1]
    press(window, Qt.Key.Key_Z, CTRL)
    assert not one.is_modified


def test_a_wire_or_a_node_that_is_being_dragged_stays_in_its_graph(window, files) -> None:
    from gestures import at_node, at_port, drag

    canvas = window.canvas
    document = window.session.document
    name = next(iter(document.cells))
    before = canvas._nodes[name].view.pos()
    drag(canvas, at_node(canvas, name), at_node(canvas, name) + QPoint(40, 60), release=False)
    press(window, Qt.Key.Key_Tab, CTRL)
    QTest.mouseRelease(canvas.viewer.viewport(), LEFT, NONE, QPoint(5, 5))
    press(window, Qt.Key.Key_Backtab, CTRL | SHIFT)
    assert canvas._nodes[name].view.pos() == before
    start = at_port(canvas, name, canvas._nodes[name].view.outputs[0].name, True)
    drag(canvas, start, start + QPoint(0, 120), release=False)
    press(window, Qt.Key.Key_Tab, CTRL)
    QTest.mouseRelease(canvas.viewer.viewport(), LEFT, NONE, QPoint(5, 5))
    assert QApplication.activePopupWidget() is None
    assert all(not graph.is_modified for graph in window.session.graphs)


def test_what_is_being_typed_belongs_to_the_graph_that_it_is_about(window, files) -> None:
    session = window.session
    session.set_catalogue(Catalogue(types=(WORK,)))
    for graph in session.graphs[1:]:
        session.show(graph)
        window.canvas.add_cell(WORK.name)
    name = window.canvas.selected()[0]
    field = next(f for f in window.inspector.findChildren(QLineEdit) if "milliseconds" in f.accessibleName())
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "9")
    press(window, Qt.Key.Key_Backtab, CTRL | SHIFT)
    other = session.front
    assert window.canvas.selected()
    assert session.graphs[2].document.cells[name].parameters == {"milliseconds": 9.0}
    assert other.document.cells[window.canvas.selected()[0]].parameters == {}
    assert window.canvas.viewer.hasFocus()


def test_the_first_page_of_a_new_graph_has_the_focus_and_gives_it_back(window, files) -> None:
    window.canvas.setFocus()
    press(window, Qt.Key.Key_N, CTRL)
    assert window.first_run.isAncestorOf(window.focusWidget())
    press(window, Qt.Key.Key_Tab, CTRL)
    assert window.canvas.viewer.hasFocus()


def test_cells_are_copied_from_one_graph_to_another(window, files) -> None:
    canvas = window.canvas
    canvas.setFocus()
    press(window, Qt.Key.Key_A, CTRL)
    press(window, Qt.Key.Key_C, CTRL)
    press(window, Qt.Key.Key_N, CTRL)
    canvas.setFocus()
    press(window, Qt.Key.Key_V, CTRL)
    assert set(window.session.document.cells) == set(window.session.graphs[2].document.cells)
    assert not window.session.graphs[2].is_modified


def test_what_was_changed_outside_is_told_when_its_tab_is_in_front(window, files, qtbot) -> None:
    document = edits.add_cell(read_file(files[0]), (), "demo.Work", (0, 0))[0]
    from pypipeline_engine.graph.writer import save

    save(document, files[0])
    files[1].unlink()
    assert not window.outside.bar.isVisible()
    click(window, tab(window, 0))
    assert "one.json was changed" in window.outside.bar.text.text()
    click(window, tab(window, 1))
    assert "two.json is not in its folder" in window.outside.bar.text.text()
    click(window, tab(window, 2))
    assert not window.outside.bar.isVisible()


# ------------------------------------------------------------------ closing


def test_a_middle_click_the_cross_and_a_key_close_a_tab(window, files) -> None:
    click(window, tab(window, 0), MIDDLE)
    assert titles(window) == ["two.json", "three.json"]
    click(window, window.tabs.bar.close_rect(0).center())
    assert titles(window) == ["three.json"]
    press(window, Qt.Key.Key_W, CTRL)
    assert titles(window) == ["untitled.json"]
    press(window, Qt.Key.Key_W, CTRL)
    assert titles(window) == ["untitled.json"]
    assert window.first_run.isVisible()


def test_a_press_on_a_cross_that_is_let_go_elsewhere_closes_nothing(window, files) -> None:
    bar = window.tabs.bar
    QTest.mousePress(bar, LEFT, NONE, bar.close_rect(0).center())
    QTest.mouseRelease(bar, LEFT, NONE, tab(window, 0))
    assert len(titles(window)) == 3
    assert window.session.title == "three.json"


def test_closing_asks_about_what_is_not_saved_and_shows_it(window, files, answer, tmp_path) -> None:
    one = window.session.graphs[0]
    add(one)
    asked = answer("Cancel")
    click(window, tab(window, 0), MIDDLE)
    assert "one.json has changes that are not saved" in asked[0]
    assert window.session.front is one
    answer("Save")
    click(window, tab(window, 0), MIDDLE)
    assert titles(window) == ["two.json", "three.json"]
    assert "work" in read_file(files[0]).cells
    add(window.session.graphs[0])
    assert window.autosave.flush()
    assert len(list((tmp_path / "recovery").glob("*.json"))) == 1
    answer("Discard")
    click(window, tab(window, 0), MIDDLE)
    assert titles(window) == ["three.json"]
    assert list((tmp_path / "recovery").glob("*.json")) == []
    assert "work" not in read_file(files[1]).cells


def menu_of(window, index) -> dict:
    bar, point = window.tabs.bar, tab(window, index)
    QApplication.sendEvent(
        bar, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, point, bar.mapToGlobal(point))
    )  # fmt: skip
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    actions = {action.text().replace("&", ""): action for action in menu.actions() if action.text()}
    menu.close()
    return actions


def test_the_menu_of_a_tab_closes_others_and_copies_the_path(window, files, answer) -> None:
    window.session.new()
    add(window.session)
    assert not menu_of(window, 3)["Copy path"].isEnabled()
    menu_of(window, 1)["Copy path"].trigger()
    assert QApplication.clipboard().text() == str(files[1])
    answer("Cancel")
    menu_of(window, 1)["Close others"].trigger()
    assert titles(window) == ["two.json", "untitled.json"]
    answer("Discard")
    menu_of(window, 0)["Close others"].trigger()
    assert titles(window) == ["two.json"]
    assert not menu_of(window, 0)["Close others"].isEnabled()
    menu_of(window, 0)["Close"].trigger()
    assert titles(window) == ["untitled.json"]


def test_quitting_asks_once_about_all_graphs_that_are_not_saved(window, files, answer, tmp_path, monkeypatch) -> None:
    for graph in window.session.graphs[:2]:
        add(graph)
    window.session.new()
    add(window.session)
    asked = answer("Cancel")
    window.close()
    assert window.isVisible()
    assert len(asked) == 1
    for name in ("3 graphs", "one.json", "two.json", "untitled.json", "never saved"):
        assert name in asked[0]
    assert "three.json" not in asked[0]
    answer("Save all")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("", ""))
    window.close()  # no name was given to the one that has none
    assert window.isVisible()
    assert [graph.is_modified for graph in window.session.graphs] == [False, False, False, True]
    assert "work" in read_file(files[1]).cells
    add(window.session.graphs[0])
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "four.json"), ""))
    window.close()
    assert not window.isVisible()
    assert "work" in read_file(tmp_path / "four.json").cells
    assert list((tmp_path / "recovery").glob("*")) == []


def test_a_graph_is_not_saved_over_one_that_is_open_in_another_tab(window, files, answer, monkeypatch) -> None:
    before = files[0].read_bytes()
    add(window.session)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(files[0]), ""))
    asked = answer("Cancel")
    window.commands["save_as"].trigger()
    assert "one.json is open in another tab" in asked[0]
    assert files[0].read_bytes() == before
    assert window.session.path == files[2]
    assert window.isWindowModified()
