"""What joins the tab with errors and the run: when each came, which items are kept, and running them again."""

from __future__ import annotations

from functools import partial
from time import time
from typing import Any, Final

from PySide6.QtCore import QEvent, QObject, QSettings, Signal
from PySide6.QtGui import QImage

from pypipeline_engine.catalogue.model import Folders
from pypipeline_engine.host.looking import FailedInfo, FailedItems, ReplayInfo
from pypipeline_engine.host.protocol import CellError, Refusal, RunInfo
from pypipeline_studio.document import edits
from pypipeline_studio.engine.engine import Engine
from pypipeline_studio.panels.errors import ErrorRow, ErrorsPanel
from pypipeline_studio.panels.rerun_dialog import RerunDialog
from pypipeline_studio.session import Session
from pypipeline_studio.window.graph_run import ERRORS_KEPT
from pypipeline_studio.window.run_control import RunControl

_MOST_TIMES: Final = 5 * ERRORS_KEPT


class Failing(QObject):
    """Keeps the list of errors. For the thread of the window only."""

    told = Signal(str)

    def __init__(self, session: Session, run_control: RunControl, engine: Engine, panel: ErrorsPanel) -> None:
        super().__init__(panel)
        self._session = session
        self._run_control = run_control
        self._engine = engine
        self._looking = engine.looking
        self._panel = panel
        self._times: dict[int, tuple[CellError, float]] = {}
        """By the identity of an error, when it came; those of graphs that are not in front as well."""
        self._kept: dict[tuple[str, int], FailedInfo] = {}
        self._run = 0
        panel.keep.setChecked(QSettings().value("keep_failed", True, bool))
        panel.installEventFilter(self)
        panel.keep_changed.connect(self._keep)
        panel.rerun_requested.connect(self._open)
        engine.error_arrived.connect(self._note_time)
        engine.run_changed.connect(self._follow_run)
        run_control.errors_changed.connect(self._follow_errors)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show:
            self._follow_errors(is_visible=True)
        return False

    # ------------------------------------------------------------------ what is kept

    def _cells(self) -> tuple[str, ...]:
        """Those that skip the items they fail at, and run in the process of the engine."""
        found = []
        graph = self._run_control.running_graph or self._session.front
        for names, cell in graph.document.walk():
            skips = cell.on_error is not None and cell.on_error.then == "skip"
            is_elsewhere = cell.scale is not None and cell.scale.ray > 0 and not cell.scale.thread
            if skips and not (cell.is_pipeline or cell.disabled or cell.bypassed or is_elsewhere):
                found.append(".".join(names))
        return tuple(found)

    def _keep(self, is_kept: bool) -> None:
        QSettings().setValue("keep_failed", is_kept)
        if self._run:
            self._retain()

    def _retain(self) -> None:
        cells = self._cells() if self._panel.keep.isChecked() else ()
        self._panel.note.show_text("")
        self._looking.retain(cells, self._take_kept, self._tell_not_kept)

    def _tell_not_kept(self, refusal: Refusal) -> None:
        self._panel.note.show_text(f"Not kept: {refusal.message}")

    def _follow_run(self, run: RunInfo) -> None:
        if run.is_over:
            self._run = 0
            self._take_kept(FailedItems())
        elif run.state in ("running", "paused") and not run.is_starting and run.run != self._run:
            self._run = run.run
            if self._panel.keep.isChecked() and self._cells():
                self._retain()

    def _take_kept(self, items: FailedItems) -> None:
        self._kept = {(one.cell, one.item): one for one in items.items}
        self._show()

    # ------------------------------------------------------------------ the list

    def _note_time(self, error: CellError) -> None:
        self._times[id(error)] = error, time()
        while len(self._times) > _MOST_TIMES:
            del self._times[next(iter(self._times))]

    def _follow_errors(self, is_visible: bool | None = None) -> None:
        self._show()
        if self._run_control.errors and self._run and (self._panel.isVisible() if is_visible is None else is_visible):
            self._looking.get_failed(self._take_kept)

    def _show(self) -> None:
        self._panel.show_rows(
            [
                ErrorRow(
                    error,
                    self._times[id(error)][1],
                    self._run_control.runs_front and error.item is not None and (error.cell, error.item) in self._kept,
                )
                for error in reversed(self._run_control.errors)
                if id(error) in self._times
            ]
        )

    # ------------------------------------------------------------------ running one again

    def _open(self, error: CellError) -> None:
        failed = self._kept.get((error.cell, error.item)) if error.item is not None else None
        entry = self._session.document.find(tuple(error.cell.split(".")))
        if failed is None or entry is None:
            self.told.emit("This item is kept no longer, and cannot be run again.")
            return
        dialog = RerunDialog(failed, self._panel.window())
        folders = Folders(self._session.folder, self._run_control.output_folder)
        dialog.form.show_cell(failed.cell, self._session.types.find(entry.type), entry.parameters, folders)
        dialog.form.run_requested.connect(partial(self._replay, dialog))
        dialog.form.apply_requested.connect(partial(self._apply, dialog))
        dialog.traceback_requested.connect(self._panel.traceback_requested)
        dialog.show()

    def _replay(self, dialog: RerunDialog, parameters: dict[str, Any]) -> None:
        failed = dialog.failed
        dialog.form.set_busy(True)
        # The dialog may be closed before the answers come.
        shown = [dialog]
        dialog.destroyed.connect(shown.clear)

        def show(port: str, content: bytes, _: int) -> None:
            for one in shown:
                one.show_picture(port, QImage.fromData(content))

        def take(done: ReplayInfo) -> None:
            for one in shown:
                one.show_replay(done)
                for port, value in done.outputs.items():
                    if value.has_picture:
                        self._looking.get_replayed_picture(port, partial(show, port))

        def refuse(refusal: Refusal) -> None:
            for one in shown:
                one.show_refusal(refusal.message)

        self._looking.replay_failed(failed.cell, failed.item, parameters, take, refuse)

    def _apply(self, dialog: RerunDialog, parameters: dict[str, Any]) -> None:
        """Give the cell in the graph the parameters that were tried; one step to undo."""
        *path, name = dialog.failed.cell.split(".")
        document = self._session.document
        if document.find((*path, name)) is None or not parameters:
            return
        for parameter, value in parameters.items():
            document = edits.set_parameter(document, tuple(path), name, parameter, value)
        self._session.edit(f"Set {', '.join(parameters)} of {dialog.failed.cell}", document)
        entry = document.find((*path, name))
        if entry is not None:
            folders = Folders(self._session.folder, self._run_control.output_folder)
            cell_type = self._session.types.find(entry.type)
            dialog.form.show_cell(dialog.failed.cell, cell_type, entry.parameters, folders)
