"""When something happened, for people, by the clock of the place where they read it."""

from __future__ import annotations

from datetime import datetime

from pypipeline_engine.numbers import UNKNOWN


def moment_text(time_s: float | None, now: datetime | None = None) -> str:
    """Such as `14:03:25`; with the day where that is another one.

    :param time_s: seconds since the epoch; `None` where it is not known.
    :param now: for tests.
    """
    if time_s is None:
        return UNKNOWN
    moment = datetime.fromtimestamp(time_s)
    is_today = moment.date() == (now or datetime.now()).date()
    return moment.strftime("%H:%M:%S" if is_today else "%Y-%m-%d %H:%M")
