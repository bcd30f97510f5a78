"""Circles, held against what the engine makes of the same graph."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pypipeline_engine.catalogue.model import CellType, PortType
from pypipeline_engine.core.topology import CycleError, Edge, recurrent_edges
from pypipeline_engine.graph.check import check
from pypipeline_engine.graph.model import CellEntry, ConnectionEntry, Document
from pypipeline_engine.graph.reader import read_file
from pypipeline_engine.resources import get_examples
from pypipeline_studio.document import edits
from pypipeline_studio.document.circles import edges_of, recurrent_connections
from pypipeline_studio.document.presentation import present
from pypipeline_studio.document.types import StudioTypes
from pypipeline_studio.document.wiring import compatible_inputs, compatible_outputs

INPUTS = ("a", "b", "c")
TYPES = StudioTypes(
    [
        CellType(
            name="x.Y",
            category="x",
            class_name="Y",
            inputs=tuple(PortType(name=name) for name in INPUTS),
            outputs=(PortType(name="out"),),
        )
    ]
)
CELLS = [f"n{number}" for number in range(6)]


@st.composite
def graphs(draw) -> Document:
    beginning = draw(st.sets(st.sampled_from(CELLS), max_size=2))
    disabled = draw(st.sets(st.sampled_from(CELLS), max_size=1))
    cells = {
        name: CellEntry(type="x.Y", initial_values={"out": 0} if name in beginning else {}, disabled=name in disabled)
        for name in CELLS
    }
    targets = [f"{name}.{port}" for name in CELLS for port in INPUTS]
    pairs = draw(st.dictionaries(st.sampled_from(targets), st.sampled_from(CELLS), max_size=9))
    connections = [ConnectionEntry(source=f"{source}.out", target=target) for target, source in pairs.items()]
    return Document(name="g", cells=cells, connections=connections)


def engine_recurrent(document: Document) -> set[int]:
    indices = {}
    for edge in edges_of(document, TYPES):
        indices[Edge(edge.source, edge.target, bool(edge.begins), True if edge.is_marked else None)] = edge.index
    found = recurrent_edges([name for name, cell in document.cells.items() if not cell.disabled], list(indices))
    return {indices[edge] for edge in found}


def circle_problems(document: Document) -> list[str]:
    return [p.message for p in check(document, TYPES) if "cycle" in p.message and p.severity == "error"]


@settings(max_examples=200, deadline=None)
@given(graphs())
def test_what_is_shown_as_recurrent_is_what_the_engine_takes_for_it(document) -> None:
    try:
        expected = engine_recurrent(document)
    except CycleError:
        return  # a graph that does not run
    assert recurrent_connections(document, TYPES) == expected


@settings(max_examples=200, deadline=None)
@given(graphs(), st.sampled_from(CELLS), st.sampled_from(CELLS), st.sampled_from(INPUTS))
def test_a_wire_is_refused_when_the_engine_would_refuse_the_circle(document, source, target, port) -> None:
    if circle_problems(document):
        return
    refused = "circle" in compatible_inputs(document, (), TYPES, f"{source}.out").get((target, port), "")
    assert ("circle" in compatible_outputs(document, (), TYPES, f"{target}.{port}").get((source, "out"), "")) == refused
    connected = edits.connect(document, (), f"{source}.out", f"{target}.{port}", TYPES)
    cannot_begin = any("no output on this cycle" in message for message in circle_problems(connected))
    is_active = not document.cells[source].disabled and not document.cells[target].disabled
    assert refused == cannot_begin or (refused and source == target and not is_active)
    if not refused and document.cells[source].initial_values:
        assert not circle_problems(connected)  # marked where it would be ambiguous


def test_a_loop_with_an_initial_value_is_drawn_as_recurrent_without_a_mark(types) -> None:
    document = read_file(get_examples()["fibonacci"])
    shown = present(document, (), types)
    recurrent = {(wire.source, wire.target) for wire in shown.wires if wire.is_recurrent}
    assert recurrent == {(("add", "value"), ("add", "a")), (("add", "value"), ("delay", "item"))}


def test_a_second_beginning_on_the_same_circle_is_marked() -> None:
    cells = {name: CellEntry(type="x.Y", initial_values={"out": 0}) for name in ("p", "q")}
    document = Document(name="g", cells=cells, connections=[ConnectionEntry(source="p.out", target="q.a")])
    assert edits.connect(document, (), "q.out", "p.a").connections[-1].mark is None
    marked = edits.connect(document, (), "q.out", "p.a", TYPES)
    assert marked.connections[-1].mark == "recurrent"
    assert not circle_problems(marked)


@pytest.mark.parametrize("known", [True, False])
def test_a_wire_that_closes_no_circle_is_not_marked(known) -> None:
    cells = {name: CellEntry(type="x.Y", initial_values={"out": 0}) for name in ("p", "q")}
    document = edits.connect(Document(name="g", cells=cells), (), "p.out", "q.a", TYPES if known else StudioTypes())
    assert document.connections[0].mark is None


def test_nothing_is_refused_round_a_cell_of_an_unknown_type() -> None:
    cells = {"known": CellEntry(type="x.Y"), "other": CellEntry(type="acme.Delay")}
    document = Document(name="g", cells=cells, connections=[ConnectionEntry(source="known.out", target="other.in")])
    assert ("known", "a") not in compatible_inputs(document, (), TYPES, "other.result")
    assert "circle" in compatible_inputs(document, (), TYPES, "known.out")["known", "a"]
