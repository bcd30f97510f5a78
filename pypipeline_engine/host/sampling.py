"""Which of the values of an output are shown: some a second, and of outputs that are shown together those of the same items.

Boxes can be drawn only on the image that they were found in. So what is shown is chosen by the number of its item, not by
the clock: every item as long as a stream is slow, and otherwise one in a stride. Strides are powers of two, and what a
larger one chooses is a part of what a smaller one does, so that outputs of which the rates are measured a little differently
still meet at every other item. Where nothing of that comes for a while, because the run pauses, or a cell leaves gaps just
there, the latest is shown.

Multiples of the stride would always show the same camera of two that take turns. So numbers are chosen that are spread as
the multiples of the golden ratio are between whole numbers: nearly evenly, and in step with no period (Knuth, "The Art of
Computer Programming", volume 3, 6.4, on Fibonacci hashing).

`take` is called in the threads of cells, for every item, and does next to nothing. All the rest belongs to the thread that
tells, or to who holds its lock.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final, TypeAlias

Item: TypeAlias = tuple[int, Any]
"""The number of an item, and a value of it."""

MOST_WAITING: Final = 2
"""So many values wait to be told: of clones, some come at once."""
MEASURED_S: Final = 1.0
"""Over how long the rate is measured, at least."""
TOO_FAST: Final = 1.05
"""The stride is doubled where more than so many times the wanted rate would be shown."""
TOO_SLOW: Final = 0.4
"""It is halved where less would be: far below the half, so that it does not go up and down with every measurement."""
LATE: Final = 2.5
"""After so many times the wanted interval without a value, the latest one is told, whatever its number."""
_WORD: Final = 2**32 - 1
_SPREAD: Final = 2654435769
"""2**32 divided by the golden ratio."""


class Sampling:
    """Chooses from the values of one output."""

    def __init__(self, max_hz: float) -> None:
        """:param max_hz: how many values a second are told at most."""
        self.max_hz = max_hz
        self.latest: Item | None = None
        """What came last."""
        self.told: Item | None = None
        """What was told last."""
        self.due_s = 0.0
        """When there may be something to be told."""
        self._nb_values = 0
        self.stride = 1
        """One item in so many is chosen. Changed by `set_stride`."""
        self._limit = _WORD
        self._fresh: deque[Item] = deque(maxlen=MOST_WAITING)
        """What `take` has chosen."""
        self._waiting: deque[Item] = deque(maxlen=MOST_WAITING)
        self._marks: deque[tuple[float, int]] = deque()
        """How many values there had been, and when, for the rate."""
        self._told_s = 0.0
        self._tells_again = False

    def set_stride(self, stride: int) -> None:
        """Choose one item in so many, a power of two."""
        self.stride = stride
        self._limit = _WORD // stride

    def chooses(self, number: int) -> bool:
        """Whether the item of this number is one of those."""
        return number * _SPREAD & _WORD <= self._limit

    def take(self, number: int, value: Any) -> None:
        """Have a value. Any thread, several at once: the count may then miss some, which makes no difference."""
        self.latest = item = number, value
        self._nb_values += 1
        if number * _SPREAD & _WORD <= self._limit:  # `chooses`, without a call
            self._fresh.append(item)

    def tell_again(self) -> None:
        """Tell what was told last once more, as soon as possible: somebody does not know it."""
        self._tells_again, self.due_s = True, 0.0

    def forget(self) -> None:
        """Let go of all values."""
        self.latest = self.told = None
        self._fresh.clear()
        self._waiting.clear()

    def choose(self, now_s: float, is_heard: bool) -> Item | None:
        """What is to be told now; `None` for nothing.

        :param is_heard: whether anybody would hear it.
        """
        interval_s = 1 / self.max_hz
        if self.due_s > now_s:
            return None
        # In a rhythm, where that can be kept: who is a little late each time would lose a value now and then.
        self.due_s = max(self.due_s + interval_s, now_s + interval_s / 2)
        self._measure(now_s)
        while self._fresh:
            self._waiting.append(self._fresh.popleft())
        if not is_heard:
            self._waiting.clear()
            return None
        chosen = self._pick(now_s)
        self._tells_again = False
        if chosen is not None:
            self.told, self._told_s = chosen, now_s
        return chosen

    def _pick(self, now_s: float) -> Item | None:
        while self._waiting:
            item = self._waiting.popleft()
            if self.chooses(item[0]) and item is not self.told:
                return item
        if self.told is None:
            return self.latest
        if self.latest is not self.told and now_s - self._told_s >= LATE / self.max_hz:
            return self.latest
        return self.told if self._tells_again else None

    def _measure(self, now_s: float) -> None:
        marks = self._marks
        marks.append((now_s, self._nb_values))
        while len(marks) > 2 and marks[1][0] <= now_s - MEASURED_S:
            marks.popleft()
        (then_s, nb_then), (_, nb_now) = marks[0], marks[-1]
        if now_s <= then_s:
            return
        most_hz, stride = (nb_now - nb_then) / (now_s - then_s) / self.max_hz, self.stride
        while most_hz > TOO_FAST * stride:
            stride *= 2
        while stride > 1 and most_hz < TOO_SLOW * stride:
            stride //= 2
        if stride != self.stride:
            self.set_stride(stride)
