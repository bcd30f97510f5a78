"""Text -> document: everything that is wrong, at once, with its place."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from graph_support import DESIGN, raw
from hypothesis import given, settings
from hypothesis import strategies as st

from pypipeline_engine.exceptions import GraphException
from pypipeline_engine.graph import reader
from pypipeline_engine.graph.migrations import Migration
from pypipeline_engine.graph.model import Document
from pypipeline_engine.graph.problems import WrongGraphException
from pypipeline_engine.graph.reader import examine, read, read_file


def problems_of(text: str | bytes | dict[str, Any]) -> dict[str, str]:
    """By path, what is wrong."""
    return {
        problem.path: problem.message
        for problem in examine(json.dumps(text) if isinstance(text, dict) else text).problems
    }


def test_reads_the_example_of_the_format() -> None:
    document = read(DESIGN)
    assert list(document.cells) == ["video", "detect", "post", "write"]
    assert document.cells["video"].parameters == {"path": "pedestrians.avi"}
    scale = document.cells["detect"].scale
    assert scale is not None
    assert (scale.thread, scale.ray, scale.queue_capacity) == (2, 0, 8)
    track = document.find(("post", "track"))
    assert track is not None
    assert track.type == "tracking.Sort"
    assert str(document.cells["post"].connections[1]) == "track.tracks -> tracks"
    on_error = document.cells["write"].on_error
    assert on_error is not None
    assert (on_error.retry, on_error.then) == (0, "skip")
    assert document.view == {"video": {"pos": [0, 0]}}


WRONG = """\
{
  "format": "pypipeline.graph",
  "version": 1,
  "nane": "people",
  "cells": {
    "a": {"typ": "sources.Counter", "scale": {"thread": -1, "threads": 2}},
    "b": 5,
    "c": {"type": "math.Add", "on_error": "skp", "parameters": {"x": NaN, "y": 1e999, "x": 2},
          "cells": {"d": {"type": "math.Add"}}},
    "d.e": {"type": "math.Add"},
    "n": {"type": "Pipeline", "inputs": ["i", "i"],
          "cells": {"i": {"type": 3, "disabled": 1}}},
    "o": {"type": "math.Add", "on_error": {"retry": 1.5, "then": "x", "foo": 1},
          "scale": {"queue_capacity": 0, "ray": 2000, "ray_options": {"num_cpus": -1, "numgpus": 1}}}
  },
  "connections": [["a.x"],
    ["a.x", 3],
    ["a.x", "b.y", "rec"],
    {"from": "a.x"}
  ],
  "view": []
}
"""


def test_names_every_problem_of_a_wrong_file_with_line_and_path() -> None:
    found = [(problem.line, problem.path, problem.message) for problem in examine(WRONG).problems]
    assert found == [
        (4, "nane", 'unknown key "nane"; did you mean "name"?'),
        (6, "cells.a.type", "a cell must have a type"),
        (6, "cells.a.scale.thread", "a number of at least 0 is expected, not -1"),
        (6, "cells.a.scale.threads", 'unknown key "threads"; did you mean "thread"?'),
        (6, "cells.a.typ", 'unknown key "typ"; did you mean "type"?'),
        (7, "cells.b", "an object is expected, not 5"),
        (8, "cells.c.parameters.x", "expected a value, found NaN: JSON has no such number"),
        (8, "cells.c.parameters.y", "the number 1e999 is too large"),
        (8, "cells.c.parameters.x", 'the key "x" is already there on line 8'),
        (8, "cells.c.on_error", '\'fail\', \'skip\' or {"retry": 3, "then": "skip"} is expected, not "skp"'),
        (9, "cells.c.cells", "only a cell of type Pipeline has cells"),
        (10, 'cells."d.e"', 'the name "d.e" contains a dot; dots separate the parts of a full name'),
        (11, "cells.n.inputs", 'the name "i" is there twice'),
        (12, "cells.n.cells.i.type", "text is expected, not 3"),
        (12, "cells.n.cells.i.disabled", "true or false is expected, not 1"),
        (13, "cells.o.on_error.retry", "a whole number is expected, not 1.5"),
        (13, "cells.o.on_error.then", "'fail' or 'skip' is expected, not \"x\""),
        (13, "cells.o.on_error.foo", 'unknown key "foo"; known are retry, then'),
        (14, "cells.o.scale.ray", "a number of at most 1024 is expected, not 2000"),
        (14, "cells.o.scale.queue_capacity", "a number of at least 1 is expected, not 0"),
        (14, "cells.o.scale.ray_options.num_cpus", "a number of at least 0 is expected, not -1"),
        (14, "cells.o.scale.ray_options.numgpus", 'unknown key "numgpus"; did you mean "num_gpus"?'),
        (16, "connections[0]", '["cell.output", "other.input"] is expected, not a list of 1'),
        (17, "connections[1]", 'both ends of a connection must be text such as "cell.port", not 3'),
        (18, "connections[2]", 'a third element can only be "recurrent", not "rec"'),
        (19, "connections[3]", '["cell.output", "other.input"] is expected, not an object'),
        (21, "view", "an object is expected, not an empty list"),
    ]


def test_the_exception_carries_the_problems_and_its_message_lists_them() -> None:
    with pytest.raises(GraphException) as caught:
        read(WRONG, "wrong.json")
    assert isinstance(caught.value, WrongGraphException)
    assert len(caught.value.problems) == 27
    message = str(caught.value)
    assert message.startswith("wrong.json has 27 problems:\n - line 4, nane: unknown key")
    assert all(str(problem) in message for problem in caught.value.problems)


def test_a_single_problem_stands_in_one_line() -> None:
    with pytest.raises(GraphException, match=r'^x\.json: line 1, cells\.a: an object is expected, not "b"$'):
        read(json.dumps(raw({"a": "b"})), "x.json")


def test_what_is_right_is_still_there_for_the_checks_that_follow() -> None:
    document = examine(WRONG).document
    assert document is not None
    assert list(document.cells) == ["a", "b", "c", "n", "o"]
    assert document.cells["c"].parameters == {"x": 2}
    assert len(document.connections) == 4, (
        "the place of a wrong connection is kept, and so are the numbers of the others"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the text is empty"),
        ("[]", "a graph is a JSON object, not an empty list"),
        ('"graph"', 'a graph is a JSON object, not "graph"'),
        ("{}", "this is no graph file"),
        ('{"format": "other", "version": 1}', 'the format must be "pypipeline.graph", not "other"'),
        ('{"format": 3, "version": 1}', 'the format must be "pypipeline.graph", not 3'),
        ('{"cells": {}, "version": 1}', "the format is missing"),
        ('{"format": "pypipeline.graph", "cells": {}}', "the version is missing"),
        ('{"format": "pypipeline.graph", "version": 2}', "made with a newer pypipeline"),
        ('{"format": "pypipeline.graph", "version": 1e300}', "must be a whole number"),
        ('{"format": "pypipeline.graph", "version": 0}', "must be a whole number from 1 to 1, not 0"),
        ('{"format": "pypipeline.graph", "version": true}', "must be a whole number from 1 to 1, not true"),
        ('{"format": "pypipeline.graph", "version": "1"}', 'must be a whole number from 1 to 1, not "1"'),
        (b"\x00\xff\xfe", "this is no UTF-8 text (byte 0xff at offset 1)"),
        ('{"format": "pypipeline.graph"}'.encode("utf-16"), "this is no UTF-8 text"),
        (DESIGN[: len(DESIGN) // 2], "it is cut off"),
    ],
)
def test_what_is_no_graph_is_refused_in_words(text: str | bytes, message: str) -> None:
    reading = examine(text)
    assert message in "\n".join(map(str, reading.problems))
    with pytest.raises(GraphException):
        read(text)


def test_a_newer_version_says_only_that() -> None:
    """What else is unknown in it is no mistake of its author."""
    reading = examine('{"format": "pypipeline.graph", "version": 7, "unknown": 1}')
    assert reading.document is None
    assert [problem.path for problem in reading.problems] == ["version"]
    assert "version 7" in reading.problems[0].message
    assert "up to version 1" in reading.problems[0].message


def test_older_versions_are_migrated_in_order() -> None:
    def rename_key(raw: dict[str, Any]) -> dict[str, Any]:
        return {("cells" if key == "nodes" else key): value for key, value in raw.items()}

    def add_name(raw: dict[str, Any]) -> dict[str, Any]:
        assert "cells" in raw, "the first migration comes first"
        return {**raw, "name": "migrated"}

    migrations = [Migration(1, rename_key), Migration(2, add_name)]
    text = '{"format": "pypipeline.graph",\n"version": 1,\n"nodes": {"a": {"type": "math.Add", "x": 1}}}'
    # The newest version of this test is 3, while the model knows what its own is.
    reading = examine(text, migrations=migrations, version=3)
    assert [(problem.line, problem.path) for problem in reading.problems] == [(1, "cells.a.x")]
    assert reading.document is not None
    assert reading.document.name == "migrated"
    assert list(reading.document.cells) == ["a"]


def test_a_byte_order_mark_is_accepted() -> None:
    assert read(b"\xef\xbb\xbf" + DESIGN.encode()) == read(DESIGN)


def test_windows_line_ends_are_accepted() -> None:
    assert read(DESIGN.replace("\n", "\r\n")) == read(DESIGN)


@pytest.mark.parametrize("name", ["", " ", "a.b", "a\nb", "a\u200bb", "\x00"])
def test_names_of_cells_and_ports_are_checked(name: str) -> None:
    assert list(problems_of(raw({name: {"type": "math.Add"}})))
    assert list(problems_of(raw({"a": {"type": "Pipeline", "outputs": [name]}})))
    assert list(problems_of(raw({}) | {"name": name})) == ["name"]


def test_absurd_nesting_is_refused_without_recursion() -> None:
    nested = '{"format": "pypipeline.graph", "version": 1, "cells": ' + '{"a": {"type": "Pipeline", "cells": ' * 50_000
    assert "more than 100 deep" in examine(nested).problems[0].message
    value: Any = 0
    for _ in range(85):
        value = [value]
    problems = problems_of(raw({"a": {"type": "math.Add", "parameters": {"x": value}}}))
    assert problems == {"cells.a.parameters.x": "a value is nested more than 80 deep"}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"cells": []}, "cells"),
        ({"cells": None}, "cells"),
        ({"connections": {}}, "connections"),
        ({"connections": [None]}, "connections[0]"),
        ({"libraries": "numpy"}, "libraries"),
        ({"libraries": [1]}, "libraries[0]"),
        ({"name": None}, "name"),
        ({"view": 1}, "view"),
        ({"inputs": "a"}, "inputs"),
    ],
)
def test_wrong_kinds_of_json_are_refused_where_they_stand(change: dict[str, Any], path: str) -> None:
    assert path in problems_of(raw({}) | change)


@pytest.mark.parametrize(
    "entry",
    [
        None,
        [],
        1,
        {"type": None},
        {"type": ""},
        {"type": ["a"]},
        {"type": "a.B", "parameters": []},
        {"type": "a.B", "scale": 2},
        {"type": "a.B", "scale": {"thread": True}},
        {"type": "a.B", "scale": {"thread": 2.0}},
        {"type": "a.B", "scale": {"ray_options": {"resources": {"x": "y"}}}},
        {"type": "a.B", "scale": {"ray_options": {"num_gpus": True}}},
        {"type": "a.B", "on_error": None, "initial_values": []},
        {"type": "a.B", "on_error": []},
        {"type": "a.B", "on_error": {"retry": -1}},
        {"type": "a.B", "disabled": "yes"},
        {"type": "a.B", "view": {"x": 1}},
        {"type": "Pipeline", "connections": [["a"]]},
    ],
)
def test_wrong_cells_are_refused_where_they_stand(entry: Any) -> None:
    paths = list(problems_of(raw({"good": {"type": "a.B"}, "bad": entry})))
    assert paths
    assert all(path.startswith("cells.bad") for path in paths)


# ---------------------------------------------------------------------- files


def test_reads_a_file(tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    path.write_text(DESIGN, encoding="utf-8")
    assert read_file(path) == read(DESIGN)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "there is no such file"),
        (lambda path: path.mkdir(), "this is a folder"),
        (lambda path: os.mkfifo(path), "this is no regular file"),
        (lambda path: path.write_bytes(b""), "the text is empty"),
        (lambda path: path.write_bytes(bytes(range(256))), "this is no UTF-8 text"),
    ],
)
def test_files_that_are_none_are_refused(tmp_path: Path, make: Any, message: str) -> None:
    path = tmp_path / "graph.json"
    make(path)
    with pytest.raises(GraphException, match=message) as caught:
        read_file(path)
    assert str(path) in str(caught.value)


def test_a_path_that_no_file_can_have_is_refused() -> None:
    with pytest.raises(GraphException, match="null"):
        read_file("a\0b")


def test_a_file_that_is_far_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "graph.json"
    path.write_text(DESIGN)
    monkeypatch.setattr(reader, "MAX_SIZE_BYTES", 100)
    with pytest.raises(GraphException, match="larger than"):
        read_file(path)


# ---------------------------------------------------------------------- whatever comes

keys = st.sampled_from(
    [
        "format",
        "version",
        "name",
        "libraries",
        "cells",
        "connections",
        "view",
        "type",
        "parameters",
        "scale",
        "thread",
        "ray",
        "queue_capacity",
        "ray_options",
        "num_cpus",
        "resources",
        "on_error",
        "retry",
        "then",
        "initial_values",
        "disabled",
        "bypassed",
        "inputs",
        "outputs",
        "a",
        "b",
        "a.b",
        "x",
    ]
)
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats()
    | keys
    | st.sampled_from(["Pipeline", "math.Add", "a.x", "skip", "recurrent", "pypipeline.graph"])
)
anything = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=6), max_leaves=30
)


@given(anything)
@settings(max_examples=300, deadline=None)
def test_whatever_json_comes_only_our_exception_goes(value: Any) -> None:
    document = value if isinstance(value, dict) else {"cells": value}
    text = json.dumps({"format": "pypipeline.graph", "version": 1} | document)
    reading = examine(text)
    try:
        document = read(text)
    except GraphException:
        assert reading.problems
    else:
        assert not reading.problems
        assert isinstance(document, Document)


@given(st.binary(max_size=200) | st.text(max_size=200))
@settings(deadline=None)
def test_whatever_comes_nothing_is_raised(content: bytes | str) -> None:
    assert examine(content).problems


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_damaged_file_is_explained_and_never_crashes(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(DESIGN) - 1))
    length = data.draw(st.integers(0, 8))
    replacement = data.draw(st.text(st.sampled_from('{}[]",:. \n0aé\\'), max_size=4))
    reading = examine(DESIGN[:at] + replacement + DESIGN[at + length :])
    assert reading.document is not None or reading.problems
    for problem in reading.problems:
        assert problem.line is not None
        assert 1 <= problem.line <= DESIGN.count("\n") + 1 + replacement.count("\n")


def test_the_pure_modules_load_no_cell_and_no_array() -> None:
    program = (
        "import sys\n"
        "import pypipeline_engine.graph.model, pypipeline_engine.graph.reader\n"
        "import pypipeline_engine.graph.writer, pypipeline_engine.graph.problems\n"
        "import pypipeline_engine.catalogue.model, pypipeline_engine.graph.check\n"
        "heavy = ['numpy', 'cv2', 'ray', 'pypipeline_engine.cells', 'pypipeline_engine.runtime',\n"
        "         'pypipeline_engine.catalogue.discovery']\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
