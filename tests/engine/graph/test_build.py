"""Document -> cells, by way of running them; and cells -> document."""

import json
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graph_support import CELLS, DESIGN, raw

from pypipeline_engine import load_pipeline
from pypipeline_engine.catalogue.discovery import Catalogue
from pypipeline_engine.catalogue.model import Folders
from pypipeline_engine.cell import ErrorPolicy, Pipeline, RayCloneCell, ScalableCell, ThreadCloneCell
from pypipeline_engine.cellio import InputPort, OutputPort
from pypipeline_engine.cells import flow, math, sinks, sources
from pypipeline_engine.connection import Connection
from pypipeline_engine.exceptions import GraphException
from pypipeline_engine.graph.build import build
from pypipeline_engine.graph.capture import capture
from pypipeline_engine.graph.problems import WrongGraphException
from pypipeline_engine.graph.reader import read
from pypipeline_engine.graph.writer import to_text


@pytest.fixture
def cells_file(tmp_path: Path) -> Path:
    path = tmp_path / "cells" / "my_cells.py"
    path.parent.mkdir()
    path.write_text(CELLS)
    return path


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(cells: dict[str, Any], connections: list[Any], **more: Any) -> Path:
        path = tmp_path / "graphs" / "graph.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(raw(cells, connections, **more)))
        return path

    return write


@pytest.fixture
def results(tmp_path: Path) -> Callable[..., list[Any]]:
    """Runs a pipeline to its end and returns what it wrote to `out.jsonl`."""

    def results(path: Path, **options: Any) -> list[Any]:
        pipeline = load_pipeline(path, output_dir=tmp_path, **options)
        pipeline.run().wait(60)
        return [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]

    return results


COUNT = {"type": "sources.Counter", "parameters": {"count": 5}}
WRITE = {"type": "sinks.JsonLines", "parameters": {"path": "out.jsonl"}}


def test_a_graph_runs(write: Any, results: Any) -> None:
    cells = {
        "count": COUNT,
        "double": {"type": "math.Expression", "parameters": {"expression": "2 * a + b"}},
        "write": WRITE,
    }
    path = write(cells, [["count.value", "double.a"], ["double.value", "write.item"]])
    assert results(path) == [0, 2, 4, 6, 8]


@pytest.mark.parametrize("scale", [{"thread": 1}, {"thread": 3}, {"thread": 2, "queue_capacity": 2}])
def test_a_scaled_graph_gives_the_same(write: Any, results: Any, scale: dict[str, int]) -> None:
    cells = {
        "count": {"type": "sources.Counter", "parameters": {"count": 40}},
        "work": {"type": "demo.Work", "parameters": {"milliseconds": 0.1, "jitter": 1}, "scale": scale},
        "write": WRITE,
    }
    path = write(cells, [["count.value", "work.item"], ["work.item", "write.item"]])
    assert results(path) == list(range(40))


def nested(**more: Any) -> dict[str, Any]:
    return {
        "count": COUNT,
        "inner": {
            "type": "Pipeline",
            "inputs": ["x"],
            "outputs": ["x"],
            "cells": {"twice": {"type": "math.Expression", "parameters": {"expression": "2 * a"}}},
            "connections": [["x", "twice.a"], ["twice.value", "x"]],
            **more,
        },
        "write": WRITE,
    }


@pytest.mark.parametrize("more", [{}, {"scale": {"thread": 2}}])
def test_a_nested_pipeline_runs(write: Any, results: Any, more: dict[str, Any]) -> None:
    path = write(nested(**more), [["count.value", "inner.x"], ["inner.x", "write.item"]])
    assert results(path) == [0, 2, 4, 6, 8]


def test_recurrence_from_an_initial_value(write: Any, results: Any) -> None:
    """Fibonacci numbers: the sum and its last two values."""
    cells = {
        "sum": {"type": "math.Add", "initial_values": {"value": 1}},
        "last": {"type": "flow.Delay", "parameters": {"initial": 0}},
        "stop": {"type": "math.Add"},
        "count": {"type": "sources.Counter", "parameters": {"count": 6, "step": 0}},
        "write": WRITE,
    }
    connections = [
        ["sum.value", "sum.a"],
        ["sum.value", "last.item"],
        ["last.item", "sum.b"],
        ["sum.value", "stop.a"],
        ["count.value", "stop.b"],
        ["stop.value", "write.item"],
    ]
    cells["sum"]["initial_values"] = {"value": 1}
    assert results(write(cells, [[*connections[0], "recurrent"], *connections[1:]])) == [1, 2, 3, 5, 8, 13]


def test_disabled_and_bypassed_cells_do_not_run(write: Any, results: Any) -> None:
    cells = {
        "count": COUNT,
        "skip": {"type": "demo.Work", "parameters": {"fail_every": 1}, "bypassed": True},
        "off": {"type": "no.Such", "disabled": True},
        "write": WRITE,
    }
    connections = [["count.value", "skip.item"], ["skip.item", "write.item"], ["count.value", "off.x"]]
    assert results(write(cells, connections)) == [0, 1, 2, 3, 4]


def test_errors_are_handled_as_the_graph_says(write: Any, results: Any) -> None:
    cells = {
        "count": COUNT,
        "work": {"type": "demo.Work", "parameters": {"fail_every": 2, "milliseconds": 0}, "on_error": "skip"},
        "write": WRITE,
    }
    assert results(write(cells, [["count.value", "work.item"], ["work.item", "write.item"]])) == [0, 2, 4]


def test_outputs_of_the_outermost_pipeline_can_be_read(write: Any) -> None:
    pipeline = load_pipeline(write({"count": COUNT}, [["count.value", "out"]], outputs=["out"]))
    pipeline.deploy()
    try:
        pipeline.pull()
        pipeline.pull()
        assert pipeline.get_output("out").get_value() == 1
    finally:
        pipeline.undeploy()


# ---------------------------------------------------------------------- what is built


def cell_of(pipeline: Any, *names: str) -> tuple[ScalableCell, Any]:
    """A cell of a document, with the scalable cell around it first."""
    for name in names:
        outer = pipeline.get_internal_cell_with_name(name)
        assert isinstance(outer, ScalableCell)
        pipeline = outer.get_inner_cell()
    return outer, pipeline


def test_every_cell_can_be_scaled_and_the_wrapper_does_not_show(write: Any) -> None:
    path = write(nested(), [["count.value", "inner.x"], ["inner.x", "write.item"]])
    pipeline = load_pipeline(path)
    assert pipeline.is_deployable()
    outer, twice = cell_of(pipeline, "inner", "twice")
    assert outer.get_full_name() == twice.get_full_name() == "graph.inner.twice"
    assert twice.get_input("a").get_full_name() == "graph.inner.twice.a"
    assert outer.get_input_names() == ["a"], "only the parameters that are connected have a port"
    assert outer.get_output_names() == ["value"]
    pipeline.assert_is_valid()


def test_scale_options_and_policies_arrive(write: Any) -> None:
    scale = {"thread": 2, "ray": 3, "queue_capacity": 9, "ray_options": {"num_cpus": 1, "resources": {"x": 0.5}}}
    cells = {"count": COUNT, "add": {"type": "math.Add", "scale": scale, "on_error": {"retry": 2, "then": "skip"}}}
    pipeline = load_pipeline(write(cells, [["count.value", "add.a"], ["count.value", "add.b"]]))
    outer, inner = cell_of(pipeline, "add")
    assert outer.get_clone_methods() == {ThreadCloneCell: 2, RayCloneCell: 3}
    assert outer.config_queue_capacity.get_value() == 9
    assert outer.get_ray_options() == {"num_cpus": 1, "resources": {"x": 0.5}}
    assert inner.get_error_policy() == ErrorPolicy(2, "skip")


def test_parameters_are_converted_to_their_types(write: Any, cells_file: Path, tmp_path: Path) -> None:
    parameters = {"mode": "EXACT", "source": "data.txt", "target": "x/out.txt", "size": [3, 4], "gain": 2, "even": 4}
    path = write(
        {"count": COUNT, "t": {"type": "my_cells.Typed", "parameters": parameters}}, [["count.value", "t.number"]]
    )
    (path.parent / "data.txt").touch()
    _, cell = cell_of(load_pipeline(path, cells=[cells_file], output_dir=tmp_path), "t")
    assert cell.mode.get_value().name == "EXACT"
    assert cell.source.get_value() == path.parent / "data.txt"
    assert cell.target.get_value() == tmp_path / "x" / "out.txt"
    assert cell.size.get_value() == (3, 4)
    assert repr(cell.gain.get_value()) == "2.0"


def test_a_cell_may_have_an_input_named_like_that_of_its_wrapper(write: Any, results: Any, cells_file: Path) -> None:
    cells = {
        "count": COUNT,
        "t": {"type": "my_cells.Typed", "scale": {"thread": 2, "queue_capacity": 3}},
        "write": WRITE,
    }
    connections = [["count.value", "t.number"], ["count.value", "t.queue_capacity"], ["t.result", "write.item"]]
    assert results(write(cells, connections), cells=[cells_file]) == [0, 2, 4, 6, 8]


@pytest.mark.parametrize("scale", [{}, {"thread": 2}])
def test_ports_that_appear_when_a_parameter_is_set_can_be_connected(
    write: Any, results: Any, cells_file: Path, scale: dict[str, int]
) -> None:
    cells = {
        "count": COUNT,
        "sum": {"type": "my_cells.Sum", "parameters": {"count": 3}, "scale": scale},
        "write": WRITE,
    }
    connections = [["count.value", f"sum.number_{number}"] for number in (1, 2, 3)] + [["sum.total", "write.item"]]
    assert results(write(cells, connections), cells=[cells_file]) == [0, 3, 6, 9, 12]
    with pytest.raises(GraphException, match=r'the input "sum\.number_2" is not connected'):
        load_pipeline(write(cells, connections[2:]), cells=[cells_file])
    with pytest.raises(GraphException, match=r'"sum" \(my_cells\.Sum\) has no input "number_4"; did you mean "number_'):
        load_pipeline(write(cells, [*connections, ["count.value", "sum.number_4"]]), cells=[cells_file])


def test_queue_capacities_survive_in_clones_of_a_nested_pipeline(write: Any) -> None:
    inner = nested(scale={"thread": 1})
    inner["inner"]["cells"]["twice"]["scale"] = {"thread": 2, "queue_capacity": 7}
    pipeline = load_pipeline(write(inner, [["count.value", "inner.x"], ["inner.x", "write.item"]]))
    _, pipe = cell_of(pipeline, "inner")
    copy = pipe.clone(None)
    outer, _ = cell_of(copy, "twice")
    assert outer.config_queue_capacity.get_value() == 7
    assert outer.get_clone_methods() == {ThreadCloneCell: 2}
    assert [str(connection) for connection in outer.get_internal_connections()] == [
        "inner.twice.a -> inner.twice.a",
        "inner.twice.value -> inner.twice.value",
    ]


def test_initial_values_become_arrays_where_the_output_gives_arrays(tmp_path: Path) -> None:
    boxes = [[1, 2, 3, 4, 0.5]]
    cells = {
        "read": {"type": "detection.MotFile", "parameters": {"path": "det.txt"}, "initial_values": {"boxes": boxes}},
        "count": COUNT,
    }
    (tmp_path / "det.txt").touch()
    document = read(json.dumps(raw(cells, [["count.value", "read.index"]])))
    outer, inner = cell_of(build(document, Catalogue(), Folders(tmp_path, tmp_path)), "read")
    value = inner.boxes.get_initial_value()
    assert (value.dtype, value.tolist()) == (np.float32, boxes)
    assert outer.get_output("boxes").get_initial_value() is value
    cells["read"]["initial_values"] = {"boxes": [[1, 2]]}
    with pytest.raises(GraphException, match=r"initial_values\.boxes: a list of boxes is expected"):
        build(read(json.dumps(raw(cells, [["count.value", "read.index"]]))), Catalogue(), Folders(tmp_path, tmp_path))


# ---------------------------------------------------------------------- what is refused


def test_every_problem_is_in_one_exception(write: Any, cells_file: Path) -> None:
    cells = {
        "t": {"type": "my_cells.Typed", "parameters": {"even": 3, "mode": "NO", "source": "missing.txt"}},
        "x": {"type": "my_cells.Type"},
    }
    with pytest.raises(GraphException) as caught:
        load_pipeline(write(cells, []), cells=[cells_file])
    assert isinstance(caught.value, WrongGraphException)
    assert {problem.path for problem in caught.value.problems} == {
        "cells.t",
        "cells.t.parameters.even",
        "cells.t.parameters.mode",
        "cells.t.parameters.source",
        "cells.x.type",
    }
    assert all(problem.line is not None for problem in caught.value.problems)


def test_a_cell_that_fails_when_it_is_made_is_a_problem_of_the_graph(write: Any, cells_file: Path) -> None:
    path = write({"count": COUNT, "t": {"type": "my_cells.Treacherous"}}, [["count.value", "t.number"]])
    with pytest.raises(GraphException, match=r"cells\.t: Treacherous cannot be made: OSError: no such device"):
        load_pipeline(path, cells=[cells_file])


def test_files_that_were_not_approved_do_not_run(write: Any, cells_file: Path) -> None:
    path = write({"t": {"type": "my_cells.Typed"}}, [], libraries=[str(cells_file)])
    with pytest.raises(GraphException, match='no library with the category "my_cells" is installed or approved'):
        load_pipeline(path)


def test_only_our_exceptions_come_out(tmp_path: Path, cells_file: Path) -> None:
    cells_file.write_text("1 / 0")
    graph = tmp_path / "graph.json"
    graph.write_text(json.dumps(raw({"t": {"type": "my_cells.Typed"}})))
    for path, options in [
        (tmp_path / "missing.json", {}),
        (tmp_path, {}),
        (graph, {}),
        (graph, {"cells": [cells_file]}),
        (graph, {"cells": [tmp_path / "missing.py"]}),
    ]:
        with pytest.raises(GraphException):
            load_pipeline(path, **options)


# ---------------------------------------------------------------------- capture


def test_building_and_capturing_gives_the_document_again(write: Any, cells_file: Path, tmp_path: Path) -> None:
    cells = nested(scale={"thread": 2}, on_error="fail") | {
        "typed": {
            "type": "my_cells.Typed",
            "parameters": {"mode": "EXACT", "source": "graph.json", "target": "x/y", "size": [3, 4], "gain": 0.5},
            "scale": {"thread": 1, "ray": 2, "queue_capacity": 4, "ray_options": {"num_cpus": 1}},
            "on_error": {"retry": 1, "then": "fail"},
        },
        "loop": {"type": "math.Add", "initial_values": {"value": 1}},
    }
    connections = [
        ["count.value", "inner.x"],
        ["inner.x", "write.item"],
        ["count.value", "typed.number"],
        ["count.value", "typed.gain"],
        ["loop.value", "loop.a"],
        ["count.value", "loop.b"],
        ["loop.value", "out"],
    ]
    path = write(cells, connections, outputs=["out"], libraries=[str(cells_file)])
    catalogue = Catalogue([cells_file])
    folders = Folders(path.parent, tmp_path / "out")
    document = read(path.read_bytes())
    captured = capture(build(document, catalogue, folders), catalogue, folders)
    assert to_text(captured) == to_text(document)


def test_the_example_of_the_format_is_captured(tmp_path: Path) -> None:
    (tmp_path / "pedestrians.avi").touch()
    folders = Folders(tmp_path, tmp_path)
    document = read(DESIGN).model_copy(update={"view": {}})
    assert to_text(capture(build(document, Catalogue(), folders), Catalogue(), folders)) == to_text(document)


def test_marks_of_recurrent_connections_are_captured() -> None:
    cells = {name: {"type": "flow.Delay", "initial_values": {"item": 0}} for name in "ab"}
    document = read(json.dumps(raw(cells, [["a.item", "b.item"], ["b.item", "a.item", "recurrent"]])))
    assert to_text(capture(build(document, Catalogue()), Catalogue())) == to_text(document)


def test_a_connection_marked_as_not_recurrent_is_captured_by_marking_the_other_one() -> None:
    root = Pipeline(None, "root")
    one, other = flow.Delay(root, "one"), flow.Delay(root, "other")
    for cell in (one, other):
        cell.get_output("item").set_initial_value(0)
    Connection(one.get_output("item"), other.get_input("item"), explicitly_mark_as_recurrent=False)
    Connection(other.get_output("item"), one.get_input("item"))
    assert [entry.mark for entry in capture(root, Catalogue()).connections] == [None, "recurrent"]


def test_pipelines_written_in_python_are_captured() -> None:
    class Inner(Pipeline):
        def __init__(self, parent_cell: Any, name: str) -> None:
            super().__init__(parent_cell, name)
            self.x = InputPort(self, "x")
            self.delay = flow.Delay(self, "delay")
            self.y = OutputPort(self, "y")
            Connection(self.x, self.delay.get_input("item"))
            Connection(self.delay.get_output("item"), self.y)

    root = Pipeline(None, "written")
    counter = sources.Counter(root, "counter")
    counter.count.set_value(3)
    scaled = ScalableCell(root, "scaled")
    add = math.Add(scaled, "add")
    port = InputPort[Any](scaled, "both")
    Connection(port, add.a)
    Connection(port, add.b)
    total = OutputPort[Any](scaled, "total")
    Connection(add.value, total)
    scaled.scale_up(2)
    inner = Inner(root, "inner")
    sink = sinks.Null(root, "sink")
    Connection(counter.value, port)
    Connection(total, inner.x)
    Connection(inner.y, sink.item)
    document = capture(root, Catalogue())
    assert to_text(document) == textwrap.dedent("""\
        {
          "format": "pypipeline.graph",
          "version": 1,
          "name": "written",
          "libraries": [],
          "cells": {
            "counter": {"type": "sources.Counter", "parameters": {"count": 3}},
            "scaled": {"type": "math.Add", "scale": {"thread": 2}},
            "inner":  {"type": "Pipeline", "inputs": ["x"], "outputs": ["y"], "cells": {"delay": {"type": "flow.Delay"}},
                       "connections": [["x", "delay.item"], ["delay.item", "y"]]},
            "sink":   {"type": "sinks.Null"}
          },
          "connections": [
            ["counter.value", "scaled.a"],
            ["counter.value", "scaled.b"],
            ["scaled.value", "inner.x"],
            ["inner.y", "sink.item"]
          ]
        }
        """)
    build(document, Catalogue())


def test_what_a_document_cannot_say_is_refused_with_every_reason() -> None:
    class Local(math.Add):
        pass

    root = Pipeline(None, "root")
    Local(root, "local")
    outer = ScalableCell(root, "outer")
    math.Add(ScalableCell(outer, "middle"), "add")
    random = sources.Random(root, "random")
    random.low.set_default_value(0.0)
    random._inputs["low"]._box[0] = np.float64("nan")
    around = ScalableCell(root, "around")
    math.Add(around, "add")
    into, out = InputPort[Any](around, "in"), OutputPort[Any](around, "out")
    Connection(into, out)
    Connection(random.value, into)
    with pytest.raises(GraphException) as caught:
        capture(root, Catalogue())
    message = str(caught.value)
    assert "root.local is a Local, which has no type name" in message
    assert "root.outer is a scalable cell in another one" in message
    assert "root.random.low: a finite number is expected" in message
    assert "root.around.in passes a value round the inner cell" in message
