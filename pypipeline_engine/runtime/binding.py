"""The closures that a plan puts in the place of the methods of inputs and outputs, and those that run a scope."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pypipeline_engine.cellio import IO, AParameter, Input, Output, OutputPort
from pypipeline_engine.core.channels import Channel
from pypipeline_engine.core.clock import Clock
from pypipeline_engine.core.monitor import Interrupted
from pypipeline_engine.core.values import END, UNSET, Outcome, Slot
from pypipeline_engine.exceptions import InvalidInputException


def slot_of(io: IO[Any]) -> Slot:
    assert isinstance(io, Output | OutputPort)
    return io._slot


def make_read(parameter: AParameter[Any]) -> Callable[[], Any]:
    box, get_value = parameter._box, parameter.get_value

    def pull() -> Any:
        value = box[0]
        return get_value() if value is UNSET else value

    return pull


def make_set(slot: Slot) -> Callable[[Any], None]:
    def set_value(value: Any) -> None:
        slot.value = value

    return set_value


def make_skip(pull: Callable[[], Any]) -> Callable[[], None]:
    def skip() -> None:
        try:
            pull()
        except StopIteration:
            raise
        except Exception:  # whatever stands in this place is what was to be skipped
            return

    return skip


def guard(io: Input[Any], pull: Callable[[], Any]) -> Callable[[], Any]:
    def pull_guarded() -> Any:
        value = pull()
        accepted = io.can_have_as_value(value)
        if not accepted:
            raise InvalidInputException(accepted.get_reasons_str())
        return value

    return pull_guarded


def make_collect(
    pulls: Sequence[Callable[[], Any]], sinks: Sequence[Callable[[], Outcome | None]], clock: Clock
) -> Callable[[], Any]:
    """Pull each once: a list with a value or an `Outcome` for each, or `END` where one has ended.

    Where a sink fails its error takes the place of every value. With nothing to pull, the list holds one place.

    :param clock: that of the domain, of which this is one step.
    """
    if len(pulls) == 1 and not sinks:
        return _make_collect_one(pulls[0], clock)

    def collect() -> Any:
        results: list[Any] = []
        failed: Outcome | None = None
        outcome: Outcome | None = None
        try:
            for pull in pulls:
                try:
                    results.append(pull())
                except StopIteration:
                    return END
                except Interrupted:
                    raise
                except BaseException as error:
                    results.append(Outcome(error))
            for run in sinks:
                try:
                    outcome = run()
                    failed = failed or outcome
                except StopIteration:
                    return END
                except Interrupted:
                    raise
                except BaseException as error:
                    failed = failed or Outcome(error)
            if failed is not None:
                return [failed] * max(1, len(results))
            return results or [None]
        finally:
            del results, failed, outcome  # an error in them and this frame would keep each other, and values, alive

    return clock.bind(collect)


def _make_collect_one(pull: Callable[[], Any], clock: Clock) -> Callable[[], Any]:
    """What a scaled cell with one port does for every item: with less to do, and the clock in the same call."""

    def collect() -> Any:
        clock.remaining -= 1
        try:
            return [pull() if clock.remaining > 0 else clock.step_timed(pull)]
        except StopIteration:
            return END
        except Interrupted:
            raise
        except BaseException as error:
            return [Outcome(error)]

    return collect


def make_process(
    ports: Sequence[Sequence[Callable[[Any], None]]],
    pulls: Sequence[Callable[[], Any]],
    sinks: Sequence[Callable[[], Outcome | None]],
    port_channels: Sequence[Channel],
    clock: Clock,
) -> Callable[[Sequence[Any]], Any]:
    """Do the work of one ticket: the values of the input ports in, those of the wanted output ports out.

    :param ports: how to put a value into the channels that an input port feeds.
    :param port_channels: what is emptied afterwards: a cell may take less than its ticket brought.
    :returns: takes the values; returns what `make_collect` does for `pulls` and `sinks`.
    """
    if len(ports) == len(port_channels) == len(pulls) == 1 and len(ports[0]) == 1 and not sinks:
        return _make_process_one(ports[0][0], pulls[0], port_channels[0], clock)
    collect = make_collect(pulls, sinks, clock)

    def process(values: Sequence[Any]) -> Any:
        for puts, value in zip(ports, values, strict=False):  # without ports there is one value that stands for none
            for put in puts:
                put(value)
        del values  # as in `make_collect`
        try:
            return collect()
        finally:
            for channel in port_channels:
                if channel.buffer:
                    channel.clear()

    return process


def _make_process_one(
    put: Callable[[Any], None], pull: Callable[[], Any], channel: Channel, clock: Clock
) -> Callable[[Sequence[Any]], Any]:
    """The same with one port in and one out, in one call."""
    buffer = channel.buffer

    def process(values: Sequence[Any]) -> Any:
        put(values[0])
        del values  # as in `make_collect`
        clock.remaining -= 1
        try:
            return [pull() if clock.remaining > 0 else clock.step_timed(pull)]
        except StopIteration:
            return END
        except Interrupted:
            raise
        except BaseException as error:
            return [Outcome(error)]
        finally:
            if buffer:
                channel.clear()

    return process
