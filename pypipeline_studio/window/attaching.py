"""Run > Attach: asks where a run can be watched, remembers the address, and opens a window for it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QSettings
from PySide6.QtWidgets import QWidget

from pypipeline_engine.graph.problems import WrongGraphException
from pypipeline_engine.host.protocol import RunningGraph
from pypipeline_studio.engine.addresses import Address, from_setting, to_setting, with_recent
from pypipeline_studio.engine.remote import RemoteEngine, WrongCertificate, load_trust
from pypipeline_studio.panels.attach_dialog import AttachDialog
from pypipeline_studio.window.actions import Actions
from pypipeline_studio.window.attached_window import AttachedWindow

SETTING: Final = "attach/recent"
"""The key of the settings under which addresses are kept; tokens never are."""


class Attaching(QObject):
    """Opens windows for runs that were started elsewhere."""

    def __init__(self, commands: Actions, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._engine: RemoteEngine | None = None
        self.dialog: AttachDialog | None = None
        self.windows: list[AttachedWindow] = []
        """Those that are open."""
        commands.on("attach", self.choose)

    def choose(self) -> None:
        """Ask for an address and a token."""
        if self.dialog is not None:
            self.dialog.raise_()
            return
        dialog = AttachDialog(from_setting(QSettings().value(SETTING)), self._window)
        dialog.attach_requested.connect(self._attach)
        dialog.finished.connect(self._end)
        self.dialog = dialog
        dialog.open()

    def close(self) -> None:
        """Detach from all runs: the studio closes."""
        if self.dialog is not None:
            self.dialog.reject()
        for window in list(self.windows):
            window.engine.give_back(goes_on=True)
            window.close()

    def _attach(self, address: object, token: str, certificate: object) -> None:
        assert isinstance(address, Address)
        assert self.dialog is not None
        try:
            trust = load_trust(certificate if isinstance(certificate, Path) else None) if address.is_secure else None
        except WrongCertificate as error:
            self.dialog.complain(f"{error}.")
            return
        engine = RemoteEngine(address, token, trust, parent=self)
        self._engine = engine
        engine.attached.connect(self._open)
        engine.not_attached.connect(self._complain)
        engine.start()

    def _complain(self, words: str) -> None:
        self._drop_engine()
        if self.dialog is not None:
            self.dialog.complain(words)

    def _open(self, graph: RunningGraph) -> None:
        engine = self._engine
        if engine is None:  # the dialog was closed meanwhile
            return
        engine.attached.disconnect(self._open)
        engine.not_attached.disconnect(self._complain)
        try:
            window = AttachedWindow(engine, graph)
        except WrongGraphException as error:
            self._complain(f"The graph of the run cannot be read by this version: {error}")
            return
        self._engine = None
        settings = QSettings()
        recent = with_recent(from_setting(settings.value(SETTING)), engine.address.url)
        settings.setValue(SETTING, to_setting(recent))
        self.windows.append(window)
        window.closed.connect(lambda: self.windows.remove(window))
        window.show()
        if self.dialog is not None:
            self.dialog.accept()

    def _end(self) -> None:
        self._drop_engine()
        if self.dialog is not None:
            self.dialog.deleteLater()
            self.dialog = None

    def _drop_engine(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.blockSignals(True)
            engine.deleteLater()
