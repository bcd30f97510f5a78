"""One cell under test in a real pipeline: sources that give what a test lists, and sinks that keep what arrives."""

from collections.abc import Iterable
from typing import Any, Self

from pypipeline_engine.cell import ASingleCell, Pipeline
from pypipeline_engine.cellio import Input, Output
from pypipeline_engine.connection import Connection
from pypipeline_engine.exceptions import ItemSkipped


class _Gap:
    def __repr__(self) -> str:
        return "GAP"


class Feed(ASingleCell):
    """Gives the listed values. `GAP` leaves a gap, and an exception is raised."""

    def __init__(self, parent_cell, name, values=()):
        super().__init__(parent_cell, name)
        self.values = values
        self.value: Output[Any] = Output(self, "value")
        self._rest = iter(())

    def supports_scaling(self):
        return False

    def get_nb_available_pulls(self):
        return len(self.values) if hasattr(self.values, "__len__") else None

    def _on_deploy(self):
        self._on_reset()

    def _on_reset(self):
        self._rest = iter(self.values)

    def _on_pull(self):
        value = next(self._rest)
        if value is Rig.GAP:
            raise ItemSkipped
        if isinstance(value, Exception):
            raise value
        self.value.set_value(value)


class Keep(ASingleCell):
    """Keeps what arrives, `GAP` where a gap does."""

    def __init__(self, parent_cell, name):
        super().__init__(parent_cell, name)
        self.item: Input[Any] = Input(self, "item")
        self.items = []

    def _on_pull(self):
        try:
            self.items.append(self.item.pull())
        except ItemSkipped:
            self.items.append(Rig.GAP)


class Rig:
    """A pipeline named `rig` around the cell `cell`. As a context manager it deploys and undeploys."""

    GAP = _Gap()

    def __init__(self, cell_type: type[ASingleCell], parameters: dict[str, Any] | None = None, **inputs: Iterable[Any]):
        self.pipeline = Pipeline(None, "rig")
        self.cell = cell_type(self.pipeline, "cell")
        for name, value in (parameters or {}).items():
            self.cell.get_input(name).set_value(value)
        for name, values in inputs.items():
            feed = Feed(self.pipeline, f"feed_{name}", values)
            Connection(feed.value, self.cell.get_input(name))
        self._kept = {}
        for output in self.cell.get_outputs():
            keep = self._kept[output.get_name()] = Keep(self.pipeline, f"keep_{output.get_name()}")
            Connection(output, keep.item)

    def __enter__(self) -> Self:
        self.pipeline.deploy()
        return self

    def __exit__(self, *_: object) -> None:
        if self.pipeline.is_deployed():
            self.pipeline.undeploy()

    def pull(self, times: int = 1) -> None:
        for _ in range(times):
            self.pipeline.pull()

    def pull_all(self, limit: int = 10_000) -> Self:
        for _ in range(limit):
            try:
                self.pipeline.pull()
            except StopIteration:
                return self
        raise AssertionError(f"the stream has not ended after {limit} pulls")

    def get(self, output: str) -> list[Any]:
        return self._kept[output].items
