"""Graph documents: reading, checking, writing, and turning them into cells and back.

`problems`, `model`, `reader` and `writer` are pure data; importing them loads no cell. The functions behind are called as
their modules are: `build.build`, `check.check`, `capture.capture`, `export.export`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pypipeline_engine.graph.load import load_pipeline
    from pypipeline_engine.graph.model import Document
    from pypipeline_engine.graph.problems import Problem, WrongGraphException
    from pypipeline_engine.graph.reader import read, read_file
    from pypipeline_engine.graph.writer import save, to_text

_HOMES = {
    "Document": "model",
    "Problem": "problems",
    "WrongGraphException": "problems",
    "load_pipeline": "load",
    "read": "reader",
    "read_file": "reader",
    "save": "writer",
    "to_text": "writer",
}

__all__ = [
    "Document",
    "Problem",
    "WrongGraphException",
    "load_pipeline",
    "read",
    "read_file",
    "save",
    "to_text",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
