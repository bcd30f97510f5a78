"""The one way down from the vocabulary to the runtime.

A cell's `deploy` needs the runtime, which stands on a higher floor and imports cells. The package registers here how to get
at it, so that no import goes up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pypipeline_engine.cell.base import ACell
    from pypipeline_engine.cell.policy import ErrorPolicy
    from pypipeline_engine.cell.scalable import ACloneCell, ScalableCell


class Deployment(Protocol):
    """What a cell asks of a deployed pipeline."""

    def undeploy(self) -> None:
        """End all threads and call `_on_undeploy`."""

    def pull(self, cell: ACell) -> None:
        """Pull `cell` once."""

    def reset(self, cell: ACell) -> None:
        """Send the streams that end in `cell` back to their start."""

    def rescale(self, cell: ScalableCell, get_clones: Callable[[], dict[type[ACloneCell], int]]) -> None:
        """Have `cell` ask for the clones that `get_clones` tells, and bring those that run in line with it."""

    def change_policy(self, cell: ACell, policy: ErrorPolicy | None) -> None:
        """Give `cell` another error policy, and have what runs follow it."""


class Runtime(Protocol):
    """What a cell asks of the runtime."""

    def deploy(self, root: ACell) -> Deployment:
        """Deploy the pipeline of which `root` is the outermost cell, and let that know its deployment."""

    def run(self, cell: ACell, **options: Any) -> Any:
        """Start a run; returns its handle."""


_get_runtime: Callable[[], Runtime] | None = None


def register_runtime(get_runtime: Callable[[], Runtime]) -> None:
    """Say how to get the runtime. Called once, by the package."""
    global _get_runtime
    _get_runtime = get_runtime


def runtime() -> Runtime:
    """The runtime, loaded at the first call."""
    assert _get_runtime is not None, "pypipeline_engine registers the runtime when it is imported"
    return _get_runtime()
