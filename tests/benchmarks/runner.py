"""Measure contenders in processes of their own, which take turns.

A machine's speed drifts. So the contenders of a workload are measured round by round, one after the other, and two of them
are compared within each round. A process of its own gives each the same fresh start.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from contest import Workload

LONGEST_S = 300.0
"""After so long a contender is given up."""


@dataclass
class Figures:
    """What was measured of one contender: a figure for each round, or why there is none."""

    values: list[float] = field(default_factory=list)
    absence: str | None = None
    """Why it cannot be measured here, in words."""
    error: str | None = None
    """What went wrong, in its last line."""


def measure_workload(
    workload: Workload, nb_rounds: int, tell: Callable[[str], None] = lambda _: None
) -> dict[str, Figures]:
    """Measure all contenders that can be measured, in `nb_rounds` rounds. One that fails is not tried again."""
    figures = _look_for_all(workload)
    for number in range(1, nb_rounds + 1):
        for name, found in figures.items():
            if found.absence is None and found.error is None:
                tell(f"{workload.name}, round {number} of {nb_rounds}: {name}")
                _measure(workload, [name], figures, is_quick=False)
    return figures


def check_workload(workload: Workload) -> dict[str, Figures]:
    """Have all contenders do a tiny form of the work, in one process: results are checked, figures mean nothing."""
    figures = _look_for_all(workload)
    _measure(workload, [name for name, found in figures.items() if found.absence is None], figures, is_quick=True)
    return figures


def measure_here(workload: Workload, names: Sequence[str], is_quick: bool) -> dict[str, dict[str, float | str]]:
    """Measure in this process: for each contender its value, or its error."""
    results: dict[str, dict[str, float | str]] = {}
    for name in names:
        try:
            results[name] = {"value": workload.get_contender(name).measure(is_quick)}
        except Exception as error:
            results[name] = {"error": f"{type(error).__name__}: {error}"}
    return results


def _look_for_all(workload: Workload) -> dict[str, Figures]:
    return {contender.name: Figures(absence=contender.find_absence()) for contender in workload.contenders}


def _measure(workload: Workload, names: Sequence[str], figures: dict[str, Figures], is_quick: bool) -> None:
    """Measure some contenders in one process of their own, and note what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "results.json"
        # Files and not pipes: what a contender leaves running would keep a pipe open.
        with (Path(folder) / "errors").open("w+") as errors:
            command = [sys.executable, str(Path(__file__).parent), "--measure", str(path), workload.name, *names]
            try:
                code = subprocess.run(
                    [*command, *(["--quick"] if is_quick else [])],
                    stdin=subprocess.DEVNULL,
                    stdout=errors,
                    stderr=errors,
                    timeout=LONGEST_S,
                    check=False,
                ).returncode
                problem = f"the process ended with {code}"
            except subprocess.TimeoutExpired:
                problem = f"not done after {LONGEST_S:g} s"
            errors.seek(0)
            last = (errors.read().strip().splitlines() or [""])[-1]
        results = json.loads(path.read_text()) if path.exists() else {}
    for name in names:
        result = results.get(name, {"error": f"{problem}. {last}".strip()})
        if "error" in result:
            figures[name].error = result["error"]
        else:
            figures[name].values.append(result["value"])
