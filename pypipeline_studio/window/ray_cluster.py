"""Where the engine's Ray clones run: asked for in a dialog, remembered, and used as soon as nothing runs."""

from __future__ import annotations

from PySide6.QtCore import QObject, QSettings, Signal
from PySide6.QtWidgets import QWidget

from pypipeline_studio.engine.engine import Engine
from pypipeline_studio.window.actions import Actions
from pypipeline_studio.window.ray_dialog import SETTING, RayDialog, explain_address
from pypipeline_studio.window.run_control import RunControl


class RayCluster(QObject):
    """Keeps an engine on the Ray that the user chose."""

    told = Signal(str)

    def __init__(self, engine: Engine, run_control: RunControl, commands: Actions, window: QWidget) -> None:
        super().__init__(window)
        self._engine = engine
        self._run_control = run_control
        self._window = window
        self._restarts_engine = False
        engine.ray_address = str(QSettings().value(SETTING, ""))
        commands.on("ray_cluster", self.choose)
        run_control.run_changed.connect(self._restart)

    def choose(self) -> None:
        """Ask where Ray clones are to run."""
        dialog = RayDialog(self._engine.ray_address, self._window)
        dialog.address_chosen.connect(self._set_address)
        dialog.open()

    def _set_address(self, address: str) -> None:
        if address == self._engine.ray_address:
            return
        QSettings().setValue(SETTING, address)
        self._engine.ray_address = address
        self._restarts_engine = self._engine.state not in ("off", "ended")
        when = "after this run" if self._run_control.is_busy else "from now on"
        self.told.emit(f"Ray clones run {explain_address(address)} {when}")
        self._restart()

    def _restart(self) -> None:
        """A process is connected to one Ray only, so that another address takes another process."""
        if self._restarts_engine and not self._run_control.is_busy:
            self._restarts_engine = False
            if self._engine.state not in ("off", "ended"):
                self._engine.restart()
