"""When a clone is lent, and the handshake between who borrows it and who takes it back."""

from __future__ import annotations

import pytest

from pypipeline_engine.core.lending import (
    FAR_TOO_SLOW_S,
    FEWEST_QUICK,
    LONG_LOAN,
    MOST_QUICK,
    MOST_SLOW,
    QUICK_S,
    SAMPLES_KEPT,
    Loan,
    Pace,
)

QUICK = QUICK_S / 2
SLOW = QUICK_S * 2


def pace_after(*times: float) -> Pace:
    pace = Pace()
    for took_s in times:
        pace.note(took_s)
    return pace


def nb_until_quick(pace: Pace) -> int:
    for number in range(10 * MOST_QUICK):
        if pace.is_quick():
            return number
        pace.note(QUICK)
    raise AssertionError("it never lends")


def test_a_clone_is_lent_after_some_quick_items() -> None:
    assert not pace_after(*[QUICK] * (FEWEST_QUICK - 1)).is_quick()
    assert pace_after(*[QUICK] * FEWEST_QUICK).is_quick()


def test_slow_items_put_it_off() -> None:
    assert not pace_after(*[SLOW] * 1000).is_quick()
    assert not pace_after(*[QUICK, QUICK, SLOW] * 1000).is_quick()


def test_a_few_that_waited_for_the_interpreter_do_not() -> None:
    assert pace_after(*[QUICK, QUICK, QUICK, SLOW] * 100).is_quick()


def test_a_loan_that_did_not_pay_makes_the_next_one_come_later() -> None:
    pace = Pace()
    needed = []
    for _ in range(12):
        needed.append(nb_until_quick(pace))
        pace.end_loan(nb_items=10)
    assert needed == [min(MOST_QUICK, FEWEST_QUICK * 2**number) for number in range(12)]


def test_a_loan_that_paid_does_not() -> None:
    pace = Pace()
    for _ in range(3):
        nb_until_quick(pace)
        pace.end_loan(nb_items=10)
    nb_until_quick(pace)
    pace.end_loan(nb_items=LONG_LOAN)
    assert nb_until_quick(pace) == FEWEST_QUICK


def test_other_clones_are_another_matter() -> None:
    pace = pace_after(*[QUICK] * FEWEST_QUICK)
    pace.end_loan(nb_items=1)
    pace.begin_again()
    assert nb_until_quick(pace) == FEWEST_QUICK


@pytest.mark.parametrize("took_s", [SLOW, FAR_TOO_SLOW_S / 2])
def test_a_loan_ends_with_several_slow_items_soon_after_each_other(took_s: float) -> None:
    loan = Loan("clone", 0)
    assert [loan.note(took_s) for _ in range(MOST_SLOW)] == [True] * (MOST_SLOW - 1) + [False]


def test_a_loan_outlives_a_slow_item_now_and_then() -> None:
    loan = Loan("clone", 0)
    for number in range(100 * SAMPLES_KEPT):
        assert loan.note(SLOW if number % SAMPLES_KEPT < MOST_SLOW - 1 else QUICK)


def test_a_loan_ends_with_one_item_that_is_far_too_slow() -> None:
    assert not Loan("clone", 0).note(FAR_TOO_SLOW_S)
