"""What runs in one place: the whole pipeline but for the inside of its scaled cells, or the inside of a clone.

A scope has a plan, made at deployment, and binds the cells to it: every input's `pull` becomes a closure that knows where
its values come from. When a cell gets its first clone, or loses its last one, the plan of its scope is made again while
everything rests; what was on its way moves over.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from pypipeline_engine.cell import ACell, ASingleCell, ScalableCell
from pypipeline_engine.cellio import Input, Output
from pypipeline_engine.core.channels import Channel, CrossingChannel, DirectChannel, explain_second_pull
from pypipeline_engine.core.clock import Clock
from pypipeline_engine.core.monitor import Monitor, Suppliers
from pypipeline_engine.core.turn import Turn
from pypipeline_engine.core.units import Unit
from pypipeline_engine.core.values import END, Outcome, Slot
from pypipeline_engine.exceptions import DeadlockException, InvalidStateException, ItemSkipped, NonCriticalException
from pypipeline_engine.runtime.ahead import StepsAhead
from pypipeline_engine.runtime.binding import make_collect, make_process, slot_of
from pypipeline_engine.runtime.call_stack import give_room
from pypipeline_engine.runtime.flatten import FlatGraph, Link, flatten, pulls_its_inside
from pypipeline_engine.runtime.nodes import bind_nodes
from pypipeline_engine.runtime.planning import MAIN, Plan
from pypipeline_engine.runtime.runners import Runners
from pypipeline_engine.runtime.wiring import Wiring, drain, refuse_to_lose_values, sort_by_port

if TYPE_CHECKING:
    from pypipeline_engine.runtime.stage import Stage


@dataclass
class Registry:
    """What the scopes of one deployment share."""

    monitor: Monitor
    get_unit: Callable[[ASingleCell], Unit]
    get_stage: Callable[[ScalableCell, Scope], Stage]


def raise_error_of_step(errors: Sequence[BaseException | None], cell: ACell) -> None:
    """Raise what a step of `cell` has come to, where several were pulled for it; nothing where it brought an item.

    :param errors: what stood in the place of an item, for each of them.
    :raises ItemSkipped: where all of them met a gap.
    :raises Exception: the first error, a critical one first: a run goes on after the others, and would not hear of it.
    """
    serious = [one for one in errors if one is not None and not isinstance(one, ItemSkipped)]
    if serious:
        critical = [one for one in serious if not isinstance(one, NonCriticalException)]
        try:
            raise (critical or serious)[0]
        finally:
            del errors, serious, critical  # error and frame would keep each other, and values, alive
    if errors and all(isinstance(gap, ItemSkipped) for gap in errors):
        raise ItemSkipped(f"every sink of {cell.get_full_name()} met a gap")


class Scope:
    """Runs what is inside `root`, one step or one ticket at a time."""

    def __init__(self, root: ACell, registry: Registry, name: str, clone_of: Stage | None = None) -> None:
        """Prepare a scope; `plan` makes it ready to run.

        :param root: the outermost cell of a pipeline, or the scaled cell of which this is the inside.
        :param name: the station at which its cells run, for the statistics.
        :param clone_of: the stage of which this is the inside; `None` for a pipeline.
        """
        self.root = root
        self.name = name
        self._registry = registry
        self._clone_of = clone_of
        self._always_queue: set[ACell] = set()
        self._ahead = StepsAhead()
        self._wiring = Wiring(FlatGraph(root))
        self.find_main: Suppliers = lambda: None
        """Says which thread runs the main domain; `None` where that may be any. Set by who runs it."""
        self._plan = Plan.empty(root, registry.monitor)
        self._runners = Runners(self._plan, self.find_main)
        self.units: dict[ASingleCell, Unit] = {}
        self.stages: dict[ScalableCell, Stage] = {}
        self._runs: dict[ACell, Callable[[], Outcome | None]] = {}
        self._taps: list[tuple[Callable[[], Any], Slot]] = []
        self._sinks: list[Callable[[], Outcome | None]] = []
        self._ports: list[list[Callable[[Any], None]]] = []
        self._port_channels: list[Channel] = []
        self._fed_all = False
        self._ended = False
        self.counts_agree = True
        """Whether all streams began together, so that the numbers of items of different cells can be compared."""
        self.feeds_itself = False
        """Whether what is inside takes its tickets by itself, ahead of the results: it has scaled cells of its own."""
        self.open_ticket: Callable[[], Any] = lambda: END
        """Takes the next ticket of the stage: its values, or `END`. Set by the worker of a scope that feeds itself."""
        self._collect: Callable[[], Any] = lambda: END
        self.process: Callable[[Sequence[Any]], Any] = lambda _: END
        """Does the work of one ticket: the values of the input ports in, a list with a value or an `Outcome` for each wanted
        output port out, or `END`.
        """
        self.step: Callable[[], None] = self._step
        """One step of a pipeline: every sink and every output port of the root advances once.

        Raises `StopIteration` at the end of the first sink that ends, `ItemSkipped` where all of them met a gap, and
        otherwise the first error.
        """
        self.single_step: Callable[[], None] = self._step
        """The same for who takes one step and returns, and who has not made room on the stack for more of them."""

    # ------------------------------------------------------------------ what is here

    @property
    def cells(self) -> list[ASingleCell]:
        """The single cells, sources first."""
        return list(self.units)

    @property
    def is_clone(self) -> bool:
        """Whether this is the inside of a clone."""
        return self._clone_of is not None

    def get_nodes(self) -> list[ACell]:
        """The single cells and the scaled cells, in the order of their declaration."""
        return list(self._wiring.graph.nodes)

    @property
    def depth(self) -> int:
        """Through how many cells one thread may pull, one within the other."""
        return self._plan.depth

    @property
    def graph(self) -> FlatGraph:
        """What this scope consists of under the plan that there is."""
        return self._wiring.graph

    def get_nb_waiting(self, link: Link) -> int:
        """How many values wait in a connection, other than the one that is always on a cycle."""
        return len(self._wiring.channels[link].buffer) - link.recurrent

    def get_number(self, node: ACell) -> int:
        """How many items a node has brought since its stream began. Nothing may run in it meanwhile."""
        if isinstance(node, ASingleCell):
            return self.units[node].next_number
        return self.stages[node].nb_taken  # type: ignore[index]  # the only other kind of node

    def has_ended(self, node: ACell) -> bool:
        """Whether a single cell has met the end of its stream."""
        return isinstance(node, ASingleCell) and self.units[node].ended

    def get_stages_on_cycles(self) -> list[ScalableCell]:
        """The scaled cells whose results come round to them again."""
        return self._wiring.graph.find_stages_on_cycles()

    def get_order(self) -> list[ACell]:
        """The single cells and the scaled cells, sources first."""
        return list(self._runs)

    def get_stages_downstream_first(self) -> list[Stage]:
        """The stages, each before those that it takes its items from."""
        stages: dict[Any, Stage] = dict(self.stages)
        return [stages[node] for node in reversed(self.get_order()) if node in stages]

    def get_own_threads(self) -> dict[ACell, Stage]:
        """The cells that a clone pulls as they are, with its stage. Any thread, also while the plan changes."""
        stages = self.stages
        return {cell: stages[stage] for cell, stage in self._wiring.graph.own_thread.items() if stage in stages}

    def leads_out_of(self, node: ACell, cell: ACell) -> bool:
        """Whether nothing inside of `cell` but recurrent links reads `node`."""
        inside = set(cell._get_cells_recursively())
        links = self._wiring.graph.links_from.get(node, ())
        return all(link.recurrent or link.reader not in inside for link in links)

    def get_capacity(self) -> int:
        """How many items fit into a connection between threads of this scope."""
        return self._plan.get_capacity()

    def get_crossing_channels(self) -> list[CrossingChannel]:
        """The connections between threads."""
        return [channel for channel in self._wiring.channels.values() if isinstance(channel, CrossingChannel)]

    def get_station(self, cell: ACell) -> str:
        """At which station a cell runs: cells at the same one share its time."""
        domain = self._plan.domains.get(cell, MAIN)
        if domain == MAIN:
            return self.name
        if domain is self.root:
            return f"ports of {self.root.get_full_name()}"
        if isinstance(domain, ACell):
            return f"turn of {domain.get_full_name()}"
        return f"intake of {domain.name}"  # type: ignore[attr-defined]  # the only other kind of domain is a stage

    def get_turn(self, cell: ACell) -> Turn | None:
        """The turn that a thread needs to run `cell`; `None` where whoever pulls the scope may."""
        domain = self._plan.domains.get(cell, MAIN)
        if domain == MAIN:
            return None
        turn = self._plan.turns.get(domain)
        if turn is None:
            raise InvalidStateException(f"{cell.get_full_name()} is pulled by a clone: pull the pipeline instead")
        return turn

    def get_run(self, cell: ACell) -> Callable[[], Outcome | None]:
        """The way to run one cell by itself, for who has its turn. What it brings must be able to queue up."""
        return self._runs[cell]

    def pull_alone(self, cell: ACell) -> BaseException | None:
        """Run one cell by itself. What it brings must be able to queue up: see `queue_behind`.

        :returns: what stands in the place of an item, where there is none.
        :raises StopIteration: at the end of its stream.
        """
        turn = self.get_turn(cell)
        if turn is None:
            return self._run_alone(cell)
        turn.take()
        try:
            for channel in self._wiring.get_from(cell).values():
                if isinstance(channel, CrossingChannel):
                    channel.wait_for_room(self._plan.clocks[MAIN])
            return self._run_alone(cell)
        finally:
            turn.give()

    def _run_alone(self, cell: ACell) -> BaseException | None:
        outcome: Outcome | None = self.get_clock(cell).bind(self._runs[cell])()
        return None if outcome is None else outcome.get_error()

    def queue_behind(self, cell: ACell) -> bool:
        """Make the next plan queue what `cell` brings; false where it does already."""
        before = len(self._always_queue)
        self._always_queue.add(cell)
        channels = self._wiring.get_from(cell).values()
        return len(self._always_queue) > before and any(isinstance(channel, DirectChannel) for channel in channels)

    def get_clock(self, cell: ACell) -> Clock:
        """The clock of the domain that runs `cell`. Any thread, also while the plan changes."""
        plan = self._plan
        return plan.clocks[plan.domains.get(cell, MAIN)]

    def find_feeding_threads(self) -> Collection[int] | None:
        """In a scope that feeds itself, the threads that take its tickets. Lock held."""
        return self._runners.find(self._plan.domains.get(self.root, MAIN))

    def look_soon(self) -> None:
        """Have the next steps timed, because somebody watches. Any thread."""
        for clock in list(self._plan.clocks.values()):
            clock.look_soon()

    # ------------------------------------------------------------------ planning

    def plan(self, inline: Collection[ACell] = (), alone: Collection[ACell] = ()) -> None:
        """Make the plan for the cells as they are scaled now. Nothing may run in this scope meanwhile.

        :param inline: scaled cells that are to run inline, whatever they ask for.
        :param alone: cells that whoever has the turn of the pipeline may run one by one.
        :raises InvalidStateException: where what is on its way does not fit into the new plan.
        """
        graph = self.flatten(inline)
        stages = {stage: self._registry.get_stage(stage, self) for stage in graph.stages}
        for cell, stage in stages.items():
            if cell not in self.stages and stage.pulls_its_inside:  # of the cells inside, some may have done more
                stage.first_item = max(map(self.get_number, self.graph.find_ends(cell)), default=0)
        steps = self._count_steps()
        drained = drain(self.stages, stages)
        self.feeds_itself = self._clone_of is not None and bool(stages)
        before, stages_before = self._plan, self.stages
        queueing = self._always_queue.union(alone)
        self._plan = Plan(
            graph, stages, self._registry.get_unit, self._registry.monitor, self.feeds_itself, queueing, alone
        )
        self._plan.take_over_times(before)
        self._plan.make_channels(self._wiring, sort_by_port(drained, stages_before))
        self._wiring, self.units, self.stages = self._plan.wiring, self._plan.units, stages
        graph = self._wiring.graph
        steppers = {node: graph.own_thread.get(node) for node in graph.nodes if node in self._plan.sinks}

        def get_lead(sink: ACell) -> int:
            taken = steps.get(steppers[sink])
            return self.get_number(sink) - taken if taken is not None and self.counts_agree else 0

        self._ahead.change_plan(steppers, stages, drained, get_lead)
        self._bind()

    def _count_steps(self) -> dict[ScalableCell | None, int]:
        """How many steps the thread that pulls has taken, where that can be told, and each clone that pulls its inside."""
        steps: dict[ScalableCell | None, int] = {
            cell: stage.nb_brought for cell, stage in self.stages.items() if stage.pulls_its_inside
        }
        for node in self.graph.nodes:
            if node in self._plan.sinks and node not in self.graph.own_thread:
                steps.setdefault(None, self.get_number(node) - self._ahead.get_nb_done(node))
        return steps

    def flatten(self, inline: Collection[ACell] = ()) -> FlatGraph:
        """What this scope consists of as the cells are scaled now.

        :param inline: as in `plan`.
        """
        return flatten(self.root, None if self._clone_of is None else self._clone_of.output_names, inline)

    def check_plan(self) -> None:
        """Whether `plan` would succeed, before anything is brought to rest for it.

        :raises InvalidStateException: as `plan`.
        """
        refuse_to_lose_values(self.flatten(), self._wiring, self.has_ended)

    # ------------------------------------------------------------------ binding

    def _bind(self) -> None:
        self.unbind()
        feed = (self._feed, lambda: self._fed_all) if self.feeds_itself else None
        self._runs = bind_nodes(self._plan, self.root, self.stages, feed)
        self._runners = runners = Runners(self._plan, lambda: self.find_main())
        for link, channel in self._wiring.channels.items():
            if isinstance(channel, CrossingChannel):
                channel.find_readers = partial(runners.find, self._plan.get_reading_domain(link))
        self._bind_scope()

    def _bind_scope(self) -> None:
        graph = self._wiring.graph
        sinks: dict[ScalableCell | None, list[Callable[[], Outcome | None]]] = {}
        for node in graph.nodes:
            if node in self._plan.sinks:
                sinks.setdefault(graph.own_thread.get(node), []).append(self._ahead.catch_up(node, self._runs[node]))
        self._sinks = sinks.get(None, [])
        for cell, stage in self.stages.items():
            pulls = {link.target.get_name(): channel.pull for link, channel in self._wiring.get_to(cell).items()}
            inside = pulls_its_inside(cell)
            names = stage.output_names if inside else stage.input_names
            clock = self._plan.clocks[stage]
            collect = make_collect([pulls[name] for name in names], sinks.get(cell, []) if inside else [], clock)
            stage.bind(collect, clock, partial(self._runners.find, self._plan.domains[cell]), self.depth)
        outputs = {link.target: channel.pull for link, channel in self._wiring.get_to(self.root).items()}
        if self._clone_of is None:
            if self.root in self.stages:
                outputs = {}  # its clones pull what is inside of it; the results come from the sequencer
            self._taps = [(pull, slot_of(io)) for io, pull in outputs.items()]
            self.step = self._bind_alone() or self._plan.clocks[MAIN].bind(self._step)
            self.single_step = give_room(self.step, self.depth)
            return
        by_name = {io.get_name(): pull for io, pull in outputs.items()}
        wanted = [by_name[name] for name in self._clone_of.output_names]
        clock = self._plan.clocks[MAIN]
        self._collect = make_collect(wanted, self._sinks, clock)
        into: dict[str, list[Channel]] = {name: [] for name in self._clone_of.input_names}
        for link, channel in self._wiring.get_from(self.root).items():
            into[link.source.get_name()].append(channel)
        self._ports = [[channel.put for channel in channels] for channels in into.values()]
        # What the worker itself reads, ticket by ticket: from the ports, and from scaled cells inside.
        self._port_channels = [
            channel
            for link, channel in self._wiring.channels.items()
            if not isinstance(link.producer, ASingleCell) and self._plan.get_reading_domain(link) == MAIN
        ]
        self.process = make_process(self._ports, wanted, self._sinks, self._port_channels, clock)

    def _bind_alone(self) -> Callable[[], None] | None:
        """The short way to do a step where there is one sink, for which that is right."""
        if len(self._sinks) != 1 or self._taps or self._ahead.has_untold():
            return None
        for cell, unit in self.units.items():
            if self._runs[cell] is self._sinks[0]:
                return unit.bind_step() if unit.is_simple_sink() else None
        return None

    def number_items(self, get_number: Callable[[], int]) -> None:
        """Say how the cells of a clone learn the number of the item that they work on."""
        for unit in self.units.values():
            unit.get_item_number = get_number

    def number_items_ahead(self, get_number_of: Callable[[int], int]) -> None:
        """Say how the cells of a clone that runs ahead learn the number of the item of a ticket, given as how many it had
        before. Each cell is at another one.
        """
        for unit in self.units.values():
            unit.number_by_runs(0)
            unit.get_item_number = lambda unit=unit: get_number_of(unit.next_number - 1)  # type: ignore[misc]
        for stage in self.stages.values():
            stage.get_item = get_number_of

    # ------------------------------------------------------------------ running

    def _step(self) -> None:
        if self._ended:
            raise StopIteration
        try:
            self._advance_all()
        except StopIteration:
            self._ended = True  # with its first sink; the others are not to advance any more
            raise

    def _advance_all(self) -> None:
        if not (self._sinks or self._taps):
            raise StopIteration  # where there is nothing to pull there is no stream
        raise_error_of_step(self._pull_each(), self.root)  # in no variable, or the error would keep itself alive

    def _pull_each(self) -> list[BaseException | None]:
        """What stands in the place of an item, for each sink and each output port; a deadlock ends the step."""
        outcome = self._ahead.tell_one()
        errors: list[BaseException | None] = [] if outcome is None else [outcome.get_error()]
        try:
            for run in self._sinks:
                outcome = run()
                errors.append(None if outcome is None else outcome.get_error())
                if isinstance(errors[-1], DeadlockException):
                    return errors  # the other sinks may need a long time, and this is not the error of one item
            for pull, slot in self._taps:
                try:
                    slot.value = pull()
                    errors.append(None)
                except StopIteration:
                    raise
                except Exception as error:
                    errors.append(error)
                    if isinstance(error, DeadlockException):
                        return errors
            return errors
        finally:
            del errors, outcome  # an error in them and this frame would keep each other, and values, alive

    def _fill_ports(self, values: Sequence[Any]) -> None:
        for puts, value in zip(self._ports, values, strict=True):
            for put in puts:
                put(value)

    def _feed(self) -> None:
        """Take the next ticket into a scope that feeds itself."""
        values = END if self._fed_all else self.open_ticket()
        if values is END:
            self._fed_all = True
            raise StopIteration
        self._fill_ports(values)
        del values  # as in `_pull_each`

    def process_next(self, nb_done: int) -> Any:
        """In a scope that feeds itself, bring the result of the oldest ticket inside.

        :param nb_done: how many tickets it brought before.
        :returns: as `process`.
        """
        result = self._collect()
        try:
            if result is END:
                return END
            for channel in self._port_channels:
                taken = channel.meter.runs - nb_done
                if taken > 1:
                    return [Outcome(explain_second_pull(channel.target))] * len(result)
                if taken < 1:
                    with suppress(Exception):
                        channel.pull()
            return result
        finally:
            del result  # as in `_pull_each`

    # ------------------------------------------------------------------ interrupting and resetting

    def interrupt(self) -> None:
        """Let every pull that begins from now on raise `Interrupted`. Any thread."""
        for unit in self.units.values():
            unit.interrupt()

    def resume(self) -> None:
        """Undo `interrupt`."""
        for unit in self.units.values():
            unit.resume()

    def rewind(self, cells: set[ACell]) -> None:
        """Bring the streams that `cells` fill back to their start. Nothing may run meanwhile.

        Cells behind them go on with what was on its way to them, whichever way it took.
        """
        behind = set(self._wiring.graph.nodes) - cells
        self.counts_agree = not behind
        for link, channel in self._wiring.channels.items():
            if (link.producer in cells or link.producer is self.root) and link.reader not in behind:
                channel.clear()
                if channel in self._port_channels:
                    channel.meter.runs = 0
                if link.recurrent:
                    channel.make_recurrent(link.initial_value)
                    channel.preload([link.initial_value])
        for cell, unit in self.units.items():
            if cell in cells:
                unit.rewind()
        for stage_cell, stage in self.stages.items():
            if stage_cell in cells:
                stage.rewind()
        self._ahead.forget(cells)
        self._fed_all = self._ended = False

    def note_step(self, node: ACell, outcome: Outcome | None) -> None:
        """Where `node` is a sink, say that it has run ahead of the steps of whoever pulls it, and what came of that."""
        if node in self._plan.sinks:
            self._ahead.note(node, outcome)

    def get_upstream(self, cell: ACell) -> set[ACell]:
        """`cell` and everything that it depends on, in this scope."""
        inside = set(cell._get_cells_recursively())
        found: set[ACell] = {node for node in self._wiring.graph.nodes if node in inside}
        # A cell inside a clone stands for the scaled cell that holds it.
        found |= {stage for stage in self.stages if cell in stage._get_cells_recursively()}
        pending = list(found)
        while pending:
            node = pending.pop()
            for link in self._wiring.graph.links:
                if link.reader is node and link.producer not in found and link.producer is not self.root:
                    found.add(link.producer)
                    pending.append(link.producer)
        return found

    def unbind(self) -> None:
        """Give the cells their own methods back."""
        for cell in self.units:
            for io in cell.get_inputs() + cell.get_outputs():
                if isinstance(io, Input | Output):
                    io._unbind()
