"""Pipelines made at random of which is known what limits them, and to what: `generate` gives as many as wanted.

Their cells wait, compute and hold the GIL, or compute without it, for a time that is known. One of them is the culprit, and
everything else could do `MARGIN` times as much. Beside a culprit that holds the GIL, cells that wait have threads enough
for that also while each of their items waits for the GIL in addition: else they would be the limit themselves, whatever
their own time says.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

CORES = 2
"""With how many the truth is worked out: more are not used."""
MARGIN = 1.7
"""How much more than the culprit everything else can do, at least."""
GIL_WAIT_S = 0.005
"""What an item that waited for something then waits for the GIL, where another thread has it: Python's switch interval."""
SHORTEST_S = 0.001
MODES = ("sleep", "python", "numpy")
SHAPES = ("chain", "fork", "branches", "nested")


@dataclass(frozen=True)
class KnownCell:
    """A cell and what it needs."""

    name: str
    mode: str
    milliseconds: float
    jitter_ms: float = 0.0
    clones: int = 0
    """0: inline."""

    @property
    def mean_s(self) -> float:
        """What an item takes on average."""
        return (self.milliseconds + self.jitter_ms / 2) / 1000

    @property
    def capacity_hz(self) -> float:
        """What it lets through where nothing else wants the GIL or the cores."""
        workers = max(1, self.clones)
        if self.mode == "python":
            workers = 1
        elif self.mode == "numpy":
            workers = min(workers, CORES)
        return workers / self.mean_s

    def to_document(self) -> dict[str, Any]:
        """As it stands in a graph."""
        parameters = {"milliseconds": self.milliseconds, "mode": self.mode, "jitter": self.jitter_ms}
        scale = {"scale": {"thread": self.clones}} if self.clones else {}
        return {"type": "demo.Work", "parameters": parameters, **scale}


@dataclass(frozen=True)
class KnownPipeline:
    """A graph, and the truth about it."""

    name: str
    document: dict[str, Any]
    cells: tuple[KnownCell, ...]
    culprit: KnownCell
    culprit_name: str
    """By its full name in the graph."""

    @property
    def rate_hz(self) -> float:
        """What it can deliver."""
        return self.culprit.capacity_hz

    @property
    def fills_machine(self) -> bool:
        """Whether there is no core left for another clone of the culprit."""
        used = self.rate_hz * sum(cell.mean_s for cell in self.cells if cell.mode != "sleep")
        return used > CORES - 0.5


def generate(nb_pipelines: int, seed: int = 0) -> Iterator[KnownPipeline]:
    """Pipelines of all shapes, with culprits of all modes in turn."""
    random = Random(seed)
    for number in range(nb_pipelines):
        mode = MODES[number % len(MODES)]
        shape = SHAPES[number // len(MODES) % len(SHAPES)]
        yield _make(f"{number:02} {shape}, {mode}", shape, mode, random)


def _make(name: str, shape: str, mode: str, random: Random) -> KnownPipeline:
    jitter = random.choice([0.0, 0.3])
    mean_ms = random.uniform(4, 12)
    milliseconds = round(mean_ms / (1 + jitter / 2), 2)
    # In a branch beside others, an inline culprit would only be a part of what the thread does.
    clones = random.choice({"sleep": [0, 1, 2, 3, 4, 6, 8], "python": [0, 1, 2, 3, 4], "numpy": [0, 1, 2, 3]}[mode])
    culprit = KnownCell("culprit", mode, milliseconds, round(milliseconds * jitter, 2), clones)
    others = _make_others(culprit, random, random.randint(1, 4))
    cells = [culprit, *others]
    random.shuffle(cells)
    document, names = {"chain": _chain, "fork": _fork, "branches": _branches, "nested": _nested}[shape](cells)
    return KnownPipeline(name, document, tuple(cells), culprit, names[culprit.name])


def _make_others(culprit: KnownCell, random: Random, nb_others: int) -> list[KnownCell]:
    """Cells that leave the culprit the least: by their threads, by the thread of all inline ones, by cores and GIL."""
    item_s = 1 / culprit.capacity_hz
    inline_s = item_s / MARGIN - (culprit.mean_s if culprit.clones == 0 else 0)
    cores_s = (CORES * item_s - (culprit.mean_s if culprit.mode != "sleep" else 0)) / MARGIN
    gil_s = (item_s - (culprit.mean_s if culprit.mode == "python" else 0)) / MARGIN
    if culprit.clones == 0:
        inline_s = 0.15 * culprit.mean_s  # what it does besides belongs to its thread
    cells = []
    for number in range(nb_others):
        mode = random.choice(MODES)
        clones = random.choice([0, 1, 1, 2, 3])
        if culprit.mode == "python":
            mode = "sleep"  # others that want the GIL would make it slower than it is by itself
            if clones or culprit.clones:
                clones = max(clones, math.ceil((GIL_WAIT_S + SHORTEST_S) * MARGIN / item_s))
        room_s = inline_s if clones == 0 else clones * item_s / MARGIN
        if mode == "python":
            room_s = min(room_s, gil_s, cores_s, item_s / MARGIN) / 2
        elif mode == "numpy":
            room_s = min(room_s, cores_s) / 2
        elif clones and culprit.mode == "python":
            room_s -= GIL_WAIT_S
        milliseconds = round(1000 * room_s * random.uniform(0.3, 0.9), 2)
        if milliseconds < 0.3:
            mode, clones = "sleep", max(1, clones)
            milliseconds = round(1000 * clones * item_s / MARGIN * random.uniform(0.3, 0.9), 2)
        cell = KnownCell(f"other{number}", mode, milliseconds, 0.0, clones)
        if clones == 0:
            inline_s -= cell.mean_s
        if mode != "sleep":
            cores_s -= cell.mean_s
        if mode == "python":
            gil_s -= cell.mean_s
        cells.append(cell)
    return cells


# ---------------------------------------------------------------------- shapes


def _document(cells: dict[str, Any], connections: list[list[str]]) -> dict[str, Any]:
    return {
        "format": "pypipeline.graph",
        "version": 1,
        "name": "known",
        "cells": {"source": {"type": "sources.Counter"}, **cells},
        "connections": connections,
    }


def _names(cells: list[KnownCell], prefix: str = "") -> dict[str, str]:
    return {cell.name: f"{prefix}{cell.name}" for cell in cells}


def _link(start: str, cells: list[KnownCell], end: str) -> list[list[str]]:
    """From one port to another, through all the cells."""
    connections, last = [], start
    for cell in cells:
        connections.append([last, f"{cell.name}.item"])
        last = f"{cell.name}.item"
    return [*connections, [last, end]]


def _to_documents(cells: list[KnownCell]) -> dict[str, Any]:
    return {cell.name: cell.to_document() for cell in cells}


def _chain(cells: list[KnownCell]) -> tuple[dict[str, Any], dict[str, str]]:
    connections = _link("source.value", cells, "sink.item")
    return _document({**_to_documents(cells), "sink": {"type": "sinks.Null"}}, connections), _names(cells)


def _fork(cells: list[KnownCell]) -> tuple[dict[str, Any], dict[str, str]]:
    """Two ways from the source to where they meet; one of them is short."""
    first, second = cells[: (len(cells) + 1) // 2], cells[(len(cells) + 1) // 2 :]
    connections = _link("source.value", first, "join.a") + _link("source.value", second, "join.b")
    more = {"join": {"type": "math.Add"}, "sink": {"type": "sinks.Null"}}
    return _document({**_to_documents(cells), **more}, [*connections, ["join.value", "sink.item"]]), _names(cells)


def _branches(cells: list[KnownCell]) -> tuple[dict[str, Any], dict[str, str]]:
    """Two sinks for the same source."""
    first, second = cells[: (len(cells) + 1) // 2], cells[(len(cells) + 1) // 2 :]
    connections = _link("source.value", first, "sink1.item") + _link("source.value", second, "sink2.item")
    more = {"sink1": {"type": "sinks.Null"}, "sink2": {"type": "sinks.Null"}}
    return _document({**_to_documents(cells), **more}, connections), _names(cells)


def _nested(cells: list[KnownCell]) -> tuple[dict[str, Any], dict[str, str]]:
    """All but the last cell in a pipeline of their own."""
    inner, last = cells[:-1], cells[-1]
    pipeline = {
        "type": "Pipeline",
        "inputs": ["given"],
        "outputs": ["result"],
        "cells": _to_documents(inner),
        "connections": _link("given", inner, "result"),
    }
    connections = [
        ["source.value", "inside.given"],
        ["inside.result", f"{last.name}.item"],
        [f"{last.name}.item", "sink.item"],
    ]
    more = {"inside": pipeline, last.name: last.to_document(), "sink": {"type": "sinks.Null"}}
    return _document(more, connections), {**_names(inner, "inside."), **_names([last])}
