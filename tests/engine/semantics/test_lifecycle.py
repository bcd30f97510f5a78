"""Deploying and undeploying: what is called, how often, in which order, and what remains where something fails."""

import importlib
import os
import subprocess
import sys
import threading
from types import ModuleType

import pytest
from stream_cells import (
    Collector,
    CriticalError,
    Lifecycle,
    Map,
    Source,
    Task,
    chain,
    connect,
    deployed,
    in_time,
    pull_all,
    scaled,
    scaled_map,
    wait_until,
)

from pypipeline_engine.cell import ASingleCell, Pipeline
from pypipeline_engine.cellio import Input, InputPort, OutputPort
from pypipeline_engine.connection import Connection
from pypipeline_engine.exceptions import (
    AlreadyDeployedException,
    InvalidStateException,
    NotDeployableException,
    NotDeployedException,
    UnconnectedException,
)
from pypipeline_engine.runtime.environment import DEEP, LARGE_STACK_BYTES, limit_threads_of_opencv, make_room_for_calls

CLONES = pytest.mark.parametrize("clones", [0, 1, 3])


def line(pipeline, log, clones=0, names="abc", fails=lambda event, name: False):
    source, sink = Source(pipeline, "source"), Collector(pipeline, "sink")
    cells = [
        scaled(
            pipeline, f"box {name}", lambda box, n=name: Lifecycle(box, n, log, lambda event: fails(event, n)), clones
        )
        for name in names
    ]
    chain(source, *cells, sink)
    return sink


@CLONES
def test_each_cell_and_each_clone_is_deployed_and_undeployed_once(pipeline, clones):
    log = []
    line(pipeline, log, clones)
    pipeline.deploy()
    assert sorted(log) == sorted([("deploy", name) for name in "abc"] * max(1, clones))
    pipeline.pull()
    log.clear()
    pipeline.undeploy()
    assert sorted(log) == sorted([("undeploy", name) for name in "abc"] * max(1, clones))


@CLONES
def test_deploy_again_and_again(pipeline, clones):
    log = []
    sink = line(pipeline, log, clones)
    for _ in range(3):
        pipeline.deploy()
        assert pipeline.is_deployed()
        pipeline.pull()
        pipeline.undeploy()
        assert not pipeline.is_deployed()
    assert sink.items == [0, 0, 0]
    assert log.count(("deploy", "a")) == log.count(("undeploy", "a")) == 3 * max(1, clones)


def test_deploy_waits_for_every_on_deploy(pipeline, gate):
    class Slow(Map):
        def _on_deploy(self):
            gate(threading.get_ident())

    chain(
        Source(pipeline, "source"),
        scaled(pipeline, "box", lambda box: Slow(box, "slow"), 3),
        Collector(pipeline, "sink"),
    )
    gate.open()
    pipeline.deploy()
    assert len(gate.arrived) == 3


@CLONES
@pytest.mark.parametrize("failing", ["a", "b", "c"])
def test_where_an_on_deploy_fails_what_was_deployed_is_undeployed(pipeline, clones, failing):
    log = []
    is_broken = [True]
    sink = line(pipeline, log, clones, fails=lambda event, name: is_broken[0] and (event, name) == ("deploy", failing))
    with pytest.raises(CriticalError, match=f"deploy of {failing}") as raised:
        in_time(pipeline.deploy)
    assert f"p.box {failing}.{failing}" in "".join(raised.value.__notes__)
    assert not pipeline.is_deployed()
    for name in "abc":
        assert log.count(("deploy", name)) == log.count(("undeploy", name)), f"{name}: {log}"
    assert ("deploy", failing) in log
    with pytest.raises(NotDeployedException):
        pipeline.pull()
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("pypipeline")] == []
    is_broken[0] = False
    with deployed(pipeline):
        pipeline.pull()
    assert sink.items == [0]


@CLONES
def test_where_an_on_undeploy_fails_the_others_are_called_and_the_pipeline_is_undeployed(pipeline, clones):
    log = []
    line(pipeline, log, clones, fails=lambda event, name: (event, name) == ("undeploy", "b"))
    pipeline.deploy()
    pipeline.pull()
    with pytest.raises(CriticalError, match="undeploy of b") as raised:
        pipeline.undeploy()
    assert "p.box b.b" in "".join(raised.value.__notes__)
    assert not pipeline.is_deployed()
    for name in "abc":
        assert log.count(("undeploy", name)) == max(1, clones)
    pipeline.deploy()
    with pytest.raises(CriticalError):
        pipeline.undeploy()


def test_a_keyboard_interrupt_in_on_deploy_leaves_nothing_deployed(pipeline):
    log = []

    class Interrupted(Lifecycle):
        def _on_deploy(self):
            super()._on_deploy()
            raise KeyboardInterrupt

    chain(
        Source(pipeline, "source"),
        scaled_map(pipeline, "box", clones=2),
        Lifecycle(pipeline, "before", log),
        Interrupted(pipeline, "interrupted", log),
        Collector(pipeline, "sink"),
    )
    with pytest.raises(KeyboardInterrupt):
        pipeline.deploy()
    assert not pipeline.is_deployed()
    assert log.count(("deploy", "before")) == log.count(("undeploy", "before")) == 1
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("pypipeline")] == []


@CLONES
def test_a_cell_learns_whether_its_run_failed(pipeline, clones):
    seen = []

    class Remembers(Map):
        def _on_undeploy(self):
            seen.append(self.run_failed)

    def fail_at_three(value):
        if value == 3:
            raise CriticalError
        return value

    source = Source(pipeline, "source", range(3))
    box = scaled(pipeline, "box", lambda box: Remembers(box, "remembers", fail_at_three), clones)
    chain(source, box, Collector(pipeline, "sink"))
    pipeline.run().wait(5)
    assert seen == [False] * max(1, clones)
    seen.clear()
    source.values = [3]
    with pytest.raises(CriticalError):
        pipeline.run().wait(5)
    assert seen == [True] * max(1, clones)


# ---------------------------------------------------------------------- what is refused


def test_pull_without_deploy(pipeline):
    line(pipeline, [])
    with pytest.raises(NotDeployedException, match="p is not deployed"):
        pipeline.pull()
    with pytest.raises(NotDeployedException):
        pipeline.undeploy()


def test_pull_after_undeploy(pipeline):
    sink = line(pipeline, [])
    with deployed(pipeline):
        pipeline.pull()
    with pytest.raises(NotDeployedException):
        pipeline.pull()
    with pytest.raises(NotDeployedException):
        sink.x.pull()


def test_deploy_twice(pipeline):
    line(pipeline, [])
    with deployed(pipeline), pytest.raises(AlreadyDeployedException, match="p is deployed"):
        pipeline.deploy()


def test_a_part_cannot_be_deployed_or_undeployed_by_itself(pipeline):
    sink = line(pipeline, [])
    assert not sink.is_deployable()
    with pytest.raises(NotDeployableException, match=r"p\.sink is a part of p"):
        sink.deploy()
    with deployed(pipeline):
        assert sink.is_deployed()
        with pytest.raises(InvalidStateException, match=r"p\.sink is a part of p"):
            sink.undeploy()
        pipeline.pull()


def test_deploy_names_every_reason_at_once(pipeline):
    Map(pipeline, "lonely")
    Collector(pipeline, "poor")
    inner = Pipeline(pipeline, "inner")
    Map(inner, "deep")
    explained = pipeline.is_deployable()
    assert not explained
    with pytest.raises(NotDeployableException) as raised:
        pipeline.deploy()
    for name in ("p.lonely.x", "p.poor.x", "p.inner.deep.x"):
        assert name in str(raised.value)
        assert any(name in reason for reason in explained.reasons)
    assert not pipeline.is_deployed()


def test_an_output_that_nobody_reads_is_fine(pipeline):
    source = Source(pipeline, "source")
    with deployed(pipeline):
        pipeline.pull()
        assert source.y.get_value() == 0


@pytest.mark.parametrize("direction", ["in", "out"])
def test_an_unconnected_port_is_not_deployable(pipeline, direction):
    inner = Pipeline(pipeline, "inner")
    if direction == "in":
        cell = Collector(inner, "cell")
        Connection(InputPort(inner, "port"), cell.x)
    else:
        Connection(OutputPort(inner, "port"), Collector(pipeline, "sink").x)
    with pytest.raises(NotDeployableException, match=r"p\.inner\.port is not connected"):
        pipeline.deploy()


def test_a_single_cell_can_be_a_pipeline_of_its_own():
    pulled = []

    class Alone(ASingleCell):
        def _on_pull(self):
            pulled.append(self.get_full_name())

    alone = Alone(None, "alone")
    with deployed(alone):
        alone.pull()
        alone.pull()
    assert pulled == ["alone", "alone"]


def test_the_structure_cannot_change_while_deployed(pipeline):
    sink = line(pipeline, [])
    spare = Lifecycle(pipeline, "spare", [])
    inner = Pipeline(pipeline, "inner")
    within, port = Source(inner, "within"), OutputPort(inner, "port")
    source = pipeline.get_internal_cell_with_name("source")
    connect(source, spare)
    before = pipeline.get_topology_description()
    changes = {
        "a new cell": lambda: Map(pipeline, "new"),
        "a new cell further inside": lambda: Map(inner, "new"),
        "a new input": lambda: Input(sink, "another"),
        "a new port": lambda: InputPort(pipeline, "port"),
        "a connection less": sink.x.get_incoming_connections()[0].delete,
        "a cell less": inner.delete,
        "another initial value": lambda: source.y.set_initial_value(3),
        "a new connection": lambda: Connection(within.y, port),
    }
    with deployed(pipeline):
        for what, change in changes.items():
            with pytest.raises(AlreadyDeployedException, match="undeploy"):
                change()
            assert pipeline.get_topology_description() == before, what
        pipeline.pull()
    pipeline.assert_is_valid()
    assert sink.items == [0]


def test_cells_are_deployed_sources_first_and_undeployed_sinks_first(pipeline):
    log = []
    line(pipeline, log)
    with deployed(pipeline):
        pass
    assert [name for event, name in log if event == "deploy"] == ["a", "b", "c"]
    assert [name for event, name in log if event == "undeploy"] == ["c", "b", "a"]


def test_pulling_an_input_from_outside_of_on_pull_says_what_is_wrong(pipeline):
    sink = Collector(pipeline, "sink")
    with pytest.raises(UnconnectedException, match=r"p\.sink\.x"):
        sink.x.pull()
    connect(Source(pipeline, "source"), sink)
    with pytest.raises(NotDeployedException, match=r"p\.sink\.x"):
        sink.x.pull()


def test_every_deep_pipeline_gets_a_large_stack():
    """Looking at the size that threads get sets it to its default: the second deep pipeline had a small one."""
    for _ in range(2):
        make_room_for_calls(DEEP + 1)
        assert threading.stack_size(0) == LARGE_STACK_BYTES
        threading.stack_size(LARGE_STACK_BYTES)
    make_room_for_calls(DEEP + 1)
    assert threading.stack_size(0) == LARGE_STACK_BYTES


PULLS_THROUGH_C = """
from stream_cells import Collector, Map, Pipeline, Source, chain

class ThroughC(Map):
    def _on_pull(self):
        self.y.set_value(next(map(lambda io: io.pull(), [self.x])))

pipeline = Pipeline(None, "p")
sink = Collector(pipeline, "sink")
chain(Source(pipeline, "source"), *(ThroughC(pipeline, f"map{number}") for number in range(2500)), sink)
pipeline.deploy()
pipeline.pull()
pipeline.undeploy()
print(sink.items)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of the stack is of the C library")
@pytest.mark.skipif(sys.version_info[:2] == (3, 12), reason="calls through C code have a limit of their own there")
def test_a_long_chain_of_cells_that_pull_through_c_code_does_not_end_the_process():
    """In the main thread, where the stack is what the shell allows: here so little that a short chain will do."""

    import resource  # not everywhere

    def allow_little():
        resource.setrlimit(resource.RLIMIT_STACK, (2**20, resource.getrlimit(resource.RLIMIT_STACK)[1]))

    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", PULLS_THROUGH_C]
    done = subprocess.run(
        command, env=environment, preexec_fn=allow_little, capture_output=True, text=True, timeout=15, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "[0]"), done.stderr


def test_a_pull_before_the_clones_have_started_waits_for_them(pipeline, gate):
    """It was told that the cells wait for each other: of the threads there were, all slept."""

    class Slow(Map):
        def _on_deploy(self):
            gate("deploy")

    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source"), scaled(pipeline, "box", lambda box: Slow(box, "slow"), 2), sink)
    deploying = Task(pipeline.deploy)
    gate.wait_for("deploy")
    pulling = Task(pipeline.pull)
    in_time(lambda: wait_until(lambda: pulling.is_done() or pipeline._get_deployment().crew.get_stages()[0].consumers))
    gate.open()
    deploying.get()
    pulling.get()
    assert sink.items == [0]


class FakeOpenCV(ModuleType):
    """As much of OpenCV as the engine touches."""

    def __init__(self):
        super().__init__("cv2")
        self.number = 8

    def getNumThreads(self):
        return self.number

    def setNumThreads(self, number):
        self.number = number


def test_opencv_has_one_thread_while_there_are_clones(pipeline, monkeypatch):
    """Also where they come later; alone, a cell may use all cores."""
    opencv = FakeOpenCV()
    monkeypatch.setitem(sys.modules, "cv2", opencv)
    box = scaled_map(pipeline, "box")
    chain(Source(pipeline, "source"), box, Collector(pipeline, "sink"))
    for clones_before in (0, 1):
        box.scale_all_down()
        box.scale_up(clones_before)
        with deployed(pipeline):
            assert opencv.number == (1 if clones_before else 8)
            box.scale_up()
            assert opencv.number == 1
            box.scale_up()
        assert opencv.number == 8


LOADING_OPENCV = """
from opencv_gate import gate

gate("loading")
_number = 8

def getNumThreads():
    return _number

def setNumThreads(number):
    global _number
    _number = number
"""


def test_opencv_is_waited_for_where_a_clone_is_loading_it(gate, monkeypatch, tmp_path):
    """Clones begin before the deployment is over, and their cells may load it with the first item."""
    (tmp_path / "cv2.py").write_text(LOADING_OPENCV)
    monkeypatch.syspath_prepend(tmp_path)
    with_gate = ModuleType("opencv_gate")
    with_gate.gate = gate
    monkeypatch.setitem(sys.modules, "opencv_gate", with_gate)
    monkeypatch.setitem(sys.modules, "cv2", None)  # so that it is put back afterwards
    del sys.modules["cv2"]
    loading = Task(lambda: importlib.import_module("cv2"))
    gate.wait_for("loading")
    limiting = Task(limit_threads_of_opencv)
    gate.open()
    undo = limiting.get()
    opencv = loading.get()
    assert opencv.getNumThreads() == 1
    undo()
    assert opencv.getNumThreads() == 8


def test_a_cell_that_is_scaled_while_another_one_is_being_deployed_has_its_clones(pipeline, gate):
    box = scaled_map(pipeline, "box", gate)
    scaling = Lifecycle(pipeline, "scaling", [], fail_on=lambda event: event == "deploy" and box.scale_up(2))
    chain(Source(pipeline, "source", range(4)), box, scaling, Collector(pipeline, "sink"))
    with deployed(pipeline):
        task = Task(lambda: pull_all(pipeline))
        gate.wait_for(0, 1)
        gate.open()
        assert task.get() == 4
