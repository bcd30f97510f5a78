"""From figures to rows: the best peer, the ratio to it, and whether the goal is reached; as a table and as JSON."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import Any

from contest import Comparison, Workload
from runner import Figures

HEADINGS = ("workload", "what", "ours", "best peer", "ratio", "goal", "reached")


@dataclass(frozen=True)
class Row:
    """One comparison with its outcome."""

    workload: Workload
    comparison: Comparison
    ours: float | None
    peer: str | None
    """The best of those that were measured."""
    peers: float | None
    ratios: tuple[float, ...]
    """Ours to the peer's, of the same round."""
    missing: tuple[str, ...]
    """What has no figure, and why."""

    @property
    def ratio(self) -> float | None:
        """The median of the ratios."""
        return median(self.ratios) if self.ratios else None

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached; `None` where there is none, or nothing to judge by: a peer that is missing may be
        better than those that are there.
        """
        if self.ours is None or not self.comparison.goals:
            return None
        if self.ratio is None and all(goal.of_ratio for goal in self.comparison.goals):
            return None
        reached = [goal for goal in self.comparison.goals if goal.holds(self.ours, self.ratio)]
        if reached and self.missing and all(goal.of_ratio for goal in reached):
            return None
        return bool(reached)


def make_rows(workload: Workload, figures: Mapping[str, Figures]) -> list[Row]:
    """The rows of a workload."""
    return [_make_row(workload, comparison, figures) for comparison in workload.comparisons]


def _make_row(workload: Workload, comparison: Comparison, figures: Mapping[str, Figures]) -> Row:
    medians = {name: median(found.values) for name, found in figures.items() if found.values and not found.error}
    best_of = max if workload.unit.more_is_better else min
    peer = best_of((name for name in comparison.peers if name in medians), key=medians.__getitem__, default=None)
    ours = medians.get(comparison.ours)
    ratios: tuple[float, ...] = ()
    if peer is not None and ours is not None:
        # Strict: both have a figure for each round.
        pairs = zip(figures[comparison.ours].values, figures[peer].values, strict=True)
        ratios = tuple(mine / theirs for mine, theirs in pairs if theirs)
    missing = tuple(
        f"{name}: {describe_absence(figures[name])}"
        for name in (comparison.ours, *comparison.peers)
        if name not in medians
    )
    return Row(workload, comparison, ours, peer, medians.get(peer or ""), ratios, missing)


def describe_absence(figures: Figures) -> str:
    """Why there is no figure."""
    return figures.absence or figures.error or "not measured"


def format_table(rows: Sequence[Row]) -> str:
    """The table, in Markdown with aligned columns."""
    return _align([HEADINGS, *map(_format_row, rows)], nb_left=2)


def _align(lines: Sequence[tuple[str, ...]], nb_left: int) -> str:
    """Lines of cells as Markdown; the first one holds the headings, the columns from `nb_left` on are for figures."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    aligned = [
        [
            cell.ljust(width) if line is lines[0] or column < nb_left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        for line in lines
    ]
    return "\n".join(
        f"| {' | '.join(line)} |" for line in (aligned[0], ["-" * width for width in widths], *aligned[1:])
    )


def format_checks(measured: Mapping[str, Mapping[str, Figures]]) -> str:
    """Which contenders of a quick form brought the right results."""
    lines = [
        (name, contender, describe_absence(found) if found.absence or found.error else "right")
        for name, figures in measured.items()
        for contender, found in figures.items()
    ]
    return _align([("workload", "contender", "results"), *lines], nb_left=3)


def _format_row(row: Row) -> tuple[str, ...]:
    unit = row.workload.unit
    peer = "-" if row.peer is None or row.peers is None else f"{row.peer} {unit.format(row.peers)}"
    return (
        row.workload.name,
        row.comparison.what,
        "-" if row.ours is None else unit.format(row.ours),
        "; ".join([peer, *row.missing]) if row.missing else peer,
        "-" if row.ratio is None else f"{row.ratio:.3f}",
        " or ".join(goal.describe(unit) for goal in row.comparison.goals) or "-",
        {True: "yes", False: "no", None: "-"}[row.reached],
    )


def to_json(
    measured: Mapping[str, Mapping[str, Figures]], rows: Sequence[Row], nb_rounds: int, load: float, is_quick: bool
) -> dict[str, Any]:
    """Everything that was measured, with the machine."""
    workloads = {row.workload.name: row.workload for row in rows}
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": platform.platform(),
        "cores": os.cpu_count(),
        "load_before": load,
        "rounds": nb_rounds,
        "quick": is_quick,
        "workloads": {
            name: {
                "title": workloads[name].title,
                "unit": workloads[name].unit.label,
                "contenders": {contender: _figures_to_json(found) for contender, found in figures.items()},
            }
            for name, figures in measured.items()
        },
        "rows": [_row_to_json(row) for row in rows],
    }


def _figures_to_json(figures: Figures) -> dict[str, Any]:
    if figures.absence is not None:
        return {"absence": figures.absence}
    if figures.error is not None:
        return {"error": figures.error}
    return {"median": median(figures.values), "values": figures.values}


def _row_to_json(row: Row) -> dict[str, Any]:
    return {
        "workload": row.workload.name,
        "what": row.comparison.what,
        "ours": row.comparison.ours,
        "figure": row.ours,
        "best_peer": row.peer,
        "best_peer_figure": row.peers,
        "ratio": row.ratio,
        "ratios": list(row.ratios),
        "goal": [goal.describe(row.workload.unit) for goal in row.comparison.goals],
        "reached": row.reached,
        "missing": list(row.missing),
    }
