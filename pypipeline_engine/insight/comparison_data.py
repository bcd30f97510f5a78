"""A comparison of two runs as JSON-serialisable data.

Units are in the names, as in `summary`. `before`, `after`, `difference` and `noise` of a figure have the same unit; `change`
is the difference as a part of `before`, `None` where that is 0. Shares are from 0 to 1.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pypipeline_engine.insight.comparison import CellComparison, Comparison, Figure
from pypipeline_engine.insight.records import Record
from pypipeline_engine.insight.steady import Steady
from pypipeline_engine.insight.summary import bottleneck_as_data


def comparison_as_data(comparison: Comparison, before: Record, after: Record) -> dict[str, Any]:
    """Everything that was compared, and what the records say of the runs."""
    return {
        "before": _run_as_data(before, comparison.before),
        "after": _run_as_data(after, comparison.after),
        "is_same_machine": not comparison.machine,
        "machine": list(comparison.machine),
        "versions": list(comparison.versions),
        "graph": [asdict(change) | {"sentence": change.sentence} for change in comparison.graph],
        "pipeline": _figures_as_data(comparison.pipeline),
        "cells": {cell.name: _cell_as_data(cell) for cell in comparison.cells},
        "only_before": list(comparison.only_before),
        "only_after": list(comparison.only_after),
    }


def _run_as_data(record: Record, part: Steady) -> dict[str, Any]:
    return {
        "path": str(record.path),
        "name": record.name,
        "source": record.source,
        "command": record.command,
        "began_at": record.began_at,
        "state": None if record.end is None else record.end.state,
        "error": None if record.end is None else record.end.error,
        "elapsed_s": record.samples[-1].elapsed_s,
        "steady_begin_s": part.begin_s,
        "steady_end_s": part.end_s,
        "blocks": len(part.blocks),
        "sink_items": part.whole.window.sink_items,
        "bottleneck": None if part.bottleneck is None else bottleneck_as_data(part.bottleneck),
        "is_quiet": part.is_quiet,
        "other_processes_cores": part.others,
        "versions": record.versions,
        "machine": asdict(record.machine),
    }


def _cell_as_data(cell: CellComparison) -> dict[str, Any]:
    return {
        "method": {"before": cell.before.method, "after": cell.after.method},
        "workers": {"before": cell.before.workers, "after": cell.after.workers},
        **_figures_as_data(cell.figures),
    }


def _figures_as_data(figures: tuple[Figure, ...]) -> dict[str, Any]:
    return {
        figure.key: {
            "before": figure.before,
            "after": figure.after,
            "difference": figure.difference,
            "change": None if figure.difference is None or not figure.before else figure.difference / figure.before,
            "noise": figure.noise,
            "verdict": figure.verdict,
        }
        for figure in figures
    }
