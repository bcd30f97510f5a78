"""Looking into a run without HTTP: previews, breakpoints, held items and replay."""

import gc
import json
import threading
import weakref
from pathlib import Path

import pytest

from pypipeline_engine.catalogue.discovery import Catalogue
from pypipeline_engine.host.graphs import Workshop
from pypipeline_engine.host.journal import Journal
from pypipeline_engine.host.kept_pictures import KeptPictures
from pypipeline_engine.host.looking import (
    LOOKING_EVENT_MODELS,
    BreakpointRequest,
    PreviewRequest,
    ReplayRequest,
)
from pypipeline_engine.host.ports import find_output
from pypipeline_engine.host.protocol import RunRequest, ScaleRequest
from pypipeline_engine.host.refusals import Refused
from pypipeline_engine.host.replay import replay
from pypipeline_engine.host.session import Session
from pypipeline_engine.host.watches import IDLE_S, MOST_BREAKPOINTS, MOST_HELD, MOST_PREVIEWS, Watches

CELLS = Path(__file__).with_name("looked_at.py")
WAIT_S = 20.0


class Told:
    """What clients are told. Waits for events instead of looking again and again."""

    def __init__(self):
        self._changed = threading.Condition()
        self.events = []
        self.is_heard = True

    def __call__(self, name, data, about):
        with self._changed:
            self.events.append((name, LOOKING_EVENT_MODELS[name].model_validate_json(data), about))
            self._changed.notify_all()

    def wait_for(self, name, fits=lambda event: True):
        with self._changed:
            assert self._changed.wait_for(lambda: self._find(name, fits), WAIT_S), self.events[-3:]
            return self._find(name, fits)[-1]

    def _find(self, name, fits):
        return [event for kind, event, _ in self.events if kind == name and fits(event)]


@pytest.fixture(scope="module")
def workshop():
    catalogue = Catalogue([CELLS])
    return Workshop(lambda: catalogue)


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def journal():
    return Journal()


@pytest.fixture
def states():
    return []


@pytest.fixture
def session(workshop, journal, told, states):
    session = Session(workshop, journal, lambda info, final: states.append(info.state))
    session.tell, session.is_heard = told, lambda: told.is_heard
    yield session
    session.stop()
    assert session.wait(WAIT_S)


@pytest.fixture
def graph():
    def make(**work):
        return {
            "format": "pypipeline.graph",
            "version": 1,
            "name": "graph",
            "cells": {
                "count": {"type": "sources.Counter"},
                "work": {"type": "looked_at.Gain", **work},
                "write": {"type": "sinks.JsonLines", "parameters": {"path": "items.jsonl"}},
            },
            "connections": [["count.value", "work.item"], ["work.result", "write.item"]],
        }

    return make


@pytest.fixture
def start(session, tmp_path):
    def start(graph):
        session.start(RunRequest(graph=graph, output_folder=str(tmp_path), paused=True))
        return session.get_watches()

    return start


def hold(session, told, watches, built, condition="", cell="work", port="result"):
    """Go on until an item is held; what is told of it."""
    request = BreakpointRequest(cell=cell, port=port, condition=condition)
    watches.set_breakpoint(request, find_output(built, cell, port))
    session.resume()
    return told.wait_for("held")


# ---------------------------------------------------------------------- breakpoints


def test_the_run_pauses_with_the_item_held_where_the_condition_holds(session, start, graph, told, states):
    watches, built = start(graph(parameters={"gain": 10}))
    held = hold(session, told, watches, built, "value > 35")
    assert (held.item, held.cell, held.port, held.held) == (4, "work", "result", 1)
    assert held.inputs["item"][0].text == "4"
    assert held.outputs["result"].mean == 40
    assert session.get_info().state == states[-1] == "paused"
    assert watches.get_held_items().items == (held,)
    assert watches.get_info().breakpoints[0].nb_hits == 1


def test_the_held_item_goes_on_by_step_and_the_next_one_is_held(session, start, graph, told, tmp_path):
    watches, built = start(graph())
    for number in range(3):
        if number:
            session.step(5)
        else:
            hold(session, told, watches, built)
        assert told.wait_for("held", lambda held, number=number: held.held == number + 1).item == number
    watches.remove_breakpoint(None)
    assert watches.get_held().item.number == 2  # until the run goes on
    session.step(1)
    assert watches.get_held_items().items == ()


def test_a_condition_that_fails_is_told_once_and_costs_nothing(session, start, graph, told, journal):
    watches, built = start(graph())
    request = BreakpointRequest(cell="count", port="value", condition="value > 3 and height > 1")
    watches.set_breakpoint(request, find_output(built, "count", "value"))
    held = hold(session, told, watches, built, "value == 9")
    assert held.item == 9
    lines = [line.text for line in journal.get_lines() if "cannot be evaluated" in line.text]
    assert lines == [
        "count.value: the condition 'value > 3 and height > 1' cannot be evaluated: TypeError: a int with 0 dimensions has "
        "no height; such items do not pause the run"
    ]
    assert "no height" in watches.get_info().breakpoints[0].problem


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("value >", "is not an expression"),
        ("valeu > 3", "did you mean value"),
        ("value.__class__", "attributes"),
        ("open(value)", "unknown function"),
    ],
)
def test_a_condition_that_is_none_is_refused(start, graph, condition, words):
    watches, built = start(graph())
    with pytest.raises(Refused, match=words):
        watches.set_breakpoint(
            BreakpointRequest(cell="work", port="result", condition=condition), find_output(built, "work", "result")
        )
    assert watches.get_info().breakpoints == ()


def test_an_image_can_be_waited_for(session, start, graph, told):
    watches, built = start(image_graph())
    held = hold(session, told, watches, built, "mean(value) >= 3 and width == 64 and item > 1", "image", "image")
    assert held.outputs["image"].shape == (48, 64, 3)
    assert held.outputs["image"].has_picture


def test_what_clones_bring_while_one_is_held_is_kept_up_to_a_bound(session, start, graph, told):
    watches, built = start(graph(scale={"thread": 2, "queue_capacity": 32}))
    session.scale(ScaleRequest(cell="work", thread=1))
    hold(session, told, watches, built)
    told.wait_for("held", lambda held: held.held == MOST_HELD)
    assert len(watches.get_held_items().items) == MOST_HELD
    session.step(1)
    assert watches.get_held_items().nb_missed <= 32


# ---------------------------------------------------------------------- previews


def image_graph():
    return {
        "format": "pypipeline.graph",
        "version": 1,
        "name": "graph",
        "cells": {
            "count": {"type": "sources.Counter"},
            "image": {"type": "looked_at.Image"},
            "write": {"type": "looked_at.Ignore"},
        },
        "connections": [["count.value", "image.item"], ["image.image", "write.item"]],
    }


def show(watches, built, cell="image", port="image", **options):
    watches.preview(PreviewRequest(cell=cell, port=port, **options), find_output(built, cell, port))


def test_the_latest_value_is_told_and_shown(session, start, told):
    watches, built = start(image_graph())
    show(watches, built, max_width=32)
    with pytest.raises(Refused, match=r"image.image has brought no value"):
        watches.get_preview(("image", "image"))
    session.step(3)
    info = told.wait_for("preview", lambda info: info.item == 2)
    assert info.value.mean == 2
    assert watches.get_preview(("image", "image")) == info
    shown = watches.get_preview_picture(("image", "image"))
    assert (shown.item, shown.kept) == (2, 0)
    assert shown.jpeg.startswith(b"\xff\xd8")
    assert size_of_jpeg(shown.jpeg) == (24, 32)
    assert watches.get_info().previews[0].nb_bytes == 48 * 64 * 3


def test_the_array_of_a_picture_stays_as_it_was_when_the_picture_was_made(still):
    import numpy as np

    key, array = ("a", "y"), np.full((20, 30), 7, np.int32)
    bring(still.handle, array, 4)
    assert still.watches.get_preview_picture(key).kept == 0
    shown = still.watches.get_preview_picture(key, with_pixels=True)
    assert shown.kept > 0
    assert still.watches.get_preview_picture(key, with_pixels=True) is shown  # once for all who ask
    assert still.watches.get_preview_picture(key) is shown
    array[:] = 9  # as a cell does that writes into one array for all items
    kept = still.pictures.find(key, shown.kept)
    assert (kept.item, kept.array.max()) == (4, 7)
    still.watches.stop_preview(key)
    with pytest.raises(Refused, match="is not kept"):
        still.pictures.find(key, shown.kept)


def test_an_array_that_is_too_large_has_a_picture_all_the_same(still, monkeypatch):
    import numpy as np

    from pypipeline_engine.host import kept_pictures

    monkeypatch.setattr(kept_pictures, "MOST_KEPT_BYTES", 100)
    bring(still.handle, np.zeros((20, 30), np.uint8))
    shown = still.watches.get_preview_picture(("a", "y"), with_pixels=True)
    assert shown.jpeg
    assert shown.kept == 0


def test_of_clones_the_array_is_that_of_the_picture_as_well(session, start, told):
    graph = image_graph()
    graph["cells"]["image"]["scale"] = {"thread": 3}
    watches, built = start(graph)
    show(watches, built)
    session.resume()
    told.wait_for("preview", lambda info: info.item > 0)
    shown = watches.get_preview_picture(("image", "image"), with_pixels=True)
    session.stop()
    assert session.wait(WAIT_S)
    kept = session.get_pictures().find(("image", "image"), shown.kept)  # after the end of the run, too
    assert kept.item == shown.item
    assert (kept.array == shown.item % 256).all()


def size_of_jpeg(picture):
    import cv2
    import numpy as np

    return cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR).shape[:2]


def test_a_port_of_a_nested_pipeline_is_that_of_the_cell_inside(session, start, told):
    inner = {
        "type": "Pipeline",
        "inputs": ["x"],
        "outputs": ["y"],
        "cells": {"work": {"type": "looked_at.Gain", "parameters": {"gain": 7}, "scale": {"thread": 1}}},
        "connections": [["x", "work.item"], ["work.result", "y"]],
    }
    graph = {
        **image_graph(),
        "cells": {"count": {"type": "sources.Counter"}, "post": inner, "write": {"type": "looked_at.Ignore"}},
        "connections": [["count.value", "post.x"], ["post.y", "write.item"]],
    }
    watches, built = start(graph)
    show(watches, built, "post", "y")
    show(watches, built, "post.work", "result")
    session.resume()
    outer = told.wait_for("preview", lambda info: info.cell == "post" and info.value.mean)
    assert outer.value.mean == 7 * outer.item
    assert told.wait_for("preview", lambda info: info.cell == "post.work" and info.value.mean).port == "result"


@pytest.mark.parametrize(
    ("cell", "port", "words"),
    [
        ("imgae", "image", 'did you mean "image"'),
        ("image", "imgae", 'did you mean "image"'),
        ("image", "item", "is an input"),
        ("write", "item", "is an input"),
        ("write", "x", "it has none"),
    ],
)
def test_what_is_no_output_is_refused(start, cell, port, words):
    _, built = start(image_graph())
    with pytest.raises(Refused, match=words):
        find_output(built, cell, port)


def test_there_are_bounds(start, graph):
    watches, built = start(graph())
    place = find_output(built, "work", "result")
    for number in range(MOST_PREVIEWS):
        watches.preview(PreviewRequest(cell="work", port=f"{number}"), place)
    with pytest.raises(Refused, match="at most 16 previews"):
        watches.preview(PreviewRequest(cell="work", port="result"), place)
    watches.preview(PreviewRequest(cell="work", port="3"), place)  # in place of itself
    for number in range(MOST_BREAKPOINTS):
        watches.set_breakpoint(BreakpointRequest(cell="work", port=f"{number}"), place)
    with pytest.raises(Refused, match="at most 32 breakpoints"):
        watches.set_breakpoint(BreakpointRequest(cell="work", port="result"), place)


class FakeHandle:
    """A run whose items the test brings."""

    def __init__(self):
        self.look = None

    def tap(self, cell, look, *, with_inputs, on_error=None):
        self.look = look


class Value:
    pass


def bring(handle, value, number=0):
    from pypipeline_engine.runtime.taps import TappedItem

    handle.look(TappedItem(number, {"y": value}))


@pytest.fixture
def still(monkeypatch):
    """Watches without a thread of their own, with a clock that the test turns."""
    from pypipeline_engine.host.ports import Place

    class Still:
        def __init__(self):
            self.now_s, self.told, self.is_heard, self.handle = 0.0, [], True, FakeHandle()
            self.pictures = KeptPictures(lambda: self.now_s)
            self.watches = Watches(
                self.handle,
                lambda name, data, about: self.told.append(json.loads(data)["item"]),
                lambda line: None,
                lambda: None,
                lambda: self.is_heard,
                lambda: self.now_s,
                self.pictures,
            )
            self.watches.preview(PreviewRequest(cell="a", port="y", max_hz=2), Place("p.a", "y"))

        def pass_time(self, seconds):
            self.now_s += seconds
            self.watches.look()

    monkeypatch.setattr(Watches, "_begin", lambda self: None)
    return Still()


def test_of_what_comes_fast_some_are_told_at_the_rate_and_the_last_one(still):
    for number in range(12):
        bring(still.handle, number, number)
        still.pass_time(0.1)
    assert still.told == [0, 5]  # the numbers that are chosen at other outputs too
    for _ in range(10):
        still.pass_time(0.5)
    assert still.told == [0, 5, 11]  # what came last, once


def test_who_was_told_of_an_item_gets_the_picture_of_that_one(still):
    import numpy as np

    for number in range(12):
        bring(still.handle, np.full((20, 30), number, np.uint8), number)
        still.pass_time(0.1)
    bring(still.handle, np.full((20, 30), 12, np.uint8), 12)
    assert still.told == [0, 5]
    key = ("a", "y")
    assert (still.watches.get_preview_picture(key).item, still.watches.get_preview(key).item) == (5, 5)
    still.is_heard = False
    assert still.watches.get_preview(key).item == 12
    assert still.watches.get_preview_picture(key).item == 5  # not more often than was asked for
    still.now_s += 1.0
    assert still.watches.get_preview_picture(key).item == 12


def test_outputs_of_a_fast_stream_with_clones_show_the_same_items(session, start, told):
    graph = image_graph()
    graph["cells"]["image"]["scale"] = {"thread": 3}
    graph["cells"]["work"] = {"type": "looked_at.Gain", "parameters": {"gain": 1}}
    graph["connections"] = [
        ["count.value", "image.item"],
        ["image.image", "work.item"],
        ["work.result", "write.item"],
    ]
    watches, built = start(graph)
    for cell, port in (("count", "value"), ("image", "image"), ("work", "result")):
        show(watches, built, cell, port)
    session.resume()
    seen = {"count": set(), "image": set(), "work": set()}

    def is_met(info):
        seen[info.cell].add(info.item)
        return len(seen["count"] & seen["image"] & seen["work"]) >= 8

    told.wait_for("preview", is_met)


@pytest.mark.parametrize("how", ["off", "closed", "nobody listens"])
def test_a_value_is_let_go(still, how):
    value = Value()
    alive = weakref.ref(value)
    bring(still.handle, value)
    del value
    still.pass_time(0.1)
    gc.collect()
    assert alive() is not None
    if how == "off":
        still.watches.stop_preview(("a", "y"))
        assert still.handle.look is None
    elif how == "closed":
        still.watches.close()
    else:
        still.is_heard = False
        still.pass_time(IDLE_S)
        gc.collect()
        assert alive() is not None
        still.pass_time(IDLE_S + 0.1)
        assert still.handle.look is None
    gc.collect()
    assert alive() is None


def test_previews_wake_when_somebody_listens_or_asks_again(still):
    still.is_heard = False
    for wake in (lambda: setattr(still, "is_heard", True), lambda: ask(still.watches)):
        still.is_heard = False
        still.pass_time(IDLE_S + 1)
        assert still.handle.look is None
        wake()
        still.pass_time(1.0)
        assert still.handle.look is not None


def test_who_begins_to_listen_is_told_what_there_is(still):
    bring(still.handle, 1, 7)
    still.pass_time(1.0)
    still.pass_time(1.0)
    still.watches.tell_again()
    still.pass_time(0.0)
    assert still.told == [7, 7]


def test_what_is_held_is_told_to_who_comes_later(session, start, graph, told):
    watches, built = start(graph())
    held = hold(session, told, watches, built)
    told.events.clear()
    session.tell_watches_again()
    assert told.wait_for("held") == held


def ask(watches):
    with pytest.raises(Refused, match="no value"):
        watches.get_preview(("a", "y"))


# ---------------------------------------------------------------------- replay


def test_the_cell_runs_again_with_other_parameters_beside_the_pipeline(session, start, graph, told, tmp_path):
    watches, built = start(graph(parameters={"gain": 10}))
    hold(session, told, watches, built, "item == 2")
    done = replay(built, watches.get_held(), ReplayRequest(parameters={"gain": 3}))
    assert done.outputs == {"result": 6}
    assert done.info.outputs["result"].mean == 6
    assert done.info.error is None
    assert done.info.note == ""
    assert replay(built, watches.get_held(), ReplayRequest()).outputs == {"result": 20}
    watches.remove_breakpoint(None)
    session.step(1)
    assert watches.get_info().nb_held == 0
    with pytest.raises(Refused, match="no item is held"):
        watches.get_held()


def test_an_error_of_a_replay_has_its_traceback(session, start, graph, told):
    watches, built = start(graph())
    hold(session, told, watches, built)
    error = replay(built, watches.get_held(), ReplayRequest(parameters={"gain": -1})).info.error
    assert error.cell == "work"
    assert error.message == "ValueError: no gain is -1"
    assert error.file == str(CELLS)
    assert "raise ValueError" in error.traceback
    gap = replay(built, watches.get_held(), ReplayRequest(parameters={"gain": 0})).info.error
    assert "leaves a gap" in gap.message


def test_a_replayed_cell_does_not_change_the_values_of_the_pipeline(session, start, told):
    graph = image_graph()
    graph["cells"]["spoil"] = {"type": "looked_at.Spoil"}
    graph["connections"] = [
        ["count.value", "image.item"],
        ["image.image", "spoil.image"],
        ["spoil.image", "write.item"],
    ]
    watches, built = start(graph)
    hold(session, told, watches, built, "item == 3", "spoil", "image")
    held = watches.get_held()
    done = replay(built, held, ReplayRequest())
    assert done.outputs["image"].max() == 255
    assert held.item.inputs["image"][0].max() == 3
    assert "keeps state" in done.info.note


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"gian": 1}, 'did you mean "gain"'),
        ({"gain": "much"}, "a whole number is expected"),
    ],
)
def test_parameters_that_a_cell_does_not_take_are_refused(session, start, graph, told, parameters, words):
    watches, built = start(graph())
    hold(session, told, watches, built)
    with pytest.raises(Refused, match=words):
        replay(built, watches.get_held(), ReplayRequest(parameters=parameters))


def test_a_source_and_a_cell_that_cannot_be_copied_are_refused(session, start, graph, told):
    watches, built = start(graph())
    hold(session, told, watches, built, "", "count", "value")
    with pytest.raises(Refused, match="count cannot run this item again, because it had no inputs"):
        replay(built, watches.get_held(), ReplayRequest())


def test_all_ends_with_the_run(session, start, graph, told):
    watches, built = start(graph())
    hold(session, told, watches, built)
    session.stop()
    assert session.wait(WAIT_S)
    assert watches.get_held_items().items == ()
    with pytest.raises(Refused, match="no run goes on"):
        session.get_watches()
    with pytest.raises(Refused, match="the run is over"):
        show(watches, built, "work", "result")
