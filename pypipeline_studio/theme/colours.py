"""Colours by token name, in the mode that is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QColor

from pypipeline_studio.theme.tokens import CATEGORIES, KINDS, MARKS, RAMPS, TABLES, Mode

if TYPE_CHECKING:
    from pypipeline_engine.catalogue.model import Kind

UNKNOWN_CATEGORY = "flow"


class Theme(QObject):
    """The mode that is shown, and how heat is coloured.

    `changed` is emitted after either changed: whoever keeps pens, brushes or pictures drops them, and paints again.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._mode: Mode = "dark"
        self._safe_heat = False

    @property
    def mode(self) -> Mode:
        return self._mode

    def set_mode(self, mode: Mode) -> None:
        if mode != self._mode:
            self._mode = mode
            self._forget()

    @property
    def safe_heat(self) -> bool:
        """Whether heat is shown in colours that can be read with a colour vision deficiency."""
        return self._safe_heat

    @safe_heat.setter
    def safe_heat(self, value: bool) -> None:
        if value != self._safe_heat:
            self._safe_heat = value
            self._forget()

    def _forget(self) -> None:
        _colours.clear()
        _heat.clear()
        self.changed.emit()


_colours: dict[tuple[str, float | None], QColor] = {}
_heat: dict[tuple[int, int], QColor] = {}
theme = Theme()


def hex_of(name: str) -> str:
    """The token `name` as it is in the table of the mode: `#RRGGBB`, or `#RRGGBBAA` where it has an opacity."""
    return TABLES[theme.mode][name]


def colour(name: str, alpha: float | None = None) -> QColor:
    """The token `name`, with another opacity where `alpha` is given. The result is shared: do not modify it."""
    key = (name, alpha)
    found = _colours.get(key)
    if found is None:
        found = _from_hex(hex_of(name))
        if alpha is not None:
            found.setAlphaF(alpha)
        _colours[key] = found
    return found


def category_colour(category: str) -> QColor:
    """The colour of a category of cells; one that is not known looks like `flow`. The result is shared."""
    known = CATEGORIES.get(category, CATEGORIES[UNKNOWN_CATEGORY])
    return _shared(known.dark if theme.mode == "dark" else known.light)


def category_icon(category: str) -> str:
    return CATEGORIES.get(category, CATEGORIES[UNKNOWN_CATEGORY]).icon


def kind_colour(kind: str) -> QColor:
    """The colour of ports and wires for a kind of value; one that is not known looks like `any`. The result is shared."""
    look = KINDS.get(cast("Kind", kind), KINDS["any"])
    return _shared(look.dark if theme.mode == "dark" else look.light)


def mark_colour(mark: str) -> QColor:
    """A colour that a person gives to cells and comments; one that is not known looks like `sand`. The result is shared."""
    look = MARKS.get(mark, MARKS["sand"])
    return _shared(look.dark if theme.mode == "dark" else look.light)


def mix(a: QColor, b: QColor, share: float) -> QColor:
    """`a` with `share` of it replaced by `b`; opaque."""
    return QColor(
        round(a.red() + (b.red() - a.red()) * share),
        round(a.green() + (b.green() - a.green()) * share),
        round(a.blue() + (b.blue() - a.blue()) * share),
    )


def heat(busy: float, blocked: float) -> QColor:
    """The colour for a load: blue to red by the busy share, towards grey by the blocked share. The result is shared."""
    key = (round(100 * min(1.0, max(0.0, busy))), round(100 * min(1.0, max(0.0, blocked))))
    found = _heat.get(key)
    if found is None:
        stops = RAMPS["safe" if theme.safe_heat else "normal"][theme.mode]
        place = key[0] / 100 * (len(stops) - 1)
        first = min(int(place), len(stops) - 2)
        found = mix(QColor(stops[first]), QColor(stops[first + 1]), place - first)
        found = mix(found, colour("text3"), 0.85 * key[1] / 100)
        _heat[key] = found
    return found


def queue_colour(fill: float) -> QColor:
    """The colour for a queue that is `fill` full, 0 to 1."""
    return colour("q_low" if fill <= 0.6 else "q_mid" if fill <= 0.85 else "q_high")


def _shared(written: str) -> QColor:
    key = (written, None)
    found = _colours.get(key)
    if found is None:
        found = _colours[key] = QColor(written)
    return found


def _from_hex(written: str) -> QColor:
    if len(written) == 9:
        found = QColor(written[:7])
        found.setAlpha(int(written[7:], 16))
        return found
    return QColor(written)
