"""On what the clones of a cell run: told from their numbers, and changed without changing how many there are."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pypipeline_engine.graph.model import MAX_CLONES, Scale

Method: TypeAlias = Literal["thread", "ray", "both"]


def method_of(scale: Scale | None) -> Method:
    """On what the clones run; on threads where there are none."""
    if scale is None or not scale.ray:
        return "thread"
    return "both" if scale.thread else "ray"


def move_clones(scale: Scale | None, method: Method) -> tuple[int, int]:
    """As many clones by another method: those on threads, and those on Ray.

    A cell that has none gets its first one where that is to be on Ray, and one of each where it is to run on both.
    """
    scale = scale or Scale()
    if method == method_of(scale):
        return scale.thread, scale.ray
    total = scale.clones
    if method == "both":
        total = max(2, total)
        return total - total // 2, total // 2
    if method == "ray":
        return 0, min(MAX_CLONES, max(1, total))
    return min(MAX_CLONES, total), 0


def change_clones(scale: Scale | None, difference: int, usual: Method = "thread") -> tuple[int, int]:
    """So many more clones, fewer where it is negative: of those on threads, unless all are on Ray.

    :param usual: on what the first one runs.
    """
    scale = scale or Scale()
    if (scale.ray and not scale.thread) or (not scale.clones and usual == "ray"):
        return 0, max(0, scale.ray + difference)
    return max(0, scale.thread + difference), scale.ray
