"""Fixtures for the tests of what the engine promises: pipelines that end with their test, and a short time limit."""

import sys
from pathlib import Path

import pytest
from stream_cells import Gate, Task, in_time, wait_until

from pypipeline_engine.cell import Pipeline

LIMIT_S = 20
"""All of these tests take far less; one that hangs is ended, with the stacks of all threads."""
ACTORS_END_WITHIN_S = 20


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(LIMIT_S))


@pytest.fixture(autouse=True)
def no_leaked_actors():
    """Fail a test that leaves a clone's process behind."""
    yield
    ray = sys.modules.get("ray")
    if ray is not None and ray.is_initialized():
        in_time(lambda: wait_until(lambda: not _find_living_actors(ray)), ACTORS_END_WITHIN_S)


def _find_living_actors(ray):
    return [actor for actor in ray._private.state.actors().values() if actor["State"] != "DEAD"]


@pytest.fixture
def new_gate():
    """Makes gates that are opened when the test ends, so that no cell waits for a test that has failed."""
    gates = []

    def make() -> Gate:
        gates.append(Gate())
        return gates[-1]

    yield make
    for gate in gates:
        gate.open()


@pytest.fixture
def gate(new_gate) -> Gate:
    """One gate."""
    return new_gate()


@pytest.fixture
def new_pipeline(new_gate):
    """Makes pipelines, which are undeployed when the test ends."""
    made = []

    def make(name: str = "p", cls: type[Pipeline] = Pipeline) -> Pipeline:
        made.append(cls(None, name))
        return made[-1]

    yield make
    for pipeline in made:
        if pipeline.is_deployed():
            try:
                Task(pipeline.undeploy, f"undeploying {pipeline.get_name()}").get()
            except Exception as error:  # a test that wants to see it undeploys by itself
                print(f"undeploying {pipeline!r} after the test: {error!r}")


@pytest.fixture
def pipeline(new_pipeline) -> Pipeline:
    """One pipeline, named `p`."""
    return new_pipeline()
