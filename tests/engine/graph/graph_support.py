"""Documents and cells that several tests use."""

from typing import Any

DESIGN = """\
{
  "format": "pypipeline.graph",
  "version": 1,
  "name": "people",
  "libraries": [],
  "cells": {
    "video":  {"type": "sources.VideoFile", "parameters": {"path": "pedestrians.avi"}},
    "detect": {"type": "detection.HogPeople", "parameters": {"hit_threshold": 0.2},
               "scale": {"thread": 2, "queue_capacity": 8}},
    "post":   {"type": "Pipeline", "inputs": ["boxes"], "outputs": ["tracks"],
               "cells": {"track": {"type": "tracking.Sort"}},
               "connections": [["boxes", "track.boxes"], ["track.tracks", "tracks"]]},
    "write":  {"type": "sinks.JsonLines", "parameters": {"path": "tracks.jsonl"}, "on_error": "skip"}
  },
  "connections": [
    ["video.frame", "detect.image"],
    ["detect.boxes", "post.boxes"],
    ["post.tracks", "write.item"]
  ],
  "view": {"video": {"pos": [0, 0]}}
}
"""
"""The example of the format's description."""


def raw(cells: dict[str, Any], connections: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    """A raw document around these cells."""
    return {
        "format": "pypipeline.graph",
        "version": 1,
        "name": "graph",
        "cells": cells,
        "connections": connections or [],
        **more,
    }


CELLS = """
import enum
from pathlib import Path
from typing import TYPE_CHECKING

from pypipeline_engine.cell import ASingleCell
from pypipeline_engine.cellio import ConfigParameter, Input, Output, RuntimeParameter

if TYPE_CHECKING:
    from pypipeline_engine.cells.types import InputPath, OutputPath


class Mode(enum.Enum):
    FAST = 1
    EXACT = 2


class Typed(ASingleCell):
    \"\"\"Has parameters of every type.\"\"\"

    def __init__(self, parent_cell, name):
        super().__init__(parent_cell, name)
        self.number: Input[int] = Input(self, "number")
        self.mode: ConfigParameter[Mode] = ConfigParameter(self, "mode", default_value=Mode.FAST)
        self.source: ConfigParameter[InputPath | None] = ConfigParameter(self, "source", default_value=None)
        self.target: ConfigParameter[OutputPath | None] = ConfigParameter(self, "target", default_value=None)
        self.size: ConfigParameter[tuple[int, int]] = ConfigParameter(self, "size", default_value=(1, 2))
        self.gain: RuntimeParameter[float] = RuntimeParameter(self, "gain", default_value=1.0)
        self.even: RuntimeParameter[int] = RuntimeParameter(self, "even", lambda value: value % 2 == 0, default_value=0)
        self.queue_capacity: RuntimeParameter[int] = RuntimeParameter(self, "queue_capacity", default_value=0)
        self.result: Output[float] = Output(self, "result")

    def _on_pull(self) -> None:
        self.result.set_value(self.number.pull() * self.gain.pull() + self.queue_capacity.pull())


class Count(ConfigParameter):
    def set_value(self, value) -> None:
        super().set_value(value)
        for number in range(2, value + 1):
            Input(self.get_cell(), f"number_{number}")


class Sum(ASingleCell):
    \"\"\"Has as many inputs as it is told.\"\"\"

    def __init__(self, parent_cell, name):
        super().__init__(parent_cell, name)
        self.first: Input[float] = Input(self, "number_1")
        self.count: ConfigParameter[int] = Count(self, "count", default_value=1, maximum=9)
        self.total: Output[float] = Output(self, "total")

    def clone(self, new_parent):
        copy = super().clone(new_parent)
        copy.count.set_value(self.count.get_value())
        return copy

    def _on_pull(self) -> None:
        self.total.set_value(sum([io.pull() for io in self.get_inputs() if io is not self.count]))


class Treacherous(Typed):
    \"\"\"Can be made once, to be described, and never again.\"\"\"

    made = 0

    def __init__(self, parent_cell, name):
        super().__init__(parent_cell, name)
        Treacherous.made += 1
        if name != "probe":
            raise OSError("no such device")
"""
"""A file of cells."""
