"""JSON values held against each other."""

from __future__ import annotations

import json
from typing import Any


def is_same(value: Any, other: Any) -> bool:
    """Whether two JSON values are written alike: `true`, `1` and `1.0`, which Python takes for equal, are three values."""
    return json.dumps(value, sort_keys=True) == json.dumps(other, sort_keys=True)
