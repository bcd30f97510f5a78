"""A value of a stream in few words, with what can be told of it at little cost. Values are never changed.

Everything here may take a while, and calls methods of the value such as its `__repr__`: not for the threads of a pipeline.
"""

from __future__ import annotations

import math
import reprlib
from typing import TYPE_CHECKING, Any

from pypipeline_engine.core.values import size_of
from pypipeline_engine.host.looking import ValueSummary
from pypipeline_engine.host.pictures import WIDEST_TABLE, is_picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_SAMPLED = 100_000
"""Elements of an array that are looked at."""
MOST_BOXES = 100
FEWEST_COLUMNS = 4
LONGEST_TEXT = 200

_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = LONGEST_TEXT
_repr.maxlist = _repr.maxtuple = _repr.maxdict = _repr.maxset = _repr.maxfrozenset = _repr.maxdeque = 12
_repr.maxlevel = 4


def summarize(value: Any) -> ValueSummary:
    """The summary of any value; raises nothing, whatever its methods do."""
    import numpy as np

    kind = type(value).__name__
    if isinstance(value, np.ndarray):
        return _summarize_array(value)
    facts: dict[str, Any] = {"type": kind, "text": _describe(value), "nb_bytes": size_of(value)}
    if isinstance(value, bool | np.bool_):
        return ValueSummary(**facts)
    if isinstance(value, int | float | np.integer | np.floating):
        number = _to_float(value)
        facts |= {"minimum": number, "maximum": number, "mean": number}
        if isinstance(value, np.generic):
            facts["dtype"] = str(value.dtype)
        return ValueSummary(**facts)
    shape = _get_shape(value)
    if shape is not None:  # of another library, which may have to compute or fetch it: that is not asked for
        return ValueSummary(**facts, shape=shape, dtype=_shortened(str(getattr(value, "dtype", ""))) or None)
    return ValueSummary(**facts, length=_get_length(value))


def _summarize_array(array: NDArray[Any]) -> ValueSummary:
    facts: dict[str, Any] = {
        "type": type(array).__name__,
        "shape": array.shape,
        "dtype": str(array.dtype),
        "length": len(array) if array.ndim else None,
        "nb_bytes": int(array.nbytes),
        "has_picture": is_picture(array),
        "boxes": _get_boxes(array),
    }
    text = (
        f"{array.dtype} {'x'.join(map(str, array.shape))}" if array.ndim else f"{array.dtype} {_describe(array.item())}"
    )
    if 0 < array.size <= 16 and array.ndim and array.dtype.kind in "biufUS":
        text = f"{text} {_describe(array.tolist())}"
    return ValueSummary(**facts, **_measure(array), text=_shortened(text))


def _measure(array: NDArray[Any]) -> dict[str, Any]:
    """Minimum, maximum and mean of the finite numbers in an array, or in a part of it."""
    import numpy as np

    if array.dtype.kind not in "biuf" or not array.size:
        return {}
    sample = array
    if array.size > MOST_SAMPLED:
        # Steps that have no factor in common with the usual widths, so that not the same columns are met again and again.
        step = math.ceil((array.size / MOST_SAMPLED) ** (1 / array.ndim))
        sample = array[tuple(slice(None, None, step if length > step else 1) for length in array.shape)]
    if sample.dtype.kind == "f":
        sample = sample[np.isfinite(sample)]
        if not sample.size:
            return {"is_sampled": sample.size != array.size}
    low, high, mean = sample.min(), sample.max(), sample.mean(dtype=np.float64)
    return {
        "minimum": _to_float(low),
        "maximum": _to_float(high),
        "mean": _to_float(mean),
        "is_sampled": array.size > MOST_SAMPLED,
    }


def _get_boxes(array: NDArray[Any]) -> tuple[tuple[float | None, ...], ...] | None:
    if array.ndim != 2 or array.dtype.kind not in "iuf" or is_picture(array):
        return None
    rows, columns = array.shape
    if rows > MOST_BOXES or not FEWEST_COLUMNS <= columns <= WIDEST_TABLE:
        return None
    return tuple(tuple(map(_to_float, row)) for row in array.tolist())


def _to_float(number: Any) -> float | None:
    try:
        as_float = float(number)
    except (OverflowError, TypeError, ValueError):
        return None
    return as_float if math.isfinite(as_float) else None


def _get_shape(value: Any) -> tuple[int, ...] | None:
    try:
        shape = tuple(value.shape)
    except Exception:
        return None
    return shape if all(isinstance(length, int) for length in shape) else None


def _get_length(value: Any) -> int | None:
    try:
        return len(value)
    except Exception:
        return None


def _describe(value: Any) -> str:
    try:
        return _shortened(_repr.repr(value))
    except Exception as error:
        return f"(a {type(value).__name__} that cannot be shown: {type(error).__name__})"


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 3]}..."
