"""The tree of cells of a pipeline as a flat graph: what runs, and which output each input reads.

Composite cells and ports vanish; a scaled cell stays as one node, and what is inside of it is a graph of its own for each
clone. The one exception is a cell that cannot be scaled and has one clone: its cells stay in the graph, and the thread of
the clone is the one that pulls them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from pypipeline_engine.cell import ACell, ACompositeCell, ASingleCell, RayCloneCell, ScalableCell
from pypipeline_engine.cellio import IO, Input, InputPort, Output, OutputPort, TargetEnd
from pypipeline_engine.core.values import UNSET
from pypipeline_engine.exceptions import InternalError


@dataclass(frozen=True, eq=False)
class Link:
    """An input, and the output that it reads."""

    source: IO[Any]
    """An `Output`, an `OutputPort` of a scaled cell, or an `InputPort` of the scope's root."""
    target: IO[Any]
    """An `Input`, an `InputPort` of a scaled cell, an `OutputPort` of the scope's root, or one of a scaled cell whose own
    thread pulls what is inside."""
    reader: ACell
    """The cell that reads: a single cell, a scaled cell, or the scope's root."""
    producer: ACell
    """The cell that is read: a single cell, a scaled cell, or the scope's root."""
    through: tuple[IO[Any], ...] = ()
    """The ports between, from the target back to the source."""
    initial_value: Any = UNSET
    """What a recurrent link delivers first."""

    @property
    def recurrent(self) -> bool:
        """Whether the link closes a cycle."""
        return self.initial_value is not UNSET


@dataclass
class FlatGraph:
    """What one scope consists of: the whole pipeline but for the inside of its scaled cells, or the inside of a clone."""

    root: ACell
    is_clone: bool = False
    """Whether the root is a scaled cell, of which this is the inside."""
    inline: Collection[ACell] = ()
    """Scaled cells that run inline here, whatever they ask for."""
    cells: list[ASingleCell] = field(default_factory=list)
    stages: list[ScalableCell] = field(default_factory=list)
    own_thread: dict[ACell, ScalableCell] = field(default_factory=dict)
    """Single cells and stages that the thread of a clone pulls within this scope, with the stage it is the clone of."""
    links: list[Link] = field(default_factory=list)
    nodes: list[ACell] = field(default_factory=list)
    """Single cells and stages, in the order of their declaration."""
    links_to: dict[ACell, list[Link]] = field(default_factory=dict)
    """The links by the cell that reads."""
    links_from: dict[ACell, list[Link]] = field(default_factory=dict)
    """The links by the cell that is read."""

    def add(self, link: Link) -> None:
        """Add a link."""
        self.links.append(link)
        self.links_to.setdefault(link.reader, []).append(link)
        self.links_from.setdefault(link.producer, []).append(link)

    def is_stage(self, cell: ACell) -> bool:
        """Whether `cell` divides its stream over clones, or has a thread of its own, in this scope."""
        if not isinstance(cell, ScalableCell) or not cell.get_nb_clones():
            return False
        return cell not in self.inline and not (self.is_clone and cell is self.root)

    def find_sinks(self) -> set[ACell]:
        """What is to be pulled so that everything runs: nodes that nobody reads, and one of each cycle that nobody needs."""
        sinks = {node for node in self.nodes if not self.links_from.get(node)}
        needed = self.get_upstream([*sinks, self.root])
        for node in self.nodes:
            if node not in needed and all(link.recurrent for link in self.links_from[node]):
                sinks.add(node)
                needed |= self.get_upstream([node])
        return sinks

    def find_ends(self, cell: ScalableCell) -> list[ACell]:
        """What a clone of `cell` pulls, or would pull, of what is inside and no other clone pulls: nodes that are read from
        outside, or not at all.
        """
        inside = set(cell._get_cells_recursively()) - {cell}

        def is_end(node: ACell) -> bool:
            links = self.links_from.get(node, ())
            return all(link.recurrent for link in links) or any(link.reader not in inside for link in links)

        return [
            node for node in self.nodes if node in inside and self.own_thread.get(node) not in inside and is_end(node)
        ]

    def find_stages_on_cycles(self) -> list[ScalableCell]:
        """The scaled cells whose results come round to them again."""
        return [
            stage
            for stage in self.stages
            if stage in self.get_upstream([link.producer for link in self.links_to.get(stage, ())])
        ]

    def get_upstream(self, nodes: Iterable[ACell]) -> set[ACell]:
        """`nodes` and everything that they depend on."""
        found = set(nodes)
        pending = list(found)
        while pending:
            for link in self.links_to.get(pending.pop(), ()):
                if link.producer not in found:
                    found.add(link.producer)
                    pending.append(link.producer)
        return found


def is_wanted(port: OutputPort[Any]) -> bool:
    """Whether somebody reads an output port of a scaled cell: another cell, or whoever pulls it as a pipeline of its own."""
    return bool(port.get_nb_outgoing_connections()) or port.get_cell().get_parent_cell() is None


def pulls_its_inside(stage: ScalableCell) -> bool:
    """Whether the one clone of `stage` is a thread that pulls the inner cell as it is, and not a copy fed by tickets."""
    return not (stage.get_nb_clones(RayCloneCell) or stage.get_inner_cell().supports_scaling())


def flatten(root: ACell, wanted_outputs: Iterable[str] | None = None, inline: Collection[ACell] = ()) -> FlatGraph:
    """The graph of what is inside `root`, or of `root` alone where it is a single cell.

    :param wanted_outputs: the output ports of the root that are read; `None` for all that are connected inside.
    :param inline: scaled cells that are to run inline, whatever they ask for.
    """
    graph = FlatGraph(root, is_clone=wanted_outputs is not None, inline=inline)
    _collect(root, graph, None)
    for cell in graph.cells:
        for io in cell.get_inputs():
            if isinstance(io, Input) and io.is_connected():
                graph.add(_trace(io, cell, graph))
    for stage in graph.stages:
        inside = pulls_its_inside(stage)
        ports = stage.get_outputs() if inside else stage.get_inputs()
        for port in ports:
            if isinstance(port, InputPort) or (isinstance(port, OutputPort) and is_wanted(port)):
                graph.add(_trace(port, stage, graph))
    wanted = None if wanted_outputs is None else set(wanted_outputs)
    for output in () if root in graph.stages else root.get_outputs():
        if isinstance(output, OutputPort) and output.is_connected() and (wanted is None or output.get_name() in wanted):
            graph.add(_trace(output, root, graph))
    return graph


def _collect(cell: ACell, graph: FlatGraph, own_thread: ScalableCell | None) -> None:
    """Collect what runs in `cell`, in the order of declaration."""
    if isinstance(cell, ASingleCell):
        graph.cells.append(cell)
        graph.nodes.append(cell)
    elif isinstance(cell, ScalableCell) and graph.is_stage(cell):
        graph.stages.append(cell)
        graph.nodes.append(cell)
        if pulls_its_inside(cell):
            _collect(cell.get_inner_cell(), graph, cell)
    elif isinstance(cell, ACompositeCell):
        for inner in cell.get_internal_cells():
            _collect(inner, graph, own_thread)
        return
    if own_thread is not None:
        graph.own_thread[cell] = own_thread


def _trace(target: TargetEnd[Any], reader: ACell, graph: FlatGraph) -> Link:
    """Follow the connections from `target` upstream to what gives it its values."""
    through: list[IO[Any]] = []
    initial_value: Any = UNSET
    io: IO[Any] = target
    while True:
        connection = io.get_incoming_connections()[0]
        source = connection.get_source()
        if connection.is_recurrent() and initial_value is UNSET:
            initial_value = source.get_initial_value()
        cell = source.get_cell()
        at_border = (
            isinstance(source, Output)
            or (isinstance(source, InputPort) and cell is graph.root)
            or (isinstance(source, OutputPort) and graph.is_stage(cell))
        )
        if at_border:
            return Link(source, target, reader, cell, tuple(through), initial_value)
        if not isinstance(source, InputPort | OutputPort):
            raise InternalError(
                f"{target.get_full_name()} is connected to {source.get_full_name()}, which is no output"
            )
        through.append(source)
        io = source
