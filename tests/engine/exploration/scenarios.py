"""One schedule: a shape of pipeline, what is done to it, and a seed, from which everything else follows.

A scenario is named `shape/play`. Most seeds switch threads where they wait, wake and lock only; every eighth one may do so
at every line of the engine, which takes some five times as long and finds what goes on without a lock; and every 64th one at
every step of the interpreter. In every third one the work of cells is long beside what the engine does.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from random import Random

from explored_cells import World
from explorer import Explorer
from play import Play
from plays import NEED_CATCHING_SINKS, PLAYS
from shapes import SHAPES, Case
from stand_in import without_processes
from takeover import find_preempted, taken_over, with_constants

LINES_EVERY = 8
STEPS_EVERY = 64
LONG_WORK_EVERY = 3
LONG_WORK = 30
BUDGET = 10_000_000
"""Large pipelines, switched at every step of the interpreter, have more than two million switch points."""
LENDING: tuple[dict[str, float], ...] = (
    {},
    {"FEWEST_QUICK": 1, "MOST_QUICK": 1, "QUICK_S": 1e9, "FAR_TOO_SLOW_S": 1e9},
    {"FEWEST_QUICK": 2, "MOST_QUICK": 4, "LOOK_EVERY": 2, "MOST_SLOW": 2},
)
"""Streams are too short here for clones to be lent: in two seeds of three they are lent very soon, and in one of these two
taken back very soon too. By the clock of the explorer items are quick now and then."""
ONLY_WITH = {"part-reset": ("chain", "row", "nested", "wide")}
"""Plays for some shapes only: where a cell that is not reset joins what is with what is not, the values do not match."""
SCENARIOS = tuple(
    f"{shape}/{play}"
    for shape in SHAPES
    for play in PLAYS
    if (shape != "hopeless" or play in ("calm", "undeploy")) and shape in ONLY_WITH.get(play, SHAPES)
)
COMMAND = "python tests/engine/exploration --replay {}:{}"


@dataclass(frozen=True)
class Schedule:
    """A schedule that was run and found nothing wrong."""

    scenario: str
    seed: int
    nb_points: int
    nb_switches: int
    digest: str
    """Equal for two schedules only where the same threads of the same scenario took over at the same points."""


def explore(scenario: str, seed: int, lines: bool | None = None) -> Schedule:
    """Run one schedule.

    :param lines: whether threads may be switched at every line; by the seed where it is left out.
    :raises BaseException: what went wrong, with a note that says which schedule it was, and how to run it again.
    """
    every_step = lines is None and seed % STEPS_EVERY == STEPS_EVERY - 1
    if lines is None:
        lines = every_step or seed % LINES_EVERY == 0
    explorer = Explorer(seed, find_preempted() if lines else (), BUDGET, every_step)
    random = Random(f"{scenario}:{seed}")
    shape, _, play = scenario.partition("/")
    case = Case(
        World(explorer), random, catches=play in NEED_CATCHING_SINKS or (play != "part-reset" and random.random() < 0.5)
    )
    if seed % LONG_WORK_EVERY == 0:
        case.world.nb_points = LONG_WORK
    try:
        with taken_over(explorer):
            SHAPES[shape](case)
            explorer.spawn("main", lambda: PLAYS[play](Play(case)))
            with without_processes(case), with_constants({**random.choice(LENDING), **case.constants}):
                explorer.run()
    except BaseException as error:
        error.add_note(f"schedule {_digest(scenario, explorer)}, again with: {COMMAND.format(scenario, seed)}")
        raise
    return Schedule(scenario, seed, explorer.nb_points, len(explorer.trace), _digest(scenario, explorer))


def _digest(scenario: str, explorer: Explorer) -> str:
    return hashlib.blake2b((scenario + repr(explorer.trace)).encode(), digest_size=8).hexdigest()
