"""Leading a connection through a cell: which of its ports fit, if any."""

from __future__ import annotations

from pypipeline_engine.graph.model import Document, split_end
from pypipeline_engine.graph.ports import ports_of
from pypipeline_studio.document.edits import body_at, connect, disconnect
from pypipeline_studio.document.types import StudioTypes
from pypipeline_studio.document.wiring import compatible_inputs, compatible_outputs


def led_through(
    document: Document, path: tuple[str, ...], types: StudioTypes, wire: tuple[str, str], name: str
) -> Document | None:
    """The document with a connection led through a cell; `None` where it is connected already, or nothing of it fits.

    :param wire: source and target of the connection, as they stand in the document.
    """
    body, (source, target) = body_at(document, path), wire
    ends = {split_end(end)[0] for connection in body.connections for end in (connection.source, connection.target)}
    if name in ends or name not in body.cells:
        return None
    ports = ports_of(body.cells[name], types)
    cut = disconnect(document, path, source, target)
    refused = compatible_inputs(cut, path, types, source)
    # Not into a parameter, which has a value of its own.
    entry = next((port for port in ports.required() if not refused.get((name, port))), None)
    if entry is None:
        return None
    entered = connect(cut, path, source, f"{name}.{entry}", types)
    refused = compatible_outputs(entered, path, types, target)
    way_out = next((port for port in ports.outputs if not refused.get((name, port))), None)
    return None if way_out is None else connect(entered, path, f"{name}.{way_out}", target, types)
