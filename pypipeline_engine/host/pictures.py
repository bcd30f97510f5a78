"""Images and masks as small JPEG pictures. Needs OpenCV, which is loaded at the first one; arrays are not changed."""

from __future__ import annotations

import importlib.util
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

QUALITY = 80
LEAST_SIDE = 8
"""A table with less rows or columns is no image."""
WIDEST_TABLE = 8
"""Rows of so many numbers, or less, are those of a table, such as boxes, unless they are uint8 or bool."""
MOST_BYTES = 4 * 1024**2
"""Of one JPEG."""
_GRAY, _COLOURS = (1,), (3, 4)


@cache
def _has_opencv() -> bool:
    return importlib.util.find_spec("cv2") is not None


def is_picture(value: Any) -> bool:
    """Whether there is a picture of a value: an array of rows and columns, of bool, whole or floating point numbers, with no
    channel, one, or three or four of them, blue first.
    """
    import numpy as np

    if not isinstance(value, np.ndarray) or value.ndim not in (2, 3) or not _has_opencv():
        return False
    if value.dtype.kind not in "biuf":
        return False
    if value.dtype != np.uint8 and value.dtype.kind != "b" and value.ndim == 2 and value.shape[1] <= WIDEST_TABLE:
        return False
    if value.ndim == 3 and value.shape[2] not in (*_GRAY, *_COLOURS):
        return False
    return bool(min(value.shape[:2]) >= LEAST_SIDE)


def make_jpeg(array: NDArray[Any], max_width: int, max_height: int) -> bytes | None:
    """A JPEG of what `is_picture` accepts, in its proportions and not larger than that; `None` where that fails.

    Floating point numbers from 0 to 1 go from black to white; others from the least to the largest, and so do whole numbers
    other than uint8.
    """
    import cv2
    import numpy as np

    height, width = array.shape[:2]
    scale = min(max_width / width, max_height / height, 1.0)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if array.dtype != np.uint8:  # what is left out is not converted; of two samples in each direction one is left
        step = max(1, int(1 / scale / 2))
        array = _to_bytes(array[::step, ::step])
    if array.ndim == 3:
        array = array[:, :, 0] if array.shape[2] == 1 else array[:, :, :3]
    array = np.ascontiguousarray(array)
    if array.shape[:2] != size[::-1]:
        array = cv2.resize(array, size, interpolation=cv2.INTER_AREA)
    done, encoded = cv2.imencode(".jpg", array, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return encoded.tobytes() if done and encoded.nbytes <= MOST_BYTES else None


def _to_bytes(array: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    if array.dtype.kind == "b":
        return array.astype(np.uint8) * np.uint8(255)
    numbers = np.nan_to_num(array.astype(np.float32), nan=0.0, posinf=np.inf, neginf=-np.inf)
    finite = numbers[np.isfinite(numbers)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if array.dtype.kind == "f" and low >= 0.0 and high <= 1.0:
        low, high = 0.0, 1.0
    spread = (high - low) or 1.0
    scaled: NDArray[Any] = np.clip((numbers - low) / spread, 0.0, 1.0) * 255.0 + 0.5
    return scaled.astype(np.uint8)
