"""Booleans that carry the reasons for being false."""

from __future__ import annotations

from collections.abc import Iterable


class BoolExplained:
    """A truth value with the reasons why it is false. Immutable, and true exactly when it has no reasons.

    `a * b` is true when both are, and has the reasons of both otherwise.
    """

    __slots__ = ("_reasons",)

    def __init__(self, reasons: str | Iterable[str] = ()) -> None:
        self._reasons = (reasons,) if isinstance(reasons, str) else tuple(reasons)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the value is false, one sentence each; empty where it is true."""
        return self._reasons

    def get_reasons_str(self, pretty: bool = False) -> str:
        """The reasons in one string: joined by semicolons, or with `pretty` one to a line, each behind a dash."""
        if pretty:
            return "".join(f"\n - {reason}" for reason in self._reasons)
        return "; ".join(self._reasons)

    def __bool__(self) -> bool:
        return not self._reasons

    def __mul__(self, other: BoolExplained) -> BoolExplained:
        return BoolExplained(self._reasons + other._reasons)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, BoolExplained):
            return self._reasons == other._reasons
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self._reasons)

    def __repr__(self) -> str:
        return "TrueExplained()" if self else f"FalseExplained({list(self._reasons)!r})"


class TrueExplained(BoolExplained):
    """True."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__()


class FalseExplained(BoolExplained):
    """False, for at least one reason."""

    __slots__ = ()

    def __init__(self, reasons: str | Iterable[str]) -> None:
        super().__init__(reasons)
        if not self._reasons:
            raise ValueError("FalseExplained expects at least one reason")


def raise_if_not(explained: BoolExplained, exception: type[Exception], pretty: bool = False) -> None:
    """Raise `exception` with the reasons as its message, unless `explained` is true."""
    if not explained:
        raise exception(explained.get_reasons_str(pretty))
