"""OpenCV's readers and writers, without what they print by themselves: cells say in words what went wrong."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pypipeline_engine.exceptions import InvalidStateException

if TYPE_CHECKING:
    from pypipeline_engine.cell import ACell

# OpenCV has one level of logging for the whole process. Held while it is changed, so that two cells which open files at the
# same time put back the level that was there before both.
_log_level_lock = threading.Lock()


def import_cv2(cell: ACell) -> Any:
    """The module `cv2`.

    :raises InvalidStateException: if OpenCV is not installed, with the command that installs it.
    """
    # FFmpeg prints what it finds in damaged files; OpenCV reads this before it opens its first file.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    try:
        import cv2
    except ImportError as error:
        raise InvalidStateException(
            f"{cell.get_full_name()} needs OpenCV, which cannot be imported ({error}): "
            f"pip install 'pypipeline-studio[vision]'"
        ) from error
    return cv2


@contextmanager
def quiet(cv2: Any) -> Iterator[None]:
    """Keep OpenCV from printing while a file or a camera is opened."""
    with _log_level_lock:
        level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        try:
            yield
        finally:
            cv2.utils.logging.setLogLevel(level)


def open_capture(cv2: Any, source: str | int) -> Any:
    """A `cv2.VideoCapture` of a file, an address or the number of a camera; it may not be open."""
    backend = cv2.CAP_ANY
    if isinstance(source, str) and cv2.videoio_registry.hasBackend(cv2.CAP_FFMPEG):
        # The backends that would be tried after it open no other videos, and one of them prints to the console.
        backend = cv2.CAP_FFMPEG
    with quiet(cv2):
        return cv2.VideoCapture(source, backend)
