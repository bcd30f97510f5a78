"""What the image and tracking cells expect of the values that come to them, with the words for everything else.

`pull_...` pulls an input and returns its value where it is what was expected; otherwise it raises `InvalidInputException`,
which names the input, what was expected, what came, and how to mend it. They belong into `_on_pull`.

The functions below them guard parameters: each is to be given to a parameter as its validation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from pypipeline_engine.exceptions import InvalidInputException

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pypipeline_engine.cellio import Input
    from pypipeline_engine.cells.types import Boxes, Flow, Image, Mask, Tracks

_IMAGE = "an image: uint8, height x width x 3 in BGR order, or height x width"
_MASK = "a mask: uint8, height x width"
_FLOW = "optical flow: float32, height x width x 2"
_ROWS = {5: "boxes: n x 5 (x, y, width, height, score)", 6: "tracks: n x 6 (x, y, width, height, score, number)"}


def describe(value: object) -> str:
    """A value in few words: an array by dtype and shape, anything else by its type and a shortened `repr`."""
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype}, {' x '.join(map(str, value.shape)) or 'without dimensions'}"
    if value is None:
        return "None"
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"


def refuse(source: Input[Any], expected: str, came: object, hint: str = "") -> NoReturn:
    """Raise `InvalidInputException` for a value that came to `source`."""
    raise InvalidInputException(
        f"{source.get_full_name()} expects {expected}; what came is {describe(came)}{hint and ': ' + hint}"
    )


def pull_image(source: Input[Any]) -> Image:
    """The next image of `source`: `uint8`, height x width x 3 or height x width, with at least one pixel.

    :raises InvalidInputException: if it is anything else.
    """
    image = source.pull()
    _check_image(source, image)
    return image  # type: ignore[no-any-return]  # checked


def pull_image_or_none(source: Input[Any]) -> Image | None:
    """As `pull_image`, but `None` may come too."""
    image = source.pull()
    if image is not None:
        _check_image(source, image)
    return image  # type: ignore[no-any-return]  # checked


def _check_image(source: Input[Any], image: object) -> None:
    if not isinstance(image, np.ndarray):
        refuse(source, _IMAGE, image)
    if image.ndim not in (2, 3):
        refuse(source, _IMAGE, image)
    if image.ndim == 3 and image.shape[2] == 4:
        refuse(source, _IMAGE, image, "take the alpha channel away with image[..., :3]")
    if image.ndim == 3 and image.shape[2] != 3:
        refuse(source, _IMAGE, image)
    _check_pixels(source, _IMAGE, image)


def _check_pixels(source: Input[Any], expected: str, image: NDArray[Any]) -> None:
    if image.dtype != np.uint8:
        refuse(source, expected, image, "convert it to uint8, from 0 to 255, before it comes here")
    if image.size == 0:
        refuse(source, f"{expected}, with at least one pixel", image)


def pull_mask(source: Input[Any]) -> Mask:
    """The next mask of `source`: `uint8`, height x width, with at least one pixel.

    :raises InvalidInputException: if it is anything else.
    """
    mask = source.pull()
    if not isinstance(mask, np.ndarray):
        refuse(source, _MASK, mask)
    if mask.ndim != 2:
        refuse(source, _MASK, mask, "vision.Threshold makes a mask of a grey image")
    _check_pixels(source, _MASK, mask)
    return mask


def pull_flow(source: Input[Any]) -> Flow:
    """The next optical flow of `source`: `float32`, height x width x 2.

    :raises InvalidInputException: if it is anything else.
    """
    flow = source.pull()
    if not isinstance(flow, np.ndarray) or flow.ndim != 3 or flow.shape[2] != 2 or flow.dtype != np.float32:
        refuse(source, _FLOW, flow, "vision.OpticalFlow makes it")
    if flow.size == 0:
        refuse(source, f"{_FLOW}, with at least one pixel", flow)
    return flow


def pull_boxes(source: Input[Any]) -> Boxes:
    """The next boxes of `source`: `float32`, n x 5, finite. Lists of numbers are converted, an empty one to 0 x 5.

    :raises InvalidInputException: if it is anything else.
    """
    return _rows(source, source.pull(), (5,))


def pull_tracks_or_none(source: Input[Any]) -> Tracks:
    """The next tracks of `source`: `float32`, n x 6, finite; 0 x 6 where an empty list or `None` came.

    :raises InvalidInputException: if it is anything else.
    """
    tracks = source.pull()
    return np.empty((0, 6), np.float32) if tracks is None else _rows(source, tracks, (6,))


def pull_boxes_or_tracks(source: Input[Any]) -> Boxes | Tracks:
    """The next boxes (n x 5) or tracks (n x 6) of `source`: `float32`, finite.

    :raises InvalidInputException: if it is anything else.
    """
    return _rows(source, source.pull(), (5, 6))


def _rows(source: Input[Any], value: object, columns: Sequence[int]) -> NDArray[np.float32]:
    expected = " or ".join(_ROWS[number] for number in columns)
    if not isinstance(value, np.ndarray | list | tuple):
        refuse(source, expected, value)
    try:
        rows = np.asarray(value)
    except ValueError:  # rows of different lengths
        refuse(source, expected, value)
    if rows.size == 0 and rows.ndim <= 2:
        return np.empty((0, rows.shape[-1] if rows.shape[-1] in columns else columns[0]), np.float32)
    if rows.ndim != 2 or rows.shape[1] not in columns or rows.dtype.kind not in "fiu":
        refuse(source, expected, value)
    if not np.isfinite(rows).all():
        row = int(np.flatnonzero(~np.isfinite(rows).all(axis=1))[0])
        refuse(source, f"{expected}, all finite", value, f"row {row} is {rows[row].tolist()}")
    return np.asarray(rows, np.float32)


def number(value: object) -> bool:
    """Accepts a finite number."""
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise InvalidInputException("expected a finite number")
    return True


def number_or_none(value: object) -> bool:
    """Accepts a finite number or `None`."""
    return value is None or number(value)


def whole(value: object) -> bool:
    """Accepts a whole number."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise InvalidInputException("expected a whole number")
    return True


def whole_or_none(value: object) -> bool:
    """Accepts a whole number or `None`."""
    return value is None or whole(value)


def odd(value: object) -> bool:
    """Accepts an odd whole number: the size of a kernel that has a middle."""
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) % 2 == 0:
        raise InvalidInputException("expected an odd whole number, such as 3, 5 or 7")
    return True


def truth(value: object) -> bool:
    """Accepts true or false."""
    if not isinstance(value, bool | np.bool_):
        raise InvalidInputException("expected true or false")
    return True
