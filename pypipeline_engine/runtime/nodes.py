"""Binds the nodes of a plan: every cell and scaled cell gets what runs it, and every connection the way to be pulled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pypipeline_engine.cell import ACell, ASingleCell, ScalableCell
from pypipeline_engine.cellio import Input, Output, RuntimeParameter
from pypipeline_engine.core.channels import Channel, CrossingChannel, DirectChannel, OutletChannel, PortChannel
from pypipeline_engine.core.clock import Clock
from pypipeline_engine.core.values import Outcome, Slot
from pypipeline_engine.runtime.binding import guard, make_read, make_set, make_skip, slot_of
from pypipeline_engine.runtime.flatten import Link
from pypipeline_engine.runtime.planning import MAIN, Plan

if TYPE_CHECKING:
    from pypipeline_engine.runtime.stage import Stage

Run = Callable[[], Outcome | None]
Feed = tuple[Callable[[], None], Callable[[], bool]]
"""Takes the next ticket into a clone; and tells whether there are no more."""


def bind_nodes(plan: Plan, root: ACell, stages: Mapping[ScalableCell, Stage], feed: Feed | None) -> dict[ACell, Run]:
    """Bind what is in a plan. Nothing of it may run meanwhile.

    :param root: the outermost cell of the scope.
    :param feed: for a clone that takes its tickets by itself.
    :returns: the way to run each node, sources first.
    """
    for cell, unit in plan.units.items():
        inputs = list(plan.wiring.get_to(cell).values())
        outputs = [(slot_of(link.source), channel) for link, channel in plan.wiring.get_from(cell).items()]
        unit.plug(inputs, outputs, plan.clocks[plan.domains[cell]])
    runs: dict[ACell, Run] = {}
    for node in plan.order:
        if isinstance(node, ASingleCell):
            runs[node] = _bind_cell(plan, node)
        else:
            assert isinstance(node, ScalableCell)
            runs[node] = _bind_outlet(plan, node, stages[node], node is root)
    if feed is not None:
        _bind_channels(plan, root, plan.clocks[plan.domains.get(root, MAIN)], *feed)
    for channel in plan.wiring.channels.values():
        if isinstance(channel, PortChannel):
            channel.bind_port()
    for unit in plan.units.values():
        if unit.retries:
            for channel in unit.inputs:
                channel.record_pulls()
    for cell in plan.units:
        _bind_io(plan, cell)
    return runs


def _bind_cell(plan: Plan, cell: ASingleCell) -> Run:
    unit = plan.units[cell]
    run = unit.bind_sink() if unit.is_simple_sink() else unit.bind()
    for link, channel in plan.wiring.get_from(cell).items():
        if isinstance(channel, DirectChannel):
            channel.bind_direct(unit, slot_of(link.source))
    _bind_channels(plan, cell, unit.clock, run, lambda: unit.ended)
    return run


def _bind_outlet(plan: Plan, cell: ScalableCell, stage: Stage, is_root: bool) -> Run:
    own = plan.wiring.get_from(cell)
    clock = plan.clocks[plan.domains[cell]]
    names = stage.output_names
    puts = [(names.index(link.source.get_name()), channel.put) for link, channel in own.items()]
    take, counters = stage.take, stage.outlet
    if is_root:
        puts += [(names.index(io.get_name()), _make_set_good(slot_of(io))) for io in cell.get_outputs()]

    def run() -> Outcome | None:
        result = clock.wait(take) if clock.timed else take()
        counters.runs += 1
        try:
            for index, put in puts:
                put(result[index])
            return next((one for one in result if one.__class__ is Outcome), None)
        finally:
            del result  # an error in it and this frame would keep each other, and values, alive

    for link, channel in own.items():
        if isinstance(channel, OutletChannel):
            channel.bind_outlet(take, names.index(link.source.get_name()), counters, clock)
    _bind_channels(plan, cell, clock, run, stage.has_ended)
    return run


def _bind_channels(
    plan: Plan, node: ACell, owner: Clock, run: Callable[[], Any], has_ended: Callable[[], bool]
) -> None:
    """Let those connections be pulled through which a value of `node` may have to wait."""
    own: dict[Link, Channel] = plan.wiring.get_from(node)
    crossing = [channel for channel in own.values() if isinstance(channel, CrossingChannel)]
    for link, channel in own.items():
        if isinstance(channel, CrossingChannel):
            turn = plan.turns[plan.domains[link.producer]]
            others = [other for other in crossing if other is not channel]
            reader = plan.clocks[plan.get_reading_domain(link)]
            channel.bind_crossing(run, turn, owner, others, has_ended, reader)
        elif not isinstance(channel, DirectChannel):
            channel.bind(run)


def _bind_io(plan: Plan, cell: ASingleCell) -> None:
    """Put what pulls and sets into the place of the methods of a cell's inputs and outputs."""
    for io in cell.get_inputs():
        if not isinstance(io, Input):
            continue
        channel = plan.wiring.by_target.get(io)
        if channel is not None:
            pull = guard(io, channel.pull) if io._is_guarded() else channel.pull
            io._bind(pull=pull, skip=make_skip(pull))
        elif isinstance(io, RuntimeParameter):
            io._bind(pull=make_read(io))
    direct = {link.source: to for link, to in plan.wiring.get_from(cell).items() if isinstance(to, DirectChannel)}
    for output in cell.get_outputs():
        if not isinstance(output, Output) or output._is_guarded():
            continue
        to = direct.get(output)
        if to is not None:
            output._bind(set_value=to.set_value, _read=to.read)
        else:
            output._bind(set_value=make_set(output._slot))


def _make_set_good(slot: Slot) -> Callable[[Any], None]:
    """Set an output of the pipeline, which an error or a gap leaves as it was."""

    def put(value: Any) -> None:
        if value.__class__ is not Outcome:
            slot.value = value

    return put
