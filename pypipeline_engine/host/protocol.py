"""What travels between an engine host and its clients: requests, answers and events, as data.

Importing this module loads no cell, no runtime and no server. All of it is JSON. Names of cells are those of the graph,
without that of the graph in front: `detect`, or `post.track` inside of a nested pipeline. Units are in the names: `_s` is
seconds, `_hz` per second, `_bytes`. Shares are from 0 to 1. What was not measured is `null`.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from pypipeline_engine.catalogue.model import CellType
from pypipeline_engine.graph.model import OnError

PROTOCOL_VERSION: Final = 1
"""Goes up when a client of the version before would misunderstand something. Fields that are added do not count."""
PREFIX: Final = "/v1"
SNAPSHOT_HZ: Final = 4.0
"""How often an event stream brings a snapshot at most, unless it is asked for less."""


class _Data(BaseModel):
    # What a newer host adds, an older client ignores.
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Request(BaseModel):
    # A misspelt key of a request must not be ignored.
    model_config = ConfigDict(frozen=True, extra="forbid")


# ---------------------------------------------------------------------- the start of a host


class Hello(_Data):
    """The one line that a host writes to its standard output when it is ready."""

    protocol: int
    url: str
    """Such as `http://127.0.0.1:40213`."""
    token: str
    """To be sent with every request: `Authorization: Bearer TOKEN`."""
    pid: int


class Controller(_Data):
    """The client that has control: the only one who may change something."""

    name: str
    since_s: float
    """Seconds since the epoch."""


class HostInfo(_Data):
    """`GET /v1`: what answers there."""

    protocol: int
    engine_version: str
    python_version: str
    pid: int
    nb_cpus: int
    """Cores that the process may use."""
    has_ray: bool = False
    """Whether Ray is installed there, so that cells can have Ray clones."""
    is_monitor: bool = False
    """Whether it serves the one run of `pypipeline run --monitor`: it takes no graphs, and changes need control."""
    controller: Controller | None = None
    """Who has control; `null` for nobody."""


class SourcePlace(_Data):
    """Where something is written."""

    file: str
    line: int | None = None


class Catalogue(_Data):
    """`GET /v1/catalogue`: all types of cells that may be used."""

    types: tuple[CellType, ...]
    failures: dict[str, str] = {}
    """By category, why its cells could not be imported; by file or module, why it could not be approved."""
    failure_places: dict[str, SourcePlace] = {}
    """By the same names, where the error is, as far as known."""
    approved: tuple[str, ...] = ()
    """The categories of cells that were approved, and neither ship nor are installed. With `?approved=true` there are only
    these, and what is wrong with them; nothing else is imported for it."""


# ---------------------------------------------------------------------- graphs


class GraphRequest(_Request):
    """A graph, and what relative paths in it are relative to."""

    graph: dict[str, Any]
    """The document as it stands in a graph file."""
    folder: str = ""
    """An absolute path for files to be read; empty for the current folder of the host."""
    output_folder: str = ""
    """An absolute path for files to be written; empty for the current folder of the host."""


class ExportRequest(GraphRequest):
    """A graph to be written as a Python program."""

    target: str = ""
    """Where the program will stand, as an absolute path; without, all paths in it are absolute."""


class Source(_Data):
    """The text of a program."""

    text: str


class RecordRequest(_Request):
    """Where a run is recorded, as `pypipeline run --record` does. What goes wrong with it does not end the run."""

    path: str
    """An absolute path of a file that is not there yet."""
    source: str = ""
    """Where the graph is from, to be written down."""
    interval_s: Annotated[float, Field(ge=0.05, le=3600)] = 1.0
    """How often a sample is taken."""
    most_bytes: Annotated[int, Field(ge=0)] = 1_000_000_000
    """From this size on, only the end of the run is added."""


class RunRequest(GraphRequest):
    """`POST /v1/run` starts at once, `POST /v1/deploy` (the same with `paused`) waits for `resume` or `step`."""

    max_items: Annotated[int, Field(ge=1)] | None = None
    paused: bool = False
    record: RecordRequest | None = None


class RunningGraph(_Data):
    """`GET /v1/graph`: the graph of the current or the latest run as it is by now, with what clients have changed."""

    run: int
    graph: dict[str, Any]
    """The document as it would stand in a graph file."""
    folder: str
    """What files to be read are relative to, on the machine of the host."""
    output_folder: str


class GraphProblem(_Data):
    """One thing that is wrong with a graph. See `pypipeline_engine.graph.problems.Problem`."""

    message: str
    severity: Literal["error", "warning"] = "error"
    path: str = ""
    cell: str = ""
    line: int | None = None


class Validation(_Data):
    """`POST /v1/validate`."""

    problems: tuple[GraphProblem, ...] = ()
    configured: dict[str, CellType] = {}
    """By cell, its type with the ports that it has with its parameters, where these depend on each other."""


# ---------------------------------------------------------------------- control


CONTROL_HEADER: Final = "Pypipeline-Control"
"""The header with the key that `POST /v1/control` gave, in every request that changes something."""


class TakeControlRequest(_Request):
    """`POST /v1/control`: be the one who may change something, or renew that, with the key in the header.

    `DELETE /v1/control`, with the key, gives it back.
    """

    name: Annotated[str, Field(max_length=100)]
    """Who that is, for others to see."""
    force: bool = False
    """Whether to take control from whoever has it."""


class ControlGrant(Controller):
    """The answer to it."""

    key: str
    """To be sent as `Pypipeline-Control`."""
    expires_s: float
    """Control ends so many seconds after the last request with the key."""


class ControlRequest(_Request):
    """`POST /v1/pause`, `/v1/resume`, `/v1/stop` and `/v1/undeploy`: an empty object."""


class StepRequest(_Request):
    """`POST /v1/step`: let so many items through while paused."""

    items: Annotated[int, Field(ge=1)] = 1


class ParameterRequest(_Request):
    """`POST /v1/parameter`: give a runtime parameter of a running cell another value."""

    cell: str
    parameter: str
    value: Any
    """A JSON value, as in a graph file."""


class ScaleRequest(_Request):
    """`POST /v1/scale`: how many clones a running cell is to have, in place of those that it has."""

    cell: str
    thread: Annotated[int, Field(ge=0, le=1024)] = 0
    ray: Annotated[int, Field(ge=0, le=1024)] = 0


class ErrorPolicyRequest(_Request):
    """`POST /v1/error-policy`: what happens from now on when a running cell raises an error."""

    cell: str
    on_error: OnError
    """As in a graph file: `"fail"`, `"skip"`, or `{"retry": 3, "then": "skip"}`."""


class Refusal(_Data):
    """The body of every answer with a status of 400 and more. The message is meant for people."""

    message: str
    problems: tuple[GraphProblem, ...] = ()
    """Where a graph was refused (422), everything that is wrong with it."""


# ---------------------------------------------------------------------- what a run does

RunState: TypeAlias = Literal["none", "running", "paused", "stopping", "ended", "stopped", "failed"]
"""`none` before the first run. The last three are ends."""

OVER: Final = ("none", "ended", "stopped", "failed")


class CellError(_Data):
    """An error that a cell raised: of an item that was skipped, or the one that ended the run."""

    cell: str
    """Empty where no cell is to blame."""
    item: int | None = None
    """Which run of the cell it was, counted from 0; `null` where that is not known."""
    message: str
    """Type and message in one line."""
    traceback: str = ""
    file: str = ""
    """Where in the cell's own source it was raised, as far as that is known."""
    line: int | None = None
    is_fatal: bool = False
    """Whether it ended the run."""
    time_s: float | None = None
    """When it was raised, in seconds since the epoch; `null` where that is not known."""


class RunInfo(_Data):
    """`GET /v1/run`, and the answer to every control request: what the run does now."""

    run: int = 0
    """Which run of this host it is, counted from 1."""
    state: RunState = "none"
    is_starting: bool = False
    """Whether it is still being deployed; the state is then what it will be."""
    name: str = ""
    """The name of the graph."""
    nb_items: int | None = None
    """How many items are to be expected; `null` where that is not known."""
    error: CellError | None = None
    """What ended the run, where it failed."""
    unfinished_files: tuple[str, ...] = ()
    """Files that a failed run has left, not complete."""
    controller: Controller | None = None
    """Who has control; `null` for nobody."""

    @property
    def is_over(self) -> bool:
        """Whether no run goes on."""
        return self.state in OVER


class CloneFigures(_Data):
    """One clone of a cell over the latest window; the count since the start of the run."""

    name: str
    """Such as `#2`; of a clone within a clone `#2 #1`."""
    method: Literal["thread", "ray"]
    items: int
    rate_hz: float
    busy: float
    starved: float
    blocked: float
    cpu: float


class CellFigures(_Data):
    """A cell over the latest window, all of its clones together; the counts since the start of the run."""

    items: int
    skipped: int
    errors: int
    rate_hz: float
    """Of `items`: what was skipped, and gaps that come from upstream, are none."""
    busy: float
    starved: float
    blocked: float
    """`busy`, `starved` and `blocked` are shares of the time of its workers, and add up to 1."""
    latency_p50_s: float | None
    latency_p95_s: float | None
    latency_p99_s: float | None = None
    cpu: float
    """CPU seconds per second."""
    method: Literal["inline", "thread", "ray", "mixed"]
    workers: int
    """How many clones it has; 1 where it runs inline."""
    station: str
    queued: int | None = None
    """Items inside of a scaled cell; `null` where there is no queue."""
    queue_capacity: int | None = None
    gil: float | None = None
    """For which share of its work it needs the GIL, by estimate; `null` where that is not known."""
    clones: tuple[CloneFigures, ...] = ()
    """Those that there are now; empty where it runs inline."""
    queue_bytes: int | None = None
    """What the results that wait in that queue take, as far as it is known."""
    working_s: float | None = None
    """Where a run of its code has been going on for more than a second: since when. A cell that hangs shows here."""


class ConnectionFigures(_Data):
    """A connection between two threads over the latest window. The ends are those of the cells themselves, also where a
    connection of the graph leads through ports of nested pipelines.
    """

    source: str
    target: str
    rate_hz: float
    queued: int
    capacity: int
    queued_bytes: int


class ChangeInfo(_Data):
    """What is advised: `POST /v1/scale` takes the cell and `after` clones of this method."""

    cell: str
    method: Literal["thread", "ray"]
    before: int
    after: int


class BottleneckInfo(_Data):
    """What limits the pipeline over the latest window, why, and what to do."""

    cells: tuple[str, ...]
    """Those that limit it; more than one in a tie, none where nothing does."""
    kind: Literal["station", "source", "none"]
    utilisation: float
    capacity_hz: float | None
    sentence: str
    cause: str = "nothing"
    """`python`, `cpu`, `waiting`, `source`, `sink`, `machine`, `queue`, `recurrence` or `nothing`; see
    `pypipeline_engine.insight.advice.Cause`."""
    paragraph: str = ""
    """The sentence with the figures that it is from."""
    changes: tuple[ChangeInfo, ...] = ()
    """What would help most, all of it together; empty where nothing would."""
    predicted_hz: float | None = None
    """What they would bring, by estimate, in items per second at the end of the pipeline."""
    queue_capacity: int | None = None
    """Where the queue of `queue_cell` is too short, how many items it should hold."""
    queue_cell: str = ""


class ProcessFigures(_Data):
    """The process of the host."""

    cpu: float
    """CPU seconds per second: 2.0 are two full cores."""
    memory_bytes: int
    """Resident."""
    threads: int


class Snapshot(_Data):
    """`GET /v1/snapshot`, and the event `snapshot`: a run at one moment."""

    run: int
    state: RunState
    elapsed_s: float
    """Since the start of the run, or until its end. Pauses count."""
    window_s: float
    """How long the latest window is. After the end of a run, the window is the whole run."""
    sink_items: int
    sink_rate_hz: float
    """Over the window."""
    cells: dict[str, CellFigures]
    connections: tuple[ConnectionFigures, ...] = ()
    bottleneck: BottleneckInfo | None = None
    process: ProcessFigures | None = None
    gil: float | None = None
    """The share of the time for which somebody in the process had the GIL, by estimate; `null` where it is not known."""
    cost: float = 0.0
    """CPU seconds per second that taking these figures takes."""


class LogLine(_Data):
    """The event `log`: what a cell logged, or wrote to its standard output or error."""

    time_s: float
    """Seconds since the epoch."""
    level: Literal["debug", "info", "warning", "error", "output"]
    source: str
    """The logger; `stdout` or `stderr` for what was written there."""
    text: str


# ---------------------------------------------------------------------- events

EventName: TypeAlias = Literal["run", "snapshot", "error", "log", "preview", "held"]
"""`GET /v1/events` brings these as server-sent events, with a comment line every second where nothing else comes.

`run`: a `RunInfo`, at the beginning and at every change. `snapshot`: a `Snapshot`, while a run goes on and once at its end.
`error`: a `CellError`. `log`: a `LogLine`. Errors and log lines have ids: a client that connects again with `Last-Event-ID`
gets those that it missed, as far as they are kept; one without gets all that are kept. `preview` and `held`, where that was
asked for: see `pypipeline_engine.host.looking`.
"""

EVENT_MODELS: Final[dict[EventName, type[RunInfo] | type[Snapshot] | type[CellError] | type[LogLine]]] = {
    "run": RunInfo,
    "snapshot": Snapshot,
    "error": CellError,
    "log": LogLine,
}
