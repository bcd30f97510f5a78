"""Qt without a screen, and no process of an engine left behind."""

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest

from pypipeline_studio.engine.engine import Engine


@pytest.fixture
def make_engine(qtbot):
    """Makes engines, and sees to it that their processes end with the test."""
    made = []

    def make(**options) -> Engine:
        engine = Engine(**options)
        made.append(engine)
        return engine

    yield make
    for engine in made:
        if engine.pid:
            with qtbot.waitSignal(engine.gone, timeout=60_000):
                engine.shutdown(grace_ms=2_000)
        engine.deleteLater()


@pytest.fixture
def engine(make_engine, qtbot):
    """An engine that is ready."""
    engine = make_engine()
    engine.start()
    qtbot.waitUntil(lambda: engine.catalogue is not None, timeout=60_000)
    return engine
