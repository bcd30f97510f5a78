"""What a screen reader says about the canvas: it is one widget, of which nothing inside can be read."""

from __future__ import annotations

from PySide6.QtCore import QObject

from pypipeline_engine.numbers import counted
from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.document.presentation import Presentation
from pypipeline_studio.document.views import NodeView

_MOST_NAMES = 5


class SpokenCanvas(QObject):
    """Keeps the name and the description of a canvas on what it shows and what is selected."""

    def __init__(self, canvas: Canvas, parent: QObject) -> None:
        super().__init__(parent)
        self._canvas = canvas
        canvas.selection_changed.connect(self._tell)
        canvas.path_changed.connect(self._tell)
        self._tell()

    def _tell(self) -> None:
        canvas = self._canvas
        where = f"Graph, inside {'.'.join(canvas.path)}" if canvas.path else "Graph"
        spoken = describe_selection(canvas.presentation, canvas.selected())
        if canvas.viewer.accessibleName() != where:
            canvas.viewer.setAccessibleName(where)
        if canvas.viewer.accessibleDescription() != spoken:
            canvas.viewer.setAccessibleDescription(spoken)


def describe_selection(shown: Presentation, names: tuple[str, ...]) -> str:
    """The selected cells in words, and what leads to and from one; how many there are where none is selected."""
    known = [name for name in names if name in shown.nodes]
    if not known:
        return f"{counted(len(shown.nodes), 'cell')}, none selected"
    if len(known) > 1:
        more = f" and {len(known) - _MOST_NAMES} more" if len(known) > _MOST_NAMES else ""
        return f"{counted(len(known), 'cell')} selected: {', '.join(known[:_MOST_NAMES])}{more}"
    name = known[0]
    parts = [f"{name}, {_kind(shown.nodes[name])}"]
    before = [f"{wire.source[0]} {wire.source[1]}" for wire in shown.wires if wire.target[0] == name]
    after = [f"{wire.target[0]} {wire.target[1]}" for wire in shown.wires if wire.source[0] == name]
    parts += [f"takes from {', '.join(before)}"] if before else []
    parts += [f"gives to {', '.join(after)}"] if after else []
    return "; ".join(parts)


def _kind(node: NodeView) -> str:
    words = [node.title]
    words += [node.note] if node.note else []
    words += [counted(node.nb_problems, "problem")] if node.nb_problems else []
    return ", ".join(words)
