"""Random pipelines, scaled at random, give what a plain sequential evaluation of the same graph gives."""

from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from stream_cells import GAP, PassingError, Recorder, Source, in_time, pull_all, scaled

from pypipeline_engine.cell import ASingleCell, Pipeline
from pypipeline_engine.cellio import Input, InputPort, Output, OutputPort
from pypipeline_engine.connection import Connection
from pypipeline_engine.exceptions import InvalidStateException, ItemSkipped

BATCH_SIZES = (1, 2, 3)


@dataclass(frozen=True)
class Node:
    """A cell of a random graph. `inputs` are the numbers of the nodes before it."""

    kind: str
    """`source`, `work` with one or several inputs, or `batch`."""
    inputs: tuple[int, ...] = ()
    size: int = 0
    """How many values a source gives, or how many make a batch."""
    drops: int = 0
    """Which values leave a gap: one in so many; 0 for none."""
    fails: int = 0
    """Which values are errors: one in so many."""
    nesting: int = 0
    """0: a scalable cell; 1: a pipeline with a way round an inner scaled cell; 2: that in a scalable cell."""
    clones: int = 0
    inner_clones: int = 0


def mix(number: int, values: tuple[int, ...]) -> int:
    """What a cell makes of its inputs: a number that tells the cell, the values and their order apart."""
    result = 17 + 31 * number
    for value in values:
        result = (result * 101 + value) % 100_003
    return result


def judge(node: Node, value: int) -> Any:
    """The value, a gap or an error in its place."""
    if node.drops and value % node.drops == 0:
        return GAP
    if node.fails and value % node.fails == 1:
        return PassingError(f"{value}")
    return value


# ---------------------------------------------------------------------- evaluated plainly


def evaluate(nodes: list[Node], ends_first: bool) -> list[Any]:
    """What arrives at the end, place by place.

    :param ends_first: where one input of a cell has a gap or an error and another one has ended, it depends on the cell's
        clones which of them counts: a cell looks at one input after the other, a ticket takes all. Graphs in which that
        shows are left out.
    """
    streams: list[list[Any]] = []
    for number, node in enumerate(nodes):
        inputs = [streams[index] for index in node.inputs]
        if node.kind == "source":
            streams.append([judge(node, mix(number, (item,))) for item in range(node.size)])
        elif node.kind == "batch":
            streams.append(_batch(number, node, inputs[0]))
        else:
            streams.append(_work(number, node, inputs, ends_first))
    return [str(item) for item in streams[-1]]


def _work(number: int, node: Node, inputs: list[list[Any]], ends_first: bool) -> list[Any]:
    results: list[Any] = []
    while True:
        place = len(results)
        if ends_first and any(place >= len(stream) for stream in inputs):
            return results
        values = []
        for stream in inputs:
            if place >= len(stream):
                return results
            value = stream[place]
            if not isinstance(value, int):
                results.append(value)
                break
            values.append(value)
        else:
            results.append(judge(node, mix(number, tuple(values))))


def _batch(number: int, node: Node, stream: list[Any]) -> list[Any]:
    results: list[Any] = []
    batch: list[int] = []
    for value in stream:
        if isinstance(value, int):
            batch.append(value)
            if len(batch) == node.size:
                results.append(mix(number, tuple(batch)))
                batch = []
        elif value is not GAP:
            results.append(value)
            batch = []
    if batch:
        results.append(mix(number, tuple(batch)))
    return results


# ---------------------------------------------------------------------- run by the engine


class Work(ASingleCell):
    def __init__(self, parent_cell, name, number, node):
        super().__init__(parent_cell, name)
        self.xs = [Input(self, f"x{index}") for index in range(len(node.inputs))]
        self.y: Output[int] = Output(self, "y")
        self.number = number
        self.node = node

    def _on_pull(self):
        value = judge(self.node, mix(self.number, tuple([x.pull() for x in self.xs])))
        if value is GAP:
            raise ItemSkipped
        if isinstance(value, Exception):
            raise value
        self.y.set_value(value)


class Pass(ASingleCell):
    """Gives its first input, and wants the second to be the same."""

    def __init__(self, parent_cell, name, nb_inputs=1):
        super().__init__(parent_cell, name)
        self.xs = [Input(self, f"x{index}") for index in range(nb_inputs)]
        self.y: Output[int] = Output(self, "y")

    def _on_pull(self):
        values = [x.pull() for x in self.xs]
        assert len(set(values)) == 1, f"out of step: {values}"
        self.y.set_value(values[0])


class Batching(ASingleCell):
    def __init__(self, parent_cell, name, number, node):
        super().__init__(parent_cell, name)
        self.x: Input[int] = Input(self, "x0")
        self.y: Output[int] = Output(self, "y")
        self.number = number
        self.size = node.size

    def supports_scaling(self):
        return False

    def _on_pull(self):
        batch: list[int] = []
        while len(batch) < self.size:
            try:
                batch.append(self.x.pull())
            except ItemSkipped:
                continue
            except StopIteration:
                if not batch:
                    raise
                break
        self.y.set_value(mix(self.number, tuple(batch)))


def with_a_way_round(parent, name, make_first, inner_clones, boxes):
    """A pipeline: first -> scaled cell -> join, and first -> join."""
    inner = Pipeline(parent, name)
    first = make_first(inner)
    box = scaled(inner, "box", lambda box: Pass(box, "pass"), inner_clones)
    boxes.append((box, 3))
    join = Pass(inner, "join", 2)
    for x in first.get_inputs():
        Connection(InputPort(inner, x.get_name()), x)
    Connection(first.get_output("y"), box.get_input("x0"))
    Connection(box.get_output("y"), join.xs[0])
    Connection(first.get_output("y"), join.xs[1])
    Connection(join.y, OutputPort(inner, "y"))
    return inner


def build(nodes: list[Node]):
    """The pipeline, its sink, and the scalable cells with how many clones each may have."""
    pipeline = Pipeline(None, "p")
    cells: list[Any] = []
    boxes: list[Any] = []
    for number, node in enumerate(nodes):
        name = f"{node.kind}{number}"
        if node.kind == "source":
            values = [judge(node, mix(number, (item,))) for item in range(node.size)]
            cells.append(Source(pipeline, name, values))
            continue
        cell_type, most = (Batching, 1) if node.kind == "batch" else (Work, 3)

        def make(parent, cell_type=cell_type, number=number, node=node):
            return cell_type(parent, "cell", number, node)

        def make_nested(parent, make=make, node=node):
            return with_a_way_round(parent, "inner", make, node.inner_clones, boxes)

        if node.nesting == 1:
            cell: Any = with_a_way_round(pipeline, name, make, node.inner_clones, boxes)
        else:
            cell = scaled(pipeline, name, make_nested if node.nesting == 2 else make, min(most, node.clones))
            boxes.append((cell, most))
        for index, source in enumerate(node.inputs):
            Connection(cells[source].get_output("y"), cell.get_input(f"x{index}"))
        cells.append(cell)
    sink = Recorder(pipeline, "sink")
    Connection(cells[-1].get_output("y"), sink.x)
    return pipeline, sink, boxes


# ---------------------------------------------------------------------- made at random


@st.composite
def graphs(draw) -> list[Node]:
    """One to three sources, up to five cells, and one at the end that reads all that nobody reads."""
    odds = st.sampled_from([0, 0, 0, 3, 7])
    nodes = [
        Node("source", size=draw(st.integers(0, 40)), drops=draw(odds), fails=draw(odds))
        for _ in range(draw(st.integers(1, 3)))
    ]
    for _ in range(draw(st.integers(0, 5))):
        scaling = {
            "nesting": draw(st.sampled_from([0, 0, 1, 2])),
            "clones": draw(st.integers(0, 3)),
            "inner_clones": draw(st.integers(0, 2)),
        }
        before = st.integers(0, len(nodes) - 1)
        if draw(st.integers(0, 5)) == 0:
            scaling["nesting"] = min(1, scaling["nesting"])
            nodes.append(Node("batch", (draw(before),), size=draw(st.sampled_from(BATCH_SIZES)), **scaling))
        else:
            inputs = tuple(draw(st.lists(before, min_size=1, max_size=3)))
            nodes.append(Node("work", inputs, drops=draw(odds), fails=draw(odds), **scaling))
    read = {index for node in nodes for index in node.inputs}
    unread = tuple(index for index in range(len(nodes)) if index not in read)
    nodes.append(Node("work", unread, clones=draw(st.integers(0, 2))))
    return nodes


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("pull"), st.integers(1, 8)),
        st.tuples(st.just("scale"), st.integers(0, 20), st.integers(0, 3)),
        st.just(("reset",)),
    ),
    max_size=8,
)


def act(pipeline, sink, boxes, action) -> None:
    """Do one of the things that may happen to a deployed pipeline."""
    if action[0] == "pull":
        for _ in range(action[1]):
            try:
                pipeline.pull()
            except StopIteration:
                return
    elif action[0] == "scale" and boxes:
        box, most = boxes[action[1] % len(boxes)]
        before = box.get_nb_clones()
        difference = min(action[2], most) - before
        try:
            if difference > 0:
                box.scale_up(difference)
            else:
                box.scale_down(-difference)
        except (
            InvalidStateException
        ):  # some of it has to wait until the pipeline is not deployed, and then changes nothing
            assert box.get_nb_clones() == before
    elif action[0] == "reset":
        pipeline.reset()
        sink.items.clear()


def run_all(nodes, actions):
    pipeline, sink, boxes = build(nodes)
    pipeline.deploy()
    try:
        for action in actions:
            act(pipeline, sink, boxes, action)
        pull_all(pipeline, 1000)
        return [str(item) for item in sink.items]
    finally:
        pipeline.undeploy()


SETTINGS = settings(
    max_examples=150,
    derandomize=True,  # the same examples every time
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


@SETTINGS
@given(graphs())
def test_a_random_graph_gives_what_its_sequential_evaluation_gives(nodes):
    expected = evaluate(nodes, False)
    assume(expected == evaluate(nodes, True))
    assert in_time(lambda: run_all(nodes, [])) == expected


@SETTINGS
@given(graphs(), ACTIONS)
def test_scaling_and_resetting_at_random_changes_nothing(nodes, actions):
    expected = evaluate(nodes, False)
    assume(expected == evaluate(nodes, True))
    assert in_time(lambda: run_all(nodes, actions)) == expected
