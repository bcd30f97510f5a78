"""How many clones each cell of a graph has: what tuning changes, and nothing else of a document.

A setting names cells as a graph does, without the name of the pipeline in front: `detect`, `post.track`. Settings are never
changed in place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from pypipeline_engine.graph.model import Document, Scale
from pypipeline_engine.numbers import counted

PROCESS_COST = 2
"""A clone in a process takes memory of its own and copies what it gets, and counts as so many threads."""


@dataclass(frozen=True)
class Clones:
    """How one cell runs. Without clones, inline: in the thread that pulls it."""

    threads: int = 0
    ray: int = 0
    queue_capacity: int | None = None
    """Items that may be inside at once; `None` for a number that follows from that of the clones."""

    @property
    def number(self) -> int:
        """How many there are of both kinds."""
        return self.threads + self.ray

    def __str__(self) -> str:
        parts = [counted(self.threads, "thread")] if self.threads else []
        if self.ray:
            parts.append(f"{self.ray} process{'es' if self.ray > 1 else ''}")
        text = " and ".join(parts) or "inline"
        return text if self.queue_capacity is None else f"{text}, queue of {self.queue_capacity}"


INLINE = Clones()
Setting: TypeAlias = Mapping[str, Clones]


def key_of(setting: Setting) -> frozenset[tuple[str, Clones]]:
    """The same for settings that mean the same, and hashable."""
    return frozenset((name, clones) for name, clones in setting.items() if clones != INLINE)


def cost_of(setting: Setting) -> tuple[int, int]:
    """What a setting takes: workers first, and where those are equal the room in queues that was asked for."""
    workers = sum(clones.threads + PROCESS_COST * clones.ray for clones in setting.values())
    return workers, sum(clones.queue_capacity or 0 for clones in setting.values())


def changed(before: Setting, after: Setting) -> dict[str, tuple[Clones, Clones]]:
    """The cells of which two settings say something else, with both."""
    return {
        name: (before.get(name, INLINE), after.get(name, INLINE))
        for name in {**before, **after}
        if before.get(name, INLINE) != after.get(name, INLINE)
    }


def describe_change(before: Setting, after: Setting) -> str:
    """`detect: 2 threads -> 3 threads; draw: inline -> 1 thread`."""
    return "; ".join(f"{name}: {old} -> {new}" for name, (old, new) in changed(before, after).items())


def describe_setting(setting: Setting) -> str:
    """`detect: 2 threads; draw: 1 thread`, without the cells that run inline."""
    return "; ".join(f"{name}: {clones}" for name, clones in setting.items() if clones != INLINE) or "all inline"


def setting_of(document: Document) -> dict[str, Clones]:
    """What a document says about all of its cells, those inside of nested pipelines included."""
    return {
        ".".join(names): INLINE
        if cell.scale is None
        else Clones(cell.scale.thread, cell.scale.ray, cell.scale.queue_capacity)
        for names, cell in document.walk()
    }


def with_setting(document: Document, setting: Setting) -> Document:
    """The document with the clones that a setting says. Cells that it does not name stay as they are, and so does what a
    cell asks of Ray.

    :raises KeyError: where it names a cell that the document does not have.
    """
    for name, clones in setting.items():
        path = tuple(name.split("."))
        cell = document.find(path)
        if cell is None:
            raise KeyError(f"there is no cell {name!r}")
        before = cell.scale or Scale()
        scale = Scale(
            thread=clones.threads,
            ray=clones.ray,
            queue_capacity=clones.queue_capacity,
            ray_options=before.ray_options,
        )
        if scale != before:
            update = {"scale": None if scale == Scale() else scale}
            document = document.with_cell(path, cell.model_copy(update=update))
    return document
