"""Errors and log lines with their numbers: a bounded number of the latest ones is kept.

Guarantees: numbers go up in the order of arrival, errors and log lines together; a reader that asks for what came after a
number misses nothing that is still kept. All methods may be called from any thread, and none of them waits for long.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pypipeline_engine.host.protocol import CellError, LogLine

ERRORS_KEPT = 500
LINES_KEPT = 2000
LONGEST_LINE = 4000
"""Characters of a log line; of more, the beginning is kept."""
MOST_LINES_AT_ONCE = 200

Level: TypeAlias = Literal["debug", "info", "warning", "error", "output"]


@dataclass(frozen=True)
class Entry:
    """One error or log line."""

    number: int
    kind: Literal["error", "log"]
    content: CellError | LogLine


class Journal:
    """What went wrong and what was said."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """:param clock: seconds since the epoch."""
        self._clock = clock
        self._lock = threading.Lock()  # guards everything here; nothing else happens while it is held
        self._number = 0
        self._errors: deque[Entry] = deque(maxlen=ERRORS_KEPT)
        self._lines: deque[Entry] = deque(maxlen=LINES_KEPT)
        self.on_entry: Callable[[], None] = lambda: None
        """Is called after something was added, in the thread that did; must not wait."""

    def add_error(self, error: CellError) -> None:
        """Note an error."""
        with self._lock:
            self._number += 1
            self._errors.append(Entry(self._number, "error", error))
        self.on_entry()

    def add_line(self, level: Level, source: str, text: str) -> None:
        """Note a log line."""
        self.add_lines(level, source, [text])

    def add_lines(self, level: Level, source: str, texts: Sequence[str]) -> None:
        """Note lines that came at once; of very many, the last ones."""
        left_out = len(texts) - MOST_LINES_AT_ONCE
        if left_out > 0:
            texts = [f"({left_out} lines that came at once are left out)", *texts[left_out:]]
        now_s = self._clock()
        with self._lock:
            for text in texts:
                self._number += 1
                line = LogLine(time_s=now_s, level=level, source=source, text=_shortened(text))
                self._lines.append(Entry(self._number, "log", line))
        self.on_entry()

    def forget_errors(self) -> None:
        """Forget the errors: another run begins."""
        with self._lock:
            self._errors.clear()

    @property
    def latest(self) -> int:
        """The number of the entry added last."""
        return self._number

    def get_errors(self) -> list[CellError]:
        """The errors that are kept."""
        with self._lock:
            return [entry.content for entry in self._errors if isinstance(entry.content, CellError)]

    def get_lines(self) -> list[LogLine]:
        """The log lines that are kept."""
        with self._lock:
            return [entry.content for entry in self._lines if isinstance(entry.content, LogLine)]

    def since(self, number: int, limit: int) -> list[Entry]:
        """The first entries after the one with this number, in order.

        A number that is not yet given is one of another host: then everything that is kept.
        """
        with self._lock:
            after = number if number <= self._number else 0
            found = [*_after(self._errors, after), *_after(self._lines, after)]
        return sorted(found, key=lambda entry: entry.number)[:limit]


def _after(entries: deque[Entry], number: int) -> list[Entry]:
    found = []
    for entry in reversed(entries):
        if entry.number <= number:
            break
        found.append(entry)
    return found


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_LINE else f"{text[:LONGEST_LINE]} ... ({len(text)} characters)"
