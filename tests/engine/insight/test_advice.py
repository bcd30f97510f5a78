"""Causes and what to do about them, on figures made by hand."""

import pytest
from figures import make_cell, make_window

from pypipeline_engine.core.counters import CellStatistics
from pypipeline_engine.insight.advice import Advice, Cause, ShortQueue, advise
from pypipeline_engine.insight.gil import GilShares
from pypipeline_engine.insight.model import Resources
from pypipeline_engine.insight.structure import CellRole

FREE = CellRole(can_have_thread=True, can_have_clones=True)
STRUCTURE = {
    "source": CellRole(is_source=True, can_have_thread=True),
    "work": FREE,
    "other": FREE,
    "state": CellRole(can_have_thread=True),
    "loop": CellRole(can_have_thread=True, can_have_clones=True, is_on_cycle=True),
    "sink": CellRole(is_sink=True, can_have_thread=True),
}
MACHINE = Resources(cores=2, cpu=1.0, has_ray=True)


def get_advice(
    *cells: CellStatistics, machine: Resources = MACHINE, gil: GilShares | None = None, sink_items: int = 100
) -> Advice:
    advice = advise(make_window(*cells, sink_items=sink_items), STRUCTURE, machine, gil)
    assert advice is not None
    return advice


def get_changes(advice: Advice) -> list[tuple[str, str, int, int]]:
    assert advice.best is not None
    return [(change.cell, change.method, change.before, change.after) for change in advice.best.changes]


def test_code_that_releases_the_gil_gets_another_thread() -> None:
    advice = get_advice(make_cell("work", 9.9, method="thread"), gil=GilShares(0.05, {"work": 0.03}))
    assert advice.cause is Cause.CPU
    assert get_changes(advice) == [("work", "thread", 1, 2)]
    assert advice.sentence == (
        "work limits the pipeline, computing without the GIL: 2 clones of work in place of 1 would bring 19.8/s in place "
        "of 10.0/s, by estimate; then the cores are the limit."
    )


def test_code_that_holds_the_gil_is_not_given_threads_but_processes() -> None:
    held = GilShares(0.99, {"work": 0.99})
    advice = get_advice(make_cell("work", 19.8, workers=2, method="thread", cpu_s=9.9), gil=held)
    assert advice.cause is Cause.PYTHON
    assert get_changes(advice) == [("work", "ray", 0, 2)]
    without_ray = get_advice(
        make_cell("work", 19.8, workers=2, method="thread", cpu_s=9.9), gil=held, machine=Resources(2, 1.0)
    )
    assert without_ray.best is None
    assert "threads cannot help" in without_ray.sentence
    assert "pypipeline-studio[ray]" in without_ray.sentence


@pytest.mark.parametrize(("share", "is_advised"), [(0.87, False), (0.6, True)])
def test_a_cell_that_holds_the_gil_gets_a_thread_only_for_more_than_the_estimate_may_be_wrong_by(
    share: float, is_advised: bool
) -> None:
    advice = get_advice(
        make_cell("work", 9.9, method="thread", cpu_s=9.9),
        gil=GilShares(share, {"work": share}),
        machine=Resources(2, 1.0),
    )
    assert advice.cause is Cause.PYTHON
    assert (advice.best is not None) is is_advised
    assert ("threads cannot help" in advice.sentence) is not is_advised


def test_what_holds_the_gil_is_named_though_another_cell_seems_busier() -> None:
    advice = get_advice(
        make_cell("other", 10.0, method="thread", cpu_s=0.5),
        make_cell("work", 38.0, workers=4, method="thread", cpu_s=9.5),
        gil=GilShares(0.97, {"work": 0.95, "other": 0.3}),
    )
    assert advice.bottleneck.cells == ("work",)
    assert advice.cause is Cause.PYTHON


def test_a_thread_that_is_idle_now_and_then_is_not_the_limit_however_late_others_get_the_gil() -> None:
    """Others want the cores: threads that have the GIL do not run all the time, and it seems to be had nearly always."""
    advice = get_advice(
        make_cell("other", 9.9, method="thread", cpu_s=0.1),
        make_cell("work", 6.5, cpu_s=2.0),
        gil=GilShares(0.8, {"work": 0.95, "other": 0.0}),
        machine=Resources(2, 0.3, others_cpu=1.7),
    )
    assert advice.bottleneck.cells == ("other",)
    assert advice.cause is Cause.WAITING


def test_waiting_is_told_from_computing() -> None:
    advice = get_advice(make_cell("work", 9.9, method="thread", cpu_s=0.1), machine=Resources(2, 0.1))
    assert advice.cause is Cause.WAITING
    assert get_changes(advice) == [("work", "thread", 1, 2)]


def test_a_source_and_a_sink_that_wait_are_the_limit_as_such() -> None:
    source = get_advice(make_cell("source", 9.9, method="thread", cpu_s=0.1), make_cell("work", 1.0))
    assert source.cause is Cause.SOURCE
    assert source.best is None
    assert "only a faster source would help" in source.sentence
    sink = get_advice(make_cell("sink", 9.9, method="thread", cpu_s=0.1))
    assert sink.cause is Cause.SINK
    assert sink.best is None


def test_a_source_that_nobody_is_busy_behind_is_the_limit() -> None:
    advice = get_advice(make_cell("source", 0.1), make_cell("work", 1.0, method="thread"))
    assert advice.cause is Cause.SOURCE
    assert advice.bottleneck.sources == ("source",)


def test_a_full_machine_has_nothing_to_give() -> None:
    advice = get_advice(make_cell("work", 19.8, workers=2, method="thread"), machine=Resources(2, 1.98, True))
    assert advice.cause is Cause.MACHINE
    assert advice.best is None
    assert "all 2 cores are busy" in advice.sentence


def test_a_cell_on_a_cycle_is_not_given_clones() -> None:
    advice = get_advice(make_cell("loop", 9.9, method="thread"))
    assert advice.cause is Cause.RECURRENCE
    assert advice.best is None
    assert advice.options == ()


def test_a_queue_that_is_too_short_is_made_longer() -> None:
    cell = make_cell("work", 24.0, workers=4, method="thread", starved_s=8.0, queue_capacity=4)
    advice = get_advice(cell)
    assert advice.cause is Cause.QUEUE
    assert advice.queue == ShortQueue("work", 32)
    assert "let work hold 32 items" in advice.sentence
    assert advice.best is None


@pytest.mark.parametrize("capacity", [16, 64])
def test_a_queue_that_is_long_enough_is_left_alone(capacity: int) -> None:
    cell = make_cell("work", 24.0, workers=4, method="thread", starved_s=8.0, queue_capacity=capacity)
    assert get_advice(cell).queue is None


def test_a_cell_that_keeps_state_gets_a_thread_beside_others_and_no_clone() -> None:
    beside = get_advice(make_cell("state", 6.0, station="main"), make_cell("work", 3.9, station="main"))
    assert get_changes(beside) == [("state", "thread", 0, 1)]
    alone = get_advice(make_cell("state", 9.9, method="thread"))
    assert alone.best is None
    assert "less work for an item" in alone.sentence


def test_an_inline_cell_that_has_its_thread_nearly_alone_gets_two_clones() -> None:
    advice = get_advice(make_cell("work", 9.8, station="main"), make_cell("sink", 0.1, station="main"))
    assert get_changes(advice) == [("work", "thread", 0, 2)]


def test_cells_in_a_tie_are_scaled_together() -> None:
    advice = get_advice(
        make_cell("work", 9.9, method="thread", cpu_s=0.1), make_cell("other", 9.8, method="thread", cpu_s=0.1)
    )
    assert get_changes(advice) == [("work", "thread", 1, 2), ("other", "thread", 1, 2)]


def test_quick_items_are_not_handed_to_threads() -> None:
    advice = get_advice(
        make_cell("work", 9.0, station="main", runs=1_000_000),
        make_cell("sink", 0.9, station="main", runs=1_000_000),
        sink_items=1_000_000,
    )
    assert advice.best is None


def test_nothing_delivered_is_nothing_advised() -> None:
    advice = get_advice(make_cell("work", 9.0), sink_items=0)
    assert advice.cause is Cause.NOTHING
    assert advise(make_window(), STRUCTURE, MACHINE) is None
