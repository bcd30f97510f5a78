"""Shipped cells in clones: what may be scaled keeps the order, and what may not still runs in a thread of its own."""

import pytest
from cell_rig import Keep

from pypipeline_engine.cell import Pipeline, ScalableCell
from pypipeline_engine.cellio import InputPort, OutputPort
from pypipeline_engine.cells import demo, flow, sinks, sources
from pypipeline_engine.cells import math as math_cells
from pypipeline_engine.connection import Connection
from pypipeline_engine.exceptions import ScalingNotSupportedException


def scaled(pipeline, cell_type, clones):
    """A cell inside of a scalable cell of its own, with a port for each input and output."""
    around = ScalableCell(pipeline, "scaled")
    cell = cell_type(around, "cell")
    for name in ("item", "keep", "a"):
        if name in cell.get_input_names():
            Connection(InputPort(around, name), cell.get_input(name))
    for output in cell.get_outputs():
        Connection(output, OutputPort(around, output.get_name()))
    around.scale_up(clones)
    return around, cell


def counter(pipeline, count):
    source = sources.Counter(pipeline, "source")
    source.count.set_value(count)
    return source


def run(pipeline, output):
    keep = Keep(pipeline, "keep")
    Connection(output, keep.item)
    pipeline.run().wait(60)
    return keep.items


def test_work_divided_over_clones_keeps_its_order():
    pipeline = Pipeline(None, "scaled_work")
    around, work = scaled(pipeline, demo.Work, 3)
    work.milliseconds.set_value(0.0)
    work.jitter.set_value(2.0)
    Connection(counter(pipeline, 60).value, around.get_input("item"))
    assert run(pipeline, around.get_output("item")) == list(range(60))


def test_a_parameter_reaches_all_clones():
    pipeline = Pipeline(None, "scaled_expression")
    around, expression = scaled(pipeline, math_cells.Expression, 2)
    expression.expression.set_value("a * b")
    expression.b.set_value(10)
    Connection(counter(pipeline, 20).value, around.get_input("a"))
    assert run(pipeline, around.get_output("value")) == [10 * number for number in range(20)]


def test_a_filter_in_clones_leaves_gaps_in_their_places():
    pipeline = Pipeline(None, "scaled_filter")
    around, _ = scaled(pipeline, flow.Filter, 2)
    source = counter(pipeline, 20)
    odd = math_cells.Expression(pipeline, "odd")
    odd.expression.set_value("a % 2 == 1")
    Connection(source.value, odd.a)
    Connection(source.value, around.get_input("item"))
    Connection(odd.value, around.get_input("keep"))
    items = run(pipeline, around.get_output("item"))
    assert [item for item in items if isinstance(item, int)] == list(range(1, 20, 2))
    assert len(items) == 20


@pytest.mark.parametrize("cell_type", [flow.Delay, flow.EveryNth, sinks.Console])
def test_what_keeps_state_has_one_clone_at_most(cell_type):
    around, _ = scaled(Pipeline(None, "scaled_state"), cell_type, 1)
    with pytest.raises(ScalingNotSupportedException, match=r"scaled_state\.scaled\.cell does not support scaling"):
        around.scale_up()


def test_a_file_sink_may_run_in_a_thread_of_its_own(tmp_path):
    pipeline = Pipeline(None, "threaded_sink")
    around, sink = scaled(pipeline, sinks.JsonLines, 1)
    sink.path.set_value(tmp_path / "out.jsonl")
    Connection(counter(pipeline, 50).value, around.get_input("item"))
    pipeline.run().wait(60)
    assert (tmp_path / "out.jsonl").read_text(encoding="utf-8").split() == [str(number) for number in range(50)]
