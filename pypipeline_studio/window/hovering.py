"""What comes through a wire or a port, as long as the mouse rests on it: type, rate, amount, and one value in words.

That value is asked for when the tooltip comes, and once: while nobody points at anything, nothing is asked of the engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QTimer
from PySide6.QtGui import QHelpEvent, QMouseEvent
from PySide6.QtWidgets import QToolTip

from pypipeline_engine.host.looking import ValueSummary
from pypipeline_engine.numbers import count, rate, size
from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.canvas.pipe_item import StudioPipe
from pypipeline_studio.canvas.port_item import StudioPort
from pypipeline_studio.document.value_texts import describe, describe_boxes
from pypipeline_studio.document.watched import BOX_KINDS, Place
from pypipeline_studio.window.watching import NO_PICTURE, Watching

LONGEST_MS: Final = 10_000
"""After so long without a value, it is asked for no longer."""
SHOWN_MS: Final = 20_000
_AROUND_PX: Final = 12


@dataclass(frozen=True)
class _Hovered:
    item: StudioPipe | StudioPort
    place: Place
    rate_hz: float | None
    at: QPoint
    """Where in the viewport."""
    kind: str
    """Of the values of the output."""


class Hovering(QObject):
    """Shows the tooltips of wires and ports while a run goes on."""

    def __init__(self, canvas: Canvas, watching: Watching, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._canvas = canvas
        self._watching = watching
        self._hovered: _Hovered | None = None
        self._limit = QTimer(self)
        self._limit.setSingleShot(True)
        self._limit.setInterval(LONGEST_MS)
        self._limit.timeout.connect(lambda: self._watching.want("hover", {}))
        canvas.viewer.viewport().installEventFilter(self)
        watching.arrived.connect(self._take)
        canvas.path_changed.connect(self._end)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            return self._begin(event.pos())
        if event.type() in (QEvent.Type.Leave, QEvent.Type.MouseButtonPress, QEvent.Type.Wheel):
            self._end()
        elif event.type() == QEvent.Type.MouseMove and isinstance(event, QMouseEvent):
            self._follow(event.position().toPoint())
        return False

    def _follow(self, mouse: QPoint) -> None:
        if self._hovered is not None and (mouse - self._hovered.at).manhattanLength() > _AROUND_PX:
            self._end()

    def _begin(self, at: QPoint) -> bool:
        """Whether there is something to be told here that a tooltip does not know by itself."""
        found = self._find(at) if self._watching.can_look else None
        if found is None:
            self._end()
            return False
        self._hovered = found
        self._watching.want("hover", {found.place: NO_PICTURE})
        self._limit.start()
        seen = self._watching.seen(found.place)
        is_of_others = self._watching.is_wanted_by_others("hover", found.place)
        if seen is not None and is_of_others and seen.info is not None:
            self._show(seen.info.value, seen.info.item)
        else:
            self._show(None)
        return True

    def _end(self) -> None:
        if self._hovered is not None:
            self._hovered = None
            self._limit.stop()
            self._watching.want("hover", {})

    def _find(self, at: QPoint) -> _Hovered | None:
        viewer = self._canvas.viewer
        port = viewer.port_at(at)
        if port is not None:
            output = port if port.port_type == "out" else next(iter(port.connected_ports), None)
            place = self._place(output)
            if output is None or place is None:
                return None
            return _Hovered(port, place, output.node.live.rate_hz, at, self._kind(place))
        if viewer.node_at(at) is not None:
            return None
        pipe = viewer.pipe_at(at)
        place = self._place(pipe.output_port) if pipe is not None else None
        if pipe is None or place is None:
            return None
        rate_hz = pipe.live.rate_hz if pipe.live is not None else None
        return _Hovered(pipe, place, rate_hz, at, self._kind(place))

    def _place(self, output: StudioPort | None) -> Place | None:
        """The output behind a port, where its cell takes part in the run."""
        if output is None or output.node.live is None or output.node.name not in self._canvas.presentation.nodes:
            return None
        return (self._canvas.full_name(output.node.name), output.name)

    def _kind(self, place: Place) -> str:
        view = self._canvas.presentation.nodes.get(place[0].rpartition(".")[2])
        return next((one.kind for one in view.outputs if one.name == place[1]), "any") if view is not None else "any"

    def _take(self, place: Place) -> None:
        hovered = self._hovered
        if hovered is None or hovered.place != place:
            return
        seen = self._watching.seen(place)
        if seen is not None and seen.info is not None:
            self._show(seen.info.value, seen.info.item)
            self._watching.want("hover", {})
        elif seen is not None and seen.problem:
            self._show(None, problem=seen.problem)

    def _show(self, value: ValueSummary | None, item: int = 0, problem: str = "") -> None:
        hovered = self._hovered
        assert hovered is not None
        lines = [hovered.item.toolTip()]
        if isinstance(hovered.item, StudioPort) and hovered.rate_hz is not None:
            lines.append(rate(hovered.rate_hz))
        if value is not None:
            if hovered.rate_hz and value.nb_bytes:
                lines.append(f"about {size(hovered.rate_hz * value.nb_bytes)}/s")
            is_boxes = hovered.kind in BOX_KINDS
            about = describe_boxes(value, hovered.kind) if is_boxes else describe(value)
            lines.append(f"item {count(item)}: {about}")
        else:
            lines.append(problem or "waiting for a value …")
        viewport = self._canvas.viewer.viewport()
        around = QRect(hovered.at, hovered.at).adjusted(-_AROUND_PX, -_AROUND_PX, _AROUND_PX, _AROUND_PX)
        QToolTip.showText(viewport.mapToGlobal(hovered.at), "\n".join(lines), viewport, around, SHOWN_MS)
