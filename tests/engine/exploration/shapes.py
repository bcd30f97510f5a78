"""Pipelines to explore, made at random, each with what has to arrive at its sinks.

What has to arrive is a plain list that is made beside the cells, one function for each kind of cell; the cells know nothing
of it. The clones, the windows, the errors and gaps follow from the seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from explored_cells import (
    GAP,
    Accumulating,
    Batching,
    Counting,
    Joining,
    Keeping,
    Noting,
    Recording,
    Splitting,
    Work,
    World,
    accumulate,
)
from stream_cells import connect, scaled

from pypipeline_engine.cell import Pipeline, RayCloneCell, ScalableCell, ThreadCloneCell
from pypipeline_engine.cell.policy import SKIP, ErrorPolicy
from pypipeline_engine.cellio import InputPort, OutputPort
from pypipeline_engine.connection import Connection

Stream = list[str]


@dataclass
class Flow:
    """A cell, and what comes out of it."""

    cell: Any
    stream: Stream


@dataclass
class Case:
    """A pipeline to explore."""

    world: World
    random: Random
    catches: bool
    """Whether the sinks keep errors and gaps."""
    pipeline: Pipeline = field(default_factory=lambda: Pipeline(None, "p"))
    boxes: list[tuple[ScalableCell, int]] = field(default_factory=list)
    """The scaled cells, with how many clones they may have."""
    sinks: list[tuple[Recording, Stream]] = field(default_factory=list)
    noted: Stream | None = None
    """What has to arrive at the sinks inside of clones, in whatever order, where there are some."""
    constants: dict[str, int] = field(default_factory=dict)
    """Bounds of the engine that are to be different here."""
    hopeless: bool = False
    """Whether its cells wait for each other, which has to be told."""
    errors: bool = True
    """Whether cells may raise errors and leave gaps."""
    may_end_early: bool = False
    """Whether a cell may end the stream: not where it is joined with a longer one."""
    may_have_threads: bool = True
    """Whether a source or a sink may have a thread of its own."""
    nb_items: int = 0
    remote: list[ScalableCell] = field(default_factory=list)
    """The scaled cells that may have clones in other processes."""
    nb_deaths: int = 0

    @property
    def may_die(self) -> bool:
        """Whether such a process may die, and do again what it had done: not where somebody counts that."""
        return self.noted is None

    # ------------------------------------------------------------------ what the cells do to a stream

    def mapped(self, name: str, stream: Stream, policy: ErrorPolicy | None = None) -> Stream:
        """What the cell `name` makes of `stream`; decides which values are errors or gaps."""
        results = []
        odds = self.random.choice([0, 0, 0.15, 0.4]) if self.errors else 0
        for value in stream:
            if is_bad(value) or self.random.random() >= odds:
                results.append(value if is_bad(value) else value + name)
                continue
            kinds = [GAP, "passing", "critical", "scaling"]
            if self.may_end_early and self.random.random() < 0.3:
                kinds = ["end"]
            if policy is not None and policy.retries:
                kinds.append("flaky")
            kind = self.world.faults[name, value] = self.random.choice(kinds)
            if kind == "end":
                break
            if kind in ("flaky", "scaling"):
                results.append(value + name)
            elif kind == GAP or (policy is not None and policy.then == "skip"):
                results.append(GAP)
            else:
                results.append(f"!{name}:{value}")
        return results

    # ------------------------------------------------------------------ cells

    def source(self) -> Flow:
        self.nb_items = self.random.randint(2, 9)
        cell: Any
        if self.may_have_threads and self.random.random() < 0.2:
            cell = self.own_thread("source", lambda box: Counting(box, "source", self.world, self.nb_items))
        else:
            cell = Counting(self.pipeline, "source", self.world, self.nb_items)
        return Flow(cell, [str(item) for item in range(self.nb_items)])

    def own_thread(self, name: str, make_inner: Callable[[Any], Any]) -> ScalableCell:
        """A cell that has a thread of its own, or none while it is scaled down."""
        box = scaled(self.pipeline, f"{name}box", make_inner, 1)
        self.choose_window(box)
        self.boxes.append((box, 1))
        return box

    def box(self, flow: Flow, name: str, make_inner: Callable[[Any], Any] | None = None, most: int = 4) -> Flow:
        """A scaled cell around a cell `name`, or around what `make_inner` makes; its stream is left as it is then."""
        policy = self.random.choice([None, None, SKIP, ErrorPolicy(retries=1), ErrorPolicy(retries=2, then="skip")])
        policy = None if make_inner else policy
        clones = self.random.randint(0 if self.random.random() < 0.2 else 1, most)
        box = scaled(self.pipeline, f"{name}box", make_inner or (lambda box: Work(box, name, self.world)), clones)
        box.set_error_policy(policy)
        self.choose_window(box)
        self.boxes.append((box, most))
        if most > 1 and self.random.random() < 0.3:  # one that keeps state would lose it
            self.remote.append(box)
            number = self.random.randint(0, clones)
            box.set_nb_clones({ThreadCloneCell: clones - number, RayCloneCell: number})
        connect(flow.cell, box)
        return Flow(box, flow.stream if make_inner else self.mapped(name, flow.stream, policy))

    def choose_window(self, box: ScalableCell) -> None:
        box.config_queue_capacity.set_value(self.random.choice([None, 1, 2, 3, 4]))

    def work(self, flow: Flow, name: str) -> Flow:
        """An inline cell."""
        cell = Work(self.pipeline, name, self.world)
        connect(flow.cell, cell)
        return Flow(cell, self.mapped(name, flow.stream))

    def join(self, *flows: Flow) -> Flow:
        cell = Joining(self.pipeline, "join", self.world, len(flows))
        for flow in flows:
            connect(flow.cell, cell)
        return Flow(cell, joined([flow.stream for flow in flows]))

    def sink(self, flow: Flow, name: str = "sink") -> None:
        cell: Any
        if self.may_have_threads and self.catches and self.random.random() < 0.2:
            cell = self.own_thread(name, lambda box: Recording(box, name, self.world, True))
        else:
            cell = Recording(self.pipeline, name, self.world, self.catches)
        connect(flow.cell, cell)
        recording = cell.get_inner_cell() if isinstance(cell, ScalableCell) else cell
        self.sinks.append((recording, flow.stream))


def is_bad(value: str) -> bool:
    """Whether this stands for a gap or an error."""
    return value == GAP or value.startswith("!")


def joined(streams: list[Stream]) -> Stream:
    """The first gap or error stands for the whole."""
    results = []
    for values in zip(*streams, strict=False):
        bad = [value for value in values if is_bad(value)]
        results.append(bad[0] if bad else f"({','.join(values)})")
    return results


def batched(stream: Stream, size: int) -> Stream:
    """A batch goes on over gaps, and is lost with an error."""
    results: Stream = []
    batch: Stream = []
    for value in stream:
        if value == GAP:
            continue
        if is_bad(value):
            results.append(value)
            batch = []
            continue
        batch.append(value)
        if len(batch) == size:
            results.append(f"[{' '.join(batch)}]")
            batch = []
    return [*results, f"[{' '.join(batch)}]"] if batch else results


# ---------------------------------------------------------------------- shapes


def chain(case: Case) -> None:
    """source -> [work] -> scaled cell -> [work] -> sink."""
    case.may_end_early = True
    flow = case.source()
    if case.random.random() < 0.5:
        flow = case.work(flow, "a")
    flow = case.box(flow, "b")
    if case.random.random() < 0.5:
        flow = case.work(flow, "c")
    case.sink(flow)


def way_round(case: Case) -> None:
    """A connection beside a scaled cell, in front of it or behind it at the join."""
    flow = case.source()
    if case.random.random() < 0.3:
        flow = case.work(flow, "a")
    through = case.box(flow, "b")
    case.sink(case.join(*case.random.choice([(through, flow), (flow, through)])))


def shared_source(case: Case) -> None:
    """Two scaled cells read the same source; they meet again, or have a sink each."""
    flow = case.source()
    first, second = case.box(flow, "a", most=3), case.box(flow, "b", most=3)
    if case.random.random() < 0.7:
        case.sink(case.join(first, second))
    else:
        case.catches = True
        case.sink(first, "sink1")
        case.sink(second, "sink2")


def two_in_a_row(case: Case) -> None:
    """A scaled cell behind a scaled cell, with or without a cell between them."""
    case.may_end_early = True
    flow = case.box(case.source(), "a", most=3)
    if case.random.random() < 0.3:
        flow = case.work(flow, "b")
    case.sink(case.box(flow, "c", most=3))


def nested(case: Case) -> None:
    """A scaled pipeline with a scaled cell inside, with or without a way round that."""
    case.may_end_early = True
    round_inside = case.random.random() < 0.5
    has_first = case.random.random() < 0.7
    inner_clones = case.random.randint(0, 2)
    world = case.world

    def make(box: Any) -> Pipeline:
        inside = Pipeline(box, "inside")
        first: Any = InputPort(inside, "x")
        if has_first:
            work = Work(inside, "a", world)
            Connection(first, work.x)
            first = work.y
        inner = scaled(inside, "bbox", lambda inner: Work(inner, "b", world), inner_clones)
        case.choose_window(inner)
        case.boxes.append((inner, 2))
        connect(first, inner)
        last = Joining(inside, "join", world, 1 + round_inside)
        connect(inner, last)
        if round_inside:
            connect(first, last)
        Connection(last.y, OutputPort(inside, "y"))
        return inside

    flow = case.box(case.source(), "outer", make, most=3)
    first = case.mapped("a", flow.stream) if has_first else flow.stream
    inner = case.mapped("b", first)
    flow.stream = joined([inner, first] if round_inside else [inner])
    case.sink(flow)


def composite(case: Case) -> None:
    """A pipeline that is scaled now and then, with scaled cells inside, ways round them, and maybe a sink."""
    random, world = case.random, case.world
    has_first, keeps, notes = (random.random() < odds for odds in (0.5, 0.2, 0.4))
    silent = notes and random.random() < 0.4  # nothing comes out of it
    ways = [random.randint(0, 2) for _ in range(random.randint(1, 3))]  # each with so many scaled cells
    case.may_end_early = not notes and len(ways) == 1  # who joins an end with an error tells which it meets first
    names = [[f"b{way}{place}" for place in range(length)] for way, length in enumerate(ways)]

    def make(box: Any) -> Pipeline:
        inside = Pipeline(box, "inside")
        first: Any = InputPort(inside, "x")
        if has_first:
            work = (Keeping if keeps else Work)(inside, "a", world)
            Connection(first, work.x)
            first = work.y
        ends = []
        for way in names:
            end = first
            for name in way:
                end = _scaled_inside(case, inside, end, name, Work)
            ends.append(end)
        for number, end in enumerate(ends):
            if notes and random.random() < 0.5:
                connect(end, Noting(inside, f"note{number}", world))
            elif notes:
                _scaled_inside(case, inside, end, f"note{number}", Noting)
        if not silent:
            last = Joining(inside, "join", world, len(ways))
            for end in ends:
                connect(end, last)
            Connection(last.y, OutputPort(inside, "y"))
        return inside

    flow = case.source()
    if random.random() < 0.3:
        flow = case.box(flow, "u", most=2)
    before, flow = flow, case.box(flow, "outer", make, most=1 if has_first and keeps else 3)
    if random.random() < 0.6:
        flow.cell.scale_all_down()
    first = case.mapped("a", flow.stream) if has_first else flow.stream
    ends = [_mapped_by_all(case, way, first) for way in names]
    if notes:
        case.noted = [item for end in ends for item in end]
    flow = before if silent else Flow(flow.cell, joined(ends))
    if random.random() < 0.3:
        flow = case.box(flow, "d", most=2)
    case.sink(flow)


def _scaled_inside(case: Case, inside: Pipeline, flow: Any, name: str, cls: type[Any]) -> ScalableCell:
    box = scaled(inside, f"{name}box", lambda inner: cls(inner, name, case.world), case.random.randint(0, 2))
    case.choose_window(box)
    case.boxes.append((box, 2))
    connect(flow, box)
    return box


def _mapped_by_all(case: Case, names: list[str], stream: Stream) -> Stream:
    for name in names:
        stream = case.mapped(name, stream)
    return stream


def two_ways(case: Case) -> None:
    """A pipeline that is scaled now and then, with two ways through it that meet behind it, if at all."""
    random, world = case.random, case.world
    meet = random.random() < 0.5
    case.catches = case.catches or not meet
    outer = ScalableCell(case.pipeline, "outer")
    inside = Pipeline(outer, "inside")
    source = case.source()
    other = case.work(source, "o") if random.random() < 0.3 else source
    flows: list[Flow] = []
    for name, flow in (("b", source), ("c", other)):
        port = InputPort(inside, name)
        Connection(InputPort(outer, name), port)
        cell: Any
        if random.random() < 0.6:
            cell = _scaled_inside(case, inside, port, name, Work)
        else:
            cell = (Keeping if random.random() < 0.2 else Work)(inside, name, world)
            connect(port, cell)
        Connection(cell.get_output("y"), OutputPort(inside, f"{name}y"))
        Connection(inside.get_output(f"{name}y"), OutputPort(outer, f"{name}y"))
        connect(flow.cell, outer.get_input(name))
        flows.append(Flow(outer.get_output(f"{name}y"), case.mapped(name, flow.stream)))
    most = 3 if inside.supports_scaling() else 1
    outer.scale_up(random.choice([0, 0, 1, most]))
    case.choose_window(outer)
    case.boxes.append((outer, most))
    if random.random() < 0.4:
        flows[0] = case.box(flows[0], "d", most=2)
    if meet:
        case.sink(case.join(*flows))
    else:
        for number, flow in enumerate(flows):
            case.sink(flow, f"sink{number}")


def wide(case: Case) -> None:
    """Scaled cells with two inputs and with two outputs."""
    flow = case.source()
    other = case.work(flow, "a")
    joined_box = scaled(case.pipeline, "jbox", lambda box: Joining(box, "j", case.world), case.random.randint(1, 3))
    case.choose_window(joined_box)
    case.boxes.append((joined_box, 3))
    connect(flow.cell, joined_box)
    connect(other.cell, joined_box)
    both = Flow(joined_box, joined([flow.stream, other.stream]))
    split = case.box(both, "s", make_inner=lambda box: Splitting(box, "s", case.world), most=3)
    first = case.mapped("s", split.stream)
    second = [value if is_bad(value) else f"{value}2" for value in first]
    join = Joining(case.pipeline, "join", case.world)
    Connection(split.cell.get_output("y"), join.xs[0])
    Connection(split.cell.get_output("y2"), join.xs[1])
    case.sink(Flow(join, joined([first, second])))


def recurrent(case: Case) -> None:
    """A cycle through a scaled cell: one item at a time goes round."""
    flow = case.source()
    cell = Accumulating(case.pipeline, "sum", case.world)
    connect(flow.cell, cell.x)
    box = scaled(case.pipeline, "bbox", lambda box: Work(box, "b", case.world), case.random.randint(1, 3))
    case.choose_window(box)
    case.boxes.append((box, 3))
    connect(cell, box)
    box.get_output("y").set_initial_value("i")
    Connection(box.get_output("y"), cell.last)
    case.sink(Flow(box, accumulated(case, flow.stream)))


def loop(case: Case) -> None:
    """A pipeline with a cycle inside, which may have a thread of its own."""
    world = case.world

    def make(box: Any) -> Pipeline:
        inside = Pipeline(box, "inside")
        mixed, work = Accumulating(inside, "sum", world), Work(inside, "b", world)
        Connection(InputPort(inside, "x"), mixed.x)
        connect(mixed, work)
        work.y.set_initial_value("i")
        Connection(work.y, mixed.last)
        Connection(work.y, OutputPort(inside, "y"))
        return inside

    flow = case.box(case.source(), "outer", make, most=1)
    case.sink(Flow(flow.cell, accumulated(case, flow.stream)))


def accumulated(case: Case, stream: Stream) -> Stream:
    """What a cycle through `Accumulating` and a cell `b` makes of a stream without gaps and errors."""
    last, results = "i", []
    for value in stream:
        result = case.mapped("b", [accumulate(value, last)])[0]
        last = last if is_bad(result) else result  # neither a gap nor an error travels round
        results.append(result)
    return results


def batching(case: Case) -> None:
    """Batches behind a scaled cell, made inline or in a thread of their own."""
    flow = case.box(case.source(), "a")
    size = case.random.randint(1, 3)
    batch: Any
    if case.random.random() < 0.5:
        batch = case.own_thread("batch", lambda box: Batching(box, "batch", case.world, size))
    else:
        batch = Batching(case.pipeline, "batch", case.world, size)
    connect(flow.cell, batch)
    case.sink(Flow(batch, batched(flow.stream, size)))


def narrow(case: Case) -> None:
    """A reader takes several results before it reads the way round: queues that are too short have to grow."""
    _read_in_turns(case, per_pull=case.random.randint(2, 3), largest=64)


def hopeless(case: Case) -> None:
    """The same, with more values than the queues may ever hold: the cells wait for each other, and are told so."""
    case.hopeless = True
    case.catches = False
    _read_in_turns(case, per_pull=8, largest=3)


def _read_in_turns(case: Case, per_pull: int, largest: int) -> None:
    case.errors = case.may_have_threads = False
    case.constants = {"SMALLEST_CAPACITY": 1, "SPARE_CAPACITY": 0, "LARGEST_CAPACITY": largest}
    flow = case.source()
    groups = case.random.randint(1, 3)
    flow.cell.nb_items = case.nb_items = groups * per_pull
    flow.stream = [str(item) for item in range(case.nb_items)]
    through = case.box(flow, "b", most=2)
    box = through.cell
    box.config_queue_capacity.set_value(case.random.randint(1, 2))
    if not box.get_nb_clones():
        box.scale_up()
    join = Joining(case.pipeline, "join", case.world, 2, per_pull)
    connect(through.cell, join)
    connect(flow.cell, join)
    results = []
    for start in range(0, case.nb_items, per_pull):
        parts = ["".join(stream[start : start + per_pull]) for stream in (through.stream, flow.stream)]
        results.append(f"({','.join(parts)})")
    case.sink(Flow(join, results))


SHAPES = {
    "chain": chain,
    "round": way_round,
    "shared": shared_source,
    "row": two_in_a_row,
    "nested": nested,
    "composite": composite,
    "ways": two_ways,
    "wide": wide,
    "recurrent": recurrent,
    "loop": loop,
    "batch": batching,
    "narrow": narrow,
    "hopeless": hopeless,
}
