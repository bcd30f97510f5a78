"""Looking into a stream, as data: previews of values, breakpoints, held items, and running one of them again.

As in `protocol`, all of it is JSON, and importing this loads no cell, no runtime and no server. `cell` and `port` name an
output as in the graph: `detect` and `boxes`; of a nested pipeline, one of its output ports.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import Field

from pypipeline_engine.host.protocol import CellError, EventName, _Data, _Request

MOST_PREVIEW_HZ: Final = 4.0
WIDEST: Final = 1920
HIGHEST: Final = 1080
MOST_PIXELS: Final = 4096
"""Of one rectangle."""
MOST_KEPT_BYTES: Final = 192 * 10**6
"""Of the arrays of pictures that are kept for `GET /v1/pixels`, all together. One that takes more is not kept."""
Width: TypeAlias = Annotated[int, Field(ge=16, le=WIDEST)]
Height: TypeAlias = Annotated[int, Field(ge=16, le=HIGHEST)]

# ---------------------------------------------------------------------- requests


class PreviewRequest(_Request):
    """`POST /v1/preview`: have the values of an output shown; with `enabled` false, no more."""

    cell: str
    port: str
    max_hz: Annotated[float, Field(ge=0.1, le=MOST_PREVIEW_HZ)] = MOST_PREVIEW_HZ
    """How often at most."""
    max_width: Width = 320
    """Of its pictures, in pixels; the proportions stay."""
    max_height: Height = 240
    enabled: bool = True


class BreakpointRequest(_Request):
    """`POST /v1/breakpoint`: pause where a value of an output fulfils a condition; with `enabled` false, no more."""

    cell: str
    port: str
    condition: str = ""
    """An expression such as `value > 3`; empty for every value."""
    enabled: bool = True


class ConditionRequest(_Request):
    """`POST /v1/condition`: look whether a text can be the condition of a breakpoint; a run is not needed for it."""

    condition: str


class RetainRequest(_Request):
    """`POST /v1/retain`: from now on, keep what these cells have pulled for items that they fail at; for no others."""

    cells: tuple[str, ...] = ()


class ReplayRequest(_Request):
    """`POST /v1/replay`: run the cell again on what it had pulled for a held or failed item, on a fresh copy of it."""

    held: int | None = None
    """Which held item; without, the first."""
    cell: str | None = None
    item: int | None = None
    """Both of them instead of `held`: the item with this number that the cell failed at, where that was retained."""
    parameters: dict[str, Any] = {}
    """By name, JSON values in place of those that the cell has. One that is connected gets it instead of what was pulled."""


# ---------------------------------------------------------------------- answers


class ValueSummary(_Data):
    """A value in few words. What does not apply is `null`, and so is what could not be found out."""

    type: str
    """The name of its Python type."""
    text: str
    """Shortened, for people."""
    shape: tuple[int, ...] | None = None
    dtype: str | None = None
    length: int | None = None
    """How many elements a collection has, or characters a text."""
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    """Of numbers and arrays of numbers; NaN and infinities are left out."""
    is_sampled: bool = False
    """Whether these three are those of a part of a large array."""
    boxes: tuple[tuple[float | None, ...], ...] | None = None
    """The rows of a small table that may be boxes: x, y, width, height in pixels, and up to four columns more."""
    has_picture: bool = False
    """Whether there is a JPEG of it."""
    nb_bytes: int = 0
    """About how much memory its arrays and texts take."""


class ConditionInfo(_Data):
    """The answer to `POST /v1/condition`."""

    problem: str = ""
    """What is wrong with it; empty where nothing is."""


class PreviewInfo(_Data):
    """The event `preview`, and `GET /v1/preview?cell=...&port=...` as JSON: the latest value of an output."""

    cell: str
    port: str
    item: int
    """The number of the item, counted from 0."""
    value: ValueSummary


Number: TypeAlias = bool | int | float | Literal["nan", "inf", "-inf"]
"""A number of an array, as exact as its type, with words for what JSON has no numbers for."""


class PixelsInfo(_Data):
    """`GET /v1/pixels`: what stands in a rectangle of the array of which a picture was sent."""

    cell: str
    port: str
    item: int
    """The number of the item, counted from 0."""
    picture: int
    """Which picture it is, as its header `X-Picture` says."""
    shape: tuple[int, ...]
    dtype: str
    """Of the whole array."""
    x: int
    y: int
    """The first column and row of the rectangle; it ends where the array does."""
    rows: tuple[tuple[tuple[Number, ...], ...], ...]
    """Row by row, for each pixel its channels, in the order in which the array has them."""


class HeldInfo(_Data):
    """The event `held`: an item of which a value fulfilled the condition of a breakpoint."""

    held: int
    """Which held item of the run it is, counted from 1."""
    cell: str
    port: str
    """The output with the breakpoint."""
    condition: str
    item: int
    """The number of the item, counted from 0."""
    inputs: dict[str, tuple[ValueSummary, ...]]
    """By connected input, what the cell pulled for the item; of many values the first 16."""
    outputs: dict[str, ValueSummary]


class HeldItems(_Data):
    """`GET /v1/held`: the items that are held now. The first one paused the run."""

    items: tuple[HeldInfo, ...] = ()
    nb_missed: int = 0
    """How many more fulfilled a condition, brought by clones that were at work, and were not kept."""
    nb_bytes: int = 0


class FailedInfo(_Data):
    """An item that a cell failed at, and that was retained."""

    cell: str
    item: int
    """Its number, counted from 0, as in the errors of the run."""
    message: str
    inputs: dict[str, tuple[ValueSummary, ...]]
    """As of a held item."""


class FailedItems(_Data):
    """`GET /v1/failed`: the items that are retained, the latest last."""

    items: tuple[FailedInfo, ...] = ()
    nb_missed: int = 0
    """How many more there were that are kept no longer, or were too large."""
    nb_bytes: int = 0


class PreviewSettings(_Data):
    """A preview that is on."""

    cell: str
    port: str
    max_hz: float
    max_width: int
    max_height: int
    nb_bytes: int = 0
    """About how much memory its latest value takes."""


class BreakpointSettings(_Data):
    """A breakpoint that is set."""

    cell: str
    port: str
    condition: str
    nb_hits: int = 0
    problem: str = ""
    """Why the condition could not be evaluated, the first time that this happened."""


class WatchedInfo(_Data):
    """`GET /v1/watched`, and the answer to every change: what the run is looked at for. It ends with the run."""

    previews: tuple[PreviewSettings, ...] = ()
    breakpoints: tuple[BreakpointSettings, ...] = ()
    nb_held: int = 0


class ReplayInfo(_Data):
    """What running a held item again has come to: outputs, or an error."""

    held: int
    """0 for an item that was not held, but failed."""
    cell: str
    item: int
    outputs: dict[str, ValueSummary] = {}
    """Pictures of them: `GET /v1/replay?port=...`."""
    error: CellError | None = None
    note: str = ""
    """Where the result need not be what the running cell would have brought: why."""
    elapsed_s: float = 0.0
    """Deployment included."""


LOOKING_EVENT_MODELS: Final[dict[EventName, type[PreviewInfo] | type[HeldInfo]]] = {
    "preview": PreviewInfo,
    "held": HeldInfo,
}
"""What `EVENT_MODELS` does not have."""
