"""Fixtures for the tests of the shipped cells."""

from pathlib import Path

import numpy as np
import pytest
from cell_rig import Rig
from hypothesis import settings

# How long an example takes depends on what else the machine does.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture
def rig():
    """Makes rigs, deployed, and undeploys them after the test."""
    rigs = []

    def make(cell_type, parameters=None, **inputs):
        made = Rig(cell_type, parameters, **inputs)
        rigs.append(made)
        return made.__enter__()

    make.GAP = Rig.GAP
    make.undeployed = Rig
    yield make
    for made in rigs:
        made.__exit__()


LEVELS = [20 * number for number in range(10)]


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """A video of ten plain grey frames of 64 x 48 pixels, at 10 Hz, each one lighter by 20 than the one before."""
    cv2 = pytest.importorskip("cv2")
    path = tmp_path / "levels.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10.0, (64, 48))
    for level in LEVELS:
        writer.write(np.full((48, 64, 3), level, np.uint8))
    writer.release()
    return path
