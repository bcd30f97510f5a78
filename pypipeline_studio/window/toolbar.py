"""The toolbar: run, pause, step, stop, and what the run does in a few words."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QWidget

from pypipeline_engine.host.protocol import RunInfo
from pypipeline_engine.numbers import count, counted
from pypipeline_studio.panels.palette_button import PaletteButton
from pypipeline_studio.theme.colours import hex_of, theme
from pypipeline_studio.theme.fonts import font
from pypipeline_studio.window.actions import Actions

_STATE_LOOK = {
    "none": ("Not run yet", "text3"),
    "running": ("Running", "ok"),
    "paused": ("Paused", "warn"),
    "stopping": ("Stopping", "warn"),
    "ended": ("Ended", "text2"),
    "stopped": ("Stopped", "text2"),
    "failed": ("Failed", "error"),
}


class Toolbar(QFrame):
    """What is above the canvas."""

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("toolbar")
        self.setFixedHeight(41)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 0, 12, 0)
        layout.setSpacing(4)
        self._buttons: dict[str, QWidget] = {
            key: _button(actions[key], has_text=key != "dark")
            for key in ("run", "pause", "step", "stop", "tune", "heat", "live", "dark")
        }
        self._buttons["palette"] = PaletteButton(actions["palette"])
        for key in ("run", "pause", "step", "stop"):
            layout.addWidget(self._buttons[key])
        layout.addLayout(_around(_rule()))
        self._dot = QLabel("●", self)
        self._dot.setFont(font(9))
        self._state = QLabel(self)
        self._state.setFont(font(12, 600))
        self._state.setAccessibleName("State of the run")
        self._progress = QLabel(self)
        self._progress.setFont(font(12, tabular=True))
        for label in (self._dot, self._state, self._progress):
            layout.addWidget(label)
        self._hint_rule = _rule()
        layout.addLayout(_around(self._hint_rule))
        self._hint = QLabel(self)
        self._hint.setFont(font(12))
        layout.addWidget(self._hint)
        layout.addStretch(1)
        layout.addWidget(self._buttons["tune"])
        self._more = QHBoxLayout()
        self._more.setSpacing(4)
        layout.addLayout(self._more)
        for key in ("heat", "live", "palette", "dark"):
            layout.addWidget(self._buttons[key])
        self._run = RunInfo()
        self._held = ""
        self._is_lost = False
        theme.changed.connect(self._restyle)
        self.show_run(self._run, "", False)

    def add(self, part: QWidget) -> None:
        """Put something left of what decides how the graph is shown."""
        self._more.addWidget(part)

    def leave_out(self, keys: Sequence[str]) -> None:
        """Have no buttons for these actions, by their keys."""
        for key in keys:
            self._buttons[key].hide()

    def show_run(self, run: RunInfo, engine_note: str, needs_restart: bool) -> None:
        """Show a state of the run.

        :param engine_note: what the engine does where that is in the way, such as `Starting the engine …`.
        """
        self._run = run
        hint = engine_note or (
            "Changed since the start: stop, and run again to use it" if needs_restart and not run.is_over else ""
        )
        self._hint.setText(hint)
        self._hint_rule.setVisible(bool(hint))
        if run.state == "none" or run.is_starting:
            self._progress.setText("")
        self._restyle()

    def show_held(self, cell: str) -> None:
        """Show at which cell a breakpoint holds an item; empty for none."""
        if cell != self._held:
            self._held = cell
            self._restyle()

    def show_lost(self, is_lost: bool) -> None:
        """Show whether nobody knows what the run does."""
        if is_lost != self._is_lost:
            self._is_lost = is_lost
            self._restyle()

    def show_progress(self, elapsed_s: float, sink_items: int) -> None:
        """Show how far the run is."""
        minutes, seconds = divmod(int(elapsed_s), 60)
        hours, minutes = divmod(minutes, 60)
        clock = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
        total = self._run.nb_items
        items = counted(sink_items, "item") if total is None else f"{count(sink_items)} of {counted(total, 'item')}"
        self._progress.setText(f"{clock}   {items}")

    def _restyle(self) -> None:
        is_starting = self._run.is_starting and self._run.state != "stopping"
        text, token = ("Starting", "warn") if is_starting else _STATE_LOOK[self._run.state]
        if self._held and self._run.state == "paused":
            text = f"Held at {self._held}"
        if self._is_lost:
            text, token = "Not known", "text2"
        self._state.setText(text)
        self._dot.setStyleSheet(f"color: {hex_of(token)}")
        self._state.setStyleSheet(f"color: {hex_of('text')}")
        self._progress.setStyleSheet(f"color: {hex_of('text2')}")
        self._hint.setStyleSheet(f"color: {hex_of('warn')}")


def _button(action: QAction, has_text: bool) -> QToolButton:
    button = QToolButton()
    button.setDefaultAction(action)
    button.setIconSize(QSize(16, 16))
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    if has_text:
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        _show_text(button, action)
        action.changed.connect(lambda: _show_text(button, action))
    else:
        button.setProperty("icononly", True)
    return button


def _show_text(button: QToolButton, action: QAction) -> None:
    # The style sets no room between icon and text.
    button.setText(f" {action.text().replace('&', '')}")


def _rule() -> QFrame:
    rule = QFrame()
    rule.setFixedSize(1, 20)
    rule.setObjectName("rule")
    return rule


def _around(rule: QFrame) -> QHBoxLayout:
    """Room on both sides of a rule."""
    layout = QHBoxLayout()
    layout.setContentsMargins(8, 0, 8, 0)
    layout.addWidget(rule)
    return layout
