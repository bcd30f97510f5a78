"""Cells that change which items go on, when, and in what groups."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pypipeline_engine.cell import ASingleCell
from pypipeline_engine.cellio import ConfigParameter, Input, Output, RuntimeParameter
from pypipeline_engine.cells.checks import number, refuse, whole
from pypipeline_engine.exceptions import ItemSkipped

if TYPE_CHECKING:
    from pypipeline_engine.cell import ICompositeCell


class Batch(ASingleCell):
    """Gathers items to lists of `size`; the last one may be shorter. Skipped items are left out, and the list is filled
    with those that follow. Where an item arrives as an error, what has been gathered waits for the next pull. Takes
    several items to make one and cannot be scaled.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.item: Input[Any] = Input(self, "item", doc="What to gather.")
        self.size: RuntimeParameter[int] = RuntimeParameter(
            self, "size", whole, default_value=8, minimum=1, unit="items", doc="How many items make a list."
        )
        self.batch: Output[list[Any]] = Output(self, "batch", doc="The items, in their order.")
        self._gathered: list[Any] = []

    def supports_scaling(self) -> bool:
        """Never: one list takes several items."""
        return False

    def get_nb_available_pulls(self) -> int | None:
        """How many lists the items that are left will fill; unknown where `size` is connected."""
        items = None if self.size.is_connected() else super().get_nb_available_pulls()
        return None if items is None else -(-(items + len(self._gathered)) // self.size.get_value())

    def _on_deploy(self) -> None:
        self._on_reset()

    def _on_reset(self) -> None:
        self._gathered = []

    def _on_pull(self) -> None:
        size = self.size.pull()
        while len(self._gathered) < size:
            try:
                self._gathered.append(self.item.pull())
            except ItemSkipped:
                continue
            except StopIteration:
                if not self._gathered:
                    raise
                break
        self.batch.set_value(self._gathered)
        self._gathered = []


class Unbatch(ASingleCell):
    """Takes lists apart into their items; empty lists are left out. Takes one list to make several items and cannot be
    scaled.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.batch: Input[list[Any]] = Input(
            self, "batch", doc="The items: a list, or an array that is taken apart along its first axis."
        )
        self.item: Output[Any] = Output(self, "item", doc="One item.")
        self._items: Iterator[Any] = iter(())

    def supports_scaling(self) -> bool:
        """Never: one list makes several items."""
        return False

    def get_nb_available_pulls(self) -> int | None:
        """Unknown: the lists that are to come are."""
        return None

    def _on_deploy(self) -> None:
        self._on_reset()

    def _on_reset(self) -> None:
        self._items = iter(())

    def _on_pull(self) -> None:
        while True:
            for item in self._items:
                self.item.set_value(item)
                return
            batch: Any = self.batch.pull()
            if isinstance(batch, str | bytes | dict):
                refuse(self.batch, "a list or an array", batch, "flow.Batch makes one")
            try:
                self._items = iter(batch)
            except TypeError:
                refuse(self.batch, "a list or an array", batch, "flow.Batch makes one")


class Delay(ASingleCell):
    """Gives each item `steps` places later, and `initial` in the first places: with one step, the item before this one.
    What is held back at the end of the stream is dropped. A skipped item leaves its gap at once and does not count as a
    step. Remembers items and cannot be scaled.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.item: Input[Any] = Input(self, "item", doc="What to delay.")
        self.steps: ConfigParameter[int] = ConfigParameter(
            self, "steps", whole, default_value=1, minimum=0, unit="items", doc="By how many places."
        )
        self.initial: ConfigParameter[Any] = ConfigParameter(
            self, "initial", default_value=None, doc="What to give where there is no earlier item yet."
        )
        self.delayed: Output[Any] = Output(self, "item", doc="The item that came so many places before.")
        self._held: deque[Any] = deque()

    def supports_scaling(self) -> bool:
        """Never: it remembers items."""
        return False

    def _on_deploy(self) -> None:
        self._on_reset()

    def _on_reset(self) -> None:
        self._held = deque([self.initial.pull()] * self.steps.pull())

    def _on_pull(self) -> None:
        self._held.append(self.item.pull())
        self.delayed.set_value(self._held.popleft())


class Throttle(ASingleCell):
    """Lets at most `rate_hz` items pass in a second, evenly spaced, by waiting before it hands an item on. Time that
    was lost is not made up for. Measures the time between items and cannot be scaled.
    """

    _clock = staticmethod(time.monotonic)
    _sleep = staticmethod(time.sleep)

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.item: Input[Any] = Input(self, "item", doc="What to slow down.")
        self.rate_hz: RuntimeParameter[float] = RuntimeParameter(
            self, "rate_hz", number, default_value=10.0, minimum=0.1, unit="Hz", doc="Items per second at most."
        )
        self.passed: Output[Any] = Output(self, "item", doc="The same item, in time.")
        self._next_s = 0.0

    def supports_scaling(self) -> bool:
        """Never: the time between two items is what it is about."""
        return False

    def _on_deploy(self) -> None:
        self._on_reset()

    def _on_reset(self) -> None:
        self._next_s = 0.0

    def _on_pull(self) -> None:
        rate_hz = self.rate_hz.pull()
        item = self.item.pull()
        now_s = self._clock()
        if now_s < self._next_s:
            self._sleep(self._next_s - now_s)
        self._next_s = max(now_s, self._next_s) + 1 / rate_hz
        self.passed.set_value(item)


class EveryNth(ASingleCell):
    """Lets the first item pass and then every n-th one, and leaves gaps for the others, so that cells downstream that
    take items from several connections stay in step. Gaps that arrive count. Counts items and cannot be scaled.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.item: Input[Any] = Input(self, "item", doc="What to thin out.")
        self.n: RuntimeParameter[int] = RuntimeParameter(
            self, "n", whole, default_value=2, minimum=1, unit="items", doc="One of how many items passes."
        )
        self.passed: Output[Any] = Output(self, "item", doc="The same item, or a gap.")
        self._index = 0

    def supports_scaling(self) -> bool:
        """Never: it counts items."""
        return False

    def get_nb_available_pulls(self) -> int | None:
        """How many of the items that are left will pass; unknown where `n` is connected."""
        items = None if self.n.is_connected() else super().get_nb_available_pulls()
        n = self.n.get_value()
        return None if items is None else -(-(self._index + items) // n) - -(-self._index // n)

    def _on_deploy(self) -> None:
        self._on_reset()

    def _on_reset(self) -> None:
        self._index = 0

    def _on_pull(self) -> None:
        passes = self._index % self.n.pull() == 0
        self._index += 1
        item = self.item.pull()
        if not passes:
            raise ItemSkipped
        self.passed.set_value(item)


class Filter(ASingleCell):
    """Lets an item pass where `keep` is true, and leaves a gap where it is not, so that cells downstream that take
    items from several connections stay in step. May be scaled.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.item: Input[Any] = Input(self, "item", doc="What to filter.")
        self.keep: Input[bool] = Input(self, "keep", doc="Whether the item passes: true or false, or a number.")
        self.passed: Output[Any] = Output(self, "item", doc="The same item, or a gap.")

    def get_nb_available_pulls(self) -> int | None:
        """Unknown: so is what will pass."""
        return None

    def _on_pull(self) -> None:
        item = self.item.pull()
        if not _pull_truth(self.keep):
            raise ItemSkipped
        self.passed.set_value(item)


class Select(ASingleCell):
    """Gives the next item of `a` or that of `b`, as `use_a` says. Only the one that it gives is pulled: the cells
    upstream of the other do not run, and their next item stays where it is until it is wanted. Two inputs that come
    from one source therefore do not stay in step, and what waits at one of them holds the source back once its buffer
    is full; to choose between two numbers that belong together, use `math.Expression` with `a if c else b`. Takes no
    item from one input and cannot be scaled.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.a: Input[Any] = Input(self, "a", doc="What to give where use_a is true.")
        self.b: Input[Any] = Input(self, "b", doc="What to give where it is false.")
        self.use_a: Input[bool] = Input(self, "use_a", doc="Which one to give: true or false, or a number.")
        self.item: Output[Any] = Output(self, "item", doc="The item that was chosen.")

    def supports_scaling(self) -> bool:
        """Never: it takes no item from the other input."""
        return False

    def get_nb_available_pulls(self) -> int | None:
        """Unknown: so is what will be chosen."""
        return None

    def _on_pull(self) -> None:
        self.item.set_value(self.a.pull() if _pull_truth(self.use_a) else self.b.pull())


def _pull_truth(source: Input[bool]) -> bool:
    value: Any = source.pull()
    try:
        return bool(value)
    except ValueError:  # an array of several elements
        refuse(source, "true or false, or a number", value)
