"""The plan of a scope: which thread runs what, and through which kind of channel each value travels.

Made once for a deployment, and again when a cell gets its first clone or loses its last one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable
from typing import TYPE_CHECKING, Any, Self

from pypipeline_engine.cell import ACell, ASingleCell, ScalableCell
from pypipeline_engine.cellio import IO
from pypipeline_engine.core.channels import Channel, CrossingChannel, DirectChannel, OutletChannel, PortChannel
from pypipeline_engine.core.clock import Clock
from pypipeline_engine.core.domains import assign_domains
from pypipeline_engine.core.monitor import Monitor
from pypipeline_engine.core.topology import Edge, topological_order
from pypipeline_engine.core.turn import Turn
from pypipeline_engine.core.units import Unit
from pypipeline_engine.core.values import UNSET
from pypipeline_engine.runtime.flatten import FlatGraph, Link
from pypipeline_engine.runtime.wiring import Wiring, get_values_on_their_way

if TYPE_CHECKING:
    from pypipeline_engine.runtime.stage import Stage

MAIN = "main"
"""The domain of the thread that pulls the scope."""
QUEUE_LIMIT_BYTES = 256 * 2**20
SMALLEST_CAPACITY = 16
SPARE_CAPACITY = 4
"""How much more than the windows of the scaled cells fits beside them, so that a way round them does not hold them up."""


class Plan:
    """Who runs what in one scope. Does not change once its channels are made."""

    def __init__(
        self,
        graph: FlatGraph,
        stages: dict[ScalableCell, Stage],
        get_unit: Callable[[ASingleCell], Unit],
        monitor: Monitor,
        feeds_itself: bool,
        always_queue: Collection[ACell],
        alone: Collection[ACell] = (),
    ) -> None:
        """Decide who runs what.

        :param feeds_itself: whether the root is a clone that takes its tickets by itself, so that its ports are run too.
        :param always_queue: cells whose values must be able to queue up, because they are pulled by themselves.
        :param alone: of these, the ones that whoever pulls the scope runs, also where none but clones read them.
        """
        self.graph = graph
        self._stages = stages
        self._monitor = monitor
        self._feeds_itself = feeds_itself
        self._always_queue = always_queue
        self._alone = alone
        self.order = self._sort()
        """Single cells and stages, sources first."""
        self.depth = self._find_depth()
        """Through how many cells one thread may pull, one within the other."""
        self.sinks = graph.find_sinks()
        """What is to be pulled so that everything runs."""
        self.domains = self._assign()
        """Which domain runs each cell: `MAIN`, a stage whose intake does, or the cell itself for one with a turn."""
        self.units = {cell: get_unit(cell) for cell in self.order if isinstance(cell, ASingleCell)}
        sizes: Counter[Hashable] = Counter(dict.fromkeys((MAIN, *stages.values()), 0))
        sizes.update(self.domains.values())
        self.clocks = {domain: Clock(size) for domain, size in sizes.items()}
        self.turns: dict[Hashable, Turn] = {
            domain: Turn(monitor, domain.get_full_name()) for domain in sizes if isinstance(domain, ACell)
        }
        self.wiring = Wiring(graph)

    @classmethod
    def empty(cls, root: ACell, monitor: Monitor) -> Self:
        """The plan of a scope that has not been planned yet."""

        def get_unit(cell: ASingleCell) -> Unit:
            raise AssertionError(f"{cell.get_full_name()} is in no plan")

        return cls(FlatGraph(root), {}, get_unit, monitor, False, set())

    def take_over_times(self, before: Plan) -> None:
        """Go on with what was measured in the domains that were in the plan before this one."""
        for domain, clock in before.clocks.items():
            if domain in self.clocks:
                self.clocks[domain].starved_s = clock.starved_s

    def make_channels(self, before: Wiring, drained: dict[IO[Any], list[Any]]) -> None:
        """Give every link its channel, with what was on its way.

        :param before: the wiring of the plan before this one.
        :param drained: the finished results of stages that are no more, by output port.
        :raises InvalidStateException: where what is on its way does not fit into this plan.
        """
        for node in [self.graph.root, *self.order]:
            for link in self.graph.links_from.get(node, ()):
                values = get_values_on_their_way(link, before, drained)
                old = before.by_target.get(link.target)
                last = UNSET if old is None else old.last_value
                self.wiring.add(link, self._make_channel(link, values, last))

    def _assign(self) -> dict[Any, Hashable]:
        pulled_by: dict[ACell, list[Hashable]] = {node: [MAIN] for node in self.graph.nodes if node in self._alone}
        for node in self.graph.nodes:
            if node in self.sinks:
                own_thread = self.graph.own_thread.get(node)
                pulled_by.setdefault(node, []).append(self._stages[own_thread] if own_thread is not None else MAIN)
        for link in self.graph.links:
            if not isinstance(link.reader, ASingleCell) and self._runs_in_plan(link.producer):
                pulled_by.setdefault(link.producer, []).append(self._get_reading_stage(link) or MAIN)
        between = [
            (link.producer, link.reader)
            for link in self.graph.links
            if isinstance(link.reader, ASingleCell) and self._runs_in_plan(link.producer)
        ]
        nodes = [self.graph.root, *self.graph.nodes] if self._feeds_itself else self.graph.nodes
        return dict(assign_domains(nodes, between, pulled_by))

    def _runs_in_plan(self, node: ACell) -> bool:
        """Whether `node` is run by who pulls it: all are, but the ports of a clone that gets its values with the ticket."""
        return node is not self.graph.root or self._feeds_itself or isinstance(node, ASingleCell)

    def _sort(self) -> list[ACell]:
        root = self.graph.root
        edges = [
            Edge(link.producer, link.reader)
            for link in self.graph.links
            if not link.recurrent and root not in (link.producer, link.reader)
        ]
        # A stage whose thread pulls what is inside is read from outside and reads from inside, sinks included, which have no
        # link to it: no cycle, since the outside reads its output ports and the inside fills them.
        edges += [Edge(node, stage) for node, stage in self.graph.own_thread.items()]
        return topological_order(self.graph.nodes, edges)

    def _find_depth(self) -> int:
        depths: dict[ACell, int] = {}
        for node in self.order:  # a scaled cell is pulled by its clones, in threads of their own
            links = self.graph.links_to.get(node, ()) if isinstance(node, ASingleCell) else ()
            depths[node] = 1 + max((depths.get(link.producer, 0) for link in links if not link.recurrent), default=0)
        return max(depths.values(), default=0)

    def get_reading_domain(self, link: Link) -> Hashable:
        """The domain of what reads through `link`."""
        if isinstance(link.reader, ASingleCell):
            return self.domains[link.reader]
        return self._get_reading_stage(link) or MAIN

    def _get_reading_stage(self, link: Link) -> Stage | None:
        return self._stages.get(link.reader) if isinstance(link.reader, ScalableCell) else None

    def _make_channel(self, link: Link, values: list[Any] | None, last: Any) -> Channel:
        source, target = link.source.get_full_name(), link.target.get_full_name()
        reading = self.get_reading_domain(link)
        channel: Channel
        if not self._runs_in_plan(link.producer):
            channel = PortChannel(source, target)
        elif self.domains[link.producer] != reading:
            channel = CrossingChannel(source, target, self._monitor, self.get_capacity(), QUEUE_LIMIT_BYTES)
        elif link.producer is not self.graph.root and self._may_be_direct(link) and not values:
            if isinstance(link.producer, ASingleCell):
                channel = DirectChannel(source, target, self.units[link.producer].counters)
            else:
                channel = OutletChannel(source, target, self._stages[link.producer].outlet)  # type: ignore[index]
        else:
            channel = Channel(source, target)
        if link.recurrent:
            channel.make_recurrent(link.initial_value if last is UNSET else last)
            if values is None:
                values = [link.initial_value]
        channel.preload(values or ())
        return channel

    def get_capacity(self) -> int:
        """How many items fit into a connection between threads of this scope."""
        windows = sum(stage.sequencer.window for stage in self._stages.values())
        return max(SMALLEST_CAPACITY, windows + SPARE_CAPACITY)

    def _may_be_direct(self, link: Link) -> bool:
        producer = link.producer
        graph = self.graph
        alone = len(graph.links_from[producer]) == 1
        if link.recurrent or not alone or producer in self._always_queue or link.source._is_guarded():
            return False
        if isinstance(producer, ASingleCell):
            connected = len(graph.links_to.get(producer, ()))
            return len(producer.get_outputs()) == 1 and connected <= 1 and not self.units[producer].retries
        return True
