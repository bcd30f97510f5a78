"""What the tests of the image cells share: one cell in a pipeline, pull by pull, and the frames of the example video."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from cell_rig import Rig

from pypipeline_engine.connection import Connection

EXAMPLES = Path(__file__).parents[3] / "resources" / "examples"
VIDEO = EXAMPLES / "pedestrians.mp4"


class Probe:
    """A deployed pipeline round one cell."""

    def __init__(self, rig: Rig) -> None:
        self.pipeline = rig.pipeline
        self.cell = rig.cell
        self._rig = rig

    def pull(self) -> Any:
        """What the next pull gives: the value of the only output, or all of them by name."""
        self._rig.pull()
        values = {name: self._rig.get(name)[-1] for name in self.cell.get_output_names()}
        return next(iter(values.values())) if len(values) == 1 else values

    def set(self, **values: Any) -> None:
        for name, value in values.items():
            self.cell.get_input(name).set_value(value)


@contextmanager
def deployed(
    cell_type, streams: dict[str, Sequence[Any]], loops: Sequence[tuple[str, str]] = (), **parameters: Any
) -> Iterator[Probe]:
    """A pipeline named `rig` round one cell named `cell`, which is fed the `streams` by input, until the end of the block.

    :param loops: pairs of an output and the input that it is recurrently connected to.
    """
    rig = Rig(cell_type, parameters, **streams)
    for source, target in loops:
        Connection(rig.cell.get_output(source), rig.cell.get_input(target))
    with rig:
        yield Probe(rig)


def run_once(cell_type, /, parameters: dict[str, Any] | None = None, **inputs: Any) -> Any:
    """What a cell makes of one value for each input."""
    streams = {name: [value] for name, value in inputs.items()}
    with deployed(cell_type, streams, **(parameters or {})) as probe:
        return probe.pull()


@cache
def video_frames(first: int, number: int) -> tuple[np.ndarray, ...]:
    """Frames of the example video, read-only, as some come from other processes."""
    capture = cv2.VideoCapture(str(VIDEO))
    try:
        frames = []
        for index in range(first + number):
            read, frame = capture.read()
            assert read, f"{VIDEO} ends before frame {first + number}"
            if index >= first:
                frame.flags.writeable = False
                frames.append(frame)
        return tuple(frames)
    finally:
        capture.release()
