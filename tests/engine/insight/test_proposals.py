"""What the simple model proposes, from windows whose figures are worked out by hand."""

from dataclasses import replace

import pytest

from pypipeline_engine.core.counters import CellStatistics, Statistics
from pypipeline_engine.insight.proposals import Candidate, Facts, propose
from pypipeline_engine.insight.settings import INLINE, Clones, Setting


def make_cell(
    name: str,
    busy_s: float,
    *,
    workers: int = 1,
    method: str = "inline",
    station: str = "main",
    cpu: float = 1.0,
    **more,
) -> CellStatistics:
    """A cell over ten seconds."""
    cell = CellStatistics(name, station, method, workers, 100, 0, 0, 0, 10.0 * workers, busy_s, 0.0, busy_s * cpu)
    return replace(cell, **more)


def make_clones(name: str, busy_s: float, workers: int, method: str = "thread", **more) -> CellStatistics:
    return make_cell(name, busy_s, workers=workers, method=method, station=name, queue_capacity=16, **more)


def ask(
    cells: list[CellStatistics], setting: Setting, *, items: int = 100, most: dict[str, int] | None = None, **facts
) -> list[Candidate]:
    names = most or dict.fromkeys((cell.name for cell in cells), 8)
    known = Facts(names, facts.pop("cores", 4), **facts)
    return propose(Statistics(10.0, items, tuple(cells)), dict.fromkeys(names, INLINE) | dict(setting), known)


def test_a_slow_cell_gets_as_many_threads_as_the_machine_can_use() -> None:
    first = ask([make_cell("read", 0.5), make_cell("work", 9.5)], {})[0]
    assert first.change == {"work": Clones(4)}
    assert first.predicted_hz == pytest.approx(4 / 0.1)  # cores by processor time
    assert first.why == "the thread of work and 1 more is the limit"


def test_as_many_as_a_target_needs() -> None:
    first = ask([make_cell("read", 0.5), make_cell("work", 9.5)], {}, target_hz=19)[0]
    assert first.change == {"work": Clones(2)}
    assert first.predicted_hz == pytest.approx(2 / 0.095)


def test_a_cell_that_keeps_state_gets_a_thread_and_no_clone() -> None:
    cells = [make_cell("read", 4.5), make_cell("track", 5.5)]
    candidates = ask(cells, {}, most={"read": 1, "track": 1})
    assert candidates[0].change == {"track": Clones(1)}
    assert candidates[0].predicted_hz == pytest.approx(100 / 5.5)
    assert not [candidate for candidate in candidates if candidate.change.get("track", INLINE).number > 1]


def test_a_cell_inside_of_a_pipeline_is_named_as_in_the_graph() -> None:
    cells = [make_cell("read", 0.5), make_cell("post.work", 9.0), make_cell("post.rest", 0.5)]
    most = {"read": 1, "post": 8, "post.work": 8, "post.rest": 8}
    assert ask(cells, {}, most=most)[0].change == {"post.work": Clones(4)}
    inside = [
        make_cell("post.work", 19.0, workers=2, method="thread", station="post"),
        make_cell("post.rest", 0.6, workers=2, method="thread", station="post"),
    ]
    assert ask([cells[0], *inside], {"post": Clones(2)}, most=most, cores=8)[0].change == {"post": Clones(8)}


def test_where_the_source_is_the_limit_nothing_is_added() -> None:
    cells = [make_cell("camera", 0.1), make_cell("work", 2.0)]
    assert ask(cells, {}, sources=("camera",)) == []


def test_where_the_machine_is_full_more_is_tried_last_and_only_to_be_sure() -> None:
    cells = [make_cell("read", 0.1), make_clones("work", 19.8, 2)]
    candidates = ask(cells, {"work": Clones(2)}, cores=2, methods=("thread", "ray"))
    assert [candidate.change for candidate in candidates] == [{"work": INLINE}, {"work": Clones(3)}]
    assert candidates[1].why == "to be sure: the machine is full"
    assert candidates[1].predicted_hz == pytest.approx(10, rel=0.02)


def test_busy_threads_that_use_one_core_together_should_be_processes() -> None:
    cells = [make_cell("read", 0.1), make_clones("work", 38.0, 4, cpu=0.25)]
    candidates = ask(cells, {"work": Clones(4)}, methods=("thread", "ray"))
    assert candidates[0].change == {"work": Clones(0, 4)}
    assert candidates[0].why == "work is the limit, and its threads seem to wait for the GIL"
    assert candidates[1].change == {"work": INLINE}, "in one thread, it is as fast"


def test_threads_that_wait_for_a_server_are_not_taken_for_threads_that_wait_for_the_gil() -> None:
    cells = [make_cell("read", 0.1), make_clones("ask", 39.0, 4, cpu=0.01)]
    assert ask(cells, {"ask": Clones(4)}, cores=4)[0].change == {"ask": Clones(8)}


def test_what_a_library_does_on_its_own_threads_is_work_of_the_clone() -> None:
    """OpenCV at work on two cores: the cell is busy for 95 ms, and the process uses 190 ms of processor time."""
    cells = [make_cell("read", 0.5), make_cell("detect", 9.5)]
    candidates = ask(cells, {}, cores=2, process_cpu_s=0.19)
    assert candidates[0].change == {"detect": Clones(2)}, "one clone would have one core only"
    assert candidates[0].predicted_hz == pytest.approx(2 / 0.19)


def test_where_threads_may_not_help_processes_are_tried_after_them() -> None:
    candidates = ask([make_cell("read", 0.5), make_cell("work", 9.5)], {}, methods=("thread", "ray"))
    changes = [candidate.change for candidate in candidates]
    assert changes.index({"work": Clones(0, 4)}) > changes.index({"work": Clones(4)})
    waits = ask([make_cell("read", 0.5), make_cell("work", 9.5, cpu=0.01)], {}, methods=("thread", "ray"))
    assert not [candidate for candidate in waits if candidate.change["work"].ray]


def test_workers_that_starve_and_are_blocked_by_turns_get_a_longer_queue() -> None:
    cells = [make_cell("read", 7.0), make_clones("work", 12.0, 2, starved_s=4.0)]
    changes = [candidate.change for candidate in ask(cells, {"work": Clones(2)})]
    assert {"work": Clones(2, queue_capacity=32)} in changes


def test_idle_clones_are_taken_away() -> None:
    cells = [make_cell("read", 9.9), make_clones("work", 5.0, 4)]
    changes = [candidate.change for candidate in ask(cells, {"work": Clones(4)}, most={"read": 1, "work": 8})]
    assert {"work": Clones(1)} in changes
    assert all(change.get("work", Clones(4)).number <= 4 for change in changes)


def test_enough_is_enough() -> None:
    cells = [make_cell("read", 0.1), make_clones("work", 39.0, 4)]
    candidates = ask(cells, {"work": Clones(4)}, target_hz=5)
    assert candidates[0].change == {"work": Clones(2)}
    assert all(candidate.change["work"].number < 4 for candidate in candidates)


def test_nothing_is_proposed_where_nothing_was_delivered() -> None:
    assert ask([make_cell("work", 9.0)], {}, items=0) == []
