"""A step lets one item through. Where cells fail at one item after the other, none ever comes: then the step is ended."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from pypipeline_engine.host.protocol import Snapshot
from pypipeline_engine.numbers import counted
from pypipeline_studio.engine.engine import Engine
from pypipeline_studio.window.run_control import RunControl


class Stepping(QObject):
    """Watches steps. For the thread of the window only."""

    told = Signal(str)
    """Why a step has ended without an item."""

    def __init__(self, run_control: RunControl, engine: Engine, parent: QObject) -> None:
        super().__init__(parent)
        self._run_control = run_control
        self._engine = engine
        self._before: Snapshot | None = None
        """What there was when the step began that has not brought an item yet."""
        run_control.stepped.connect(self._begin)
        run_control.went_on.connect(self._end)
        run_control.live_changed.connect(self._look)

    def _begin(self) -> None:
        self._before = self._run_control.snapshot

    def _end(self) -> None:
        self._before = None

    def _look(self) -> None:
        before, now = self._before, self._run_control.snapshot
        if before is None or now is before:
            return
        if now is None or now.run != before.run or now.state != "paused" or now.sink_items > before.sink_items:
            self._before = None
            return
        failed = {
            name: cell.errors - (before.cells[name].errors if name in before.cells else 0)
            for name, cell in now.cells.items()
        }
        name = max(failed, key=lambda one: failed[one], default="")
        if name and failed[name] > 0:
            self._before = None
            self._engine.pause()  # forgets steps that are still to be made
            self.told.emit(
                f"No item came through: {name} failed at {counted(failed[name], 'item')}. Step goes on from here."
            )
