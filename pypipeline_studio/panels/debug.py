"""The tab for breakpoints: the list of them, and beside it the item that one of them holds."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QHBoxLayout, QWidget

from pypipeline_studio.panels.breakpoints import BreakpointsList
from pypipeline_studio.panels.held_panel import HeldPanel
from pypipeline_studio.panels.widgets import Rule

_LIST_PX = 264


class DebugPanel(QWidget):
    """Both beside each other."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.breakpoints = BreakpointsList()
        self.breakpoints.setFixedWidth(_LIST_PX)
        self.held = HeldPanel()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.breakpoints)
        layout.addWidget(Rule(is_vertical=True))
        layout.addWidget(self.held, 1)

    def sizeHint(self) -> QSize:
        return QSize(900, 232)
