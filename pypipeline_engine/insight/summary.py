"""The statistics of a run as JSON-serialisable data.

Units are in the names: `_s` seconds, `_hz` per second. Shares are from 0 to 1. What was not measured is `None`.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pypipeline_engine.core.counters import CellStatistics, Statistics
from pypipeline_engine.insight.advice import Advice
from pypipeline_engine.insight.bottleneck import Bottleneck


def statistics_as_data(statistics: Statistics, advice: Advice | None) -> dict[str, Any]:
    """Everything that `statistics` holds, each cell by its full name, and what limits the pipeline."""
    return {
        "elapsed_s": statistics.elapsed_s,
        "sink_items": statistics.sink_items,
        "sink_rate_hz": statistics.sink_rate_hz,
        "gil": None if advice is None else advice.gil.held,
        "cells": {cell.name: _cell_as_data(cell, statistics, advice) for cell in statistics.cells},
        "connections": [
            {"source": c.source, "target": c.target, "items": c.items, "queued": c.queued, "capacity": c.capacity}
            for c in statistics.connections
        ],
        "bottleneck": None if advice is None else advice_as_data(advice),
        "dead_letters": [
            {"cell": letter.cell, "item": letter.item, "error": letter.error} for letter in statistics.dead_letters
        ],
    }


def _cell_as_data(cell: CellStatistics, statistics: Statistics, advice: Advice | None) -> dict[str, Any]:
    return {
        "items": cell.items,
        "skipped": cell.skipped,
        "errors": cell.errors,
        "rate_hz": statistics.rate_hz(cell),
        "busy": cell.busy,
        "starved": cell.starved,
        "blocked": cell.blocked,
        "latency_p50_s": cell.latency_s(0.5),
        "latency_p95_s": cell.latency_s(0.95),
        "latency_p99_s": cell.latency_s(0.99),
        "busy_s": cell.busy_s,
        "cpu_s": cell.cpu_s,
        "method": cell.method,
        "workers": cell.workers,
        "station": cell.station,
        "queued": cell.queued,
        "queue_capacity": cell.queue_capacity,
        "queue_bytes": cell.queue_bytes,
        "gil": None if advice is None else advice.gil.by_cell.get(cell.name),
        "clones": [asdict(clone) for clone in cell.clones],
    }


def advice_as_data(advice: Advice) -> dict[str, Any]:
    """What limits the pipeline, and what to do."""
    return {
        **bottleneck_as_data(advice.bottleneck),
        "cause": advice.cause.value,
        "advice": advice.sentence,
        "changes": [] if advice.best is None else [asdict(change) for change in advice.best.changes],
        "predicted_hz": None if advice.best is None else advice.best.hz,
        "short_queue": None if advice.queue is None else asdict(advice.queue),
    }


def bottleneck_as_data(bottleneck: Bottleneck) -> dict[str, Any]:
    """What limits the pipeline."""
    return {
        "cells": list(bottleneck.cells),
        "kind": "station" if bottleneck.stations else "source" if bottleneck.sources else "none",
        "utilisation": bottleneck.utilisation,
        "capacity_hz": bottleneck.capacity_hz,
        "sentence": bottleneck.sentence,
        "stations": [
            {
                "name": station.name,
                "cells": [cell.name for cell in station.cells],
                "workers": station.workers,
                "utilisation": station.utilisation,
                "demand_s": station.demand_s,
                "capacity_hz": station.capacity_hz,
            }
            for station in bottleneck.stations
        ],
    }
