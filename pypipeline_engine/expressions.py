"""Arithmetic expressions in text that comes from anywhere: a graph file, a field in a form, a request.

Guarantees: an expression only computes. It consists of names that the caller allows, numbers, arithmetic, comparisons,
`and`, `or`, `not`, `x if condition else y`, and the functions in `FUNCTIONS`; it has no attributes, indices, text or
other calls, and is never given to `eval`. Its size is bounded, and so are powers, shifts and digits: no text takes long
or much memory. Arrays cost what numpy needs for arrays of their size.

Compiled expressions are pure functions: any thread may use them.
"""

from __future__ import annotations

import ast
import difflib
import math
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache, reduce
from typing import Any, NamedTuple, TypeAlias

import numpy as np

MAX_LENGTH = 1000
MAX_DEPTH = 60
MAX_BITS = 4096
"""The largest whole number that a power or a shift may give, in bits."""

Evaluator: TypeAlias = Callable[[Mapping[str, Any]], Any]
"""Takes the value of each name, and returns that of the expression."""


class ExpressionError(ValueError):
    """A text that is not an expression, or a value that an expression cannot calculate with."""


@lru_cache(maxsize=256)
def compile_expression(text: str, names: tuple[str, ...]) -> Evaluator:
    """Make a function of `text`, in which `names` may occur.

    Numbers behave as in Python, arrays (and numpy's own numbers) as in numpy. The function raises what they raise, such
    as `ZeroDivisionError`, and `ExpressionError` for a value that is neither a number nor an array of numbers.

    :raises ExpressionError: if the text is not an expression, or a part without names has no value, as in `1 / 0`.
    """
    if not isinstance(text, str):
        raise ExpressionError(f"an expression is a text, not {text!r}")
    if not text.strip():
        raise ExpressionError("the expression is empty")
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"the expression has {len(text)} characters; {MAX_LENGTH} are allowed")
    source = " ".join(text.split())
    try:
        tree = ast.parse(source, mode="eval")
    except SyntaxError as error:
        raise ExpressionError(f"{source!r} is not an expression: {error.msg} at position {error.offset}") from error
    except (ValueError, MemoryError, RecursionError) as error:
        raise ExpressionError(f"{source[:40]!r}... is not an expression: {error or type(error).__name__}") from error
    return _Compiler(source, names).compile(tree.body, 0).evaluate


# ---------------------------------------------------------------------- values


def _is_array(value: object) -> bool:
    return isinstance(value, np.ndarray | np.generic)


def _check_number(value: Any) -> None:
    """Raise unless `value` is a real number or an array of them."""
    if isinstance(value, int | float) or (_is_array(value) and value.dtype.kind in "biuf"):
        return
    of = f" of {value.dtype}" if _is_array(value) else ""
    raise ExpressionError(f"cannot calculate with a value of the type {type(value).__name__}{of}: a number is expected")


def _check_numbers(*values: Any) -> None:
    for value in values:
        _check_number(value)
    if any(map(_is_array, values)) and any(type(value) is int and value.bit_length() > 63 for value in values):
        # numpy would go on with Python's whole numbers, for which the bounds below are not checked.
        raise ExpressionError("an array cannot be combined with a whole number of more than 63 bits")


def _arithmetic(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def apply(left: Any, right: Any) -> Any:
        if not (isinstance(left, int | float) and isinstance(right, int | float)):
            _check_numbers(left, right)
        return function(left, right)

    return apply


def _power(base: Any, exponent: Any) -> Any:
    _check_numbers(base, exponent)
    if isinstance(base, int) and isinstance(exponent, int) and abs(base) > 1:
        _check_bits(base.bit_length() * exponent, "power")
    result = base**exponent
    if isinstance(result, complex):
        raise ExpressionError(f"{base} ** {exponent} is not a real number")
    return result


def _shift_left(value: Any, places: Any) -> Any:
    _check_numbers(value, places)
    if isinstance(value, int) and isinstance(places, int):
        _check_bits(value.bit_length() + places, "shift")
    return value << places


def _check_bits(bits: int, what: str) -> None:
    if bits > MAX_BITS:
        raise ExpressionError(f"the result of the {what} has more than the {MAX_BITS} bits that are allowed")


def _elementwise(scalar: Callable[..., Any], array: Callable[..., Any]) -> Callable[..., Any]:
    """A function that is `scalar` for Python's numbers and `array` where one of its values is numpy's."""

    def apply(*values: Any) -> Any:
        _check_numbers(*values)
        return array(*values) if any(map(_is_array, values)) else scalar(*values)

    return apply


def _as_array(value: Any) -> Any:
    array = np.asarray(value)
    _check_number(array)
    return array


def _reduction(several: Callable[..., Any], function: Callable[[Any], Any]) -> Callable[..., Any]:
    """A function of one array or list, or of `several` values."""
    return lambda *values: several(*values) if len(values) > 1 else function(_as_array(values[0]))


def _over_all(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: function(_as_array(value))


def _round(value: Any, digits: Any = None) -> Any:
    _check_number(value)
    if digits is not None and not (isinstance(digits, int) and abs(digits) <= 300):
        raise ExpressionError(f"round expects a whole number of digits from -300 to 300, not {digits!r}")
    return np.round(value, digits or 0) if _is_array(value) else round(value, digits)


def _length(value: Any) -> int:
    try:
        return len(value)
    except TypeError as error:
        raise ExpressionError(f"a value of the type {type(value).__name__} has no length") from error


_minimum = _elementwise(min, lambda *values: reduce(np.minimum, values))
_maximum = _elementwise(max, lambda *values: reduce(np.maximum, values))


class _Function(NamedTuple):
    call: Callable[..., Any]
    least: int = 1
    most: int = 1


FUNCTIONS: Mapping[str, _Function] = {
    "abs": _Function(_elementwise(abs, np.abs)),
    "acos": _Function(_elementwise(math.acos, np.arccos)),
    "all": _Function(_over_all(np.all)),
    "any": _Function(_over_all(np.any)),
    "asin": _Function(_elementwise(math.asin, np.arcsin)),
    "atan": _Function(_elementwise(math.atan, np.arctan)),
    "atan2": _Function(_elementwise(math.atan2, np.arctan2), 2, 2),
    "ceil": _Function(_elementwise(math.ceil, np.ceil)),
    "clip": _Function(lambda value, low, high: _minimum(_maximum(value, low), high), 3, 3),
    "cos": _Function(_elementwise(math.cos, np.cos)),
    "exp": _Function(_elementwise(math.exp, np.exp)),
    "floor": _Function(_elementwise(math.floor, np.floor)),
    "hypot": _Function(_elementwise(math.hypot, np.hypot), 2, 2),
    "isnan": _Function(_elementwise(math.isnan, np.isnan)),
    "len": _Function(_length),
    "log": _Function(_elementwise(math.log, lambda x, base=math.e: np.log(x) / np.log(base)), 1, 2),
    "log10": _Function(_elementwise(math.log10, np.log10)),
    "log2": _Function(_elementwise(math.log2, np.log2)),
    "max": _Function(_reduction(_maximum, np.max), 1, 20),
    "mean": _Function(_over_all(np.mean)),
    "min": _Function(_reduction(_minimum, np.min), 1, 20),
    "round": _Function(_round, 1, 2),
    "sign": _Function(_elementwise(lambda x: math.copysign(1, x) if x else x, np.sign)),
    "sin": _Function(_elementwise(math.sin, np.sin)),
    "sqrt": _Function(_elementwise(math.sqrt, np.sqrt)),
    "sum": _Function(_over_all(np.sum)),
    "tan": _Function(_elementwise(math.tan, np.tan)),
    "where": _Function(_elementwise(lambda condition, x, y: x if condition else y, np.where), 3, 3),
}
"""What may be called. Python's and numpy's functions of these names; `min` and `max` take an array or several values;
`where(condition, x, y)` chooses element by element."""

CONSTANTS: Mapping[str, float] = {"pi": math.pi, "e": math.e}

_BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: _arithmetic(operator.add),
    ast.Sub: _arithmetic(operator.sub),
    ast.Mult: _arithmetic(operator.mul),
    ast.Div: _arithmetic(operator.truediv),
    ast.FloorDiv: _arithmetic(operator.floordiv),
    ast.Mod: _arithmetic(operator.mod),
    ast.Pow: _power,
    ast.LShift: _shift_left,
    ast.RShift: _arithmetic(operator.rshift),
    ast.BitAnd: _arithmetic(operator.and_),
    ast.BitOr: _arithmetic(operator.or_),
    ast.BitXor: _arithmetic(operator.xor),
}

_UNARY: Mapping[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    # Python 3.12 and later warn about truth values here, of which the inverse is that of the number 0 or 1.
    ast.Invert: lambda value: ~int(value) if value.__class__ is bool else ~value,
}

_COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}

_REFUSED: Mapping[type[ast.AST], str] = {
    ast.Attribute: "attributes",
    ast.Subscript: "indices",
    ast.Lambda: "functions of its own",
    ast.NamedExpr: "assignments",
    ast.JoinedStr: "text",
    ast.Tuple: "tuples",
    ast.List: "lists",
    ast.Set: "sets",
    ast.Dict: "dictionaries",
    ast.ListComp: "loops",
    ast.SetComp: "loops",
    ast.DictComp: "loops",
    ast.GeneratorExp: "loops",
    ast.Starred: "stars",
    ast.Is: "'is'",
    ast.IsNot: "'is'",
    ast.In: "'in'",
    ast.NotIn: "'in'",
    ast.MatMult: "matrix products",
}


# ---------------------------------------------------------------------- compiler


class _Part(NamedTuple):
    """A part of an expression. A constant one has been evaluated already."""

    evaluate: Evaluator
    is_constant: bool


class _Compiler:
    """Turns the syntax tree of one expression into closures."""

    def __init__(self, source: str, names: tuple[str, ...]) -> None:
        self._source = source
        self._names = names

    def compile(self, node: ast.expr, depth: int) -> _Part:
        """The part that `node` stands for, at this depth of the tree."""
        if depth > MAX_DEPTH:
            raise ExpressionError(f"the expression is nested deeper than the {MAX_DEPTH} levels that are allowed")
        match node:
            case ast.Constant():
                return self._constant(node)
            case ast.Name():
                return self._name(node)
            case ast.BinOp():
                operands = [self.compile(node.left, depth + 1), self.compile(node.right, depth + 1)]
                return self._apply(node, self._find(_BINARY, node.op), operands)
            case ast.UnaryOp(op=ast.Not()):
                return self._apply(node, operator.not_, [self.compile(node.operand, depth + 1)])
            case ast.UnaryOp():
                function = self._find(_UNARY, node.op)
                return self._apply(node, _elementwise(function, function), [self.compile(node.operand, depth + 1)])
            case ast.Compare():
                return self._compare(node, depth)
            case ast.BoolOp():
                return self._choose(node, [self.compile(value, depth + 1) for value in node.values])
            case ast.IfExp():
                return self._condition(node, depth)
            case ast.Call():
                return self._call(node, depth)
            case _:
                raise self._refusal(node)

    def _constant(self, node: ast.Constant) -> _Part:
        value = node.value
        if isinstance(value, bool | int | float):
            return _Part(lambda values: value, True)
        what = {str: "text", bytes: "text", complex: "complex numbers"}.get(type(value), repr(value))
        raise ExpressionError(f"an expression cannot contain {what}: {self._quote(node)}")

    def _name(self, node: ast.Name) -> _Part:
        name = node.id
        if name in self._names:
            return _Part(operator.itemgetter(name), False)
        if name in CONSTANTS:
            value = CONSTANTS[name]
            return _Part(lambda values: value, True)
        if name in FUNCTIONS:
            raise ExpressionError(f"{name} is a function: write {name}(...)")
        known = (*self._names, *CONSTANTS)
        raise ExpressionError(f"unknown name {name!r}; known are {', '.join(known)}{self._suggest(name, known)}")

    def _call(self, node: ast.Call, depth: int) -> _Part:
        if not isinstance(node.func, ast.Name):
            raise ExpressionError(f"only listed functions can be called, not {self._quote(node.func)}")
        name = node.func.id
        function = FUNCTIONS.get(name)
        if function is None:
            hint = self._suggest(name, tuple(FUNCTIONS))
            raise ExpressionError(f"unknown function {name!r}; known are {', '.join(FUNCTIONS)}{hint}")
        if node.keywords:
            raise ExpressionError(f"functions take values without names: {self._quote(node)}")
        number = len(node.args)
        if not function.least <= number <= function.most:
            allowed = str(function.least) if function.least == function.most else f"{function.least} to {function.most}"
            raise ExpressionError(f"{name} takes {allowed} value{'s' * (allowed != '1')}, not {number}")
        return self._apply(node, function.call, [self.compile(argument, depth + 1) for argument in node.args])

    def _compare(self, node: ast.Compare, depth: int) -> _Part:
        first, *others = [self.compile(operand, depth + 1) for operand in (node.left, *node.comparators)]
        steps = [
            (self._find(_COMPARISONS, each), operand.evaluate) for each, operand in zip(node.ops, others, strict=True)
        ]

        def evaluate(values: Mapping[str, Any]) -> Any:
            left = first.evaluate(values)
            result = None
            for number, (compare, operand) in enumerate(steps):
                if number and not result:
                    break
                right = operand(values)
                result = compare(left, right)
                left = right
            return result

        return self._fold(node, evaluate, [first, *others])

    def _choose(self, node: ast.BoolOp, parts: list[_Part]) -> _Part:
        stops_at = isinstance(node.op, ast.Or)

        def evaluate(values: Mapping[str, Any]) -> Any:
            result = None
            for part in parts:
                result = part.evaluate(values)
                if bool(result) is stops_at:
                    break
            return result

        return self._fold(node, evaluate, parts)

    def _condition(self, node: ast.IfExp, depth: int) -> _Part:
        condition, then, otherwise = (self.compile(part, depth + 1) for part in (node.test, node.body, node.orelse))

        def evaluate(values: Mapping[str, Any]) -> Any:
            return then.evaluate(values) if condition.evaluate(values) else otherwise.evaluate(values)

        return self._fold(node, evaluate, [condition, then, otherwise])

    def _apply(self, node: ast.expr, function: Callable[..., Any], parts: list[_Part]) -> _Part:
        evaluators = [part.evaluate for part in parts]
        if len(evaluators) == 2:
            first, second = evaluators
            return self._fold(node, lambda values: function(first(values), second(values)), parts)
        return self._fold(node, lambda values: function(*[evaluate(values) for evaluate in evaluators]), parts)

    def _fold(self, node: ast.expr, evaluate: Evaluator, parts: list[_Part]) -> _Part:
        """Evaluate now what depends on no name, so that what can never work is refused before anything runs."""
        if not all(part.is_constant for part in parts):
            return _Part(evaluate, False)
        try:
            value = evaluate({})
        except (ArithmeticError, ValueError, TypeError) as error:
            raise ExpressionError(f"{self._quote(node)} has no value: {error}") from error
        return _Part(lambda values: value, True)

    def _find(self, known: Mapping[type[Any], Callable[..., Any]], symbol: ast.AST) -> Callable[..., Any]:
        function = known.get(type(symbol))
        if function is None:
            raise self._refusal(symbol)
        return function

    def _refusal(self, node: ast.AST) -> ExpressionError:
        what = _REFUSED.get(type(node), f"{type(node).__name__!r}")
        where = f": {self._quote(node)}" if isinstance(node, ast.expr) else ""
        return ExpressionError(f"an expression cannot contain {what}{where}")

    def _quote(self, node: ast.expr) -> str:
        return ast.get_source_segment(self._source, node) or self._source

    @staticmethod
    def _suggest(name: str, known: tuple[str, ...]) -> str:
        near = difflib.get_close_matches(name, known, n=1)
        return f" (did you mean {near[0]}?)" if near else ""
