"""How often the canvas and the status bar show what a run does. The engine tells it four times a second."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject, QSettings, Signal

from pypipeline_studio.window.actions import Actions
from pypipeline_studio.window.run_control import RunControl

SETTING: Final = "live/rate_hz"
"""The key of the settings under which the rate is kept."""
RATES_HZ: Final = (4, 2, 1, 0)
"""Those that can be chosen; 0 for not at all."""
_SLACK_S: Final = 0.06
"""Snapshots do not come to the millisecond."""


class LivePace(QObject):
    """Lets through so many snapshots of a run, and everything else that happens to it."""

    due = Signal()
    """What a run does is to be shown."""

    def __init__(self, run_control: RunControl, commands: Actions, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._run_control = run_control
        self._live = commands["live"]
        self._shown: tuple[int, float] | None = None
        self._rate_hz = _from_setting(QSettings().value(SETTING))
        self._live.setChecked(self._rate_hz > 0)
        run_control.live_changed.connect(self._take)

    @property
    def rate_hz(self) -> int:
        """How often a second; 0 where nothing is shown."""
        return self._rate_hz if self._live.isChecked() else 0

    def set_rate(self, rate_hz: int) -> None:
        """Show so many snapshots a second from now on; 0 for none."""
        QSettings().setValue(SETTING, rate_hz)
        self._rate_hz = rate_hz
        self._shown = None
        if self._live.isChecked() != (rate_hz > 0):
            self._live.trigger()

    def _take(self) -> None:
        snapshot = self._run_control.snapshot
        if snapshot is None or snapshot.state != "running":
            self._shown = None
            self.due.emit()
            return
        rate_hz = self._rate_hz or RATES_HZ[0]  # switched on again in the toolbar
        if self._shown is not None and self._shown[0] == snapshot.run:
            passed_s = snapshot.elapsed_s - self._shown[1]
            if 0 <= passed_s < 1 / rate_hz - _SLACK_S:
                return
        self._shown = (snapshot.run, snapshot.elapsed_s)
        self.due.emit()


def _from_setting(kept: object) -> int:
    try:
        rate_hz = int(str(kept))
    except ValueError:
        return RATES_HZ[0]
    return rate_hz if rate_hz in RATES_HZ else RATES_HZ[0]
