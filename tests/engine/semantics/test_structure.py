"""Cells, names and IO: what they are called, who knows whom, and what is refused."""

import json
import logging

import pytest
from stream_cells import Collector, Join, Map, Source, chain, connect, deployed, pull_all, scaled_map

from pypipeline_engine.cell import ASingleCell, Pipeline, ScalableCell
from pypipeline_engine.cellio import ConfigParameter, Input, InputPort, Output, OutputPort, RuntimeParameter
from pypipeline_engine.connection import Connection
from pypipeline_engine.exceptions import (
    CannotBeDeletedException,
    InvalidInputException,
    InvalidStateException,
    ScalingNotSupportedException,
)
from pypipeline_engine.validation import BoolExplained, FalseExplained, TrueExplained, raise_if_not


class Everything(ASingleCell):
    def __init__(self, parent_cell, name):
        super().__init__(parent_cell, name)
        self.second: Output[int] = Output(self, "second out")
        self.b: Input[int] = Input(self, "b")
        self.gain: RuntimeParameter[float] = RuntimeParameter(self, "gain", default_value=1.0)
        self.first: Output[int] = Output(self, "first out")
        self.a: Input[int] = Input(self, "a")
        self.path: ConfigParameter[str] = ConfigParameter(self, "path", default_value="x")

    def _on_pull(self):
        raise NotImplementedError


# ---------------------------------------------------------------------- validators


def test_bool_explained():
    true, one, two = TrueExplained(), FalseExplained("one"), FalseExplained(["two", "three"])
    assert true
    assert not one
    assert (true * true).reasons == true.reasons == ()
    assert (true * one).reasons == (one * true).reasons == ("one",)
    assert (one * two).reasons == ("one", "two", "three")
    assert not one * two
    assert (one * two).get_reasons_str() == "one; two; three"
    pretty = (one * two).get_reasons_str(pretty=True)
    assert [line.strip(" -") for line in pretty.splitlines() if line] == ["one", "two", "three"]
    assert isinstance(one, BoolExplained)
    assert bool(true) is True
    with pytest.raises(ValueError, match="reason"):
        FalseExplained([])


def test_raise_if_not():
    raise_if_not(TrueExplained(), InvalidInputException)
    with pytest.raises(InvalidInputException, match=r"^one; two$"):
        raise_if_not(FalseExplained(["one", "two"]), InvalidInputException)


# ---------------------------------------------------------------------- names


def test_full_names_join_the_names_from_the_root():
    root = Pipeline(None, "root")
    inner = Pipeline(parent_cell=root, name="inner")
    cell = Map(inner, "cell")
    assert (root.get_full_name(), inner.get_full_name(), cell.get_full_name()) == (
        "root",
        "root.inner",
        "root.inner.cell",
    )
    assert cell.get_name() == "cell"
    assert cell.x.get_full_name() == "root.inner.cell.x"
    assert cell.get_parent_cell() is inner
    assert root.get_parent_cell() is None
    assert inner.get_internal_cell_with_name("cell") is cell


@pytest.mark.parametrize("name", ["", "a.b", ".", None, 3, "  ", "a\nb"])
def test_names_that_are_refused(name):
    root = Pipeline(None, "root")
    assert not Map.can_have_as_name(name)
    with pytest.raises(InvalidInputException, match="name"):
        Map(root, name)
    with pytest.raises(InvalidInputException, match="name"):
        Pipeline(None, name)
    cell = Map(root, "cell")
    assert not cell.x.can_have_as_name(name)
    with pytest.raises(InvalidInputException, match="name"):
        Input(cell, name)
    assert [cell.get_name() for cell in root.get_internal_cells()] == ["cell"]
    root.assert_is_valid()


@pytest.mark.parametrize("name", ["a", "größer", "two words", "x-1", "a/b", "0"])
def test_names_that_are_fine(name):
    assert Map(Pipeline(None, "root"), name).get_full_name() == f"root.{name}"


def test_a_name_is_unique_among_siblings_only():
    root = Pipeline(None, "root")
    Map(root, "same")
    with pytest.raises(InvalidInputException, match=r"root.*'same'"):
        Map(root, "same")
    Map(Pipeline(root, "inner"), "same")
    assert len(root.get_internal_cells()) == 2


def test_an_io_name_is_unique_in_its_direction():
    cell = Map(None, "cell")
    with pytest.raises(InvalidInputException, match=r"cell.*'x'"):
        Input(cell, "x")
    with pytest.raises(InvalidInputException, match=r"cell.*'x'"):
        RuntimeParameter(cell, "x")
    with pytest.raises(InvalidInputException, match=r"cell.*'y'"):
        Output(cell, "y")
    assert cell.get_input_names() == ["x"]


@pytest.mark.parametrize("parent", ["a string", 3, object()])
def test_a_parent_that_is_no_composite_is_refused(parent):
    with pytest.raises(InvalidInputException, match="parent"):
        Map(parent, "cell")


def test_a_single_cell_is_no_parent():
    outer = Map(None, "outer")
    assert not Map(None, "x").can_have_as_parent_cell(outer)
    with pytest.raises(InvalidInputException, match="outer"):
        Map(outer, "cell")


def test_cells_of_a_pipeline_in_the_order_of_their_creation():
    root = Pipeline(None, "root")
    cells = [Map(root, name) for name in "cab"]
    assert root.get_internal_cells() == cells
    with pytest.raises(KeyError, match=r"root has no cell named 'd'.*c, a, b"):
        root.get_internal_cell_with_name("d")


def test_topological_order():
    root = Pipeline(None, "root")
    sink, join, two, one, source = (
        Collector(root, "sink"),
        Join(root, "join"),
        Map(root, "two"),
        Map(root, "one"),
        Source(root, "source"),
    )
    chain(source, one, join, sink)
    chain(source, two, join)
    order = root.get_internal_cells_in_topological_order()
    assert set(order) == {sink, join, two, one, source}
    for connection in root.get_internal_connections():
        assert order.index(connection.get_source().get_cell()) < order.index(connection.get_target().get_cell())


# ---------------------------------------------------------------------- IO


def test_io_in_the_order_of_declaration():
    cell = Everything(None, "cell")
    assert cell.get_input_names() == ["b", "gain", "a", "path"]
    assert cell.get_output_names() == ["second out", "first out"]
    assert cell.get_io_names() == ["b", "gain", "a", "path", "second out", "first out"]
    assert cell.get_inputs() == [cell.b, cell.gain, cell.a, cell.path]
    assert cell.get_outputs() == [cell.second, cell.first]
    assert cell.get_input("a") is cell.a
    assert cell.get_output("first out") is cell.first
    assert cell.get_io("path") is cell.path
    assert cell.a.get_cell() is cell


def test_unknown_io_is_named_with_what_there_is():
    cell = Everything(None, "cell")
    with pytest.raises(KeyError, match=r"cell has no input named 'c'.*b, gain, a, path"):
        cell.get_input("c")
    with pytest.raises(KeyError, match=r"cell has no output named 'a'.*second out, first out"):
        cell.get_output("a")
    with pytest.raises(KeyError, match="cell has no"):
        cell.get_io("c")


def test_io_recursively():
    root = Pipeline(None, "root")
    InputPort(root, "in")
    inner = Pipeline(root, "inner")
    OutputPort(inner, "out")
    Map(inner, "cell")
    assert root.get_io_names_recursively() == ["root.in", "root.inner.out", "root.inner.cell.x", "root.inner.cell.y"]
    assert root.get_input_names_recursively() == ["root.in", "root.inner.cell.x"]
    assert root.get_output_names_recursively() == ["root.inner.out", "root.inner.cell.y"]
    assert [io.get_full_name() for io in root.get_outputs_recursively()] == root.get_output_names_recursively()


def test_a_composite_has_ports_and_a_single_cell_has_none():
    root = Pipeline(None, "root")
    for kind in (Input, Output):
        with pytest.raises(InvalidInputException, match=f"{kind.__name__}Port"):
            kind(root, "io")
    cell = Map(None, "cell")
    for kind in (InputPort, OutputPort):
        with pytest.raises(InvalidInputException, match="single cell"):
            kind(cell, "io")
    assert root.get_io_names() == []
    assert cell.get_io_names() == ["x", "y"]


def test_value_types_are_known_where_written():
    cell = Map(None, "cell")
    assert Input[float](cell, "typed").get_value_type() is float


# ---------------------------------------------------------------------- topology


def test_sources_and_sinks():
    root = Pipeline(None, "root")
    source, mapped, sink = Source(root, "source"), Map(root, "map"), Collector(root, "sink")
    chain(source, mapped, sink)
    assert [cell.is_source_cell() for cell in (source, mapped, sink)] == [True, False, False]
    assert [cell.is_sink_cell() for cell in (source, mapped, sink)] == [False, False, True]
    assert root.is_source_cell()
    assert root.is_sink_cell()


def test_the_topology_description_is_json():
    root = Pipeline(None, "root")
    total = Map(root, "map")
    total.y.set_initial_value(object())
    connect(total, total)
    scaled_map(root, "box", clones=2)
    description = root.get_topology_description()
    assert json.loads(json.dumps(description)) == description
    text = json.dumps(description)
    for name in ("root", "map", "box", "root.map.y", "root.map.x"):
        assert f'"{name}"' in text
    assert len(description["internal_cells"]) == 2
    assert description["connections"][0]["is_recurrent"] is True


def test_the_logger_is_named_after_the_cell(caplog):
    cell = Map(Pipeline(None, "root"), "cell")
    assert isinstance(cell.logger, logging.Logger)
    cell.logger.warning("hello")
    assert "root.cell" in caplog.records[0].name


# ---------------------------------------------------------------------- removal


def test_delete_a_cell():
    root = Pipeline(None, "root")
    keep, drop = Source(root, "keep"), Map(root, "drop")
    connection = connect(keep, drop)
    with pytest.raises(CannotBeDeletedException, match=r"root\.keep\.y -> root\.drop\.x"):
        drop.delete()
    assert root.get_internal_cells() == [keep, drop]
    root.assert_is_valid()
    connection.delete()
    drop.delete()
    assert root.get_internal_cells() == [keep]
    assert root.get_internal_connections() == keep.y.get_outgoing_connections() == []
    root.assert_is_valid()
    with deployed(root):
        root.pull()


def test_the_name_of_a_deleted_cell_is_free_again():
    root = Pipeline(None, "root")
    Map(root, "cell").delete()
    chain(Source(root, "source"), Map(root, "cell"), Collector(root, "sink"))
    with deployed(root):
        root.pull()


def test_delete_a_pipeline_with_what_is_inside():
    root = Pipeline(None, "root")
    inner = Pipeline(root, "inner")
    chain(Source(inner, "source"), Collector(inner, "sink"))
    inner.delete()
    assert root.get_internal_cells() == []
    root.assert_is_valid()


def test_delete_an_io():
    root = Pipeline(None, "root")
    source, sink = Source(root, "source"), Collector(root, "sink")
    connection = connect(source, sink)
    with pytest.raises(CannotBeDeletedException, match=r"root\.sink\.x is still connected"):
        sink.x.delete()
    connection.delete()
    sink.x.delete()
    assert sink.get_io_names() == []
    root.assert_is_valid()


# ---------------------------------------------------------------------- invariants


def test_a_valid_structure_passes():
    root = Pipeline(None, "root")
    chain(Source(root, "source"), scaled_map(root, "box", clones=2), Collector(root, "sink"))
    root.assert_is_valid()
    with deployed(root):
        root.pull()
        root.assert_is_valid()


def test_a_broken_invariant_is_found_from_the_root():
    root = Pipeline(None, "root")
    inner = Pipeline(root, "inner")
    source, sink = Source(inner, "source"), Collector(inner, "sink")
    connect(source, sink)
    sink.x._incoming.clear()
    with pytest.raises(InvalidStateException, match=r"root\.inner"):
        root.assert_is_valid()
    another = Pipeline(None, "another")
    cell = Map(another, "cell")
    cell._parent_cell = None
    with pytest.raises(InvalidStateException, match="cell"):
        another.assert_is_valid()


# ---------------------------------------------------------------------- a pipeline as its own class


class Doubled(Pipeline):
    """Made of two cells in its constructor, as users write it."""

    def __init__(self, parent_cell, name, factor=2):
        super().__init__(parent_cell, name)
        self.first = Map(self, "first", lambda x: x * factor)
        self.second = Map(self, "second", lambda x: -x)
        Connection(InputPort(self, "x"), self.first.x)
        Connection(self.first.y, self.second.x)
        Connection(self.second.y, OutputPort(self, "y"))


@pytest.mark.parametrize("clones", [0, 1, 3])
def test_a_pipeline_class_can_be_scaled(clones):
    root = Pipeline(None, "root")
    box = ScalableCell(root, "box")
    inner = Doubled(box, "inner", factor=3)
    Connection(InputPort(box, "x"), inner.get_input("x"))
    Connection(inner.get_output("y"), OutputPort(box, "y"))
    box.scale_up(clones)
    sink = Collector(root, "sink")
    chain(Source(root, "source", range(9)), box, sink)
    with deployed(root):
        pull_all(root)
    assert sink.items == [-3 * x for x in range(9)]


def test_a_clone_of_a_pipeline_is_like_it():
    original = Doubled(Pipeline(None, "root"), "inner", 5)
    parent = Pipeline(None, "other")
    copy = original.clone(parent)
    assert copy.get_full_name() == "other.inner"
    assert type(copy) is Doubled
    assert copy.first is not original.first
    parent.assert_is_valid()
    assert [str(c).replace("other.", "") for c in copy.get_internal_connections()] == [
        str(c).replace("root.", "") for c in original.get_internal_connections()
    ]


def test_a_pipeline_that_was_built_from_outside_is_cloned_with_all_of_it():
    original = Pipeline(None, "inner")
    first = Map(original, "first")
    first.y.set_initial_value(3)
    box = scaled_map(original, "box", clones=2)
    chain(first, box)
    Connection(InputPort(original, "x"), first.x)
    Connection(box.get_output("y"), OutputPort(original, "y"))
    copy = original.clone(None)
    assert copy.get_topology_description() == original.get_topology_description()
    assert copy.get_internal_cell_with_name("box").get_nb_clones() == 2
    assert copy.get_internal_cell_with_name("first").y.get_initial_value() == 3
    copy.assert_is_valid()


def test_what_was_taken_out_of_a_pipeline_class_is_not_in_its_clones():
    """The constructor makes it again; the clone has to be like the original all the same."""
    root = Pipeline(None, "root")
    box = ScalableCell(root, "box")
    inner = Doubled(box, "inner", factor=3)
    for connection in inner.second.x.get_incoming_connections() + inner.second.y.get_outgoing_connections():
        connection.delete()
    inner.second.delete()
    Connection(inner.first.y, inner.get_output("y"))
    Connection(InputPort(box, "x"), inner.get_input("x"))
    Connection(inner.get_output("y"), OutputPort(box, "y"))
    box.scale_up(2)
    sink = Collector(root, "sink")
    chain(Source(root, "source", range(9)), box, sink)
    with deployed(root):
        pull_all(root)
    assert sink.items == [3 * x for x in range(9)]


def test_an_input_of_a_cell_that_is_none_yet_says_what_to_call_first():
    class Hasty(ASingleCell):
        def __init__(self, parent_cell, name):
            self.x = Input(self, "x")
            super().__init__(parent_cell, name)

        def _on_pull(self):
            pass

    with pytest.raises(InvalidInputException, match=r"super\(\).__init__\(parent_cell, name\) first"):
        Hasty(None, "hasty")


@pytest.mark.parametrize("policy", ["skip", 3, {"retry": 1}])
def test_what_is_no_error_policy_is_refused_at_once(policy):
    with pytest.raises(InvalidInputException, match="the error policy of p must be an ErrorPolicy"):
        Pipeline(None, "p").set_error_policy(policy)


def test_a_cell_may_have_an_argument_named_cls():
    class Typed(ASingleCell):
        def __init__(self, parent_cell, name, cls=int):
            super().__init__(parent_cell, name)
            self.cls = cls

        def _on_pull(self):
            pass

    assert Typed(None, "typed", cls=float).clone(None).cls is float


def test_the_gpus_that_a_pipeline_needs_are_those_of_its_cells_together():
    class Hungry(Map):
        def get_nb_required_gpus(self):
            return 0.5

    pipeline = Pipeline(None, "p")
    inner = Pipeline(pipeline, "inner")
    assert Map(pipeline, "map").get_nb_required_gpus() == pipeline.get_nb_required_gpus() == 0
    for parent, name in ((pipeline, "a"), (inner, "b"), (inner, "c")):
        Hungry(parent, name)
    assert inner.get_nb_required_gpus() == 1.0
    assert pipeline.get_nb_required_gpus() == 1.5


def test_a_pipeline_supports_scaling_where_all_inside_of_it_does(pipeline):
    box = ScalableCell(pipeline, "box")
    inner = Pipeline(box, "inner")
    further = Pipeline(inner, "further")
    Map(further, "map")
    assert inner.supports_scaling()
    Collector(further, "keeps state")
    assert not inner.supports_scaling()
    box.scale_up()
    with pytest.raises(ScalingNotSupportedException, match=r"p\.box\.inner does not support scaling"):
        box.scale_up()
