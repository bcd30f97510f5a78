"""Cells for the tests of looking into a run, to be given to an engine by the path of this file."""

from __future__ import annotations

from typing import Any

import numpy as np

from pypipeline_engine import ASingleCell, ICompositeCell, Input, Output, RuntimeParameter
from pypipeline_engine.cells.types import Boxes, Image


class Paint(ASingleCell):
    """Images of one grey, which is the item; the upper left quarter is white."""

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.item: Input[int] = Input(self, "item")
        self.gain: RuntimeParameter[int] = RuntimeParameter(self, "gain", default_value=1)
        self.image: Output[Image] = Output(self, "image")

    def _on_pull(self) -> None:
        image = np.full((48, 64, 3), self.item.pull() * self.gain.pull() % 256, np.uint8)
        image[:24, :32] = 255
        self.image.set_value(image)


class Find(ASingleCell):
    """One box, which is the white quarter."""

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.image: Input[Image] = Input(self, "image")
        self.boxes: Output[Boxes] = Output(self, "boxes")

    def _on_pull(self) -> None:
        self.image.pull()
        self.boxes.set_value(np.array([[0, 0, 32, 24, 1]], np.float32))


class Refuse(ASingleCell):
    """Passes items on, and refuses those that the parameter divides, as long as it is not 0."""

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.item: Input[Any] = Input(self, "item")
        self.every: RuntimeParameter[int] = RuntimeParameter(self, "every", default_value=3)
        self.same: Output[Any] = Output(self, "same")

    def _on_pull(self) -> None:
        item, every = self.item.pull(), self.every.pull()
        if every and item % every == 0:
            raise ValueError(f"{item} is refused")
        self.same.set_value(item)


class Ignore(ASingleCell):
    """Takes items and does nothing."""

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.item: Input[Any] = Input(self, "item")

    def _on_pull(self) -> None:
        self.item.pull()
