"""Tune: what joins the search for the numbers of clones with the open graph. What was found becomes one edit."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from pypipeline_engine.host.tuning_lines import TuneResult
from pypipeline_studio.document.edits import GraphEditRefused
from pypipeline_studio.document.libraries import cells_options
from pypipeline_studio.document.tuning import TuneWish, with_found
from pypipeline_studio.engine.engine import Engine
from pypipeline_studio.engine.tuner import Tuner, tune_command
from pypipeline_studio.panels.tune_dialog import TuneDialog
from pypipeline_studio.session import Session
from pypipeline_studio.window.actions import Actions
from pypipeline_studio.window.run_control import RunControl


class Tuning(QObject):
    """Opens the dialog, and searches in a process of its own. One search at a time."""

    told = Signal(str)

    def __init__(
        self, session: Session, engine: Engine, run_control: RunControl, commands: Actions, window: QWidget
    ) -> None:
        super().__init__(window)
        self._session = session
        self._engine = engine
        self._run_control = run_control
        self._action = commands["tune"]
        self._window = window
        self.dialog: TuneDialog | None = None
        self.tuner: Tuner | None = None
        commands.on("tune", self.open)
        session.document_changed.connect(self._allow)
        run_control.run_changed.connect(self._allow)
        self._allow()

    def _allow(self) -> None:
        is_free = not self._run_control.is_busy
        self._action.setEnabled(bool(self._session.document.cells) and is_free)
        self._action.setToolTip(
            "Find the numbers of clones with which the graph is fastest"
            if is_free
            else "Stop the run first: it would be measured along with the search"
        )

    def open(self) -> None:
        """Ask what to search for."""
        if self.dialog is not None:
            self.dialog.raise_()
            return
        info = self._engine.info
        dialog = TuneDialog(self._session.title, info.has_ray if info is not None else None, self._window)
        dialog.search_requested.connect(self._search)
        dialog.stop_requested.connect(self._stop)
        dialog.applied.connect(self._apply)
        dialog.finished.connect(self._close)
        self.dialog = dialog
        dialog.open()

    def _search(self, wish: object) -> None:
        assert isinstance(wish, TuneWish)
        assert self.dialog is not None
        address = self._engine.ray_address
        cells = cells_options(self._session.document, self._session.types)
        tuner = Tuner(tune_command(cells), {"RAY_ADDRESS": address} if address else None, self)
        self.tuner = tuner
        tuner.line_arrived.connect(self.dialog.take)
        tuner.ended.connect(self._end)
        try:
            tuner.start(self._session.document, self._session.folder, wish.arguments())
        except OSError as error:
            self._end(f"The graph cannot be written to a temporary folder: {error.strerror}.")

    def _stop(self) -> None:
        if self.tuner is not None:
            self.tuner.stop()

    def _end(self, words: str) -> None:
        tuner, self.tuner = self.tuner, None
        if tuner is not None:
            tuner.deleteLater()
        if self.dialog is not None:
            self.dialog.end(words)

    def _apply(self, result: object) -> None:
        assert isinstance(result, TuneResult)
        try:
            document = with_found(self._session.document, result)
        except GraphEditRefused as error:
            self.told.emit(str(error))
            return
        names = list(result.changes)
        self._session.edit(f"Tune {names[0] if len(names) == 1 else f'{len(names)} cells'}", document)

    def _close(self) -> None:
        if self.tuner is not None:
            self.tuner.close()
            self.tuner.deleteLater()
            self.tuner = None
        if self.dialog is not None:
            self.dialog.deleteLater()
            self.dialog = None

    def close(self) -> None:
        """End a search that goes on: the window closes."""
        if self.dialog is not None:
            self.dialog.reject()
