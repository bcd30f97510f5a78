"""Document -> text: canonical, one line for each cell and connection, and the same again after it was read."""

import difflib
import json
from pathlib import Path
from typing import Any

import pytest
from graph_strategies import documents, names
from graph_support import DESIGN, raw
from hypothesis import given, settings
from hypothesis import strategies as st

from pypipeline_engine.cellio.base import explain_name as engine_explain_name
from pypipeline_engine.exceptions import GraphException
from pypipeline_engine.graph import schema
from pypipeline_engine.graph.model import CellEntry, ConnectionEntry, Document, OnError, Scale, explain_name
from pypipeline_engine.graph.reader import read
from pypipeline_engine.graph.writer import WIDTH, save, to_text

ROOT = Path(__file__).parents[3]


def test_the_example_of_the_format_is_canonical() -> None:
    assert to_text(read(DESIGN)) == DESIGN


def test_a_file_written_by_hand_is_normalised_once() -> None:
    by_hand = json.dumps(json.loads(DESIGN), indent=4)
    assert to_text(read(by_hand)) == DESIGN


@given(documents)
@settings(max_examples=300, deadline=None)
def test_what_was_written_is_read_and_written_the_same_again(document: Document) -> None:
    text = to_text(document)
    again = read(text)
    assert again == document
    assert list(again.cells) == list(document.cells), "in the same order"
    assert to_text(again) == text
    assert json.loads(text)["format"] == "pypipeline.graph", "it is JSON to others as well"


@given(documents)
@settings(deadline=None)
def test_documents_fit_the_schema_in_what_it_requires(document: Document) -> None:
    """The generated schema and the writer agree on the keys."""
    definitions = schema.graph_schema()["$defs"]
    known = {*schema.graph_schema()["properties"]}
    data = json.loads(to_text(document))
    assert set(data) <= known
    for cell in data["cells"].values():
        assert set(cell) <= set(definitions["CellEntry"]["properties"])


def test_numbers_stay_what_they_are() -> None:
    parameters = {"a": 1, "b": 1.0, "c": True, "d": 1e300, "e": -0.0, "f": 10**30, "g": 0.1}
    document = Document.model_validate(raw({"x": {"type": "a.B", "parameters": parameters}}))
    again = read(to_text(document)).cells["x"].parameters
    assert repr(again) == repr(parameters)
    scaled = Document.model_validate(raw({"x": {"type": "a.B", "scale": {"ray": 1, "ray_options": {"num_cpus": 1}}}}))
    assert '"num_cpus": 1}' in to_text(scaled)


def document_of(**more: Any) -> Document:
    return Document.model_validate(raw({name: {"type": "math.Add"} for name in ("one", "two", "three")}, **more))


def changed_lines(before: Document, after: Document) -> list[str]:
    difference = difflib.unified_diff(to_text(before).splitlines(), to_text(after).splitlines(), n=0, lineterm="")
    return [line for line in difference if line[0] in "+-" and line[:3] not in ("+++", "---")]


def test_a_difference_reads_as_the_change() -> None:
    before = document_of()
    changed = CellEntry(type="math.Add", parameters={"x": 1})
    assert changed_lines(before, before.with_cell(("two",), changed)) == [
        '-    "two":    {"type": "math.Add"},',
        '+    "two":    {"type": "math.Add", "parameters": {"x": 1}},',
    ]


def test_a_long_name_moves_no_other_line() -> None:
    before = document_of()
    cells = {"one": before.cells["one"], "a_cell_with_a_long_name": before.cells["one"], "two": before.cells["two"]}
    after = before.model_copy(update={"cells": {**cells, "three": before.cells["three"]}})
    assert changed_lines(before, after) == ['+    "a_cell_with_a_long_name": {"type": "math.Add"},']


def test_connections_and_view_have_a_line_for_each_entry() -> None:
    text = to_text(document_of(connections=[["one.value", "two.a"], ["one.value", "two.b", "recurrent"]]))
    assert '\n    ["one.value", "two.a"],\n    ["one.value", "two.b", "recurrent"]\n' in text
    text = to_text(document_of(view={"one": {"pos": [0, 1]}, "two": {"pos": [2, 3]}}))
    assert '\n  "view": {\n    "one":    {"pos": [0, 1]},\n    "two":    {"pos": [2, 3]}\n  }\n' in text


def test_a_nested_pipeline_of_several_cells_has_a_line_for_each() -> None:
    nested = {
        "type": "Pipeline",
        "inputs": ["x"],
        "outputs": ["y"],
        "scale": {"thread": 1},
        "cells": {"one": {"type": "math.Add"}, "two": {"type": "math.Add"}},
        "connections": [["x", "one.a"], ["one.value", "two.a"]],
        "view": {"one": {"pos": [0, 0]}},
    }
    text = to_text(Document.model_validate(raw({"inner": nested})))
    assert text == (
        "{\n"
        '  "format": "pypipeline.graph",\n'
        '  "version": 1,\n'
        '  "name": "graph",\n'
        '  "libraries": [],\n'
        '  "cells": {\n'
        '    "inner":  {"type": "Pipeline", "inputs": ["x"], "outputs": ["y"], "scale": {"thread": 1},\n'
        '      "cells": {\n'
        '        "one":    {"type": "math.Add"},\n'
        '        "two":    {"type": "math.Add"}\n'
        "      },\n"
        '      "connections": [\n'
        '        ["x", "one.a"],\n'
        '        ["one.value", "two.a"]\n'
        "      ],\n"
        '      "view": {"one": {"pos": [0, 0]}}}\n'
        "  },\n"
        '  "connections": []\n'
        "}\n"
    )


@given(st.dictionaries(names, st.lists(st.integers(), max_size=60), max_size=4))
@settings(deadline=None)
def test_lines_are_broken_where_they_are_too_long(many: dict[str, list[int]]) -> None:
    text = to_text(Document.model_validate(raw({"cell": {"type": "a.B", "parameters": many}})))
    assert read(text).cells["cell"].parameters == many
    assert max(map(len, text.splitlines())) <= WIDTH


def test_values_deep_inside_do_not_make_the_text_explode() -> None:
    value: Any = "x" * 100
    for _ in range(70):
        value = {"a_key_of_some_length" * 4: value, "b": 1}
    document = Document.model_validate(raw({"cell": {"type": "a.B", "parameters": {"p": value}}}))
    text = to_text(document)
    assert len(text) < 100_000
    assert read(text) == document


def test_a_document_that_could_not_be_read_again_is_not_written() -> None:
    cell: Any = {"type": "math.Add"}
    for _ in range(60):
        cell = {"type": "Pipeline", "cells": {"inner": cell}}
    with pytest.raises(GraphException, match="more than 100 deep"):
        to_text(Document.model_validate(raw({"cell": cell})))


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), 10**400, "\ud800", {"\udc00": 1}, {1: 2}, (1, 2), b"x", object(), [[{"x": {1}}]]],
)
def test_what_json_cannot_say_never_gets_into_a_document(value: Any) -> None:
    with pytest.raises(ValueError, match=r"is expected|must be text|surrogate"):
        CellEntry(type="a.B", parameters={"x": value})


def test_defaults_are_left_out_and_policies_shortened() -> None:
    entry = CellEntry(type="a.B", scale=Scale(), on_error=OnError(then="skip"), disabled=False, initial_values={})
    text = to_text(Document(name="x", cells={"a": entry}, connections=[ConnectionEntry(source="a.b", target="a.c")]))
    assert '"a":      {"type": "a.B", "on_error": "skip"}\n' in text
    assert '["a.b", "a.c"]\n' in text
    retry = CellEntry(type="a.B", on_error=OnError(retry=3, then="skip"))
    assert '"on_error": {"retry": 3, "then": "skip"}' in to_text(Document(cells={"a": retry}))


# A name may be any text: those that the engine's cells take, and no others.
@given(st.text(max_size=5) | names)
@settings(deadline=None)
def test_the_rule_for_names_is_that_of_the_cells(name: str) -> None:
    assert (explain_name(name) is None) == bool(engine_explain_name(name, "a cell"))


# ---------------------------------------------------------------------- files


def test_saves_a_file_that_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    save(read(DESIGN), path)
    assert path.read_bytes() == DESIGN.encode()
    assert [path.name for path in tmp_path.iterdir()] == ["graph.json"]


def test_a_file_stays_as_it_was_where_it_cannot_be_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "folder.json"
    folder.mkdir()
    with pytest.raises(GraphException, match="cannot be written"):
        save(read(DESIGN), folder)
    with pytest.raises(GraphException, match="cannot be written: No such file"):
        save(read(DESIGN), tmp_path / "missing" / "graph.json")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.json"]


# ---------------------------------------------------------------------- schema


def test_the_schema_that_ships_is_current() -> None:
    shipped = (ROOT / "resources" / "schema" / "graph.schema.json").read_text(encoding="utf-8")
    assert shipped == schema.schema_text(), (
        "run: python -m pypipeline_engine.graph.schema > resources/schema/graph.schema.json"
    )


def test_the_schema_describes_what_is_written_in_the_file() -> None:
    described = schema.graph_schema()
    assert described["additionalProperties"] is False
    assert described["required"] == ["format", "version", "cells"]
    connection = described["$defs"]["ConnectionEntry"]
    assert (connection["type"], connection["minItems"], connection["maxItems"]) == ("array", 2, 3)
    assert described["$defs"]["OnError"]["anyOf"][0] == {"enum": ["fail", "skip"]}
