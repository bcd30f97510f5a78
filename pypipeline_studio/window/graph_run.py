"""The latest run of one open graph: what it was started with, and what it has shown."""

from __future__ import annotations

from collections import deque
from typing import Final

from pypipeline_engine.graph.model import Document
from pypipeline_engine.host.protocol import OVER, CellError, RunInfo, Snapshot
from pypipeline_studio.document.history import History
from pypipeline_studio.document.live import LiveView
from pypipeline_studio.document.steady import SteadyLimit
from pypipeline_studio.open_graph import OpenGraph

ERRORS_KEPT: Final = 200


class GraphRun:
    """A run from the wish to have it, until the graph runs again or is closed."""

    def __init__(self, graph: OpenGraph) -> None:
        self.graph = graph
        self.started = graph.document
        """What it was started with."""
        self.sent: Document | None = None
        """What the engine knows by now; `None` while it does not run."""
        self.info = RunInfo()
        """The latest of this run; `none` until the engine has told something about it."""
        self.live: LiveView | None = None
        self.snapshot: Snapshot | None = None
        """The latest one; its limit is told steadily."""
        self.history = History()
        """The figures over time, also of what went on while another graph was in front."""
        self.errors: deque[CellError] = deque(maxlen=ERRORS_KEPT)
        self.needs_restart = False
        """Whether the document has changes that the run does not follow."""
        self._limit = SteadyLimit()

    def take_snapshot(self, snapshot: Snapshot) -> None:
        """Show another snapshot."""
        limit = self._limit.take(snapshot.bottleneck, snapshot.state in OVER)
        self.snapshot = snapshot.model_copy(update={"bottleneck": limit})
        self.history.take(self.snapshot)
        if self.live is None:
            self.live = LiveView(self.graph.document)
        self.live.update(self.snapshot)

    def follow_document(self) -> None:
        """Show the latest snapshot beside the document of this moment."""
        if self.live is not None:
            self.live = LiveView(self.graph.document)
            if self.snapshot is not None:
                self.live.update(self.snapshot)
