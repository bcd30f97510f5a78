"""What crosses the border of a clone in another process, by the cell inside that it belongs to.

All that is known here of an item of such a clone is what it takes and what it gives. Of a single cell that is everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pypipeline_engine.cell import ASingleCell, ScalableCell
from pypipeline_engine.cellio import IO, Input, Output, OutputPort
from pypipeline_engine.core.counters import DeadLetter
from pypipeline_engine.core.errors import describe_error, get_cell_of
from pypipeline_engine.core.values import END, Outcome
from pypipeline_engine.exceptions import ItemSkipped, PipelineException
from pypipeline_engine.runtime.flatten import is_wanted
from pypipeline_engine.runtime.taps import Fail, Look, TappedItem


class SkippedElsewhere(PipelineException):
    """Stands for the error because of which a cell in another process has skipped an item: its type and message."""

    describes_another = True


@dataclass
class _Crossing:
    """What of a cell crosses the border."""

    outputs: dict[str, int] = field(default_factory=dict)
    """By output, the place of its value in a result."""
    inputs: dict[str, int] = field(default_factory=dict)
    """By connected input, the place of its value in what is given; empty where some of them do not come from outside."""


class Border:
    """The cells whose outputs leave a scaled cell, and the taps at them. For any thread: taps are replaced as a whole."""

    def __init__(self, cell: ScalableCell, input_names: Sequence[str], output_names: Sequence[str]) -> None:
        """Find out what crosses.

        :param input_names: the ports of what is given for each item.
        :param output_names: the ports of what each result has.
        """
        self._cell = cell
        self._crossings: dict[str, _Crossing] = {}
        for place, name in enumerate(output_names):
            source = _find_source(cell.get_output(name))
            if source is not None:
                crossing = self._crossings.setdefault(source.get_cell().get_full_name(), _Crossing())
                crossing.outputs[source.get_name()] = place
        targets = {
            target: place for place, name in enumerate(input_names) for target in _find_targets(cell.get_input(name))
        }
        for inner in cell._get_cells_recursively():
            known = self._crossings.get(inner.get_full_name()) if isinstance(inner, ASingleCell) else None
            connected = [io for io in inner.get_inputs() if isinstance(io, Input) and io.is_connected()]
            if known is not None and all(io in targets for io in connected):
                known.inputs = {io.get_name(): targets[io] for io in connected}
        self._looks: Mapping[str, tuple[Look | None, bool, Fail | None]] = {}

    def tap(self, looks: Mapping[str, tuple[Look | None, bool, Fail | None]]) -> None:
        """Have items looked at, and others no more.

        :param looks: by the full name of a single cell, what looks, whether it wants the inputs, and what looks at items
            that the cell fails at.
        """
        self._looks = {name: wanted for name, wanted in looks.items() if name in self._crossings}

    @property
    def is_tapped(self) -> bool:
        """Whether anybody looks."""
        return bool(self._looks)

    def look(self, number: int, values: Any, result: Any, letters: Sequence[DeadLetter]) -> None:
        """Have one item looked at by whoever wants to; a gap or the end is none.

        :param number: of the item, from 0.
        :param values: what was given for it.
        :param result: what came of it.
        :param letters: tell, among others, which cell has skipped it because of what.
        """
        if result is END:
            return
        for name, (look, with_inputs, fail) in self._looks.items():
            crossing = self._crossings[name]
            outputs = {port: result[place] for port, place in crossing.outputs.items()}
            inputs = {port: [values[place]] for port, place in crossing.inputs.items()} if with_inputs else {}
            outcome = next((value for value in outputs.values() if value.__class__ is Outcome), None)
            try:
                if outcome is None:
                    if look is not None:
                        look(TappedItem(number, outputs, inputs))
                elif fail is not None and inputs:
                    failure = _find_failure(name, number, outcome.error, letters)
                    if failure is not None:
                        fail(TappedItem(number, {}, inputs), failure)
            except Exception as error:  # to be looked at must never be what a cell fails of
                self._cell.logger.error("an item of %s could not be looked at: %s", name, describe_error(error))


def _find_failure(name: str, number: int, error: Any, letters: Sequence[DeadLetter]) -> Exception | None:
    """What a cell failed at; `None` where that was another cell, or only a gap."""
    if isinstance(error, ItemSkipped):
        letter = next((letter for letter in letters if (letter.cell, letter.item) == (name, number)), None)
        return SkippedElsewhere(letter.error) if letter is not None else None
    return error if isinstance(error, Exception) and get_cell_of(error) == name else None


def leaves(output: Output[Any], cell: ScalableCell) -> bool:
    """Whether the values of an output inside of `cell` are brought out of it by its clones."""
    ports = [io for io in cell.get_outputs() if isinstance(io, OutputPort) and is_wanted(io)]
    return any(_find_source(port) is output for port in ports)


def _find_source(io: IO[Any]) -> Output[Any] | None:
    """The output of a single cell whose values leave through a port."""
    while not isinstance(io, Output):
        incoming = io.get_incoming_connections()
        if not incoming:
            return None
        io = incoming[0].get_source()
    return io


def _find_targets(io: IO[Any]) -> list[Input[Any]]:
    """The inputs of single cells that get what comes in by a port."""
    if isinstance(io, Input):
        return [io]
    found = []
    for connection in io.get_outgoing_connections():
        found += _find_targets(connection.get_target())
    return found
