"""Measure our cells beside others that do the same, and print one table.

    python tests/benchmarks                  # everything: some minutes
    python tests/benchmarks w1 w2 --rounds 7
    python tests/benchmarks --quick          # tiny sizes: whether all results are right, and no figure that means anything

resources/docs/benchmarks.md tells what the workloads are and how a ratio is made.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click
from registry import WORKLOADS
from runner import check_workload, measure_here, measure_workload
from table import format_checks, format_table, make_rows, to_json

BUSY = 0.5
"""With a load of so much before it begins, others use a part of the machine."""
ROOT = Path(__file__).parents[2]


def describe_workloads() -> str:
    """The workloads, for the help."""
    return "\b\nWorkloads:\n" + "\n".join(f"  {name:10} {workload.title}" for name, workload in WORKLOADS.items())


@click.command(help=f"Measure the WORKLOADS, all where none is named, and print one table.\n\n{describe_workloads()}")
@click.argument("workloads", nargs=-1)
@click.option(
    "--rounds", "nb_rounds", default=3, show_default=True, type=click.IntRange(1), help="How often each is measured."
)
@click.option("--quick", "is_quick", is_flag=True, help="Tiny sizes: check the results, in one process for a workload.")
@click.option(
    "--json",
    "json_path",
    default=ROOT / "output" / "benchmarks.json",
    type=click.Path(path_type=Path),
    help="Where JSON goes.",
)
@click.option("--measure", "results_path", type=click.Path(path_type=Path), hidden=True)
def main(
    workloads: tuple[str, ...], nb_rounds: int, is_quick: bool, json_path: Path, results_path: Path | None
) -> None:
    if results_path is not None:  # a process of the runner: one workload, and the contenders in it
        name, *contenders = workloads
        results_path.write_text(json.dumps(measure_here(WORKLOADS[name], contenders, is_quick)))
        return
    unknown = [name for name in workloads if name not in WORKLOADS]
    if unknown:
        raise click.UsageError(f"there is no workload {unknown[0]!r}; there are {', '.join(WORKLOADS)}")
    load = os.getloadavg()[0]
    if load > BUSY and not is_quick:
        click.echo(
            f"Others use this machine (its load is {load:.1f}): figures will be low, and ratios uncertain.", err=True
        )
    measured = {}
    for name in workloads or WORKLOADS:
        workload = WORKLOADS[name]
        measured[name] = (
            check_workload(workload)
            if is_quick
            else measure_workload(workload, nb_rounds, lambda text: click.echo(text, err=True))
        )
    rows = [row for name, figures in measured.items() for row in make_rows(WORKLOADS[name], figures)]
    json_path.parent.mkdir(parents=True, exist_ok=True)
    report = to_json(measured, rows, 1 if is_quick else nb_rounds, load, is_quick)
    json_path.write_text(json.dumps(report, indent=2) + "\n")
    click.echo(format_checks(measured) if is_quick else format_table(rows))
    failed = [
        f"{name}, {contender}: {found.error}"
        for name, figures in measured.items()
        for contender, found in figures.items()
        if found.error is not None
    ]
    if failed:
        click.echo("\n".join(["Failed:", *failed]), err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
