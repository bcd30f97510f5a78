"""What a workload is: contenders that do the same, and comparisons between them with goals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from importlib.util import find_spec
from pathlib import Path


class Unit(Enum):
    """What the figures of a workload are, and whether more of it is better."""

    RATE = ("/s", True)
    SHARE = ("of the ideal", True)
    SECONDS = ("s", False)
    CELL_US = ("us a cell", False)
    ITEM_US = ("us an item", False)
    MEGABYTES = ("MB", False)

    @property
    def label(self) -> str:
        """The unit in words."""
        return self.value[0]

    @property
    def more_is_better(self) -> bool:
        """Whether the best contender is the one with the largest figure."""
        return self.value[1]

    def format(self, figure: float) -> str:
        """A figure with its unit, for people."""
        if self is Unit.RATE:
            return f"{figure:,.0f}/s" if figure >= 1000 else f"{figure:.1f}/s"
        return f"{figure:.3f} {self.label}" if figure < 10 else f"{figure:,.1f} {self.label}"


@dataclass(frozen=True)
class Contender:
    """One that is measured in a process of its own."""

    name: str
    measure: Callable[[bool], float]
    """Do the work, raise where its results are wrong, and give the figure; with true in a tiny form."""
    needs: str | None = None
    """A module, or the path of a file, without which it cannot be measured."""

    def find_absence(self) -> str | None:
        """Why it cannot be measured here; `None` where it can."""
        if self.needs is None:
            return None
        if self.needs.startswith("/"):
            return None if Path(self.needs).exists() else f"there is no {self.needs}"
        return None if find_spec(self.needs) is not None else f"{self.needs} is not installed"


@dataclass(frozen=True)
class Bound:
    """A goal: a bound for the ratio of our figure to the best peer's, or for the figure itself."""

    limit: float
    at_least: bool
    of_ratio: bool = True

    def holds(self, figure: float, ratio: float | None) -> bool:
        """Whether the goal is reached."""
        measured = ratio if self.of_ratio else figure
        if measured is None:
            return False
        return measured >= self.limit if self.at_least else measured <= self.limit

    def describe(self, unit: Unit) -> str:
        """The goal for people."""
        return f"{'>=' if self.at_least else '<='} {self.limit:g} {'x' if self.of_ratio else unit.label}"


def ratio_at_least(limit: float) -> Bound:
    """Our figure is at least so many times the peer's."""
    return Bound(limit, at_least=True)


def ratio_at_most(limit: float) -> Bound:
    """Our figure is at most so many times the peer's."""
    return Bound(limit, at_least=False)


def figure_at_least(limit: float) -> Bound:
    """Our figure itself, where it is a share of what is possible."""
    return Bound(limit, at_least=True, of_ratio=False)


def figure_at_most(limit: float) -> Bound:
    """Our figure itself, where there is no peer to compare it with."""
    return Bound(limit, at_least=False, of_ratio=False)


@dataclass(frozen=True)
class Comparison:
    """One row of the table: one of ours against the best of some peers."""

    what: str
    ours: str
    peers: tuple[str, ...] = ()
    goals: tuple[Bound, ...] = ()
    """It is enough to reach one of them. Without any, the row only informs."""


@dataclass(frozen=True)
class Workload:
    """Contenders that take turns, and what is read from their figures."""

    name: str
    title: str
    unit: Unit
    contenders: tuple[Contender, ...]
    comparisons: tuple[Comparison, ...]

    def __post_init__(self) -> None:
        known = {contender.name for contender in self.contenders}
        named = {name for row in self.comparisons for name in (row.ours, *row.peers)}
        if len(known) != len(self.contenders) or not named <= known:
            raise ValueError(f"workload {self.name}: contenders that are twice there, or not at all: {named ^ known}")

    def get_contender(self, name: str) -> Contender:
        """The contender of that name."""
        return next(contender for contender in self.contenders if contender.name == name)
