"""Small cells, and ways to put them together and to wait for them, for the tests of what the engine promises."""

import threading
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from pypipeline_engine.cell import ACell, ACompositeCell, ASingleCell, Pipeline, ScalableCell
from pypipeline_engine.cellio import IO, AParameter, ConfigParameter, Input, InputPort, Output, OutputPort
from pypipeline_engine.connection import Connection
from pypipeline_engine.exceptions import ItemSkipped, NonCriticalException

SOON_S = 5.0
"""What should come at once comes within this time, also on a busy machine; a wait that takes longer has failed."""


class Gap:
    """In a list of values: leave a gap here. In what was collected: here was one."""

    def __repr__(self) -> str:
        return "GAP"


GAP = Gap()


class CriticalError(Exception):
    """An error of a cell that ends a run."""


class PassingError(NonCriticalException):
    """An error of a cell that costs one item."""


# ---------------------------------------------------------------------- cells


class Source(ASingleCell):
    """Gives `values` one by one, then ends; `None` for the whole numbers without end. An exception among them is raised, and
    `GAP` leaves a gap.
    """

    def __init__(self, parent_cell: ACompositeCell | None, name: str, values: Iterable[Any] | None = None) -> None:
        super().__init__(parent_cell, name)
        self.y: Output[Any] = Output(self, "y")
        self.values = None if values is None else list(values)
        self.position = 0
        self.nb_resets = 0

    def supports_scaling(self) -> bool:
        return False

    def get_nb_available_pulls(self) -> int | None:
        return None if self.values is None else len(self.values) - self.position

    def _on_reset(self) -> None:
        self.nb_resets += 1
        self.position = 0

    def _on_deploy(self) -> None:
        self.position = 0

    def _on_pull(self) -> None:
        position = self.position
        if self.values is None:
            self.position += 1
            self.y.set_value(position)
            return
        if position >= len(self.values):
            raise StopIteration
        self.position += 1
        value = self.values[position]
        if value is GAP:
            raise ItemSkipped
        if isinstance(value, Exception):
            raise value
        self.y.set_value(value)


class Map(ASingleCell):
    """Gives `function(x)`; what the function raises is raised, and `GAP` as its result leaves a gap."""

    def __init__(
        self, parent_cell: ACompositeCell | None, name: str, function: Callable[[Any], Any] = lambda x: x
    ) -> None:
        super().__init__(parent_cell, name)
        self.x: Input[Any] = Input(self, "x")
        self.y: Output[Any] = Output(self, "y")
        self.function = function

    def _on_pull(self) -> None:
        result = self.function(self.x.pull())
        if result is GAP:
            raise ItemSkipped
        self.y.set_value(result)


class Join(ASingleCell):
    """Gives the tuple of one value of each of its inputs `x0`, `x1`, ..., pulled in the order `order`."""

    def __init__(
        self, parent_cell: ACompositeCell | None, name: str, nb_inputs: int = 2, order: tuple[int, ...] | None = None
    ) -> None:
        super().__init__(parent_cell, name)
        self.xs: list[Input[Any]] = [Input(self, f"x{number}") for number in range(nb_inputs)]
        self.y: Output[Any] = Output(self, "y")
        self.order = order or tuple(range(nb_inputs))

    def _on_pull(self) -> None:
        values = {number: self.xs[number].pull() for number in self.order}
        self.y.set_value(tuple(values[number] for number in range(len(self.xs))))


class Batch(ASingleCell):
    """Gives lists of `size` values; the last one may be shorter."""

    def __init__(self, parent_cell: ACompositeCell | None, name: str, size: int) -> None:
        super().__init__(parent_cell, name)
        self.x: Input[Any] = Input(self, "x")
        self.y: Output[Any] = Output(self, "y")
        self.size = size

    def supports_scaling(self) -> bool:
        return False

    def _on_pull(self) -> None:
        batch: list[Any] = []
        try:
            while len(batch) < self.size:
                batch.append(self.x.pull())
        except StopIteration:
            if not batch:
                raise
        self.y.set_value(batch)


class Collector(ASingleCell):
    """Keeps what arrives."""

    def __init__(self, parent_cell: ACompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.x: Input[Any] = Input(self, "x")
        self.items: list[Any] = []

    def supports_scaling(self) -> bool:
        return False

    def _on_pull(self) -> None:
        self.items.append(self.x.pull())


class Recorder(Collector):
    """Keeps what arrives, `GAP` for a gap and the error for an error, none of which it passes on."""

    def _on_pull(self) -> None:
        try:
            self.items.append(self.x.pull())
        except StopIteration:
            raise
        except ItemSkipped:
            self.items.append(GAP)
        except Exception as error:
            self.items.append(error)


class Lifecycle(Map):
    """A map that writes down, in the list `log`, what is called: `(event, name)`."""

    def __init__(
        self,
        parent_cell: ACompositeCell | None,
        name: str,
        log: list[tuple[str, str]],
        fail_on: Callable[[str], bool] = lambda event: False,
    ) -> None:
        super().__init__(parent_cell, name)
        self.log = log
        self.fail_on = fail_on

    def _note(self, event: str) -> None:
        self.log.append((event, self.get_name()))
        if self.fail_on(event):
            raise CriticalError(f"{event} of {self.get_name()}")

    def _on_deploy(self) -> None:
        self._note("deploy")

    def _on_undeploy(self) -> None:
        self._note("undeploy")

    def _on_reset(self) -> None:
        self._note("reset")


# ---------------------------------------------------------------------- gates


class Gate:
    """Lets values through one by one, as the test says; a value that nobody lets through fails after `SOON_S`.

    It is used as the function of a `Map`, and shared by the clones of it.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._open: set[Any] = set()
        self._all_open = False
        self.arrived: list[Any] = []
        self.threads: dict[Any, int] = {}

    def __call__(self, value: Any) -> Any:
        with self._changed:
            self.arrived.append(value)
            self.threads[value] = threading.get_ident()
            self._changed.notify_all()
            if not self._changed.wait_for(lambda: self._all_open or value in self._open, 2 * SOON_S):
                raise AssertionError(f"nobody opened the gate for {value!r}")
        return value

    def wait_for(self, *values: Any) -> None:
        """Wait until all of `values` stand at the gate, or have passed it."""
        with self._changed:
            arrived = self._changed.wait_for(lambda: set(values) <= set(self.arrived), SOON_S)
            assert arrived, f"waited for {values}, but only {self.arrived} came to the gate"

    def open(self, *values: Any) -> None:
        """Let `values` through; everything, without arguments."""
        with self._changed:
            self._open.update(values)
            self._all_open = self._all_open or not values
            self._changed.notify_all()


def meeting_of(number: int) -> Callable[[Any], Any]:
    """A function for a `Map` that returns its value only once `number` threads are in it at the same time, each time."""
    barrier = threading.Barrier(number)

    def meet(value: Any) -> Any:
        barrier.wait(SOON_S)
        return value

    return meet


class Task:
    """A call in a thread of its own."""

    def __init__(self, function: Callable[[], Any], name: str = "") -> None:
        self._result: Any = None
        self._error: BaseException | None = None
        self._function = function
        self._thread = threading.Thread(target=self._run, name=f"test: {name or function!r}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result = self._function()
        except BaseException as error:
            self._error = error

    def is_done(self) -> bool:
        """Whether the call has returned."""
        return not self._thread.is_alive()

    def ends_within(self, seconds: float) -> bool:
        """Whether the call returns within that time; for what must not happen, where nothing can be waited for instead."""
        self._thread.join(seconds)
        return self.is_done()

    def get(self, timeout: float = SOON_S) -> Any:
        """What the call returned; raises what it raised, and fails where it takes too long."""
        self._thread.join(timeout)
        assert self.is_done(), f"{self._thread.name} has not returned after {timeout:g} s"
        if self._error is not None:
            raise self._error
        return self._result


def in_time(function: Callable[[], Any], timeout: float = SOON_S) -> Any:
    """What `function` returns, which it has to do within `timeout` seconds."""
    return Task(function).get(timeout)


def wait_until(condition: Callable[[], bool]) -> None:
    """Look again and again, for what nothing tells; `in_time` bounds it."""
    while not condition():
        threading.Event().wait(0.001)


# ---------------------------------------------------------------------- putting together


def connect(producer: ACell | IO[Any], consumer: ACell | IO[Any], recurrent: bool | None = None) -> Connection[Any]:
    """Connect the first output of `producer` with the first unconnected input of `consumer`."""
    source: Any = producer if isinstance(producer, IO) else producer.get_outputs()[0]
    target: Any = consumer
    if isinstance(consumer, ACell):
        target = next(io for io in _inputs_of(consumer) if not io.get_nb_incoming_connections())
    return Connection(source, target, recurrent)


def _inputs_of(cell: ACell) -> list[Any]:
    return [io for io in cell.get_inputs() if not isinstance(io, AParameter | ConfigParameter)]


def chain(*cells: ACell) -> None:
    """Connect each cell with the next one."""
    for producer, consumer in pairwise(cells):
        connect(producer, consumer)


def add_ports(outer: ACompositeCell, inner: ACell) -> None:
    """Give `outer` a port for every free input and every output of `inner`, with the same name."""
    for io in _inputs_of(inner):
        if not io.get_nb_incoming_connections():
            Connection(InputPort(outer, io.get_name()), io)
    for output in inner.get_outputs():
        Connection(output, OutputPort(outer, output.get_name()))


def scaled(
    parent: ACompositeCell, name: str, make_inner: Callable[[ScalableCell], ACell], clones: int = 0
) -> ScalableCell:
    """A scalable cell with ports for all that `make_inner` makes inside of it, and `clones` clones on threads."""
    box = ScalableCell(parent, name)
    add_ports(box, make_inner(box))
    box.scale_up(clones)
    return box


def scaled_map(
    parent: ACompositeCell, name: str, function: Callable[[Any], Any] = lambda x: x, clones: int = 0
) -> ScalableCell:
    """A scalable cell around a `Map`."""
    return scaled(parent, name, lambda box: Map(box, "map", function), clones)


def pull_all(pipeline: ACell, limit: int = 10_000) -> int:
    """Pull until the stream ends; how many pulls brought something."""
    for number in range(limit):
        try:
            pipeline.pull()
        except StopIteration:
            return number
    raise AssertionError(f"the stream has not ended after {limit} pulls")


def statistics_of(pipeline: ACell) -> Any:
    """What was counted since the deployment."""
    return pipeline._get_deployment().statistics()  # type: ignore[attr-defined]  # the only kind of deployment there is


@contextmanager
def deployed(pipeline: Pipeline):
    """Deploy now, and undeploy at the end of the block."""
    pipeline.deploy()
    try:
        yield pipeline
    finally:
        if pipeline.is_deployed():
            pipeline.undeploy()
