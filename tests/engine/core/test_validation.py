import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pypipeline_engine.validation import BoolExplained, FalseExplained, TrueExplained, raise_if_not

REASONS = st.lists(st.text(min_size=1, max_size=5), max_size=3)


@given(REASONS, REASONS)
@settings(derandomize=True)
def test_both_must_be_true_and_all_reasons_are_kept(left: list[str], right: list[str]) -> None:
    both = BoolExplained(left) * BoolExplained(right)
    assert bool(both) == (not left and not right)
    assert both.reasons == (*left, *right)


def test_a_single_reason_is_not_taken_apart() -> None:
    assert FalseExplained("no").reasons == ("no",)


def test_reasons_in_one_string() -> None:
    explained = FalseExplained(["too long", "too wide"])
    assert explained.get_reasons_str() == "too long; too wide"
    assert explained.get_reasons_str(pretty=True) == "\n - too long\n - too wide"
    assert TrueExplained().get_reasons_str() == TrueExplained().get_reasons_str(pretty=True) == ""


def test_equality_is_that_of_the_reasons() -> None:
    assert TrueExplained() == BoolExplained()
    assert FalseExplained("a") * TrueExplained() == BoolExplained(["a"])
    assert FalseExplained("a") != FalseExplained("b")
    assert len({FalseExplained("a"), BoolExplained("a"), TrueExplained()}) == 2
    assert TrueExplained() != True  # noqa: E712  # a plain bool has no reasons to compare


def test_false_needs_a_reason() -> None:
    with pytest.raises(ValueError, match="at least one reason"):
        FalseExplained([])


def test_the_reasons_become_the_message() -> None:
    raise_if_not(TrueExplained(), ValueError)
    with pytest.raises(LookupError) as caught:
        raise_if_not(FalseExplained(["a", "b"]), LookupError)
    assert str(caught.value) == "a; b"
    with pytest.raises(LookupError, match="\n - a\n - b"):
        raise_if_not(FalseExplained(["a", "b"]), LookupError, pretty=True)


def test_representation_shows_the_reasons() -> None:
    assert repr(TrueExplained() * TrueExplained()) == "TrueExplained()"
    assert repr(FalseExplained("a") * FalseExplained("b")) == "FalseExplained(['a', 'b'])"
