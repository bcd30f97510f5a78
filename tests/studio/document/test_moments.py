"""When something happened, in words."""

from datetime import datetime

from pypipeline_studio.document.moments import moment_text

NOON = datetime(2026, 3, 1, 12, 0, 0)


def test_of_today_the_time_is_told_and_of_another_day_the_day_as_well() -> None:
    assert moment_text(datetime(2026, 3, 1, 9, 5, 7).timestamp(), NOON) == "09:05:07"
    assert moment_text(datetime(2026, 2, 28, 23, 59, 59).timestamp(), NOON) == "2026-02-28 23:59"


def test_what_is_not_known_is_a_dash() -> None:
    assert moment_text(None) == "–"
