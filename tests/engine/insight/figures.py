"""Figures of a run, made by hand."""

from pypipeline_engine.core.counters import CellStatistics, Statistics

WINDOW_S = 10.0


def make_cell(
    name: str,
    busy_s: float,
    *,
    workers: int = 1,
    method: str = "inline",
    station: str | None = None,
    runs: int = 100,
    cpu_s: float | None = None,
    starved_s: float = 0.0,
    queue_capacity: int | None = None,
) -> CellStatistics:
    """A cell over ten seconds, which computes all the time that it is busy where nothing else is said."""
    return CellStatistics(
        name=name,
        station=name if station is None else station,
        method=method,
        workers=workers,
        runs=runs,
        lost=0,
        skipped=0,
        errors=0,
        wall_s=WINDOW_S * workers,
        busy_s=busy_s,
        starved_s=starved_s,
        cpu_s=busy_s if cpu_s is None else cpu_s,
        queue_capacity=queue_capacity,
    )


def make_window(*cells: CellStatistics, sink_items: int = 100) -> Statistics:
    """A window with these cells."""
    return Statistics(elapsed_s=WINDOW_S, sink_items=sink_items, cells=cells)
