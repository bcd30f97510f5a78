"""How a deployed pipeline runs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from pypipeline_engine.exceptions import AlreadyDeployedException
from pypipeline_engine.runtime.deployment import Deployment
from pypipeline_engine.runtime.run import RunHandle, RunState

if TYPE_CHECKING:
    from pypipeline_engine.cell import ACell


_being_deployed: set[ACell] = set()
_claims = threading.Lock()  # guards `_being_deployed`; held for nothing else


def deploy(root: ACell) -> Deployment:
    """Deploy the pipeline of which `root` is the outermost cell.

    :raises AlreadyDeployedException: where it is deployed, or another call is about to deploy it.
    """
    with _claims:
        if root.is_deployed() or root in _being_deployed:
            raise AlreadyDeployedException(
                f"{root.get_full_name()} is being deployed already, by another thread or by this one further up"
            )
        _being_deployed.add(root)
    try:
        return Deployment(root)
    finally:
        with _claims:
            _being_deployed.discard(root)


def run(cell: ACell, **options: Any) -> RunHandle:
    """Start a run of `cell`."""
    return RunHandle(cell, **options)


__all__ = ["Deployment", "RunHandle", "RunState", "deploy", "run"]
