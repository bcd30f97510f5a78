"""The map of the graph: what it shows, and how it moves the view."""

import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest

from pypipeline_engine.graph.model import CellEntry, Document
from pypipeline_engine.host.protocol import GraphProblem
from pypipeline_studio.canvas.minimap import SIZE, Minimap, scale_for
from pypipeline_studio.document.views import NodeLive
from pypipeline_studio.theme.colours import colour

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def minimap(qtbot, canvas, people):
    minimap = Minimap(canvas.viewer, canvas)
    minimap.show()
    qtbot.waitUntil(lambda: minimap.scale is not None)
    return minimap


def middle_of_view(canvas) -> QPointF:
    return QRectF(canvas.viewer.mapToScene(canvas.viewer.viewport().rect()).boundingRect()).center()


def place_of(canvas, minimap, name) -> QPoint:
    box = canvas._nodes[name].view.box()
    return minimap.scale.to_map(QRectF(QPointF(*box[:2]), QPointF(*box[2:]))).center().toPoint()


def has_colour(minimap, at, name) -> bool:
    wanted = QColor(colour(name))
    shown = minimap.grab().toImage()
    around = [shown.pixelColor(at.x() + dx, at.y() + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
    return any(abs(one.red() - wanted.red()) + abs(one.green() - wanted.green()) < 40 for one in around)


def test_an_area_lies_in_the_middle_of_the_map_and_points_go_there_and_back() -> None:
    scale = scale_for(QRectF(-100, 50, 2000, 400), QSize(200, 100))
    shown = scale.to_map(QRectF(-100, 50, 2000, 400))
    assert shown.center() == QPointF(100, 50)
    assert shown.width() == pytest.approx(188)
    assert scale.to_scene(scale.to_map(QRectF(7, 90, 1, 1)).topLeft()) == QPointF(7, 90)


def test_a_click_brings_what_is_there_into_the_middle(canvas, minimap) -> None:
    canvas.viewer.zoom_by(3)
    before = canvas.viewer.get_scale()
    for name in ("video", "people"):
        QTest.mouseClick(minimap, LEFT, pos=place_of(canvas, minimap, name))
        item = canvas._nodes[name].view
        moved = middle_of_view(canvas) - item.sceneBoundingRect().center()
        assert moved.manhattanLength() < 60
    assert canvas.viewer.get_scale() == pytest.approx(before)


def test_the_frame_is_dragged_from_where_it_was_taken(canvas, minimap) -> None:
    canvas.viewer.zoom_by(3)
    QTest.mouseClick(minimap, LEFT, pos=place_of(canvas, minimap, "detect"))
    frame, middle = minimap.frame(), middle_of_view(canvas)
    start = (frame.center() + QPointF(4, 2)).toPoint()
    QTest.mousePress(minimap, LEFT, pos=start)
    assert (middle_of_view(canvas) - middle).manhattanLength() < 2 / minimap.scale.factor
    QTest.mouseMove(minimap, start + QPoint(20, 10))
    QTest.mouseRelease(minimap, LEFT, pos=start + QPoint(20, 10))
    moved = minimap.frame().center() - frame.center()
    assert abs(moved.x() - 20) < 2
    assert abs(moved.y() - 10) < 2


def test_the_frame_follows_the_view(qtbot, canvas, minimap) -> None:
    before = minimap.frame()
    canvas.viewer.zoom_by(2)
    assert minimap.frame().width() == pytest.approx(before.width() / 2, rel=0.02)


def test_errors_and_the_limit_are_marked(qtbot, canvas, session, minimap) -> None:
    session.front.set_problems((GraphProblem(message="wrong", path="cells.video", cell="video"),))
    session.problems_changed.emit()
    canvas.show_live({"detect": NodeLive("running", is_limit=True)}, {})
    minimap._refresh()
    assert has_colour(minimap, place_of(canvas, minimap, "video"), "error_fill")
    assert has_colour(minimap, place_of(canvas, minimap, "detect"), "neck")
    assert not has_colour(minimap, place_of(canvas, minimap, "people"), "neck")


def test_nodes_are_painted_anew_only_where_something_has_changed(qtbot, canvas, session, minimap, monkeypatch) -> None:
    minimap._refresh()
    drawn = []
    draw = minimap._draw
    monkeypatch.setattr(minimap, "_draw", lambda *given: drawn.append(1) or draw(*given))
    minimap._refresh()
    canvas.viewer.zoom_by(2)
    minimap._refresh()
    assert drawn == []
    canvas.select(["video"])
    minimap._refresh()
    assert drawn == [1]
    canvas.remove_selected()
    minimap._refresh()
    assert drawn == [1, 1]


def test_hundreds_of_nodes_fit_on_it(qtbot, canvas, session) -> None:
    cells = {f"cell_{n}": CellEntry(type="flow.Delay") for n in range(120)}
    view = {name: {"pos": [300 * (n % 12), 200 * (n // 12)]} for n, name in enumerate(cells)}
    session.begin(Document(name="many", cells=cells, view=view))
    minimap = Minimap(canvas.viewer, canvas)
    minimap.show()
    minimap._refresh()
    inside = QRectF(minimap.rect())
    assert all(inside.contains(QPointF(place_of(canvas, minimap, name))) for name in cells)


def test_it_takes_little_of_a_small_canvas(qtbot, canvas, people, minimap) -> None:
    assert minimap.size() == SIZE
    canvas.resize(500, 300)
    assert minimap.width() < 150
    assert canvas.rect().contains(minimap.geometry())
    minimap._refresh()
    assert QRectF(minimap.rect()).contains(QPointF(place_of(canvas, minimap, "people")))


def test_an_empty_graph_has_an_empty_map(canvas, session) -> None:
    session.new()
    minimap = Minimap(canvas.viewer, canvas)
    minimap.show()
    minimap._refresh()
    assert minimap.scale is None
    QTest.mouseClick(minimap, LEFT)
