"""Work on full-HD frames that releases the GIL. OpenCV and numpy are imported where they are used: OpenCV may be missing.

Where a frame and what comes of it begin within a line of the processor's cache decides on up to half of the speed of OpenCV,
and malloc puts them elsewhere in each thread. So that contenders are not compared by that, all memory that the work touches
begins with a line, and a thread blurs all its frames into the same place.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import cache
from itertools import cycle, islice
from typing import Any

from jobs import Job

NB_FRAMES = 4
"""So few that they stay the same objects, and so many that no cache of the processor holds them."""
SHAPE = (1080, 1920, 3)
SHRUNK = (640, 360)
"""Width and height, as OpenCV wants them."""
LINE_BYTES = 64
_of_thread = threading.local()


def make_aligned(shape: tuple[int, ...]) -> Any:
    """An array of bytes that begins with a line of the cache."""
    import numpy as np

    nb_bytes = int(np.prod(shape))
    memory = np.zeros(nb_bytes + LINE_BYTES, np.uint8)
    begin = -memory.ctypes.data % LINE_BYTES
    return memory[begin : begin + nb_bytes].reshape(shape)


@cache
def get_frames() -> tuple[Any, ...]:
    """Frames of noise."""
    import numpy as np

    random = np.random.default_rng(0)
    frames = tuple(make_aligned(SHAPE) for _ in range(NB_FRAMES))
    for frame in frames:
        frame[:] = random.integers(0, 255, SHAPE, dtype=np.uint8)
    return frames


def repeat_frames(nb_items: int) -> Iterator[Any]:
    """The same few frames over and over."""
    return islice(cycle(get_frames()), nb_items)


def make_fresh_frames(nb_items: int) -> Iterator[Any]:
    """A frame of its own memory for each item, filled with its number."""
    import numpy as np

    return (np.full(SHAPE, number, np.uint8) for number in range(min(nb_items, 256)))


def get_number(frame: Any) -> int:
    """What a frame is filled with."""
    return int(frame[0, 0, 0])


def copy(frame: Any) -> Any:
    """A result as large as the item."""
    return frame.copy()


def blur_and_shrink(frame: Any) -> Any:
    """Some milliseconds of OpenCV, on one thread."""
    import cv2

    cv2.setNumThreads(1)
    if not hasattr(_of_thread, "buffers"):
        _of_thread.buffers = make_aligned(SHAPE), make_aligned((*SHRUNK[::-1], 3))
    blurred, shrunk = _of_thread.buffers
    cv2.GaussianBlur(frame, (5, 5), 0, dst=blurred)
    return cv2.resize(blurred, SHRUNK, dst=shrunk, interpolation=cv2.INTER_AREA).copy()


def sum_sparsely(frame: Any) -> int:
    """A number that differs where the frame does, for next to no time."""
    return int(frame[::8, ::8, 0].sum())


def expect_sums(nb_items: int) -> list[int]:
    """What has to come of `repeat_frames`."""
    sums = [sum_sparsely(blur_and_shrink(frame)) for frame in get_frames()]
    return list(islice(cycle(sums), nb_items))


BLUR = Job(repeat_frames, expect_sums, blur_and_shrink, sum_sparsely)
COPY = Job(make_fresh_frames, range, copy)
LOOK = Job(make_fresh_frames, range, get_number)
