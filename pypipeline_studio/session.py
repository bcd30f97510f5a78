"""One open graph: its document, its file, its undo stack, and the types of cells that are known.

The document is immutable and the one truth. Every edit makes another one and puts it on the undo stack, whoever asks for
it: the canvas, the inspector or a menu. Whoever shows a document listens to `document_changed`. For the thread of the window
only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from pypipeline_engine.graph.model import Document, to_data
from pypipeline_engine.host.protocol import Catalogue, GraphProblem, Validation
from pypipeline_studio.document.files import (
    DiskState,
    OpenedGraph,
    name_from_file,
    open_graph,
    save_graph,
    state_on_disk,
    with_disk_as_it_is,
)
from pypipeline_studio.document.json_values import is_same
from pypipeline_studio.document.types import StudioTypes

UNTITLED: Final = "untitled"
"""The name of a graph that nobody has named."""
_MERGEABLE = 1
"""The id of edits that become one step with the edit before them, such as the movements of one slider."""


class _Edit(QUndoCommand):
    """From one document to another. The first `redo` is that of pushing it."""

    def __init__(self, session: Session, text: str, before: Document, after: Document, merge_key: str) -> None:
        super().__init__(text)
        self._session = session
        self._before = before
        self._after = after
        self._merge_key = merge_key

    def redo(self) -> None:
        self._session._show(self._after)

    def undo(self) -> None:
        self._session._show(self._before)

    def rename(self, name: str) -> None:
        """Give the graph before and after the edit another name."""
        self._before = self._before.model_copy(update={"name": name})
        self._after = self._after.model_copy(update={"name": name})

    def id(self) -> int:
        return _MERGEABLE if self._merge_key else -1

    def mergeWith(self, other: QUndoCommand) -> bool:  # Qt's name
        if not isinstance(other, _Edit) or other._merge_key != self._merge_key:
            return False
        self._after = other._after
        return True


class Session(QObject):
    """One open graph."""

    document_changed = Signal()
    """The document is another one, by an edit, by undo and redo, or because another graph was opened."""
    graph_replaced = Signal()
    """Another graph was opened; `document_changed` follows."""
    types_changed = Signal()
    problems_changed = Signal()
    file_changed = Signal()
    """The path of the file, or whether there is something to save."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.undo_stack = QUndoStack(self)
        self.undo_stack.cleanChanged.connect(self._tell_file)
        self.types = StudioTypes()
        self.problems: tuple[GraphProblem, ...] = ()
        """What the engine found wrong with the document, when it last looked."""
        self._document = Document(name=UNTITLED)
        self._opened: OpenedGraph | None = None
        self._path: Path | None = None

    # ------------------------------------------------------------------ the document

    @property
    def document(self) -> Document:
        """The graph as it is now."""
        return self._document

    def edit(self, text: str, document: Document, merge_key: str = "") -> None:
        """Replace the document; one step to undo.

        :param text: what was done, for the menu: `Move detect`.
        :param merge_key: edits with the same one that follow each other are one step.
        """
        # Documents are equal for Python also where one says `1` and the other `true`.
        if document is self._document or (
            document == self._document and is_same(to_data(document), to_data(self._document))
        ):
            return
        self.undo_stack.push(_Edit(self, text, self._document, document, merge_key))

    def end_merging(self) -> None:
        """Begin another step with the next edit, whatever its merge key: a slider was let go."""
        if self.undo_stack.canUndo() and self.undo_stack.index() == self.undo_stack.count():
            command = self.undo_stack.command(self.undo_stack.index() - 1)
            if isinstance(command, _Edit):
                command._merge_key = ""

    def _tell_file(self, _is_clean: bool) -> None:
        self.file_changed.emit()

    def _show(self, document: Document) -> None:
        self._document = document
        self.document_changed.emit()

    # ------------------------------------------------------------------ what the engine says

    def set_catalogue(self, catalogue: Catalogue) -> None:
        """Take the types of cells over."""
        self.types = StudioTypes(catalogue.types)
        self.types_changed.emit()

    def set_validation(self, validation: Validation) -> None:
        """Take over what the engine found in the document."""
        if self.types.take_configured(self._document, validation.configured):
            self.types_changed.emit()
        if validation.problems != self.problems:
            self.problems = validation.problems
            self.problems_changed.emit()

    # ------------------------------------------------------------------ the file

    @property
    def path(self) -> Path | None:
        """The file of the graph; `None` for one that was never saved."""
        return self._path

    @property
    def folder(self) -> Path:
        """What relative paths in the graph are relative to."""
        return self._path.parent if self._path is not None else Path.cwd()

    @property
    def title(self) -> str:
        """The name of the file, or what it would be."""
        return self._path.name if self._path is not None else f"{self._document.name}.json"

    @property
    def is_modified(self) -> bool:
        """Whether there is something that was not saved."""
        return not self.undo_stack.isClean()

    def state_on_disk(self) -> DiskState:
        """What other programs have done to the file since it was opened or saved."""
        return state_on_disk(self._opened) if self._opened is not None else "same"

    def is_changed_on_disk(self) -> bool:
        """Whether another program has written or removed the file since it was opened or saved."""
        return self.state_on_disk() != "same"

    def new(self) -> None:
        """Begin with an empty graph."""
        self._replace(Document(name=UNTITLED), None, None)

    def begin(self, document: Document) -> None:
        """Begin with a graph that has no file yet."""
        self._replace(document, None, None)

    def open(self, path: Path) -> None:
        """Open a graph file.

        :raises WrongGraphException: with everything that is wrong with it; the session stays as it was.
        """
        opened = open_graph(path)
        self._replace(opened.document, path.absolute(), opened)

    @property
    def sha256(self) -> str | None:
        """Of the content of the file when it was opened or saved last."""
        return self._opened.sha256 if self._opened is not None else None

    def recover(self, document: Document, path: Path | None, sha256: str | None) -> None:
        """Go on with a graph that was edited and not saved.

        :param path: the file that it was opened from; nothing is read from it.
        :param sha256: of what that file was then.
        """
        opened = OpenedGraph(document, path, sha256) if path is not None and sha256 is not None else None
        self._replace(document, path, opened)
        self.undo_stack.resetClean()  # no step leads to what the file holds
        self.file_changed.emit()

    def reload(self) -> None:
        """Take over what another program has written to the file. One step, so that undo brings back what was here.

        :raises WrongGraphException: with everything that is wrong with the file; the session stays as it was.
        """
        if self._path is None:
            return
        opened = open_graph(self._path)
        self._opened = opened
        self.edit(f"Reload {self.title}", opened.document)
        self.undo_stack.setClean()
        self.file_changed.emit()

    def keep_mine(self) -> None:
        """Go on with the graph as it is here: the next save writes over what another program has written by now."""
        if self._opened is not None:
            self._opened = with_disk_as_it_is(self._opened)
            self.undo_stack.resetClean()  # no step leads to what the file holds
            self.file_changed.emit()

    def save(self, path: Path | None = None) -> None:
        """Write the graph to its file, or to another one. A graph without a name gets that of its first file.

        :raises WrongGraphException: if it cannot be written; the file stays as it was.
        """
        target = (path or self._path or Path(self.title)).absolute()
        name = name_from_file(target) if self._path is None and self._document.name == UNTITLED else None
        document = self._document if name is None else self._document.model_copy(update={"name": name})
        self._opened = save_graph(document, target)
        self._path = target
        if name is not None:
            self._rename(document, name)
        self.undo_stack.setClean()
        self.file_changed.emit()

    def _rename(self, document: Document, name: str) -> None:
        # In every step: undoing the one before is no reason to lose the name.
        for index in range(self.undo_stack.count()):
            command = self.undo_stack.command(index)
            if isinstance(command, _Edit):
                command.rename(name)
        self._show(document)

    def _replace(self, document: Document, path: Path | None, opened: OpenedGraph | None) -> None:
        self.undo_stack.clear()
        self._document = document
        self._path = path
        self._opened = opened
        self.problems = ()
        self.graph_replaced.emit()
        self.document_changed.emit()
        self.problems_changed.emit()
        self.file_changed.emit()
