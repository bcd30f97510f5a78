"""Which wires make sense: for each port at which a wire could end, why it could not."""

from __future__ import annotations

from pypipeline_engine.catalogue.model import PortType, fits
from pypipeline_engine.graph.model import Body, Document, split_end
from pypipeline_engine.graph.ports import Ports, ports_of
from pypipeline_studio.document.edits import body_at
from pypipeline_studio.document.presentation import INPUTS, OUTPUTS
from pypipeline_studio.document.types import StudioTypes

Reasons = dict[tuple[str, str], str]
"""By cell and port, why a wire cannot end there; what is missing or empty fits."""


def compatible_inputs(document: Document, path: tuple[str, ...], types: StudioTypes, source: str) -> Reasons:
    """Why a wire from the output `source` (`cell.port`, or a bare port of the pipeline itself) cannot end at the inputs."""
    body = body_at(document, path)
    own_ports = _all_ports(body, types)
    cell, name = split_end(source)
    given = _output(body, own_ports, cell, name)
    before = _reached(body, cell, own_ports, upstream=True)
    reasons: Reasons = {}
    for other, ports in own_ports.items():
        for port in ports.inputs.values():
            begins = given is not None and given.has_initial_value
            reason = _explain_cycle(cell, other, before, begins) or _explain_kinds(
                source, given, f"{other}.{port.name}", port
            )
            if reason:
                reasons[other, port.name] = reason
    for port in _own_outputs(body):
        if reason := _explain_kinds(source, given, port.name, port):
            reasons[OUTPUTS, port.name] = reason
    return reasons


def compatible_outputs(document: Document, path: tuple[str, ...], types: StudioTypes, target: str) -> Reasons:
    """Why a wire to the input `target` cannot begin at the outputs."""
    body = body_at(document, path)
    own_ports = _all_ports(body, types)
    cell, name = split_end(target)
    if cell is None:
        wanted = next((port for port in _own_outputs(body) if port.name == name), None)
    else:
        wanted = own_ports[cell].inputs.get(name) if cell in own_ports else None
    after = _reached(body, cell, own_ports, upstream=False)
    reasons: Reasons = {}
    for other, ports in own_ports.items():
        for port in ports.outputs.values():
            end, begins = f"{other}.{port.name}", port.has_initial_value
            reason = _explain_cycle(cell, other, after, begins) or _explain_kinds(end, port, target, wanted)
            if reason:
                reasons[other, port.name] = reason
    for port in _own_inputs(body):
        if reason := _explain_kinds(port.name, port, target, wanted):
            reasons[INPUTS, port.name] = reason
    return reasons


def _all_ports(body: Body, types: StudioTypes) -> dict[str, Ports]:
    return {name: ports_of(cell, types) for name, cell in body.cells.items()}


def _own_inputs(body: Body) -> list[PortType]:
    return [PortType(name=name) for name in body.inputs]


def _own_outputs(body: Body) -> list[PortType]:
    return [PortType(name=name) for name in body.outputs]


def _output(body: Body, ports: dict[str, Ports], cell: str | None, name: str) -> PortType | None:
    if cell is None:
        return next((port for port in _own_inputs(body) if port.name == name), None)
    return ports[cell].outputs.get(name) if cell in ports else None


def _explain_kinds(source: str, given: PortType | None, target: str, wanted: PortType | None) -> str:
    if given is None or wanted is None or fits(given.kinds, wanted.kinds):
        return ""
    return f"{source} gives {' or '.join(given.kinds)}, and {target} takes {' or '.join(wanted.kinds)}"


def _explain_cycle(cell: str | None, other: str, reached: set[str], begins: bool) -> str:
    """Why a wire between two cells would close a circle in which nobody could begin.

    :param reached: the cells on the other side of `cell`, see `_reached`.
    :param begins: whether the output at which the wire begins has an initial value.
    """
    if cell is None or begins or other not in reached:
        return ""
    return (
        "this would close a circle in which every cell waits for another one: an output in it needs an initial value "
        "(initial_values in the file)"
    )


def _reached(body: Body, cell: str | None, ports: dict[str, Ports], upstream: bool) -> set[str]:
    """The cells whose values a cell waits for, or those which wait for its own; itself included.

    Where an output has an initial value, nobody waits for it at the start.
    """
    if cell is None:
        return set()
    next_to: dict[str, list[str]] = {}
    for connection in body.connections:
        source, output = split_end(connection.source)
        target, _ = split_end(connection.target)
        if source is None or target is None or source not in ports:
            continue
        known = ports[source].outputs.get(output)
        if known is None or not known.has_initial_value:
            first, second = (target, source) if upstream else (source, target)
            next_to.setdefault(first, []).append(second)
    found, waiting = {cell}, [cell]
    while waiting:
        for other in next_to.get(waiting.pop(), ()):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found
