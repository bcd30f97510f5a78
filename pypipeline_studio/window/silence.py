"""An engine from which nothing comes: what may be the reason, and what can be done."""

from __future__ import annotations

from PySide6.QtCore import QObject

from pypipeline_engine.numbers import elapsed
from pypipeline_studio.engine.engine import Engine
from pypipeline_studio.window.bottom import Bottom, EngineMessage

_KEY = "silence"


class Silence(QObject):
    """Tells of it in the list of problems, and takes it back when the engine answers again or has ended."""

    def __init__(self, engine: Engine, bottom: Bottom, parent: QObject, where: str = "") -> None:
        """:param where: the address of a run that was started elsewhere."""
        super().__init__(parent)
        self._where = where
        self._engine = engine
        self._bottom = bottom
        engine.state_changed.connect(self._take_state)

    def _take_state(self, state: str) -> None:
        message = None
        if state == "silent" and self._where:
            message = EngineMessage(
                "The run does not answer",
                f"{self._reason()} The network to {self._where} may be down, too. Wait: it is watched again as soon as it "
                "answers. Nothing that is done here reaches it until then.",
            )
        elif state == "silent":
            message = EngineMessage(
                "The engine does not answer",
                f"{self._reason()} Wait until it comes back, or restart the engine, which ends the run at once; the graph "
                "stays as it is.",
                "Restart the engine",
                "restart_engine",
            )
        self._bottom.set_message(_KEY, message)

    def _reason(self) -> str:
        cells = self._engine.snapshot.cells if self._engine.snapshot is not None else {}
        busy = [(figures.working_s, name) for name, figures in cells.items() if figures.working_s is not None]
        if busy and not self._engine.run.is_over:
            working_s, name = max(busy)
            return f"When it was heard last, {name} had been at the same item for {elapsed(working_s)}."
        return "Code of a cell may keep Python to itself, or the machine is out of memory or very busy."
