"""What happens when a cell raises an error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class ErrorPolicy:
    """How often a failed item is tried again, and what happens if it still fails.

    `fail` delivers the error in the item's place; `skip` leaves a gap there and keeps the error as a dead letter.
    """

    retries: int = 0
    then: Literal["fail", "skip"] = "fail"

    def __post_init__(self) -> None:
        if isinstance(self.retries, bool) or not isinstance(self.retries, int) or self.retries < 0:
            raise ValueError(f"retries must be a whole number of at least 0, not {self.retries!r}")
        if self.then not in ("fail", "skip"):
            raise ValueError(f"what follows the retries must be 'fail' or 'skip', not {self.then!r}")


FAIL = ErrorPolicy()
SKIP = ErrorPolicy(then="skip")
