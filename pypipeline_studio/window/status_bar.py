"""The status bar: the engine, the rate at the end of the pipeline, and what the engine's process needs."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QStatusBar, QWidget

from pypipeline_engine.host.protocol import Snapshot
from pypipeline_engine.numbers import UNKNOWN, rate, share, size
from pypipeline_studio.panels.widgets import IconView
from pypipeline_studio.theme.colours import hex_of, theme
from pypipeline_studio.theme.fonts import font

_ICONS: Final = {
    "Engine": "circle",
    "Sink": "export",
    "CPU": "cpu",
    "Memory": "hard-drives",
    "GIL": "lock",
    "Monitoring": "eye",
}
_ENGINE_ICONS: Final = {
    "running": ("circle-fill", "ok"),
    "paused": ("circle", "warn"),
    "stopping": ("circle", "warn"),
    "silent": ("warning-fill", "warn"),
    "ended": ("warning-fill", "error"),
}
"""By what the engine does, its icon and the colour of it; else it is a ring."""


class StatusBar(QStatusBar):
    """One line at the bottom of the window."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self.setFixedHeight(25)
        self._fields = {name: _Field(name, icon, self) for name, icon in _ICONS.items()}
        # One widget for all: a message hides what `addWidget` was given, and would be painted over by a field shown later.
        fields = QWidget(self)
        layout = QHBoxLayout(fields)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        for field in self._fields.values():
            layout.addWidget(field)
        self.addWidget(fields)
        self._zoom = QLabel(self)
        self._zoom.setFont(font(11, 500, tabular=True))
        self._zoom.setFixedWidth(64)
        self._zoom.setContentsMargins(0, 0, 12, 0)
        self._zoom.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.addPermanentWidget(self._zoom)
        self._fields["Monitoring"].setToolTip("What it costs to take the figures, in CPU time of the engine")
        self._fields["CPU"].setToolTip("CPU time of the engine's process; 100 % is one core")
        self._fields["Memory"].setToolTip("Resident memory of the engine's process")
        self._fields["GIL"].setToolTip(
            "The share of the time for which a thread of the engine has the lock of the Python interpreter, by estimate: "
            "near 100 %, more threads do not help"
        )
        self.show_snapshot(None)
        self.show_zoom(1.0)
        theme.changed.connect(self._restyle)
        self._restyle()

    def show_engine(self, words: str) -> None:
        """Show what the engine does: `ready`, `running`."""
        self._fields["Engine"].show_value(words)
        icon, token = _ENGINE_ICONS.get(words, ("circle", "text3"))
        self._fields["Engine"].icon.show_icon(icon, token)

    def show_snapshot(self, snapshot: Snapshot | None) -> None:
        """Show the figures of a run; `None` where there is none."""
        process = snapshot.process if snapshot is not None else None
        figures = {
            "Sink": rate(snapshot.sink_rate_hz) if snapshot is not None else UNKNOWN,
            "CPU": share(process.cpu) if process is not None else UNKNOWN,
            "Memory": size(process.memory_bytes) if process is not None else UNKNOWN,
            "GIL": share(snapshot.gil) if snapshot is not None and snapshot.gil is not None else UNKNOWN,
            "Monitoring": share(snapshot.cost) if snapshot is not None else UNKNOWN,
        }
        for name, text in figures.items():
            self._fields[name].show_value(text)
            self._fields[name].setVisible(snapshot is not None)

    def show_zoom(self, scale: float) -> None:
        """Show how large the canvas is shown: 1.0 at 100 %."""
        self._zoom.setText(f"{100 * scale:.0f} %")

    def _restyle(self) -> None:
        self._zoom.setStyleSheet(f"color: {hex_of('text2')}")


class _Field(QWidget):
    """A name and a value."""

    def __init__(self, name: str, icon: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.icon = IconView(icon, "text3", 11 if name == "Engine" else 13, 14)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 0, 6, 0)
        layout.setSpacing(4)
        self._name = QLabel(name, self)
        self._name.setFont(font(11))
        self._value = QLabel(self)
        self._value.setFont(font(11, 500, tabular=True))
        layout.addWidget(self.icon)
        layout.addWidget(self._name)
        layout.addWidget(self._value)
        theme.changed.connect(self._restyle)
        self._restyle()

    def show_value(self, text: str) -> None:
        if self._value.text() != text:
            self._value.setText(text)

    def _restyle(self) -> None:
        self._name.setStyleSheet(f"color: {hex_of('text3')}")
        self._value.setStyleSheet(f"color: {hex_of('text2')}")
