"""`pypipeline cells`: which cells there are, and what each of them takes and gives."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from pypipeline_engine.cli.errors import CommandError
from pypipeline_engine.cli.options import cells_option

if TYPE_CHECKING:
    from pypipeline_engine.catalogue.discovery import Catalogue
    from pypipeline_engine.catalogue.model import CellType, ParameterType, PortType

_END_OF_SENTENCE = re.compile(r"[^\W\d_A-Z][\w)`\"']\.(?= [A-Z])")
"""Not behind an initial, as in "N. Dalal"."""


@click.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Everything that is known, as JSON.")
@cells_option
def cells(name: str | None, as_json: bool, libraries: tuple[str, ...]) -> None:
    """List the cells that graphs can use.

    NAME is a category, such as sources, or a type, such as detection.HogPeople, of which everything is shown.
    """
    from pypipeline_engine.cli.loading import make_catalogue

    catalogue = make_catalogue(libraries)
    types = _select(catalogue, name)
    if as_json:
        data = {
            "types": [cell_type.model_dump(mode="json") for cell_type in types],
            "failures": catalogue.get_failures(),
        }
        click.echo(json.dumps(data, indent=2, ensure_ascii=False))
    elif name is not None and any(cell_type.name == name for cell_type in types):
        click.echo(_describe(types[0]))
    else:
        click.echo(_list(types))
    for category, reason in catalogue.get_failures().items():
        click.echo(f"The category {category} cannot be used: {reason}", err=True)


def _select(catalogue: Catalogue, name: str | None) -> list[CellType]:
    if name is None:
        return catalogue.get_types()
    if name in catalogue.get_categories():
        return catalogue.get_types(name)
    found = catalogue.find(name)
    if found is None:
        raise CommandError(f"{catalogue.explain_unknown(name)}. Categories are {', '.join(catalogue.get_categories())}")
    if found.problem:
        raise CommandError(f"{name} cannot be used: {found.problem}")
    return [found]


def _list(types: Sequence[CellType]) -> str:
    """One line for each type: its ports and the first sentence about it."""
    signatures = {cell_type.name: _signature(cell_type) for cell_type in types}
    names = max((len(name) for name in signatures), default=0)
    ports = max(map(len, signatures.values()), default=0)
    lines = []
    category = None
    for cell_type in types:
        if category not in (None, cell_type.category):
            lines.append("")
        category = cell_type.category
        about = cell_type.problem or _first_sentence(cell_type.description)
        lines.append(f"{cell_type.name:{names}}  {signatures[cell_type.name]:{ports}}  {about}")
    return "\n".join(lines)


def _signature(cell_type: CellType) -> str:
    """`a, b -> value`, and for a source `-> value`."""
    inputs, outputs = (", ".join(port.name for port in ports) for ports in (cell_type.inputs, cell_type.outputs))
    return "" if cell_type.problem else f"{inputs} -> {outputs}".strip()


def _first_sentence(text: str) -> str:
    in_one_line = " ".join(text.split())
    end = _END_OF_SENTENCE.search(in_one_line)
    return in_one_line[: end.end()] if end else in_one_line


def _describe(cell_type: CellType) -> str:
    lines = [cell_type.name, "", *cell_type.description.strip().splitlines()]
    for heading, ports in (("Inputs", cell_type.inputs), ("Outputs", cell_type.outputs)):
        if ports:
            lines += ["", heading, *[_describe_port(port) for port in ports]]
    if cell_type.parameters:
        lines += ["", "Parameters", *[_describe_parameter(parameter) for parameter in cell_type.parameters]]
    scaling = "any number of clones" if cell_type.supports_scaling else "one clone at most"
    lines += ["", f"Scaling: {scaling}", f"From: {cell_type.library}, {cell_type.file}:{cell_type.line}"]
    return "\n".join(lines)


def _describe_port(port: PortType) -> str:
    kind = f" ({port.type_text})" if port.type_text else ""
    return f"  {port.name}{kind}: {port.doc}".rstrip(": ")


def _describe_parameter(parameter: ParameterType) -> str:
    facts = [parameter.type_text] if parameter.type_text else []
    facts.append("has to be set" if parameter.required else f"default {parameter.default_text}")
    if parameter.minimum is not None:
        facts.append(f"at least {parameter.minimum:g}")
    if parameter.maximum is not None:
        facts.append(f"at most {parameter.maximum:g}")
    if parameter.choices is not None:
        facts.append(f"one of {', '.join(map(json.dumps, parameter.choices))}")
    if parameter.unit:
        facts.append(parameter.unit)
    facts.append("may change while running" if parameter.when == "runtime" else "read at deployment")
    return f"  {parameter.name} ({'; '.join(facts)}): {parameter.doc}".rstrip(": ")
