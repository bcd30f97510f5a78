"""What the engine advises about a run, in the words of a button and as a change to the document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from pypipeline_engine.graph.model import MAX_CLONES, Document, Scale
from pypipeline_engine.host.protocol import BottleneckInfo, CellFigures, ChangeInfo
from pypipeline_engine.numbers import counted
from pypipeline_studio.document.edits import Path, set_clones, set_scale

Clones: TypeAlias = tuple[int, int]
"""How many on threads, and how many by Ray."""


# ---------------------------------------------------------------------- clones


def clones_after(scale: Scale | None, change: ChangeInfo) -> Clones:
    """The clones that a cell has when it was changed as advised.

    Those in other processes take the place of those on threads. A cell that has both, or threads to be added to Ray
    clones, gets as many more as are advised.
    """
    scale = scale or Scale()
    more = change.after - change.before
    if change.method == "thread":
        return min(MAX_CLONES, scale.thread + more if scale.ray else change.after), scale.ray
    if scale.thread and scale.ray:
        return scale.thread, min(MAX_CLONES, scale.ray + more)
    return 0, change.after


def advised_clones(document: Document, limit: BottleneckInfo) -> dict[Path, Clones]:
    """By cell, the clones that are advised; empty where nothing is, where the document says so already, or where it has
    such a cell no longer.
    """
    found = {}
    for change in limit.changes:
        path = tuple(change.cell.split("."))
        cell = document.find(path)
        if cell is None:
            return {}
        found[path] = clones_after(cell.scale, change)
    return found if found != clones_of(document, found) else {}


def clones_of(document: Document, paths: Mapping[Path, Clones]) -> dict[Path, Clones]:
    """The clones that these cells have in a document; cells that are not there are left out."""
    cells = {path: document.find(path) for path in paths}
    scales = {path: cell.scale or Scale() for path, cell in cells.items() if cell is not None}
    return {path: (scale.thread, scale.ray) for path, scale in scales.items()}


def with_clones(document: Document, clones: Mapping[Path, Clones]) -> Document:
    """The document with other numbers of clones; cells that are not there are left out.

    :raises GraphEditRefused: if a number is out of range.
    """
    for path in clones_of(document, clones):
        document = set_clones(document, path[:-1], {path[-1]: clones[path]})
    return document


def describe_scaling(clones: Mapping[Path, Clones]) -> str:
    """Such as `Scale detect to 2 threads`."""
    if len(clones) > 1:
        return f"Scale {_names(clones)}"
    ((path, numbers),) = clones.items()
    return f"Scale {'.'.join(path)} to {_describe(numbers)}"


def describe_scaled(clones: Mapping[Path, Clones]) -> str:
    """Such as `detect now has 2 threads`."""
    if len(clones) > 1:
        return f"{_names(clones)} are scaled"
    ((path, numbers),) = clones.items()
    return f"{'.'.join(path)} now has {_describe(numbers)}"


def _names(clones: Mapping[Path, Clones]) -> str:
    names = [".".join(path) for path in clones]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _describe(numbers: Clones) -> str:
    thread, ray = numbers
    parts = [counted(thread, "thread")] if thread or not ray else []
    return " and ".join(parts + ([counted(ray, "Ray clone")] if ray else []))


# ---------------------------------------------------------------------- queues


def advised_capacity(
    document: Document, limit: BottleneckInfo, cells: Mapping[str, CellFigures]
) -> tuple[Path, int] | None:
    """The cell whose queue is too short, and how many items it should hold; `None` where there is none to be changed.

    :param cells: the figures of the run: where the queue of the cell is no shorter, another one is meant.
    """
    if limit.queue_capacity is None or not limit.queue_cell:
        return None
    path = tuple(limit.queue_cell.split("."))
    cell, figures = document.find(path), cells.get(limit.queue_cell)
    if cell is None or cell.scale is None or not cell.scale.clones:
        return None
    if figures is None or figures.queue_capacity is None or figures.queue_capacity >= limit.queue_capacity:
        return None
    known = cell.scale.queue_capacity
    return None if known is not None and known >= limit.queue_capacity else (path, limit.queue_capacity)


def with_capacity(document: Document, path: Path, capacity: int) -> Document:
    """The document with another capacity of the queue of a cell; its clones stay.

    :raises GraphEditRefused: if the number is out of range.
    """
    cell = document.find(path)
    scale = (cell.scale if cell is not None else None) or Scale()
    return set_scale(document, path[:-1], path[-1], thread=scale.thread, ray=scale.ray, queue_capacity=capacity)


# ---------------------------------------------------------------------- words


def title_of(limit: BottleneckInfo) -> str:
    """What limits, in a few words."""
    return limit.sentence.partition(": ")[0].rstrip(".")


def text_of(limit: BottleneckInfo) -> str:
    """Why, with figures, and what would help or that nothing would."""
    if limit.paragraph:
        return limit.paragraph
    reason = limit.sentence.partition(": ")[2]
    return reason[:1].upper() + reason[1:]
