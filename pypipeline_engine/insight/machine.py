"""The machine that this process runs on, and what is installed there."""

from __future__ import annotations

import os
from importlib.util import find_spec


def is_ray_installed() -> bool:
    """Whether there is a Ray to import, which this does not do."""
    return find_spec("ray") is not None


def get_nb_cpus() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1
