"""What is done to wires on a canvas, as edits of the document."""

from __future__ import annotations

from collections.abc import Callable, Collection

from PySide6.QtCore import QPointF

from pypipeline_engine.graph.model import Document
from pypipeline_engine.graph.ports import ports_of
from pypipeline_engine.numbers import counted
from pypipeline_studio.canvas.node_item import StudioNodeItem
from pypipeline_studio.canvas.nodegraphqt import StudioNode
from pypipeline_studio.canvas.pipe_item import StudioPipe
from pypipeline_studio.canvas.port_item import StudioPort
from pypipeline_studio.canvas.viewer import StudioViewer
from pypipeline_studio.document import edits
from pypipeline_studio.document.inserting import led_through
from pypipeline_studio.document.making_room import make_room
from pypipeline_studio.document.neighbours import Box
from pypipeline_studio.document.wiring import compatible_inputs, compatible_outputs
from pypipeline_studio.session import Session


class WireEdits:
    """Connects, cuts, and leads wires through cells."""

    def __init__(
        self,
        session: Session,
        get_path: Callable[[], tuple[str, ...]],
        get_nodes: Callable[[], Collection[StudioNode]],
    ) -> None:
        """:param get_path: says which pipeline is shown.
        :param get_nodes: says what is shown of it.
        """
        self._session = session
        self._get_path = get_path
        self._get_nodes = get_nodes
        self._viewer: StudioViewer | None = None

    def attach(self, viewer: StudioViewer) -> None:
        """Follow the gestures in a view."""
        self._viewer = viewer
        viewer.wire_connected.connect(self._connect)
        viewer.wire_removed.connect(self._remove)
        viewer.wires_sliced.connect(self._cut)
        viewer.node_dropped_on_wire.connect(self._insert)

    def _connect(self, output: StudioPort, target: StudioPort, taken_from: object) -> None:
        document, path = self._session.document, self._get_path()
        source = end_of(output)
        if isinstance(taken_from, StudioPort):
            document = edits.disconnect(document, path, source, end_of(taken_from))
        document = edits.connect(document, path, source, end_of(target), self._session.types)
        self._session.edit(f"Connect {source} with {end_of(target)}", document)

    def _remove(self, output: StudioPort, target: StudioPort) -> None:
        document = edits.disconnect(self._session.document, self._get_path(), end_of(output), end_of(target))
        self._session.edit(f"Disconnect {end_of(target)}", document)

    def _cut(self, pipes: list[StudioPipe]) -> None:
        document = self._session.document
        for pipe in pipes:
            document = edits.disconnect(document, self._get_path(), *ends_of(pipe))
        what = ends_of(pipes[0])[1] if len(pipes) == 1 else counted(len(pipes), "connection")
        self._session.edit(f"Disconnect {what}", document)

    def connect_new(self, document: Document, name: str, port: StudioPort) -> Document:
        """The document with the first wire that fits between a new cell and the port it was asked for at."""
        own, types, path = end_of(port), self._session.types, self._get_path()
        ports = ports_of(edits.body_at(document, path).cells[name], types)
        is_output = port.port_type == "out"
        compatible = compatible_inputs if is_output else compatible_outputs
        refusals = compatible(document, path, types, own)
        # Inputs come before parameters, which some cells have only.
        candidates = [*ports.required(), *ports.inputs] if is_output else list(ports.outputs)
        fitting = next((candidate for candidate in candidates if not refusals.get((name, candidate))), None)
        if fitting is None:
            return document
        ends = (own, f"{name}.{fitting}") if is_output else (f"{name}.{fitting}", own)
        return edits.connect(document, path, *ends, types)

    # ------------------------------------------------------------------ into a wire

    def wire_at(self, at: QPointF) -> tuple[str, str] | None:
        """The connection that is drawn at a point of the scene."""
        pipe = self._viewer.pipe_at(self._viewer.mapFromScene(at)) if self._viewer is not None else None
        return ends_of(pipe) if pipe is not None else None

    def may_insert(self, name: str, pipe: StudioPipe) -> bool:
        """Whether a wire can be led through a cell."""
        return self._led_through(self._session.document, name, pipe) is not None

    def _insert(self, item: StudioNodeItem, pipe: StudioPipe) -> None:
        """Lead a wire through a cell that was dragged onto it; one step to undo."""
        document, name = self._session.document, item.name
        document = self.lead_through(document, ends_of(pipe), name, item.box()) or edits.move_cells(
            document, self._get_path(), {name: (item.scenePos().x(), item.scenePos().y())}
        )
        self._session.edit(f"Insert {name}", document)

    def lead_through(self, document: Document, wire: tuple[str, str], name: str, box: Box) -> Document | None:
        """The document with a connection led through a cell, and room made for it; `None` where nothing of it fits.

        :param box: where the cell is wanted, and how large it is.
        """
        path = self._get_path()
        connected = led_through(document, path, self._session.types, wire, name)
        boxes = {**{node.view.name: node.view.box() for node in self._get_nodes()}, name: box}
        return make_room(connected, path, name, wire, boxes) if connected is not None else None

    def _led_through(self, document: Document, name: str, pipe: StudioPipe) -> Document | None:
        return led_through(document, self._get_path(), self._session.types, ends_of(pipe), name)

    # ------------------------------------------------------------------ what does not fit

    def find_refusals(self, port: StudioPort) -> dict[StudioPort, str]:
        """The ports at which a wire from `port` cannot end, each with the reason in words."""
        types, document, end = self._session.types, self._session.document, end_of(port)
        compatible = compatible_inputs if port.port_type == "out" else compatible_outputs
        reasons = compatible(document, self._get_path(), types, end)
        refused = {}
        for node in self._get_nodes():
            for other in (*node.view.inputs, *node.view.outputs):
                if other is port:
                    continue
                if other.port_type == port.port_type:
                    kind = "an output" if port.port_type == "out" else "an input"
                    refused[other] = f"{end_of(port)} is {kind} too"
                elif reason := reasons.get((node.view.name, other.name)):
                    refused[other] = reason
        return refused


def end_of(port: StudioPort) -> str:
    """A port as it stands in the document."""
    return text_of_end((port.node.name, port.name))


def ends_of(pipe: StudioPipe) -> tuple[str, str]:
    """Source and target of a wire, as they stand in the document."""
    output, target = pipe.output_port, pipe.input_port
    assert output is not None
    assert target is not None
    return end_of(output), end_of(target)


def text_of_end(end: tuple[str, str]) -> str:
    """The end of a wire as it stands in the document; the edges of a nested pipeline stand for its own ports."""
    cell, port = end
    return port if cell in ("<", ">") else f"{cell}.{port}"
