"""The wires that a cell could get, and those that it has: what there is to choose from without a mouse."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from pypipeline_engine.graph.model import Body, Document, split_end
from pypipeline_engine.graph.ports import Ports, ports_of
from pypipeline_studio.document.edits import Path, body_at
from pypipeline_studio.document.presentation import INPUTS, OUTPUTS
from pypipeline_studio.document.types import StudioTypes
from pypipeline_studio.document.wiring import compatible_inputs, compatible_outputs


@dataclass(frozen=True)
class WireChoice:
    """A wire that could be made, or cut."""

    source: str
    target: str
    is_there: bool = False
    """Whether it is there, and would be cut."""
    instead_of: str = ""
    """The output that feeds the input now."""


def wire_choices(document: Document, path: Path, types: StudioTypes, names: Collection[str]) -> list[WireChoice]:
    """What could be done to the wires of a cell, or between the cells where there are several.

    First come those to inputs that need one, then those of equal kinds, then those to parameters, then those that would
    take the place of another one; at the end those that are there.
    """
    body = body_at(document, path)
    wanted = [name for name in names if name in body.cells]
    ports = {name: ports_of(cell, types) for name, cell in body.cells.items()}
    feeds = {connection.target: connection.source for connection in body.connections}
    there = {(connection.source, connection.target) for connection in body.connections}
    found: dict[tuple[str, str], tuple[int, WireChoice]] = {}
    for name in wanted:
        for source, target in _possible(document, path, types, ports, name):
            if (source, target) not in there and _concerns(source, target, wanted):
                choice = WireChoice(source, target, instead_of=feeds.get(target, ""))
                found.setdefault((source, target), (_rank(ports, choice), choice))
    made = [choice for _, choice in sorted(found.values(), key=lambda pair: pair[0])]
    cut = [WireChoice(*ends, is_there=True) for ends in _in_order(body) if _concerns(*ends, wanted)]
    return [*made, *cut]


def _in_order(body: Body) -> list[tuple[str, str]]:
    """The wires of a pipeline as they stand in the file."""
    return [(connection.source, connection.target) for connection in body.connections]


def _possible(
    document: Document, path: Path, types: StudioTypes, ports: Mapping[str, Ports], name: str
) -> Iterator[tuple[str, str]]:
    body, own = body_at(document, path), ports[name]
    for output in own.outputs:
        source = f"{name}.{output}"
        refused = compatible_inputs(document, path, types, source)
        for other in ports:
            if other != name:
                for port in ports[other].inputs:
                    if not refused.get((other, port)):
                        yield source, f"{other}.{port}"
        for port in body.outputs:
            if not refused.get((OUTPUTS, port)):
                yield source, port
    for port in own.inputs:
        target = f"{name}.{port}"
        refused = compatible_outputs(document, path, types, target)
        for other in ports:
            if other != name:
                for output in ports[other].outputs:
                    if not refused.get((other, output)):
                        yield f"{other}.{output}", target
        for own_input in body.inputs:
            if not refused.get((INPUTS, own_input)):
                yield own_input, target


def _concerns(source: str, target: str, names: Collection[str]) -> bool:
    """Whether a wire has an end at the cell, or both at two of the cells."""
    at = [split_end(end)[0] in names for end in (source, target)]
    return all(at) if len(names) > 1 else any(at)


def _rank(ports: Mapping[str, Ports], choice: WireChoice) -> int:
    if choice.instead_of:
        return 4
    source, output = split_end(choice.source)
    target, wanted = split_end(choice.target)
    if source is None or target is None:  # a port of the pipeline itself
        return 2
    given, taken = ports[source].outputs[output].kinds, ports[target].inputs[wanted].kinds
    is_exact = given == taken and given != ("any",)
    is_needed = wanted in ports[target].required()
    return (0 if is_exact else 1) if is_needed else (2 if is_exact else 3)
