"""What stands in the pixels of an array, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pypipeline_engine.host.looking import Number

_LETTERS: Final = {3: "BGR", 4: "BGRA"}
"""The channels in the order of the array, as pictures show them."""


def pixel_text(channels: Sequence[Number]) -> str:
    """All numbers of a pixel in full, in the order of the array: `93`, `0.1`, `nan`, `B 31 G 44 R 120`."""
    letters = _LETTERS.get(len(channels))
    texts = [_in_full(number) for number in channels]
    if letters is None:
        return "  ".join(texts)
    return " ".join(f"{letter} {text}" for letter, text in zip(letters, texts, strict=True))


def short_text(number: Number) -> str:
    """A number in few characters, to be written into its pixel: four digits of a fraction, `0` and `1` of a mask."""
    if isinstance(number, bool):
        return str(int(number))
    if isinstance(number, float):
        return f"{number:.4g}"
    return str(number)


def _in_full(number: Number) -> str:
    return repr(number) if isinstance(number, float) else str(number)
