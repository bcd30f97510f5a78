"""Values of parameters from JSON and back."""

import enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pypipeline_engine.catalogue.model import Folders, ValueType
from pypipeline_engine.catalogue.values import Mismatch, check, convert, input_files, to_json

FOLDERS = Folders(Path("/in"), Path("/out"))


class Mode(enum.Enum):
    FAST = 1
    EXACT = 2


class Colour(enum.StrEnum):
    RED = "red"


def of(name: Any, *items: ValueType, **more: Any) -> ValueType:
    return ValueType(name=name, items=items, **more)


MODE = of("choice", options=("FAST", "EXACT"), enum=f"{__name__}:Mode")
COLOUR = of("choice", options=("red",), enum=f"{__name__}:Colour")
LITERAL = of("choice", options=("a", 1, None))
INT, FLOAT, TEXT, NULL = of("int"), of("float"), of("text"), of("null")


@pytest.mark.parametrize(
    ("value", "value_type", "expected"),
    [
        (1, INT, 1),
        (1, FLOAT, 1.0),
        (1.5, FLOAT, 1.5),
        (1, of("number"), 1),
        (1.0, of("number"), 1.0),
        (True, of("bool"), True),
        ("a", TEXT, "a"),
        (None, of("union", INT, NULL), None),
        (2, of("union", INT, FLOAT), 2),
        (2.5, of("union", INT, FLOAT), 2.5),
        ("a/b", of("path"), Path("/in/a/b")),
        ("a", of("input_path"), Path("/in/a")),
        ("a", of("output_path"), Path("/out/a")),
        ("/a", of("input_path"), Path("/a")),
        ("~/a", of("input_path"), Path("/in/~/a")),
        ("FAST", MODE, Mode.FAST),
        ("red", COLOUR, Colour.RED),
        (1, LITERAL, 1),
        (None, LITERAL, None),
        ([1, 2], of("list", FLOAT), [1.0, 2.0]),
        ([1, "a"], of("tuple", INT, TEXT), (1, "a")),
        (["a", "b"], of("tuple_of", of("output_path")), (Path("/out/a"), Path("/out/b"))),
        ({"a": 1}, of("dict", FLOAT), {"a": 1.0}),
        ({"a": [1, {}]}, of("any"), {"a": [1, {}]}),
    ],
)
def test_converts(value: Any, value_type: ValueType, expected: Any) -> None:
    check(value, value_type)
    converted = convert(value, value_type, FOLDERS)
    assert converted == expected
    assert type(converted) is type(expected)


@pytest.mark.parametrize(
    ("value", "value_type", "message"),
    [
        (True, INT, "a whole number is expected, not true"),
        (1.0, INT, "a whole number is expected, not 1.0"),
        ("1", INT, 'a whole number is expected, not "1"'),
        (True, FLOAT, "a number is expected, not true"),
        (1, of("bool"), "true or false is expected, not 1"),
        (1, TEXT, "text is expected, not 1"),
        (None, TEXT, "text is expected, not null"),
        ("a", of("union", INT, NULL), 'a whole number or null is expected, not "a"'),
        ("", of("input_path"), 'the path of a file as text is expected, not ""'),
        ("a\0", of("output_path"), "the path of a file as text is expected"),
        (["a"], of("path"), "a path as text is expected, not a list"),
        ("SLOW", MODE, 'one of "FAST", "EXACT" is expected, not "SLOW"'),
        (1, MODE, 'one of "FAST", "EXACT" is expected, not 1'),
        (True, LITERAL, 'one of "a", 1, null is expected, not true'),
        ([1], of("tuple", INT, TEXT), "a list of 2 (a whole number, text) is expected, not a list"),
        ([1, 2], of("tuple", INT, TEXT), "text is expected, not 2"),
        ([1, "a"], of("list", INT), 'a whole number is expected, not "a"'),
        ({"a": "b"}, of("dict", INT), 'a whole number is expected, not "b"'),
        ([], of("dict"), "an object is expected, not an empty list"),
        ("a", of("tensor"), 'a list of numbers is expected, not "a"'),
    ],
)
def test_refuses_with_what_was_expected_and_what_came(value: Any, value_type: ValueType, message: str) -> None:
    for function in (lambda: check(value, value_type), lambda: convert(value, value_type, FOLDERS)):
        with pytest.raises(Mismatch) as caught:
            function()
        assert message in str(caught.value)


def test_lists_become_arrays_where_arrays_are_expected() -> None:
    boxes = convert([[1, 2, 3, 4, 0.5]], of("boxes"), FOLDERS)
    assert (boxes.dtype, boxes.shape) == (np.float32, (1, 5))
    assert convert([], of("tracks"), FOLDERS).shape == (0, 6)
    assert convert([[1, 2], [3, 4]], of("image"), FOLDERS).dtype == np.uint8
    assert convert(3, of("tensor"), FOLDERS).shape == ()


@pytest.mark.parametrize(
    ("value", "kind"),
    [([[1, 2]], "boxes"), ([[1, 2], [3]], "tensor"), ([[1, "a"]], "tensor"), ([[256]], "image"), ([{}], "tensor")],
)
def test_lists_that_are_no_such_arrays_are_refused(value: Any, kind: str) -> None:
    with pytest.raises(Mismatch, match="is expected"):
        convert(value, of(kind), FOLDERS)


def test_names_the_files_that_will_be_read() -> None:
    nested = of("list", of("union", of("input_path"), NULL))
    assert input_files(["a", None, "b"], nested) == ["a", "b"]
    assert input_files("a", of("output_path")) == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Mode.FAST, "FAST"),
        (Colour.RED, "red"),
        (Path("/a/b"), "/a/b"),
        ((1, (2.5, None)), [1, [2.5, None]]),
        ({"a": True}, {"a": True}),
        (np.float32(0.5), 0.5),
        (np.array([[1, 2]]), [[1, 2]]),
    ],
)
def test_writes_as_json(value: Any, expected: Any) -> None:
    assert to_json(value) == expected
    assert repr(to_json(value)) == repr(expected)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1: 2}, {1}, b"a", [object()], lambda: 0])
def test_what_json_cannot_say_is_refused(value: Any) -> None:
    with pytest.raises(Mismatch):
        to_json(value)


types = st.recursive(
    st.sampled_from([INT, FLOAT, TEXT, NULL, MODE, COLOUR, of("bool"), of("path"), of("any")]),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(lambda items: of("tuple", *items))
        | inner.map(lambda item: of("list", item))
        | inner.map(lambda item: of("dict", item))
    ),
    max_leaves=5,
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-5, 5) | st.sampled_from(["", "FAST", "red", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


@given(json_values, types)
@settings(deadline=None)
def test_checking_and_converting_agree_and_what_was_converted_can_be_written(value: Any, value_type: ValueType) -> None:
    try:
        check(value, value_type)
    except Mismatch:
        with pytest.raises(Mismatch):
            convert(value, value_type, FOLDERS)
    else:
        again = to_json(convert(value, value_type, FOLDERS))
        check(again, value_type)
        assert to_json(convert(again, value_type, FOLDERS)) == again
