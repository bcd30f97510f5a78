"""What a deployment needs of the process that it runs in."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from contextlib import suppress

FRAMES_PER_CELL = 12
"""More than the Python calls that one cell adds to the depth of a pull: its own, and the engine's between two cells, which
with retries, a sample and a guarded input are eight.
"""
SPARE_FRAMES = 1000
DEEP = 500
"""With more cells than this, threads get a larger stack: a pull may pass through C code, which uses it."""
LARGE_STACK_BYTES = 64 * 2**20


def make_room_for_calls(nb_cells: int) -> None:
    """Allow pulls as deep as the pipeline is long. Calls between Python functions use no stack of C.

    Where cells pull through C code, as in a call by `map`, Python 3.12 has a limit of its own, which cannot be raised.
    """
    needed = FRAMES_PER_CELL * nb_cells + SPARE_FRAMES
    if sys.getrecursionlimit() < needed:
        sys.setrecursionlimit(needed)
    if nb_cells > DEEP:
        before = threading.stack_size(LARGE_STACK_BYTES)  # there is no way to look without setting it
        if before > LARGE_STACK_BYTES:
            threading.stack_size(before)
        _let_stack_of_main_thread_grow()


def _let_stack_of_main_thread_grow() -> None:
    """The other threads get theirs when they start; that of the main one grows up to a limit, which may be raised."""
    if sys.platform == "linux":
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
        most = LARGE_STACK_BYTES if hard == resource.RLIM_INFINITY else min(hard, LARGE_STACK_BYTES)
        if soft != resource.RLIM_INFINITY and soft < most:
            with suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_STACK, (most, hard))


def limit_threads_of_opencv() -> Callable[[], None]:
    """Have OpenCV use one thread for each clone, which would otherwise start as many as there are cores each.

    :returns: undoes it.
    """
    if "cv2" not in sys.modules:
        return lambda: None
    try:
        import cv2  # and not the module that is there already: a clone may be in the middle of loading it

        before = cv2.getNumThreads()
    except (ImportError, AttributeError):  # it does not load, or waits for what this thread is loading
        return lambda: None
    cv2.setNumThreads(1)

    def undo() -> None:
        with suppress(AttributeError):
            cv2.setNumThreads(before)

    return undo
