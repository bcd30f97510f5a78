"""The long form: explores as many schedules as one has time for, and counts the distinct ones.

    python tests/engine/exploration --schedules 100000 --processes 2
    python tests/engine/exploration --seconds 600 --only chain/ --first-seed 5000
    python tests/engine/exploration --replay round/scale:17

Seeds go round through the scenarios, so that every stretch of seeds explores all of them. Exits with 1 where something
was found; each finding is printed once, with how often it was met and the command that does it again.
"""

from __future__ import annotations

import argparse
import logging
import math
import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from itertools import islice
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "semantics"), str(Path(__file__).parents[3])]

from scenarios import COMMAND, SCENARIOS, explore  # noqa: E402  # the folders that hold what it needs come first

CHUNK = 25
REPORT_EVERY_S = 10.0
LONGEST_FINDING = 400

Job = tuple[str, int, int]
"""A scenario, the first seed, and how many of them."""
Finding = tuple[str, int, str]
"""A scenario, a seed, and what went wrong."""


def explore_some(job: Job) -> tuple[int, list[str], int, list[Finding]]:
    """Explore one job: how many schedules, their digests, the number of switch points, and what went wrong."""
    scenario, first_seed, number = job
    digests, nb_points, findings = [], 0, []
    for seed in range(first_seed, first_seed + number):
        try:
            schedule = explore(scenario, seed)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            findings.append((scenario, seed, f"{type(error).__name__}: {error}"))
            continue
        digests.append(schedule.digest)
        nb_points += schedule.nb_points
    return number, digests, nb_points, findings


def make_jobs(scenarios: list[str], first_seed: int, schedules: float) -> Iterator[Job]:
    """Jobs for so many schedules."""
    left = schedules
    while True:
        for scenario in scenarios:
            if left <= 0:
                return
            yield scenario, first_seed, int(min(CHUNK, left))
            left -= CHUNK
        first_seed += CHUNK


def replay(what: str) -> int:
    """Do one schedule again, with the traceback of what goes wrong."""
    scenario, _, seed = what.rpartition(":")
    try:
        schedule = explore(scenario, int(seed))
    except BaseException:
        traceback.print_exc()
        return 1
    print(f"{what} is schedule {schedule.digest}: nothing wrong in {schedule.nb_points} switch points")
    return 0


def search(arguments: argparse.Namespace) -> int:
    """Explore until there is enough; how it went is printed."""
    jobs = make_jobs(
        [scenario for scenario in SCENARIOS if arguments.only in scenario],
        arguments.first_seed,
        arguments.schedules or (math.inf if arguments.seconds else 10_000),
    )
    begin = reported = time.monotonic()
    done, nb_points = 0, 0
    distinct: set[str] = set()
    first: dict[str, Finding] = {}
    times: Counter[str] = Counter()

    def report() -> None:
        took = time.monotonic() - begin
        print(
            f"{done} schedules, {len(distinct)} distinct, {sum(times.values())} findings in {took:.0f} s: "
            f"{done / took:.0f} schedules/s, {nb_points / took:.0f} switch points/s",
            flush=True,
        )

    with ProcessPoolExecutor(arguments.processes, initializer=logging.disable, initargs=[logging.WARNING]) as pool:
        for number, digests, points, findings in _in_parallel(pool, jobs, arguments):
            done += number
            nb_points += points
            distinct.update(digests)
            for scenario, seed, text in findings:
                kind = f"{scenario} {text[:80]}"
                times[kind] += 1
                if kind not in first:
                    first[kind] = scenario, seed, text
                    print(f"  {COMMAND.format(scenario, seed)}\n    {text[:LONGEST_FINDING]}", flush=True)
            if time.monotonic() - reported > REPORT_EVERY_S:
                report()
                reported = time.monotonic()
    report()
    for kind, number in times.most_common():
        print(f"{number:6} x {COMMAND.format(*first[kind][:2])}")
    return 1 if times else 0


def _in_parallel(
    pool: ProcessPoolExecutor, jobs: Iterator[Job], arguments: argparse.Namespace
) -> Iterator[tuple[int, list[str], int, list[Finding]]]:
    """The results of the jobs as they come, as long as there is time."""
    until = time.monotonic() + (arguments.seconds or math.inf)
    waiting = {pool.submit(explore_some, job) for job in islice(jobs, 2 * arguments.processes)}
    while waiting:
        done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        if time.monotonic() < until:
            waiting |= {pool.submit(explore_some, job) for job in islice(jobs, len(done))}
        for each in done:
            yield each.result()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schedules", type=int, help="how many to explore; 10,000 where nothing else is said")
    parser.add_argument("--seconds", type=float, help="for how long to explore")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="only scenarios whose name, shape/play, has this in it"
    )
    parser.add_argument("--replay", metavar="SCENARIO:SEED", help="run this one schedule again")
    arguments = parser.parse_args()
    return replay(arguments.replay) if arguments.replay else search(arguments)


if __name__ == "__main__":
    sys.exit(main())
