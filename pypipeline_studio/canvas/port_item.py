"""A port: the shape of its kind at the edge of a node."""

from __future__ import annotations

from typing import Any

from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from pypipeline_engine.catalogue.model import Kind
from pypipeline_studio.canvas.nodegraphqt import PortItem
from pypipeline_studio.document.views import PortView
from pypipeline_studio.theme.colours import colour
from pypipeline_studio.theme.shapes import paint_kind

RADIUS_PX = 5.0
HALO_PX = 2.0
DETAIL_SCALE = 0.4
"""Below this zoom, ports are not painted."""
_FAINT = 0.25
_DIMMED = 0.55


class StudioPort(PortItem):  # type: ignore[misc]
    """An input or an output of a node item."""

    def __init__(self, parent: QGraphicsItem | None = None) -> None:
        super().__init__(parent)
        self.setCacheMode(QGraphicsItem.CacheMode.NoCache)
        self._view = PortView("")
        self._refusal = ""

    def show_view(self, view: PortView) -> None:
        """Show a port of the document."""
        self._view = view
        self._set_tool_tip()

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What it gives or takes."""
        return self._view.kinds

    @property
    def kind(self) -> Kind:
        """What decides about its shape."""
        return self._view.kind

    @property
    def refusal(self) -> str:
        """Why the wire that is being dragged cannot end here; empty where it can, and while none is dragged."""
        return self._refusal

    @refusal.setter
    def refusal(self, reason: str) -> None:
        self._refusal = reason
        self._set_tool_tip()

    def _set_tool_tip(self) -> None:
        if self._refusal:
            self.setToolTip(self._refusal)
            return
        view = self._view
        kinds = " or ".join(view.kinds)
        lines = [f"{view.name}: {view.type_text or kinds}"]
        if view.is_parameter:
            lines[0] += " (parameter)"
        if view.doc:
            lines.append(view.doc)
        self.setToolTip("\n".join(lines))

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if option.levelOfDetailFromTransform(painter.worldTransform()) < DETAIL_SCALE:
            return
        middle = self.boundingRect().center()
        owner: Any = self.node
        opacity = _FAINT if self._refusal else _DIMMED if owner.is_dimmed else 1.0
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        grows = 1.5 if self._hovered and not self._refusal else 0.0
        paint_kind(
            painter,
            self.kind,
            middle.x(),
            middle.y(),
            RADIUS_PX + grows,
            bool(self.connected_pipes),
            colour("canvas"),
            halo_px=HALO_PX,
            opacity=opacity,
        )
