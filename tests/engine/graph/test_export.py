"""Document -> Python source, by way of running it."""

import ast
import json
import keyword
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from graph_support import CELLS, DESIGN, raw
from hypothesis import given, settings
from hypothesis import strategies as st

from pypipeline_engine import load_pipeline
from pypipeline_engine.catalogue.discovery import Catalogue
from pypipeline_engine.catalogue.model import Folders
from pypipeline_engine.exceptions import GraphException
from pypipeline_engine.graph.export import export
from pypipeline_engine.graph.load import folders_for
from pypipeline_engine.graph.python_text import Names, code, in_docstring
from pypipeline_engine.graph.reader import read, read_file

EXAMPLES = Path(__file__).parents[3] / "resources" / "examples"
COUNT = {"type": "sources.Counter", "parameters": {"count": 6}}
WRITE = {"type": "sinks.JsonLines", "parameters": {"path": "out.jsonl"}}


def run_program(program: Path, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    options = ["-W", "error"]
    done = subprocess.run(
        [sys.executable, *options, str(program)], cwd=folder, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


@pytest.fixture
def same_result(tmp_path: Path) -> Callable[..., str]:
    """Runs a graph, and its export in another process, compares what they wrote, and returns the program."""

    def same_result(cells: dict[str, Any], connections: list[Any], *libraries: Path) -> str:
        graph = tmp_path / "graphs" / "graph.json"
        graph.parent.mkdir(exist_ok=True)
        graph.write_text(json.dumps(raw(cells, connections)))
        load_pipeline(graph, cells=libraries, output_dir=tmp_path).run().wait(60)
        program = tmp_path / "app.py"
        text = export(read_file(graph), Catalogue(libraries), folders_for(graph), target=program, source=str(graph))
        program.write_text(text)
        run_program(program, tmp_path / "elsewhere")
        assert (tmp_path / "elsewhere" / "out.jsonl").read_bytes() == (tmp_path / "out.jsonl").read_bytes() != b""
        return text

    return same_result


def test_a_simple_graph(same_result: Any) -> None:
    cells = {
        "count": COUNT,
        "double": {"type": "math.Expression", "parameters": {"expression": "2 * a"}},
        "write": WRITE,
    }
    program = same_result(cells, [["count.value", "double.a"], ["double.value", "write.item"]])
    assert (
        program
        == '''\
"""The pipeline graph, exported from graph.json."""

from __future__ import annotations

from pathlib import Path

from pypipeline_engine import Connection, ICompositeCell, Pipeline
from pypipeline_engine.cells import math, sinks, sources


class Graph(Pipeline):
    """The pipeline graph."""

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)

        self.count = sources.Counter(self, "count")
        self.count.count.set_value(6)
        self.double = math.Expression(self, "double")
        self.double.expression.set_value("2 * a")
        self.write = sinks.JsonLines(self, "write")
        self.write.path.set_value(Path("out.jsonl"))

        Connection(self.count.value, self.double.a)
        Connection(self.double.value, self.write.item)


if __name__ == "__main__":
    Graph(None, "graph").run().wait()
'''
    )


def test_nested_scaled_disabled_and_bypassed_cells_with_policies(same_result: Any) -> None:
    inner = {
        "type": "Pipeline",
        "inputs": ["x"],
        "outputs": ["x"],
        "cells": {"twice": {"type": "math.Expression", "parameters": {"expression": "2 * a"}, "scale": {"thread": 2}}},
        "connections": [["x", "twice.a"], ["twice.value", "x"]],
        "scale": {"thread": 1, "queue_capacity": 3},
    }
    cells = {
        "count": COUNT,
        "inner": inner,
        "work": {"type": "demo.Work", "parameters": {"fail_every": 2, "milliseconds": 0}, "on_error": "skip"},
        "past": {"type": "demo.Work", "parameters": {"fail_every": 1}, "bypassed": True},
        "off": {"type": "demo.Work", "disabled": True},
        "write": WRITE,
    }
    connections = [
        ["count.value", "inner.x"],
        ["inner.x", "past.item"],
        ["past.item", "work.item"],
        ["work.item", "write.item"],
        ["work.item", "off.item"],
    ]
    program = same_result(cells, connections)
    assert "class ScaledInner(ScalableCell):" in program
    assert "class ScaledTwice(ScalableCell):" in program
    assert 'set_error_policy(ErrorPolicy(then="skip"))' in program
    assert "past" not in program
    assert "off" not in program


def test_recurrence_with_marks_and_initial_values(same_result: Any) -> None:
    cells = {
        "sum": {"type": "math.Add", "initial_values": {"value": 1}},
        "copy": {"type": "flow.Delay", "initial_values": {"item": None}, "scale": {"thread": 1}},
        "null": {"type": "sinks.Null"},
        "count": COUNT,
        "add": {"type": "math.Add"},
        "write": WRITE,
    }
    connections = [
        ["sum.value", "sum.a", "recurrent"],
        ["count.value", "sum.b"],
        ["sum.value", "add.a"],
        ["count.value", "add.b"],
        ["add.value", "write.item"],
        ["add.value", "copy.item"],
        ["copy.item", "null.item"],
    ]
    program = same_result(cells, connections)
    assert "explicitly_mark_as_recurrent=True" in program
    assert "self.sum.value.set_initial_value(1)" in program
    assert "self.cell.delayed.set_initial_value(None)" in program
    assert "set_initial_value(self.cell.delayed.get_initial_value())" in program


def test_files_of_cells_and_files_to_be_read_are_found_beside_the_program(same_result: Any, tmp_path: Path) -> None:
    library = tmp_path / "my_cells.py"
    library.write_text(CELLS)
    (tmp_path / "graphs").mkdir()
    (tmp_path / "graphs" / "data.txt").touch()
    parameters = {"mode": "EXACT", "source": "data.txt", "target": "x/y.txt", "size": [3, 4], "gain": 2}
    cells = {"count": COUNT, "t": {"type": "my_cells.Typed", "parameters": parameters}, "write": WRITE}
    program = same_result(cells, [["count.value", "t.number"], ["t.result", "write.item"]], library)
    assert 'my_cells = load_cells(HERE / "my_cells.py")' in program
    assert 'GRAPH_DIR = HERE / "graphs"' in program
    assert 'self.t.source.set_value(GRAPH_DIR / "data.txt")' in program
    assert "self.t.mode.set_value(my_cells.Mode.EXACT)" in program
    assert "self.t.size.set_value((3, 4))" in program
    assert str(tmp_path) not in program, "so that the folder can be moved"


def test_paths_are_absolute_where_the_program_stands_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "pedestrians.avi").touch()
    program = export(read(DESIGN), Catalogue(), Folders(tmp_path, tmp_path / "out"), target=Path("/else/where/app.py"))
    assert f'GRAPH_DIR = Path("{tmp_path}")' in program
    assert f'self.write.path.set_value(Path("{tmp_path / "out" / "tracks.jsonl"}"))' in program
    assert "HERE" not in program


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_every_example_can_be_exported_and_imported(path: Path, tmp_path: Path) -> None:
    program = tmp_path / "app.py"
    program.write_text(export(read_file(path), Catalogue(), folders_for(path), target=program, source=str(path)))
    tree = ast.parse(program.read_text())
    root = [node.name for node in tree.body if isinstance(node, ast.ClassDef)][-1]
    check = f"import sys; sys.path.insert(0, '.'); import app; print(bool(app.{root}(None, 'x').is_deployable()))"
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    done = subprocess.run([sys.executable, "-c", check], cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert done.stdout.strip() == "True", done.stderr


def test_arrays_are_written_in_numpy(tmp_path: Path) -> None:
    (tmp_path / "det.txt").touch()
    read_boxes = {"type": "detection.MotFile", "parameters": {"path": "det.txt"}, "initial_values": {"boxes": []}}
    cells = {"read": read_boxes, "count": COUNT}
    document = read(json.dumps(raw(cells, [["count.value", "read.index"]])))
    program = export(document, Catalogue(), Folders(tmp_path, tmp_path))
    assert "import numpy as np\n" in program
    assert "self.read.boxes.set_initial_value(np.empty((0, 5), np.float32))" in program


def test_a_wrong_document_is_refused() -> None:
    with pytest.raises(GraphException, match="is not known"):
        export(read(json.dumps(raw({"a": {"type": "no.Such"}}))), Catalogue())


odd_names = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"], exclude_characters="."), min_size=1, max_size=8)
names = (
    odd_names
    | st.sampled_from([*keyword.kwlist, "run", "deploy", "cell", "a b", "1", "_", "self", "Path", "math", '"""', "\\"])
).filter(lambda name: bool(name.strip()) and name.isprintable())


@given(st.lists(names, min_size=1, max_size=5, unique=True), names, names)
@settings(max_examples=60, deadline=None)
def test_whatever_cells_are_called_the_program_runs(cell_names: list[str], root: str, port: str) -> None:
    single: dict[str, Any] = {"type": "sources.Counter", "parameters": {"count": 3}}
    cells: dict[str, Any] = {name: {**single, "scale": {"thread": index % 2}} for index, name in enumerate(cell_names)}
    first = cell_names[0]
    cells[first] = {
        "type": "Pipeline",
        "outputs": [port],
        "cells": dict.fromkeys(cell_names, single),
        "connections": [[f"{first}.value", port]],
    }
    document = read(json.dumps(raw(cells, [[f"{first}.{port}", root]], outputs=[root]) | {"name": root}))
    program = export(document, Catalogue(), source=f"{root}.json")
    scope: dict[str, Any] = {"__name__": "exported"}
    exec(compile(program, "exported.py", "exec"), scope)
    made = scope[[name for name, value in scope.items() if isinstance(value, type)][-1]](None, root)
    assert [cell.get_name() for cell in made.get_internal_cells()] == cell_names
    assert made.get_output_names() == [root]
    assert made.is_deployable()


def test_names_are_distinct_and_valid() -> None:
    made = Names({"run"})
    wanted = ["a", "a", "a", "run", "class", "1", "", "a b", "_x", "ﬁ", "fi", "𑇡"]
    assert [made.make(name) for name in wanted] == [
        "a",
        "a_",
        "a_2",
        "run_",
        "class_",
        "cell_1",
        "cell",
        "a_b",
        "x",
        "fi",
        "fi_",
        "cell_",
    ]
    classes = Names()
    assert [classes.make_class(name) for name in ["object tracking", "object_tracking", "3d", "é", "none"]] == [
        "ObjectTracking",
        "ObjectTracking_",
        "Cell3d",
        "Cell",
        "None_",
    ]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
        max_leaves=6,
    )
)
@settings(deadline=None)
def test_code_evaluates_to_the_value(value: Any) -> None:
    assert ast.literal_eval(code(value)) == value


@given(st.text())
@settings(deadline=None)
def test_a_name_cannot_end_a_docstring(text: str) -> None:
    printable = "".join(character for character in text if character.isprintable())
    assert isinstance(ast.parse(f'"""{in_docstring(printable)}."""').body[0], ast.Expr)
