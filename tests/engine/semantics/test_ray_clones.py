"""What holds for clones on threads holds for clones in other processes, and for both together."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from stream_cells import (
    GAP,
    Collector,
    CriticalError,
    Gap,
    Join,
    Map,
    PassingError,
    Recorder,
    Source,
    Task,
    chain,
    connect,
    deployed,
    in_time,
    pull_all,
    scaled,
    statistics_of,
    wait_until,
)

from pypipeline_engine.cell import (
    ASingleCell,
    ErrorPolicy,
    Pipeline,
    RayCloneCell,
    RayCluster,
    ThreadCloneCell,
)
from pypipeline_engine.cellio import ConfigParameter, Input, InputPort, Output, OutputPort, RuntimeParameter
from pypipeline_engine.connection import Connection
from pypipeline_engine.core.errors import get_item_of
from pypipeline_engine.exceptions import InvalidInputException, InvalidStateException, NotDeployableException

ray = pytest.importorskip("ray")
from pypipeline_engine.runtime.remote import clone, cluster, travel, worker  # noqa: E402  # they need Ray
from pypipeline_engine.runtime.remote.clone import RemoteClone  # noqa: E402

pytestmark = [pytest.mark.timeout(120), pytest.mark.slow]
PATIENCE_S = 60.0
"""What starts processes may take its time on a busy machine."""


@pytest.fixture(scope="module", autouse=True)
def one_ray():
    """Ray starts once, and ends before whatever else runs in this process."""
    cluster.ensure()
    yield
    ray.shutdown()


class Work(ASingleCell):
    """`function(x, shift)`, with a parameter."""

    def __init__(self, parent_cell, name, function=lambda x, shift: x + shift):
        super().__init__(parent_cell, name)
        self.x: Input = Input(self, "x")
        self.shift: RuntimeParameter[int] = RuntimeParameter(self, "shift", default_value=0)
        self.start: ConfigParameter[int] = ConfigParameter(self, "start", default_value=0)
        self.y: Output = Output(self, "y")
        self.function = function

    def _on_pull(self):
        self.y.set_value(self.function(self.x.pull(), self.shift.pull() + self.start.pull()))


class Counting(ASingleCell):
    """How many items it had since the deployment, or the last reset; keeps state."""

    def __init__(self, parent_cell, name):
        super().__init__(parent_cell, name)
        self.x: Input = Input(self, "x")
        self.y: Output = Output(self, "y")
        self.count = 0

    def supports_scaling(self):
        return False

    def _on_reset(self):
        self.count = 0

    def _on_pull(self):
        self.x.pull()
        self.count += 1
        self.y.set_value((self.count, os.getpid()))


def boxed(pipeline, make_inner, clones=1, threads=0, name="box"):
    box = scaled(pipeline, name, make_inner, 0)
    box.scale_up(clones, RayCloneCell)
    box.scale_up(threads, ThreadCloneCell)
    return box


def working(pipeline, function=lambda x, shift: x + shift, clones=1, threads=0, name="box"):
    return boxed(pipeline, lambda box: Work(box, "work", function), clones, threads, name)


def line(pipeline, box, values=range(200), sink=Collector):
    source, end = Source(pipeline, "source", values), sink(pipeline, "sink")
    chain(source, box, end)
    return end


# ---------------------------------------------------------------------- order and exactly once


@pytest.mark.parametrize(("clones", "threads"), [(1, 0), (3, 0), (2, 2)])
def test_everything_comes_once_and_in_order(pipeline, clones, threads):
    sink = line(pipeline, working(pipeline, clones=clones, threads=threads), range(3000))
    with deployed(pipeline):
        assert pull_all(pipeline) == 3000
        for _ in range(3):
            with pytest.raises(StopIteration):
                pipeline.pull()
    assert sink.items == list(range(3000))


def test_the_work_is_done_in_other_processes(pipeline):
    sink = line(pipeline, working(pipeline, lambda x, _: (time.sleep(0.002), os.getpid())[1], clones=2), range(60))
    with deployed(pipeline):
        pull_all(pipeline)
    assert len(set(sink.items)) == 2
    assert os.getpid() not in sink.items


def test_a_way_round_meets_its_item_again(pipeline):
    source, join, sink = Source(pipeline, "source", range(500)), Join(pipeline, "join"), Collector(pipeline, "sink")
    chain(source, working(pipeline, lambda x, _: -x, clones=2), join)
    Connection(source.y, join.xs[1])
    connect(join, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == [(-x, x) for x in range(500)]


def test_a_run_goes_through_remote_clones(pipeline):
    sink = line(pipeline, working(pipeline, clones=2), range(1000))
    with pipeline.run() as handle:
        handle.wait(PATIENCE_S)
    assert sink.items == list(range(1000))


# ---------------------------------------------------------------------- errors, gaps, the end


def test_errors_and_gaps_come_in_the_place_of_their_item(pipeline):
    def work(x, _):
        if x % 10 == 3:
            raise PassingError(f"no {x}")
        return GAP if x % 10 == 7 else x

    def make(box):
        return Map(box, "map", lambda x: work(x, 0))

    sink = line(pipeline, boxed(pipeline, make, 2), range(50), Recorder)
    with deployed(pipeline):
        pull_all(pipeline)
    kinds = [item if isinstance(item, int | Gap) else str(item) for item in sink.items]
    assert [str(one) for one in kinds] == [
        f"no {x}" if x % 10 == 3 else "GAP" if x % 10 == 7 else str(x) for x in range(50)
    ]
    errors = [item for item in sink.items if isinstance(item, PassingError)]
    assert [get_item_of(error) for error in errors] == list(range(3, 50, 10))
    error = errors[0]
    assert "in the cell p.box.map" in error.__notes__
    assert "def work" not in str(error.__cause__)
    assert 'raise PassingError(f"no {x}")' in str(error.__cause__)


def test_what_came_from_upstream_goes_through_as_it_was(pipeline):
    trouble = CriticalError("upstream")
    sink = line(pipeline, working(pipeline), [0, trouble, GAP, 3], Recorder)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items[0] == 0
    assert sink.items[1] is trouble
    assert isinstance(sink.items[2], Gap)
    assert sink.items[3] == 3


def test_an_error_that_cannot_be_pickled_is_told_in_words(pipeline):
    class Stubborn(Exception):
        def __reduce__(self):
            raise TypeError("never")

    def work(x, _):
        raise Stubborn("as ever")

    line(pipeline, working(pipeline, work), [1])
    with deployed(pipeline), pytest.raises(Exception, match="Stubborn: as ever") as raised:
        pipeline.pull()
    assert "in the cell p.box.work" in raised.value.__notes__
    assert get_item_of(raised.value) == 0


def test_a_value_that_cannot_travel_costs_its_item_only(pipeline):
    sink = line(pipeline, working(pipeline, lambda x, _: 1), [0, threading.Lock(), 2], Recorder)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items[0] == sink.items[2] == 1
    assert isinstance(sink.items[1], InvalidInputException)
    assert "p.box" in str(sink.items[1])
    assert "lock" in str(sink.items[1])


def test_a_result_that_cannot_travel_costs_its_item_only(pipeline):
    sink = line(pipeline, working(pipeline, lambda x, _: threading.Lock() if x == 1 else x), range(3), Recorder)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items[0::2] == [0, 2]
    assert "a result of p.box does not get into another process" in str(sink.items[1])


def test_a_cell_inside_ends_the_stream(pipeline):
    def work(x, _):
        if x == 20:
            raise StopIteration
        return x

    sink = line(pipeline, working(pipeline, work), range(100))
    with deployed(pipeline):
        assert pull_all(pipeline) == 20
    assert sink.items == list(range(20))


def test_policies_hold_there_too(pipeline):
    def work(x, _):
        if x == 5:
            raise ValueError("five")
        return x

    box = working(pipeline, work, 2)
    box.get_inner_cell().set_error_policy(ErrorPolicy(retries=2, then="skip"))
    sink = line(pipeline, box, range(10))
    with deployed(pipeline):
        pull_all(pipeline)
        statistics = statistics_of(pipeline)
    assert sink.items == [0, 1, 2, 3, 4, 6, 7, 8, 9]
    (letter,) = statistics.dead_letters
    assert (letter.cell, letter.item, letter.error) == ("p.box.work", 5, "ValueError: five")
    assert 'raise ValueError("five")' in letter.traceback
    counted = statistics.get_cell("p.box.work")
    assert (counted.runs, counted.skipped, counted.errors, counted.method, counted.workers) == (10, 1, 1, "ray", 2)


def test_another_policy_holds_for_them_too_while_they_run(pipeline):
    """What they had on their way follows the policy before, so that the first error is far behind that."""

    def work(x, _):
        if x >= 8000 and x % 10 == 5:
            raise ValueError("five")
        return x

    box = working(pipeline, work, 2)
    sink = line(pipeline, box, range(8100))
    with deployed(pipeline):
        for _ in range(10):
            pipeline.pull()
        box.get_inner_cell().set_error_policy(ErrorPolicy(then="skip"))
        pull_all(pipeline)
        statistics = statistics_of(pipeline)
    assert sink.items == [x for x in range(8100) if x < 8000 or x % 10 != 5]
    assert statistics.get_cell("p.box.work").workers == 2
    assert len(statistics.dead_letters) == 10


def test_their_items_are_looked_at_when_they_come_back(pipeline):
    sink = line(pipeline, working(pipeline, clones=2), range(100))
    seen = []
    with pipeline.run(paused=True) as handle:
        handle.tap("p.box.work", seen.append, with_inputs=True)
        handle.resume()
        in_time(handle.wait, PATIENCE_S)
    assert sink.items == list(range(100))
    assert max(item.number for item in seen) == 99
    assert all(item.outputs["y"] == item.inputs["x"][0] == item.number for item in seen)


def test_items_that_they_fail_at_are_told_with_their_inputs_also_where_they_are_skipped(pipeline):
    def work(x, _):
        if x == 70:
            raise ValueError("seventy")
        return x

    box = working(pipeline, work, 1)
    box.get_inner_cell().set_error_policy(ErrorPolicy(then="skip"))
    line(pipeline, box, range(100))
    failed = []
    with pipeline.run(paused=True) as handle:
        handle.tap(
            "p.box.work", None, on_error=lambda item, error: failed.append((item.number, item.inputs, str(error)))
        )
        handle.resume()
        in_time(handle.wait, PATIENCE_S)
    assert failed == [(70, {"x": [70]}, "ValueError: seventy")]


# ---------------------------------------------------------------------- parameters, reset, state


def test_parameters_reach_every_clone(pipeline):
    box = working(pipeline, clones=2)
    inner = box.get_inner_cell()
    inner.start.set_value(1000)
    inner.shift.set_value(1)
    source, sink = Source(pipeline, "source", [0] * 6000), Collector(pipeline, "sink")
    chain(source, box, sink)
    with deployed(pipeline):
        for _ in range(50):
            pipeline.pull()
        inner.shift.set_value(7)
        pull_all(pipeline)
    assert sink.items[:50] == [1001] * 50
    assert sink.items[-200:] == [1007] * 200


def test_a_cell_that_keeps_state_keeps_it_in_another_process(pipeline):
    sink = line(pipeline, boxed(pipeline, lambda box: Counting(box, "counting")), range(30))
    with deployed(pipeline):
        for _ in range(10):
            pipeline.pull()
        pipeline.reset()
        assert pull_all(pipeline) == 30
    assert [count for count, _ in sink.items] == [*range(1, 11), *range(1, 31)]
    assert len({pid for _, pid in sink.items}) == 1


@pytest.mark.parametrize("threads", [0, 1])
def test_a_reset_drops_what_is_on_its_way(pipeline, threads):
    sink = line(pipeline, working(pipeline, clones=2, threads=threads), range(500))
    with deployed(pipeline):
        for _ in range(5):
            for _ in range(20):
                pipeline.pull()
            pipeline.reset()
        assert pull_all(pipeline) == 500
    assert sink.items == [*(list(range(20)) * 5), *range(500)]


# ---------------------------------------------------------------------- scaling


def test_clones_come_and_go_while_it_runs(pipeline):
    box = working(pipeline, clones=1)
    sink = line(pipeline, box, None)
    methods = [RayCloneCell, ThreadCloneCell]
    with deployed(pipeline):
        with pipeline.run() as handle:
            for turn in range(12):
                seen = len(sink.items)
                box.scale_up(1, methods[turn % 2])
                in_time(lambda seen=seen: wait_until(lambda: len(sink.items) > seen + 20), PATIENCE_S)
                box.scale_down(1, methods[turn % 2])
            handle.stop()
        assert box.get_clone_methods() == {RayCloneCell: 1}
    assert sink.items == list(range(len(sink.items)))


def test_from_threads_to_ray_and_back_and_to_none(pipeline):
    box = working(pipeline, clones=0)
    sink = line(pipeline, box, range(400))
    with deployed(pipeline):
        for change in (
            lambda: box.scale_up(2, ThreadCloneCell),
            lambda: box.scale_up(1, RayCloneCell),
            lambda: box.scale_down(2, ThreadCloneCell),
            lambda: box.scale_down(1, RayCloneCell),
            lambda: box.scale_up(1, RayCloneCell),
            box.scale_all_down,
        ):
            change()
            for _ in range(50):
                pipeline.pull()
        pull_all(pipeline)
    assert sink.items == list(range(400))


def test_one_that_keeps_state_goes_from_a_thread_to_a_process(pipeline):
    box = boxed(pipeline, lambda box: Counting(box, "counting"), clones=0, threads=1)
    sink = line(pipeline, box, range(30))
    with deployed(pipeline):
        for _ in range(10):
            pipeline.pull()
        box.scale_all_down()
        box.scale_up(1, RayCloneCell)
        pull_all(pipeline)
    pids = [pid for _, pid in sink.items]
    assert len(sink.items) == 30
    assert pids[:10] == [os.getpid()] * 10
    assert pids[-1] != os.getpid()


def test_a_pipeline_with_scaled_cells_is_cloned(pipeline):
    def make_inner(outer):
        inner = Pipeline(outer, "inner")
        first = scaled(inner, "first", lambda box: Work(box, "work", lambda x, shift: x + shift + 1), 2)
        second = scaled(inner, "second", lambda box: Work(box, "work", lambda x, _: 2 * x), 3)
        Connection(InputPort(inner, "x"), first.get_input("x"))
        connect(first, second)
        Connection(second.get_output("y"), OutputPort(inner, "y"))
        return inner

    box = boxed(pipeline, make_inner, 2)
    sink = line(pipeline, box, range(300))
    with deployed(pipeline):
        for _ in range(50):
            pipeline.pull()
        pipeline.reset()
        sink.items.clear()
        assert pull_all(pipeline) == 300
        names = [cell.name for cell in statistics_of(pipeline).cells]
    assert sink.items == [2 * (x + 1) for x in range(300)]
    assert "p.box.inner.first.work" in names


# ---------------------------------------------------------------------- arrays


def test_an_array_that_comes_back_is_the_one_that_was_sent(pipeline):
    frames = [np.full((600, 800, 3), number, np.uint8) for number in range(6)]
    sink = line(pipeline, working(pipeline, lambda x, _: x if x[0, 0, 0] % 2 else x + 1), frames)
    with deployed(pipeline):
        pull_all(pipeline)
    assert all(item is frame for item, frame in list(zip(sink.items, frames, strict=True))[1::2])
    assert [int(item[5, 5, 1]) for item in sink.items] == [1, 1, 3, 3, 5, 5]
    with pytest.raises(ValueError, match="read-only"):
        sink.items[0][0, 0, 0] = 1


# ---------------------------------------------------------------------- deaths


def test_a_process_that_is_killed_is_replaced_and_nothing_is_lost(pipeline, tmp_path, caplog):
    def work(x, _):
        if x == 40 and not (tmp_path / "killed").exists():
            (tmp_path / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return x

    sink = line(pipeline, working(pipeline, work, 2), range(400))
    with deployed(pipeline):
        assert in_time(lambda: pull_all(pipeline), PATIENCE_S) == 400
    assert sink.items == list(range(400))
    assert "died" in caplog.text


def test_a_process_killed_from_outside_between_items_is_replaced(pipeline):
    sink = line(pipeline, working(pipeline, lambda x, _: (x, os.getpid())), range(300))
    with deployed(pipeline):
        for _ in range(3):
            pipeline.pull()
        os.kill(sink.items[-1][1], signal.SIGKILL)
        assert in_time(lambda: pull_all(pipeline), PATIENCE_S) == 297
    assert [x for x, _ in sink.items] == list(range(300))


def test_an_item_that_kills_every_process_is_named(pipeline):
    def work(x, _):
        if x == 4:
            os._exit(3)
        return x

    sink = line(pipeline, working(pipeline, work), range(8), Recorder)
    with deployed(pipeline):
        in_time(lambda: pull_all(pipeline), PATIENCE_S)
    assert [item for item in sink.items if isinstance(item, int)] == [0, 1, 2, 3, 5, 6, 7]
    assert isinstance(sink.items[4], InvalidStateException)
    assert "p.box" in str(sink.items[4])
    assert "died" in str(sink.items[4])


@pytest.mark.parametrize("skips", [False, True])
def test_what_a_cell_with_state_had_when_its_process_died_is_reported_item_by_item(pipeline, skips):
    class Fragile(Counting):
        def _on_pull(self):
            value = self.x.pull()
            if value == 10:
                os._exit(1)
            self.y.set_value(value)

    box = boxed(pipeline, lambda box: Fragile(box, "fragile"))
    if skips:
        box.get_inner_cell().set_error_policy(ErrorPolicy(then="skip"))
    sink = line(pipeline, box, range(100), Recorder)
    with deployed(pipeline):
        in_time(lambda: pull_all(pipeline), PATIENCE_S)
        statistics = statistics_of(pipeline)
    good = [item for item in sink.items if isinstance(item, int)]
    lost = [place for place, item in enumerate(sink.items) if not isinstance(item, int)]
    assert len(sink.items) == 100
    assert 10 in lost
    assert good == [x for x in range(100) if x not in lost]
    counted = statistics.get_cell("p.box.fragile")
    assert counted.errors == len(lost)
    if skips:
        assert all(isinstance(sink.items[place], Gap) for place in lost)
        assert [letter.item for letter in statistics.dead_letters] == lost
    else:
        assert all("died" in str(sink.items[place]) for place in lost)


# ---------------------------------------------------------------------- deployment


def test_an_error_in_on_deploy_is_told_with_its_cell_and_undone(pipeline):
    class Failing(Work):
        def _on_deploy(self):
            raise FileNotFoundError(2, "no such file", "/nowhere/model.onnx")

    line(pipeline, boxed(pipeline, lambda box: Failing(box, "failing"), 2))
    with pytest.raises(FileNotFoundError, match=r"model\.onnx") as raised:
        pipeline.deploy()
    notes = "\n".join(raised.value.__notes__)
    assert "p.box.failing" in notes
    assert "node" in notes
    assert not pipeline.is_deployed()


def test_a_process_that_ends_in_on_deploy_is_told_with_its_cell(pipeline):
    class Ending(Work):
        def _on_deploy(self):
            os._exit(1)

    line(pipeline, boxed(pipeline, lambda box: Ending(box, "ending")))
    with pytest.raises(InvalidStateException, match=r"the process of a clone of p\.box ended while it was deployed"):
        pipeline.deploy()
    assert not pipeline.is_deployed()


def test_more_than_the_cluster_has_is_told_in_words(pipeline, monkeypatch):
    monkeypatch.setattr("pypipeline_engine.runtime.remote.clone.PLACED_WITHIN_S", 1.0)
    box = working(pipeline, clones=2)
    box.set_ray_options({"num_cpus": 500})
    line(pipeline, box)
    with pytest.raises(NotDeployableException, match="2 clones ask for 1000 CPUs, the cluster has"):
        pipeline.deploy()


def test_what_cannot_be_pickled_is_told_in_words(pipeline):
    lock = threading.Lock()
    line(pipeline, boxed(pipeline, lambda box: Map(box, "map", lambda x: (lock, x))))
    with pytest.raises(NotDeployableException, match=r"p\.box cannot have Ray clones.*pickle"):
        pipeline.deploy()


def test_without_ray_the_command_that_installs_it_is_told(pipeline, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    line(pipeline, working(pipeline))
    with pytest.raises(NotDeployableException, match=r'pip install "pypipeline-studio\[ray\]"'):
        pipeline.deploy()


def test_paths_are_others_there(pipeline, monkeypatch):
    class Reading(ASingleCell):
        def __init__(self, parent_cell, name):
            super().__init__(parent_cell, name)
            self.x: Input = Input(self, "x")
            self.path: ConfigParameter[Path] = ConfigParameter(self, "path")
            self.y: Output = Output(self, "y")

        def _on_pull(self):
            self.x.pull()
            self.y.set_value(str(self.path.pull()))

    box = boxed(pipeline, lambda box: Reading(box, "reading"))
    box.get_inner_cell().path.set_value(Path("/here/data/a.txt"))
    monkeypatch.setattr(RayCloneCell, "cluster", RayCluster(path_map={"/here": "/there"}))
    sink = line(pipeline, box, range(1))
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == ["/there/data/a.txt"]


def test_undeploy_ends_the_processes_after_the_item_in_work(pipeline, tmp_path):
    class Leaving(Work):
        def _on_undeploy(self):
            (tmp_path / "undeployed").write_text(str(self.run_failed))

    line(pipeline, boxed(pipeline, lambda box: Leaving(box, "leaving")), None)
    pipeline.deploy()
    pipeline.pull()
    in_time(pipeline.undeploy)
    assert (tmp_path / "undeployed").read_text() == "False"


def test_a_pull_that_waits_for_a_clone_is_ended_by_undeploy(pipeline, tmp_path):
    def work(x, _):
        (tmp_path / "there").touch()
        while not (tmp_path / "go").exists():
            time.sleep(0.01)
        return x

    line(pipeline, working(pipeline, work), None)
    pipeline.deploy()
    pulling = Task(pipeline.pull)
    in_time(lambda: wait_until((tmp_path / "there").exists), PATIENCE_S)
    undeploying = Task(pipeline.undeploy)
    in_time(lambda: wait_until(lambda: not pipeline._get_deployment().puller.is_open))
    (tmp_path / "go").touch()
    undeploying.get(PATIENCE_S)
    with pytest.raises(Exception, match="was undeployed during this pull"):
        pulling.get()


# ---------------------------------------------------------------------- the cell itself, which was elsewhere for a while


def test_a_stream_that_ended_there_has_ended_here_when_the_clones_are_gone(pipeline):
    def work(x, _):
        if x == 3:
            raise StopIteration
        return x

    box = working(pipeline, work)
    sink = line(pipeline, box, range(10))
    with deployed(pipeline):
        assert pull_all(pipeline) == 3
        box.scale_all_down()
        with pytest.raises(StopIteration):
            pipeline.pull()
    assert sink.items == [0, 1, 2]


def test_what_ended_here_begins_again_here_after_a_reset_in_between(pipeline):
    box = working(pipeline, clones=0)
    sink = line(pipeline, box, range(5))
    with deployed(pipeline):
        pull_all(pipeline)
        box.scale_up(1, RayCloneCell)
        pipeline.reset()
        pipeline.pull()
        box.scale_all_down()
        assert pull_all(pipeline) == 4
    assert sink.items == [*range(5), *range(5)]


def test_where_the_cell_itself_cannot_be_deployed_here_its_clones_stay(pipeline):
    here = os.getpid()

    class Elsewhere(Work):
        def _on_deploy(self):
            if os.getpid() == here:
                raise CriticalError("not here")

    box = boxed(pipeline, lambda box: Elsewhere(box, "elsewhere"))
    sink = line(pipeline, box, range(20))
    with deployed(pipeline):
        pipeline.pull()
        with pytest.raises(CriticalError, match="not here"):
            box.scale_all_down()
        assert box.get_clone_methods() == {RayCloneCell: 1}
        pull_all(pipeline)
    assert sink.items == list(range(20))


def test_the_number_of_clones_inside_of_a_remote_one_changes_while_it_runs(pipeline):
    def make_inner(outer):
        inner = Pipeline(outer, "inner")
        box = scaled(inner, "box", lambda box: Work(box, "work"), 1)
        Connection(InputPort(inner, "x"), box.get_input("x"))
        Connection(box.get_output("y"), OutputPort(inner, "y"))
        return inner

    outer = boxed(pipeline, make_inner)
    sink = line(pipeline, outer, range(300))
    with deployed(pipeline):
        for _ in range(20):
            pipeline.pull()
        outer.get_inner_cell().get_internal_cell_with_name("box").scale_up(2)
        pull_all(pipeline)
    assert sink.items == list(range(300))


def test_both_kinds_at_once(pipeline):
    box = boxed(pipeline, lambda box: Counting(box, "counting"), clones=0, threads=1)
    sink = line(pipeline, box, range(30))
    with deployed(pipeline):
        for _ in range(10):
            pipeline.pull()
        box.set_nb_clones({RayCloneCell: 1})
        pull_all(pipeline)
        assert box.get_clone_methods() == {RayCloneCell: 1}
    assert len(sink.items) == 30
    assert sink.items[-1][1] != os.getpid()


def test_a_thread_that_goes_takes_the_clones_inside_of_it_along(pipeline):
    """The inner cell itself was in it, and runs in another place next."""

    def make_inner(outer):
        inner = Pipeline(outer, "inner")
        box = scaled(inner, "box", lambda box: Work(box, "work"), 2)
        Connection(InputPort(inner, "x"), box.get_input("x"))
        Connection(box.get_output("y"), OutputPort(inner, "y"))
        return inner

    outer = boxed(pipeline, make_inner, 1, threads=1)
    sink = line(pipeline, outer, range(200))
    with deployed(pipeline):
        for _ in range(20):
            pipeline.pull()
        outer.scale_one_down(ThreadCloneCell)
        for _ in range(20):
            pipeline.pull()
        outer.scale_all_down()
        pull_all(pipeline)
    assert sink.items == list(range(200))


def test_clones_are_packed_by_several_threads_at_once(pipeline):
    """Two nodes or processes that are lost at once are replaced by two threads; what they share is not taken away early."""
    boxes = [working(pipeline, name=name) for name in ("a", "b")]
    both, first_is_done = threading.Barrier(2), threading.Event()

    class Waits:
        """Whoever packs this one waits in the middle of it for what it was made to do."""

        def __init__(self, wait):
            self.wait = wait

        def __reduce__(self):
            self.wait()
            return str, ()

    def leave_last():
        both.wait(PATIENCE_S)
        first_is_done.wait(PATIENCE_S)

    boxes[0].get_inner_cell().start.set_value(Waits(lambda: both.wait(PATIENCE_S)))
    boxes[1].get_inner_cell().start.set_value(Waits(leave_last))
    last = Task(lambda: travel.pack(boxes[1], travel.Route(is_this_machine=False)))
    travel.pack(boxes[0], travel.Route(is_this_machine=False))
    first_is_done.set()
    packed = last.get(PATIENCE_S)
    assert b"function(x, shift)" in packed  # the docstring of the class, which so has travelled by value


def test_what_clones_print_and_log_comes_out_as_it_is(pipeline, capsys):
    """Ray leaves out lines that differ by a number only, which a stream of them does, unless told otherwise."""

    def work(x, _):
        import logging
        import sys

        print(f"item {x}", flush=True)
        print(f"error {x}", file=sys.stderr, flush=True)
        logging.getLogger("cell").warning("warning %d", x)
        return x

    line(pipeline, working(pipeline, work, 2), range(40))
    out, err = [], []

    def is_complete():
        captured = capsys.readouterr()
        out.extend(captured.out.splitlines())
        err.extend(captured.err.splitlines())
        return len(out) >= 40 and len(err) >= 80

    with deployed(pipeline):
        pull_all(pipeline)
        in_time(lambda: wait_until(is_complete), PATIENCE_S)
    assert sorted(out) == sorted(f"item {x}" for x in range(40))
    assert sorted(err) == sorted(f"{what} {x}" for what in ("error", "warning") for x in range(40))


def test_large_results_are_not_all_on_their_way_at_once(pipeline, monkeypatch):
    """They fill the memory that processes share long before items that are small and quick are too many."""
    monkeypatch.setattr(worker, "CALL_LIMIT_BYTES", 3_000_000)
    finish, came = clone.RemoteClone.finish, []

    def note(self, begun):
        done = finish(self, begun)
        came.append(len(done.results))
        return done

    monkeypatch.setattr(clone.RemoteClone, "finish", note)
    sink = line(pipeline, working(pipeline, lambda x, _: np.full(1_000_000, x % 100, np.uint8)), range(60))
    with deployed(pipeline):
        pull_all(pipeline)
    assert [int(item[-1]) for item in sink.items] == list(range(60))
    assert max(came) <= 3
    assert sum(came) == 60


def test_calls_wait_for_each_other_where_the_store_has_no_room_for_all(pipeline, monkeypatch):
    begin, finish = clone.RemoteClone.begin, clone.RemoteClone.finish
    on_their_way, seen = [], []

    def look(self, work):
        on_their_way.append(len(work.items))
        seen.append(sum(on_their_way))
        return begin(self, work)

    def note(self, begun):
        done = finish(self, begun)
        on_their_way.pop(0)
        return done

    monkeypatch.setattr(worker, "LEAD_S", 10.0)  # however long they take on this machine, many are to be on their way
    monkeypatch.setattr(clone.RemoteClone, "share_bytes", 250_000)
    monkeypatch.setattr(clone.RemoteClone, "begin", look)
    monkeypatch.setattr(clone.RemoteClone, "finish", note)
    sink = line(pipeline, working(pipeline, lambda x, _: x[::-1]), [bytes(50_000)] * 60)
    with deployed(pipeline):
        pull_all(pipeline)
    assert len(sink.items) == 60
    assert max(seen) == 2, "two of them and their results are 200 kB"


def test_the_address_is_that_of_the_environment_where_none_is_given(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert cluster._get_address(RayCluster()) is None
    monkeypatch.setenv("RAY_ADDRESS", "head:6379")
    assert cluster._get_address(RayCluster()) == "head:6379"
    assert cluster._get_address(RayCluster("other:6379")) == "other:6379"
    assert cluster._get_address(RayCluster("local")) is None


# ---------------------------------------------------------------------- what comes between


def test_a_parameter_that_is_set_while_a_clone_starts_reaches_it(pipeline):
    box = working(pipeline)
    inner, here = box.get_inner_cell(), os.getpid()

    class Setting(Source):
        def _on_deploy(self):
            super()._on_deploy()
            assert os.getpid() == here

    source, sink = Setting(pipeline, "source", [0] * 20), Collector(pipeline, "sink")
    chain(source, box, sink)
    deploy = RemoteClone.deploy

    def deploy_late(clone):
        inner.shift.set_value(7)
        return deploy(clone)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RemoteClone, "deploy", deploy_late)
        pipeline.deploy()
    pull_all(pipeline)
    assert sink.items == [7] * 20


def test_a_parameter_is_not_lost_with_the_call_that_could_not_begin(pipeline, gate):
    box, lock, sink = working(pipeline), threading.Lock(), Recorder(pipeline, "sink")
    before = Map(pipeline, "before", lambda x: gate(x) if x is lock else x)
    chain(Source(pipeline, "source", [0, lock, *[0] * 20]), before, box, sink)
    with deployed(pipeline):
        pipeline.pull()
        box.get_inner_cell().shift.set_value(7)
        gate.open()
        pull_all(pipeline)
    assert sink.items[2:] == [7] * 20


def test_one_value_that_cannot_travel_among_many_costs_its_item_only(pipeline):
    values = [threading.Lock() if x % 500 == 250 else x for x in range(2000)]
    sink = line(pipeline, working(pipeline, lambda x, _: x), values, Recorder)
    with deployed(pipeline):
        pull_all(pipeline)
    assert [item for item in sink.items if isinstance(item, int)] == [x for x in range(2000) if x % 500 != 250]
    assert len(sink.items) == 2000


class Unloadable:
    """Can be pickled, and not be made again."""

    def __reduce__(self):
        return int, ("no number",)


def test_a_value_that_cannot_be_made_again_costs_its_item_only(pipeline):
    values = [Unloadable() if x == 700 else x for x in range(1500)]
    sink = line(pipeline, working(pipeline, lambda x, _: x), values, Recorder)
    with deployed(pipeline):
        pull_all(pipeline)
    assert [item for item in sink.items if isinstance(item, int)] == [x for x in range(1500) if x != 700]


def test_a_passing_error_that_cannot_be_made_again_is_a_passing_one(pipeline):
    class Choosy(PassingError):
        def __init__(self, first, second):
            super().__init__(f"{first} and {second}")

    def work(x, _):
        if x == 3:
            raise Choosy(1, 2)
        return x

    sink = line(pipeline, working(pipeline, work), range(6))
    with pipeline.run() as handle:
        handle.wait(PATIENCE_S)
    assert sink.items == [0, 1, 2, 4, 5]


def test_where_no_other_process_can_be_had_the_run_fails_and_ends(pipeline, monkeypatch):
    monkeypatch.setattr("pypipeline_engine.runtime.remote.clone.PLACED_WITHIN_S", 0.5)

    def work(x, _):
        if x == 5:
            os._exit(1)
        return x

    box = working(pipeline, work)
    box.get_inner_cell().set_error_policy(ErrorPolicy(then="skip"))
    line(pipeline, box, None)
    pipeline.deploy()
    (worker,) = pipeline._get_deployment().crew.get_remote_workers()
    worker.clone._options = {**worker.clone._options, "num_cpus": 500}
    with pipeline.run() as handle, pytest.raises(InvalidStateException, match="there is no other one"):
        handle.wait(PATIENCE_S)
    in_time(pipeline.undeploy, 20)


def test_a_replacement_that_exits_at_its_deployment_is_told(pipeline, tmp_path):
    class Once(Work):
        def _on_deploy(self):
            if (tmp_path / "there").exists():
                raise SystemExit("no camera")
            (tmp_path / "there").touch()

        def _on_pull(self):
            if self.x.pull() == 3:
                os._exit(1)
            self.y.set_value(0)

    line(pipeline, boxed(pipeline, lambda box: Once(box, "once")), None)
    with pipeline.run() as handle, pytest.raises(InvalidStateException, match="no camera"):
        handle.wait(PATIENCE_S)


def test_the_same_numbers_again_change_nothing(pipeline):
    box = boxed(pipeline, lambda box: Counting(box, "counting"))
    sink = line(pipeline, box, range(20))
    with deployed(pipeline):
        for _ in range(10):
            pipeline.pull()
        box.set_nb_clones({RayCloneCell: 1, ThreadCloneCell: 0})
        pull_all(pipeline)
    assert [count for count, _ in sink.items] == list(range(1, 21))


def test_a_clone_that_was_deployed_when_another_one_failed_is_undeployed(pipeline, tmp_path):
    class Racing(Work):
        def _on_deploy(self):
            try:
                (tmp_path / "first").touch(exist_ok=False)
            except FileExistsError:
                raise CriticalError("only one") from None

        def _on_undeploy(self):
            (tmp_path / f"undeployed {os.getpid()}").touch()

    line(pipeline, boxed(pipeline, lambda box: Racing(box, "racing"), 2))
    with pytest.raises(CriticalError):
        pipeline.deploy()
    assert len(list(tmp_path.glob("undeployed *"))) == 2


EXIT = """
import sys
from pathlib import Path
from pypipeline_engine import *

class Source(ASingleCell):
    def __init__(self, parent_cell, name):
        super().__init__(parent_cell, name)
        self.y: Output[int] = Output(self, "y")

    def _on_pull(self):
        self.y.set_value(1)

class Double(ASingleCell):
    def __init__(self, parent_cell, name):
        super().__init__(parent_cell, name)
        self.x: Input[int] = Input(self, "x")
        self.y: Output[int] = Output(self, "y")

    def _on_pull(self):
        self.y.set_value(2 * self.x.pull())

class Sink(ASingleCell):
    def __init__(self, parent_cell, name):
        super().__init__(parent_cell, name)
        self.x: Input[int] = Input(self, "x")

    def _on_pull(self):
        self.x.pull()

    def _on_undeploy(self):
        Path(sys.argv[1]).touch()

pipeline = Pipeline(None, "p")
source, box, sink = Source(pipeline, "source"), ScalableCell(pipeline, "box"), Sink(pipeline, "sink")
double, x, y = Double(box, "double"), InputPort(box, "x"), OutputPort(box, "y")
Connection(x, double.x), Connection(double.y, y), Connection(source.y, x), Connection(y, sink.x)
box.scale_up(1, RayCloneCell)
pipeline.deploy()
pipeline.pull()
"""


def test_what_is_deployed_when_the_interpreter_ends_is_undeployed_before_ray_ends(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(EXIT)
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "undeployed")],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "undeployed").exists(), done.stderr
    assert "Traceback" not in done.stderr
