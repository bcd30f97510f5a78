"""How numbers are written for people: three significant digits, a unit, and never an exponent.

Every function takes `None` for what is unknown and gives `–`.
"""

from __future__ import annotations

import math

UNKNOWN = "–"


def significant(value: float) -> str:
    """`value` with three significant digits: `8.21`, `30.2`, `795`, `0.0412`, `12300`."""
    if value == 0:
        return "0"
    rounded = round(value, _decimals(value))
    return f"{rounded:.{max(0, _decimals(rounded))}f}"


def rate(hz: float | None) -> str:
    """Something per second: `8.21/s`, `1,204/s`, `12.0k/s`."""
    if hz is None:
        return UNKNOWN
    if abs(hz) < 999.5:
        return f"{significant(hz)}/s"
    if abs(hz) < 9_999.5:
        return f"{hz:,.0f}/s"
    return f"{_scaled(hz, 1000, ('', 'k', 'M', 'G'))}/s"


def duration(seconds: float | None) -> str:
    """How long one thing takes: `62.0 µs`, `3.12 ms`, `1.24 s`."""
    if seconds is None:
        return UNKNOWN
    if seconds == 0:
        return "0 s"
    for unit, size in (("ns", 1e-9), ("µs", 1e-6), ("ms", 1e-3)):
        if abs(seconds) < 999.5 * size:
            return f"{significant(seconds / size)} {unit}"
    return f"{significant(seconds)} s"


def elapsed(seconds: float | None) -> str:
    """How long a run takes: `581 µs`, `8.2 s`, `1 min 37 s`, `2 h 05 min`."""
    if seconds is None or 0 < seconds < 0.95:
        return duration(seconds)
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min"


def share(fraction: float | None) -> str:
    """A part of a whole in whole per cent: `98 %`, and `<1 %` for what is little but not nothing."""
    if fraction is None:
        return UNKNOWN
    if 0 < fraction < 0.005:
        return "<1 %"
    return f"{100 * fraction:.0f} %"


def count(number: int | None) -> str:
    """A number of things, in full: `12,480`."""
    return UNKNOWN if number is None else f"{number:,}"


def counted(number: int, thing: str) -> str:
    """A number of things with their name: `1 item`, `12,480 items`."""
    return f"{count(number)} {thing if number == 1 else thing + 's'}"


def size(number_of_bytes: float | None) -> str:
    """An amount of memory: `512 B`, `6.22 MB`."""
    if number_of_bytes is None:
        return UNKNOWN
    if number_of_bytes < 1000:
        return f"{number_of_bytes:.0f} B"
    return _scaled(number_of_bytes, 1000, (" B", " kB", " MB", " GB", " TB"))


def _decimals(value: float) -> int:
    """How many decimals leave three significant digits; negative where digits before the point have to be rounded."""
    return 2 - math.floor(math.log10(abs(value)))


def _scaled(value: float, step: int, units: tuple[str, ...]) -> str:
    power = 0
    while power + 1 < len(units) and abs(value) >= 999.5:
        value /= step
        power += 1
    return significant(value) + units[power]
