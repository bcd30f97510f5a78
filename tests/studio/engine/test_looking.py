"""Looking into a run from the studio, against a real engine process."""

import json
from pathlib import Path

import pytest
from PySide6.QtGui import QImage

from pypipeline_engine.graph.reader import read

CELLS = str(Path(__file__).parents[1] / "looked_cells.py")
LONG_MS = 30_000
IMAGE = ("paint", "image")


@pytest.fixture
def looking(qtbot, make_engine, tmp_path):
    """The looking of an engine that has deployed a graph, paused, so that nothing of it is missed."""
    engine = make_engine(cells=(CELLS,))
    document = read(
        json.dumps(
            {
                "format": "pypipeline.graph",
                "version": 1,
                "cells": {
                    "count": {"type": "sources.Counter"},
                    "paint": {"type": "looked_cells.Paint"},
                    "end": {"type": "looked_cells.Ignore"},
                },
                "connections": [["count.value", "paint.item"], ["paint.image", "end.item"]],
            }
        )
    )
    engine.run_graph(document, str(tmp_path), str(tmp_path), paused=True)
    qtbot.waitUntil(lambda: engine.run.state == "paused" and not engine.run.is_starting, timeout=LONG_MS)
    engine.looking.resume = engine.resume
    engine.looking.step = engine.step
    return engine.looking


def wait(qtbot, signal, act, fits=lambda value: True):
    """What a signal tells after `act`."""
    with qtbot.waitSignal(signal, timeout=LONG_MS, check_params_cb=fits) as told:
        act()
    return told.args[0]


def hold(qtbot, looking, condition="item == 5"):
    wait(qtbot, looking.watched_changed, lambda: looking.set_breakpoint(IMAGE, condition))
    return wait(qtbot, looking.held_arrived, looking.resume)


def test_a_preview_tells_the_latest_value_and_gives_its_picture(qtbot, looking) -> None:
    wait(qtbot, looking.watched_changed, lambda: looking.preview(IMAGE, 32, 32))
    told = wait(qtbot, looking.preview_arrived, lambda: looking.step(3), lambda told: told.item == 2)
    assert told.value.shape == (48, 64, 3)
    pictures = []
    looking.get_preview_picture(IMAGE, lambda content, item, _: pictures.append((QImage.fromData(content), item)))
    qtbot.waitUntil(lambda: bool(pictures), timeout=LONG_MS)
    picture, item = pictures[0]
    assert (picture.width(), picture.height(), item) == (32, 24, 2)
    assert picture.pixelColor(4, 4).lightness() > 200 > picture.pixelColor(28, 20).lightness()
    watched = wait(qtbot, looking.watched_changed, lambda: looking.stop_preview(IMAGE))
    assert watched.previews == ()


def test_of_many_changes_to_a_preview_the_last_one_holds(qtbot, looking) -> None:
    for width in (16, 32, 64):
        looking.preview(IMAGE, width, 48)
    looking.stop_preview(IMAGE)
    looking.preview(IMAGE, 48, 48)
    watched = []
    looking.watched_changed.connect(watched.append)
    qtbot.waitUntil(lambda: not looking._sending, timeout=LONG_MS)
    assert [(one.max_width, one.max_height) for one in watched[-1].previews] == [(48, 48)]


def test_what_is_wrong_with_a_condition_is_told_in_words(qtbot, looking) -> None:
    refusals = []
    looking.set_breakpoint(IMAGE, "1 +", refusals.append)
    qtbot.waitUntil(lambda: bool(refusals), timeout=LONG_MS)
    assert "not an expression" in refusals[0].message


def test_a_condition_is_checked_before_it_is_set(qtbot, looking) -> None:
    problems = []
    assert looking.check_condition("len(value) > 3", problems.append)
    qtbot.waitUntil(lambda: len(problems) == 1, timeout=LONG_MS)
    assert looking.check_condition("valeu > 3", problems.append)
    qtbot.waitUntil(lambda: len(problems) == 2, timeout=LONG_MS)
    assert problems[0] == ""
    assert "valeu" in problems[1]


def test_a_breakpoint_holds_an_item_that_is_seen_and_run_again(qtbot, looking) -> None:
    held = hold(qtbot, looking)
    assert (held.item, held.inputs["item"][0].text, held.held) == (5, "5", 1)
    answers, pictures = [], []
    looking.get_held(answers.append)
    looking.get_held_picture(1, "output", "image", lambda *picture: pictures.append(picture))
    looking.get_held_value(1, "input", "item", answers.append)
    qtbot.waitUntil(lambda: len(answers) == 2 and bool(pictures), timeout=LONG_MS)
    assert pictures[0][1] == 5
    assert {type(answer).__name__ for answer in answers} == {"HeldItems", "ValueSummary"}
    again = []
    looking.replay(1, {"gain": 10}, again.append)
    qtbot.waitUntil(lambda: bool(again), timeout=LONG_MS)
    before, after = held.outputs["image"].mean, again[0].outputs["image"].mean
    assert after > before
    looking.get_replayed_picture("image", lambda *picture: pictures.append(picture))
    qtbot.waitUntil(lambda: len(pictures) == 2, timeout=LONG_MS)


def test_a_replay_that_cannot_be_is_refused_in_words(qtbot, looking) -> None:
    hold(qtbot, looking)
    refusals = []
    looking.replay(1, {"gian": 10}, lambda _: None, refusals.append)
    qtbot.waitUntil(lambda: bool(refusals), timeout=LONG_MS)
    assert "gian" in refusals[0].message
    assert "gain" in refusals[0].message


def test_a_breakpoint_that_was_removed_holds_nothing(qtbot, looking) -> None:
    wait(qtbot, looking.watched_changed, lambda: looking.set_breakpoint(IMAGE, ""))
    watched = wait(qtbot, looking.watched_changed, lambda: looking.remove_breakpoint(IMAGE))
    assert watched.breakpoints == ()
    held = []
    looking.held_arrived.connect(held.append)
    wait(qtbot, looking.watched_changed, lambda: looking.preview(IMAGE, 32, 32))
    wait(qtbot, looking.preview_arrived, lambda: looking.step(3), lambda told: told.item == 2)
    assert held == []


def test_without_an_engine_nothing_happens(make_engine) -> None:
    looking = make_engine().looking
    looking.preview(IMAGE, 32, 32)
    looking.replay(1, {}, lambda _: None)
    looking.get_preview_picture(IMAGE, lambda *_: None)
    assert not looking._sending


def test_what_stands_in_the_array_of_a_picture_is_told_until_it_is_gone(qtbot, looking) -> None:
    wait(qtbot, looking.watched_changed, lambda: looking.preview(IMAGE, 16, 16))
    wait(qtbot, looking.preview_arrived, lambda: looking.step(3), lambda told: told.item == 2)
    shown, told, refusals = [], [], []
    looking.get_preview_picture(IMAGE, lambda *picture: shown.append(picture), None, True)
    qtbot.waitUntil(lambda: bool(shown), timeout=LONG_MS)
    _, item, picture = shown[0]
    looking.get_pixels(IMAGE, picture, (31, 23, 2, 2), told.append)
    qtbot.waitUntil(lambda: bool(told), timeout=LONG_MS)
    assert (item, told[0].item, told[0].shape, told[0].dtype) == (2, 2, (48, 64, 3), "uint8")
    assert told[0].rows == (((255, 255, 255), (2, 2, 2)), ((2, 2, 2), (2, 2, 2)))
    wait(qtbot, looking.watched_changed, lambda: looking.stop_preview(IMAGE))
    looking.get_pixels(IMAGE, picture, (0, 0, 1, 1), told.append, refusals.append)
    qtbot.waitUntil(lambda: bool(refusals), timeout=LONG_MS)
    assert "not kept, or no more" in refusals[0].message
