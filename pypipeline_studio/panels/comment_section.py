"""What a person writes about a cell, in the inspector."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal

from pypipeline_studio.panels.long_field import LongField
from pypipeline_studio.panels.widgets import Section


class CommentSection(Section):
    """A field for a comment; it is shown in the tooltip of the node, and found by the search."""

    comment_changed = Signal(str)

    def __init__(self) -> None:
        super().__init__("Comment")
        self._cell = ""
        self.field = LongField("Comment", _read)
        self.field.setPlaceholderText("What should be known about this cell")
        self.field.edited.connect(self._take)
        self.body.addWidget(self.field)

    def show_comment(self, cell: str, comment: str) -> None:
        """Show what is written about a cell. What is being typed about the same one stays."""
        if cell != self._cell:
            self._cell = cell
            self.field.forget_typed()
        self.field.show_text(comment)

    def _take(self, comment: Any, _is_finished: bool) -> None:
        self.comment_changed.emit(comment)


def _read(text: str) -> str:
    """The text without halves of surrogate pairs, which no file can hold, and without empty lines at its end."""
    return text.encode("utf-8", "ignore").decode("utf-8").rstrip()
