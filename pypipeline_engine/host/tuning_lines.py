"""What `pypipeline tune --json-lines` writes, one JSON object a line, as data: for programs that show a search.

As in `protocol`: importing this loads no cell and no runtime, names of cells are those of the graph, and units are in names.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class _Data(BaseModel):
    # What a newer engine adds, an older client ignores.
    model_config = ConfigDict(frozen=True, extra="ignore")


class TuneBegin(_Data):
    """The first line."""

    kind: Literal["begin"] = "begin"
    name: str
    """The name of the graph."""
    cores: int
    methods: tuple[str, ...]
    """The kinds of clones that may be added."""
    target_hz: float | None = None
    budget_s: float


class TuneTrying(_Data):
    """A measurement begins."""

    kind: Literal["trying"] = "trying"
    change: str
    """Such as `detect: 2 threads -> 3 threads`."""
    predicted_hz: float | None = None


class TuneStep(_Data):
    """A change was measured, and kept or undone. The first one is the graph as it is."""

    kind: Literal["step"] = "step"
    number: int
    change: str
    why: str = ""
    predicted_hz: float | None = None
    measured_hz: float | None = None
    error_hz: float | None = None
    """The standard error of the rate."""
    outcome: Literal["start", "kept", "undone", "refused"]
    reason: str = ""


class TuneEstimate(_Data):
    """How fast one setting is."""

    rate_hz: float
    error_hz: float


class TuneClones(_Data):
    """How one cell runs; with nothing in it, inline."""

    threads: int = 0
    ray: int = 0
    queue_capacity: int | None = None


class TuneChange(_Data):
    """What was found for one cell."""

    before: TuneClones
    after: TuneClones
    text: str
    """In words: `2 threads -> 3 threads`."""


class TuneResult(_Data):
    """The last line. Without `changes`, nothing that was tried is better."""

    kind: Literal["result"] = "result"
    before: TuneEstimate
    after: TuneEstimate
    changes: dict[str, TuneChange] = {}
    """By cell."""
    ending: str
    """Why nothing more was tried."""
    target_hz: float | None = None
    is_reached: bool = True
    sentence: str = ""
    """What limits the graph now."""
    restarts: int = 0
    """How often a stream was over and was started again while before and after were measured."""


TuneLine: TypeAlias = Annotated[TuneBegin | TuneTrying | TuneStep | TuneResult, Field(discriminator="kind")]

TUNE_LINES: Final[TypeAdapter[TuneLine]] = TypeAdapter(TuneLine)
"""Reads a line: `TUNE_LINES.validate_json(line)`."""
