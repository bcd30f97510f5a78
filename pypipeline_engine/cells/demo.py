"""Cells for trying out how pipelines scale."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from pypipeline_engine.cell import ASingleCell
from pypipeline_engine.cellio import Input, Output, RuntimeParameter
from pypipeline_engine.cells.checks import number, whole

if TYPE_CHECKING:
    from pypipeline_engine.cell import ICompositeCell

# One number seen as many: numpy computes with it for as long as wanted in one call, without memory to fight for.
_VALUES = np.broadcast_to(np.ones(1), (1 << 30,))
_NB_CALIBRATED = 10_000


class Work(ASingleCell):
    """Passes each item on after some work, in one of three ways: `sleep` waits, `python` computes and holds the GIL,
    `numpy` computes and releases it. The time is the processor time of the thread where it computes, so that it takes
    longer by the clock where processors are short. Can fail now and then, to show what error policies do. May be
    scaled; each clone counts its own pulls.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.item: Input[Any] = Input(self, "item", doc="Anything.")
        self.milliseconds: RuntimeParameter[float] = RuntimeParameter(
            self, "milliseconds", number, default_value=5.0, minimum=0, unit="ms", doc="How long the work takes."
        )
        self.mode: RuntimeParameter[str] = RuntimeParameter(
            self,
            "mode",
            default_value="sleep",
            choices=("sleep", "python", "numpy"),
            doc="Wait, compute and hold the GIL, or compute and release it.",
        )
        self.jitter: RuntimeParameter[float] = RuntimeParameter(
            self, "jitter", number, default_value=0.0, minimum=0, unit="ms", doc="Up to how much longer, at random."
        )
        self.fail_every: RuntimeParameter[int] = RuntimeParameter(
            self, "fail_every", whole, default_value=0, minimum=0, doc="Raise an error on every n-th pull; 0: never."
        )
        self.done: Output[Any] = Output(self, "item", doc="The same item.")
        self._random = random.Random()
        self._nb_pulls = 0
        self._value_s = 0.0

    def _on_deploy(self) -> None:
        start_s = time.thread_time()
        np.logaddexp.reduce(_VALUES[:_NB_CALIBRATED])
        self._value_s = max(1e-9, (time.thread_time() - start_s) / _NB_CALIBRATED)
        self._on_reset()

    def _on_reset(self) -> None:
        self._random.seed(self.get_full_name())
        self._nb_pulls = 0

    def _on_pull(self) -> None:
        work = {"sleep": time.sleep, "python": self._compute_in_python, "numpy": self._compute_in_numpy}[
            self.mode.pull()
        ]
        duration_s = (self.milliseconds.pull() + self.jitter.pull() * self._random.random()) / 1000
        fail_every = self.fail_every.pull()
        item = self.item.pull()
        self._nb_pulls += 1
        if fail_every and self._nb_pulls % fail_every == 0:
            raise RuntimeError(f"pull number {self._nb_pulls} fails, because fail_every is {fail_every}")
        work(duration_s)
        self.done.set_value(item)

    @staticmethod
    def _compute_in_python(duration_s: float) -> None:
        end_s = time.thread_time() + duration_s
        while time.thread_time() < end_s:
            sum(range(100))

    def _compute_in_numpy(self, duration_s: float) -> None:
        end_s = time.thread_time() + duration_s
        while (left_s := end_s - time.thread_time()) > 0:
            np.logaddexp.reduce(_VALUES[: int(left_s / self._value_s) + 1])
