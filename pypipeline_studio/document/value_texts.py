"""Values of a stream in words, as the engine has summed them up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pypipeline_engine.host.looking import ValueSummary
from pypipeline_engine.numbers import count, counted, significant, size

MOST_TEXT: Final = 120
_MOST_ROWS: Final = 100


def headline(value: ValueSummary) -> str:
    """What it is, in few characters: `uint8 576x768x3`, `float32 3x5`, `42`, `'a text'`."""
    if value.shape is not None and value.dtype:
        return f"{value.dtype} {'x'.join(map(str, value.shape))}".rstrip() if value.shape else value.text
    return _cut(value.text)


def describe(value: ValueSummary) -> str:
    """One line about a value: what it is, its size, and how large its numbers are."""
    parts = [headline(value)]
    if value.shape is None and value.length is not None and value.type not in ("str", "bytes"):
        parts.append(counted(value.length, "element"))
    if value.nb_bytes >= 1000:
        parts.append(size(value.nb_bytes))
    numbers = describe_numbers(value)
    if numbers and value.shape:
        parts.append(numbers)
    return " · ".join(parts)


def describe_boxes(value: ValueSummary, kind: str) -> str:
    """One line about boxes: how many there are; of their numbers, the least and the largest mean nothing.

    :param kind: `boxes` or `tracks`, by the port that they come from.
    """
    if value.boxes is None:
        return describe(value)
    number = len(value.boxes)
    many = kind if kind == "tracks" else "boxes"
    one = "track" if kind == "tracks" else "box"
    return f"{count(number)} {one if number == 1 else many} · {headline(value)}"


def describe_numbers(value: ValueSummary) -> str:
    """The least, the largest and the mean number in it: `0 to 255, mean 93.2`; empty where it has none."""
    if value.minimum is None or value.maximum is None:
        return ""
    about = "about " if value.is_sampled else ""
    text = f"{about}{number(value.minimum)} to {number(value.maximum)}"
    return text if value.mean is None else f"{text}, mean {number(value.mean)}"


def number(value: float | None) -> str:
    """A number as short as it can be read: whole ones in full, others with three significant digits."""
    if value is None:
        return "–"
    if value == int(value) and abs(value) < 1e7:
        return count(int(value)).replace(",", "") if abs(value) < 10_000 else count(int(value))
    return significant(value) if 1e-4 <= abs(value) < 1e7 else f"{value:.3g}"


@dataclass(frozen=True)
class Difference:
    """How a value differs from an earlier one."""

    text: str
    """In words: `the same`, `3 rows instead of 5`, `mean 93.2 instead of 87.0`."""
    is_same: bool


def difference(before: ValueSummary | None, after: ValueSummary) -> Difference:
    """How a value differs from the earlier one, as far as their summaries tell."""
    if before is None:
        return Difference("new", is_same=False)
    if before.type != after.type:
        return Difference(f"{after.type} instead of {before.type}", is_same=False)
    if before.shape != after.shape or before.dtype != after.dtype:
        return Difference(_shape_difference(before, after), is_same=False)
    if before.length != after.length:
        return Difference(f"{count(after.length)} elements instead of {count(before.length)}", is_same=False)
    if before.boxes is not None and after.boxes is not None and before.boxes != after.boxes:
        changed = sum(one != other for one, other in zip(before.boxes, after.boxes, strict=True))
        return Difference(f"{counted(changed, 'row')} of {len(after.boxes)} changed", is_same=False)
    for name in ("mean", "minimum", "maximum"):
        one, other = getattr(before, name), getattr(after, name)
        if one != other:
            what = "" if after.shape is None else f"{name} "
            return Difference(f"{what}{number(other)} instead of {number(one)}{_change(one, other)}", is_same=False)
    if before.text != after.text:
        return Difference(f"{_cut(after.text, 40)} instead of {_cut(before.text, 40)}", is_same=False)
    return Difference("no difference in these figures" if after.shape else "the same", is_same=True)


def _shape_difference(before: ValueSummary, after: ValueSummary) -> str:
    old, new = before.shape or (), after.shape or ()
    if before.dtype == after.dtype and len(old) == len(new) == 2 and old[1] == new[1]:
        return f"{counted(new[0], 'row')} instead of {old[0]}"
    return f"{headline(after)} instead of {headline(before)}"


def _change(before: float | None, after: float | None) -> str:
    if not before or after is None:
        return ""
    change = 100 * (after - before) / abs(before)
    return f" ({change:+.0f} %)" if 0.5 <= abs(change) < 1000 else ""


def table_text(rows: Sequence[Sequence[float | None]]) -> str:
    """The rows of a small table below each other, their columns aligned."""
    cells = [[number(value) for value in row] for row in rows[:_MOST_ROWS]]
    if not cells:
        return "no rows"
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    return "\n".join("  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True)) for row in cells)


def _cut(text: str, most: int = MOST_TEXT) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
