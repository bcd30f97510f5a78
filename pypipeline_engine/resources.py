"""What ships beside the code: example graphs, fonts, the schema."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

_SOURCE_TREE = Path(__file__).parents[1] / "resources"


def get_folder(name: str) -> Path:
    """A folder of the resources, such as `examples`."""
    try:
        resources = Path(str(files("pypipeline_resources")))
    except ModuleNotFoundError:  # run from a source tree that is not installed
        resources = _SOURCE_TREE
    return resources / name


def get_examples() -> Mapping[str, Path]:
    """The example graphs, by name."""
    return {path.stem: path for path in sorted(get_folder("examples").glob("*.json"))}
