"""Build pipelines of cells, and run them with pipeline parallelism on threads and Ray.

The names that a cell author needs are available here and loaded at their first use; importing the package loads neither
numpy nor OpenCV nor Ray.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pypipeline_engine.cell import (
        ACell,
        ACompositeCell,
        ASingleCell,
        CloningStrategy,
        ErrorPolicy,
        ICell,
        ICloneCell,
        ICompositeCell,
        NoScalingStrategy,
        Pipeline,
        RayCloneCell,
        RayCluster,
        ScalableCell,
        ThreadCloneCell,
    )
    from pypipeline_engine.cellio import ConfigParameter, Input, InputPort, Output, OutputPort, RuntimeParameter
    from pypipeline_engine.connection import Connection
    from pypipeline_engine.exceptions import ItemSkipped, NonCriticalException
    from pypipeline_engine.graph import load_pipeline

_HOMES = {
    "pypipeline_engine.cell": (
        "ACell",
        "ACompositeCell",
        "ASingleCell",
        "CloningStrategy",
        "ErrorPolicy",
        "ICell",
        "ICloneCell",
        "ICompositeCell",
        "NoScalingStrategy",
        "Pipeline",
        "RayCloneCell",
        "RayCluster",
        "ScalableCell",
        "ThreadCloneCell",
    ),
    "pypipeline_engine.cellio": ("ConfigParameter", "Input", "InputPort", "Output", "OutputPort", "RuntimeParameter"),
    "pypipeline_engine.connection": ("Connection",),
    "pypipeline_engine.exceptions": ("ItemSkipped", "NonCriticalException"),
    "pypipeline_engine.graph": ("load_pipeline",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "ACell",
    "ACompositeCell",
    "ASingleCell",
    "CloningStrategy",
    "ConfigParameter",
    "Connection",
    "ErrorPolicy",
    "ICell",
    "ICloneCell",
    "ICompositeCell",
    "Input",
    "InputPort",
    "ItemSkipped",
    "NoScalingStrategy",
    "NonCriticalException",
    "Output",
    "OutputPort",
    "Pipeline",
    "RayCloneCell",
    "RayCluster",
    "RuntimeParameter",
    "ScalableCell",
    "ThreadCloneCell",
    "__version__",
    "load_pipeline",
]

try:
    __version__ = version("pypipeline-studio")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0.0.0"


def __getattr__(name: str) -> Any:
    module = _HOME_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(module), name)


def _load_runtime() -> Any:
    return import_module("pypipeline_engine.runtime")


def _register_runtime() -> None:
    from pypipeline_engine.entry import register_runtime

    register_runtime(_load_runtime)


_register_runtime()
