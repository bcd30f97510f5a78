"""Values of a stream as JSON."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np


def to_json(value: Any) -> str:
    """`value` as one line of JSON. Arrays become lists, numpy's numbers become numbers, and NaN and infinities, for
    which JSON has no form, become `null`.

    :raises TypeError: if `value`, or something in it, has no form in JSON; the message names its type.
    """
    try:
        try:
            return _dump(value)
        except ValueError:
            return _dump(_with_null_for_nan(value))
    except (ValueError, RecursionError) as error:
        raise TypeError(f"the {type(value).__name__} holds itself, or is too large: {error}") from error


def _dump(value: Any) -> str:
    return json.dumps(value, default=_to_plain, allow_nan=False, ensure_ascii=False)


def _to_plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        plain = value.item()
        if not isinstance(plain, np.generic):
            return plain
    raise TypeError(f"there is no form for a value of the type {type(value).__name__}")


def _with_null_for_nan(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        value = _to_plain(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _with_null_for_nan(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_with_null_for_nan(each) for each in value]
    return value
