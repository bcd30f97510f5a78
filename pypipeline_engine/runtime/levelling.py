"""Bringing the cells inside of a composite to one level, so that it can get its first clone.

While a composite runs inline, each cell inside of it has done as many items as somebody wanted of it: a cell with clones of
its own runs ahead, and what it brought waits in queues between the cells. A clone has all of its cells work on one item, and
there is no place for such queues. So those cells that are behind are run, sources first, until all have done as many as the
one that is furthest. What they bring to readers outside waits there.

How far a cell is behind another one can be told from what waits between them. The clone of a composite that cannot be scaled
pulls its inside as it is: there only what it pulls together has to be at one level.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

from pypipeline_engine.cell import ACell, ScalableCell
from pypipeline_engine.core.monitor import Interrupted, Monitor
from pypipeline_engine.core.units import LARGEST_LAG
from pypipeline_engine.exceptions import InvalidStateException
from pypipeline_engine.runtime.flatten import Link, pulls_its_inside
from pypipeline_engine.runtime.scope import Scope

N = TypeVar("N", bound=Hashable)


class UnevenError(ValueError):
    """A reader has not taken as many values through one of its connections as through another one."""

    def __init__(self, reader: Hashable) -> None:
        super().__init__(f"{reader} takes more of one than of another")
        self.reader = reader


def find_lags(nodes: Iterable[N], waiting: Iterable[tuple[Hashable, N, int]], numbers: Mapping[N, int]) -> dict[N, int]:
    """How many items each of `nodes` is behind the furthest one.

    :param waiting: producer, reader and the number of values that wait between them. A producer that is none of the nodes
        relates its readers to each other.
    :param numbers: how many items nodes have done. Relates those that have no connection; left out where it says nothing.
    :raises UnevenError: where `waiting` contradicts itself.
    """
    nodes = list(nodes)
    groups = _find_groups(nodes, waiting)
    # A cell that does not run for every item has a smaller number than those it is connected with.
    starts = [
        max((numbers[node] - level for node, level in group.items() if node in numbers), default=0) for group in groups
    ]
    tops = [max(group.values()) for group in groups]
    furthest = max((start + top for start, top in zip(starts, tops, strict=True)), default=0)
    lags: dict[N, int] = {}
    for group, start, top in zip(groups, starts, tops, strict=True):
        # What is further apart than a queue may be long does not come in pairs.
        ahead = furthest - start - top if numbers else 0
        lag = ahead if ahead < LARGEST_LAG else 0
        lags.update((node, top - level + lag) for node, level in group.items())
    return lags


def _find_groups(nodes: Sequence[N], waiting: Iterable[tuple[Hashable, N, int]]) -> list[dict[N, int]]:
    """The nodes that are related by what waits, each with its level above that of some node of its group."""
    related: dict[Hashable, list[tuple[Hashable, int]]] = {node: [] for node in nodes}
    for producer, reader, number in waiting:
        related.setdefault(producer, []).append((reader, -number))
        related[reader].append((producer, number))
    groups: list[dict[N, int]] = []
    levels: dict[Hashable, int] = {}
    for root in nodes:
        if root in levels:
            continue
        levels[root] = 0
        pending: list[Hashable] = [root]
        for one in pending:
            for other, difference in related[one]:
                if levels.setdefault(other, levels[one] + difference) != levels[one] + difference:
                    raise UnevenError(one if difference > 0 else other)
                if other not in pending:
                    pending.append(other)
        groups.append({node: levels[node] for node in nodes if node in pending})
    return groups


class Levelling:
    """What has to be done in a scope before some scaled cells in it get their first clones."""

    def __init__(self, scope: Scope, monitor: Monitor, composites: Sequence[ScalableCell]) -> None:
        """Look at the plan that there is.

        :param composites: the cells that are to get their first clones.
        """
        self._scope = scope
        self._monitor = monitor
        copied = [cell for cell in composites if not pulls_its_inside(cell)]
        on_cycles = self._find_on_cycles_with(composites)
        self._has_stages = not _find_inside(copied).isdisjoint(scope.stages)
        self._groups = [[*composites, *on_cycles]] if on_cycles else [[cell] for cell in composites]
        """The cells of which the insides have to be at one level."""
        self.inline = {*composites}.union(*map(_find_scalable_cells, [*copied, *on_cycles]))
        """Scaled cells that have to run inline for it: all of what will be copied, and those on a cycle with it, which bring
        no result while it rests."""
        self.alone = {one for cell in (*composites, *on_cycles) for one in cell._get_cells_recursively()}
        """What is run by itself for it."""

    def _find_on_cycles_with(self, composites: Sequence[ScalableCell]) -> set[ScalableCell]:
        graph = self._scope.graph
        inside = _find_inside(composites).intersection(graph.nodes)
        upstream = graph.get_upstream(inside)
        return {
            stage
            for stage in self._scope.stages
            if stage in upstream and stage not in inside and not graph.get_upstream([stage]).isdisjoint(inside)
        }

    # ------------------------------------------------------------------ who is behind

    def is_level(self) -> bool:
        """Whether nothing has to be done.

        :raises InvalidStateException: where it cannot be done.
        """
        return not self._has_stages and not any(any(self._find_lags(group).values()) for group in self._groups)

    def _find_lags(self, group: Sequence[ScalableCell]) -> dict[ACell, int]:
        scope, graph = self._scope, self._scope.graph
        copied = [cell for cell in group if not pulls_its_inside(cell)]
        cells = _find_inside(copied)
        inside = [node for node in graph.nodes if node in cells]
        waiting = [
            (_get_origin(link, cells, copied), link.reader, scope.get_nb_waiting(link))
            for node in inside
            for link in graph.links_to.get(node, ())
            if not scope.has_ended(link.reader)  # which may have taken something for its last run
        ]
        for cell in group:
            if cell not in copied:  # what waits inside stays there; but what it brings together has to be as far
                inside += graph.find_ends(cell)
        if len(inside) < 2:
            return {}
        numbers = {node: scope.get_number(node) for node in inside} if scope.counts_agree else {}
        try:
            return find_lags(inside, waiting, numbers)
        except UnevenError as error:
            assert isinstance(error.reader, ACell)
            raise InvalidStateException(
                f"{group[0].get_full_name()} cannot get its first clone while it is deployed: "
                f"{error.reader.get_full_name()}, inside of it, has not taken as many values from one of its inputs as from "
                f"another, which a clone has to do with every item; undeploy() before"
            ) from None

    # ------------------------------------------------------------------ doing it

    def find_upstream(self) -> set[ACell]:
        """What has to work while cells are run by themselves."""
        graph = self._scope.graph
        return graph.get_upstream([node for node in graph.nodes if node in self.alone])

    def run(self) -> None:
        """Run the cells that are behind. What `find_upstream` tells works, and the rest rests.

        :raises InvalidStateException: where it cannot be done.
        """
        order = self._scope.get_order()
        # Those further downstream first: they pull what is further up, and not the other way round.
        for group in sorted(self._groups, key=lambda group: _find_first(group, order), reverse=True):
            lags = self._find_lags(group)
            for node in order:
                if lags.get(node):
                    self._run(node, self._scope.get_number(node) + lags[node])

    def _run(self, node: ACell, wanted: int) -> None:
        """Run a node until it has done so many items, or has ended."""
        scope = self._scope
        turn = scope.get_turn(node)
        while scope.get_number(node) < wanted:
            if turn is not None:
                turn.take()
            try:
                if self._monitor.interrupted:
                    raise Interrupted
                outcome = scope.get_run(node)()
            except StopIteration:
                return
            except Interrupted:
                raise
            except BaseException:  # Ctrl-C, which costs the item
                scope.note_step(node, None)
                raise
            finally:
                if turn is not None:
                    turn.give()
            scope.note_step(node, outcome)


def _find_inside(composites: Iterable[ScalableCell]) -> set[ACell]:
    return {one for cell in composites for one in cell._get_cells_recursively() if one is not cell}


def _find_first(group: Sequence[ScalableCell], order: Sequence[ACell]) -> int:
    inside = _find_inside(group)
    return next((index for index, node in enumerate(order) if node in inside), -1)


def _find_scalable_cells(cell: ScalableCell) -> set[ScalableCell]:
    return {one for one in cell._get_cells_recursively() if isinstance(one, ScalableCell)}


def _get_origin(link: Link, cells: Collection[ACell], composites: Collection[ScalableCell]) -> Hashable:
    """Where the values of a connection come from, as seen from `cells`, inside of `composites`: one of them, or a port."""
    if link.producer in cells:
        return link.producer
    return next((port for port in link.through if port.get_cell() in composites), link.source)
