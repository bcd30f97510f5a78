"""The graph of a run that was started elsewhere: what the run cannot follow, or may not, is refused as an edit."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from pypipeline_engine.graph.model import Document
from pypipeline_studio.document.changes import changes_between
from pypipeline_studio.session import Session

ONLY_WATCHED = "You only watch this run: press Take control, above the graph, to change it."
IS_OVER = "This run is over: nothing of it can be changed any more."
CANNOT_FOLLOW = (
    "A run that goes on can be given other values of parameters, other numbers of clones, and something else to do when an "
    "item fails, and nothing more."
)


class WatchedSession(Session):
    """A graph without a file. Cells may be moved about, which nobody else sees."""

    refused = Signal(str)
    """Why an edit was not made."""

    def __init__(self, document: Document, folder: Path, parent: QObject | None = None) -> None:
        """:param folder: what its files are relative to where it runs, which may be another machine."""
        super().__init__(parent)
        self.may_change = False
        """Whether the run may be changed."""
        self.begin(document)
        self.front.folder_elsewhere = folder

    def edit(self, text: str, document: Document, merge_key: str = "") -> None:
        """Make an edit that the run can follow; others are refused, and what shows the document shows it again."""
        changes = changes_between(self.document, document, self.types)
        is_about_run = changes.needs_restart or changes.parameters or changes.scales or changes.policies
        if is_about_run and (changes.needs_restart or not self.may_change):
            self.refused.emit(CANNOT_FOLLOW if self.may_change else ONLY_WATCHED)
            # Who asked shows what it asked for until it has control again.
            QTimer.singleShot(0, self, self.document_changed.emit)
            return
        super().edit(text, document, merge_key)

    def refresh(self, document: Document) -> None:
        """Take over what others have made of the graph; nothing of before can be undone."""
        self.front.replace(document)
