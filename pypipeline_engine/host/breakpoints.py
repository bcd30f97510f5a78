"""Conditions of breakpoints: an expression over a value of a stream, evaluated in the thread of the cell that brought it."""

from __future__ import annotations

from typing import Any

from pypipeline_engine.core.errors import describe_error
from pypipeline_engine.host.refusals import UNPROCESSABLE, Refused

NAMES = ("value", "item", "height", "width", "channels")
"""`value` is the value, `item` the number of the item from 0, the others say what the shape of an array is."""
_AXES = {"height": 0, "width": 1, "channels": 2}


class _Facts:
    """What the names mean. Only what is asked for is looked up."""

    def __init__(self, number: int, value: Any) -> None:
        self._number = number
        self._value = value

    def __getitem__(self, name: str) -> Any:
        if name == "value":
            return self._value
        if name == "item":
            return self._number
        shape = getattr(self._value, "shape", ())
        if len(shape) < 2:
            raise TypeError(f"a {type(self._value).__name__} with {len(shape)} dimensions has no {name}")
        axis = _AXES[name]
        return int(shape[axis]) if axis < len(shape) else 1


class Condition:
    """When a breakpoint pauses the run. Any thread may ask."""

    def __init__(self, text: str) -> None:
        """Compile a condition; an empty one always holds.

        :raises Refused: where it is no expression, with what is wrong.
        """
        from pypipeline_engine.expressions import ExpressionError, compile_expression

        self.text = text.strip()
        try:
            self._evaluate = compile_expression(self.text, NAMES) if self.text else None
        except ExpressionError as error:
            raise Refused(UNPROCESSABLE, f"condition: {error}") from error

    def holds(self, number: int, value: Any) -> bool:
        """Whether it is fulfilled by the value of the item with this number.

        :raises Exception: whatever comes of it, where it cannot be evaluated for this value.
        """
        if self._evaluate is None:
            return True
        result = self._evaluate(_Facts(number, value))  # type: ignore[arg-type]  # all it does is to look names up
        if getattr(result, "size", 1) != 1:
            shape = "x".join(map(str, result.shape))
            raise ValueError(f"it gives an array of {shape} and not one answer: use any(...) or all(...)")
        return bool(result)

    def explain(self, error: Exception) -> str:
        """Why it could not be evaluated."""
        return f"the condition {self.text!r} cannot be evaluated: {describe_error(error)}"
