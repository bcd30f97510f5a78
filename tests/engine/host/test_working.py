"""Which cells are in their own code, seen from outside."""

import threading
from typing import Any

import pytest

from pypipeline_engine.cell import ASingleCell, Pipeline, ScalableCell
from pypipeline_engine.cellio import Input, InputPort, Output, OutputPort
from pypipeline_engine.connection import Connection

WAIT_S = 20.0


class Source(ASingleCell):
    def __init__(self, parent_cell, name):
        super().__init__(parent_cell, name)
        self.value: Output[int] = Output(self, "value")

    def _on_pull(self) -> None:
        self.value.set_value(1)


class Gate(ASingleCell):
    entered = threading.Semaphore(0)
    gate = threading.Event()

    def __init__(self, parent_cell, name):
        super().__init__(parent_cell, name)
        self.item: Input[Any] = Input(self, "item")
        self.done: Output[Any] = Output(self, "done")

    def _on_pull(self) -> None:
        item = self.item.pull()
        Gate.entered.release()
        assert Gate.gate.wait(WAIT_S)
        self.done.set_value(item)


class Sink(ASingleCell):
    def __init__(self, parent_cell, name):
        super().__init__(parent_cell, name)
        self.item: Input[Any] = Input(self, "item")

    def _on_pull(self) -> None:
        self.item.pull()


@pytest.mark.parametrize("clones", [0, 1, 3])
def test_only_the_cell_whose_code_runs_is_found_once_for_each_clone(clones: int) -> None:
    pipeline = Pipeline(None, "graph")
    source, scaled, sink = Source(pipeline, "source"), ScalableCell(pipeline, "scaled"), Sink(pipeline, "sink")
    inner = Gate(scaled, "gate")
    entry, way_out = InputPort[Any](scaled, "item"), OutputPort[Any](scaled, "done")
    Connection(entry, inner.item)
    Connection(inner.done, way_out)
    Connection(source.value, entry)
    Connection(way_out, sink.item)
    scaled.scale_up(clones)
    Gate.gate.clear()
    run = pipeline.run()
    try:
        for _ in range(max(1, clones)):
            assert Gate.entered.acquire(timeout=WAIT_S)
        first = run.find_working()
        assert [cell.name for cell in first] == ["graph.scaled.gate"] * max(1, clones)
        assert run.find_working() == first
    finally:
        Gate.gate.set()
        run.stop()
    assert run.find_working() == set()
