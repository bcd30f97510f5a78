"""The canvas shows the document, and gestures with a real mouse change it."""

import pytest
from gestures import at_node, at_port, click, double_click, drag, middle_of_wire, move, port_of
from PySide6.QtCore import QMimeData, QPoint, QPointF, QSize, Qt
from PySide6.QtGui import QDropEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMainWindow, QToolTip

from pypipeline_engine.graph.writer import to_text
from pypipeline_engine.resources import get_examples
from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.canvas.viewer import CELL_MIME
from pypipeline_studio.document import edits
from pypipeline_studio.document.views import NodeLive, WireLive, WireView
from pypipeline_studio.session import Session


def ends(session, path=()) -> list[tuple[str, str]]:
    body = session.document.find(path) if path else session.document
    return [(c.source, c.target) for c in body.connections]


def test_every_cell_and_connection_is_shown(canvas, people) -> None:
    assert list(canvas._nodes) == list(people.document.cells)
    assert len(canvas._pipes) == len(people.document.connections)
    assert canvas.viewer.viewport().rect().contains(at_node(canvas, "video"))
    assert canvas.viewer.viewport().rect().contains(at_node(canvas, "people"))


def test_opening_changes_nothing(canvas, people) -> None:
    assert to_text(people.document) == get_examples()["people_tracking"].read_text()
    assert not people.is_modified


def test_a_wire_is_dragged_from_an_output_to_an_input(canvas, people) -> None:
    before = people.document
    drag(canvas, at_port(canvas, "video", "frame"), at_port(canvas, "people", "frame"))
    assert ("video.frame", "people.frame") in ends(people)
    assert ("draw.image", "people.frame") not in ends(people)
    people.undo_stack.undo()
    assert people.document is before
    assert len(canvas._pipes) == len(before.connections)
    people.undo_stack.redo()
    assert ("video.frame", "people.frame") in ends(people)


def test_a_wire_is_dragged_from_an_input_to_an_output(canvas, people) -> None:
    people.edit("", people.document.model_copy(update={"connections": people.document.connections[1:]}))
    drag(canvas, at_port(canvas, "detect", "image"), at_port(canvas, "video", "frame"))
    assert ("video.frame", "detect.image") in ends(people)


def test_the_end_of_a_wire_is_dragged_to_another_input(canvas, people) -> None:
    drag(canvas, at_port(canvas, "track", "boxes"), at_port(canvas, "draw", "boxes"))
    assert ("detect.boxes", "draw.boxes") in ends(people)
    assert ("detect.boxes", "track.boxes") not in ends(people)
    assert people.undo_stack.count() == 1


def test_the_end_of_a_wire_dropped_on_nothing_removes_it(canvas, people) -> None:
    drag(canvas, at_port(canvas, "detect", "image"), at_port(canvas, "detect", "image") + QPoint(-40, -120))
    assert ("video.frame", "detect.image") not in ends(people)


def test_a_click_on_a_port_changes_nothing(canvas, people) -> None:
    before = people.document
    click(canvas, at_port(canvas, "detect", "image"))
    assert people.document is before
    assert all(pipe.isVisible() for pipe in canvas._pipes.values())


def test_what_does_not_fit_is_greyed_with_the_reason_while_a_wire_is_dragged(canvas, people) -> None:
    before = people.document
    drag(canvas, at_port(canvas, "detect", "boxes"), at_port(canvas, "people", "frame"), release=False)
    refused = port_of(canvas, "people", "frame")
    assert refused.refusal == "detect.boxes gives boxes, and people.frame takes image"
    assert refused.toolTip() == refused.refusal
    assert port_of(canvas, "track", "boxes").refusal == ""
    assert "output too" in port_of(canvas, "video", "frame").refusal
    QTest.mouseRelease(canvas.viewer.viewport(), Qt.MouseButton.LeftButton, pos=at_port(canvas, "people", "frame"))
    assert people.document is before
    assert refused.refusal == ""


def test_escape_lets_a_wire_go(canvas, people) -> None:
    before = people.document
    drag(
        canvas, at_port(canvas, "detect", "image"), at_port(canvas, "detect", "image") + QPoint(-50, 80), release=False
    )
    QTest.keyClick(canvas.viewer, Qt.Key.Key_Escape)
    QTest.mouseRelease(canvas.viewer.viewport(), Qt.MouseButton.LeftButton)
    assert people.document is before
    assert all(pipe.isVisible() for pipe in canvas._pipes.values())


def test_escape_puts_nodes_back_that_are_dragged(canvas, people) -> None:
    before, count = people.document, people.undo_stack.count()
    canvas.select(["detect", "track"])
    place = at_node(canvas, "detect")
    drag(canvas, place, place + QPoint(60, 80), release=False)
    assert at_node(canvas, "track") != edits.position_of(before, "track")
    QTest.keyClick(canvas.viewer, Qt.Key.Key_Escape)
    move(canvas, place + QPoint(120, 90), Qt.MouseButton.LeftButton)
    QTest.mouseRelease(canvas.viewer.viewport(), Qt.MouseButton.LeftButton, pos=place + QPoint(120, 90))
    assert people.document is before
    assert people.undo_stack.count() == count
    assert at_node(canvas, "detect") == place
    for name in before.cells:
        item = canvas.node_item(name)
        assert (item.x(), item.y()) == edits.position_of(before, name)
    drag(canvas, place, place + QPoint(60, 80))  # and the next one is as usual
    assert people.undo_stack.count() == count + 1


def test_a_wire_dropped_on_empty_canvas_asks_for_what_fits(qtbot, canvas, people) -> None:
    with qtbot.waitSignal(canvas.search_requested) as asked:
        drag(canvas, at_port(canvas, "detect", "boxes"), at_port(canvas, "detect", "boxes") + QPoint(60, -110))
    at, _, port = asked.args
    name = canvas.add_cell("tracking.Sort", at, port)
    assert ("detect.boxes", f"{name}.boxes") in ends(people)
    assert people.undo_stack.count() == 1


def test_nodes_are_moved_together_and_back_in_one_step(canvas, people) -> None:
    before = people.document
    click(canvas, at_node(canvas, "detect"))
    click(canvas, at_node(canvas, "track"), Qt.KeyboardModifier.ShiftModifier)
    assert canvas.selected() == ("detect", "track")
    scale = canvas.viewer.get_scale()
    start = at_node(canvas, "track")
    drag(canvas, start, start + QPoint(60, 40))
    moved = people.document.view
    assert moved["detect"]["pos"] == pytest.approx([280 + 60 / scale, 40 / scale], abs=2)
    assert moved["track"]["pos"] == pytest.approx([560 + 60 / scale, 40 / scale], abs=2)
    assert people.undo_stack.count() == 1
    people.undo_stack.undo()
    assert people.document is before
    assert (canvas._nodes["detect"].view.x(), canvas._nodes["detect"].view.y()) == (280, 0)


def test_a_rubber_band_selects_what_it_touches(canvas, people) -> None:
    drag(canvas, at_node(canvas, "detect") + QPoint(-130, -60), at_node(canvas, "track") + QPoint(0, 5))
    assert canvas.selected() == ("detect", "track")


@pytest.mark.parametrize("modifier", [Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier])
def test_escape_takes_a_rubber_band_away_and_selects_what_was_selected(canvas, people, modifier) -> None:
    canvas.select(["people", "track"])
    viewer, selected = canvas.viewer, set(canvas.selected())
    start, end = QPoint(3, 3), at_node(canvas, "video") + QPoint(30, 30)
    drag(canvas, start, end, modifiers=modifier, release=False)
    assert "video" in canvas.selected()
    assert not viewer.rubberBandRect().isEmpty()
    told = []
    canvas.selection_changed.connect(lambda: told.append(set(canvas.selected())))
    QTest.keyClick(viewer, Qt.Key.Key_Escape, modifier)
    assert viewer.rubberBandRect().isEmpty()
    assert told == [selected]
    move(canvas, at_node(canvas, "detect"), Qt.MouseButton.LeftButton, modifier)
    QTest.mouseRelease(viewer.viewport(), Qt.MouseButton.LeftButton, modifier, at_node(canvas, "detect"))
    assert set(canvas.selected()) == selected
    drag(canvas, start, end)  # and the next one is as usual
    assert canvas.selected() == ("video",)
    QTest.keyClick(viewer, Qt.Key.Key_Escape)  # which is over
    assert canvas.selected() == ("video",)


def test_double_click_on_a_wire_removes_it(canvas, people) -> None:
    double_click(canvas, middle_of_wire(canvas, ("detect", "boxes"), ("track", "boxes")))
    assert ("detect.boxes", "track.boxes") not in ends(people)


def test_double_click_on_empty_canvas_asks_for_a_cell(qtbot, canvas, people) -> None:
    with qtbot.waitSignal(canvas.search_requested) as asked:
        double_click(canvas, QPoint(20, 20))
    assert asked.args[2] is None


def test_a_cell_dropped_from_the_library_stands_where_it_was_dropped(canvas, people) -> None:
    data = QMimeData()
    data.setData(CELL_MIME, b"vision.Canny")
    point = QPoint(300, 500)
    event = QDropEvent(
        QPointF(point), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    canvas.viewer.dropEvent(event)
    place = canvas.viewer.mapToScene(point)
    assert people.document.cells["canny"].type == "vision.Canny"
    assert people.document.view["canny"]["pos"] == pytest.approx([place.x(), place.y()], abs=1)
    assert canvas.selected() == ("canny",)


def test_an_unknown_type_is_refused_in_words(qtbot, canvas, people) -> None:
    with qtbot.waitSignal(canvas.refused) as refused:
        assert canvas.add_cell("acme.Nothing") is None
    assert "acme.Nothing is not a type" in refused.args[0]


def test_cells_and_wires_are_removed_copied_and_pasted(canvas, people) -> None:
    canvas.select(["detect", "track"])
    text = canvas.copy_text()
    canvas.remove_selected()
    assert "detect" not in people.document.cells
    canvas.paste_text(text)
    assert ("detect.boxes", "track.boxes") in ends(people)
    canvas.duplicate()
    assert "detect_2" in people.document.cells
    assert canvas.selected() == ("detect_2", "track_2")
    for _ in range(3):
        people.undo_stack.undo()
    assert to_text(people.document) == get_examples()["people_tracking"].read_text()


def test_disabling_and_enabling(canvas, people) -> None:
    canvas.select(["draw", "people"])
    canvas.set_flag("disabled")
    assert canvas._nodes["draw"].view.node_view.condition == "disabled"
    canvas.set_flag("disabled")
    assert canvas._nodes["draw"].view.node_view.condition == "normal"


def test_a_double_click_enters_a_nested_pipeline_and_its_ports_are_wired(canvas, session) -> None:
    session.open(get_examples()["nested"])
    canvas.fit_all()
    double_click(canvas, at_node(canvas, "poly"))
    assert canvas.path == ("poly",)
    assert set(canvas._nodes) == {"work", "square", "add", "<", ">"}
    double_click(canvas, middle_of_wire(canvas, ("add", "value"), (">", "y")))
    assert ("add.value", "y") not in ends(session, ("poly",))
    drag(canvas, at_port(canvas, "add", "value"), at_port(canvas, ">", "y"))
    assert ("add.value", "y") in ends(session, ("poly",))
    canvas.leave()
    assert canvas.path == ()


def test_undo_leaves_a_nested_pipeline_that_is_gone(canvas, session) -> None:
    name = canvas.add_cell("Pipeline", QPointF(0, 0))
    canvas.enter(name)
    assert canvas.path == (name,)
    session.undo_stack.undo()
    assert canvas.path == ()
    assert canvas._nodes == {}


def test_the_wheel_zooms_at_the_mouse(canvas, people) -> None:
    point = QPoint(400, 300)
    before, scale = canvas.viewer.mapToScene(point), canvas.viewer.get_scale()
    event = QWheelEvent(
        QPointF(point), QPointF(canvas.viewer.mapToGlobal(point)), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(canvas.viewer.viewport(), event)
    after = canvas.viewer.mapToScene(point)
    assert canvas.viewer.get_scale() > scale
    assert (after - before).manhattanLength() < 3


@pytest.mark.parametrize("with_space", [False, True])
def test_dragging_with_the_middle_button_or_space_pans(canvas, people, with_space) -> None:
    before = canvas.viewer.mapToScene(QPoint(0, 0))
    document = people.document
    if with_space:
        QTest.keyPress(canvas.viewer, Qt.Key.Key_Space)
        drag(canvas, at_node(canvas, "detect"), at_node(canvas, "detect") + QPoint(80, 30))
        QTest.keyRelease(canvas.viewer, Qt.Key.Key_Space)
    else:
        drag(canvas, QPoint(300, 300), QPoint(380, 330), Qt.MouseButton.MiddleButton)
    after = canvas.viewer.mapToScene(QPoint(0, 0))
    scale = canvas.viewer.get_scale()
    assert (after.x() - before.x(), after.y() - before.y()) == pytest.approx((-80 / scale, -30 / scale), abs=3)
    assert people.document is document


def test_zoom_has_limits(canvas, people) -> None:
    for factor in (1e-6, 1e6):
        canvas.viewer.zoom_by(factor)
        assert 0.099 <= canvas.viewer.get_scale() <= 3.01


def test_live_figures_are_painted_and_taken_back(canvas, people) -> None:
    quiet = canvas.grab().toImage()
    nodes = {"detect": NodeLive("running", 8.21, 0.251, 0.98, 0.01, 0.01, "×2 threads", is_limit=True)}
    wires = {WireView(("video", "frame"), ("detect", "image")): WireLive(8.21, 8, 8)}
    canvas.show_live(nodes, wires)
    assert canvas.grab().toImage() != quiet
    canvas.show_live({}, {})
    assert canvas.grab().toImage() == quiet


def test_the_buttons_at_a_running_node_ask_for_clones(qtbot, canvas, people) -> None:
    canvas.show_live({"detect": NodeLive("running", 8.21, busy=0.5)}, {})
    item = canvas._nodes["detect"].view
    item._is_hovered = True
    minus, plus = item._buttons()
    for box, difference in ((plus, 1), (minus, -1)):
        with qtbot.waitSignal(canvas.clones_requested) as asked:
            point = canvas.viewer.mapFromScene(item.mapToScene(box.center()))
            move(canvas, point)
            item._is_hovered = True
            QTest.mouseClick(canvas.viewer.viewport(), Qt.MouseButton.LeftButton, pos=point)
        assert asked.args == ["detect", difference]


def test_a_click_on_the_error_badge_tells(qtbot, canvas, people) -> None:
    canvas.show_live({"detect": NodeLive("running", 8.21, nb_errors=3)}, {})
    item = canvas._nodes["detect"].view
    with qtbot.waitSignal(canvas.badge_clicked) as clicked:
        click(canvas, canvas.viewer.mapFromScene(item.mapToScene(item._error_badge().center())))
    assert clicked.args == ["detect", "error"]


def test_the_picture_holds_the_whole_graph_whatever_is_visible(canvas, people, tmp_path) -> None:
    canvas.viewer.zoom_by(3)
    canvas.select(["detect"])
    before = canvas.picture()
    canvas.select([])
    canvas.fit_all()
    assert canvas.picture() == before
    assert before.width() > 2 * 1120
    assert canvas.save_picture(tmp_path / "graph.png")
    assert not canvas.save_picture(tmp_path / "no" / "graph.png")


def test_nothing_but_edits_of_the_document_lies_on_the_undo_stack(canvas, people) -> None:
    canvas.select_all()
    canvas.fit_selection()
    canvas.viewer.zoom_by(0.5)
    canvas.show_live({}, {})
    assert people.undo_stack.count() == 0


def test_a_small_graph_is_shown_at_100_per_cent_and_no_less(canvas, session) -> None:
    canvas.add_cell("demo.Work")
    canvas.fit_all()
    assert canvas.viewer.get_scale() == 1.0
    drag(canvas, QPoint(700, 700), QPoint(600, 650), Qt.MouseButton.MiddleButton)
    assert canvas.viewer.get_scale() == 1.0


def test_a_window_of_another_size_shows_the_same_scale_and_middle(canvas, people) -> None:
    viewer = canvas.viewer
    viewer.zoom_by(0.8 / viewer.get_scale())
    middle = viewer.mapToScene(viewer.viewport().rect().center())
    for size in (QSize(700, 500), QSize(1500, 400), QSize(1400, 800)):
        canvas.resize(size)
        assert viewer.get_scale() == pytest.approx(0.8)
        moved = viewer.mapToScene(viewer.viewport().rect().center()) - middle
        assert abs(moved.x()) + abs(moved.y()) < 4


def test_what_is_drawn_first_is_at_100_per_cent_whatever_the_window(canvas, session) -> None:
    canvas.resize(900, 500)
    assert canvas.viewer.get_scale() == 1.0
    canvas.add_cell("demo.Work")
    assert canvas.viewer.get_scale() == 1.0
    assert canvas.viewer.viewport().rect().contains(at_node(canvas, "work"))


@pytest.mark.parametrize("offset", [QPoint(900, 300), QPoint(-900, -300), QPoint(0, 900)])
def test_revealing_a_cell_moves_it_into_view(canvas, people, offset) -> None:
    viewport, middle = canvas.viewer.viewport(), QPoint(700, 700)
    for _ in range(2):
        drag(canvas, middle, middle + offset, Qt.MouseButton.MiddleButton)
    assert not viewport.rect().contains(at_node(canvas, "detect"))
    canvas.reveal("detect")
    assert canvas.selected() == ("detect",)
    item = canvas._nodes["detect"].view
    shown = canvas.viewer.mapFromScene(item.sceneBoundingRect()).boundingRect()
    assert viewport.rect().contains(shown)
    before = at_node(canvas, "detect")
    canvas.reveal("detect")
    assert at_node(canvas, "detect") == before


def test_a_port_says_why_it_does_not_take_the_wire_that_is_dragged_to_it(canvas, people, qtbot) -> None:
    start, end = at_port(canvas, "video", "frame"), at_port(canvas, "track", "boxes")
    drag(canvas, start, end, release=False)
    reason = port_of(canvas, "track", "boxes").refusal
    assert reason
    qtbot.waitUntil(lambda: QToolTip.isVisible() and QToolTip.text() == reason)
    move(canvas, end + QPoint(-60, 60), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not QToolTip.isVisible())
    move(canvas, end, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(QToolTip.isVisible)
    QTest.mouseRelease(canvas.viewer.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, end)
    qtbot.waitUntil(lambda: not QToolTip.isVisible())


def all_is_visible(canvas) -> bool:
    seen = canvas.viewer.mapToScene(canvas.viewer.viewport().rect()).boundingRect()
    return all(seen.contains(node.view.sceneBoundingRect()) for node in canvas._nodes.values())


def test_a_graph_that_is_opened_before_the_window_is_there_is_shown_whole(qtbot, known) -> None:
    session = Session()
    session.open(get_examples()["people_tracking"])
    window = QMainWindow()
    qtbot.addWidget(window)
    canvas = Canvas(session)
    window.setCentralWidget(canvas)
    window.resize(900, 500)
    window.show()
    qtbot.waitExposed(window)
    before = canvas.viewer.get_scale()
    assert all_is_visible(canvas)
    canvas.fit_all()
    assert canvas.viewer.get_scale() == pytest.approx(before)
    session.set_catalogue(known)  # nodes grow by their ports
    assert all_is_visible(canvas)


def test_the_whole_graph_stays_visible_until_a_person_moves_the_view_or_edits(canvas, people) -> None:
    canvas.fit_all()
    canvas.resize(900, 500)
    assert all_is_visible(canvas)
    scale = canvas.viewer.get_scale()
    canvas.resize(1400, 800)
    assert canvas.viewer.get_scale() > scale
    drag(canvas, QPoint(700, 700), QPoint(690, 700), Qt.MouseButton.MiddleButton)
    scale = canvas.viewer.get_scale()
    canvas.resize(900, 500)
    assert canvas.viewer.get_scale() == pytest.approx(scale)
    canvas.fit_all()
    scale = canvas.viewer.get_scale()
    drag(canvas, at_node(canvas, "detect"), at_node(canvas, "detect") + QPoint(5, 30))
    canvas.resize(1400, 800)
    assert canvas.viewer.get_scale() == pytest.approx(scale)


def test_a_selection_of_many_is_told_once(canvas, people):
    told = []
    canvas.selection_changed.connect(lambda: told.append(canvas.selected()))
    canvas.select(["video", "detect", "draw"])
    assert told == [("video", "detect", "draw")]
    canvas.select(["video", "detect", "draw"])
    assert len(told) == 1
    canvas.select([])
    assert told[1:] == [()]


def test_wires_are_laid_once_when_many_nodes_move(canvas, people, monkeypatch) -> None:
    """Each node that moved laid its wires anew, round nodes that had not moved yet: 500 cells took seconds."""
    laid = []
    monkeypatch.setattr(
        "pypipeline_studio.canvas.pipe_item.find_corners", lambda start, end, *_: laid.append((start, end))
    )
    places = {}
    for name in people.document.cells:
        x, y = edits.position_of(people.document, name)
        places[name] = (x + 300.0, y + 40.0)
    people.edit("Move", edits.move_cells(people.document, (), places))
    QApplication.processEvents()
    assert len(laid) == len(people.document.connections)
    for wire, pipe in canvas._pipes.items():
        output = port_of(canvas, *wire.source, True).sceneBoundingRect().center()
        assert pipe.path().pointAtPercent(0) == output


def test_wires_follow_several_nodes_that_are_dragged(canvas, people, monkeypatch) -> None:
    canvas.select_all()
    laid = []
    monkeypatch.setattr(
        "pypipeline_studio.canvas.pipe_item.find_corners", lambda start, end, *_: laid.append((start, end))
    )
    place = at_node(canvas, "detect")
    drag(canvas, place, place + QPoint(40, 30), release=False)
    assert 0 < len(laid) <= 8 * len(people.document.connections)
    wire, pipe = next(iter(canvas._pipes.items()))
    assert pipe.path().pointAtPercent(0) == port_of(canvas, *wire.source, True).sceneBoundingRect().center()
    QTest.mouseRelease(canvas.viewer.viewport(), Qt.MouseButton.LeftButton, pos=place + QPoint(40, 30))


def test_cells_that_are_added_without_a_place_cover_no_other_and_are_seen(canvas, session) -> None:
    names = [canvas.add_cell("demo.Work") for _ in range(7)]
    boxes = [canvas.node_item(name).sceneBoundingRect() for name in names]
    assert not any(one.intersects(other) for one in boxes for other in boxes if one is not other)
    assert [box.left() for box in boxes] == sorted(box.left() for box in boxes)
    shown = canvas.viewer.mapToScene(canvas.viewer.viewport().rect()).boundingRect()
    assert shown.contains(boxes[-1])
