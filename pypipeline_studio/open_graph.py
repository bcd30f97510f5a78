"""One open graph: its document, its file, its undo stack, and what the engine found wrong with it.

The document is immutable and the one truth. Every edit makes another one and puts it on the undo stack, whoever asks for
it: the canvas, the inspector or a menu. For the thread of the window only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from pypipeline_engine.graph.model import Document, to_data
from pypipeline_engine.host.protocol import GraphProblem
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

UNTITLED: Final = "untitled"
"""The name of a graph that nobody has named."""
_MERGEABLE = 1
"""The id of edits that become one step with the edit before them, such as the movements of one slider."""


class _Edit(QUndoCommand):
    """From one document to another. The first `redo` is that of pushing it."""

    def __init__(self, graph: OpenGraph, text: str, before: Document, after: Document, merge_key: str) -> None:
        super().__init__(text)
        self._graph = graph
        self._before = before
        self._after = after
        self._merge_key = merge_key

    def redo(self) -> None:
        self._graph._show(self._after)

    def undo(self) -> None:
        self._graph._show(self._before)

    def rename(self, name: str) -> None:
        """Give the graph before and after the edit another name."""
        self._before = self._before.model_copy(update={"name": name})
        self._after = self._after.model_copy(update={"name": name})

    def end_merging(self) -> None:
        self._merge_key = ""

    def id(self) -> int:
        return _MERGEABLE if self._merge_key else -1

    def mergeWith(self, other: QUndoCommand) -> bool:  # Qt's name
        if not isinstance(other, _Edit) or other._merge_key != self._merge_key:
            return False
        self._after = other._after
        return True


class OpenGraph(QObject):
    """One of the graphs that are open."""

    document_changed = Signal()
    """The document is another one, by an edit or by undo and redo."""
    history_changed = Signal()
    """There is something else to undo or to redo."""
    problems_changed = Signal()
    file_changed = Signal()
    """The path of the file, or whether there is something to save."""

    def __init__(
        self,
        document: Document | None = None,
        path: Path | None = None,
        opened: OpenedGraph | None = None,
        parent: QObject | None = None,
    ) -> None:
        """:param document: by default an empty one that nobody has named.
        :param path: the file that it is from.
        :param opened: what that file held.
        """
        super().__init__(parent)
        self.undo_stack = QUndoStack(self)
        # To methods of this object, and nothing else: the stack tells once more while both are deleted.
        self.undo_stack.cleanChanged.connect(self._tell_file)
        self.undo_stack.indexChanged.connect(self._tell_history)
        self.problems: tuple[GraphProblem, ...] = ()
        """What the engine found wrong with the document, when it last looked."""
        self.folder_elsewhere: Path | None = None
        """What relative paths are relative to on another machine, where the graph runs there."""
        self._document = document or Document(name=UNTITLED)
        self._path = path
        self._opened = opened

    @classmethod
    def read(cls, path: Path, parent: QObject | None = None) -> OpenGraph:
        """Open a graph file.

        :raises WrongGraphException: with everything that is wrong with it.
        """
        opened = open_graph(path)
        return cls(opened.document, path.absolute(), opened, parent)

    # ------------------------------------------------------------------ the document

    @property
    def document(self) -> Document:
        """The graph as it is now."""
        return self._document

    @property
    def is_untouched(self) -> bool:
        """Whether it is one that somebody has begun and done nothing with."""
        return (
            self._path is None
            and not self.undo_stack.count()
            and not self.is_modified
            and self._document == Document(name=UNTITLED)
        )

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

    def replace(self, document: Document) -> None:
        """Take over another document, of which somebody else keeps the history: nothing of before can be undone."""
        self.undo_stack.clear()
        self._show(document)

    def end_merging(self) -> None:
        """Begin another step with the next edit, whatever its merge key: a slider was let go."""
        if self.undo_stack.canUndo() and self.undo_stack.index() == self.undo_stack.count():
            command = self.undo_stack.command(self.undo_stack.index() - 1)
            if isinstance(command, _Edit):
                command.end_merging()

    def set_problems(self, problems: tuple[GraphProblem, ...]) -> None:
        """Take over what the engine found wrong with the document."""
        if problems != self.problems:
            self.problems = problems
            self.problems_changed.emit()

    def _tell_file(self, _is_clean: bool) -> None:
        self.file_changed.emit()

    def _tell_history(self, _index: int) -> None:
        self.history_changed.emit()

    def _show(self, document: Document) -> None:
        self._document = document
        self.document_changed.emit()

    # ------------------------------------------------------------------ the file

    @property
    def path(self) -> Path | None:
        """The file of the graph; `None` for one that was never saved."""
        return self._path

    @property
    def folder(self) -> Path:
        """What relative paths in the graph are relative to."""
        if self.folder_elsewhere is not None:
            return self.folder_elsewhere
        return self._path.parent if self._path is not None else Path.cwd()

    @property
    def title(self) -> str:
        """The name of the file, or what it would be."""
        return self._path.name if self._path is not None else f"{self._document.name}.json"

    @property
    def is_modified(self) -> bool:
        """Whether there is something that was not saved."""
        return not self.undo_stack.isClean()

    @property
    def sha256(self) -> str | None:
        """Of the content of the file when it was opened or saved last."""
        return self._opened.sha256 if self._opened is not None else None

    def state_on_disk(self) -> DiskState:
        """What other programs have done to the file since it was opened or saved."""
        return state_on_disk(self._opened) if self._opened is not None else "same"

    def is_changed_on_disk(self) -> bool:
        """Whether another program has written or removed the file since it was opened or saved."""
        return self.state_on_disk() != "same"

    def take_recovered(self, document: Document, sha256: str | None) -> None:
        """Go on with what was edited in another process and not saved. One step, so that undo brings back what was here.

        :param sha256: of what the file was then.
        """
        if self._path is not None and sha256 is not None:
            self._opened = OpenedGraph(document, self._path, sha256)
        self.edit(f"Recover {self.title}", document)
        self.file_changed.emit()

    def forget_saved(self) -> None:
        """There is something to save, whatever is undone: no step leads to what the file holds."""
        self.undo_stack.resetClean()
        self.file_changed.emit()

    def reload(self) -> None:
        """Take over what another program has written to the file. One step, so that undo brings back what was here.

        :raises WrongGraphException: with everything that is wrong with the file; all stays as it was.
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
            self.forget_saved()

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
