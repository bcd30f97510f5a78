"""`undeploy` and `stop` end everything wherever threads wait, and wait for nothing but user code that runs."""

import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from stream_cells import (
    GAP,
    SOON_S,
    Batch,
    Collector,
    Gate,
    Join,
    Lifecycle,
    Map,
    Source,
    Task,
    chain,
    connect,
    in_time,
    pull_all,
    scaled,
    scaled_map,
)

from pypipeline_engine.exceptions import (
    InactiveException,
    InvalidStateException,
    NotDeployedException,
)

AT_ONCE_S = 2.0


def threads_of(pipeline):
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("pypipeline")]


@pytest.mark.parametrize("clones", [0, 1, 8, 32])
def test_clones_that_wait_for_somebody_to_pull(pipeline, clones):
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source"), scaled_map(pipeline, "box", clones=clones), sink)
    pipeline.deploy()
    pipeline.pull()
    in_time(pipeline.undeploy, AT_ONCE_S)
    assert threads_of(pipeline) == []
    assert not pipeline.is_deployed()


def test_before_anything_was_pulled(pipeline):
    chain(Source(pipeline, "source"), scaled_map(pipeline, "box", clones=4), Collector(pipeline, "sink"))
    pipeline.deploy()
    in_time(pipeline.undeploy, AT_ONCE_S)
    assert threads_of(pipeline) == []


def test_clones_that_wait_after_the_end(pipeline):
    chain(Source(pipeline, "source", range(3)), scaled_map(pipeline, "box", clones=4), Collector(pipeline, "sink"))
    pipeline.deploy()
    pull_all(pipeline)
    in_time(pipeline.undeploy, AT_ONCE_S)
    assert threads_of(pipeline) == []


def test_a_pull_that_waits_for_a_clone_says_that_it_was_undeployed(pipeline, gate):
    chain(Source(pipeline, "source"), scaled_map(pipeline, "box", gate, 2), Collector(pipeline, "sink"))
    pipeline.deploy()
    pulling = Task(pipeline.pull)
    gate.wait_for(0, 1)
    undeploying = Task(pipeline.undeploy)
    with pytest.raises(InactiveException, match="p was undeployed"):
        pulling.get()  # although both clones are still at the gate
    assert not undeploying.is_done()
    gate.open()
    undeploying.get()
    assert threads_of(pipeline) == []


def test_a_pull_in_user_code_is_waited_for(pipeline, gate):
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source"), Map(pipeline, "map", gate), sink)
    pipeline.deploy()
    pulling = Task(pipeline.pull)
    gate.wait_for(0)
    undeploying = Task(pipeline.undeploy)
    assert pipeline.get_internal_cells()
    assert not undeploying.is_done()
    gate.open()
    undeploying.get()
    try:
        pulling.get()
    except InactiveException:
        assert sink.items == []
    else:
        assert sink.items == [0]


def test_clones_that_wait_for_the_input_that_another_one_pulls(pipeline, gate):
    slow = Map(pipeline, "slow", gate)
    chain(Source(pipeline, "source"), slow, scaled_map(pipeline, "box", clones=3), Collector(pipeline, "sink"))
    pipeline.deploy()
    pulling = Task(pipeline.pull)
    gate.wait_for(0)
    undeploying = Task(pipeline.undeploy)
    with pytest.raises(InactiveException):
        pulling.get()
    gate.open()
    undeploying.get()
    assert gate.arrived == [0], "a clone went on pulling"


def test_clones_that_wait_for_room(pipeline, new_gate):
    """The fast branch fills the queue of the slow one, and then waits for it."""
    gate = new_gate()
    source, join = Source(pipeline, "source"), Join(pipeline, "join")
    chain(source, scaled_map(pipeline, "slow", gate, 1), join)
    chain(source, scaled_map(pipeline, "fast", clones=2), join)
    connect(join, Collector(pipeline, "sink"))
    pipeline.deploy()
    pulling = Task(pipeline.pull)
    gate.wait_for(0)
    undeploying = Task(pipeline.undeploy)
    with pytest.raises(InactiveException):
        pulling.get()
    gate.open()
    undeploying.get()
    assert threads_of(pipeline) == []


def test_clones_that_wait_for_the_turn_of_a_shared_source(pipeline, new_gate):
    gate = new_gate()
    shared = Map(pipeline, "shared", gate)
    connect(Source(pipeline, "source"), shared)
    for number in range(3):
        chain(shared, scaled_map(pipeline, f"box{number}", clones=2), Collector(pipeline, f"sink{number}"))
    pipeline.deploy()
    pulling = Task(pipeline.pull)
    gate.wait_for(0)
    undeploying = Task(pipeline.undeploy)
    with pytest.raises(InactiveException):
        pulling.get()
    gate.open()
    undeploying.get()
    assert gate.arrived == [0]


def test_a_thread_of_its_own_that_waits(pipeline):
    source = Source(pipeline, "source")
    box = scaled(pipeline, "box", lambda box: Batch(box, "batch", 3), 1)
    sink = Collector(pipeline, "sink")
    chain(source, box, sink)
    pipeline.deploy()
    pipeline.pull()
    in_time(pipeline.undeploy, AT_ONCE_S)
    assert sink.items == [[0, 1, 2]]
    assert threads_of(pipeline) == []


def test_a_pull_of_nothing_but_gaps(pipeline):
    """`pull` repeats while there are only gaps, for ever here; undeploying ends that too."""
    looped = threading.Event()

    def drop(value):
        if value == 100:
            looped.set()
        return GAP

    chain(Source(pipeline, "source"), Map(pipeline, "drop", drop), Collector(pipeline, "sink"))
    pipeline.deploy()
    pulling = Task(pipeline.pull)
    assert looped.wait(5)
    in_time(pipeline.undeploy, AT_ONCE_S)
    with pytest.raises(InactiveException):
        pulling.get()


def test_a_cell_that_swallows_every_error_cannot_keep_the_pipeline_alive(pipeline, gate):
    class Stubborn(Map):
        def _on_pull(self):
            while True:
                try:
                    value = self.x.pull()
                except Exception:
                    continue
                gate(value)

    gate.open(*range(10))
    chain(Source(pipeline, "source"), scaled(pipeline, "box", lambda box: Stubborn(box, "stubborn")))
    pipeline.deploy()
    pulling = Task(pipeline.pull)
    gate.wait_for(10)
    undeploying = Task(pipeline.undeploy)
    gate.open()
    undeploying.get()
    with pytest.raises(InactiveException):
        pulling.get()


def test_several_threads_pull_while_it_is_undeployed(pipeline, gate):
    chain(Source(pipeline, "source"), scaled_map(pipeline, "box", gate, 2), Collector(pipeline, "sink"))
    pipeline.deploy()
    pulling = [Task(pipeline.pull) for _ in range(4)]
    gate.wait_for(0, 1)
    undeploying = Task(pipeline.undeploy)
    for task in pulling:
        with pytest.raises((InactiveException, NotDeployedException)):
            task.get()
    gate.open()
    undeploying.get()


def test_from_several_threads_at_once(pipeline):
    log = []
    chain(
        Source(pipeline, "source"),
        scaled(pipeline, "box", lambda box: Lifecycle(box, "inner", log), 3),
        Collector(pipeline, "sink"),
    )
    pipeline.deploy()
    pipeline.pull()
    barrier = threading.Barrier(4)

    def undeploy():
        barrier.wait(5)
        try:
            pipeline.undeploy()
        except NotDeployedException:
            return
        assert not pipeline.is_deployed(), "undeploy() returned before the pipeline was undeployed"

    tasks = [Task(undeploy) for _ in range(4)]
    for task in tasks:
        task.get()
    assert log.count(("undeploy", "inner")) == 3
    assert threads_of(pipeline) == []


def test_a_second_call_returns_when_it_is_done(pipeline, gate):
    class SlowToLeave(Map):
        def _on_undeploy(self):
            gate("leaving")

    chain(Source(pipeline, "source"), SlowToLeave(pipeline, "slow"), Collector(pipeline, "sink"))
    pipeline.deploy()
    first = Task(pipeline.undeploy)
    gate.wait_for("leaving")
    still_deployed = []

    def undeploy_again():
        with suppress(NotDeployedException):
            pipeline.undeploy()
        still_deployed.append(pipeline.is_deployed())

    second = Task(undeploy_again)
    second.ends_within(0.2)  # it waits, or else it says something false at once
    gate.open()
    first.get()
    second.get()
    assert still_deployed == [False]


@pytest.mark.parametrize("clones", [0, 2])
def test_stop_ends_a_run_that_waits_for_a_clone(pipeline, gate, clones):
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source"), scaled_map(pipeline, "box", gate, clones), sink)
    handle = pipeline.run()
    gate.wait_for(0)
    stopping = Task(handle.stop)
    gate.open()
    stopping.get()
    assert handle.state == "stopped"
    assert not pipeline.is_deployed()
    handle.wait(1)
    assert threads_of(pipeline) == []


def test_stop_ends_a_run_of_a_pipeline_that_was_deployed_before_and_leaves_it_deployed(pipeline):
    sink = Collector(pipeline, "sink")
    arrived = threading.Event()

    def tell(value):
        if value == 10:
            arrived.set()
        return value

    chain(Source(pipeline, "source"), scaled_map(pipeline, "box", clones=2), Map(pipeline, "tell", tell), sink)
    pipeline.deploy()
    handle = pipeline.run()
    assert arrived.wait(5)
    in_time(handle.stop, AT_ONCE_S)
    assert handle.state == "stopped"
    assert pipeline.is_deployed()
    so_far = len(sink.items)
    pipeline.pull()
    assert sink.items == list(range(so_far + 1)), "stopping lost an item"


def test_gates_are_gates():
    """The helper that the other tests rely on does hold values back."""
    gate = Gate()
    task = Task(lambda: gate(1))
    gate.wait_for(1)
    assert not task.is_done()
    gate.open(1)
    assert task.get() == 1


def test_an_undeployment_that_was_interrupted_can_be_called_again(pipeline, monkeypatch):
    """The second call waited for ever for the end of the first."""
    chain(Source(pipeline, "source"), scaled_map(pipeline, "box", clones=2), Collector(pipeline, "sink"))
    pipeline.deploy()
    pipeline.pull()
    monitor = pipeline._get_deployment().monitor
    wait = monitor.wait_until_quiet

    def interrupted():
        monkeypatch.setattr(monitor, "wait_until_quiet", wait)
        raise KeyboardInterrupt

    monkeypatch.setattr(monitor, "wait_until_quiet", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pipeline.undeploy()
    in_time(pipeline.undeploy)
    assert not pipeline.is_deployed()


def test_an_exit_in_on_undeploy_leaves_nothing_deployed(pipeline):
    class Exits(Collector):
        def _on_undeploy(self):
            raise SystemExit(3)

    chain(Source(pipeline, "source", range(3)), Exits(pipeline, "sink"))
    handle = pipeline.run()
    with pytest.raises(InvalidStateException, match=r"SystemExit\(3\)"):
        handle.wait(SOON_S)
    assert not pipeline.is_deployed()


def test_a_thread_that_cannot_start_is_an_error_of_the_deployment(pipeline, monkeypatch):
    chain(Source(pipeline, "source"), scaled_map(pipeline, "box", clones=2), Collector(pipeline, "sink"))
    start = threading.Thread.start

    def start_or_fail(thread):
        if "#2" in thread.name:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_or_fail)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        in_time(pipeline.deploy)
    assert not pipeline.is_deployed()


LEAVING = """
import sys, threading
sys.path[:0] = [{here!r}]
from stream_cells import *

class Tells(Collector):
    def _on_undeploy(self):
        print("undeployed", flush=True)

pipeline = Pipeline(None, "p")
arrived = threading.Event()
box = scaled_map(pipeline, "box", lambda value: arrived.set() or value, 2)
chain(Source(pipeline, "source"), box, Tells(pipeline, "sink"))
{begin}
assert arrived.wait(10)
raise KeyboardInterrupt
"""


@pytest.mark.parametrize(
    "begin", ["pipeline.run()", "pipeline.deploy(); pipeline.pull()", "pipeline.deploy(); pipeline.run()"]
)
def test_what_is_deployed_ends_with_the_interpreter(begin):
    """Its threads were ended wherever they were, which aborts the process where one is outside of Python."""
    code = LEAVING.format(here=str(Path(__file__).parent), begin=begin)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=15)
    assert done.stdout == "undeployed\n"
    assert done.stderr.rstrip().endswith("KeyboardInterrupt")
    assert done.returncode in (1, 130, -2)
