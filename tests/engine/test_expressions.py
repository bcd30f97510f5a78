"""expressions: what it computes, and above all what it refuses."""

import math
import threading
import warnings

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from pypipeline_engine.expressions import (
    FUNCTIONS,
    MAX_DEPTH,
    MAX_LENGTH,
    ExpressionError,
    compile_expression,
)

NAMES = ("a", "b", "c")


def evaluate(text, **values):
    return compile_expression(text, NAMES)({"a": 0, "b": 0, "c": 0, **values})


# ---------------------------------------------------------------------- against Python

numbers = st.integers(-9, 9).map(str) | st.sampled_from(["0.5", "2.0", "1e3", "pi", "e", "True"])
atoms = st.sampled_from(NAMES) | numbers


def _grow(parts):
    pairs = st.tuples(parts, parts)
    return st.one_of(
        st.tuples(parts, st.sampled_from(["+", "-", "*", "/", "//", "%", "&", "|", "^"]), parts).map(
            "({0[0]} {0[1]} {0[2]})".format
        ),
        st.tuples(parts, st.sampled_from(["0", "1", "2", "3"])).map("({0[0]} ** {0[1]})".format),
        st.tuples(parts, st.sampled_from(["0", "1", "2", "3"])).map("({0[0]} << {0[1]})".format),
        st.tuples(parts, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), parts).map(
            "({0[0]} {0[1]} {0[2]})".format
        ),
        st.tuples(parts, parts, parts).map("({0[0]} < {0[1]} <= {0[2]})".format),
        st.tuples(parts, parts, parts).map("({0[0]} if {0[1]} else {0[2]})".format),
        pairs.map("({0[0]} and {0[1]})".format),
        pairs.map("({0[0]} or {0[1]})".format),
        pairs.map("max({0[0]}, {0[1]})".format),
        pairs.map("min({0[0]}, {0[1]})".format),
        parts.map("(not {})".format),
        parts.map("(-{})".format),
        parts.map("(~{})".format),
        parts.map("abs({})".format),
        parts.map("round({}, 1)".format),
        parts.map("floor({})".format),
        parts.map("sqrt({})".format),
        parts.map("atan2({}, 2)".format),
    )


expressions = st.recursive(atoms, _grow, max_leaves=12)
values = st.integers(-5, 5) | st.floats(-5, 5, allow_nan=False) | st.booleans()

PYTHON = {
    name: getattr(math, name) for name in ("floor", "sqrt", "atan2", "pi", "e")
} | {"abs": abs, "min": min, "max": max, "round": round}  # fmt: skip


@given(text=expressions, a=values, b=values, c=values)
@example(text="a < b < c", a=1, b=2, c=3)
@example(text="1 / 0 if a else 2", a=0, b=0, c=0)
@example(text="~a", a=True, b=0, c=0)
def test_an_expression_has_the_value_that_python_gives_it(text, a, b, c):
    names = {"a": a, "b": b, "c": c}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # `~True`, from Python 3.12 on
            expected = eval(text, {"__builtins__": {}}, {**PYTHON, **names})
    except (ArithmeticError, ValueError, TypeError) as error:
        with pytest.raises((type(error), ExpressionError)):
            evaluate(text, **names)
        return
    assume(not isinstance(expected, complex))
    try:
        value = evaluate(text, **names)
    except ExpressionError as error:
        # A part without names that never has a value is refused even where it would not be reached.
        assert "has no value" in str(error)
        return
    assert type(value) is type(expected)
    assert value == expected or (value != value and expected != expected)


@given(text=st.text("ab019.+-*/%()<>=! \t\n&|~^,'\"[]{}_\\:@#é0xeEjJor", max_size=30))
def test_any_text_is_refused_in_words_or_computes(text):
    try:
        value = evaluate(text, a=3, b=-0.5)
    except (ExpressionError, ArithmeticError, ValueError, TypeError) as error:
        assert str(error)
    else:
        assert isinstance(value, int | float | np.generic)


# ---------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a.__class__", "an expression cannot contain attributes: a.__class__"),
        ("(1).real", "an expression cannot contain attributes: (1).real"),
        ("a.bit_length()", "only listed functions can be called, not a.bit_length"),
        ("(lambda: 1)()", "only listed functions can be called, not lambda: 1"),
        ("abs(lambda: 1)", "an expression cannot contain functions of its own: lambda: 1"),
        ("a[0]", "an expression cannot contain indices: a[0]"),
        ("[a] * 3", "an expression cannot contain lists: [a]"),
        ("max(*[a])", "an expression cannot contain stars: *[a]"),
        ("sum(b for b in a)", "an expression cannot contain loops: (b for b in a)"),
        ("(a := 3)", "an expression cannot contain assignments: a := 3"),
        ("'a' * 3", "an expression cannot contain text: 'a'"),
        ("f'{a}'", "an expression cannot contain text: f'{a}'"),
        ("2j", "an expression cannot contain complex numbers: 2j"),
        ("None", "an expression cannot contain None: None"),
        ("a is b", "an expression cannot contain 'is'"),
        ("a @ b", "an expression cannot contain matrix products"),
        ("round(a, ndigits=2)", "functions take values without names: round(a, ndigits=2)"),
        ("__import__('os')", "unknown function '__import__'"),
        ("eval(a)", "unknown function 'eval'"),
        ("sqr(a)", "(did you mean sqrt?)"),
        ("value + 1", "unknown name 'value'; known are a, b, c, pi, e"),
        ("sqrt", "sqrt is a function: write sqrt(...)"),
        ("sqrt()", "sqrt takes 1 value, not 0"),
        ("clip(a, b)", "clip takes 3 values, not 2"),
        ("log(a, b, c)", "log takes 1 to 2 values, not 3"),
        ("a +", "'a +' is not an expression: invalid syntax at position"),
        ("a\0", "is not an expression: source code string cannot contain null bytes"),
        ("", "the expression is empty"),
        (" \n", "the expression is empty"),
        ("1 / 0", "1 / 0 has no value: division by zero"),
        ("a + sqrt(-1)", "sqrt(-1) has no value: "),
        ("'a' if a else b", "an expression cannot contain text"),
    ],
)
def test_what_is_no_arithmetic_is_refused_with_the_reason(text, reason):
    with pytest.raises(ExpressionError) as refusal:
        compile_expression(text, NAMES)
    assert reason in str(refusal.value)


def test_something_other_than_text_is_refused():
    with pytest.raises(ExpressionError, match="an expression is a text, not 5"):
        compile_expression(5, NAMES)


@pytest.mark.parametrize(
    "text",
    [
        "9**9**9",
        "1 << 10**9",
        "(-3) ** 10**9",
        "2 ** 4096",
        "a + 7 ** 77777777",
        "round(5, -10**9)",
        "True << 99999999",
    ],
)
def test_a_constant_that_would_take_forever_is_refused_at_once(text):
    with pytest.raises(ExpressionError, match=r"bits that are allowed|whole number of digits"):
        compile_expression(text, NAMES)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a ** b", {"a": 9, "b": 10**9}),
        ("a << b", {"a": 1, "b": 10**9}),
        ("round(a, b)", {"a": 5, "b": -(10**9)}),
        ("a ** b", {"a": np.int64(2), "b": 10**30}),
        ("a ** b", {"a": np.array([2, 3]), "b": 10**30}),
        ("a ** a ** a", {"a": 9}),
    ],
)
def test_a_value_that_would_take_forever_is_refused_at_once(text, names):
    with pytest.raises(ExpressionError, match=r"bits|whole number of digits"):
        evaluate(text, **names)


def test_bounded_powers_and_shifts_still_work():
    assert evaluate("a ** 100", a=2) == 2**100
    assert evaluate("a ** -10 ** 6", a=2.0) == 0
    assert evaluate("a ** 10 ** 9", a=1) == 1
    assert evaluate("a ** 10 ** 9", a=-1) == 1
    assert evaluate("1 << a", a=4000) == 1 << 4000
    assert evaluate("a >> 10 ** 9", a=5) == 0


@pytest.mark.parametrize(
    "value", ["text", b"bytes", [1, 2], (1,), {"a": 1}, None, 1j, np.array(["x"]), np.array([9], object), np.array(1j)]
)
@pytest.mark.parametrize("text", ["a * 3", "3 * a", "a % b", "-a", "sqrt(a)", "a ** 2", "a << 1", "round(a)"])
def test_only_numbers_are_calculated_with(text, value):
    with pytest.raises(ExpressionError, match="a number is expected"):
        evaluate(text, a=value)


def test_roots_of_negative_numbers_are_refused_rather_than_complex():
    with pytest.raises(ExpressionError, match="is not a real number"):
        evaluate("a ** 0.5", a=-8)


def test_size_and_depth_are_bounded():
    assert evaluate("+".join(["a"] * MAX_DEPTH), a=1) == MAX_DEPTH
    for text in ("+".join(["a"] * (MAX_DEPTH + 2)), "-" * 900 + "a", "(" * 400 + "a" + ")" * 400, "2**" * 300 + "2"):
        with pytest.raises(ExpressionError, match=r"nested deeper|nested parentheses|not an expression"):
            compile_expression(text, NAMES)
    with pytest.raises(ExpressionError, match=f"has {MAX_LENGTH + 1} characters; {MAX_LENGTH} are allowed"):
        compile_expression("a" * (MAX_LENGTH + 1), NAMES)


# ---------------------------------------------------------------------- arrays, names, functions


def test_arrays_are_calculated_with_element_by_element():
    a, b = np.array([1.0, 4.0, 9.0]), np.array([2, 0, 1])
    np.testing.assert_array_equal(evaluate("a * b + 1", a=a, b=b), [3, 1, 10])
    np.testing.assert_array_equal(evaluate("sqrt(a)", a=a), [1, 2, 3])
    np.testing.assert_array_equal(evaluate("clip(a, 2, 5)", a=a), [2, 4, 5])
    np.testing.assert_array_equal(evaluate("max(a, b, 3)", a=a, b=b), [3, 4, 9])
    np.testing.assert_array_equal(evaluate("where((a > 2) & (b > 0), a, 0)", a=a, b=b), [0, 0, 9])
    np.testing.assert_array_equal(evaluate("round(a / 3, 1)", a=a), [0.3, 1.3, 3])


def test_arrays_are_not_changed():
    a = np.array([1.0, 4.0])
    for name, function in FUNCTIONS.items():
        arguments = ", ".join(["a"] * function.least)
        evaluate(f"{name}(a > 0)" if name in ("asin", "acos") else f"{name}({arguments})", a=a)
    np.testing.assert_array_equal(a, [1, 4])


@pytest.mark.parametrize("value", [[1, 2, 6], (1, 2, 6), np.array([1, 2, 6])])
@pytest.mark.parametrize(
    ("text", "expected"),
    [("sum(a)", 9), ("mean(a)", 3), ("min(a)", 1), ("max(a)", 6), ("len(a)", 3), ("any(a)", True), ("all(a)", True)],
)
def test_lists_and_arrays_are_summed_up(text, value, expected):
    assert evaluate(text, a=value) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sin(pi / 2)", 1.0),
        ("log(8, 2)", 3.0),
        ("log(e)", 1.0),
        ("log10(1000)", 3.0),
        ("log2(8)", 3.0),
        ("exp(0)", 1.0),
        ("hypot(3, 4)", 5.0),
        ("sign(-2.5)", -1),
        ("sign(0)", 0),
        ("floor(-1.5)", -2),
        ("ceil(-1.5)", -1),
        ("clip(7, 0, 5)", 5),
        ("where(0, 1, 2)", 2),
        ("isnan(1)", False),
        ("tan(0) + cos(0) + asin(0) + atan(0) + acos(1)", 1.0),
    ],
)
def test_functions(text, expected):
    assert evaluate(text) == pytest.approx(expected)


def test_every_function_works_for_arrays_as_for_numbers():
    for name, function in FUNCTIONS.items():
        if name in ("sum", "mean", "any", "all", "len"):
            continue
        arguments = ", ".join("abc"[: function.least])
        numbers = {"a": 0.25, "b": 0.75, "c": 0.5}
        arrays = {key: np.array([value]) for key, value in numbers.items()}
        text = f"{name}({arguments})"
        assert float(np.ravel(evaluate(text, **arrays))[0]) == pytest.approx(float(evaluate(text, **numbers))), text


def test_other_names_are_possible():
    condition = compile_expression("value > 3 and count < 10", ("value", "count"))
    assert condition({"value": 5, "count": 2}) is True
    assert condition({"value": 5, "count": 20}) is False


def test_a_name_of_the_caller_comes_before_a_constant():
    assert compile_expression("e + pi", ("e",))({"e": 1}) == 1 + math.pi


def test_what_is_not_needed_is_not_evaluated():
    assert evaluate("1 / a if a else 0", a=0) == 0
    assert evaluate("a and 1 / a", a=0) == 0
    assert evaluate("a or b", a=2) == 2
    assert evaluate("a < b < 1 / c", a=2, b=1, c=0) is False


def test_lines_may_be_broken():
    assert evaluate("\n a +\n   b ", a=1, b=2) == 3


def test_threads_may_share_an_expression():
    function = compile_expression("a * a - b", NAMES)
    wrong = []

    def check(number):
        wrong.extend(each for each in range(500) if function({"a": each, "b": number, "c": 0}) != each * each - number)

    threads = [threading.Thread(target=check, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
