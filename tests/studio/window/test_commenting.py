"""Comment boxes with real keys and a real mouse."""

import pytest
from gestures import LEFT, at_node, click, drag, move
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDockWidget, QMenu

from pypipeline_engine.graph.reader import read
from pypipeline_engine.graph.writer import to_text
from pypipeline_engine.resources import get_examples
from pypipeline_studio.document import edits
from pypipeline_studio.document.comments import add_comment, comments_of, place_comments
from pypipeline_studio.panels.comment_editor import CommentEditor

CTRL, ALT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier
KEY = "comment.1"


@pytest.fixture
def people(qtbot, file_window):
    """A window in which the cells `detect` and `track` stand in a box, with room around."""
    window = file_window
    window.session.open(get_examples()["people_tracking"])
    document, _ = add_comment(window.session.document, (), (240, -70, 560, 310), "Find")
    window.session.edit("", document)
    window.session.undo_stack.clear()
    for dock in window.findChildren(QDockWidget):
        dock.hide()
    qtbot.waitUntil(lambda: window.canvas.width() > 700)
    window.canvas.viewer.show_rectangle(QRectF(-40, -160, 940, 620))
    assert window.canvas.viewer.get_scale() > 0.7
    window.canvas.select(())
    return window


def on_scene(window, x, y) -> QPoint:
    return window.canvas.viewer.mapFromScene(QPointF(x, y))


def at_title(window) -> QPoint:
    box = comments_of(window.session.document)[0].box
    return on_scene(window, box[0] + 20, box[1] + 10)


def box_of(window, key=KEY):
    return window.session.document.view[key]["box"]


def place(window, name) -> tuple[float, float]:
    return edits.position_of(window.session.document, name)


def press(window, key, modifiers=Qt.KeyboardModifier.NoModifier) -> None:
    window.canvas.setFocus()
    QTest.keyClick(window.canvas.viewer, key, modifiers)


def editor_of(window) -> CommentEditor:
    return next(editor for editor in window.findChildren(CommentEditor) if editor.isVisible())


def test_c_makes_a_box_around_the_selection_and_asks_for_its_title_in_one_step(file_window) -> None:
    window = file_window
    window.session.open(get_examples()["people_tracking"])
    before = window.session.document
    window.canvas.select(["detect", "track"])
    press(window, Qt.Key.Key_C)
    editor = editor_of(window)
    QTest.keyClicks(editor.title, "Find people")
    QTest.keyClicks(editor.text, "Slow.")
    QTest.mouseClick(editor.marks.buttons["teal"], LEFT)
    QTest.keyClick(editor.title, Qt.Key.Key_Return)
    (comment,) = comments_of(window.session.document)
    assert (comment.title, comment.text, comment.colour) == ("Find people", "Slow.", "teal")
    for name in ("detect", "track"):
        left, top, right, bottom = window.canvas.boxes()[name]
        assert comment.box[0] < left and comment.box[1] + 28 < top
        assert comment.box[0] + comment.box[2] > right and comment.box[1] + comment.box[3] > bottom
    assert window.session.undo_stack.count() == 1
    window.session.undo_stack.undo()
    assert window.session.document is before
    assert window.canvas.comments.boxes() == {}


def test_a_box_in_an_empty_graph_is_seen_and_saved(file_window, tmp_path) -> None:
    press(file_window, Qt.Key.Key_C)
    QTest.keyClick(editor_of(file_window).title, Qt.Key.Key_Escape)
    assert not file_window.first_run.isVisible()
    file_window.session.save(tmp_path / "g.json")
    assert len(comments_of(read((tmp_path / "g.json").read_text()))) == 1


def test_escape_discards_what_was_written_and_a_click_elsewhere_keeps_it(people) -> None:
    before = people.session.document
    press_double(people)
    editor = editor_of(people)
    QTest.keyClicks(editor.title, "Other")
    QTest.keyClick(editor.title, Qt.Key.Key_Escape)
    assert people.session.document is before
    press_double(people)
    editor = editor_of(people)
    QTest.keyClicks(editor.title, "Other")
    editor.close()
    assert comments_of(people.session.document)[0].title == "Other"
    assert people.session.undo_stack.count() == 1


def press_double(window) -> None:
    viewport, at = window.canvas.viewer.viewport(), at_title(window)
    QTest.mouseClick(viewport, LEFT, Qt.KeyboardModifier.NoModifier, at)
    QTest.mouseDClick(viewport, LEFT, Qt.KeyboardModifier.NoModifier, at)
    QTest.mouseRelease(viewport, LEFT, Qt.KeyboardModifier.NoModifier, at)


def test_a_box_takes_along_what_lies_in_it_in_one_step(people) -> None:
    before, scale = people.session.document, people.canvas.viewer.get_scale()
    start = at_title(people)
    drag(people.canvas, start, start + QPoint(40, 60))
    dx, dy = 40 / scale, 60 / scale
    assert box_of(people)[:2] == pytest.approx([240 + dx, -70 + dy], abs=2)
    for name in ("detect", "track"):
        was = edits.position_of(before, name)
        assert place(people, name) == pytest.approx((was[0] + dx, was[1] + dy), abs=2)
    assert place(people, "video") == edits.position_of(before, "video")
    assert people.session.undo_stack.count() == 1
    people.session.undo_stack.undo()
    assert people.session.document is before
    assert people.canvas.comments.boxes()[KEY] == (240, -70, 560, 310)
    assert people.canvas.boxes()["detect"][:2] == edits.position_of(before, "detect")


def test_alt_moves_the_box_alone(people) -> None:
    before = people.session.document
    start = at_title(people)
    drag(people.canvas, start, start + QPoint(0, 50), modifiers=ALT)
    assert box_of(people)[1] > -70
    assert place(people, "detect") == edits.position_of(before, "detect")


def test_a_box_is_sized_at_its_frame_down_to_what_can_be_seen(people) -> None:
    scale = people.canvas.viewer.get_scale()
    corner = on_scene(people, 240, 240)
    drag(people.canvas, corner, corner + QPoint(-30, 20))
    assert box_of(people) == pytest.approx([240 - 30 / scale, -70, 560 + 30 / scale, 310 + 20 / scale], abs=2)
    left = on_scene(people, 240 - 30 / scale, 100)
    drag(people.canvas, left, on_scene(people, 2000, 100))
    assert box_of(people)[2] == 96
    assert people.session.undo_stack.count() == 2


def test_a_click_selects_a_box_and_its_inside_is_canvas(people) -> None:
    click(people.canvas, at_title(people))
    assert people.canvas.comments.selected() == (KEY,)
    assert people.session.undo_stack.count() == 0
    click(people.canvas, on_scene(people, 260, 170))
    assert people.canvas.comments.selected() == ()
    click(people.canvas, at_title(people))
    click(people.canvas, at_node(people.canvas, "video"), CTRL)
    assert (people.canvas.selected(), people.canvas.comments.selected()) == (("video",), (KEY,))
    click(people.canvas, at_title(people), CTRL)
    assert people.canvas.comments.selected() == ()


def test_boxes_that_are_selected_move_with_the_nodes(people) -> None:
    before = people.session.document
    press(people, Qt.Key.Key_A, CTRL)
    start = at_node(people.canvas, "video")
    drag(people.canvas, start, start + QPoint(0, 48))
    by = place(people, "video")[1] - edits.position_of(before, "video")[1]
    assert by > 0
    assert box_of(people)[1] == pytest.approx(-70 + by, abs=1)
    assert people.session.undo_stack.count() == 1


def test_a_box_is_copied_pasted_and_deleted_by_keys(people) -> None:
    before = people.session.document
    click(people.canvas, at_title(people))
    click(people.canvas, at_node(people.canvas, "detect"), CTRL)
    press(people, Qt.Key.Key_C, CTRL)
    press(people, Qt.Key.Key_V, CTRL)
    assert [comment.title for comment in comments_of(people.session.document)] == ["Find", "Find"]
    assert people.canvas.comments.selected() == ("comment.2",)
    assert people.canvas.selected() == ("detect_2",)
    press(people, Qt.Key.Key_Delete)
    assert to_text(people.session.document) == to_text(before)
    click(people.canvas, at_title(people))
    press(people, Qt.Key.Key_Delete)
    assert people.session.undo_stack.undoText() == "Remove a comment"
    assert comments_of(people.session.document) == ()
    assert "detect" in people.session.document.cells


def test_the_menu_of_a_box(people) -> None:
    viewer, at = people.canvas.viewer, at_title(people)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, viewer.viewport().mapToGlobal(at))
    QApplication.sendEvent(viewer.viewport(), event)
    assert people.canvas.comments.selected() == (KEY,)
    menu = next(menu for menu in people.findChildren(QMenu) if menu.isVisible())
    texts = [action.text().replace("&", "") for action in menu.actions() if action.text()]
    assert texts == ["Edit …", "Colour …", "Cut", "Copy", "Duplicate", "Delete"]
    menu.close()


def test_the_text_is_edited_by_key(people) -> None:
    click(people.canvas, at_title(people))
    press(people, Qt.Key.Key_F2)
    editor = editor_of(people)
    QTest.keyClicks(editor.text, "more")
    QTest.keyClick(editor.text, Qt.Key.Key_Return)
    assert editor.isVisible()
    QTest.keyClick(editor.text, Qt.Key.Key_Return, CTRL)
    assert comments_of(people.session.document)[0].text == "more\n"


def test_the_cursor_says_what_the_mouse_would_do(people) -> None:
    viewport = people.canvas.viewer.viewport()
    for at, shape in (
        (at_title(people), Qt.CursorShape.SizeAllCursor),
        (on_scene(people, 240, 100), Qt.CursorShape.SizeHorCursor),
        (on_scene(people, 240, 240), Qt.CursorShape.SizeBDiagCursor),
        (on_scene(people, 260, 170), Qt.CursorShape.ArrowCursor),
    ):
        move(people.canvas, at)
        assert viewport.cursor().shape() == shape


def test_boxes_are_laid_out_with_their_nodes(people) -> None:
    people.canvas.select(["detect", "track"])
    document = place_comments(people.session.document, (), {KEY: (240, -70, 300, 310)})
    people.session.edit("Move", edits.move_cells(document, (), {"track": (300, 60)}))
    before = people.session.undo_stack.count()
    people.commands["lay_out"].trigger()
    assert people.session.undo_stack.count() == before + 1
    box = people.canvas.comments.boxes()[KEY]
    for name in ("detect", "track"):
        left, top, right, bottom = people.canvas.boxes()[name]
        assert box[0] < left and box[1] < top and box[0] + box[2] > right and box[1] + box[3] > bottom


def test_a_box_is_in_the_picture_and_all_of_it_is_shown(people) -> None:
    document, _ = add_comment(people.session.document, (), (-2000, -900, 300, 200), "Far")
    people.session.edit("", document)
    people.canvas.comments.select([KEY])
    assert people.canvas.picture().width() > 2 * 2000
    assert people.canvas.comments.selected() == (KEY,)
    people.canvas.fit_all()
    assert people.canvas.viewer.viewport().rect().contains(on_scene(people, -2000, -900))


def test_boxes_of_another_pipeline_are_not_shown(file_window) -> None:
    window = file_window
    window.session.open(get_examples()["nested"])
    document, key = add_comment(window.session.document, ("poly",), (0, -200, 200, 100))
    window.session.edit("", document)
    assert window.canvas.comments.boxes() == {}
    window.canvas.open_path(("poly",))
    assert list(window.canvas.comments.boxes()) == [key]
    window.canvas.leave()
    assert window.canvas.comments.boxes() == {}


@pytest.mark.parametrize("on_frame", [False, True])
def test_escape_puts_a_box_back_that_is_dragged(people, on_frame) -> None:
    before = people.session.document
    start = on_scene(people, 800, 240) if on_frame else at_title(people)  # the lower right corner
    drag(people.canvas, start, start + QPoint(50, 40), release=False)
    item = people.canvas.comments.item(KEY)
    assert item.is_moved
    press(people, Qt.Key.Key_Escape)
    assert not item.is_moved
    move(people.canvas, start + QPoint(90, 70), LEFT)
    QTest.mouseRelease(people.canvas.viewer.viewport(), LEFT, pos=start + QPoint(90, 70))
    assert people.session.document is before
    for name in ("detect", "track"):
        node = people.canvas.node_item(name)
        assert (node.x(), node.y()) == place(people, name)
    drag(people.canvas, start, start + QPoint(50, 40))
    assert people.session.document is not before


def test_escape_puts_a_box_back_that_moves_with_a_node(people) -> None:
    before = people.session.document
    people.canvas.select(["video"])
    people.canvas.comments.select([KEY])
    start = at_node(people.canvas, "video")
    drag(people.canvas, start, start + QPoint(30, 40), release=False)
    press(people, Qt.Key.Key_Escape)
    QTest.mouseRelease(people.canvas.viewer.viewport(), LEFT, pos=start + QPoint(30, 40))
    assert people.session.document is before
    assert not people.canvas.comments.item(KEY).is_moved
