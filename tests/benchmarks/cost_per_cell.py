"""What a cell costs where nothing runs in parallel: integers through source -> a -> b -> sink, and through longer chains.

    python tests/benchmarks/cost_per_cell.py [ROUNDS]

Beside it, in turns, four generators that do the same. Medians are printed.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator
from itertools import count
from time import perf_counter

from pypipeline_engine.cell import ASingleCell, Pipeline
from pypipeline_engine.cellio import Input, Output
from pypipeline_engine.connection import Connection


class Count(ASingleCell):
    """0, 1, 2, ..."""

    def __init__(self, parent_cell: Pipeline, name: str) -> None:
        super().__init__(parent_cell, name)
        self.y: Output[int] = Output(self, "y")
        self._next = 0

    def _on_pull(self) -> None:
        self.y.set_value(self._next)
        self._next += 1


class Same(ASingleCell):
    """What comes in."""

    def __init__(self, parent_cell: Pipeline, name: str) -> None:
        super().__init__(parent_cell, name)
        self.x: Input[int] = Input(self, "x")
        self.y: Output[int] = Output(self, "y")

    def _on_pull(self) -> None:
        self.y.set_value(self.x.pull())


class Last(ASingleCell):
    """Keeps the last value."""

    def __init__(self, parent_cell: Pipeline, name: str) -> None:
        super().__init__(parent_cell, name)
        self.x: Input[int] = Input(self, "x")
        self.value = -1

    def _on_pull(self) -> None:
        self.value = self.x.pull()


def make_chain(nb_cells: int) -> Pipeline:
    """A source, a sink, and what is between."""
    pipeline = Pipeline(None, "chain")
    output = Count(pipeline, "source").y
    for number in range(nb_cells - 2):
        cell = Same(pipeline, f"same{number}")
        Connection(output, cell.x)
        output = cell.y
    Connection(output, Last(pipeline, "sink").x)
    return pipeline


def time_pulls(nb_cells: int, nb_items: int) -> float:
    """Seconds for an item, pulled one by one."""
    pipeline = make_chain(nb_cells)
    pipeline.deploy()
    for _ in range(100):
        pipeline.pull()
    begin = perf_counter()
    for _ in range(nb_items):
        pipeline.pull()
    took = perf_counter() - begin
    pipeline.undeploy()
    return took / nb_items


def time_run(nb_cells: int, nb_items: int) -> float:
    """Seconds for an item of a run."""
    pipeline = make_chain(nb_cells)
    begin = perf_counter()
    pipeline.run(max_items=nb_items).wait()
    return (perf_counter() - begin) / nb_items


def time_generators(_: int, nb_items: int) -> float:
    """Seconds for an item through four generators."""

    def same(values: Iterator[int]) -> Iterator[int]:
        for value in values:  # noqa: UP028  # as one that works on them would
            yield value

    stream = same(same(same(iter(count()))))
    begin = perf_counter()
    for _ in range(nb_items):
        next(stream)
    return (perf_counter() - begin) / nb_items


def main(nb_rounds: int = 5) -> None:
    """Measure and print."""
    cases = [
        ("4 cells, pull()", time_pulls, 4, 100_000),
        ("4 cells, run()", time_run, 4, 100_000),
        ("4 generators", time_generators, 4, 100_000),
        ("10 cells, pull()", time_pulls, 10, 40_000),
        ("2000 cells, pull()", time_pulls, 2000, 200),
    ]
    times: dict[str, list[float]] = {name: [] for name, *_ in cases}
    for _ in range(nb_rounds):
        for name, measure, nb_cells, nb_items in cases:
            times[name].append(measure(nb_cells, nb_items))
    for name, _, nb_cells, _ in cases:
        item_s = statistics.median(times[name])
        print(
            f"{name:20} {item_s * 1e6:9.2f} us an item {item_s / nb_cells * 1e6:7.3f} us a cell {1 / item_s:11,.0f}/s"
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
