"""An item that a breakpoint holds: the values themselves, and what is told of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pypipeline_engine.host.looking import HeldInfo
from pypipeline_engine.host.summaries import summarize

if TYPE_CHECKING:
    from pypipeline_engine.host.ports import Place
    from pypipeline_engine.runtime.taps import TappedItem

MOST_INPUTS_TOLD = 16


@dataclass(frozen=True, eq=False)
class Held:
    """An item that is held, with the values themselves."""

    number: int
    """Which one of the run, from 1."""
    cell: str
    port: str
    condition: str
    place: Place
    item: TappedItem
    nb_bytes: int

    def get_value(self, port: str, side: str) -> Any:
        """The value of an output or an input of the cell.

        :param side: `output` or `input`; empty for the output, and where there is none of that name for the input.
        :raises KeyError: where there is no such value.
        """
        if side != "input" and port in self.item.outputs:
            return self.item.outputs[port]
        if side != "output" and self.item.inputs.get(port):
            return self.item.inputs[port][0]
        raise KeyError(port)

    def summarize(self) -> HeldInfo:
        """What is told of it. Takes a while."""
        return HeldInfo(
            held=self.number,
            cell=self.cell,
            port=self.port,
            condition=self.condition,
            item=self.item.number,
            inputs={
                name: tuple(map(summarize, values[:MOST_INPUTS_TOLD])) for name, values in self.item.inputs.items()
            },
            outputs={name: summarize(value) for name, value in self.item.outputs.items()},
        )
