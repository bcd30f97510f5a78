"""Clones on a cluster of several nodes, which others have started and which goes on after us."""

import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from ray_nodes import Nodes
from stream_cells import Collector, Map, Source, chain, deployed, in_time, pull_all, scaled, wait_until

from pypipeline_engine.cell import ASingleCell, RayCloneCell, RayCluster
from pypipeline_engine.cellio import ConfigParameter, Input, Output, RuntimeParameter
from pypipeline_engine.exceptions import NotDeployableException

ray = pytest.importorskip("ray")
from pypipeline_engine.runtime.remote import clone, cluster, worker  # noqa: E402  # they need Ray

pytestmark = [pytest.mark.timeout(120), pytest.mark.slow]
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def nodes():
    """Two nodes: that of the head, and `first`."""
    nodes = Nodes()
    try:
        nodes.add("first", 3)
        yield nodes
    finally:
        nodes.close()


@pytest.fixture(scope="module", autouse=True)
def joined(nodes):
    """This process is a driver of the cluster."""
    RayCloneCell.cluster = RayCluster(nodes.address, path_map={"/here": "/there"})
    cluster.ensure()
    yield
    ray.shutdown()
    RayCloneCell.cluster = RayCluster()


class Work(ASingleCell):
    """`function(x)`, with a path and a number of GPUs. It is defined here, where no other node finds it."""

    def __init__(self, parent_cell, name, function=lambda x: x, gpus=0.0):
        super().__init__(parent_cell, name)
        self.x: Input = Input(self, "x")
        self.file: ConfigParameter[Path] = ConfigParameter(self, "file", default_value=None)
        self.folder: RuntimeParameter[Path] = RuntimeParameter(self, "folder", default_value=Path("/here"))
        self.y: Output = Output(self, "y")
        self.function = function
        self.gpus = gpus

    def get_nb_required_gpus(self):
        return self.gpus

    def _on_deploy(self):
        file = self.file.pull()
        if file is not None:
            file.read_bytes()

    def _on_pull(self):
        x = self.x.pull()
        self.y.set_value(str(self.folder.pull()) if x == "folder" else self.function(x))


def working(pipeline, function=lambda x: x, clones=2, gpus=0.0, **options):
    box = scaled(pipeline, "box", lambda box: Work(box, "work", function, gpus), 0)
    box.scale_up(clones, RayCloneCell)
    box.set_ray_options(options)
    return box


def line(pipeline, box, values=range(100)):
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source", values), box, sink)
    return sink


def where(_):
    import ray  # the module's own would be packed with it

    time.sleep(0.005)
    return ray.get_runtime_context().get_node_id()


# ---------------------------------------------------------------------- where clones are


def test_clones_spread_over_the_nodes_with_the_classes_of_a_test(pipeline):
    sink = line(pipeline, working(pipeline, where, clones=4, num_cpus=1), range(60))  # no node has room for all of them
    with deployed(pipeline):
        pull_all(pipeline)
    assert set(sink.items) == {node["NodeID"] for node in ray.nodes() if node["Alive"]}


def test_a_file_that_is_missing_there_is_told_with_its_node_and_path(pipeline):
    box = working(pipeline)
    box.get_inner_cell().file.set_value(Path("/here/model.onnx"))
    line(pipeline, box)
    with pytest.raises(FileNotFoundError, match=r"/there/model\.onnx") as raised:
        pipeline.deploy()
    notes = "\n".join(raised.value.__notes__)
    assert "'/there/model.onnx' was looked for on the node " in notes
    assert "in _on_deploy of the cell p.box.work" in notes


def test_a_path_is_another_one_there_also_where_it_changes(pipeline, tmp_path, monkeypatch):
    (tmp_path / "there").mkdir()
    (tmp_path / "there/model").write_bytes(b"model")
    monkeypatch.setattr(
        RayCloneCell, "cluster", RayCluster(RayCloneCell.cluster.address, {"/here": f"{tmp_path}/there"})
    )
    box = working(pipeline, clones=1)
    inner = box.get_inner_cell()
    inner.file.set_value(Path("/here/model"))
    nb_items = 2 * worker.MOST_HELD  # so that not all of them are on their way when it changes
    sink = line(pipeline, box, ["folder"] * nb_items)
    with deployed(pipeline):
        pipeline.pull()
        inner.folder.set_value(Path("/here/other"))
        pull_all(pipeline)
    assert (sink.items[0], sink.items[-1]) == (f"{tmp_path}/there", f"{tmp_path}/there/other")
    assert inner.folder.get_value() == Path("/here/other")


@pytest.mark.parametrize(
    ("clones", "options", "message"),
    [
        (2, {"num_cpus": 4}, r"2 clones ask for 8 CPUs, the cluster has 5$"),
        (1, {"num_cpus": 4}, r"each clone asks for 4 CPUs, no node of the cluster has more than 3$"),
        (2, {"num_cpus": 2.5}, r"2 clones ask for 2.5 CPU each on one node, .* have room for 1 of them$"),
        (1, {"gpus": 0.5}, r"1 clone asks for 0.5 GPUs, the cluster has 0$"),
        (1, {"resources": {"tape": 1}}, r"1 clone asks for 1 of 'tape', the cluster has 0$"),
    ],
)
def test_what_the_nodes_do_not_have_is_told_in_words(pipeline, monkeypatch, clones, options, message):
    monkeypatch.setattr(clone, "PLACED_WITHIN_S", 0.7)
    line(pipeline, working(pipeline, clones=clones, **options))
    with pytest.raises(NotDeployableException, match=r"the Ray clones of p\.box cannot be placed: " + message):
        pipeline.deploy()
    assert not pipeline.is_deployed()


def test_what_others_hold_is_told_in_words(pipeline, monkeypatch):
    box = working(pipeline, num_cpus=2)
    line(pipeline, box)
    with deployed(pipeline):
        monkeypatch.setattr(clone, "PLACED_WITHIN_S", 0.7)
        with pytest.raises(NotDeployableException, match="the cluster has 5, of which 1 is free"):
            box.scale_up(1, RayCloneCell)


# ---------------------------------------------------------------------- nodes that are lost


@pytest.mark.parametrize(("loses", "size"), [(Nodes.remove, 20_000), (Nodes.kill, 10)])
def test_nothing_is_lost_or_repeated_where_a_node_is(pipeline, nodes, loses, size, caplog):
    """Large results are lost with the node also where the work was done; small ones are here already."""
    nodes.add(loses.__name__, 3)

    def work(x):
        import ray

        return np.full(size, x), ray.get_runtime_context().get_node_id()

    sink = Collector(pipeline, "sink")
    small = Map(pipeline, "small", lambda result: (int(result[0][-1]), result[1]))
    chain(Source(pipeline, "source", None), working(pipeline, work, clones=4), small, sink)

    def find_others():
        return {node for _, node in sink.items} & nodes.names.keys()

    with deployed(pipeline), pipeline.run() as handle:
        in_time(lambda: wait_until(find_others), PATIENCE_S)
        lost = find_others().pop()
        loses(nodes, nodes.names.pop(lost))
        done = len(sink.items)
        in_time(lambda: wait_until(lambda: "died" in caplog.text and len(sink.items) > done + 50), PATIENCE_S)
        in_time(lambda: wait_until(lambda: lost not in {node for _, node in sink.items[-50:]}), PATIENCE_S)
        handle.stop()
    assert [x for x, _ in sink.items] == list(range(len(sink.items)))


# ---------------------------------------------------------------------- other processes

SCRIPT = """
    import sys
    import ray
    from pypipeline_engine import (ASingleCell, Connection, Input, InputPort, Output, OutputPort, Pipeline, RayCloneCell,
                                   ScalableCell)

    class Count(ASingleCell):
        def __init__(self, parent_cell, name):
            super().__init__(parent_cell, name)
            self.y = Output(self, "y")
            self.number = 0

        def _on_pull(self):
            self.number += 1
            self.y.set_value(self.number)

    class Square(ASingleCell):
        def __init__(self, parent_cell, name):
            super().__init__(parent_cell, name)
            self.x, self.y = Input(self, "x"), Output(self, "y")

        def _on_pull(self):
            self.y.set_value(self.x.pull() ** 2)

    class Print(ASingleCell):
        def __init__(self, parent_cell, name):
            super().__init__(parent_cell, name)
            self.x = Input(self, "x")

        def _on_pull(self):
            print(self.x.pull())

    ray.init(address=sys.argv[1], log_to_driver=False, logging_level="ERROR")
    own = ray.put("left as it is")
    pipeline = Pipeline(None, "p")
    box = ScalableCell(pipeline, "box")
    square = Square(box, "square")
    Connection(InputPort(box, "x"), square.x)
    Connection(square.y, OutputPort(box, "y"))
    Connection(Count(pipeline, "count").y, box.get_input("x"))
    Connection(box.get_output("y"), Print(pipeline, "print").x)
    box.scale_up(2, RayCloneCell)
    with pipeline.run(max_items=4) as handle:
        handle.wait()
    print(ray.get(own))
"""


def test_a_ray_of_the_user_is_used_and_left_as_it_is_with_the_classes_of_a_script(nodes, tmp_path):
    (tmp_path / "script.py").write_text(textwrap.dedent(SCRIPT))
    done = subprocess.run(
        [sys.executable, "script.py", nodes.address], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.stdout == "1\n4\n9\n16\nleft as it is\n", done.stderr


def test_the_command_line_takes_a_file_of_cells_along_and_leaves_the_cluster_up(nodes, tmp_path):
    (tmp_path / "own.py").write_text(
        "from pypipeline_engine import ASingleCell, Input, Output\n"
        "class Double(ASingleCell):\n"
        "    def __init__(self, parent_cell, name):\n"
        "        super().__init__(parent_cell, name)\n"
        "        self.x: Input[int] = Input(self, 'x')\n"
        "        self.y: Output[int] = Output(self, 'y')\n"
        "    def _on_pull(self) -> None:\n"
        "        self.y.set_value(2 * self.x.pull())\n"
    )
    (tmp_path / "graph.json").write_text(
        '{"format": "pypipeline.graph", "version": 1, "name": "graph", "cells": {'
        '"count": {"type": "sources.Counter", "parameters": {"count": 5}}, "double": {"type": "own.Double"}, '
        '"print": {"type": "sinks.Console"}}, "connections": [["count.value", "double.x"], ["double.y", "print.item"]]}'
    )
    command = [sys.executable, "-m", "pypipeline_engine", "run", "graph.json", "--cells", "own.py"]
    options = ["--scale", "double=2:ray", "--ray-address", nodes.address, "--ray-path", f"{tmp_path}=/data"]
    done = subprocess.run([*command, *options], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_S)
    assert (done.returncode, done.stdout) == (0, "0\n2\n4\n6\n8\n"), done.stderr
    lines = done.stderr.splitlines()
    assert lines[0] == f"Ray: joining the cluster at {nodes.address} ..."
    assert lines[1].startswith("Ray: ready with 5 CPUs after ")
    assert lines[2].startswith("graph ended: 5 items")
    assert "Traceback" not in done.stderr
    assert len([node for node in ray.nodes() if node["Alive"]]) == 2
