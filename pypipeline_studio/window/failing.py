"""What joins the tab with errors and the run: when each came, which items are kept, and running them again."""

from __future__ import annotations

from functools import partial
from typing import Any

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
from pypipeline_studio.window.run_control import RunControl
from pypipeline_studio.window.watched_session import ONLY_WATCHED


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
        self._asked: tuple[str, ...] = ()
        """The cells of which failed items were to be kept last."""
        self._kept: dict[tuple[str, int], FailedInfo] = {}
        self._run = 0
        panel.keep.setChecked(QSettings().value("keep_failed", True, bool))
        panel.installEventFilter(self)
        panel.keep_changed.connect(self._keep)
        panel.rerun_requested.connect(self._open)
        engine.run_changed.connect(self._follow_run)
        engine.control_changed.connect(self._follow_control)
        run_control.errors_changed.connect(self._follow_errors)
        session.document_changed.connect(self._follow_document)
        self._follow_control()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show:
            self._follow_errors(is_visible=True)
        return False

    # ------------------------------------------------------------------ what is kept

    def _cells(self) -> tuple[str, ...]:
        """Those that skip the items they fail at."""
        if not self._panel.keep.isChecked():
            return ()
        found = []
        out: set[tuple[str, ...]] = set()  # pipelines that do not run, with all that is inside of them
        graph = self._run_control.running_graph or self._session.front
        for names, cell in graph.document.walk():
            if cell.disabled or cell.bypassed or names[:-1] in out:
                out.add(names)
            elif cell.on_error is not None and cell.on_error.then == "skip" and not cell.is_pipeline:
                found.append(".".join(names))
        return tuple(found)

    def _keep(self, is_kept: bool) -> None:
        QSettings().setValue("keep_failed", is_kept)
        self._retain()

    def _retain(self) -> None:
        """Have kept what is to be kept now, where that is not so already."""
        cells = self._cells()
        if not self._run or not self._engine.has_control or cells == self._asked:
            return
        self._asked = cells
        self._panel.note.show_text("")

        def refuse(refusal: Refusal) -> None:
            if self._asked == cells:
                self._keep_each(cells if len(cells) > 1 else (), (), [refusal.message])

        self._looking.retain(cells, self._take_kept, refuse)

    def _keep_each(self, cells: tuple[str, ...], kept: tuple[str, ...], complaints: list[str]) -> None:
        """One of several cells is refused, and with it all that were asked for together: find out which, one by one.

        :param cells: those that are still to be tried.
        :param kept: those that can be kept.
        :param complaints: the first one is about all of them together.
        """
        if not cells:
            told = complaints[1:] or complaints
            self._panel.note.show_text("Not kept: " + "; ".join(dict.fromkeys(told)))
            return
        asked = self._asked

        def take(items: FailedItems) -> None:
            if self._asked == asked:
                self._take_kept(items)
                self._keep_each(cells[1:], (*kept, cells[0]), complaints)

        def refuse(refusal: Refusal) -> None:
            if self._asked == asked:
                self._keep_each(cells[1:], kept, [*complaints, refusal.message])

        self._looking.retain((*kept, cells[0]), take, refuse)

    def _follow_control(self) -> None:
        self._panel.keep.setEnabled(self._engine.has_control)
        self._asked = ()  # whoever had control may have asked for others
        self._retain()

    def _follow_document(self) -> None:
        if self._run and self._run_control.runs_front:
            self._retain()

    def _follow_run(self, run: RunInfo) -> None:
        if run.is_over:
            self._run, self._asked = 0, ()
            self._take_kept(FailedItems())
        elif run.state in ("running", "paused") and not run.is_starting and run.run != self._run:
            self._run, self._asked = run.run, ()
            self._retain()

    def _take_kept(self, items: FailedItems) -> None:
        self._kept = {(one.cell, one.item): one for one in items.items}
        self._show()

    # ------------------------------------------------------------------ the list

    def _follow_errors(self, is_visible: bool | None = None) -> None:
        self._show()
        if self._run_control.errors and self._run and (self._panel.isVisible() if is_visible is None else is_visible):
            self._looking.get_failed(self._take_kept)

    def _show(self) -> None:
        self._panel.show_rows(
            [
                ErrorRow(
                    error,
                    self._run_control.runs_front and error.item is not None and (error.cell, error.item) in self._kept,
                )
                for error in reversed(self._run_control.errors)
            ]
        )

    # ------------------------------------------------------------------ running one again

    def _open(self, error: CellError) -> None:
        failed = self._kept.get((error.cell, error.item)) if error.item is not None else None
        entry = self._session.document.find(tuple(error.cell.split(".")))
        if failed is None or entry is None:
            self.told.emit("This item is kept no longer, and cannot be run again.")
            return
        if not self._engine.has_control:
            self.told.emit(ONLY_WATCHED)
            return
        dialog = RerunDialog(failed, self._panel.window())
        folders = Folders(self._session.folder, self._run_control.output_folder)
        cell_type = self._session.types.find(entry.type)
        dialog.form.show_cell(failed.cell, cell_type, entry.parameters, folders, failed.inputs.keys())
        dialog.form.run_requested.connect(partial(self._replay, dialog))
        dialog.form.apply_requested.connect(partial(self._apply, dialog))
        dialog.traceback_requested.connect(self._panel.traceback_requested)
        dialog.show()
        self._replay(dialog, {})  # as the graph is now; other values can be tried then

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
        if not self._run_control.runs_front and self._run:
            self.told.emit(f"Show {self._run_control.running_elsewhere} first: the item is of its run.")
            return
        if document.find((*path, name)) is None or not parameters:
            return
        for parameter, value in parameters.items():
            document = edits.set_parameter(document, tuple(path), name, parameter, value)
        self._session.edit(f"Set {', '.join(parameters)} of {dialog.failed.cell}", document)
        entry = document.find((*path, name))
        if entry is not None:
            folders = Folders(self._session.folder, self._run_control.output_folder)
            cell_type = self._session.types.find(entry.type)
            failed = dialog.failed
            dialog.form.show_cell(failed.cell, cell_type, entry.parameters, folders, failed.inputs.keys())
