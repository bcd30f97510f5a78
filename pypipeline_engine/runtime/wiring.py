"""The links of a plan with their channels, and what moves from an old plan to a new one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pypipeline_engine.cell import ACell, ScalableCell
from pypipeline_engine.cellio import IO, InputPort
from pypipeline_engine.core.channels import Channel
from pypipeline_engine.exceptions import InvalidStateException
from pypipeline_engine.runtime.flatten import FlatGraph, Link

if TYPE_CHECKING:
    from pypipeline_engine.runtime.stage import Stage


@dataclass
class Wiring:
    """The links of a plan, with their channels."""

    graph: FlatGraph
    channels: dict[Link, Channel] = field(default_factory=dict)
    by_target: dict[IO[Any], Channel] = field(default_factory=dict)

    def add(self, link: Link, channel: Channel) -> None:
        self.channels[link] = channel
        self.by_target[link.target] = channel

    def get_from(self, node: ACell) -> dict[Link, Channel]:
        """What is read from `node`."""
        return {link: self.channels[link] for link in self.graph.links_from.get(node, ())}

    def get_to(self, node: ACell) -> dict[Link, Channel]:
        """What `node` reads."""
        return {link: self.channels[link] for link in self.graph.links_to.get(node, ())}


def drain(before: dict[ScalableCell, Stage], after: dict[ScalableCell, Stage]) -> dict[ScalableCell, list[Any]]:
    """The finished results of stages that are no more, in order."""
    return {cell: stage.drain() for cell, stage in before.items() if cell not in after}


def sort_by_port(drained: dict[ScalableCell, list[Any]], before: dict[ScalableCell, Stage]) -> dict[IO[Any], list[Any]]:
    """The same by output port."""
    by_port: dict[IO[Any], list[Any]] = {}
    for cell, results in drained.items():
        for result in results:
            for name, value in zip(before[cell].output_names, result, strict=False):
                by_port.setdefault(cell.get_output(name), []).append(value)
    return by_port


def get_values_on_their_way(link: Link, before: Wiring, drained: dict[IO[Any], list[Any]]) -> list[Any] | None:
    """What was queued where `link` now leads, oldest first; `None` where there was no connection before."""
    old = before.by_target.get(link.target)
    if old is None and isinstance(link.target, InputPort):
        # The cell behind the port has just got its first clone: what its inputs had not taken is for the tickets. All of
        # them have taken as many, but for those that the end of the stream has stopped.
        old = next((channel for other, channel in before.channels.items() if link.target in other.through), None)
    values: list[Any] | None = None if old is None else list(old.buffer)
    for port in link.through:  # scaled cells on the way that are none any more: what came out of them, what they read
        old = before.by_target.get(port)
        if port in drained or old is not None:
            values = [*(values or ()), *drained.get(port, ()), *(() if old is None else old.buffer)]
    return values


def refuse_to_lose_values(graph: FlatGraph, before: Wiring, has_ended: Callable[[ACell], bool]) -> None:
    """Check that everything that is on its way has a place in the new plan.

    :param has_ended: whether a cell takes nothing any more.
    :raises InvalidStateException: where it has not, because it is inside of a cell that gets its first clone.
    """
    moved: set[Channel] = set()
    for link in graph.links:
        if link.target not in before.by_target and isinstance(link.target, InputPort):
            readers = [
                other for other in before.channels if link.target in other.through and not has_ended(other.reader)
            ]
            if len({len(before.channels[other].buffer) for other in readers}) > 1:
                raise InvalidStateException(
                    f"{link.reader.get_full_name()} cannot get its first clone now: its inner cells have taken different "
                    f"numbers of values from {link.target.get_full_name()}; undeploy() before"
                )
        moved.update(channel for end, channel in before.by_target.items() if end is link.target or end in link.through)
        moved.update(channel for other, channel in before.channels.items() if link.target in other.through)
    for link, channel in before.channels.items():
        if channel.buffer and channel not in moved and not has_ended(link.reader):
            raise InvalidStateException(
                f"{len(channel.buffer)} items are on their way in {channel}, inside of a cell that is to get its first "
                f"clone: undeploy() before"
            )
