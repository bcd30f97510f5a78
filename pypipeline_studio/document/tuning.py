"""A search for the numbers of clones: what is asked of the engine, and what it found as a change to the document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pypipeline_engine.graph.model import Document
from pypipeline_engine.host.tuning_lines import TuneResult
from pypipeline_studio.document.edits import set_scale

USUAL_BUDGET_S: Final = 60.0


@dataclass(frozen=True)
class TuneWish:
    """What to search for, and what may change."""

    target_hz: float | None = None
    """The rate to reach with the least clones; `None` for the most throughput."""
    budget_s: float = USUAL_BUDGET_S
    threads: bool = True
    ray: bool = False
    queues: bool = True

    def arguments(self) -> list[str]:
        """The options of `pypipeline tune`."""
        methods = [name for name, wanted in (("thread", self.threads), ("ray", self.ray)) if wanted]
        found = ["--budget", f"{self.budget_s:g}", "--methods", ",".join(methods) or "none"]
        if self.target_hz is not None:
            found += ["--target-rate", f"{self.target_hz:g}"]
        return found if self.queues else [*found, "--no-queues"]


def with_found(document: Document, result: TuneResult) -> Document:
    """The document with the clones and queues that were found. Cells that are there no longer are left out.

    :raises GraphEditRefused: if a number is out of range.
    """
    for name, change in result.changes.items():
        path = tuple(name.split("."))
        if document.find(path) is not None:
            after = change.after
            document = set_scale(
                document, path[:-1], path[-1], thread=after.threads, ray=after.ray, queue_capacity=after.queue_capacity
            )
    return document
