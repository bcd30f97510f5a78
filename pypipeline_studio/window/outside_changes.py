"""The bar that says what another program has done to the file, and what is done about it."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from pypipeline_studio.document.comparing import compare
from pypipeline_studio.panels.diff_dialog import DiffDialog
from pypipeline_studio.panels.notice_bar import NoticeBar
from pypipeline_studio.session import Session
from pypipeline_studio.window.file_commands import FileCommands
from pypipeline_studio.window.file_watch import FileWatch


class OutsideChanges(QObject):
    """Joins what is seen of the file with the bar above the canvas."""

    def __init__(self, session: Session, files: FileCommands, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._files = files
        self._window = window
        self.bar = NoticeBar()
        self.watch = FileWatch(session, self)
        self.watch.changed.connect(self._show)

    def compare(self) -> None:
        """Show what differs between the file and the graph here."""
        if self._session.path is not None:
            text = compare(self._session.document, self._session.path)
            DiffDialog(self._session.title, text, self._window).show()

    def _show(self, state: str) -> None:
        title = self._session.title
        keep = (
            "Keep mine",
            "Go on with the graph as it is here; saving it writes over the file",
            self._session.keep_mine,
        )
        if state == "changed":
            self.bar.show_notice(
                f"{title} was changed by another program.",
                (
                    ("Reload", "Take over what is in the file; undo brings back what is here", self._files.reload),
                    keep,
                    ("Compare", "Show what differs", self.compare),
                ),
            )
        elif state == "gone":
            self.bar.show_notice(
                f"{title} is not in its folder any more.",
                (("Save again", "Write it where it was", self._files.save), keep),
            )
        else:
            self.bar.hide()
