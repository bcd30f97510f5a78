"""Runs a clone, in the process that is there for it: takes work, and reports what was done and counted.

The inside of the clone runs as in a clone on a thread, by the same plan and the same code, in the one thread that calls
these methods. Where there are scaled cells inside, they have their threads, and the next items of some work go into them
while the results of the first ones come out.

No method raises: what goes wrong is returned as a `Failure`.
"""

from __future__ import annotations

import os
import platform
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import wraps
from time import perf_counter
from typing import Any, ParamSpec, TypeVar

from pypipeline_engine.cell import ScalableCell
from pypipeline_engine.core.clock import Clock
from pypipeline_engine.core.counters import sum_counters
from pypipeline_engine.core.errors import add_note, describe_error, sign
from pypipeline_engine.core.monitor import Monitor, Waiter
from pypipeline_engine.core.turn import Turn
from pypipeline_engine.core.values import END, Outcome
from pypipeline_engine.exceptions import InvalidInputException, InvalidStateException, ItemSkipped
from pypipeline_engine.runtime.call_stack import call_with_room
from pypipeline_engine.runtime.crew import Crew, Inside
from pypipeline_engine.runtime.environment import limit_threads_of_opencv, make_room_for_calls
from pypipeline_engine.runtime.remote import cluster
from pypipeline_engine.runtime.remote.buffers import Borrowing, Buffer
from pypipeline_engine.runtime.remote.messages import (
    PLAIN,
    Done,
    Failure,
    Place,
    Same,
    Work,
    decode,
    encode,
    explain_why_not,
    pack,
    pack_item,
)
from pypipeline_engine.runtime.remote.messages import unpack as unpack_message
from pypipeline_engine.runtime.remote.travel import Home, get_parameters, unpack
from pypipeline_engine.runtime.remote.views import look_at
from pypipeline_engine.runtime.scope import Scope
from pypipeline_engine.runtime.stage import Stage
from pypipeline_engine.runtime.stalls import explain_stall, make_room

P = ParamSpec("P")
R = TypeVar("R")


def returning_errors(method: Callable[P, R]) -> Callable[P, R | Failure]:
    """Have a method return what it would raise."""

    @wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> R | Failure:
        try:
            return method(*args, **kwargs)
        except BaseException as error:
            return encode(Outcome(error))

    return call


class Elsewhere:
    """Stands for the scaled cell in the process that the clone was made for: all that is known of it is its name."""

    _parent_cell = None

    def __init__(self, full_name: str, prefix: str) -> None:
        self._full_name = full_name
        self._prefix = prefix

    def get_full_name(self) -> str:
        """As there."""
        return self._full_name

    def _get_prefix(self) -> str:
        return self._prefix


class Servant:
    """One clone of a scaled cell. One thread at a time calls its methods, always the same one."""

    def __init__(
        self, packed: bytes, home: Home | None, full_name: str, prefix: str, output_names: Sequence[str]
    ) -> None:
        """Take over a clone; `deploy` makes it.

        :param packed: what `travel.pack` has made.
        :param home: the process that it was made in, where that is on this machine.
        :param full_name: that of the scaled cell.
        :param prefix: what the full names of the cells inside start with.
        :param output_names: the output ports that are read.
        """
        self._packed = packed
        self._home = home
        self._elsewhere = Elsewhere(full_name, prefix)
        self._output_names = list(output_names)
        self._number = 0
        self._numbers: dict[int, int] = {}
        """Where there are scaled cells inside, the numbers of the items in work, by their tickets here."""
        self._buffers = Borrowing()
        self._inbox: deque[Any] = deque()
        self._hungry: list[Waiter] = []
        self._undeploy: Callable[[bool], None] = lambda _: None
        self._is_deployed = False

    @returning_errors
    def deploy(self) -> Place:
        """Make the cells, and call `_on_deploy` of all of them. Returns where they are.

        :raises Exception: what the constructor or the `_on_deploy` of a cell raised; what was deployed is undeployed then.
        """
        if self._home is not None:
            self._home.settle()
        try:
            self._deploy(unpack(self._packed))
        except OSError as error:
            if error.filename is not None:
                add_note(error, f"{error.filename!r} was looked for on the node {platform.node()}")
            raise
        except ModuleNotFoundError as error:
            add_note(error, f"it is not installed on the node {platform.node()}")
            raise
        return Place(os.getpid(), cluster.get_node())

    def _deploy(self, cell: ScalableCell) -> None:
        cell._stands_for = self._elsewhere  # type: ignore[assignment]  # all that is asked of it is its name
        make_room_for_calls(sum(1 for _ in cell._get_cells_recursively()))
        self._monitor = Monitor()
        self._crew = crew = Crew(cell, self._monitor, _NoChanges(cell))
        self._stage = stage = Stage(cell, cell.get_full_name(), self._monitor, lambda _: None)
        stage.output_names = self._output_names
        self._parameters = get_parameters(cell)
        give_back_opencv_threads = limit_threads_of_opencv()

        def undeploy(failed: bool) -> None:
            try:
                self._interrupt()
                for inner in self._find_stages():
                    inner.join()
                error = crew.undeploy_all(failed)
            finally:
                give_back_opencv_threads()
            if error is not None:
                raise error

        made: list[Inside] = []
        try:
            crew.make_inside(stage, made)
            scope = made[0].scope
            assert scope is not None
            self._scope = scope
            self._scope.number_items(lambda: self._number)
            if scope.feeds_itself:
                self._begin_ahead(made)
        except BaseException:
            with suppress(Exception):
                crew.undeploy_all(failed=True)
            give_back_opencv_threads()
            raise
        self._undeploy = undeploy
        self._is_deployed = True

    @returning_errors
    def work(self, packed: Any, lent: Sequence[Buffer] = ()) -> Any:
        """Do some items: `Work` as `messages.pack` has packed it, and `Done` in the same way.

        :param lent: the buffers that there are from now on besides those of before.
        """
        begin = perf_counter()
        self._buffers.add(lent)
        work = unpack_message(Work, look_at(packed), self._buffers.get)
        for place, box in work.parameters:
            self._parameters[place]._box[:] = box
        if self._scope.feeds_itself:
            results = self._work_ahead(work)
        else:
            results = call_with_room(lambda: list(map(self._do, work.numbers, work.items)), self._scope.depth)
        counted = {
            name: (parts[0] if len(parts) == 1 else sum_counters(parts)).as_tuple()
            for name, parts in self._crew.get_counters().items()
        }
        letters = []
        while self._crew.dead_letters:
            letters.append(self._crew.dead_letters.popleft())
        done = Done(results, counted, letters, perf_counter() - begin)
        try:
            return pack(done, filter(None, results), self._buffers.put)
        except Exception:
            results = [self._check_results(result) for result in results]
            return pack(done._replace(results=results), filter(None, results), self._buffers.put)

    def _do(self, number: int, values: Sequence[Any]) -> Any:
        self._number = number
        inputs = [decode(value) if value.__class__ is Failure else value for value in values]
        try:
            return self._pack_result(self._scope.process(inputs), inputs)
        except BaseException as error:
            return [encode(Outcome(error))] * max(1, len(self._output_names))

    def _pack_result(self, result: Any, inputs: Sequence[Any]) -> Any:
        if result is END:
            return None
        packed: list[Any] = []
        is_plain = True
        for value in result:
            kind = value.__class__
            if kind not in PLAIN:
                is_plain = False
                port = next((port for port, given in enumerate(inputs) if _is_same(given, value)), None)
                if port is not None:
                    value = Same(port)
                elif kind is Outcome:
                    value = encode(value, with_text=not _is_gap(value))
            packed.append(value)
        return packed if is_plain else pack_item(packed, self._buffers.put)

    def _check_results(self, result: Any) -> Any:
        return [self._check_result(value) for value in result] if result.__class__ is list else result

    def _check_result(self, value: Any) -> Any:
        """A value, or the error where it cannot be pickled."""
        trouble = explain_why_not(value)
        if trouble is None:
            return value
        name = self._elsewhere.get_full_name()
        error = InvalidInputException(
            f"a result of {name} does not get into another process: {describe_error(trouble)}"
        )
        sign(error, name)
        return encode(Outcome(error))

    # ------------------------------------------------------------------ with scaled cells inside

    def _begin_ahead(self, made: list[Inside]) -> None:
        """Have the clone take its items by itself, ahead of the results, as one on a thread does."""
        self._turn = Turn(self._monitor, self._elsewhere.get_full_name())
        self._monitor.on_stall = self._explain_stall
        self._stage.bind(self._get_next_item, Clock(1), self._turn.get_threads, depth=0)
        self._crew.start(made)
        worker = self._stage.workers[0]
        self._scope.number_items(lambda: self._numbers.get(worker.tickets[0] if worker.tickets else -1, 0))

    def _work_ahead(self, work: Work) -> list[Any]:
        """Put all items into scaled cells inside before the result of the first one is waited for."""
        stage, monitor = self._stage, self._monitor
        items = [[decode(one) if one.__class__ is Failure else one for one in values] for values in work.items]
        with monitor.lock:
            first = stage.sequencer.opened
            self._numbers = {first + place: number for place, number in enumerate(work.numbers)}
            stage.sequencer.window = max(stage.sequencer.window, len(items))
            self._inbox.extend(items)
            monitor.wake_all(self._hungry)
            monitor.wake_all(stage.idle)
        results: list[Any] = []
        monitor.begin_pull(self._turn)
        try:
            for inputs in items:
                try:
                    results.append(self._pack_result(stage.take(), inputs))
                except StopIteration:
                    results.append(None)
        finally:
            monitor.end_pull(self._turn)
        return results

    def _get_next_item(self) -> Any:
        with self._monitor.lock:
            while not self._inbox:
                self._monitor.wait(self._hungry, lambda: f"an item for {self._elsewhere.get_full_name()}")
            return self._inbox.popleft()

    def _explain_stall(self, waiters: list[Waiter]) -> None:
        """Make room, or have the work end by an error. Lock held."""
        if make_room(self._find_scopes(), waiters):
            return
        pulling = next((waiter for waiter in waiters if waiter.pulls), None)
        if pulling is not None:
            self._monitor.wake_with(
                pulling, explain_stall(self._elsewhere.get_full_name(), self._find_stages(), waiters)
            )

    def _find_scopes(self) -> list[Scope]:
        scopes = [self._scope]
        for scope in scopes:
            for stage in scope.stages.values():
                scopes.extend(worker.scope for worker in list(stage.workers) if worker.scope is not None)
        return scopes

    def _find_stages(self) -> list[Stage]:
        return [self._stage, *(stage for scope in self._find_scopes() for stage in scope.stages.values())]

    def _interrupt(self) -> None:
        self._monitor.enter()
        for stage in self._find_stages():
            stage.close()
        self._monitor.interrupt(for_good=True)
        self._monitor.leave()

    # ------------------------------------------------------------------ resetting and ending

    @returning_errors
    def reset(self) -> None:
        """Send the stream back to its start. Nothing is in work.

        :raises Exception: the first error of an `_on_reset`, after all were called.
        """
        if not self._is_deployed:  # it takes the place of one that died, and begins at the start
            return
        stages, scopes, monitor = self._find_stages(), self._find_scopes(), self._monitor
        for stage in stages:
            stage.drop()
        monitor.enter()
        try:
            monitor.interrupt()
            monitor.wait_until_quiet()
        finally:
            monitor.leave()
        self._inbox.clear()
        self._stage.rewind()
        for scope in scopes:
            scope.rewind(set(scope.get_nodes()))
        try:
            cells = [cell for scope in scopes for cell in scope.cells]
            error = self._crew.hooks.call_all(cells[::-1], "_on_reset")
        finally:
            monitor.resume()
            for stage in stages:
                stage.unpause()
        if error is not None:
            raise error

    @returning_errors
    def undeploy(self, failed: bool) -> None:
        """Call `_on_undeploy` of every cell.

        :raises Exception: the first error of those.
        """
        self._undeploy(failed)


class _NoChanges:
    """Stands for the deployment, which is in another process: cells in clones do not control it from here."""

    def __init__(self, cell: ScalableCell) -> None:
        self._name = cell.get_full_name()

    def _refuse(self, *_: Any) -> Any:
        raise InvalidStateException(
            f"a cell of {self._name} that runs in another process cannot change the pipeline that it belongs to"
        )

    pull = reset = rescale = change_policy = undeploy = _refuse


def _is_same(given: Any, value: Any) -> bool:
    """Whether an output is what came in and cannot have changed: a large array, or an error that nobody caught."""
    if given.__class__ is value.__class__ is Outcome:
        return bool(given.error is value.error)
    flags = getattr(value, "flags", None)
    return given is value and flags is not None and not flags.writeable


def _is_gap(value: Any) -> bool:
    return value.__class__ is Outcome and isinstance(value.error, ItemSkipped)
