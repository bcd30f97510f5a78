"""Which wires make sense: for each port at which a wire could end, why it could not."""

from __future__ import annotations

from pypipeline_engine.catalogue.model import PortType, fits
from pypipeline_engine.graph.model import Body, Document, split_end
from pypipeline_engine.graph.ports import Ports, ports_of
from pypipeline_studio.document.circles import edges_of, has_initial_value, reached, waited_for, waiting_for
from pypipeline_studio.document.edits import body_at
from pypipeline_studio.document.presentation import INPUTS, OUTPUTS
from pypipeline_studio.document.types import StudioTypes

Reasons = dict[tuple[str, str], str]
"""By cell and port, why a wire cannot end there; what is missing or empty fits."""


def compatible_inputs(document: Document, path: tuple[str, ...], types: StudioTypes, source: str) -> Reasons:
    """Why a wire from the output `source` (`cell.port`, or a bare port of the pipeline itself) cannot end at the inputs.

    An input that is occupied is no reason: what feeds it is replaced. Of what is not known, nothing is refused.
    """
    body = body_at(document, path)
    own_ports = _all_ports(body, types)
    around = _around(body)
    cell, name = split_end(source)
    given = (around.inputs if cell is None else own_ports[cell].outputs if cell in own_ports else {}).get(name)
    giving = body.cells.get(cell) if cell is not None else None
    begins = giving is None or has_initial_value(giving, name, types) is not False
    before = set() if cell is None or begins else reached(waited_for(edges_of(body, types)), cell)
    reasons: Reasons = {}
    for other, ports in own_ports.items():
        circle = _CIRCLE if other in before else ""
        for port in ports.inputs.values():
            reason = circle or _explain_kinds(source, given, f"{other}.{port.name}", port)
            if reason:
                reasons[other, port.name] = reason
        for fixed in ports.fixed:
            reasons[other, fixed] = (
                f"{other}.{fixed} is read when the run starts and cannot be connected; set its value"
            )
    for port in around.outputs.values():
        if reason := _explain_kinds(source, given, port.name, port):
            reasons[OUTPUTS, port.name] = reason
    return reasons


def compatible_outputs(document: Document, path: tuple[str, ...], types: StudioTypes, target: str) -> Reasons:
    """Why a wire to the input `target` cannot begin at the outputs. See `compatible_inputs`."""
    body = body_at(document, path)
    own_ports = _all_ports(body, types)
    around = _around(body)
    cell, name = split_end(target)
    wanted = (around.outputs if cell is None else own_ports[cell].inputs if cell in own_ports else {}).get(name)
    after = set() if cell is None else reached(waiting_for(edges_of(body, types)), cell)
    reasons: Reasons = {}
    for other, ports in own_ports.items():
        for port in ports.outputs.values():
            waits = other in after and has_initial_value(body.cells[other], port.name, types) is False
            reason = (_CIRCLE if waits else "") or _explain_kinds(f"{other}.{port.name}", port, target, wanted)
            if reason:
                reasons[other, port.name] = reason
    for port in around.inputs.values():
        if reason := _explain_kinds(port.name, port, target, wanted):
            reasons[INPUTS, port.name] = reason
    return reasons


_CIRCLE = (
    "this would close a circle in which every cell waits for another one: an output in it needs an initial value "
    "(initial_values in the file)"
)


def _all_ports(body: Body, types: StudioTypes) -> dict[str, Ports]:
    return {name: ports_of(cell, types) for name, cell in body.cells.items()}


def _around(body: Body) -> Ports:
    """The own ports of the pipeline. They take any kind: theirs is that of what they get connected with."""
    return Ports(
        {name: PortType(name=name) for name in body.inputs}, {name: PortType(name=name) for name in body.outputs}
    )


def _explain_kinds(source: str, given: PortType | None, target: str, wanted: PortType | None) -> str:
    if given is None or wanted is None or fits(given.kinds, wanted.kinds):
        return ""
    return f"{source} gives {' or '.join(given.kinds)}, and {target} takes {' or '.join(wanted.kinds)}"
