"""The limit that is told does not flicker."""

from pypipeline_engine.host.protocol import BottleneckInfo, ChangeInfo
from pypipeline_studio.document.steady import HELD_SNAPSHOTS, UNSEEN_SNAPSHOTS, SteadyLimit


def limit(*cells, hz=5.0, after=None) -> BottleneckInfo:
    changes = () if after is None else (ChangeInfo(cell=cells[0], method="thread", before=after - 1, after=after),)
    return BottleneckInfo(
        cells=cells, kind="station", utilisation=1.0, capacity_hz=hz, sentence=f"{hz}", changes=changes
    )


def test_the_first_limit_is_told_at_once_and_its_figures_are_the_latest() -> None:
    steady = SteadyLimit()
    assert steady.take(limit()).cells == ()
    assert steady.take(limit("a")).cells == ("a",)
    assert steady.take(limit("a", hz=6.0)).capacity_hz == 6.0


def test_another_limit_is_told_after_it_has_held() -> None:
    steady = SteadyLimit()
    steady.take(limit("a"))
    assert [steady.take(limit("b")).cells for _ in range(HELD_SNAPSHOTS)] == [("a",)] * (HELD_SNAPSHOTS - 1) + [("b",)]


def test_one_that_comes_and_goes_moves_nothing() -> None:
    steady = SteadyLimit()
    steady.take(limit("a"))
    for _ in range(10):
        told = [steady.take(limit("b")).cells for _ in range(HELD_SNAPSHOTS - 1)]
        assert set(told) == {("a",)}
        assert steady.take(limit("a")).cells == ("a",)


def test_that_nothing_limits_has_to_hold_too() -> None:
    steady = SteadyLimit()
    steady.take(limit("a"))
    told = [steady.take(found) for found in [limit(), None] * HELD_SNAPSHOTS]
    assert all(shown.cells == ("a",) for shown in told)
    assert [steady.take(None) for _ in range(HELD_SNAPSHOTS)][-1] is None


def test_one_that_is_gone_is_not_told_for_ever_while_others_take_turns() -> None:
    steady = SteadyLimit()
    steady.take(limit("a"))
    told = [steady.take(limit("b" if index % 2 else "c")).cells for index in range(UNSEEN_SNAPSHOTS)]
    assert set(told[:-1]) == {("a",)}
    assert told[-1] == ("b",)


def test_another_advice_for_the_same_cell_has_to_hold_and_the_order_of_a_tie_does_not_count() -> None:
    steady = SteadyLimit()
    steady.take(limit("a", after=2))
    assert steady.take(limit("a")).changes
    assert steady.take(limit("a", after=3)).changes[0].after == 2
    steady = SteadyLimit()
    steady.take(limit("a", "b"))
    assert steady.take(limit("b", "a")).cells == ("b", "a")


def test_at_the_end_of_a_run_it_is_told_what_was_found() -> None:
    steady = SteadyLimit()
    steady.take(limit("a"))
    assert steady.take(limit("b"), is_over=True).cells == ("b",)
