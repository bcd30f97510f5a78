"""What the check of a document accepts can be deployed, and is captured as it was; the rest is refused in words."""

import json
from typing import Any

import pytest
from graph_support import raw
from hypothesis import given, settings
from hypothesis import strategies as st

from pypipeline_engine.catalogue.discovery import Catalogue
from pypipeline_engine.catalogue.model import KnownTypes
from pypipeline_engine.graph.build import build
from pypipeline_engine.graph.capture import capture
from pypipeline_engine.graph.check import check
from pypipeline_engine.graph.effective import without_inactive
from pypipeline_engine.graph.export import export
from pypipeline_engine.graph.load import examine_text
from pypipeline_engine.graph.model import Document
from pypipeline_engine.graph.problems import WrongGraphException, errors
from pypipeline_engine.graph.reader import read
from pypipeline_engine.graph.writer import to_text

CATALOGUE = Catalogue(installed=False)
KNOWN = KnownTypes(CATALOGUE.get_types())
INPUTS = {
    "sources.Counter": ["step"],
    "math.Add": ["a", "b"],
    "math.Expression": ["a"],
    "flow.Delay": ["item"],
    "flow.Filter": ["item", "keep"],
    "sinks.Null": ["item"],
}
OUTPUTS = {
    "sources.Counter": "value",
    "math.Add": "value",
    "math.Expression": "value",
    "flow.Delay": "item",
    "flow.Filter": "item",
}
rarely = st.sampled_from([False] * 19 + [True])


@st.composite
def bodies(draw: st.DrawFn, depth: int = 0) -> dict[str, Any]:
    """Cells and connections that are mostly right, so that some graphs are."""
    cells: dict[str, Any] = {}
    sources = ["in"] if depth else []
    targets = ["out"] if depth else []
    for name in "abcd"[: draw(st.integers(1, 4))]:
        kind = draw(st.sampled_from([*INPUTS, "Pipeline"] if depth < 2 else list(INPUTS)))
        if not depth and not cells:
            kind = "sources.Counter"
        cell: dict[str, Any] = {"type": kind}
        if kind == "Pipeline":
            cell |= {"inputs": ["in"], "outputs": ["out"], **draw(bodies(depth + 1))}
        output = "out" if kind == "Pipeline" else OUTPUTS.get(kind)
        if output:
            sources.append(f"{name}.{output}")
            if draw(rarely):
                cell["initial_values"] = {output: draw(st.sampled_from([0, None, 1.5]))}
        targets += [f"{name}.{entry}" for entry in (["in"] if kind == "Pipeline" else INPUTS[kind])]
        if draw(rarely):
            cell["scale"] = {draw(st.sampled_from(["thread", "ray"])): draw(st.integers(0, 3))}
        if draw(rarely):
            cell["on_error"] = draw(st.sampled_from(["skip", {"retry": 2, "then": "fail"}]))
        if draw(rarely):
            cell[draw(st.sampled_from(["disabled", "bypassed"]))] = True
        if draw(rarely):
            cell["parameters"] = draw(st.sampled_from([{"count": 3}, {"initial": [1]}, {"expression": "a +"}]))
        cells[name] = cell
    connections = []
    for position, target in enumerate(targets):
        # From a cell further up, but rarely, which makes cycles rare.
        before = [source for source in sources if source == "in" or target == "out" or source[0] < target[0]]
        candidates = sources if draw(rarely) else before
        if candidates and not draw(rarely):
            connection = [draw(st.sampled_from(candidates)), target]
            if draw(rarely) and position % 2:
                connection.append("recurrent")
            connections.append(connection)
    return {"cells": cells, "connections": connections}


@given(bodies())
@settings(max_examples=400, deadline=None)
def test_what_the_check_accepts_can_be_deployed_and_the_rest_is_refused(body: dict[str, Any]) -> None:
    text = json.dumps(raw(**body))
    reading = examine_text(text, CATALOGUE)
    document = read(text)
    if errors(reading.problems):
        with pytest.raises(WrongGraphException) as caught:
            build(document, CATALOGUE)
        assert {problem.message for problem in caught.value.problems} == {p.message for p in reading.problems}
        return
    pipeline = build(document, CATALOGUE)
    assert pipeline.is_deployable(), pipeline.is_deployable()
    pipeline.assert_is_valid()
    assert to_text(capture(pipeline, CATALOGUE)) == to_text(active(document))


def active(document: Document) -> Document:
    """The document without what a pipeline does not remember."""
    return without_inactive(document, CATALOGUE)


@given(bodies())
@settings(max_examples=200, deadline=None)
def test_descriptions_alone_find_the_same_but_for_validations_of_the_cells(body: dict[str, Any]) -> None:
    """What the studio checks without the engine."""
    document = read(json.dumps(raw(**body)))
    with_cells = {problem.parts: problem.message for problem in check(document, CATALOGUE)}
    with_data = {problem.parts: problem.message for problem in check(document, KNOWN)}
    only_cells_know = {parts for parts in with_cells if parts not in with_data}
    assert all(parts[-1] == "expression" for parts in only_cells_know)
    assert set(with_data) <= set(with_cells)


@given(bodies())
@settings(max_examples=100, deadline=None)
def test_what_can_be_built_can_be_exported(body: dict[str, Any]) -> None:
    document = read(json.dumps(raw(**body)))
    if errors(check(document, CATALOGUE)):
        with pytest.raises(WrongGraphException):
            export(document, CATALOGUE)
        return
    scope: dict[str, Any] = {"__name__": "exported"}
    exec(compile(export(document, CATALOGUE), "exported.py", "exec"), scope)
    exported = scope["Graph"](None, "graph")
    assert exported.is_deployable(), exported.is_deployable()
    # Scaled and nested cells are classes of the program, which are captured as what they consist of.
    assert outline(capture(exported, CATALOGUE)) == outline(active(document))


def outline(document: Document) -> Any:
    """Types, connections, clones and policies by full name, whatever the order and the values' types."""
    return {
        names: (cell.type, cell.scale, cell.on_error, sorted(map(str, cell.connections)), cell.initial_values)
        for names, cell in document.walk()
    }
