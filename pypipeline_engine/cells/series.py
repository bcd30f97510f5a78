"""Cells for series of numbers, such as prices and measurements."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Any

from pypipeline_engine.cell import ASingleCell
from pypipeline_engine.cellio import Input, Output, RuntimeParameter
from pypipeline_engine.cells.checks import refuse, whole
from pypipeline_engine.exceptions import InvalidInputException

if TYPE_CHECKING:
    from pypipeline_engine.cell import ICompositeCell
    from pypipeline_engine.cells.types import Record


class Field(ASingleCell):
    """Takes one named value out of a row. May be scaled."""

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.row: Input[Record] = Input(self, "row", doc="Values by name, such as sources.Csv gives.")
        self.field_name: RuntimeParameter[str] = RuntimeParameter(self, "name", doc="The name of the value.")
        self.value: Output[Any] = Output(self, "value", doc="The value of that name.")

    def _on_pull(self) -> None:
        field_name = self.field_name.pull()
        row: Any = self.row.pull()
        if not isinstance(row, dict):
            refuse(self.row, "values by name", row, "sources.Csv gives them")
        if field_name not in row:
            known = ", ".join(map(repr, row)) or "none"
            raise InvalidInputException(
                f"{self.row.get_full_name()} has no value named {field_name!r}; it has: {known}"
            )
        self.value.set_value(row[field_name])


class MovingAverage(ASingleCell):
    """The mean of the last `window` values; of those there are, as long as there are fewer. Remembers values and cannot
    be scaled.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.value: Input[float] = Input(self, "value", doc="The series.")
        self.window: RuntimeParameter[int] = RuntimeParameter(
            self, "window", whole, default_value=20, minimum=1, unit="items", doc="How many values to take the mean of."
        )
        self.mean: Output[float] = Output(self, "value", doc="The mean.")
        self._values: deque[float] = deque()

    def supports_scaling(self) -> bool:
        """Never: it remembers values."""
        return False

    def _on_deploy(self) -> None:
        self._on_reset()

    def _on_reset(self) -> None:
        self._values = deque()

    def _on_pull(self) -> None:
        window = self.window.pull()
        self._values.append(_pull_number(self.value))
        while len(self._values) > window:
            self._values.popleft()
        # Summed up anew each time: a running sum drifts, and never recovers from an infinity or a NaN.
        self.mean.set_value(math.fsum(self._values) / len(self._values))


class Crossing(ASingleCell):
    """Tells where one series crosses another: 1 where `fast` rises above `slow`, -1 where it falls below, else 0.
    Touching is not crossing, and the first values do not cross. Remembers on which side the series was and cannot be
    scaled.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.fast: Input[float] = Input(self, "fast", doc="The series that crosses.")
        self.slow: Input[float] = Input(self, "slow", doc="The series that is crossed.")
        self.signal: Output[int] = Output(self, "signal", doc="1, -1 or 0.")
        self._side = 0

    def supports_scaling(self) -> bool:
        """Never: it remembers a side."""
        return False

    def _on_deploy(self) -> None:
        self._on_reset()

    def _on_reset(self) -> None:
        self._side = 0

    def _on_pull(self) -> None:
        fast, slow = _pull_number(self.fast), _pull_number(self.slow)
        side = (fast > slow) - (fast < slow)
        crosses = side * self._side < 0
        if side:
            self._side = side
        self.signal.set_value(side if crosses else 0)


def _pull_number(source: Input[float]) -> float:
    value: Any = source.pull()
    if isinstance(value, str | bytes):
        refuse(source, "a number", value)
    try:
        return float(value)
    except (TypeError, ValueError):
        refuse(source, "a number", value)
