import json

import pytest
from record_samples import GRAPH, write_record

from pypipeline_engine.graph.reader import read
from pypipeline_studio.document.replay import Replay
from pypipeline_studio.document.run_record import read_figures


@pytest.fixture
def replay(tmp_path) -> Replay:
    return Replay(read_figures(write_record(tmp_path / "one.record", seconds=10)), "one")


def graph(**changes):
    return read(json.dumps({**GRAPH, **changes}))


def test_a_replay_begins_at_the_first_moment_and_ends_at_the_last(replay) -> None:
    assert (replay.begin_s, replay.end_s, replay.elapsed_s) == (1.0, 10.0, 1.0)
    replay.advance(4.5)
    assert replay.elapsed_s == 5.5
    assert replay.frame.elapsed_s == 5.0
    replay.seek(99)
    assert replay.is_at_end
    assert replay.frame.elapsed_s == 10.0
    replay.seek(-1)
    assert replay.frame.elapsed_s == 1.0


def test_steps_go_from_sample_to_sample(replay) -> None:
    replay.seek(5.5)
    replay.step(1)
    assert replay.elapsed_s == 6.0
    replay.step(-2)
    assert replay.elapsed_s == 4.0
    replay.step(-99)
    assert replay.elapsed_s == 1.0


def test_the_whole_run_can_be_plotted(replay) -> None:
    assert replay.history.times() == [float(second) for second in range(1, 11)]
    assert replay.history.of_cell("work", "busy") == [pytest.approx(0.9)] * 10


def test_nothing_in_a_replay_goes_on(replay) -> None:
    assert replay.frame.state == "ended"


@pytest.mark.parametrize(
    ("changes", "words", "is_same"),
    [
        ({"name": "another", "view": {"count": {"position": [1, 2]}}}, "on the graph as it ran", True),
        (
            {"cells": {**GRAPH["cells"], "count": {"type": "sources.Counter", "parameters": {"count": 3}}}},
            "on the graph as it is now, which has changed since",
            False,
        ),
        (
            {"cells": {"work": {"type": "demo.Work"}}, "connections": []},
            "on the graph as it is now; 2 cells of the run are not in it",
            False,
        ),
        ({"cells": {}, "connections": []}, "none of its cells is in the graph that is open", False),
    ],
)
def test_it_says_on_which_graph_the_run_is_shown(replay, changes, words, is_same) -> None:
    assert replay.describe_graph(graph(**changes)) == (words, is_same)
