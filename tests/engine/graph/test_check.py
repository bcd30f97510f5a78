"""Documents held against types of cells."""

import json
from pathlib import Path
from typing import Any

import pytest
from graph_support import raw

from pypipeline_engine.catalogue.discovery import Catalogue
from pypipeline_engine.catalogue.model import CellType, Folders, KnownTypes, ParameterType, PortType, ValueType
from pypipeline_engine.graph.check import check
from pypipeline_engine.graph.load import examine_text
from pypipeline_engine.graph.model import Document
from pypipeline_engine.graph.problems import Problem
from pypipeline_engine.graph.reader import read

NUMBER, IMAGE, BOXES = ValueType(name="float"), ValueType(name="image"), ValueType(name="boxes")


def port(name: str, value_type: ValueType = NUMBER, **more: Any) -> PortType:
    return PortType(name=name, type=value_type, **more)


def parameter(name: str, value_type: ValueType = NUMBER, **more: Any) -> ParameterType:
    return ParameterType(name=name, type=value_type, **({"when": "runtime"} | more))


TYPES = KnownTypes(
    [
        CellType(name="t.Source", outputs=(port("value"),)),
        CellType(
            name="t.Scale",
            inputs=(port("value"),),
            outputs=(port("value"),),
            parameters=(
                parameter("factor", default=1.0, minimum=0, maximum=10, unit="x"),
                parameter("steps", ValueType(name="int"), when="config", default=1),
                parameter("mode", ValueType(name="text"), choices=("a", "b"), default="a"),
            ),
        ),
        CellType(name="t.Stateful", inputs=(port("value"),), outputs=(port("value"),), supports_scaling=False),
        CellType(name="t.Add", inputs=(port("a"), port("b")), outputs=(port("value"),)),
        CellType(
            name="t.Loop", inputs=(port("value"),), outputs=(port("value", has_initial_value=True), port("other"))
        ),
        CellType(name="t.Camera", outputs=(port("image", IMAGE),)),
        CellType(name="t.Detect", inputs=(port("image", IMAGE),), outputs=(port("boxes", BOXES), port("image", IMAGE))),
        CellType(name="t.Draw", inputs=(port("boxes", BOXES), port("image", IMAGE)), outputs=(port("image", IMAGE),)),
        CellType(name="t.Sink", inputs=(port("item", ValueType()),)),
        CellType(name="t.Numbers", inputs=(port("number"),)),
        CellType(
            name="t.Required",
            outputs=(port("value"),),
            parameters=(
                parameter("path", ValueType(name="input_path"), when="config", required=True),
                parameter("gain", required=True),
            ),
        ),
        CellType(
            name="t.NameOrFile",
            parameters=(
                parameter(
                    "model", ValueType(name="union", items=(ValueType(name="input_path"), ValueType(name="text")))
                ),
            ),
        ),
        CellType(name="t.Broken", problem="no camera"),
        CellType(
            name="t.Model",
            inputs=(port("tensor"),),
            outputs=(port("tensor"),),
            parameters=(parameter("path", ValueType(name="text"), when="config"),),
            ports_depend_on=("path",),
        ),
    ]
)


def document(cells: dict[str, Any], connections: list[Any] | None = None, **more: Any) -> Document:
    return Document.model_validate(
        raw(
            {name: {"type": cell} if isinstance(cell, str) else cell for name, cell in cells.items()},
            connections,
            **more,
        )
    )


def found(cells: dict[str, Any], connections: list[Any] | None = None, **more: Any) -> list[tuple[str, str]]:
    """Path and message of the errors."""
    problems = check(document(cells, connections, **more), TYPES)
    return [(problem.path, problem.message) for problem in problems if problem.severity == "error"]


def warnings(cells: dict[str, Any], connections: list[Any] | None = None) -> list[Problem]:
    return [problem for problem in check(document(cells, connections), TYPES) if problem.severity == "warning"]


CHAIN = [["s.value", "x.value"], ["x.value", "e.item"]]


def chain(**more: Any) -> dict[str, Any]:
    """A source, a cell x and a sink."""
    return {"s": "t.Source", "x": {"type": "t.Scale", **more}, "e": "t.Sink"}


def test_a_right_graph_has_no_problems() -> None:
    assert check(document(chain(parameters={"factor": 2, "mode": "b"}, scale={"thread": 4}), CHAIN), TYPES) == []


@pytest.mark.parametrize(
    ("change", "path", "message"),
    [
        ({"type": "t.Scle"}, "cells.x.type", 'the type "t.Scle" is not known; did you mean "t.Scale"?'),
        ({"type": "t.Broken"}, "cells.x.type", 'the type "t.Broken" cannot be used: no camera'),
        (
            {"parameters": {"facter": 1}},
            "cells.x.parameters.facter",
            't.Scale has no parameter "facter"; did you mean "factor"?',
        ),
        (
            {"parameters": {"value": 1}},
            "cells.x.parameters.value",
            '"value" is an input of t.Scale and no parameter: connect an output to it',
        ),
        (
            {"parameters": {"factor": "2"}},
            "cells.x.parameters.factor",
            '"x" takes another value for "factor": a number is expected, not "2"',
        ),
        (
            {"parameters": {"steps": True}},
            "cells.x.parameters.steps",
            '"x" takes another value for "steps": a whole number is expected, not true',
        ),
        ({"parameters": {"factor": 11}}, "cells.x.parameters.factor", "x.factor must be from 0 to 10 x, not 11"),
        ({"parameters": {"factor": -1}}, "cells.x.parameters.factor", "x.factor must be from 0 to 10 x, not -1"),
        ({"parameters": {"mode": "c"}}, "cells.x.parameters.mode", 'x.mode must be one of "a", "b", not "c"'),
        (
            {"initial_values": {"valu": 1}},
            "cells.x.initial_values.valu",
            't.Scale has no output "valu"; did you mean "value"?',
        ),
        (
            {"initial_values": {"value": "a"}},
            "cells.x.initial_values.value",
            'a wrong initial value: a number is expected, not "a"',
        ),
        (
            {"type": "t.Stateful", "scale": {"thread": 1, "ray": 1}},
            "cells.x.scale",
            '"x" cannot have 2 clones: t.Stateful does not support scaling, and can have one at most',
        ),
    ],
)
def test_wrong_cells(change: dict[str, Any], path: str, message: str) -> None:
    assert found(chain(**change), CHAIN) == [(path, message)]


def test_a_cell_that_cannot_be_scaled_may_have_a_thread_of_its_own() -> None:
    assert found(chain(type="t.Stateful", scale={"thread": 1}), CHAIN) == []


@pytest.mark.parametrize(
    ("connection", "message"),
    [
        (["s.value", "y.value"], 'there is no cell "y"; known are s, x, e'),
        (["source.value", "x.value"], 'there is no cell "source"; known are s, x, e'),
        (["s.valu", "x.value"], '"s" (t.Source) has no output "valu"; did you mean "value"?'),
        (["s.value", "x.number"], '"x" (t.Scale) has no input "number"; known are value, factor, mode'),
        (["e.item", "x.value"], '"e.item" is an input; a connection starts at an output'),
        (["s.value", "s.value"], '"s.value" is an output; a connection ends at an input'),
        (["s.value", "x.steps"], '"x.steps" is read at deployment and cannot be connected; set it in parameters'),
        (["s", "x.value"], '"s" is a cell: write which port of it is meant, such as "s.output"'),
        (["s.value", "x"], '"x" is a cell: write which port of it is meant, such as "x.input"'),
        (["s.value", "xx"], 'the pipeline around has no output "xx"'),
        (
            ["s.value.deep", "x.value"],
            '"s.value.deep" leads into "s": connect a port of it, and inside of it that port with "value.deep"',
        ),
        (["s.value", "x.value", "recurrent"], 's.value -> x.value cannot be recurrent: "s.value" has no initial value'),
    ],
)
def test_wrong_connections(connection: list[str], message: str) -> None:
    problems = found(chain(), [connection, ["x.value", "e.item"]])
    assert any(path == "connections[0]" and text.startswith(message) for path, text in problems), problems


def test_an_occupied_input_names_who_occupies_it() -> None:
    problems = found({**chain(), "t": "t.Source"}, [*CHAIN, ["t.value", "x.value"]])
    assert problems == [("connections[2]", '"x.value" is occupied by the connection from s.value')]


def test_an_unconnected_input_is_named() -> None:
    assert found({"a": "t.Add", "s": "t.Source", "e": "t.Sink"}, [["s.value", "a.a"], ["a.value", "e.item"]]) == [
        ("cells.a", 'the input "a.b" is not connected')
    ]


def test_a_parameter_without_a_default_must_be_set_or_connected() -> None:
    assert found({"r": "t.Required"}) == [
        ("cells.r.parameters.path", 'the parameter "path" of "r" must be set'),
        ("cells.r.parameters.gain", 'the parameter "gain" of "r" must be set or connected'),
    ]
    cells = {"r": {"type": "t.Required", "parameters": {"path": "x"}}, "s": "t.Source"}
    assert found(cells, [["s.value", "r.gain"]]) == []


def test_values_of_another_kind_are_a_warning() -> None:
    cells = {"c": "t.Camera", "n": "t.Numbers"}
    problems = warnings(cells, [["c.image", "n.number"]])
    assert [(problem.path, problem.message) for problem in problems] == [
        ("connections[0]", "c.image -> n.number: image comes where number is expected")
    ]
    assert found(cells, [["c.image", "n.number"]]) == []


def test_a_graph_without_cells_is_a_warning() -> None:
    assert [problem.message for problem in warnings({})] == ["the graph has no cell that could run"]
    assert [problem.message for problem in warnings({"s": {"type": "t.Source", "disabled": True}})]


# ---------------------------------------------------------------------- cycles


def test_a_cycle_without_an_initial_value_is_named() -> None:
    cells = {"a": "t.Scale", "b": "t.Scale", "c": "t.Scale"}
    assert found(cells, [["a.value", "b.value"], ["b.value", "c.value"], ["c.value", "a.value"]]) == [
        (
            "connections[2]",
            "no output on this cycle has an initial value: a.value -> b.value, b.value -> c.value, c.value -> a.value; "
            "give one of these outputs one in initial_values",
        )
    ]


def test_a_cell_that_feeds_itself_is_a_cycle() -> None:
    assert [path for path, _ in found({"a": "t.Scale"}, [["a.value", "a.value"]])] == ["connections[0]"]
    assert found({"a": {"type": "t.Scale", "initial_values": {"value": 0}}}, [["a.value", "a.value"]]) == []
    assert found({"a": {"type": "t.Scale", "initial_values": {"value": None}}}, [["a.value", "a.value"]]) == []


def test_every_cycle_is_named() -> None:
    cells = dict.fromkeys("abcd", "t.Scale")
    problems = found(
        cells, [["a.value", "b.value"], ["b.value", "a.value"], ["c.value", "d.value"], ["d.value", "c.value"]]
    )
    assert [path for path, _ in problems] == ["connections[1]", "connections[3]"]


def test_an_initial_value_of_the_type_opens_a_cycle() -> None:
    cells = {"a": "t.Loop", "b": "t.Scale"}
    assert found(cells, [["a.value", "b.value"], ["b.value", "a.value"]]) == []
    assert found(cells, [["a.other", "b.value"], ["b.value", "a.value"]]) != [], "the other output has none"


def test_where_two_could_be_recurrent_one_is_to_be_marked() -> None:
    cells = {"a": "t.Loop", "b": "t.Loop"}
    problems = found(cells, [["a.value", "b.value"], ["b.value", "a.value"]])
    assert len(problems) == 1
    assert "several connections of this cycle leave an initial value: mark one" in problems[0][1]
    assert 'write ["from", "to", "recurrent"] for it' in problems[0][1]
    assert found(cells, [["a.value", "b.value"], ["b.value", "a.value", "recurrent"]]) == []


def test_a_mark_outside_of_any_cycle_is_a_warning() -> None:
    cells = {"a": "t.Loop", "n": "t.Numbers"}
    problems = warnings(cells, [["a.value", "a.value"], ["a.value", "n.number", "recurrent"]])
    assert [(problem.path, problem.message) for problem in problems] == [
        ("connections[1]", "a.value -> n.number lies on no cycle and is not recurrent")
    ]


# ---------------------------------------------------------------------- nested pipelines


def nested(**more: Any) -> dict[str, Any]:
    return {
        "s": "t.Source",
        "p": {
            "type": "Pipeline",
            "inputs": ["in"],
            "outputs": ["out"],
            "cells": {"x": {"type": "t.Scale"}},
            "connections": [["in", "x.value"], ["x.value", "out"]],
            **more,
        },
        "e": "t.Sink",
    }


AROUND = [["s.value", "p.in"], ["p.out", "e.item"]]


def test_a_right_nested_pipeline_has_no_problems() -> None:
    assert check(document(nested(scale={"thread": 3}, on_error="skip"), AROUND), TYPES) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            {"connections": [["in", "x.value"]]},
            ("cells.p.outputs", 'the output "out" is not connected inside'),
        ),
        (
            {"connections": [["x.value", "out"]]},
            ("cells.p.cells.x", 'the input "x.value" is not connected'),
        ),
        (
            {"connections": [["in", "x.value"], ["x.value", "out"], ["out", "x.factor"]]},
            (
                "cells.p.connections[2]",
                '"out" is an output of the pipeline around; inside of it, a connection starts at its inputs',
            ),
        ),
        (
            {"cells": {"x": {"type": "t.Scale", "parameters": {"factor": None}}}},
            (
                "cells.p.cells.x.parameters.factor",
                '"x" takes another value for "factor": a number is expected, not null',
            ),
        ),
        (
            {"connections": [["in", "x.value", "recurrent"], ["x.value", "out"]]},
            (
                "cells.p.connections[0]",
                "in -> x.value cannot be recurrent: it starts at an input of the pipeline around",
            ),
        ),
        ({"parameters": {"a": 1}}, ("cells.p.parameters.a", 'a Pipeline has no parameter "a"')),
        ({"initial_values": {"in": 1}}, ("cells.p.initial_values.in", 'Pipeline has no output "in"; known are out')),
        (
            {"cells": {"x": {"type": "t.Stateful"}}, "scale": {"ray": 2}},
            ("cells.p.scale", '"p" cannot have 2 clones: "x" inside of it does not support scaling'),
        ),
        (
            {
                "cells": {"x": {"type": "t.Scale"}, "l": {"type": "t.Loop"}},
                "connections": [["in", "x.value"], ["x.value", "out"], ["l.value", "l.value"]],
                "scale": {"thread": 2},
            },
            (
                "cells.p.scale",
                '"p" cannot have 2 clones: the recurrent connection l.value -> l.value inside of it would lead from each '
                "clone to itself only",
            ),
        ),
    ],
)
def test_wrong_nested_pipelines(change: dict[str, Any], problem: tuple[str, str]) -> None:
    assert found(nested(**change), AROUND) == [problem]


def test_an_input_and_an_output_of_a_pipeline_may_have_one_name() -> None:
    inner = {"outputs": ["in"], "connections": [["in", "x.value"], ["x.value", "in"]]}
    assert found(nested(**inner), [["s.value", "p.in"], ["p.in", "e.item"]]) == []


def test_the_input_of_a_nested_pipeline_must_be_connected() -> None:
    assert found(nested(), [["p.out", "e.item"]]) == [("cells.p", 'the input "p.in" is not connected')]


def test_types_are_known_through_the_ports_of_nested_pipelines() -> None:
    cells = nested() | {"s": "t.Camera"}
    assert [problem.message for problem in warnings(cells, [["s.image", "p.in"], ["p.out", "e.item"]])] == [
        "s.image -> p.in: image comes where number is expected"
    ]


def test_pipelines_many_levels_deep_take_no_time_for_each_way_through_them() -> None:
    """With two ports at each level there are two to the power of the depth ways."""
    inner: dict[str, Any] = {"type": "Pipeline", "inputs": ["a", "b"], "outputs": ["c", "d"]}
    inner |= {"connections": [["a", "c"], ["b", "d"]]}
    around = [["a", "x.a"], ["b", "x.b"], ["x.c", "c"], ["x.d", "d"]]
    for _ in range(45):
        inner = inner | {"cells": {"x": inner}, "connections": around, "scale": {"thread": 2}}
    cells = {"s": "t.Source", "p": inner, "e": "t.Sink"}
    assert found(cells, [["s.value", "p.a"], ["s.value", "p.b"], ["p.c", "e.item"]]) == []


def test_the_outermost_pipeline_may_have_outputs_and_no_inputs() -> None:
    assert found({"s": "t.Source"}, [["s.value", "out"]], outputs=["out"]) == []
    assert found({"n": "t.Numbers"}, [["in", "n.number"]], inputs=["in"]) == [
        ("inputs", 'the outermost pipeline has no one to feed its input "in"')
    ]


# ---------------------------------------------------------------------- disabled and bypassed


def test_a_disabled_cell_is_gone_and_what_it_fed_says_why() -> None:
    cells = {**chain(), "s": {"type": "t.Source", "disabled": True}}
    assert found(cells, CHAIN) == [("cells.x", 'the input "x.value" is not connected, because "s" is disabled')]


def test_a_disabled_cell_may_be_unknown_and_incomplete() -> None:
    cells = {"s": "t.Source", "x": {"type": "no.Such", "disabled": True, "parameters": {"a": 1}}}
    assert found(cells, [["s.value", "x.anything"]]) == []


def test_a_disabled_cell_leaves_its_place_to_another_connection_only_in_words() -> None:
    """The connections of a disabled cell stay in the document, so an input may not have two of them either."""
    cells = {**chain(), "d": {"type": "t.Source", "disabled": True}}
    assert [path for path, _ in found(cells, [*CHAIN, ["d.value", "x.value"]])] == ["connections[2]"]


def test_a_bypassed_cell_passes_on_its_first_input_of_the_same_type() -> None:
    cells = {"c": "t.Camera", "d": {"type": "t.Detect", "bypassed": True}, "e": "t.Sink"}
    assert found(cells, [["c.image", "d.image"], ["d.image", "e.item"]]) == []


def test_bypassed_cells_in_a_row() -> None:
    cells = {**chain(bypassed=True), "y": {"type": "t.Scale", "bypassed": True}}
    assert found(cells, [["s.value", "x.value"], ["x.value", "y.value"], ["y.value", "e.item"]]) == []


def test_an_output_without_an_input_of_its_type_refuses_to_be_bypassed() -> None:
    cells = {"c": "t.Camera", "d": {"type": "t.Detect", "bypassed": True}, "e": "t.Sink"}
    assert found(cells, [["c.image", "d.image"], ["d.boxes", "e.item"]]) == [
        ("cells.d.bypassed", '"d" cannot be bypassed: it has no input of the type of its output "boxes" (boxes)'),
        ("cells.e", 'the input "e.item" is not connected, because "d" is bypassed'),
    ]


def test_a_bypassed_cell_that_gets_nothing_passes_nothing_on() -> None:
    cells = {"d": {"type": "t.Scale", "bypassed": True}, "e": "t.Sink"}
    message = 'the input "e.item" is not connected, because "d" is bypassed and its input "value" is not connected'
    assert found(cells, [["d.value", "e.item"]]) == [("cells.e", message)]
    assert found(cells, [["d.value", "d.value"], ["d.value", "e.item"]]) == [("cells.e", message)]


def test_a_bypassed_cell_may_have_wrong_parameters_but_must_be_known() -> None:
    assert found(chain(bypassed=True, parameters={"factor": "x"}), CHAIN) == []
    assert found(chain(bypassed=True, type="no.Such"), CHAIN)[0][0] == "cells.x.type"


def test_a_wrong_text_of_thousands_of_lines_is_explained_in_time() -> None:
    """Looking for the nearest known name takes time, so the first few unknown ones get it."""
    cells: dict[str, Any] = {f"cell_{number}": "t.Sorce" for number in range(1500)}
    connections = [[f"cel_{number}.value", f"cell_{number}.valu"] for number in range(1500)]
    problems = found(cells, connections)
    assert len(problems) == 3000
    assert 'did you mean "t.Source"?' in problems[0][1]
    assert sum("there is no cell" in message and "did you mean" in message for _, message in problems) < 100


# ---------------------------------------------------------------------- ports that depend on parameters


def test_where_ports_depend_on_a_file_any_name_will_do_until_the_cell_is_asked() -> None:
    cells = {"s": "t.Source", "m": {"type": "t.Model", "parameters": {"path": "x"}}}
    assert found(cells, [["s.value", "m.tensor"], ["s.value", "m.mask"]]) == []
    assert [path for path, _ in found({"s": "t.Source", "m": "t.Model"}, [["s.value", "m.mask"]])] == [
        "connections[0]",
        "cells.m",
    ]


# ---------------------------------------------------------------------- files


def test_missing_files_are_named_with_their_full_path(tmp_path: Path) -> None:
    (tmp_path / "there.txt").touch()
    folders = Folders(tmp_path, tmp_path)

    def problems(path: str) -> list[str]:
        cells = {"r": {"type": "t.Required", "parameters": {"path": path, "gain": 1}}}
        return [problem.message for problem in check(document(cells), TYPES, folders)]

    assert problems("there.txt") == []
    assert problems("missing.txt") == [f"there is no file or folder {tmp_path / 'missing.txt'}"]
    assert problems("~/x") == [f"there is no file or folder {tmp_path / '~/x'}"]
    assert problems("a" * 5000) == [f"there is no file or folder {tmp_path / ('a' * 5000)}"]


def test_a_file_that_may_be_a_name_need_not_exist(tmp_path: Path) -> None:
    cells = {"m": {"type": "t.NameOrFile", "parameters": {"model": "faces"}}}
    assert check(document(cells), TYPES, Folders(tmp_path, tmp_path)) == []


# ---------------------------------------------------------------------- everything at once


EVERYTHING = """\
{
  "format": "pypipeline.graph",
  "version": 1,
  "name": "wrong",
  "cells": {
    "count": {"type": "sources.Conter"},
    "add":   {"type": "math.Add", "scale": {"thread": -2}},
    "loop":  {"type": "math.Add"},
    "what":  {"typ": "math.Add"},
    "file":  {"type": "sources.JsonLines", "parameters": {"path": "missing.jsonl", "pat": 1}},
    "sort":  {"type": "tracking.Sort", "parameters": {"max_age": -1, "iou": true}, "scale": {"thread": 2}}
  },
  "connections": [
    ["count.value", "add.a"],
    ["count.value", "nowhere.a"],
    ["loop.value", "loop.a"],
    ["what.value", "add.b"],
    ["file.item", 5],
    ["add.value", "what.anything"]
  ]
}
"""


def test_syntax_structure_and_meaning_are_reported_together(tmp_path: Path) -> None:
    reading = examine_text(EVERYTHING, Catalogue(), Folders(tmp_path, tmp_path), "wrong.json")
    assert [(problem.line, problem.path) for problem in reading.problems] == [
        (6, "cells.count.type"),
        (7, "cells.add.scale.thread"),
        (9, "cells.what.type"),
        (9, "cells.what.typ"),
        (10, "cells.file.parameters.path"),
        (10, "cells.file.parameters.pat"),
        (11, "cells.sort.parameters.iou"),
        (11, "cells.sort.parameters.max_age"),
        (11, "cells.sort.scale"),
        (15, "connections[1]"),
        (16, "connections[2]"),
        (18, "connections[4]"),
    ]
    messages = {problem.path: problem.message for problem in reading.problems}
    assert 'did you mean "sources.Counter"?' in messages["cells.count.type"]
    assert messages["cells.sort.parameters.max_age"].startswith("sort.max_age must be from 0 to")
    assert messages["connections[2]"].startswith("no output on this cycle has an initial value")


def test_what_follows_from_a_problem_is_not_reported_again() -> None:
    """A cell without a type has unknown ports, and a lost connection may have fed any input."""
    cells = {"a": {"typ": "math.Add"}, "b": {"type": "math.Add"}}
    text = json.dumps(raw(cells, [["a.x", "b.a"], ["a.y"]]))
    paths = [problem.path for problem in examine_text(text, Catalogue()).problems]
    assert paths == ["cells.a.type", "cells.a.typ", "connections[1]"]


def test_the_libraries_of_a_graph_are_named_where_a_type_is_missing() -> None:
    problems = check(read(json.dumps(raw({"a": {"type": "stars.Find"}}, libraries=["astro-cells"]))), Catalogue())
    assert "the graph was made with astro-cells" in problems[0].message


def test_validations_of_the_cells_themselves_are_asked(tmp_path: Path) -> None:
    """A description holds ranges and choices; what else a cell checks, only it can tell."""
    cells = {"e": {"type": "math.Expression", "parameters": {"expression": "a +"}}}
    reading = examine_text(json.dumps(raw(cells)), Catalogue())
    assert [problem.path for problem in reading.problems] == ["cells.e.parameters.expression"]
