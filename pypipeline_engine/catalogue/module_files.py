"""The file of a module by its name, without running any code: `importlib.util.find_spec` would import its packages."""

from __future__ import annotations

import hashlib
import sys
from importlib.machinery import PathFinder
from pathlib import Path


def find_module_file(name: str) -> Path | None:
    """The Python file that importing this name would run last; `None` where there is none, or it is no Python source."""
    first, *rest = name.split(".")
    spec = PathFinder.find_spec(first, [path for path in sys.path if path])
    prefix = first
    for part in rest:
        if spec is None or spec.submodule_search_locations is None:
            return None
        prefix = f"{prefix}.{part}"
        spec = PathFinder.find_spec(prefix, list(spec.submodule_search_locations))
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        return None
    return Path(spec.origin)


def sha256_of(path: Path) -> str | None:
    """Of the content of a file; `None` where it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
    except (OSError, ValueError):
        return None
