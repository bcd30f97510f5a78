"""The bar of a replay: which run is shown instead of what goes on, at which moment, and the way back."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRectF, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QSlider, QToolButton, QWidget

from pypipeline_engine.numbers import elapsed
from pypipeline_studio.panels.widgets import IconView, Label, paint, push_button, tool_button
from pypipeline_studio.theme.colours import colour, theme
from pypipeline_studio.theme.fonts import font
from pypipeline_studio.theme.icons import icon

SPEEDS: Final = (1, 4, 16, 64)
STEPS: Final = 1_000
"""Of the slider."""
_HEIGHT_PX: Final = 40


class ReplayBar(QWidget):
    """Hidden while nothing is replayed."""

    sought = Signal(float)
    """A person has moved the slider: to which part of the run, 0 to 1."""
    stepped = Signal(int)
    """One sample forward (1) or back (-1)."""
    play_pressed = Signal()
    graph_requested = Signal()
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(_HEIGHT_PX)
        self.speed = SPEEDS[0]
        """How many seconds of the run go by in one."""
        self.title = Label("", 12, 600, elides=True)
        self.about = Label("", 11, 400, "text2", elides=True)
        self.title.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.play_button = tool_button("play-fill", "Play (Space)", px=14, icon_colour="text")
        self.speed_button = QToolButton()
        self.speed_button.setToolTip("How fast the run goes by")
        self.speed_button.setFont(font(11, 500))
        self.speed_button.clicked.connect(self._next_speed)
        self.slider = _Slider()
        self.slider.valueChanged.connect(lambda value: self.sought.emit(value / STEPS))
        self.slider.stepped.connect(self.stepped)
        self.slider.play_pressed.connect(self.play_pressed)
        self.time = Label("", 12, 500, tabular=True)
        self.time.setMinimumWidth(130)
        self.graph_button = push_button(
            "Open its graph", tip="Open the graph as it ran, instead of the one that is open"
        )
        self.close_button = tool_button("x", "Back to what runs now (Esc)", px=14)
        self.play_button.clicked.connect(self.play_pressed)
        self.graph_button.clicked.connect(self.graph_requested)
        self.close_button.clicked.connect(self.closed)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 0, 8, 1)
        layout.setSpacing(8)
        layout.addWidget(IconView("clock-counter-clockwise", "accent", 16, 18))
        layout.addWidget(self.title)
        layout.addWidget(self.about, 2)
        layout.addWidget(self.play_button)
        layout.addWidget(self.speed_button)
        layout.addWidget(self.slider, 3)
        layout.addWidget(self.time)
        layout.addWidget(self.graph_button)
        layout.addWidget(self.close_button)
        self._show_speed()
        self.hide()
        theme.changed.connect(self.update)

    def show_run(self, title: str, about: str, is_same_graph: bool) -> None:
        """Say which run is shown, and on which graph."""
        self.title.show_text(f"Replay of {title}")
        self.about.show_text(about)
        self.about.set_colour("text2" if is_same_graph else "warn")
        self.graph_button.setVisible(not is_same_graph)
        self.setAccessibleName(f"Replay of {title}, {about}")

    def show_moment(self, elapsed_s: float, begin_s: float, end_s: float, is_playing: bool) -> None:
        """Say which moment of the run is shown; nobody is told."""
        span_s = end_s - begin_s
        blocker = QSignalBlocker(self.slider)
        self.slider.setEnabled(span_s > 0)
        self.slider.setValue(round(STEPS * (elapsed_s - begin_s) / span_s) if span_s > 0 else STEPS)
        blocker.unblock()
        self.time.show_text(f"{elapsed(elapsed_s)} of {elapsed(end_s)}")
        self.slider.setAccessibleDescription(self.time.text())
        self.play_button.setIcon(icon("pause-fill" if is_playing else "play-fill", "text"))
        self.play_button.setToolTip("Pause (Space)" if is_playing else "Play (Space)")
        self.play_button.setAccessibleName("Pause" if is_playing else "Play")

    def _next_speed(self) -> None:
        self.speed = SPEEDS[(SPEEDS.index(self.speed) + 1) % len(SPEEDS)]
        self._show_speed()

    def _show_speed(self) -> None:
        self.speed_button.setText(f"{self.speed}×")
        self.speed_button.setAccessibleName(f"Speed: {self.speed} times")

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = paint(self)
        painter.fillRect(self.rect(), colour("accent_soft"))
        painter.fillRect(QRectF(0, self.height() - 1, self.width(), 1), colour("line"))
        painter.end()


class _Slider(QSlider):
    """The time of a run. Left and Right go from sample to sample; Space plays."""

    stepped = Signal(int)
    play_pressed = Signal()

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setRange(0, STEPS)
        self.setPageStep(STEPS // 20)
        self.setMinimumWidth(220)
        self.setAccessibleName("Time in the run")
        self.setToolTip("The moment that is shown; Left and Right go from sample to sample")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Down: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: 1}
        if event.key() in steps:
            self.stepped.emit(steps[Qt.Key(event.key())])
        elif event.key() == Qt.Key.Key_Space:
            self.play_pressed.emit()
        else:
            super().keyPressEvent(event)
