"""One pipeline under one schedule: who pulls it, who disturbs that, and what must have arrived.

Whatever happens, this has to hold: each sink gets what has to arrive, from the beginning and in order, nothing twice and
nothing left out; all of it where the stream came to its end; from the beginning again after a reset and after another
deployment; and everybody who waits for something is answered.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from explored_cells import GAP, describe
from shapes import Case
from stream_cells import CriticalError

from pypipeline_engine.cell import RayCloneCell, ThreadCloneCell
from pypipeline_engine.exceptions import (
    DeadlockException,
    InactiveException,
    InvalidInputException,
    InvalidStateException,
    NotDeployedException,
    ScalingNotSupportedException,
    TimeoutException,
)

MOST_PULLS = 1000
GONE = (InactiveException, NotDeployedException)
"""What is told to whoever wants something of a pipeline that is undeployed meanwhile."""


class Play:
    """One pipeline, from its deployment to its end."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.world = case.world
        self.random = case.random
        self.pipeline = case.pipeline
        self.nb_disturbing = 0
        self.nb_resets = 0
        self.nb_scalers = 0
        self.has_rivals = False
        self.may_vanish = False
        """Whether the pipeline may be undeployed while somebody wants something of it."""
        self.world.scale = self.scale_from_inside
        self.may_be_interrupted = False
        """Whether that may happen before its stream has ended."""

    # ------------------------------------------------------------------ threads and moments

    def disturb(self, name: str, actions: list[Callable[[], None]], at: int | None = None) -> None:
        """Have a thread of its own do these things, each at a moment of its own, or all of them at the same one."""
        last = self.random.randint(1, 4 * self.case.nb_items + 4)
        moments = sorted(self.random.randint(0, last) if at is None else at for _ in actions)
        self.nb_disturbing += 1

        def act() -> None:
            for moment, action in zip(moments, actions, strict=True):
                self.wait_until(lambda moment=moment: self.world.over or self.world.nb_events >= moment, "its moment")
                action()
            self.nb_disturbing -= 1

        self.world.explorer.spawn(name, act)

    def wait_until(self, is_so: Callable[[], bool], reason: str) -> None:
        if not is_so():
            self.world.explorer.block(is_so, reason)

    def await_disturbers(self) -> None:
        self.world.over = True
        self.wait_until(lambda: not self.nb_disturbing, "those who disturb")

    # ------------------------------------------------------------------ what disturbs

    def disturb_by_scaling(self) -> None:
        number_of_them = self.random.choice([1, 1, 2])
        self.nb_scalers += number_of_them
        for number in range(number_of_them):
            changes = [self.scale for _ in range(self.random.randint(1, 6))]
            self.disturb(f"scaler {number}", changes)

    def scale(self) -> None:
        box, most = self.random.choice(self.case.boxes)
        before = box.get_nb_clones()
        try:
            if self.random.random() < 0.5 and before < most:
                methods = [ThreadCloneCell, RayCloneCell] if box in self.case.remote else [ThreadCloneCell]
                box.scale_up(self.random.randint(1, most - before), self.random.choice(methods))
            elif before:
                if self.random.random() < 0.3:
                    box.scale_all_down()
                else:
                    box.scale_one_down(self.random.choice(list(box.get_clone_methods()) or [ThreadCloneCell]))
        except (InvalidInputException, ScalingNotSupportedException):
            if self.nb_scalers < 2:  # the other one took the last clone away, or added the last one that there may be
                raise
        except GONE:
            if not self.may_vanish:
                raise
        except CriticalError as error:
            assert "cannot be deployed" in str(error)
            assert self.nb_scalers > 1 or box.get_nb_clones() == before, f"{box} has changed, though it could not"

    def scale_from_inside(self) -> None:
        if self.case.remote:
            return  # a cell that seems to be in another process cannot reach this pipeline
        self.nb_scalers += 1
        with suppress(InvalidStateException):  # a first clone or the last one has to wait for the cell itself
            self.scale()

    def disturb_by_resetting(self) -> None:
        self.disturb("resetter", [self.reset] * self.random.randint(1, 3))

    def reset(self) -> None:
        try:
            self.pipeline.reset()
            self.nb_resets += 1
        except GONE:
            if not self.may_vanish:
                raise

    def disturb_by_undeploying(self) -> None:
        self.may_vanish = self.may_be_interrupted = True
        for number in range(self.random.choice([1, 1, 2])):
            self.disturb(f"undeployer {number}", [self.undeploy])

    def undeploy(self) -> None:
        with suppress(NotDeployedException):
            self.pipeline.undeploy()

    def disturb_by_watching(self) -> None:
        self.disturb("watcher", [self.watch] * self.random.randint(1, 5))

    def watch(self) -> None:
        self.pipeline.is_deployed()
        with suppress(NotDeployedException):
            self.pipeline._get_deployment().statistics()  # type: ignore[attr-defined]

    def disturb_run(self, handle: Any) -> None:
        """Pause, resume, step, stop, and wait with a time limit, from two threads."""

        def tell(what: Callable[..., None], *arguments: Any) -> Callable[[], None]:
            def act() -> None:
                with suppress(InvalidStateException, TimeoutException, CriticalError, *GONE):
                    what(*arguments)

            return act

        calls = [
            tell(handle.pause),
            tell(handle.resume),
            tell(handle.step, 2),
            tell(handle.statistics),
            tell(handle.wait, 0.1),
        ]
        if self.random.random() < 0.4:
            calls += [tell(handle.stop)] * 2
            self.may_be_interrupted = True
        for number in range(2):
            chosen = [self.random.choice(calls) for _ in range(self.random.randint(1, 4))]
            self.disturb(f"controller {number}", [*chosen, tell(handle.resume)])

    def disturb_by_pulling(self) -> None:
        """Pull and run what is being run already, which is refused."""
        self.has_rivals = True
        calls = [self.pull_once, self.run_for_nothing]
        self.disturb("rival", [self.random.choice(calls) for _ in range(self.random.randint(1, 4))])

    def pull_once(self) -> None:
        with suppress(InvalidStateException, StopIteration):
            self.pipeline.pull()

    def run_for_nothing(self) -> None:
        with suppress(InvalidStateException):
            self.pipeline.run(max_items=0).wait()

    # ------------------------------------------------------------------ who pulls

    def pull_to_the_end(self) -> bool:
        """Whether the stream came to its end; false where the pipeline went away."""
        for _ in range(MOST_PULLS):
            try:
                self.pipeline.pull()
            except StopIteration:
                return True
            except NotDeployedException:
                assert self.may_be_interrupted, "nobody undeployed it"
                return False
            except InactiveException:
                assert self.may_be_interrupted, "a pull was interrupted by what should wait for it"
            except DeadlockException as error:
                if not self.case.hopeless:
                    raise
                assert "p.source" in str(error), f"the deadlock does not name the cells: {error}"
                return False
            except Exception as error:
                self.note(error)
        raise AssertionError(f"the stream does not end: {[sink.generations[-1][-3:] for sink, _ in self.case.sinks]}")

    def note(self, error: Exception) -> None:
        """Put an error that reached the caller where its value would have been recorded."""
        text = describe(error)
        sink, stream = self.case.sinks[0]
        assert not self.case.catches, f"an error that a sink should have met: {error!r}"
        assert text in stream, f"an error that nobody raised: {error!r}"
        name = text[1:].partition(":")[0]
        notes = getattr(error, "__notes__", [])
        assert any(f".{name}" in note for note in notes), f"{error!r} does not say in which cell it arose: {notes}"
        sink.generations[-1].append(text)

    def run_to_the_end(self) -> bool:
        """The same by a run, or by one after the other where critical errors end them."""
        for _ in range(MOST_PULLS):
            try:
                handle = self.pipeline.run(on_error=self.note)
            except InvalidStateException:
                assert self.has_rivals
                self.world.explorer.switch()
                continue
            try:
                handle.wait()
            except CriticalError as error:
                self.note(error)
                continue
            assert handle.state == "ended", handle.state
            return True
        raise AssertionError(f"the stream does not end: {[sink.generations[-1][-3:] for sink, _ in self.case.sinks]}")

    # ------------------------------------------------------------------ what must have arrived

    def check(self, complete: bool) -> None:
        """Compare what arrived with what has to, and raise what the cells have seen."""
        if self.world.violations:
            raise AssertionError("; ".join(dict.fromkeys(self.world.violations)))
        for sink, expected in self.case.sinks:
            wanted = expected if self.case.catches else [item for item in expected if item != GAP]
            for generation in sink.generations:
                assert generation == wanted[: len(generation)], f"{sink} got {generation}, where {wanted} was to come"
            if complete:
                last = sink.generations[-1]
                assert last == wanted, f"{sink} got {last} until the end of the stream {wanted}"

    def check_noted(self) -> None:
        """What came to sinks inside of clones came once."""
        if self.case.noted is not None:
            noted, wanted = sorted(self.world.noted), sorted(self.case.noted)
            assert noted == wanted, f"sinks inside of clones got {noted}, where {wanted} was to come"

    def check_is_down(self) -> None:
        """After an undeployment: every cell that was deployed was undeployed, once."""
        left = {cell.get_full_name(): number for cell, number in self.world.up.items() if number}
        assert not left, f"cells are left deployed so many times: {left}"
        assert not self.pipeline.is_deployed()

    def check_letters(self) -> None:
        """What was skipped by policy is kept as a dead letter, once, with the number of the item."""
        letters = self.pipeline._get_deployment().statistics().dead_letters  # type: ignore[attr-defined]
        seen = [(letter.cell, letter.item) for letter in letters]
        assert len(set(seen)) == len(seen), f"dead letters were kept twice: {seen}"
