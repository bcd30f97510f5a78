"""The statistics of a run as text for other programs, and such files written with a reason where they cannot be.

CSV as in RFC 4180, in UTF-8. Units are in the names of the columns, as in the protocol; what is not known is empty.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from math import isnan
from pathlib import Path
from typing import Any, Final

from pypipeline_engine import atomic
from pypipeline_engine.host.protocol import CellFigures
from pypipeline_studio.document.history import CELL_FIELDS, History

_FIGURES: Final = (
    "method", "workers", "rate_hz", "busy", "starved", "blocked", "latency_p50_s", "latency_p95_s", "latency_p99_s",
    "queued", "queue_capacity", "cpu", "gil", "items", "skipped", "errors",
)  # fmt: skip
TABLE_HEAD: Final = ("cell", "clone", "type", "is_limit", *_FIGURES)
HISTORY_HEAD: Final = ("elapsed_s", "cell", *CELL_FIELDS, "memory_bytes", "gil")
_UNKNOWN_OF_CLONES: Final = frozenset({"skipped", "errors"})


class ExportRefused(Exception):
    """A file cannot be written; the message says which one and why."""


def table_text(rows: Iterable[tuple[str, str, str, bool, CellFigures]]) -> str:
    """The figures of cells.

    :param rows: name, clone (empty for a cell as a whole), type, whether it limits the pipeline, and figures.
    """
    lines = []
    for name, clone, type_name, is_limit, figures in rows:
        values = [None if clone and key in _UNKNOWN_OF_CLONES else getattr(figures, key) for key in _FIGURES]
        lines.append([name, clone, type_name, int(is_limit), *values])
    return _to_csv(TABLE_HEAD, lines)


def history_text(history: History) -> str:
    """The figures over time, a line for each sample of each cell, and one without a cell for all of them."""
    run = [history.of_run(name) for name in ("sink_rate_hz", "cpu", "memory_bytes", "gil")]
    cells = {name: [history.of_cell(name, key) for key in CELL_FIELDS] for name in history.cells}
    lines: list[list[Any]] = []
    for place, elapsed_s in enumerate(history.times()):
        rate_hz, cpu, memory_bytes, gil = (series[place] for series in run)
        known = {"rate_hz": rate_hz, "cpu": cpu}
        lines.append([elapsed_s, "", *(known.get(key) for key in CELL_FIELDS), memory_bytes, gil])
        lines += [[elapsed_s, name, *(one[place] for one in series), None, None] for name, series in cells.items()]
    return _to_csv(HISTORY_HEAD, lines)


def write_file(path: Path, content: bytes) -> None:
    """Write a file. It is complete, or as it was before.

    :raises ExportRefused: with the reason in words.
    """
    try:
        atomic.write_file(path, content)
    except OSError as error:
        raise ExportRefused(f"{path} cannot be written: {error.strerror or error}") from error


def _to_csv(head: Sequence[str], lines: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows([[_written(value) for value in line] for line in lines])
    return text.getvalue()


def _written(value: Any) -> Any:
    if isinstance(value, float):
        return "" if isnan(value) else f"{value:.6g}"
    return "" if value is None else value
