"""Running a cell: places, pairing, retries, errors, the end, and the time that it is charged."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pypipeline_engine.core import units as units_module
from pypipeline_engine.core.channels import Channel
from pypipeline_engine.core.clock import Clock
from pypipeline_engine.core.counters import DeadLetter
from pypipeline_engine.core.errors import get_cell_of
from pypipeline_engine.core.monitor import Interrupted
from pypipeline_engine.core.units import LARGEST_LAG, Unit
from pypipeline_engine.core.values import Outcome, Slot
from pypipeline_engine.exceptions import (
    DeadlockException,
    ItemSkipped,
    NoOutputProvidedException,
    UnsetRecurrentConnectionException,
)

Body = Callable[["Cell"], Any]


class Cell:
    """A unit with inputs that are queued beforehand, one output, and one channel out of it."""

    def __init__(self, body: Body, inputs: Iterable[Iterable[Any]] = (), retries: int = 0, skips: bool = False) -> None:
        self.slot = Slot()
        self.unit = Unit("pipe.cell", lambda: body(self), [("pipe.cell.out", self.slot)])
        self.unit.retries = retries
        self.unit.skips_errors = skips
        self.letters: list[DeadLetter] = []
        self.unit.report = self.letters.append
        self.inputs = [Channel(f"pipe.source{number}.out", f"pipe.cell.in{number}") for number, _ in enumerate(inputs)]
        for channel, values in zip(self.inputs, inputs, strict=True):
            channel.preload(values)
            channel.bind(end)
            if retries:
                channel.record_pulls()
        self.out = Channel("pipe.cell.out", "pipe.sink.in")
        self.unit.plug(self.inputs, [(self.slot, self.out)], Clock(1))
        self.run = self.unit.bind()
        self.out.bind(self.run)
        self.tries = 0

    def pull(self, number: int = 0) -> Any:
        return self.inputs[number].pull()

    def set(self, value: Any) -> None:
        self.slot.value = value

    @property
    def taken(self) -> list[int]:
        return [channel.meter.runs for channel in self.inputs]

    @property
    def counts(self) -> tuple[int, int, int, int]:
        counters = self.unit.counters
        return counters.runs, counters.lost, counters.skipped, counters.errors

    def outcomes(self) -> list[Any]:
        """Everything that comes out until the end: values, and the errors and gaps by type."""
        found: list[Any] = []
        while True:
            try:
                found.append(self.out.pull())
            except StopIteration:
                return found
            except Exception as error:
                found.append(type(error))


def take_two(channel: Channel) -> list[Any]:
    """Two values, and the errors among them by type."""
    found: list[Any] = []
    for _ in range(2):
        try:
            found.append(channel.pull())
        except Exception as error:
            found.append(type(error))
    return found


def end() -> Any:
    raise StopIteration


def made_upstream(error: Exception) -> Outcome:
    """An error as it arrives from another cell."""
    error._pypipeline_cell = "pipe.source0"  # type: ignore[attr-defined]
    return Outcome(error)


class TestPlaces:
    def test_each_run_leaves_one_place_in_every_channel(self) -> None:
        def body(cell: Cell) -> None:
            value = cell.pull()
            if value % 3 == 1:
                raise ValueError(value)
            if value % 3 == 2:
                raise ItemSkipped
            cell.set(value)

        cell = Cell(body, [range(7)])
        second = Channel("pipe.cell.out", "pipe.other.in")
        cell.unit.plug(cell.inputs, [*cell.unit.channels, (cell.slot, second)], Clock(1))
        run = cell.unit.bind()
        for _ in range(7):
            run()
        with pytest.raises(StopIteration):
            run()
        kinds = [value.error.__class__ if isinstance(value, Outcome) else value for value in cell.out.buffer]
        assert kinds == [0, ValueError, ItemSkipped, 3, ValueError, ItemSkipped, 6]
        assert list(second.buffer) == list(cell.out.buffer)
        assert cell.counts == (7, 4, 2, 2)

    def test_run_says_what_stands_in_the_place_of_a_value(self) -> None:
        cell = Cell(lambda cell: cell.set(1 // cell.pull()), [[1, 0]])
        assert cell.run() is None
        outcome = cell.run()
        assert outcome is not None
        assert isinstance(outcome.error, ZeroDivisionError)

    def test_an_output_that_was_not_set_is_an_error_that_names_it(self) -> None:
        values = iter([1, None, 3])

        def body(cell: Cell) -> None:
            value = next(values)
            if value:
                cell.set(value)

        cell = Cell(body)
        assert cell.out.pull() == 1
        with pytest.raises(NoOutputProvidedException, match=r"pipe\.cell\.out was not set"):
            cell.out.pull()
        assert cell.out.pull() == 3

    def test_none_is_a_value(self) -> None:
        assert Cell(lambda cell: cell.set(None)).out.pull() is None

    def test_an_interruption_leaves_no_place(self) -> None:
        cell = Cell(lambda cell: cell.set(cell.pull()), [range(2)])
        cell.unit.interrupt()
        with pytest.raises(Interrupted):
            cell.out.pull()
        cell.unit.resume()
        assert cell.out.pull() == 0

    @pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
    def test_what_ends_the_program_goes_through_at_once(self, kind: type[BaseException]) -> None:
        errors = [kind]

        def body(cell: Cell) -> None:
            cell.set(0)
            if errors:
                raise errors.pop()

        cell = Cell(body, skips=True, retries=3)
        with pytest.raises(kind):
            cell.out.pull()
        assert (cell.letters, cell.unit.counters.retries) == ([], 0)
        assert take_two(cell.out) == [ItemSkipped, 0]

    def test_ctrl_c_between_two_inputs_leaves_them_in_step(self) -> None:
        """A user who catches it may go on pulling: the inputs must still belong together."""
        interrupts = [KeyboardInterrupt]

        def body(cell: Cell) -> None:
            first = cell.pull(0)
            if interrupts:
                raise interrupts.pop()
            cell.set((first, cell.pull(1)))

        cell = Cell(body, [range(3), range(3)])
        with pytest.raises(KeyboardInterrupt):
            cell.out.pull()
        assert take_two(cell.out) == [ItemSkipped, (1, 1)]


class TestEnd:
    def test_it_comes_at_once_and_every_time(self) -> None:
        runs: list[int] = []

        def body(cell: Cell) -> None:
            runs.append(1)
            cell.set(cell.pull())

        cell = Cell(body, [range(2)])
        assert cell.outcomes() == [0, 1]
        for _ in range(3):
            with pytest.raises(StopIteration):
                cell.out.pull()
        assert len(runs) == 3, "the cell is not run again after the end"
        assert cell.unit.ended
        assert cell.counts == (2, 0, 0, 0), "the run that met the end does not count"

    def test_the_first_input_that_ends_is_the_end(self) -> None:
        cell = Cell(lambda cell: cell.set((cell.pull(0), cell.pull(1))), [range(3), range(2)])
        assert cell.outcomes() == [(0, 0), (1, 1)]

    def test_it_outlasts_an_interruption_and_not_a_rewind(self) -> None:
        cell = Cell(lambda cell: cell.set(cell.pull()), [[]])
        assert cell.outcomes() == []
        cell.unit.interrupt()
        cell.unit.resume()
        assert cell.outcomes() == []
        cell.unit.rewind()
        cell.inputs[0].preload([7])
        assert cell.outcomes() == [7]

    def test_no_error_policy_holds_it_up(self) -> None:
        cell = Cell(lambda cell: cell.set(cell.pull()), [[1]], retries=5, skips=True)
        assert cell.outcomes() == [1]
        assert (cell.letters, cell.unit.counters.retries) == ([], 0)


class TestSink:
    """A unit without outputs and with one input takes a shorter way, with the same result."""

    @pytest.mark.parametrize("skips", [False, True])
    def test_it_runs_as_any_other_unit(self, skips: bool) -> None:
        def body(cell: Cell) -> None:
            cell.tries += 1
            if cell.tries == 1:
                raise ValueError("before it pulled")
            value = cell.pull()
            if value == "gap":
                raise ItemSkipped
            if value == "twice":
                cell.pull()
                raise ValueError

        def outcomes(short: bool) -> list[Any]:
            values = ["passed over", "a", "gap", "twice", "too", made_upstream(OSError()), "b"]
            cell = Cell(body, [values], skips=skips)
            cell.unit.outputs = ()
            cell.unit.plug(cell.inputs, [], Clock(1))
            run = cell.unit.bind_sink() if short else cell.unit.bind()
            found: list[Any] = []
            for _ in range(6):
                outcome = run()
                found.append((outcome and type(outcome.error), cell.taken))
            with pytest.raises(StopIteration):
                run()
            return [*found, cell.counts, [letter.item for letter in cell.letters], cell.unit.ended]

        assert outcomes(short=True) == outcomes(short=False)
        assert outcomes(short=True)[0] == (ItemSkipped if skips else ValueError, [1])

    def test_without_an_input(self) -> None:
        cell = Cell(lambda cell: 1 // 0)
        cell.unit.outputs = ()
        outcome = cell.unit.bind_sink()()
        assert outcome is not None
        assert isinstance(outcome.error, ZeroDivisionError)


class TestPairing:
    """Rule 3."""

    @pytest.mark.parametrize("error", [ValueError, ItemSkipped])
    @pytest.mark.parametrize("pulls", [(0, 0), (1, 0), (0, 1), (1, 1), (3, 0), (2, 4), (0, 5)])
    def test_after_an_error_all_inputs_have_taken_as_many(self, error: type[Exception], pulls: tuple[int, int]) -> None:
        def body(cell: Cell) -> None:
            cell.tries += 1
            if cell.tries == 1:
                for number, count in enumerate(pulls):
                    for _ in range(count):
                        cell.pull(number)
                raise error
            cell.set((cell.pull(0), cell.pull(1)))

        cell = Cell(body, [range(10), range(10)])
        with pytest.raises(error):
            cell.out.pull()
        most = max(1, *pulls)
        assert cell.taken == [most, most]
        assert cell.out.pull() == (most, most)

    def test_after_a_normal_return_an_input_keeps_its_place(self) -> None:
        """As `flow.Select` does."""
        choices = iter([0, 0, 1, 0, 1])
        cell = Cell(lambda cell: cell.set(cell.pull(next(choices))), [range(10), range(100, 110)])
        assert [cell.out.pull() for _ in range(5)] == [0, 1, 100, 2, 101]

    def test_a_place_that_is_passed_over_may_hold_an_error(self) -> None:
        failures = [ValueError("own")]

        def body(cell: Cell) -> None:
            if failures:
                raise failures.pop()
            cell.set((cell.pull(0), cell.pull(1)))

        cell = Cell(body, [[made_upstream(OSError()), 1], [0, 1]])
        with pytest.raises(ValueError, match="own"):
            cell.out.pull()
        assert cell.out.pull() == (1, 1)

    def test_an_input_that_ends_meanwhile_ends_the_next_run(self) -> None:
        def body(cell: Cell) -> None:
            cell.pull(0)
            raise ValueError

        cell = Cell(body, [range(3), []])
        assert cell.outcomes()[0] is ValueError

    def test_a_cell_without_inputs_just_fails(self) -> None:
        failures = [ValueError]

        def body(cell: Cell) -> None:
            if failures:
                raise failures.pop()
            cell.set(1)

        cell = Cell(body)
        with pytest.raises(ValueError):
            cell.out.pull()
        assert cell.out.pull() == 1

    @given(
        st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.sampled_from(["ok", "error", "gap"])), max_size=12),
        st.booleans(),
    )
    @settings(derandomize=True, max_examples=200)
    def test_whatever_happens_the_inputs_stay_paired(self, plan: list[tuple[int, int, str]], swapped: bool) -> None:
        """A cell that takes as many of both, or fails half way."""
        steps = iter(plan)

        def body(cell: Cell) -> None:
            first, second, what = next(steps)
            if what == "ok":
                second = first
            for number, count in ((1, second), (0, first)) if swapped else ((0, first), (1, second)):
                for _ in range(count):
                    cell.pull(number)
            if what != "ok":
                raise ValueError if what == "error" else ItemSkipped
            cell.set(cell.tries)

        cell = Cell(body, [range(100), range(100)])
        for _ in plan:
            cell.run()
            assert cell.taken[0] == cell.taken[1]
        assert len(cell.out.buffer) == len(plan)


class TestGapsAndErrors:
    def test_a_gap_from_upstream_goes_through_and_is_counted_there_only(self) -> None:
        gap = ItemSkipped()
        cell = Cell(lambda cell: cell.set(cell.pull()), [[made_upstream(gap), 5]])
        with pytest.raises(ItemSkipped) as caught:
            cell.out.pull()
        assert caught.value is gap
        assert get_cell_of(gap) == "pipe.source0"
        assert cell.counts == (1, 1, 0, 0)
        assert cell.out.pull() == 5

    def test_an_error_from_upstream_is_not_this_cells_error(self) -> None:
        error = ValueError("there")
        cell = Cell(lambda cell: cell.set(cell.pull()), [[made_upstream(error)]], retries=2, skips=True)
        with pytest.raises(ValueError, match="there"):
            cell.out.pull()
        assert cell.counts == (1, 1, 0, 0)
        assert (cell.letters, cell.unit.counters.retries) == ([], 0)
        assert not hasattr(error, "__notes__")

    def test_an_error_keeps_its_type_and_is_signed_once(self) -> None:
        cell = Cell(lambda cell: 1 // 0)
        with pytest.raises(ZeroDivisionError) as caught:
            cell.out.pull()
        assert caught.value.__notes__ == ["in the cell pipe.cell"]
        assert get_cell_of(caught.value) == "pipe.cell"

    def test_an_error_that_a_cell_raises_again_and_again_is_signed_once(self) -> None:
        error = ValueError("always the same object")

        def body(cell: Cell) -> None:
            raise error

        cell = Cell(body)
        for _ in range(3):
            with pytest.raises(ValueError, match="always"):
                cell.out.pull()
        assert error.__notes__ == ["in the cell pipe.cell"]
        assert cell.counts == (3, 3, 0, 3)

    def test_catching_an_error_from_upstream_is_a_normal_run(self) -> None:
        def body(cell: Cell) -> None:
            try:
                cell.set(cell.pull())
            except OSError:
                cell.set("mended")

        cell = Cell(body, [[made_upstream(OSError()), 1]])
        assert cell.outcomes() == ["mended", 1]
        assert cell.counts == (2, 0, 0, 0)

    def test_an_error_made_of_one_from_upstream_is_this_cells_own(self) -> None:
        def body(cell: Cell) -> None:
            try:
                cell.pull()
            except OSError as error:
                raise ValueError("because of that") from error

        cell = Cell(body, [[made_upstream(OSError())]])
        with pytest.raises(ValueError, match="because") as caught:
            cell.out.pull()
        assert get_cell_of(caught.value) == "pipe.cell"
        assert cell.counts == (1, 1, 0, 1)

    def test_skipping_leaves_a_gap_and_a_dead_letter(self) -> None:
        cell = Cell(lambda cell: cell.set(1 // cell.pull()), [[1, 0, 1, 0]], skips=True)
        assert cell.outcomes() == [1, ItemSkipped, 1, ItemSkipped]
        assert cell.counts == (4, 2, 2, 2)
        assert [(letter.cell, letter.item) for letter in cell.letters] == [("pipe.cell", 1), ("pipe.cell", 3)]
        assert cell.letters[0].error.startswith("ZeroDivisionError: ")
        assert "1 // cell.pull()" in cell.letters[0].traceback

    def test_a_gap_of_the_cells_own_is_no_dead_letter(self) -> None:
        def body(cell: Cell) -> None:
            raise ItemSkipped

        cell = Cell(body, skips=True)
        cell.run()
        assert (cell.letters, cell.counts) == ([], (1, 1, 1, 0))

    def test_an_error_that_is_frozen_leaves_its_place(self) -> None:
        @dataclass(frozen=True)
        class FrozenError(Exception):
            why: str

        def body(cell: Cell) -> None:
            cell.tries += 1
            if cell.tries == 1:
                raise FrozenError("read-only")
            cell.set(cell.tries)

        cell = Cell(body)
        outcome = cell.run()
        assert outcome is not None
        assert isinstance(outcome.error, FrozenError)
        assert len(cell.out.buffer) == 1

    def test_an_error_that_cannot_say_what_it_is_can_be_skipped(self) -> None:
        class SpeechlessError(Exception):
            def __str__(self) -> str:
                raise TypeError

            __repr__ = __str__

        def body(cell: Cell) -> None:
            cell.tries += 1
            if cell.tries == 1:
                raise SpeechlessError
            cell.set(cell.tries)

        cell = Cell(body, skips=True)
        with pytest.raises(ItemSkipped):
            cell.out.pull()
        assert cell.out.pull() == 2

    def test_a_deadlock_is_not_skipped(self) -> None:
        def body(cell: Cell) -> None:
            raise DeadlockException("in a circle")

        cell = Cell(body, skips=True)
        with pytest.raises(DeadlockException):
            cell.out.pull()

    def test_the_traceback_of_an_error_does_not_grow_with_its_readers(self) -> None:
        cell = Cell(lambda cell: 1 // 0)
        second = Channel("pipe.cell.out", "pipe.other.in")
        cell.unit.plug([], [(cell.slot, cell.out), (cell.slot, second)], Clock(1))
        run = cell.unit.bind()
        for channel in (cell.out, second):
            channel.bind(run)
        depths = []
        for channel in (cell.out, second):
            with pytest.raises(ZeroDivisionError) as caught:
                channel.pull()
            depths.append(len(caught.traceback))
        assert depths[0] == depths[1]


class TestRetry:
    """Rule 6."""

    def test_a_retry_sees_the_same_values(self) -> None:
        seen: list[tuple[int, int]] = []

        def body(cell: Cell) -> None:
            seen.append((cell.pull(0), cell.pull(1)))
            if len(seen) % 3:
                raise ValueError
            cell.set(seen[-1])

        cell = Cell(body, [range(2), range(10, 12)], retries=2)
        assert cell.outcomes() == [(0, 10), (1, 11)]
        assert seen[:6] == [(0, 10)] * 3 + [(1, 11)] * 3
        assert cell.unit.counters.retries == 4
        assert cell.counts == (2, 0, 0, 0)

    def test_the_outputs_of_a_failed_try_are_forgotten(self) -> None:
        def body(cell: Cell) -> None:
            cell.tries += 1
            if cell.tries == 1:
                cell.set("of the failed try")
                raise ValueError

        cell = Cell(body, retries=1)
        with pytest.raises(NoOutputProvidedException):
            cell.out.pull()

    def test_when_all_tries_fail_the_error_is_that_of_the_last_one(self) -> None:
        def body(cell: Cell) -> None:
            cell.pull()
            cell.tries += 1
            raise ValueError(f"try {cell.tries}")

        cell = Cell(body, [range(5)], retries=2)
        with pytest.raises(ValueError, match="try 3"):
            cell.out.pull()
        assert cell.taken == [1]
        assert cell.counts == (1, 1, 0, 1)

    def test_retry_then_skip(self) -> None:
        cell = Cell(lambda cell: cell.set(1 // cell.pull()), [[0, 1]], retries=2, skips=True)
        assert cell.outcomes() == [ItemSkipped, 1]
        assert (cell.unit.counters.retries, len(cell.letters)) == (2, 1)

    def test_a_gap_of_its_own_is_not_tried_again(self) -> None:
        def body(cell: Cell) -> None:
            cell.tries += 1
            raise ItemSkipped

        cell = Cell(body, retries=3)
        cell.run()
        assert cell.tries == 1

    def test_an_error_from_upstream_that_was_caught_is_replayed(self) -> None:
        def body(cell: Cell) -> None:
            try:
                value = cell.pull()
            except OSError:
                value = "mended"
            cell.tries += 1
            if cell.tries == 1:
                raise ValueError
            cell.set(value)

        cell = Cell(body, [[made_upstream(OSError()), "next"]], retries=1)
        assert cell.outcomes() == ["mended", "next"]

    def test_a_retry_may_take_more_than_the_try_before(self) -> None:
        def body(cell: Cell) -> None:
            cell.tries += 1
            cell.set([cell.pull() for _ in range(min(cell.tries, 2))])
            if cell.tries == 1:
                raise ValueError

        cell = Cell(body, [range(4)], retries=1)
        assert cell.outcomes()[:2] == [[0, 1], [2, 3]]

    def test_a_retry_that_takes_less_loses_nothing(self) -> None:
        def body(cell: Cell) -> None:
            cell.tries += 1
            cell.set([cell.pull() for _ in range(2 if cell.tries == 1 else 1)])
            if cell.tries == 1:
                raise ValueError

        cell = Cell(body, [range(3)], retries=1)
        assert cell.outcomes() == [[0], [1], [2]]

    def test_inputs_stay_paired_when_the_last_try_takes_less(self) -> None:
        def body(cell: Cell) -> None:
            cell.tries += 1
            if cell.tries == 1:
                cell.pull(0), cell.pull(0), cell.pull(1)
                raise ValueError
            if cell.tries == 2:
                raise ValueError
            cell.set((cell.pull(0), cell.pull(1)))

        cell = Cell(body, [range(5), range(5)], retries=1)
        with pytest.raises(ValueError):
            cell.out.pull()
        first, second = cell.out.pull()
        assert first == second


class TestLag:
    """Inside a domain nobody can wait for room: a reader that lags too far is an error with names."""

    def test_a_reader_that_never_pulls_is_named(self) -> None:
        cell = Cell(lambda cell: cell.set(0))
        lagging = Channel("pipe.cell.out", "pipe.lagging.in")
        cell.unit.plug([], [*cell.unit.channels, (cell.slot, lagging)], Clock(1))
        run = cell.unit.bind()
        cell.out.bind(run)
        for _ in range(LARGEST_LAG):
            cell.out.pull()
        with pytest.raises(DeadlockException, match=r"pipe\.lagging\.in does not pull"):
            for _ in range(LARGEST_LAG):
                cell.out.pull()
        assert len(lagging.buffer) <= LARGEST_LAG + units_module.LAG_IS_CHECKED_EVERY
        lagging.buffer.clear()
        assert cell.out.pull() == 0

    def test_a_reader_beside_one_that_lags_keeps_its_inputs_in_step(self) -> None:
        cell = Cell(lambda cell: cell.set(cell.pull()), [range(10_000)])
        lagging = Channel("pipe.cell.out", "pipe.lagging.in")
        cell.unit.plug(cell.inputs, [*cell.unit.channels, (cell.slot, lagging)], Clock(1))
        cell.out.bind(cell.unit.bind())
        reader = Cell(lambda reader: reader.set((cell.out.pull(), reader.pull())), [range(10_000)])
        reader.unit.plug([cell.out, *reader.inputs], reader.unit.channels, Clock(1))
        reader.out.bind(reader.unit.bind())
        with pytest.raises(DeadlockException):
            for _ in range(2 * LARGEST_LAG):
                reader.out.pull()
        lagging.buffer.clear()
        first, second = reader.out.pull()
        assert first == second

    @pytest.mark.parametrize("kept_up_with", [1, 2, LARGEST_LAG - 100])
    def test_a_reader_that_keeps_up_is_not(self, kept_up_with: int) -> None:
        cell = Cell(lambda cell: cell.set(0))
        second = Channel("pipe.cell.out", "pipe.second.in")
        cell.unit.plug([], [*cell.unit.channels, (cell.slot, second)], Clock(1))
        run = cell.unit.bind()
        cell.out.bind(run)
        second.bind(run)
        for _ in range(3 * LARGEST_LAG // kept_up_with):
            for channel in (cell.out, second):
                for _ in range(kept_up_with):
                    assert channel.pull() == 0

    def test_a_pull_that_comes_back_to_the_running_cell_is_refused(self) -> None:
        """A recurrent connection that brings fewer values than its cell takes."""
        cell = Cell(lambda cell: cell.set(cell.pull(0) + cell.pull(0)), [[1]])
        back = cell.inputs[0]
        cell.unit.plug([back], [(cell.slot, back)], Clock(1))
        run = cell.unit.bind()
        back.bind(run)
        outcome = run()
        assert outcome is not None
        assert isinstance(outcome.error, UnsetRecurrentConnectionException)
        assert "pipe.cell" in str(outcome.error)
