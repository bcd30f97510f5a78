"""What stands above the statistics: a filter, the plots on and off, and the exports."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QWidget

from pypipeline_studio.panels.search_field import SearchField
from pypipeline_studio.panels.statistics import StatisticsPanel
from pypipeline_studio.panels.widgets import tool_button

_FILTER_PX = 150


class StatisticsTools(QWidget):
    """Acts on one panel of statistics."""

    def __init__(self, panel: StatisticsPanel) -> None:
        super().__init__()
        self.filter = SearchField("Filter the statistics by the name or type of cells")
        self.filter.setPlaceholderText("Filter cells")
        self.filter.setFixedWidth(_FILTER_PX)
        self.filter.setStyleSheet("min-height: 22px; max-height: 22px;")
        self.filter.textChanged.connect(panel.set_filter)
        self.filter.accepted.connect(panel.table.setFocus)
        self.filter.moved.connect(lambda _: panel.table.setFocus())
        self.plots_button = tool_button("chart-line", "Show plots beside the table", px=15, is_checkable=True)
        self.plots_button.setChecked(True)
        self.plots_button.toggled.connect(panel.plots.setVisible)
        self.export_menu = QMenu(self)
        self.export_button = tool_button("export", "Export the statistics", px=15)
        self.export_button.setMenu(self.export_menu)
        self.export_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.export_button.setStyleSheet("QToolButton::menu-indicator { image: none; width: 0; }")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.filter)
        layout.addWidget(self.plots_button)
        layout.addWidget(self.export_button)
