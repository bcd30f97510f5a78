"""Connections: what may be connected with what, the reasons for refusing, and the way of values through ports."""

import pytest
from stream_cells import Collector, Join, Map, Source, chain, connect, deployed, pull_all

from pypipeline_engine.cell import ASingleCell, Pipeline
from pypipeline_engine.cellio import ConfigParameter, Input, InputPort, Output, OutputPort, RuntimeParameter
from pypipeline_engine.connection import Connection
from pypipeline_engine.exceptions import AlreadyDeployedException, InvalidInputException, InvalidStateException


class Configurable(Map):
    def __init__(self, parent_cell, name):
        super().__init__(parent_cell, name)
        self.gain: RuntimeParameter[int] = RuntimeParameter(self, "gain", default_value=1)
        self.path: ConfigParameter[str] = ConfigParameter(self, "path", default_value="x")

    def _on_pull(self):
        self.y.set_value(self.x.pull() * self.gain.pull())


@pytest.fixture
def scene(pipeline):
    """Two cells side by side, two inside of a pipeline with ports beside them, and a stranger."""

    class Scene:
        root = pipeline
        source = Source(pipeline, "source")
        cell = Configurable(pipeline, "cell")
        inner = Pipeline(pipeline, "inner")
        into = InputPort(inner, "into")
        out = OutputPort(inner, "out")
        deep = Map(inner, "deep")
        stranger = Map(Pipeline(None, "elsewhere"), "stranger")

    return Scene()


REFUSED = {
    "an input to an input": ("cell.x", "inner.into", "starts at an output"),
    "an output to an output": ("source.y", "cell.y", "ends at an input"),
    "backwards": ("cell.x", "source.y", "starts at an output"),
    "an output to a config parameter": ("source.y", "cell.path", "p.cell.path"),
    "into a pipeline past its port": ("source.y", "deep.x", "ports"),
    "out of a pipeline past its port": ("deep.y", "cell.x", "ports"),
    "to another pipeline": ("source.y", "stranger.x", "elsewhere"),
    "to the inner side of an output port from outside": ("source.y", "out", "p.inner.out"),
    "from the inner side of an input port to outside": ("into", "cell.x", "p.inner.into"),
    "an output port to a cell inside": ("out", "deep.x", "p.inner.out"),
}


def end(scene, name):
    cell, _, io = name.partition(".")
    if io == "into":
        return scene.into
    found = getattr(scene, cell)
    return found.get_io(io) if io else found


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_the_reason(scene, case):
    source, target, reason = REFUSED[case]
    source, target = end(scene, source), end(scene, target)
    assert not Connection.can_have_as_source_and_target(source, target) or isinstance(target, ConfigParameter)
    with pytest.raises(InvalidInputException) as raised:
        Connection(source, target)
    assert reason in str(raised.value)
    assert source.get_nb_outgoing_connections() == target.get_nb_incoming_connections() == 0
    assert scene.root.get_internal_connections() == scene.inner.get_internal_connections() == []
    scene.root.assert_is_valid()


@pytest.mark.parametrize("thing", [None, 3, "y", object()])
def test_things_that_are_no_io_are_refused(scene, thing):
    with pytest.raises(InvalidInputException, match="connection starts"):
        Connection(thing, scene.cell.x)
    with pytest.raises(InvalidInputException, match="connection ends"):
        Connection(scene.source.y, thing)
    assert not Connection.can_have_as_source(thing)
    assert not Connection.can_have_as_target(thing)


def test_an_occupied_target_is_refused_with_who_occupies_it(scene):
    first = Connection(scene.source.y, scene.cell.x)
    with pytest.raises(InvalidInputException, match=r"p\.cell\.x is occupied.*p\.source\.y"):
        Connection(scene.source.y, scene.cell.x)
    assert scene.source.y.get_outgoing_connections() == scene.cell.x.get_incoming_connections() == [first]
    first.delete()
    Connection(scene.source.y, scene.cell.x)


def test_a_connection_is_known_to_its_ends_and_its_parent(scene):
    connection = Connection(scene.source.y, scene.cell.x)
    assert connection.get_source() is scene.source.y
    assert connection.get_target() is scene.cell.x
    assert connection.get_parent_cell() is scene.root
    assert scene.source.y.get_outgoing_connections() == [connection]
    assert scene.cell.x.get_incoming_connections() == [connection]
    assert scene.source.y.get_nb_outgoing_connections() == scene.cell.x.get_nb_incoming_connections() == 1
    assert scene.root.get_internal_connections() == [connection]
    assert connection.is_inter_cell_connection()
    assert not connection.is_intra_cell_connection()
    assert not connection.is_recurrent()
    connection.assert_is_valid()
    connection.delete()
    assert scene.source.y.get_outgoing_connections() == scene.cell.x.get_incoming_connections() == []
    assert scene.root.get_internal_connections() == []
    with pytest.raises(InvalidStateException):
        connection.assert_is_valid()


def test_connections_at_ports(scene):
    outside = Connection(scene.source.y, scene.into)
    inside = Connection(scene.into, scene.deep.x)
    assert outside.get_parent_cell() is scene.root
    assert inside.get_parent_cell() is scene.inner
    assert outside.is_inter_cell_connection()
    assert inside.is_intra_cell_connection()
    assert scene.into.get_incoming_connections() == [outside]
    assert scene.into.get_outgoing_connections() == [inside]
    scene.root.assert_is_valid()


# ---------------------------------------------------------------------- ports at run time


def test_values_pass_through_the_ports_of_nested_pipelines(pipeline):
    outer = Pipeline(pipeline, "outer")
    inner = Pipeline(outer, "inner")
    cell = Map(inner, "cell", lambda x: -x)
    ports = [InputPort(outer, "x"), InputPort(inner, "x"), OutputPort(inner, "y"), OutputPort(outer, "y")]
    Connection(ports[0], ports[1])
    Connection(ports[1], cell.x)
    Connection(cell.y, ports[2])
    Connection(ports[2], ports[3])
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source", range(5)), outer, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == [-x for x in range(5)]


def test_a_port_may_lead_straight_through_a_pipeline(pipeline):
    inner = Pipeline(pipeline, "inner")
    into, out = InputPort(inner, "x"), OutputPort(inner, "y")
    Connection(into, out)
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source", range(5)), inner, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == list(range(5))


def test_a_port_serves_several_connections_inside_and_outside(pipeline):
    inner = Pipeline(pipeline, "inner")
    into, out = InputPort(inner, "x"), OutputPort(inner, "y")
    join = Join(inner, "join", 3)
    for x in join.xs[:2]:
        Connection(into, x)
    middle = Map(inner, "middle", lambda x: 10 * x)
    Connection(into, middle.x)
    connect(middle, join)
    Connection(join.y, out)
    connect(Source(pipeline, "source", range(5)), inner)
    sinks = [Collector(pipeline, f"sink{number}") for number in range(2)]
    for sink in sinks:
        connect(inner, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert [sink.items for sink in sinks] == [[(x, x, 10 * x) for x in range(5)]] * 2


def test_an_output_port_that_nobody_reads_does_no_harm(pipeline):
    seen = []
    inner = Pipeline(pipeline, "inner")
    cell = Map(inner, "cell", lambda x: seen.append(x) or x)
    Connection(InputPort(inner, "x"), cell.x)
    Connection(cell.y, OutputPort(inner, "y"))
    connect(Source(pipeline, "source", range(5)), inner)
    with deployed(pipeline):
        assert pull_all(pipeline) == 5
    assert seen == list(range(5))


# ---------------------------------------------------------------------- parameters


def test_a_runtime_parameter_may_be_connected_and_then_follows_the_stream(pipeline):
    source, gains = Source(pipeline, "source", range(5)), Source(pipeline, "gains", [10, 20, 30, 40, 50])
    cell, sink = Configurable(pipeline, "cell"), Collector(pipeline, "sink")
    Connection(source.y, cell.x)
    Connection(gains.y, cell.gain)
    connect(cell, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == [0, 20, 60, 120, 200]


def test_a_runtime_parameter_may_change_while_running(pipeline):
    cell, sink = Configurable(pipeline, "cell"), Collector(pipeline, "sink")
    connect(Source(pipeline, "source", [1] * 10), cell.x)
    connect(cell, sink)
    with deployed(pipeline):
        for gain in (None, 3, 5):
            if gain is not None:
                cell.gain.set_value(gain)
            pipeline.pull()
            assert cell.gain.pull() == (gain or 1)
    assert sink.items == [1, 3, 5]
    with deployed(pipeline):
        pipeline.pull()
    assert sink.items[-1] == 5, "the value stays over deployments"


def test_parameters_without_value_are_named_at_deployment(pipeline):
    class Needy(ASingleCell):
        def __init__(self, parent_cell, name):
            super().__init__(parent_cell, name)
            self.gain: RuntimeParameter[int] = RuntimeParameter(self, "gain")
            self.path: ConfigParameter[str] = ConfigParameter(self, "path")

        def _on_pull(self):
            self.gain.pull()

    needy = Needy(pipeline, "needy")
    reasons = pipeline.is_deployable().get_reasons_str()
    assert "p.needy.gain" in reasons
    assert "p.needy.path" in reasons
    needy.gain.set_value(3)
    needy.path.set_default_value("x")
    assert pipeline.is_deployable()
    with deployed(pipeline):
        pipeline.pull()
        assert needy.path.pull() == "x"


def test_a_value_of_none_is_a_value(pipeline):
    class Optional(ASingleCell):
        def __init__(self, parent_cell, name):
            super().__init__(parent_cell, name)
            self.gain: RuntimeParameter = RuntimeParameter(self, "gain", default_value=7)
            self.seen = []

        def _on_pull(self):
            self.seen.append(self.gain.pull())

    cell = Optional(pipeline, "cell")
    with deployed(pipeline):
        pipeline.pull()
        cell.gain.set_value(None)
        pipeline.pull()
    assert cell.seen == [7, None]


def test_a_config_parameter_is_read_at_deployment_and_frozen_until_the_end(pipeline):
    seen = []

    class Reads(Configurable):
        def _on_deploy(self):
            seen.append(self.path.pull())

    cell = Reads(pipeline, "cell")
    connect(Source(pipeline, "source"), cell.x)
    cell.path.set_value("first")
    with deployed(pipeline):
        with pytest.raises(AlreadyDeployedException, match=r"p\.cell\.path"):
            cell.path.set_value("second")
        assert cell.path.pull() == "first"
    cell.path.set_value("second")
    with deployed(pipeline):
        pass
    assert seen == ["first", "second"]


@pytest.mark.parametrize("value", [0, 11, float("nan"), "5", True, [1]])
def test_values_out_of_range_are_refused_and_the_old_one_stays(pipeline, value):
    class Ranged(ASingleCell):
        def __init__(self, parent_cell, name):
            super().__init__(parent_cell, name)
            self.gain: RuntimeParameter = RuntimeParameter(
                self, "gain", default_value=2, minimum=1, maximum=10, unit="dB", doc="How much."
            )

        def _on_pull(self):
            self.gain.pull()

    cell = Ranged(pipeline, "cell")
    cell.gain.set_value(3)
    assert not cell.gain.can_have_as_value(value)
    with pytest.raises(InvalidInputException, match=r"p\.cell\.gain"):
        cell.gain.set_value(value)
    with pytest.raises(InvalidInputException, match=r"p\.cell\.gain"):
        cell.gain.set_default_value(value)
    assert cell.gain.get_value() == 3
    assert cell.gain.get_default_value() == 2


def test_a_validation_guards_set_value_default_and_connected_values(pipeline):
    class Even(Map):
        def __init__(self, parent_cell, name):
            super().__init__(parent_cell, name)
            self.gain: RuntimeParameter = RuntimeParameter(self, "gain", lambda value: value % 2 == 0, default_value=0)

        def _on_pull(self):
            self.y.set_value(self.gain.pull())

    cell = Even(None, "cell")
    for refused in (cell.gain.set_value, cell.gain.set_default_value):
        with pytest.raises(InvalidInputException, match=r"cell\.gain does not accept the value 3"):
            refused(3)
    connected = Even(pipeline, "cell")
    source = Source(pipeline, "source", [2, 3, 4])
    connect(source, connected.x)
    Connection(source.y, connected.gain)
    sink = Collector(pipeline, "sink")
    connect(connected, sink)
    with deployed(pipeline):
        pipeline.pull()
        with pytest.raises(InvalidInputException, match=r"p\.cell\.gain does not accept the value 3"):
            pipeline.pull()
        pipeline.pull()
    assert sink.items == [2, 4]


def test_choices():
    cell = Map(None, "cell")
    mode = RuntimeParameter(cell, "mode", default_value="fast", choices=("fast", "good"))
    mode.set_value("good")
    with pytest.raises(InvalidInputException, match=r"cell\.mode must be one of 'fast', 'good', not 'best'"):
        mode.set_value("best")
    with pytest.raises(InvalidInputException, match=r"cell\.mode"):
        mode.set_value(["fast"])
    assert mode.get_value() == "good"


def test_a_validation_guards_initial_values(pipeline):
    cell = Map(pipeline, "cell")
    output = Output(cell, "out", lambda value: value > 0)
    with pytest.raises(InvalidInputException, match=r"p\.cell\.out does not accept the value 0"):
        output.set_initial_value(0)
    assert not output.has_initial_value()
    with pytest.raises(InvalidInputException, match=r"p\.cell\.other does not accept the value -1"):
        Output(cell, "other", lambda value: value > 0, initial_value=-1)


@pytest.mark.parametrize("error", [ValueError, InvalidInputException, ZeroDivisionError])
def test_a_validation_may_say_in_words_why_it_refuses(error):
    def check(value):
        raise error("too odd for me")

    parameter = RuntimeParameter(Map(None, "cell"), "gain", check)
    with pytest.raises(InvalidInputException, match=r"cell\.gain .*3.*too odd for me"):
        parameter.set_value(3)


def test_the_type_of_a_value_is_for_tools_only(pipeline):
    """Neither the one in the brackets nor the one that is connected is looked at."""

    class Typed(ASingleCell):
        def __init__(self, parent_cell, name):
            super().__init__(parent_cell, name)
            self.x = Input[int](self, "x")
            self.y = Output[str](self, "y")

        def _on_pull(self):
            self.y.set_value(self.x.pull())

    typed, sink = Typed(pipeline, "typed"), Collector(pipeline, "sink")
    chain(Source(pipeline, "source", [None, "text", 1.5]), typed, sink)
    assert (typed.x.get_value_type(), typed.y.get_value_type()) == (int, str)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == [None, "text", 1.5]
