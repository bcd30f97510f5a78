"""Fixtures for the tests of records."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from insight_support import GRAPH

from pypipeline_engine.insight.machine import ProcessFigures
from pypipeline_engine.insight.recorder import Recorder


@pytest.fixture
def make_recorder(tmp_path: Path) -> Iterator[Callable[..., Recorder]]:
    """Begins records, which are closed after the test."""
    recorders = []

    def make(name: str = "run.record", **values) -> Recorder:
        values = {"name": "demo", "graph": GRAPH, "sources": ["count"], **values}
        values.setdefault("read_process", lambda: ProcessFigures(1.0, 5_000_000, 7, 2.0))
        recorders.append(Recorder(tmp_path / name, **values))
        return recorders[-1]

    yield make
    for recorder in recorders:
        recorder.close()
