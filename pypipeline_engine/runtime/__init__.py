"""How a deployed pipeline runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pypipeline_engine.runtime.deployment import Deployment
from pypipeline_engine.runtime.run import RunHandle, RunState

if TYPE_CHECKING:
    from pypipeline_engine.cell import ACell


def deploy(root: ACell) -> Deployment:
    """Deploy the pipeline of which `root` is the outermost cell."""
    return Deployment(root)


def run(cell: ACell, **options: Any) -> RunHandle:
    """Start a run of `cell`."""
    return RunHandle(cell, **options)


__all__ = ["Deployment", "RunHandle", "RunState", "deploy", "run"]
