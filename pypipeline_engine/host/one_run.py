"""What is known of one run: while it goes on, and after its end until the next one."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from pypipeline_engine.core.counters import DeadLetter, Statistics
from pypipeline_engine.host.blame import Blame
from pypipeline_engine.host.graphs import Built
from pypipeline_engine.host.kept_pictures import KeptPictures
from pypipeline_engine.host.metrics import Totals
from pypipeline_engine.host.protocol import CellError, Controller, RunInfo, RunState, Snapshot
from pypipeline_engine.host.recording import Recording
from pypipeline_engine.host.sampler import Sampler
from pypipeline_engine.host.watches import Watches
from pypipeline_engine.insight.observer import Observer

if TYPE_CHECKING:
    from pypipeline_engine.runtime import RunHandle


class Run:
    """One run, from the moment that its graph was built. Its fields are guarded by the lock of the session."""

    def __init__(self, number: int, built: Built, *, paused: bool) -> None:
        self.number = number
        self.name = built.document.name
        self.document = built.document
        """As it is by now, with what clients have changed."""
        self.folders = built.folders
        self.built: Built | None = built
        """`None` once it is over: the pipeline may be large."""
        self.blame = Blame(built.pipeline)
        self.observer = Observer.of(built.pipeline)
        self.sampler = Sampler(number, self.observer)
        self.latest_letter: DeadLetter | None = None
        self.handle: RunHandle | None = None
        self.recording: Recording | None = None
        self.watches: Watches | None = None
        self.pictures = KeptPictures()
        """The arrays of pictures, which can be looked at after its end too, as the pictures can."""
        self.paused = paused
        self.was_paused = paused
        self.stop_asked = False
        self.was_stopped_by_client = False
        self.totals = Totals()
        self.last: Statistics | None = None
        """What was counted until its end."""
        self.nb_items: int | None = None
        self.end: RunState | None = None
        self.error: CellError | None = None
        self.unfinished_files: tuple[str, ...] = ()
        self.final: Snapshot | None = None
        self.over = threading.Event()

    def get_info(self, controller: Controller | None) -> RunInfo:
        return RunInfo(
            run=self.number,
            state=self.get_state(),
            is_starting=self.handle is None and self.end is None,
            name=self.name,
            nb_items=self.nb_items,
            error=self.error,
            unfinished_files=self.unfinished_files,
            controller=controller,
        )

    def get_state(self) -> RunState:
        if self.end is not None:
            return self.end
        if self.stop_asked:
            return "stopping"
        if self.handle is None:
            return "paused" if self.paused else "running"
        # Between the end of the engine's run and the note of it here, it is about to be over.
        state = self.handle.state.value
        return state if state in ("running", "paused") else "stopping"  # type: ignore[return-value]


def find_unfinished(built: Built) -> tuple[str, ...]:
    """The files that sinks were writing when the run failed: they have `.part` in their names until they are complete."""
    found = []
    for _, cell in built.document.walk():
        cell_type = built.types.find(cell.type)
        if cell_type is None or cell.disabled or cell.bypassed:
            continue
        for parameter in cell_type.parameters:
            value = cell.parameters.get(parameter.name)
            if isinstance(value, str) and "output_path" in parameter.type.paths():
                target: Path = built.folders.resolve("output_path", value)
                part = target.with_name(f"{target.stem}.part{target.suffix}")
                if part.is_file():
                    found.append(str(part))
    return tuple(found)
