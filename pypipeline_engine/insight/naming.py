"""Names of cells as they are in a graph: without that of the pipeline in front."""

from __future__ import annotations

from dataclasses import replace

from pypipeline_engine.core.counters import Statistics


def without_root(statistics: Statistics, root: str) -> Statistics:
    """The same with the names of cells as they are in the graph, without that of the pipeline in front."""
    prefix = f"{root}."
    return replace(
        statistics,
        cells=tuple(
            replace(cell, name=cell.name.removeprefix(prefix), station=cell.station.removeprefix(prefix))
            for cell in statistics.cells
        ),
        connections=tuple(
            replace(c, source=c.source.removeprefix(prefix), target=c.target.removeprefix(prefix))
            for c in statistics.connections
        ),
        dead_letters=tuple(
            replace(letter, cell=letter.cell.removeprefix(prefix)) for letter in statistics.dead_letters
        ),
    )
