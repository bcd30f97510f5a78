"""Looking at the items of a cell while it runs, for who watches: nothing of it exists for a cell that nobody looks at.

A unit reads what it has to run anew for every item. So a tap is another thing to run, which calls the cell's own code and
then looks at what that has set. It can come and go at any moment, in any thread, without another plan, whatever the channels
are that the values take afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

from pypipeline_engine.cell import ASingleCell
from pypipeline_engine.cellio import Input, Output
from pypipeline_engine.core.errors import describe_error, get_cell_of
from pypipeline_engine.core.monitor import Interrupted
from pypipeline_engine.core.units import Unit
from pypipeline_engine.core.values import UNSET
from pypipeline_engine.exceptions import ItemSkipped


@dataclass(slots=True, eq=False)  # not frozen, which takes longer to make
class TappedItem:
    """One item of a cell, as the cell has left it. The values are those of the pipeline: nobody may change them."""

    number: int
    """Counted from 0."""
    outputs: dict[str, Any]
    inputs: dict[str, list[Any]] = field(default_factory=dict)
    """By connected input, what was pulled for this item, where that was asked for."""


Look: TypeAlias = Callable[[TappedItem], None]
Fail: TypeAlias = Callable[[TappedItem, Exception], None]
"""Is given an item without outputs, and the error that the cell raised for it, which it must not keep."""


class Taps:
    """The taps of one deployment, by the full name of the cell. Not safe between threads: the crew has a lock for it."""

    def __init__(self) -> None:
        self.wanted: dict[str, tuple[Look | None, bool, Fail | None]] = {}
        """By the full name of a cell, what looks, whether it wants the inputs, and what looks at items that it fails at."""

    def change(
        self,
        name: str,
        look: Look | None,
        with_inputs: bool,
        fail: Fail | None,
        units: Mapping[ASingleCell, Unit],
    ) -> None:
        """Look at the items of a cell with `look`, and at those that it fails at with `fail`, instead of what did before;
        `None` for nothing.

        :param units: those that there are.
        """
        if look is None and fail is None:
            self.wanted.pop(name, None)
        else:
            self.wanted[name] = look, with_inputs or fail is not None, fail
        for cell, unit in units.items():
            if unit.name == name:
                self.attach(cell, unit)

    def attach(self, cell: ASingleCell, unit: Unit) -> None:
        """Have a unit looked at, or no more, as its cell is."""
        wanted = self.wanted.get(unit.name)
        outputs = [(output.get_name(), output) for output in cell.get_outputs() if isinstance(output, Output)]
        unit.tap(None if wanted is None else lambda body: partial(_run_and_look, *wanted, cell, unit, outputs, body))


def _run_and_look(
    look: Look | None,
    with_inputs: bool,
    fail: Fail | None,
    cell: ASingleCell,
    unit: Unit,
    outputs: Sequence[tuple[str, Output[Any]]],
    body: Callable[[], None],
) -> None:
    """Run the code of a cell once, and have the item looked at where it has brought one."""
    if not with_inputs:
        body()
        _look(look, cell, unit, outputs, {})
        return
    pulled: dict[str, list[Any]] = {}
    pulls = {io: io.pull for io in cell.get_inputs() if isinstance(io, Input) and io.is_connected()}
    try:
        for io, pull in pulls.items():  # nobody else pulls them, or plans anew, until this run is over
            io._bind(pull=_keep(pull, pulled.setdefault(io.get_name(), [])))
        try:
            body()
        except Exception as error:
            if fail is not None:
                _look_at_failure(fail, cell, unit, pulled, error)
            raise
        _look(look, cell, unit, outputs, pulled)
    finally:
        for io, pull in pulls.items():
            io._bind(pull=pull)
        del pulled  # an error and this frame would keep each other, and values, alive


def _keep(pull: Callable[[], Any], into: list[Any]) -> Callable[[], Any]:
    def pull_and_keep() -> Any:
        value = pull()
        into.append(value)
        return value

    return pull_and_keep


def _look_at_failure(fail: Fail, cell: ASingleCell, unit: Unit, inputs: dict[str, list[Any]], error: Exception) -> None:
    """Have an item looked at that the cell failed at by itself; gaps, ends and errors from upstream are none."""
    if isinstance(error, ItemSkipped | StopIteration | Interrupted) or get_cell_of(error) not in (None, unit.name):
        return
    try:
        fail(TappedItem(unit.get_item_number(), {}, inputs), error)
    except Exception as other:  # as in `_look`
        cell.logger.error("an item of %s could not be looked at: %s", cell.get_full_name(), describe_error(other))


def _look(
    look: Look | None,
    cell: ASingleCell,
    unit: Unit,
    outputs: Sequence[tuple[str, Output[Any]]],
    inputs: dict[str, list[Any]],
) -> None:
    if look is None:
        return
    values: dict[str, Any] = {}
    for name, output in outputs:
        values[name] = value = output._read()
        if value is UNSET:
            return  # the unit will say so
    try:
        look(TappedItem(unit.get_item_number(), values, inputs))
    except Exception as error:  # to be looked at must never be what a cell fails of
        cell.logger.error("an item of %s could not be looked at: %s", cell.get_full_name(), describe_error(error))
