"""Nodes, ports, wires and labels look as what they stand for."""

from dataclasses import replace
from itertools import combinations

import pytest
from canvas_sheet import DETECT, MISSING, RUNNING, STATES, Sheet
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QImage

from pypipeline_engine.graph.reader import read
from pypipeline_studio.canvas import node_item
from pypipeline_studio.canvas.wire_labels import HEIGHT, get_width
from pypipeline_studio.document.presentation import present
from pypipeline_studio.document.types import StudioTypes
from pypipeline_studio.document.views import NodeLive, PortView, WireLive
from pypipeline_studio.theme.colours import colour, kind_colour, mix, theme

ZOOMS = (1.0, 0.5, 0.25)


@pytest.fixture
def sheet(qtbot):
    sheet = Sheet()
    yield sheet
    sheet.close()


@pytest.fixture(params=["dark", "light"])
def mode(request):
    before = theme.mode
    theme.set_mode(request.param)
    yield request.param
    theme.set_mode(before)


def count(image: QImage, wanted: QColor) -> int:
    """How many pixels are of a colour, but for rounding."""
    data, near = bytes(image.constBits()), (wanted.blue(), wanted.green(), wanted.red())
    return sum(
        all(abs(data[start + channel] - near[channel]) <= 1 for channel in range(3)) for start in range(0, len(data), 4)
    )


def in_between(sheet) -> None:
    """Three nodes in a row, and a wire from the first to the last one."""
    for index, name in enumerate(("first", "second", "third")):
        sheet.add(name, replace(DETECT, name=name, position=(300.0 * index, 0.0)))


def is_free(pipe, item) -> bool:
    """Whether a wire does not run below a node."""
    body = QRectF(item.pos(), item.pos() + QPointF(item.width, item.height))
    return not any(body.contains(pipe.path().pointAtPercent(step / 100)) for step in range(2, 99))


@pytest.mark.parametrize("zoom", ZOOMS)
def test_states_look_different(sheet, mode, zoom) -> None:
    sheet.add_states()
    shown = {state: sheet.picture(zoom, 1.0, sheet.area(state)) for state in STATES}
    # All there is to see of these from afar is that a cell runs, or does not.
    same_from_afar = {"running", "paused", "over", "working"}, {"disabled", "bypassed"}, {"long", "slow"}
    for first, second in combinations(shown, 2):
        if zoom == 1.0 or not any({first, second} <= group for group in same_from_afar):
            assert shown[first] != shown[second], (first, second)


@pytest.mark.parametrize(
    ("state", "token", "zooms"),
    [
        ("limit", "neck_line", ZOOMS),
        ("limit", "neck", ZOOMS),
        ("error", "error", (1.0, 0.25)),
        ("error", "error_fill", ZOOMS),
        ("problem", "error_fill", ZOOMS),
        ("selected", "accent", ZOOMS),
        ("running", "busy", ZOOMS),
        ("running", "ok", (1.0,)),
    ],
)
def test_the_colour_of_a_state_is_seen_at_every_zoom(sheet, mode, state, token, zooms) -> None:
    sheet.add_states()
    for zoom in zooms:
        picture = sheet.picture(zoom, 2.0, sheet.area(state))
        assert count(picture, colour(token)) > 10, zoom
        if token not in ("busy", "ok"):
            assert count(sheet.picture(zoom, 2.0, sheet.area("idle")), colour(token)) == 0, zoom


def test_switching_the_theme_paints_everything_anew(sheet) -> None:
    sheet.add_states()
    theme.set_mode("dark")
    dark = sheet.picture()
    try:
        theme.set_mode("light")
        sheet.graph.restyle()
        assert count(sheet.picture(), QColor("#FFFFFF")) > 1000
    finally:
        theme.set_mode("dark")
    sheet.graph.restyle()
    assert sheet.picture() == dark


def test_the_bar_shows_the_shares(sheet) -> None:
    item = sheet.add("a", DETECT)
    amounts = []
    for busy in (0.2, 0.4, 0.8):
        item.show_live(replace(RUNNING, busy=busy, starved=0.0, blocked=0.0))
        amounts.append(count(sheet.picture(1.0, 1.0, sheet.area("a")), colour("busy")))
    assert amounts[1] == pytest.approx(2 * amounts[0], rel=0.15)
    assert amounts[2] == pytest.approx(4 * amounts[0], rel=0.15)


@pytest.mark.parametrize("busy", [0.0, 0.001, 1.0, 1.7])
def test_any_figures_can_be_shown(sheet, busy) -> None:
    item = sheet.add("a", replace(DETECT, name="n" * 300, parameters=(("p" * 100, "v" * 300),)))
    item.show_live(NodeLive("running", 1e9, 1e6, busy, 1.2, 1.2, "×123456 threads", 10**9, True, 10**6))
    for zoom in ZOOMS:
        assert not sheet.picture(zoom, 1.0, sheet.area("a")).isNull()


def test_a_node_without_ports_and_parameters(sheet) -> None:
    item = sheet.add("a", replace(DETECT, inputs=(), outputs=(), parameters=()))
    assert item.height > 44
    assert not sheet.picture().isNull()


def test_heat_is_shown_only_where_it_is_asked_for(sheet) -> None:
    item = sheet.add("a", DETECT, RUNNING)
    plain = {zoom: sheet.picture(zoom, 1.0, sheet.area("a")) for zoom in ZOOMS}
    sheet.viewer.scene().shows_heat = True
    for zoom in ZOOMS:
        assert sheet.picture(zoom, 1.0, sheet.area("a")) != plain[zoom]
    item.show_live(None)
    hot = sheet.picture(0.25, 1.0, sheet.area("a"))
    sheet.viewer.scene().shows_heat = False
    assert sheet.picture(0.25, 1.0, sheet.area("a")) == hot


def test_badges_are_where_they_are_painted(sheet) -> None:
    item = sheet.add("a", DETECT, replace(RUNNING, is_limit=True, nb_errors=12))
    assert item.badge_at(QPointF(20, -6)) == "limit"
    assert item.badge_at(QPointF(item.width - 20, -6)) == "error"
    assert item.badge_at(QPointF(item.width / 2 + 20, -6)) is None
    item.show_live(RUNNING)
    assert item.badge_at(QPointF(20, -6)) is None
    assert item.badge_at(QPointF(item.width - 20, -6)) is None


def test_problems_found_before_a_run_have_a_badge_as_well(sheet) -> None:
    item = sheet.add("a", replace(DETECT, nb_problems=1))
    assert item.badge_at(QPointF(item.width - 20, -6)) == "error"


def test_clone_buttons_are_there_under_the_mouse_while_running(sheet) -> None:
    item = sheet.add("a", DETECT, RUNNING)
    at_minus, at_plus = (box.center() for box in item._buttons())
    assert item.clone_button_at(at_plus) is None
    item.hoverEnterEvent(None)
    assert (item.clone_button_at(at_minus), item.clone_button_at(at_plus)) == ("-", "+")
    assert item.clone_button_at(QPointF(40, 40)) is None
    item.show_view(replace(DETECT, can_scale=False))
    assert item.clone_button_at(at_plus) is None
    item.show_view(DETECT)
    item.show_live(None)
    assert item.clone_button_at(at_plus) is None


def test_tool_tips_say_it_in_numbers(sheet) -> None:
    item = sheet.add("a", DETECT, replace(RUNNING, working_s=12.0))
    assert "busy 42 %, starved 50 %, blocked 8 %" in item.toolTip()
    assert "12.0 s" in item.toolTip()
    missing = sheet.add("b", MISSING)
    assert "kept as saved" in missing.toolTip()


def test_the_tool_tip_of_a_port_says_what_it_takes_and_why_not(sheet) -> None:
    port = PortView("image", ("image",), "The frame to search in.", "uint8 h×w×3")
    item = sheet.add("a", replace(DETECT, inputs=(port,)))
    (image,) = item.inputs
    assert "uint8 h×w×3" in image.toolTip()
    assert "The frame to search in." in image.toolTip()
    plain = sheet.picture()
    image.refusal = "image takes images, not text"
    assert image.toolTip() == "image takes images, not text"
    assert sheet.picture() != plain
    image.refusal = ""
    assert sheet.picture() == plain


def test_a_connected_port_is_filled(sheet) -> None:
    in_between(sheet)
    (port,) = sheet.nodes["first"].view.outputs
    around = port.sceneBoundingRect().adjusted(-2, -2, 2, 2)
    before = count(sheet.picture(1.0, 4.0, around), kind_colour("boxes"))
    sheet.wire("first", "boxes", "second", "image")
    assert count(sheet.picture(1.0, 4.0, around), kind_colour("boxes")) > 1.5 * before


def test_a_wire_goes_around_a_node_in_between(sheet) -> None:
    in_between(sheet)
    pipe = sheet.wire("first", "boxes", "third", "image")
    assert is_free(pipe, sheet.nodes["second"].view)


def test_a_wire_makes_way_for_a_node_that_is_put_upon_it(sheet) -> None:
    in_between(sheet)
    second = sheet.nodes["second"].view
    second.setPos(300, 600)
    pipe = sheet.wire("first", "boxes", "third", "image")
    straight = pipe.path()
    second.setPos(300, 0)
    sheet.viewer.scene().route_wires()
    assert is_free(pipe, second)
    second.setPos(300, 600)
    sheet.viewer.scene().route_wires()
    assert pipe.path() == straight


def test_wires_make_way_by_themselves(sheet, qtbot) -> None:
    in_between(sheet)
    second = sheet.nodes["second"].view
    second.setPos(300, 600)
    pipe = sheet.wire("first", "boxes", "third", "image")
    second.setPos(300, 0)
    qtbot.waitUntil(lambda: is_free(pipe, second), timeout=5_000)


def test_the_scene_forgets_what_is_taken_away(sheet) -> None:
    in_between(sheet)
    scene = sheet.viewer.scene()
    pipe = sheet.wire("first", "boxes", "third", "image")
    assert (len(scene.boxes), pipe in scene.pipes) == (3, True)
    sheet.graph.disconnect_pipe(pipe)
    sheet.graph.remove_studio_node(sheet.nodes["second"])
    assert (len(scene.boxes), pipe in scene.pipes) == (2, False)


@pytest.mark.parametrize("is_recurrent", [False, True])
def test_recurrent_wires_are_dashed(sheet, is_recurrent) -> None:
    in_between(sheet)
    pipe = sheet.wire("first", "boxes", "second", "image", is_recurrent=is_recurrent)
    start, end = pipe.path().pointAtPercent(0.15), pipe.path().pointAtPercent(0.85)
    picture = sheet.picture(1.0, 1.0, QRectF(start.x(), start.y() - 4, end.x() - start.x(), 8))
    shown = mix(colour("canvas"), kind_colour("boxes"), 0.72)
    solid = (end.x() - start.x()) * 2
    assert (count(picture, shown) < 0.8 * solid) == is_recurrent


def test_labels_are_only_on_wires_with_a_queue(sheet) -> None:
    in_between(sheet)
    sheet.nodes["second"].view.setPos(500, 0)
    pipe = sheet.wire("first", "boxes", "second", "image", WireLive(8.2))
    plain = sheet.picture()
    pipe.show_live(WireLive(8.2, 3, 8))
    assert sheet.picture() != plain
    assert count(sheet.picture(0.5), colour("q_low")) == 0


@pytest.mark.parametrize(("queued", "token"), [(3, "q_low"), (6, "q_mid"), (8, "q_high")])
def test_labels_have_the_colour_of_the_fill(sheet, queued, token) -> None:
    in_between(sheet)
    sheet.nodes["second"].view.setPos(500, 0)
    sheet.wire("first", "boxes", "second", "image", WireLive(8.2, queued, 8))
    assert count(sheet.picture(), colour(token)) > 20


def test_labels_are_never_below_a_node_or_on_each_other(sheet) -> None:
    for index in range(4):
        sheet.add(index, replace(DETECT, name=f"n{index}", position=(290.0 * index, 0.0)))
    live = WireLive(8.2, 5, 8)
    for target in (1, 2, 3):
        sheet.wire(0, "boxes", target, "image", live)
    sheet.picture()
    places = [place for _, place in sheet.labels._places.values()]
    assert len(places) == 3
    boxes = [QRectF(QPointF(*place.box[:2]), QPointF(*place.box[2:])) for place in places]
    nodes = [QRectF(n.view.pos(), n.view.pos() + QPointF(n.view.width, n.view.height)) for n in sheet.nodes.values()]
    assert not any(box.intersects(node) for box in boxes for node in nodes)
    assert not any(first.intersects(second) for first, second in combinations(boxes, 2))


def test_a_label_stays_where_it_is_while_figures_change(sheet) -> None:
    in_between(sheet)
    pipe = sheet.wire("first", "boxes", "third", "image", WireLive(8.2, 3, 12))
    sheet.picture()
    ((_, before),) = sheet.labels._places.values()
    pipe.show_live(WireLive(31.1, 12, 12))
    sheet.picture()
    assert next(iter(sheet.labels._places.values()))[1] is before
    assert get_width(WireLive(8.2, 3, 12)) == get_width(WireLive(31.1, 12, 12))
    sheet.nodes["third"].view.setPos(900, 300)
    sheet.picture()
    assert next(iter(sheet.labels._places.values()))[1].at != before.at


def test_a_label_is_short_where_there_is_no_room(sheet) -> None:
    sheet.add("left", DETECT)
    sheet.add("right", replace(DETECT, name="right", position=(270.0, 0.0)))
    sheet.wire("left", "boxes", "right", "image", WireLive(8.2, 3, 8))
    sheet.picture()
    ((_, place),) = sheet.labels._places.values()
    assert not place.has_rate
    assert place.box[3] - place.box[1] >= HEIGHT


@pytest.fixture
def texts(monkeypatch):
    """The texts that nodes paint."""
    painted = []
    put = node_item.put_text

    def note(painter, rect, text, *rest):
        painted.append(text)
        put(painter, rect, text, *rest)

    monkeypatch.setattr(node_item, "put_text", note)
    return painted


@pytest.mark.parametrize(
    ("entry", "note"),
    [
        ('"type": "acme.Embedder"', "Not installed – kept as saved"),
        ('"type": "acme.Embedder", "disabled": true', "Disabled, not installed – kept"),
        ('"type": "vision.DrawBoxes", "disabled": true', "Disabled"),
        ('"type": "vision.DrawBoxes", "bypassed": true', "Bypassed: image passes"),
        ('"type": "detection.HogPeople", "bypassed": true', "Bypassed: nothing fits boxes"),
    ],
)
def test_the_note_of_a_cell_that_does_not_run_is_there_to_the_end(sheet, texts, known, entry, note) -> None:
    text = f'{{"format": "pypipeline.graph", "version": 1, "cells": {{"cell": {{{entry}}}}}}}'
    view = present(read(text), (), StudioTypes(known.types)).nodes["cell"]
    sheet.add("cell", view)
    sheet.picture(1.0, 1.0, sheet.area("cell"))
    assert note in texts


def test_how_long_a_cell_works_is_seen_also_beside_the_buttons_for_clones(sheet, texts) -> None:
    live = NodeLive("running", 2.46, 1.3, 0.9, 0.1, 0.0, "×2 threads", working_s=8.8)
    item = sheet.add("detect", DETECT, live)
    sheet.picture(1.0, 1.0, sheet.area("detect"))
    assert "at one item for 8.8 s" in texts
    texts.clear()
    item._is_hovered = True
    sheet.picture(1.0, 1.0, sheet.area("detect"))
    assert "for 8.8 s" in texts
