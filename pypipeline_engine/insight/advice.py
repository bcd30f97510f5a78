"""Why a pipeline is as fast as it is, what would change that and to what rate, and when nothing would."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from pypipeline_engine.core.counters import Statistics
from pypipeline_engine.insight.bottleneck import Bottleneck, Station, find_bottleneck
from pypipeline_engine.insight.gil import WAITS, GilShares
from pypipeline_engine.insight.model import COMPUTES, Change, Model, Prediction, Resources
from pypipeline_engine.insight.structure import UNKNOWN, Structure, get_sources
from pypipeline_engine.numbers import counted, duration, rate, share

WORTH_IT = 1.05
"""Less than this, of the rate now, is within what a machine varies by from minute to minute."""
WORTH_BESIDE_GIL = 1.2
"""So much another thread has to bring for a cell that holds the GIL itself: how much of its work does is an estimate, which
may be a tenth too low.
"""
WORTH_A_PROCESS = 1.2
"""By so much more than threads, clones in other processes have to bring."""
IS_HELD = 0.5
"""A cell that holds the GIL for so much of its work is taken for Python code."""
MENTIONED_CPU = 0.2
"""What other processes use is mentioned from here on, in cores."""
ALTERNATES = 0.1
"""A scaled cell whose workers wait for inputs and for room for so much of their time each has a queue that is too short."""
QUICK_S = 100e-6
"""An item that takes less costs more to be handed to another thread than to be done."""


class Cause(StrEnum):
    """Why a pipeline is not faster."""

    PYTHON = "python"
    """The limiting cell computes, and holds the GIL: of all threads, one computes at a time."""
    CPU = "cpu"
    """The limiting cell computes in code that releases the GIL."""
    WAITING = "waiting"
    """The limiting cell waits, for a device, a network or a disk."""
    SOURCE = "source"
    """The source brings no more."""
    SINK = "sink"
    """The sink takes no more."""
    MACHINE = "machine"
    """All processors are busy."""
    QUEUE = "queue"
    """A queue is too short: who fills it and who empties it wait for each other by turns."""
    RECURRENCE = "recurrence"
    """The limiting cell lies on a cycle, and has to wait for its own results."""
    NOTHING = "nothing"
    """Nothing is busy enough to be a limit: passing items on takes the time, or nobody asks for more."""


@dataclass(frozen=True)
class ShortQueue:
    """The queue of a scaled cell that is too short."""

    cell: str
    capacity: int
    """How many items it should hold."""


@dataclass(frozen=True)
class Advice:
    """What limits a pipeline over one window, and what to do about it."""

    bottleneck: Bottleneck
    cause: Cause
    best: Prediction | None
    """What would help most; `None` where nothing would, or a longer queue (`queue`)."""
    options: tuple[Prediction, ...]
    """What was considered, the best first, whether it helps or not."""
    queue: ShortQueue | None
    """Where one is too short, which, and how long it should be."""
    sentence: str
    """What limits, why, and what to do, in some twenty words."""
    paragraph: str
    """The same with the figures."""
    gil: GilShares = field(default_factory=GilShares)
    """What was seen of the GIL."""


def advise(window: Statistics, structure: Structure, machine: Resources, gil: GilShares | None = None) -> Advice | None:
    """Explain a window of a run; `None` where no cell ran in it.

    :param window: with the names that `structure` has.
    :param gil: what a probe has seen of the GIL meanwhile.
    """
    sources = get_sources(structure)
    bottleneck = find_bottleneck(window, sources)
    if bottleneck is None:
        return None
    if window.sink_items <= 0:
        return Advice(bottleneck, Cause.NOTHING, None, (), None, bottleneck.sentence, bottleneck.sentence)
    gil = gil or GilShares()
    model = Model(window, machine, gil)
    holder = model.find_gil_holder()
    if holder is not None:
        bottleneck = find_bottleneck(window, sources, holder.name) or bottleneck
    queue = _find_short_queue(bottleneck, window)
    cause = Cause.QUEUE if queue is not None else _find_cause(bottleneck, model, structure)
    options = _find_options(bottleneck, model, structure, cause)
    now_hz = window.sink_rate_hz
    best = next((option for option in options if option.get_gain(now_hz) >= _get_least_gain(option, cause)), None)
    if cause is Cause.QUEUE:
        best = None
    why = _explain_cause(cause, machine)
    what = _say_what_to_do(best, cause, queue, model, options)
    return Advice(
        bottleneck=bottleneck,
        cause=cause,
        best=best,
        options=options,
        queue=queue,
        sentence=f"{_name_limit(bottleneck)}{why}: {what}.",
        paragraph=" ".join([bottleneck.sentence, *_tell_figures(bottleneck, model, machine), f"{_capital(what)}."]),
        gil=gil,
    )


# ---------------------------------------------------------------------- why


def _find_cause(bottleneck: Bottleneck, model: Model, structure: Structure) -> Cause:
    if not bottleneck.stations:
        return Cause.SOURCE if bottleneck.sources else Cause.NOTHING
    cell = bottleneck.stations[0].dominant_cell
    role = structure.get(cell.name, UNKNOWN)
    holds_gil = cell.method != "ray" and model.gil.by_cell.get(cell.name, 0.0) >= IS_HELD
    # Many clones that wait for the GIL seem to compute little, and so does a cell that waits for a core.
    least = WAITS if holds_gil or model.is_machine_full else COMPUTES
    computes = cell.busy_s > 0 and cell.cpu_s >= least * cell.busy_s
    if role.is_on_cycle and cell.method != "inline":
        return Cause.RECURRENCE
    if not computes:
        if role.is_source:
            return Cause.SOURCE
        return Cause.SINK if role.is_sink else Cause.WAITING
    if holds_gil:
        return Cause.PYTHON
    if model.is_machine_full:
        return Cause.MACHINE
    return Cause.CPU


def _find_short_queue(bottleneck: Bottleneck, window: Statistics) -> ShortQueue | None:
    """The queue of a scaled cell whose workers wait for inputs and for room by turns."""
    if bottleneck.stations and bottleneck.utilisation > 1 - 2 * ALTERNATES:
        return None
    for cell in window.cells:
        if (
            cell.queue_capacity is not None
            and cell.method != "inline"
            and cell.workers > 1
            and cell.queue_capacity < 4 * cell.workers
            and cell.starved >= ALTERNATES
            and cell.blocked >= ALTERNATES
        ):
            return ShortQueue(cell.name, 8 * cell.workers)
    return None


def _name_limit(bottleneck: Bottleneck) -> str:
    names = bottleneck.cells
    if not names:
        return "Nothing limits the pipeline"
    if len(names) == 1:
        return f"{names[0]} limits the pipeline"
    return f"{', '.join(names[:-1])} and {names[-1]} limit the pipeline"


def _explain_cause(cause: Cause, machine: Resources) -> str:
    match cause:
        case Cause.PYTHON:
            return ", with Python code that holds the GIL"
        case Cause.CPU:
            return ", computing without the GIL"
        case Cause.WAITING:
            return ", waiting for something outside"
        case Cause.SOURCE:
            return ", because it brings no more"
        case Cause.SINK:
            return ", because it takes no more"
        case Cause.MACHINE:
            return f", and all {machine.cores} cores are busy" if machine.cores > 1 else ", and the only core is busy"
        case Cause.QUEUE:
            return ", because a queue is too short"
        case Cause.RECURRENCE:
            return ", because it waits for its own results"
        case Cause.NOTHING:
            return ""


def _tell_figures(bottleneck: Bottleneck, model: Model, machine: Resources) -> Sequence[str]:
    if not bottleneck.stations:
        return []
    cell = bottleneck.stations[0].dominant_cell
    texts = []
    if cell.runs > 0 and cell.busy_s > 0:
        texts.append(
            f"An item takes it {duration(cell.busy_s / cell.runs)}, {share(min(1.0, cell.cpu_s / cell.busy_s))} of that "
            f"computing."
        )
    held = model.gil.by_cell.get(cell.name)
    if held is not None and cell.method != "ray" and cell.cpu_s >= WAITS * cell.busy_s:
        texts.append(f"By estimate it holds the GIL for {share(held)} of its work.")
    others = f", others {machine.others_cpu:.1f}" if machine.others_cpu >= MENTIONED_CPU else ""
    texts.append(f"The process uses {machine.cpu:.1f} of {counted(machine.cores, 'core')}{others}.")
    return texts


# ---------------------------------------------------------------------- what to do


def _find_options(bottleneck: Bottleneck, model: Model, structure: Structure, cause: Cause) -> tuple[Prediction, ...]:
    """What one clone more of each cell that limits would bring, on threads and with Ray, the best first."""
    if cause is Cause.RECURRENCE or not bottleneck.stations:
        return ()
    on_threads = _find_changes(bottleneck.stations, model, structure, "thread")
    changes = [on_threads] if on_threads else []
    if model.machine.has_ray:
        elsewhere = _find_changes(bottleneck.stations, model, structure, "ray")
        changes += [elsewhere] if elsewhere else []
    options = [model.predict(own) for own in changes]
    return tuple(sorted(options, key=_get_worth, reverse=True))


def _get_least_gain(option: Prediction, cause: Cause) -> float:
    """What an option has to bring to be advised, of the rate now."""
    return WORTH_BESIDE_GIL if cause is Cause.PYTHON and option.limit.kind == "gil" else WORTH_IT


def _get_worth(option: Prediction) -> float:
    """What an option brings; of other processes it has to be more, because they start slowly and take memory."""
    return option.hz / (WORTH_A_PROCESS if any(change.method == "ray" for change in option.changes) else 1.0)


def _find_changes(
    stations: Collection[Station], model: Model, structure: Structure, method: str
) -> list[Change] | None:
    """One clone more at each of the stations; `None` where one of them cannot have it."""
    changes = []
    for station in stations:
        change = _find_change(station, model, structure, method)
        if change is None:
            return None
        changes.append(change)
    return changes


def _find_change(station: Station, model: Model, structure: Structure, method: str) -> Change | None:
    cell = station.dominant_cell
    role = structure.get(cell.name, UNKNOWN)
    if cell.busy_s <= 0 or cell.runs <= 0 or cell.busy_s / cell.runs < QUICK_S:
        return None
    if cell.method == "inline":
        if not role.can_have_thread or (len(station.cells) == 1 and not role.can_have_clones):
            return None
        if method == "ray" and (role.is_source or not role.can_have_clones):
            return None
        # A thread beside its others is enough where it leaves them; alone in its thread, it would only move.
        rest_s = sum(other.busy_s for other in station.cells) - cell.busy_s
        more = 1 if rest_s > (WORTH_IT - 1) * cell.busy_s else 2
        more = 1 if not role.can_have_clones else more
        return model.make_change(cell.name, "ray" if method == "ray" else "thread", more)
    if not all(structure.get(other.name, UNKNOWN).can_have_clones for other in station.cells):
        return None
    name = station.name if len(station.cells) > 1 or station.name not in structure else cell.name
    if method == "ray":
        now = 0 if cell.method == "thread" else cell.workers
        more = cell.workers if now == 0 else 1
        return model.make_change(name, "ray", more)
    return model.make_change(name, "thread")


def _say_what_to_do(
    best: Prediction | None,
    cause: Cause,
    queue: ShortQueue | None,
    model: Model,
    options: Sequence[Prediction],
) -> str:
    now_hz = model.window.sink_rate_hz
    if queue is not None:
        return f"let {queue.cell} hold {queue.capacity} items (queue_capacity)"
    if best is not None:
        what = " and ".join(_describe_change(change) for change in best.changes)
        return f"{what} would bring {rate(best.hz)} in place of {rate(now_hz)}, by estimate{_then(best, model)}"
    if cause is Cause.PYTHON:
        if model.machine.has_ray:
            return "threads cannot help, and neither can other processes on this machine" + _because(options, model)
        return "threads cannot help; clones in other processes could: install pypipeline-studio[ray]"
    if cause is Cause.SOURCE:
        return "only a faster source would help"
    if cause is Cause.SINK:
        return "only a faster sink would help"
    if cause is Cause.MACHINE:
        return "only more cores, less work for an item, or clones on other machines would help"
    if cause is Cause.RECURRENCE:
        return "clones do not help a cell on a cycle; less work for an item would"
    if cause is Cause.NOTHING:
        return "there is nothing to scale"
    if options:
        return "a clone more would not help" + _because(options, model)
    return "it cannot have more clones, so only less work for an item would help"


def _describe_change(change: Change) -> str:
    where = "" if change.method == "thread" else " in other processes (Ray)"
    if change.before == 0 and change.after == 1:
        return (
            f"a thread of its own for {change.cell}"
            if change.method == "thread"
            else f"a clone of {change.cell}{where}"
        )
    if change.before == 0:
        return f"{change.after} clones of {change.cell}{where}"
    return f"{change.after} clones of {change.cell}{where} in place of {change.before}"


def _then(best: Prediction, model: Model) -> str:
    match best.limit.kind:
        case "gil":
            return "; then the GIL is the limit"
        case "cores":
            return "; then the cores are the limit"
        case "station":
            names = [s.dominant_cell.name for s in model.stations if s.name == best.limit.station]
            changed = {model.find_cell(change.cell).station for change in best.changes}
            return f"; then {names[0]} is the limit" if names and best.limit.station not in changed else ""


def _because(options: Sequence[Prediction], model: Model) -> str:
    if not options:
        return ""
    match options[0].limit.kind:
        case "gil":
            return ": the GIL is the limit"
        case "cores":
            cores = model.machine.cores
            return f": all {cores} cores are in use" if cores > 1 else ": the only core is in use"
        case "station":
            return ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
