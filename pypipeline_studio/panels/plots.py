"""The plots beside the statistics: which of them are shown, over how long, and for which cells.

What draws them is imported when they are seen for the first time: it takes half a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QImage, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from pypipeline_studio.document.history import History
from pypipeline_studio.document.plotting import PLOTS, PlotKey, make_plot
from pypipeline_studio.panels.segmented import Segmented
from pypipeline_studio.panels.widgets import EmptyState
from pypipeline_studio.theme.fonts import font

if TYPE_CHECKING:
    from pypipeline_studio.panels.plot_view import PlotView

SPANS: Final[dict[str, tuple[str, float]]] = {
    "minute": ("1 min", 60.0),
    "ten": ("10 min", 600.0),
    "all": ("All", float("inf")),
}
"""By key, what a span of time is called, and how long it is in seconds."""
SHORTEST_S: Final = 10.0
"""Of the axis of time, which grows with the run."""
LIVE_STEP_S: Final = 0.4
"""Curves move by less than a pixel from one snapshot to the next: every second one is drawn."""
SHOWN_FIRST: Final[tuple[PlotKey, ...]] = ("rate", "load")
EMPTY_TEXT: Final = "Plots over time appear here while a pipeline runs."
NONE_CHOSEN_TEXT: Final = "Choose a plot above."
_TIPS: Final[dict[PlotKey, str]] = {
    "rate": "Items per second, of the pipeline and of the cells",
    "load": "Busy shares; of one selected cell also for what it waits",
    "latency": "How long items take, of the selected cell or of the limit",
    "queue": "How full the queues in front of clones are",
    "cpu": "CPU of the engine (100 % is one core), and the share of the time for which somebody has the GIL",
    "memory": "Memory of the engine",
}


class PlotsPane(QWidget):
    """Some plots beside each other."""

    cell_chosen = Signal(str)
    """The full name of a cell whose line was clicked."""
    settings_changed = Signal()
    """Other plots are shown, or another span; `settings` says which."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._history = History()
        self._selected: tuple[str, ...] = ()
        self._limits: tuple[str, ...] = ()
        self._is_live = False
        self._moment_s: float | None = None
        self._drawn_s = 0.0
        """The latest moment of the run that was drawn."""
        self.views: dict[PlotKey, PlotView] = {}
        """Those that were made by now."""
        self.buttons = {key: self._make_button(key, text) for key, text in PLOTS.items()}
        self.span = Segmented("Time that is shown", [(key, text) for key, (text, _) in SPANS.items()])
        self.span.chosen.connect(self._on_choice)
        bar = QHBoxLayout()
        bar.setContentsMargins(8, 2, 8, 0)
        bar.setSpacing(2)
        for button in self.buttons.values():
            bar.addWidget(button)
        bar.addStretch(1)
        bar.addWidget(self.span)
        self._row = QHBoxLayout()
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(0)
        self._holder = QWidget()
        self._holder.setLayout(self._row)
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setWidget(self._holder)
        self._empty = EmptyState(EMPTY_TEXT)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self._area)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(bar)
        layout.addWidget(self._stack, 1)

    def _make_button(self, key: PlotKey, text: str) -> QToolButton:
        button = QToolButton()
        button.setText(text)
        button.setToolTip(_TIPS[key])
        button.setAccessibleName(f"Show the plot {text}")
        button.setCheckable(True)
        button.setChecked(key in SHOWN_FIRST)
        button.setFont(font(11, 500))
        button.setStyleSheet("padding: 0 6px; min-height: 22px;")
        button.clicked.connect(self._on_choice)
        return button

    def sizeHint(self) -> QSize:
        return QSize(520, 200)

    # ------------------------------------------------------------------ what is chosen

    @property
    def shown(self) -> tuple[PlotKey, ...]:
        """The plots that are shown, in their order."""
        return tuple(key for key, button in self.buttons.items() if button.isChecked())

    @property
    def settings(self) -> str:
        """What is chosen, to be kept."""
        return ",".join((self.span.choice, *self.shown))

    def restore(self, settings: str) -> None:
        """Choose what was kept; what is not known is left out."""
        span, *keys = settings.split(",")
        if span in SPANS:
            self.span.choose(span)
            for key, button in self.buttons.items():
                button.setChecked(key in keys)
        self.refresh()

    def _on_choice(self) -> None:
        self.refresh()
        self.settings_changed.emit()

    # ------------------------------------------------------------------ what is shown

    def show_history(
        self, history: History, limits: Sequence[str], is_live: bool, moment_s: float | None = None
    ) -> None:
        """Show the figures of a run.

        :param limits: the cells that limit it.
        :param is_live: whether it goes on.
        :param moment_s: a moment to be marked; then all of the run is shown, whatever span is chosen.
        """
        is_next = is_live and self._is_live and history is self._history and tuple(limits) == self._limits
        self._history, self._limits, self._is_live, self._moment_s = history, tuple(limits), is_live, moment_s
        self.span.setEnabled(moment_s is None)
        passed_s = (history.elapsed_s or 0.0) - self._drawn_s
        if not (is_next and 0 <= passed_s < LIVE_STEP_S):
            self.refresh()

    def select(self, cells: Sequence[str]) -> None:
        """Show the figures of these cells, by full name; of all where there are none."""
        if tuple(cells) != self._selected:
            self._selected = tuple(cells)
            self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def refresh(self) -> None:
        """Draw again what can be seen."""
        if not self.isVisible():
            return
        shown = self.shown
        is_empty = len(self._history) == 0 or not shown
        self._empty.text.show_text(NONE_CHOSEN_TEXT if len(self._history) and not shown else EMPTY_TEXT)
        self._stack.setCurrentIndex(0 if is_empty else 1)
        if is_empty:
            return
        self._make_views(shown)
        end_s = self._drawn_s = self._history.elapsed_s or 0.0
        wanted_s = SPANS[self.span.choice if self._moment_s is None else "all"][1]
        span_s = max(SHORTEST_S, min(wanted_s, end_s - self._history.times()[0]))
        for key in shown:
            data = make_plot(key, self._history, self._selected, self._limits, max(0.0, end_s - wanted_s))
            self.views[key].show_data(data, span_s, self._is_live)
            self.views[key].mark_moment(self._moment_s)

    def _make_views(self, shown: Sequence[PlotKey]) -> None:
        from pypipeline_studio.panels.plot_view import PlotView

        for key in shown:
            if key not in self.views:
                view = self.views[key] = PlotView(key)
                view.cell_chosen.connect(self.cell_chosen)
                place = sum(other in self.views for other in PLOTS if list(PLOTS).index(other) < list(PLOTS).index(key))
                self._row.insertWidget(place, view, 1)
        for key, view in self.views.items():
            view.setVisible(key in shown)

    def draw_picture(self) -> QImage:
        """The plots as they are shown, at 200 %; empty where none is."""
        if self._stack.currentWidget() is not self._area:
            return QImage()
        widget = self._holder
        image = QImage(widget.size() * 2, QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(2)
        widget.render(image)
        return image
