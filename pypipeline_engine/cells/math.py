"""Cells that calculate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypipeline_engine.cell import ASingleCell
from pypipeline_engine.cellio import Input, Output, RuntimeParameter
from pypipeline_engine.expressions import compile_expression

if TYPE_CHECKING:
    from pypipeline_engine.cell import ICompositeCell
    from pypipeline_engine.cells.types import Number

_NAMES = ("a", "b", "c")


def _is_expression(text: str) -> bool:
    compile_expression(text, _NAMES)
    return True


class Expression(ASingleCell):
    """Calculates an expression such as `a * b + 1` or `sqrt(a) if b > 0 else c`. It may contain a, b, c, pi, e,
    numbers, + - * / // % **, comparisons, and, or, not, & | ^ ~ << >>, `x if condition else y`, and functions: abs,
    min, max, round, clip, sqrt, exp, log, log2, log10, sin, cos, tan, asin, acos, atan, atan2, hypot, floor, ceil,
    sign, isnan, where, and len, sum, mean, any, all of an array. Each of a, b and c may be connected, or be set to a
    value; arrays are calculated with element by element. May be scaled.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.a: RuntimeParameter[Number] = RuntimeParameter(self, "a", default_value=0, doc="The value of a.")
        self.b: RuntimeParameter[Number] = RuntimeParameter(self, "b", default_value=0, doc="The value of b.")
        self.c: RuntimeParameter[Number] = RuntimeParameter(self, "c", default_value=0, doc="The value of c.")
        self.expression: RuntimeParameter[str] = RuntimeParameter(
            self, "expression", _is_expression, default_value="a", doc="What to calculate, such as a * b + 1."
        )
        self.value: Output[Number] = Output(self, "value", doc="The value of the expression.")

    def _on_pull(self) -> None:
        evaluate = compile_expression(self.expression.pull(), _NAMES)
        # All three, whether the expression needs them or not, so that what is connected stays in step.
        self.value.set_value(evaluate({"a": self.a.pull(), "b": self.b.pull(), "c": self.c.pull()}))


class Multiply(ASingleCell):
    """Multiplies two numbers, or arrays element by element. May be scaled."""

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.a: Input[Number] = Input(self, "a", doc="The one factor.")
        self.b: Input[Number] = Input(self, "b", doc="The other factor.")
        self.value: Output[Number] = Output(self, "value", doc="The product.")

    def _on_pull(self) -> None:
        self.value.set_value(self.a.pull() * self.b.pull())


class Add(ASingleCell):
    """Adds two numbers, or arrays element by element. May be scaled."""

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.a: Input[Number] = Input(self, "a", doc="The one number.")
        self.b: Input[Number] = Input(self, "b", doc="The other number.")
        self.value: Output[Number] = Output(self, "value", doc="The sum.")

    def _on_pull(self) -> None:
        self.value.set_value(self.a.pull() + self.b.pull())
