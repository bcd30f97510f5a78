from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from panel_samples import FLOAT, INT, NULL, TEXT, parameter, value_type

from pypipeline_studio.panels.parameter_values import (
    MISSING,
    Range,
    WrongText,
    editor_of,
    is_same,
    path_below,
    range_of,
    read_text,
    stepped,
    to_text,
)

ANY = value_type("any")


@pytest.mark.parametrize(
    ("declared", "editor"),
    [
        (parameter("p", value_type("bool"), False), "switch"),
        (parameter("p", INT, 1, minimum=0, maximum=10), "slider"),
        (parameter("p", INT, 1, minimum=0, maximum=1e9), "number"),
        (parameter("p", INT, 1, minimum=0), "number"),
        (parameter("p", value_type("union", INT, NULL), None, minimum=0, maximum=10), "number"),
        (parameter("p", TEXT, "a", choices=("a", "b")), "choice"),
        (parameter("p", value_type("choice", options=("a", "b")), "a"), "choice"),
        (parameter("p", value_type("input_path")), "path"),
        (parameter("p", value_type("union", value_type("input_path"), NULL)), "path"),
        (parameter("p", value_type("union", TEXT, NULL)), "text"),
        (parameter("p", value_type("union", INT, TEXT)), "json"),
        (parameter("p", value_type("dict"), {}), "json"),
        (parameter("p", TEXT, "#ff8000"), "colour"),
        (parameter("p", TEXT, "#1"), "text"),
    ],
)
def test_the_editor_suits_the_type(declared, editor):
    assert editor_of(declared) == editor


@pytest.mark.parametrize(
    ("declared", "text", "value"),
    [
        (parameter("p", INT, 1), " 12 ", 12),
        (parameter("p", FLOAT, 1.0), "12", 12.0),
        (parameter("p", value_type("number"), 1), "12", 12),
        (parameter("p", value_type("number"), 1), "1e-3", 0.001),
        (parameter("p", TEXT, ""), " as it is ", " as it is "),
        (parameter("p", TEXT, ""), "", ""),
        (parameter("p", value_type("union", TEXT, NULL)), "", None),
        (parameter("p", value_type("union", INT, NULL)), "", None),
        (parameter("p", value_type("union", INT, TEXT)), "0", 0),
        (parameter("p", value_type("union", INT, TEXT)), "rtsp://camera", "rtsp://camera"),
        (parameter("p", value_type("list", FLOAT)), "[1, 2.5]", [1, 2.5]),
        (parameter("p", ANY), '{"a": [1]}', {"a": [1]}),
        (parameter("p", ANY), "plain", "plain"),
    ],
)
def test_text_becomes_the_value_that_is_meant(declared, text, value):
    read = read_text(text, declared, "cell")
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("declared", "text", "message"),
    [
        (parameter("p", INT, 1), "abc", 'cell.p: a whole number is expected, not "abc"'),
        (parameter("p", INT, 1), "1.5", "a whole number is expected"),
        (parameter("p", INT, 1), "", "a whole number is expected"),
        (parameter("p", FLOAT, 1), "nan", "a number is expected"),
        (parameter("p", INT, 1, minimum=1, maximum=64, unit="px"), "65", "cell.p must be from 1 to 64 px, not 65"),
        (parameter("p", value_type("list", FLOAT)), "[1, ", "this is no JSON"),
        (parameter("p", value_type("list", FLOAT)), '["a"]', "a number is expected"),
        (parameter("p", ANY), "[1, 2", "this is no JSON"),
        (parameter("p", value_type("input_path")), "", "the path of a file"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(declared, text, message):
    with pytest.raises(WrongText) as refused:
        read_text(text, declared, "cell")
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=6,
    )
)
def test_what_is_shown_of_any_value_reads_as_the_same_value(value):
    declared = parameter("p", ANY)
    text = to_text(value, declared)
    if value is not None:
        assert is_same(read_text(text, declared, "cell"), value)


@given(st.floats(-1e6, 1e6), st.floats(0.001, 1000), st.integers(0, 10_000))
def test_a_slider_never_leaves_its_range_and_reaches_both_ends(minimum, span, position):
    found = range_of(parameter("p", FLOAT, minimum, minimum=minimum, maximum=minimum + span))
    if found is None:  # too wide, or the ends are one number
        return
    assert found.value_at(found.nb_steps) == found.maximum
    assert found.position_of(found.maximum) in (found.nb_steps, found.nb_steps - 1)
    assert found.position_of(found.minimum) == 0
    shown = found.value_at(min(position, found.nb_steps))
    assert shown <= found.maximum


def test_the_values_of_a_slider_have_the_decimals_of_its_step():
    found = Range(0.0, 1.0, 0.01, False)
    assert [found.value_at(position) for position in (0, 7, 65, 100)] == [0.0, 0.07, 0.65, 1.0]
    assert found.position_of(0.65) == 65


def test_steps_follow_the_size_of_a_number_without_a_range():
    declared = parameter("p", FLOAT, 1.0)
    assert stepped(25.0, declared, 1) == 26.0
    assert stepped(0.5, declared, -1) == 0.49
    assert stepped(0.0, declared, 1) == 0.1
    assert stepped(3, parameter("p", INT, 1, minimum=0), -10) == 0


def test_true_one_and_one_point_zero_are_three_values():
    values = [True, 1, 1.0, MISSING]
    assert all(is_same(one, other) == (one is other) for one in values for other in values)


def test_paths_below_the_folder_of_the_graph_are_written_without_it():
    assert path_below(Path("/graphs/data/a.avi"), Path("/graphs")) == "data/a.avi"
    assert path_below(Path("/elsewhere/a.avi"), Path("/graphs")) == "/elsewhere/a.avi"
