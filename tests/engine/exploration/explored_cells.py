"""Cells that watch how they are run, and do what a schedule asks of them: errors, gaps, a failing deployment.

Values are texts that tell where they have been: the source gives `0`, `1`, ...; the cell `a` makes `0a` of `0`; a join
makes `(0a,0)`. A gap is recorded as `gap`, the error that the cell `a` raises for `0` as `!a:0`.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable
from typing import Any

from explorer import Explorer
from stream_cells import CriticalError, PassingError

from pypipeline_engine.cell import ASingleCell
from pypipeline_engine.cellio import Input, Output
from pypipeline_engine.exceptions import ItemSkipped, NonCriticalException

GAP = "gap"


class World:
    """What the cells of one schedule share."""

    def __init__(self, explorer: Explorer) -> None:
        self.explorer = explorer
        self.faults: dict[tuple[str, str], str] = {}
        """What happens to a value in a cell: `gap`, `passing`, `critical`, `flaky`, which fails once, `scaling`, or
        `end`."""
        self.scale: Callable[[], None] = lambda: None
        """Changes some number of clones, from inside of a cell."""
        self.failing_deploy: int | None = None
        """Which call of `_on_deploy`, counted over all cells, fails."""
        self.nb_renewed = 0
        """How many clones are being put in the place of others that died."""
        self.nb_events = 0
        """How often a cell was deployed or began to run."""
        self.nb_deploys = 0
        self.nb_points = 1
        """How often threads may be switched in the middle of a pull of a cell: how long its work is."""
        self.over = False
        """Whether nobody should wait for a later moment any more."""
        self.up: Counter[ASingleCell] = Counter()
        self.tries: Counter[tuple[str, str]] = Counter()
        self.noted: list[str] = []
        """What came to sinks inside of clones since the deployment, in whatever order."""
        self.violations: list[str] = []

    def violate(self, text: str) -> None:
        self.violations.append(text)

    def enter(self, cell: Explored) -> None:
        """Called at the start of every pull."""
        self.nb_events += 1
        if cell.is_inside:
            self.violate(f"{cell.get_full_name()} is run by two threads at once")
        if self.up[cell] != 1:
            self.violate(f"{cell.get_full_name()} is run while it is not deployed")
        if self.explorer.current is not None and self.explorer.current.nb_locks:
            self.violate(f"{cell.get_full_name()} is run under a lock")
        cell.is_inside = True
        for _ in range(self.nb_points):
            self.explorer.switch()


class Explored(ASingleCell):
    """Watches that it is run by one thread at a time, between `_on_deploy` and `_on_undeploy`, and under no lock."""

    def __init__(self, parent_cell: Any, name: str, world: World) -> None:
        super().__init__(parent_cell, name)
        self.world = world
        self.is_inside = False

    def work(self) -> None:
        raise NotImplementedError

    def _on_pull(self) -> None:
        self.world.enter(self)
        try:
            self.work()
        finally:
            self.is_inside = False

    def _on_deploy(self) -> None:
        world = self.world
        world.up[self] += 1
        world.nb_deploys += 1
        world.nb_events += 1
        world.explorer.switch()
        if world.nb_deploys == world.failing_deploy and not world.nb_renewed:
            raise CriticalError(f"{self.get_name()} cannot be deployed")

    def _on_undeploy(self) -> None:
        self._assert_at_rest("undeployed")
        self.world.up[self] -= 1
        self.world.explorer.switch()

    def _on_reset(self) -> None:
        self._assert_at_rest("reset")
        self.world.explorer.switch()

    def _assert_at_rest(self, what: str) -> None:
        if self.is_inside:
            self.world.violate(f"{self.get_full_name()} is {what} while it runs")
        if self.world.up[self] != 1:
            self.world.violate(f"{self.get_full_name()} is {what}, but is deployed {self.world.up[self]} times")


class Counting(Explored):
    """The source."""

    def __init__(self, parent_cell: Any, name: str, world: World, nb_items: int) -> None:
        super().__init__(parent_cell, name, world)
        self.y: Output[str] = Output(self, "y")
        self.nb_items = nb_items
        self.position = 0

    def supports_scaling(self) -> bool:
        return False

    def work(self) -> None:
        if self.position == self.nb_items:
            raise StopIteration
        position = self.position
        self.world.explorer.switch()
        self.position = position + 1
        self.y.set_value(str(position))

    def _on_deploy(self) -> None:
        self.position = 0
        self.world.noted.clear()
        super()._on_deploy()

    def _on_reset(self) -> None:
        super()._on_reset()
        self.position = 0


class Work(Explored):
    """Adds its name to each value, or has something happen to it."""

    def __init__(self, parent_cell: Any, name: str, world: World) -> None:
        super().__init__(parent_cell, name, world)
        self.x: Input[str] = Input(self, "x")
        self.y: Output[str] = Output(self, "y")

    def work(self) -> None:
        self.y.set_value(self._judge(self.x.pull()))

    def _judge(self, value: str) -> str:
        world = self.world
        world.explorer.switch()
        key = self.get_name(), value
        fault = world.faults.get(key)
        text = ":".join(key)
        if fault == GAP:
            raise ItemSkipped(text)
        if fault == "passing":
            raise PassingError(text)
        if fault == "critical":
            raise CriticalError(text)
        if fault == "flaky":
            world.tries[key] += 1
            if world.tries[key] % 2:
                raise CriticalError(text)
        if fault == "end":
            raise StopIteration
        if fault == "scaling":
            world.scale()
        return value + self.get_name()


class Joining(Explored):
    """Pairs the values of its inputs."""

    def __init__(self, parent_cell: Any, name: str, world: World, nb_inputs: int = 2, per_pull: int = 1) -> None:
        super().__init__(parent_cell, name, world)
        self.xs: list[Input[str]] = [Input(self, f"x{index}") for index in range(nb_inputs)]
        self.y: Output[str] = Output(self, "y")
        self.per_pull = per_pull
        """How many values of each input make one of the output; the inputs are read one after the other."""

    def supports_scaling(self) -> bool:
        return self.per_pull == 1

    def work(self) -> None:
        parts = []
        for x in self.xs:
            parts.append("".join([x.pull() for _ in range(self.per_pull)]))
            self.world.explorer.switch()
        self.y.set_value(f"({','.join(parts)})")


class Splitting(Work):
    """As `Work`, with a second output, which is declared before the first."""

    def __init__(self, parent_cell: Any, name: str, world: World) -> None:
        Explored.__init__(self, parent_cell, name, world)
        self.x = Input(self, "x")
        self.y2: Output[str] = Output(self, "y2")
        self.y = Output(self, "y")

    def work(self) -> None:
        value = self._judge(self.x.pull())
        self.y2.set_value(value + "2")
        self.y.set_value(value)


class Keeping(Work):
    """As `Work`, but cannot be scaled."""

    def supports_scaling(self) -> bool:
        return False


class Noting(Explored):
    """A sink that can be scaled. All clones note in one place, gaps and errors too."""

    def __init__(self, parent_cell: Any, name: str, world: World) -> None:
        super().__init__(parent_cell, name, world)
        self.x: Input[str] = Input(self, "x")

    def work(self) -> None:
        try:
            item = self.x.pull()
        except StopIteration:
            raise
        except ItemSkipped:
            item = GAP
        except Exception as error:
            item = describe(error)
        self.world.explorer.switch()
        self.world.noted.append(item)


class Batching(Explored):
    """Makes one value of so many; the last batch may be shorter."""

    def __init__(self, parent_cell: Any, name: str, world: World, size: int) -> None:
        super().__init__(parent_cell, name, world)
        self.x: Input[str] = Input(self, "x")
        self.y: Output[str] = Output(self, "y")
        self.size = size

    def supports_scaling(self) -> bool:
        return False

    def work(self) -> None:
        batch: list[str] = []
        while len(batch) < self.size:
            try:
                batch.append(self.x.pull())
            except ItemSkipped:
                continue
            except StopIteration:
                if not batch:
                    raise
                break
        self.y.set_value(f"[{' '.join(batch)}]")


def accumulate(value: str, last: str) -> str:
    """What `Accumulating` makes of a value and what came round."""
    return f"{value}~{zlib.crc32(last.encode()) % 1000}"


class Accumulating(Explored):
    """Mixes what comes round into each value."""

    def __init__(self, parent_cell: Any, name: str, world: World) -> None:
        super().__init__(parent_cell, name, world)
        self.x: Input[str] = Input(self, "x")
        self.last: Input[str] = Input(self, "last")
        self.y: Output[str] = Output(self, "y")

    def supports_scaling(self) -> bool:
        return False

    def work(self) -> None:
        self.y.set_value(accumulate(self.x.pull(), self.last.pull()))


class Recording(Explored):
    """The sink. Keeps what arrives, in a list of its own for each deployment and each reset."""

    def __init__(self, parent_cell: Any, name: str, world: World, catches: bool) -> None:
        super().__init__(parent_cell, name, world)
        self.x: Input[str] = Input(self, "x")
        self.generations: list[list[str]] = []
        self.catches = catches
        """Whether it keeps gaps and errors as well; otherwise they go to whoever pulls."""

    def supports_scaling(self) -> bool:
        return False

    def work(self) -> None:
        if not self.catches:
            self.generations[-1].append(self.x.pull())
            return
        try:
            item = self.x.pull()
        except StopIteration:
            raise
        except ItemSkipped:
            item = GAP
        except Exception as error:
            item = describe(error)
        self.generations[-1].append(item)

    def _on_deploy(self) -> None:
        self.generations.append([])
        super()._on_deploy()

    def _on_reset(self) -> None:
        super()._on_reset()
        self.generations.append([])


def describe(error: Exception) -> str:
    """How an error is recorded."""
    if isinstance(error, NonCriticalException | CriticalError):
        return f"!{error.args[0]}"
    return f"!{error!r}"
