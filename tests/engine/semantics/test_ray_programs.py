"""Whole programs that use Ray: it ends before them, in order or not, or its store is small."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytest.importorskip("ray")

pytestmark = [pytest.mark.timeout(120), pytest.mark.slow]
PATIENCE_S = 100.0
BEGIN = f"""
    import logging
    import os
    import signal
    import sys

    sys.path.insert(0, {str(Path(__file__).parent)!r})
    import numpy as np
    import ray
    from stream_cells import Collector, Map, Source, chain, deployed, pull_all, scaled
    from pypipeline_engine.cell import Pipeline, RayCloneCell

    logging.basicConfig(level="WARNING", stream=sys.stdout, format="%(message)s")

    def kill_ray():
        # What every call to Ray goes through. Nobody is told of it: Ray itself waits.
        ((raylet, *_),) = [it for kind, it in ray._private.worker._global_node.all_processes.items() if kind == "raylet"]
        raylet.process.send_signal(signal.SIGKILL)
        raylet.process.wait()

    def make(function, values):
        pipeline = Pipeline(None, "p")
        box = scaled(pipeline, "box", lambda box: Map(box, "work", function), 0)
        box.scale_up(1, RayCloneCell)
        sink = Collector(pipeline, "sink")
        chain(Source(pipeline, "source", values), box, sink)
        return pipeline, sink
"""


def run_script(tmp_path, text):
    (tmp_path / "script.py").write_text(textwrap.dedent(BEGIN) + textwrap.dedent(text))
    command = [sys.executable, "-W", "ignore", "script.py"]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_S)


@pytest.mark.parametrize("end", ["ray.shutdown()", ""])
def test_arrays_that_are_kept_outlive_ray(tmp_path, end):
    """They are views of memory of Ray's. Those by objects are not kept here, as they would keep the other ones as well."""
    done = run_script(
        tmp_path,
        f"""
        pipeline, sink = make(lambda x: np.full(3_000_000, x, np.uint8), range(40))
        with deployed(pipeline):
            pull_all(pipeline)
        kept = sink.items[-3:]
        sink.items.clear()
        assert not any(array.flags.writeable for array in kept)
        {end}
        print([(int(array.min()), int(array.max())) for array in kept])
        {"del kept" if end else ""}
        print("end")
        """,
    )
    assert (done.returncode, done.stdout) == (0, "[(37, 37), (38, 38), (39, 39)]\nend\n"), done.stderr


def test_a_pipeline_is_deployed_again_in_another_ray_after_the_first_one_was_shut_down(tmp_path):
    """Ray counts its jobs from 1 again, and what was shared with clones before is gone."""
    done = run_script(
        tmp_path,
        """
        pipeline, sink = make(lambda x: x + 1, [np.full(3_000_000, x, np.uint8) for x in range(40)])
        for _ in range(2):
            with deployed(pipeline):
                pipeline.reset()
                pull_all(pipeline)
            ray.shutdown()
        print([int(array[-1]) for array in sink.items] == [*range(1, 41)] * 2)
        """,
    )
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr


def test_a_run_whose_ray_was_killed_ends_and_the_next_one_has_another_ray(tmp_path):
    done = run_script(
        tmp_path,
        """
        pipeline, sink = make(lambda x: x, None)
        with pipeline.run() as handle:
            while len(sink.items) < 10:
                pass
            kill_ray()
            try:
                handle.wait(60)
            except Exception as error:
                print(type(error).__name__, str(error).splitlines()[0])
        in_the_first = len(sink.items)
        with pipeline.run(max_items=5) as handle:
            handle.wait(60)
        numbers = sink.items[in_the_first:]
        print(len(numbers), numbers == list(range(numbers[0], numbers[0] + 5)))
        """,
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert lines[0].startswith("the process of a clone of p.box died: ")
    assert lines[1].startswith("InvalidStateException the process of a clone of p.box died (")
    how = "deploy again to have another one"
    assert lines[1].endswith(f"NotDeployableException: Ray's process on this machine, the raylet, has ended: {how}")
    assert lines[2:] == ["5 True"]


def test_a_ray_of_the_user_that_was_killed_is_left_to_the_user(tmp_path):
    done = run_script(
        tmp_path,
        """
        ray.init(address="local", include_dashboard=False, logging_level="ERROR", log_to_driver=False)
        kill_ray()
        pipeline, _ = make(lambda x: x, None)
        try:
            pipeline.deploy()
        except Exception as error:
            print(type(error).__name__, error)
        print(pipeline.is_deployed(), ray.is_initialized())
        """,
    )
    how = "ray.shutdown(), and start another one"
    lines = done.stdout.splitlines()  # Ray's own among them
    assert f"NotDeployableException Ray's process on this machine, the raylet, has ended: {how}" in lines, done.stderr
    assert "False True" in lines


def test_what_is_kept_does_not_fill_the_store(tmp_path):
    """In a full one, each array would take two seconds."""
    done = run_script(
        tmp_path,
        """
        ray.init(address="local", include_dashboard=False, logging_level="ERROR", object_store_memory=100 << 20)
        pipeline, sink = make(lambda x: np.full(3_000_000, x, np.uint8), range(100))
        with deployed(pipeline):
            pull_all(pipeline)
        print([int(array[-1]) for array in sink.items] == list(range(100)))
        session = ray._private.worker._global_node.get_session_dir_path()
        raylet = open(f"{session}/logs/raylet.out").read()
        print(raylet.count("store full"))
        """,
    )
    assert done.stdout.splitlines() == ["True", "0"], done.stderr
