"""Every run of the studio is recorded; this is what joins the records with the window."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QSettings, QStandardPaths, QTimer, Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from pypipeline_engine.host.protocol import RecordRequest
from pypipeline_engine.numbers import counted
from pypipeline_studio.document.run_folder import MOST_BYTES_OF_ONE, FolderRefused, RunFolder, StoredRun
from pypipeline_studio.document.run_record import RecordRefused, read_graph
from pypipeline_studio.open_graph import OpenGraph
from pypipeline_studio.panels.runs import KEEPS, RunsPanel
from pypipeline_studio.panels.runs_model import local_time
from pypipeline_studio.session import Session
from pypipeline_studio.window.file_commands import FileCommands
from pypipeline_studio.window.run_control import RunControl

REFRESH_MS: Final = 2_000
"""How often the list is read again while a run is recorded and the list is seen."""
_RECORDS, _KEEP = "runs/records", "runs/keep"


def runs_folder() -> Path:
    """Where the studios of this user keep the records of their runs."""
    return Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.AppDataLocation)) / "runs"


class Runs(QObject):
    """The recorded runs of a window. For the thread of the window only."""

    told = Signal(str)
    """Something short for people."""
    replay_requested = Signal(Path, str)
    """The path of a record that is to be shown, and what the run is called."""
    compare_requested = Signal(Path, Path, str)
    """The paths of two records, the earlier one first, and what they are called."""

    def __init__(
        self, session: Session, run_control: RunControl, files: FileCommands, panel: RunsPanel, window: QWidget
    ) -> None:
        super().__init__(window)
        self._session = session
        self._run_control = run_control
        self._files = files
        self._panel = panel
        self._window = window
        self.folder = RunFolder(runs_folder())
        self._recording: Path | None = None
        self._was_going_on = False
        settings = QSettings()
        kept = str(settings.value(_KEEP, ""))
        self._keep = int(kept) if kept.isdecimal() and int(kept) > 0 else KEEPS[1]
        panel.set_keep(self._keep)
        panel.record_box.setChecked(bool(settings.value(_RECORDS, True, bool)))
        self._refreshing = QTimer(self)
        self._refreshing.setInterval(REFRESH_MS)
        self._refreshing.timeout.connect(self._refresh_if_seen)
        run_control.plan_record = self.plan_record
        run_control.run_changed.connect(self._follow_run)
        panel.recording_changed.connect(lambda records: QSettings().setValue(_RECORDS, records))
        panel.keep_changed.connect(self._set_keep)
        panel.renamed.connect(self.rename)
        panel.delete_requested.connect(self.delete)
        panel.graph_requested.connect(self.open_graph)
        panel.shown.connect(self.refresh)
        panel.replay_requested.connect(self._ask_for_replay)
        panel.compare_requested.connect(self._ask_for_comparison)

    # ------------------------------------------------------------------ recording

    def plan_record(self, graph: OpenGraph) -> RecordRequest | None:
        """Where the run of a graph that is about to begin is recorded; `None` where it is not to be."""
        self._recording = None
        if not self._panel.record_box.isChecked():
            return None
        try:
            self._recording = self.folder.new_path(graph.document.name)
        except FolderRefused as error:
            self.told.emit(f"This run is not recorded. {error}")
            return None
        source = str(graph.path) if graph.path is not None else ""
        return RecordRequest(path=str(self._recording), source=source, most_bytes=MOST_BYTES_OF_ONE)

    def _follow_run(self) -> None:
        is_going_on = self._run_control.is_busy
        if is_going_on == self._was_going_on:
            return
        self._was_going_on = is_going_on
        if is_going_on:
            self._refreshing.start()
        else:
            self._refreshing.stop()
            self._recording = None
            self.folder.prune(self._keep)
        self.refresh()

    def _set_keep(self, number: int) -> None:
        nb_gone = max(0, len(self.folder.read_all()) - number)
        what = f"{counted(nb_gone, 'run')}, the oldest without a name first, will be deleted."
        if nb_gone and not self._ask(f"Keep {counted(number, 'run')}?", what, "Delete"):
            return
        self._keep = number
        QSettings().setValue(_KEEP, number)
        self._panel.set_keep(number)
        self.folder.prune(number, keep=self._recording)
        self.refresh()

    # ------------------------------------------------------------------ the list

    def refresh(self) -> None:
        """Read the list again; what is not seen is read when it is."""
        if self._panel.isVisible():
            self._panel.show_runs(self.folder.read_all(), self._recording)

    def _refresh_if_seen(self) -> None:
        if self._panel.isVisible() and self._panel.table.state() != self._panel.table.State.EditingState:
            self.refresh()

    def find(self, path: Path) -> StoredRun | None:
        """A run of the list."""
        return next((stored for stored in self.folder.read_all() if stored.path == path), None)

    def _ask_for_replay(self, path: Path) -> None:
        stored = self.find(path)
        if stored is not None and stored.run is not None:
            self.replay_requested.emit(path, f"{stored.title}, {local_time(stored.run.began_at)}")

    def _ask_for_comparison(self, before: Path, after: Path) -> None:
        known = [self.find(path) for path in (before, after)]
        names = [
            stored.name or f"{stored.title} of {local_time(stored.run.began_at)}"
            for stored in known
            if stored is not None and stored.run is not None
        ]
        self.compare_requested.emit(before, after, " → ".join(names))

    def rename(self, path: Path, name: str) -> None:
        """Give a run a name."""
        try:
            self.folder.rename(path, name)
        except FolderRefused as error:
            self.told.emit(str(error))
        self.refresh()

    def delete(self, paths: Sequence[Path]) -> None:
        """Delete runs, after a question: it cannot be undone."""
        known = [stored for stored in self.folder.read_all() if stored.path in paths]
        what = f"the run {known[0].title!r}" if len(known) == 1 else counted(len(known), "run")
        if not known or not self._ask(f"Delete {what}?", "This cannot be undone.", "Delete"):
            return
        try:
            self.folder.delete([stored.path for stored in known])
        except FolderRefused as error:
            self.told.emit(str(error))
        self.refresh()

    def open_graph(self, path: Path) -> None:
        """Open the graph of a run as it was, as one that has no file yet."""
        try:
            document = read_graph(path)
        except RecordRefused as error:
            self.told.emit(str(error))
            return
        self._session.begin(document)
        self.told.emit(f"{document.name} as it ran; it is not saved to a file yet.")

    def _ask(self, text: str, about: str, action: str) -> bool:
        box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.Question)
        box.setText(text)
        box.setInformativeText(about)
        agree = box.addButton(action, QMessageBox.ButtonRole.DestructiveRole)
        box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
        box.exec()
        return box.clickedButton() is agree
