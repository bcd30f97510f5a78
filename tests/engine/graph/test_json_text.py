"""JSON with the line of every value."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pypipeline_engine.graph.json_text import MAX_DEPTH, Place, parse

text = st.text(st.characters(exclude_categories=["Cs"]))
finite = st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | finite | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=20,
)


@given(values, st.sampled_from([None, 0, 2]), st.booleans())
@settings(deadline=None)
def test_reads_what_the_standard_library_writes(value: Any, indent: int | None, ascii_only: bool) -> None:
    parsed = parse(json.dumps(value, indent=indent, ensure_ascii=ascii_only))
    assert parsed.problems == []
    assert parsed.complete
    assert repr(parsed.value) == repr(value)  # by repr, to tell 1 from 1.0 and from true, and -0.0 from 0.0


@given(st.text(st.sampled_from("{}[]\":,-+.eE0123456789 \n\\utrfalsn'/x\ud800\u00e9"), max_size=40))
@settings(deadline=None)
def test_accepts_exactly_what_the_standard_library_accepts(candidate: str) -> None:
    parsed = parse(candidate)
    try:
        expected = json.loads(candidate, parse_constant=pytest.fail, object_pairs_hook=_distinct)
    except (ValueError, RecursionError):
        assert parsed.problems
        return
    if "\\ud" in candidate.lower() or "\ud800" in candidate or "e" in candidate.lower():
        return  # surrogates and numbers that are too large are refused here and accepted there
    assert not parsed.problems
    assert parsed.value == expected


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key is there twice")
    return dict(pairs)


@given(values)
@settings(deadline=None)
def test_every_line_is_where_the_value_stands(value: Any) -> None:
    written = json.dumps(value, indent=1)
    parsed = parse(written)
    lines = written.split("\n")

    def check(value: Any, place: Place, key: str | None) -> None:
        line = lines[place.line - 1]
        if key is not None:
            assert line.strip().startswith(json.dumps(key) + ":")
        elif not isinstance(value, dict | list) or not value:
            assert line.strip().rstrip(",") == json.dumps(value)
        if isinstance(value, dict):
            for name, inner in value.items():
                found = (place.children or {})[name]
                check(inner, found, name)
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                check(inner, (place.children or {})[index], None)

    check(value, parsed.place, None)


def test_a_value_on_the_line_after_its_key_has_the_line_of_the_key() -> None:
    parsed = parse('{\n"a":\n{\n"b": 1}}')
    assert parsed.place.line_of(("a",)) == 2
    assert parsed.place.line_of(("a", "b")) == 4
    assert parsed.place.line_of(("a", "c", 3)) == 2, "the innermost place that is known"


@pytest.mark.parametrize(
    ("wrong", "line", "message"),
    [
        ("", 1, "the text is empty"),
        (" \n ", 2, "the text is empty"),
        ('{"a": 1', 1, "the text ends there: it is cut off"),
        ('{"a": [1,\n2', 2, "expected ',' or ']'"),
        ('{"a": "b', 1, "no closing quote"),
        ('{\n"a": 1,\n}', 2, "a comma before '}'"),
        ("[1,\n2,]", 2, "a comma before ']'"),
        ('{"a" 1}', 1, "expected ':' after the key \"a\", found '1'"),
        ("{a: 1}", 1, "expected a key in double quotes, found 'a'"),
        ("{'a': 1}", 1, "single quote"),
        ("{\"a\": 'b'}", 1, "single quote"),
        ('{"a": 1} x', 1, "expected the end of the text, found 'x'"),
        ('{"a": 1 "b": 2}', 1, "expected ',' or '}'"),
        ('{"a": True}', 1, "found True: write true"),
        ('{"a": None}', 1, "found None: write null"),
        ('{"a": NaN}', 1, "found NaN"),
        ('{"a": -Infinity}', 1, "found -Infinity"),
        ('{"a": 01}', 1, "found '01'"),
        ('{"a": 1.}', 1, "found '1.'"),
        ('{"a": +1}', 1, "found '+1'"),
        ('{\n// no\n"a": 1}', 2, "found a comment"),
        ('{"a": # no\n1}', 1, "found a comment"),
        ('{"a": "tab\there"}', 1, "Invalid control character"),
        ('{"a": "\\x"}', 1, "Invalid \\escape"),
        ('{"a": "\\ud800"}', 1, "surrogate"),
        ('{"\\udc00": 1}', 1, "surrogate"),
        ('{"a": 1e999}', 1, "the number 1e999 is too large"),
        ('{"a": -1e999}', 1, "the number -1e999 is too large"),
        ('{"a": ' + "9" * 400 + "}", 1, "is too large"),
        ('{"a": ' + "9" * 5000 + "}", 1, "is too large"),
        ('{"a": 1,\n"a": 2}', 2, 'the key "a" is already there on line 1'),
    ],
)
def test_a_wrong_text_is_explained(wrong: str, line: int, message: str) -> None:
    parsed = parse(wrong)
    assert message in parsed.problems[0].message
    assert parsed.problems[0].line == line


def test_every_mistake_that_can_be_passed_over_is_reported() -> None:
    parsed = parse('{"a": NaN,\n"b": [1, Infinity, "\\ud800"],\n"c": {"d": 1, "d": 1e999},\n"e": 5}')
    assert [problem.path for problem in parsed.problems] == ["a", "b[1]", "b[2]", "c.d", "c.d"]
    assert [problem.line for problem in parsed.problems] == [1, 2, 2, 3, 3]
    assert parsed.value == {"b": [1, None, None], "c": {"d": 1}, "e": 5}


def test_the_path_leads_to_the_place_of_a_syntax_error() -> None:
    assert parse('{"a": [1, {"b": x}]}').problems[0].path == "a[1].b"


def test_depth_is_bounded() -> None:
    assert parse("[" * MAX_DEPTH + "]" * MAX_DEPTH).problems == []
    assert "more than 100 deep" in parse("[" * (MAX_DEPTH + 1)).problems[0].message
    assert "more than 100 deep" in parse('{"a":' * 200_000).problems[0].message


def test_a_long_list_of_numbers_has_one_place_for_each_line() -> None:
    places = parse("[" + ",".join(["1"] * 1000) + "]").place.children
    assert places is not None
    assert len({id(place) for place in places.values()}) == 1
