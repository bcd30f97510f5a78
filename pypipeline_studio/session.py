"""The graphs that are open, the one of them that is in front, and the types of cells that are known.

Whoever shows or edits "the graph" means the one in front: a session has what that has, and tells what that tells. Another
one comes in front by `show`. For the thread of the window only.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

from pypipeline_engine.graph.model import Document
from pypipeline_engine.host.protocol import Catalogue, GraphProblem, Validation
from pypipeline_studio.document.files import DiskState, OpenedGraph, is_same_file
from pypipeline_studio.document.libraries import with_libraries
from pypipeline_studio.document.types import StudioTypes
from pypipeline_studio.open_graph import UNTITLED, OpenGraph

__all__ = ["UNTITLED", "OpenGraph", "Session"]


class Session(QObject):
    """At least one open graph, of which one is in front."""

    document_changed = Signal()
    """The document in front is another one, by an edit, by undo and redo, or because another graph is in front."""
    history_changed = Signal()
    """There is something else to undo or to redo in the graph in front, by an edit, undo or redo."""
    leaving_graph = Signal()
    """Another graph is about to come in front: what is typed and not entered yet still belongs to this one."""
    graph_replaced = Signal()
    """Another graph is in front; `document_changed`, `problems_changed`, `file_changed` and `graph_shown` follow."""
    graph_shown = Signal()
    """Another graph is in front, and everybody who shows its document does so by now."""
    graphs_changed = Signal()
    """One was opened, closed or moved, another one is in front, or one has another title or something to save."""
    types_changed = Signal()
    problems_changed = Signal()
    file_changed = Signal()
    """The path of the file in front, or whether there is something to save."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.types = StudioTypes()
        self._front = OpenGraph(parent=self)
        self._graphs: list[OpenGraph] = []
        self._add(self._front, 0)
        self._follow(self._front)

    # ------------------------------------------------------------------ the graphs

    @property
    def graphs(self) -> tuple[OpenGraph, ...]:
        """All of them, in the order of their tabs."""
        return tuple(self._graphs)

    @property
    def front(self) -> OpenGraph:
        """The graph that is shown and edited."""
        return self._front

    def find(self, path: Path) -> OpenGraph | None:
        """The graph of a file, by whatever path, where it is open."""
        return next(
            (graph for graph in self._graphs if graph.path is not None and is_same_file(graph.path, path)), None
        )

    def show(self, graph: OpenGraph) -> None:
        """Have another graph in front."""
        if graph is self._front or graph not in self._graphs:
            return
        self.leaving_graph.emit()
        self._leave(self._front)
        self._front = graph
        self._follow(graph)
        self.graph_replaced.emit()
        self.document_changed.emit()
        self.problems_changed.emit()
        self.file_changed.emit()
        self.graph_shown.emit()
        self.graphs_changed.emit()

    def show_instead(self, graph: OpenGraph) -> None:
        """Have another graph in front, instead of one that nobody has done anything with."""
        before = self._front
        self.show(graph)
        if before is not graph and before.is_untouched:
            self.close(before)

    def new(self) -> None:
        """Have an empty graph in front: one that nobody has done anything with, or another one."""
        untouched = next((graph for graph in self._graphs if graph.is_untouched), None)
        if untouched is not None:
            self.show(untouched)
        else:
            self._show_new(OpenGraph(parent=self))

    def begin(self, document: Document) -> None:
        """Have a graph in front that has no file yet."""
        self._show_new(OpenGraph(document, parent=self))

    def open(self, path: Path) -> None:
        """Have the graph of a file in front. Where it is open, it is not read again.

        :raises WrongGraphException: with everything that is wrong with it; the session stays as it was.
        """
        known = self.find(path)
        if known is not None:
            self.show(known)
        else:
            self._show_new(OpenGraph.read(path, self))

    def load(self, path: Path) -> OpenGraph:
        """Open a graph file behind the others. Where it is open, it is not read again.

        :raises WrongGraphException: with everything that is wrong with it; the session stays as it was.
        """
        known = self.find(path)
        if known is not None:
            return known
        graph = OpenGraph.read(path, self)
        self._add(graph, len(self._graphs))
        self.graphs_changed.emit()
        return graph

    def recover(self, document: Document, path: Path | None, sha256: str | None) -> None:
        """Have a graph in front that was edited and not saved. Where its file is open, it is a step to undo there.

        :param path: the file that it was opened from; nothing is read from it.
        :param sha256: of what that file was then.
        """
        known = self.find(path) if path is not None else None
        if known is not None:
            self.show(known)
            known.take_recovered(document, sha256)
            return
        opened = OpenedGraph(document, path, sha256) if path is not None and sha256 is not None else None
        graph = OpenGraph(document, path, opened, self)
        graph.forget_saved()
        self._show_new(graph)

    def close(self, graph: OpenGraph) -> None:
        """Let a graph go, whatever was not saved; after the last one, an empty one is there."""
        if graph not in self._graphs:
            return
        index = self._graphs.index(graph)
        if len(self._graphs) == 1:
            self._add(OpenGraph(parent=self), 1)
        if graph is self._front:
            self.show(self._graphs[index + 1] if index + 1 < len(self._graphs) else self._graphs[index - 1])
        self._graphs.remove(graph)
        graph.file_changed.disconnect(self.graphs_changed)
        self.graphs_changed.emit()
        graph.deleteLater()

    def move(self, graph: OpenGraph, index: int) -> None:
        """Have a graph at another place among the others."""
        if graph in self._graphs and self._graphs.index(graph) != index:
            self._graphs.remove(graph)
            self._graphs.insert(index, graph)
            self.graphs_changed.emit()

    def _show_new(self, graph: OpenGraph) -> None:
        """In the place of a graph in front that nobody has done anything with, else behind the others."""
        before = self._front
        self._add(graph, self._graphs.index(before) if before.is_untouched else len(self._graphs))
        self.show_instead(graph)

    def _add(self, graph: OpenGraph, index: int) -> None:
        self._graphs.insert(index, graph)
        graph.file_changed.connect(self.graphs_changed)

    def _follow(self, graph: OpenGraph) -> None:
        graph.document_changed.connect(self.document_changed)
        graph.history_changed.connect(self.history_changed)
        graph.problems_changed.connect(self.problems_changed)
        graph.file_changed.connect(self.file_changed)

    def _leave(self, graph: OpenGraph) -> None:
        graph.document_changed.disconnect(self.document_changed)
        graph.history_changed.disconnect(self.history_changed)
        graph.problems_changed.disconnect(self.problems_changed)
        graph.file_changed.disconnect(self.file_changed)

    # ------------------------------------------------------------------ what the engine says

    def set_catalogue(self, catalogue: Catalogue) -> None:
        """Take the types of cells over."""
        self.types = StudioTypes(catalogue.types)
        self.types_changed.emit()

    def set_validation(self, validation: Validation, graph: OpenGraph | None = None) -> None:
        """Take over what the engine found in the document of a graph, by default of the one in front."""
        graph = graph or self._front
        if self.types.take_configured(graph.document, validation.configured):
            self.types_changed.emit()
        if graph in self._graphs:
            graph.set_problems(validation.problems)

    # ------------------------------------------------------------------ the graph in front

    @property
    def undo_stack(self) -> QUndoStack:
        """That of the graph in front; another one when another graph comes in front."""
        return self._front.undo_stack

    @property
    def document(self) -> Document:
        """The graph as it is now."""
        return self._front.document

    @property
    def problems(self) -> tuple[GraphProblem, ...]:
        """What the engine found wrong with the document, when it last looked."""
        return self._front.problems

    @property
    def path(self) -> Path | None:
        """The file of the graph; `None` for one that was never saved."""
        return self._front.path

    @property
    def folder(self) -> Path:
        """What relative paths in the graph are relative to."""
        return self._front.folder

    @property
    def title(self) -> str:
        """The name of the file, or what it would be."""
        return self._front.title

    @property
    def is_modified(self) -> bool:
        """Whether there is something that was not saved."""
        return self._front.is_modified

    @property
    def sha256(self) -> str | None:
        """Of the content of the file when it was opened or saved last."""
        return self._front.sha256

    def edit(self, text: str, document: Document, merge_key: str = "") -> None:
        """Replace the document; one step to undo. See `OpenGraph.edit`. It comes to name where its new cells come from."""
        folder = self.path.parent if self.path is not None else None
        self._front.edit(text, with_libraries(self.document, document, self.types, folder), merge_key)

    def end_merging(self) -> None:
        """Begin another step with the next edit, whatever its merge key: a slider was let go."""
        self._front.end_merging()

    def state_on_disk(self) -> DiskState:
        """What other programs have done to the file since it was opened or saved."""
        return self._front.state_on_disk()

    def is_changed_on_disk(self) -> bool:
        """Whether another program has written or removed the file since it was opened or saved."""
        return self._front.is_changed_on_disk()

    def reload(self) -> None:
        """Take over what another program has written to the file. See `OpenGraph.reload`."""
        self._front.reload()

    def keep_mine(self) -> None:
        """Go on with the graph as it is here. See `OpenGraph.keep_mine`."""
        self._front.keep_mine()

    def save(self, path: Path | None = None) -> None:
        """Write the graph to its file, or to another one. See `OpenGraph.save`."""
        self._front.save(path)
