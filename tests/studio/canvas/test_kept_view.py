"""Items of graphs that are not in front."""

import pytest
from gestures import at_node, drag
from PySide6.QtCore import QPoint, QPointF, QRectF

from pypipeline_engine.host.protocol import GraphProblem, Validation
from pypipeline_engine.resources import get_examples
from pypipeline_studio.canvas.node_item import StudioNodeItem
from pypipeline_studio.canvas.pipe_item import StudioPipe
from pypipeline_studio.theme.colours import theme


@pytest.fixture
def two(session, canvas):
    """Two graphs; the first one is in front."""
    for name in ("people_tracking", "nested"):
        session.open(get_examples()[name])
    session.show(session.graphs[0])
    return session


def items(canvas, kind) -> list:
    return [item for item in canvas.viewer.scene().items() if type(item) is kind and item.isVisible()]


def test_only_what_is_in_front_is_on_the_scene(canvas, two) -> None:
    scene = canvas.viewer.scene()
    for _ in range(3):
        for graph in two.graphs:
            two.show(graph)
            assert {item.name for item in items(canvas, StudioNodeItem)} == set(graph.document.cells)
            assert len(items(canvas, StudioPipe)) == len(graph.document.connections)
            assert len(scene.boxes) == len(graph.document.cells)
            assert {pipe for pipe in scene.pipes if pipe.output_port} == set(canvas._pipes.values())


def test_nothing_is_left_of_a_graph_that_was_closed(canvas, two) -> None:
    one, nested = two.graphs
    two.close(nested)
    assert canvas._kept == {}
    assert len(canvas._graph.model.nodes) == len(one.document.cells)
    two.close(one)
    assert canvas._kept == {}
    assert canvas._graph.model.nodes == {}
    assert items(canvas, StudioNodeItem) == []


def test_the_wires_of_what_comes_back_lie_as_they_lay_and_follow_nodes_again(canvas, two, qtbot) -> None:
    scene = canvas.viewer.scene()
    two.show(two.graphs[1])
    two.show(two.graphs[0])
    scene.route_wires()
    paths = {wire: pipe.path() for wire, pipe in canvas._pipes.items()}
    two.show(two.graphs[1])
    two.show(two.graphs[0])
    assert not scene._timer.isActive()
    assert {wire: pipe.path() for wire, pipe in canvas._pipes.items()} == paths
    drag(canvas, at_node(canvas, "detect"), at_node(canvas, "detect") + QPoint(30, 70))
    qtbot.waitUntil(lambda: not scene._timer.isActive())
    moved = {wire for wire, pipe in canvas._pipes.items() if pipe.path() != paths[wire]}
    assert {wire for wire in canvas._pipes if "detect" in (wire.source[0], wire.target[0])} <= moved


def test_wires_that_a_node_has_just_come_in_the_way_of_go_round_it_when_they_come_back(canvas, two) -> None:
    wire = next(wire for wire in canvas._pipes if (wire.source[0], wire.target[0]) == ("video", "draw"))
    middle = canvas._pipes[wire].path().pointAtPercent(0.5)
    before = canvas._pipes[wire].path()
    canvas.node_item("detect").setPos(middle - QPointF(100, 50))  # as a person who drags it does
    assert canvas.viewer.scene()._timer.isActive()
    two.show(two.graphs[1])
    two.show(two.graphs[0])
    assert canvas._pipes[wire].path() != before


def test_a_graph_that_is_behind_follows_what_is_known_about_it(canvas, two, known) -> None:
    people = two.graphs[0]
    two.show(two.graphs[1])
    problem = GraphProblem(path="cells.detect", message="no such type", cell="detect", severity="error")
    two.set_validation(Validation(problems=(problem,)), people)
    two.set_catalogue(known.model_copy(update={"types": known.types[:1]}))
    two.show(people)
    assert canvas.presentation.nodes["detect"].condition == "missing"
    assert canvas._nodes["detect"].view.node_view == canvas.presentation.nodes["detect"]


def test_what_comes_back_is_painted_in_the_colours_of_the_theme(canvas, two) -> None:
    before = theme.mode
    try:
        shown = canvas.grab().toImage()
        two.show(two.graphs[1])
        theme.set_mode("light" if before == "dark" else "dark")
        two.show(two.graphs[0])
        assert canvas.grab().toImage() != shown
        two.show(two.graphs[1])
        theme.set_mode(before)
        two.show(two.graphs[0])
        assert canvas.grab().toImage() == shown
    finally:
        theme.set_mode(before)


def test_all_of_a_graph_is_visible_again_in_a_window_of_another_size(canvas, two) -> None:
    canvas.fit_all()
    two.show(two.graphs[1])
    canvas.resize(700, 400)
    two.show(two.graphs[0])
    everything = QRectF()
    for item in items(canvas, StudioNodeItem):
        everything = everything.united(item.sceneBoundingRect())
    shown = canvas.viewer.mapFromScene(everything).boundingRect()
    assert canvas.viewer.viewport().rect().contains(shown)
