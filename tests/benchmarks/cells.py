"""How our cells do the jobs: the pipelines that are measured, and ways to get a stream of results from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from jobs import Job, same

from pypipeline_engine import (
    ACompositeCell,
    ASingleCell,
    Connection,
    Input,
    InputPort,
    Output,
    OutputPort,
    Pipeline,
    RayCloneCell,
    ScalableCell,
    ThreadCloneCell,
)


class Source(ASingleCell):
    """The items of an iterator, which also ends the stream."""

    def __init__(self, parent_cell: ACompositeCell, name: str, items: Iterator[Any]) -> None:
        super().__init__(parent_cell, name)
        self.y: Output[Any] = Output(self, "y")
        self._items = items

    def _on_pull(self) -> None:
        self.y.set_value(next(self._items))


class Same(ASingleCell):
    """What comes in. Without a function to call: a cell's `_on_pull` is what others call a function."""

    def __init__(self, parent_cell: ACompositeCell, name: str) -> None:
        super().__init__(parent_cell, name)
        self.x: Input[Any] = Input(self, "x")
        self.y: Output[Any] = Output(self, "y")

    def _on_pull(self) -> None:
        self.y.set_value(self.x.pull())


class Apply(ASingleCell):
    """A function of what comes in."""

    def __init__(self, parent_cell: ACompositeCell, name: str, function: Callable[[Any], Any]) -> None:
        super().__init__(parent_cell, name)
        self.x: Input[Any] = Input(self, "x")
        self.y: Output[Any] = Output(self, "y")
        self._function = function

    def _on_pull(self) -> None:
        self.y.set_value(self._function(self.x.pull()))


class Last(ASingleCell):
    """Keeps the last value."""

    def __init__(self, parent_cell: ACompositeCell, name: str) -> None:
        super().__init__(parent_cell, name)
        self.x: Input[Any] = Input(self, "x")
        self.value: Any = None

    def _on_pull(self) -> None:
        self.value = self.x.pull()


class Collect(ASingleCell):
    """Keeps all values."""

    def __init__(self, parent_cell: ACompositeCell, name: str) -> None:
        super().__init__(parent_cell, name)
        self.x: Input[Any] = Input(self, "x")
        self.values: list[Any] = []
        self._keep = self.values.append

    def _on_pull(self) -> None:
        self._keep(self.x.pull())


class Pair(ASingleCell):
    """Keeps the last values of two inputs."""

    def __init__(self, parent_cell: ACompositeCell, name: str) -> None:
        super().__init__(parent_cell, name)
        self.x: Input[Any] = Input(self, "x")
        self.direct: Input[Any] = Input(self, "direct")
        self.value: Any = None

    def _on_pull(self) -> None:
        self.value = (self.x.pull(), self.direct.pull())


class Scaled(ScalableCell):
    """A cell that does `function`, on threads."""

    def __init__(self, parent_cell: ACompositeCell, name: str, function: Callable[[Any], Any]) -> None:
        super().__init__(parent_cell, name)
        self.x: InputPort[Any] = InputPort(self, "x")
        self.y: OutputPort[Any] = OutputPort(self, "y")
        inner = make_cell(self, "inner", function)
        Connection(self.x, inner.x)
        Connection(inner.y, self.y)


Sink = Last | Collect | Pair


def make_cell(parent_cell: ACompositeCell, name: str, function: Callable[[Any], Any]) -> Same | Apply:
    """A cell that does `function`."""
    return Same(parent_cell, name) if function is same else Apply(parent_cell, name, function)


def make_scaled(parent_cell: ACompositeCell, job: Job) -> Scaled:
    """The work of a job on threads."""
    scaled = Scaled(parent_cell, "work", job.work)
    scaled.scale_up(job.workers, RayCloneCell if job.by == "ray" else ThreadCloneCell)
    if job.window is not None:
        scaled.config_queue_capacity.set_value(job.window)
    return scaled


def make_pipeline(job: Job, nb_items: int, sink_type: type[Sink] = Last) -> tuple[Pipeline, Sink]:
    """Source, work, a cell that passes on, and sink; the pipeline and its sink."""
    pipeline = Pipeline(None, "job")
    source = Source(pipeline, "source", job.make_items(nb_items))
    work = make_scaled(pipeline, job) if job.workers else make_cell(pipeline, "work", job.work)
    after = Same(pipeline, "same")
    Connection(source.y, work.x)
    Connection(work.y, after.x)
    output = after.y
    if job.finish is not same:
        finish = Apply(pipeline, "finish", job.finish)
        Connection(output, finish.x)
        output = finish.y
    sink = sink_type(pipeline, "sink")
    Connection(output, sink.x)
    return pipeline, sink


def make_way_round(job: Job, nb_items: int) -> tuple[Pipeline, Sink]:
    """Source, work, and a sink that pairs each result with its item; the pipeline and its sink."""
    pipeline = Pipeline(None, "way_round")
    source = Source(pipeline, "source", job.make_items(nb_items))
    work = make_scaled(pipeline, job)
    sink = Pair(pipeline, "sink")
    Connection(source.y, work.x)
    Connection(work.y, sink.x)
    Connection(source.y, sink.direct)
    return pipeline, sink


def make_chain(nb_cells: int, items: Iterator[Any], sink_type: type[Sink] = Last) -> tuple[Pipeline, Sink]:
    """A source, a sink, and what is between; the pipeline and its sink."""
    pipeline = Pipeline(None, "chain")
    output = Source(pipeline, "source", items).y
    for number in range(nb_cells - 2):
        cell = Same(pipeline, f"same{number}")
        Connection(output, cell.x)
        output = cell.y
    sink = sink_type(pipeline, "sink")
    Connection(output, sink.x)
    return pipeline, sink


def pull_all(pipeline: Pipeline, sink: Sink) -> Iterator[Any]:
    """Deploy, and pull until the stream ends: what the sink has after each pull."""
    pipeline.deploy()
    pull = pipeline.pull
    try:
        while True:
            try:
                pull()
            except StopIteration:
                return
            yield sink.value
    finally:
        pipeline.undeploy()


def by_pull(job: Job, nb_items: int) -> Iterator[Any]:
    """The job pulled item by item."""
    return pull_all(*make_pipeline(job, nb_items))


def by_run(job: Job, nb_items: int) -> Iterator[Any]:
    """The job done by a run, which brings all results at once at its end."""
    pipeline, sink = make_pipeline(job, nb_items, Collect)
    pipeline.run().wait()
    return iter(sink.values)
