"""Why an action of the window cannot be done at the moment, in words."""

from __future__ import annotations

from typing import Final

from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.document import edits
from pypipeline_studio.engine.engine import Engine
from pypipeline_studio.session import Session
from pypipeline_studio.window.run_control import RunControl

_OF_SELECTION: Final = frozenset({"cut", "copy", "duplicate", "disable", "bypass", "wires"})
_OF_RUN: Final = frozenset({"pause", "stop"})


class Obstacles:
    """Looks for what is in the way of actions."""

    def __init__(self, session: Session, canvas: Canvas, run_control: RunControl, engine: Engine) -> None:
        self._session = session
        self._canvas = canvas
        self._run_control = run_control
        self._engine = engine

    def find(self, key: str) -> str:
        """Why an action would do nothing now, by its key; empty where nothing is known to be in the way."""
        canvas, stack = self._canvas, self._session.undo_stack
        names = canvas.selected()
        if key in _OF_SELECTION and not names:
            return "Select a cell first"
        if key == "remove" and not canvas.viewer.scene().selectedItems():
            return "Select a cell or a connection first"
        if key == "rename" and len(names) != 1:
            return "Select one cell first"
        if key == "enter" and not (
            len(names) == 1 and edits.has_body(self._session.document, (*canvas.path, names[0]))
        ):
            return "Select a nested pipeline first"
        if key == "leave" and not canvas.path:
            return "This is the outermost pipeline"
        if key == "undo" and not stack.canUndo():
            return "There is nothing to undo"
        if key == "redo" and not stack.canRedo():
            return "There is nothing to redo"
        if key == "copy_command" and self._session.path is None:
            return "Save the graph first"
        return self._of_run(key)

    def _of_run(self, key: str) -> str:
        """Of the actions that the window itself disables: only the reason."""
        if key in _OF_RUN and self._run_control.run.is_over:
            return "Nothing runs"
        if key in ("run", "step"):
            if not self._session.document.cells:
                return "The graph is empty"
            if key == "run" and not self._run_control.run.is_over:
                return "It runs already"
            if self._run_control.run.is_over and self._engine.state in ("off", "starting", "silent"):
                return "The engine is not ready yet"
        return ""
