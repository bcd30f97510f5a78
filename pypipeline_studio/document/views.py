"""What the canvas shows of a graph, as data: one view for each node and connection, with what a run adds to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from pypipeline_engine.catalogue.model import Kind

Condition: TypeAlias = Literal["normal", "disabled", "bypassed", "missing"]
"""`missing`: the type is not installed, or cannot be used; the node is a placeholder."""

Activity: TypeAlias = Literal["idle", "running", "paused", "over"]
"""`idle`: not part of a run."""


@dataclass(frozen=True)
class PortView:
    """An input or an output of a node."""

    name: str
    kinds: tuple[Kind, ...] = ("any",)
    doc: str = ""
    type_text: str = ""
    is_parameter: bool = False

    @property
    def kind(self) -> Kind:
        """What decides about colour and shape: the kind, or `any` where there are several."""
        return self.kinds[0] if len(self.kinds) == 1 else "any"


@dataclass(frozen=True)
class NodeView:
    """A cell as a node. Two equal views look the same, but for the position."""

    name: str
    type_name: str
    """As it is in the file, such as `detection.HogPeople`."""
    title: str
    """Its short form: `HogPeople`, `Pipeline · 3 cells`; the whole type where it is missing."""
    category: str
    """The key of `theme.tokens.CATEGORIES`; `pipeline` for nested pipelines, `missing` for placeholders."""
    condition: Condition = "normal"
    inputs: tuple[PortView, ...] = ()
    outputs: tuple[PortView, ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()
    """At most three, with their values as text and their units."""
    workers: str = ""
    """What the graph asks for: `×2 threads`; empty without clones."""
    can_scale: bool = True
    """Whether it can have several clones."""
    note: str = ""
    """The one sentence in the footer of a node that does not run."""
    position: tuple[float, float] = (0.0, 0.0)
    nb_problems: int = 0
    """How many errors the check of the graph found at it."""
    mark: str = ""
    """The colour that a person gave it, a key of `theme.tokens.MARKS`; empty without."""
    comment: str = ""
    """What a person has written about it."""


@dataclass(frozen=True)
class WireView:
    """A connection between two nodes of one canvas."""

    source: tuple[str, str]
    """Cell and output."""
    target: tuple[str, str]
    """Cell and input."""
    is_recurrent: bool = False


@dataclass(frozen=True)
class NodeLive:
    """What a run shows at a node."""

    activity: Activity
    rate_hz: float | None = None
    latency_p95_s: float | None = None
    busy: float = 0.0
    starved: float = 0.0
    blocked: float = 0.0
    workers: str = ""
    """What runs now: `×2 threads`, `×2 Ray`; empty for one that runs inline."""
    nb_errors: int = 0
    """Errors, those of skipped items included. Items that a cell leaves out on purpose, as a filter does, are none."""
    is_limit: bool = False
    """Whether it carries the BOTTLENECK badge."""
    working_s: float | None = None
    """For how long its code has been at the same item, where that is more than a second."""
    limit_text: str = ""
    """What limits the pipeline, why, and what to do, where it carries the badge."""
    item_s: float | None = None
    """Of a nested pipeline: for how long its cells work on one item, all together."""
    details: tuple[str, ...] = ()
    """What the figures of a nested pipeline are sums of, in lines for who wants to know."""


@dataclass(frozen=True)
class WireLive:
    """What a run shows at a connection; `queued` and `capacity` where it crosses a thread or a process."""

    rate_hz: float | None = None
    queued: int | None = None
    capacity: int | None = None

    @property
    def fill(self) -> float | None:
        """How full its queue is, 0 to 1."""
        return self.queued / self.capacity if self.queued is not None and self.capacity else None
