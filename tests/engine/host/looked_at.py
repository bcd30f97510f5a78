"""Cells for the tests of looking into a run."""

from typing import Any

import numpy as np

from pypipeline_engine.cell import ASingleCell, ICompositeCell
from pypipeline_engine.cellio import Input, Output, RuntimeParameter
from pypipeline_engine.exceptions import ItemSkipped


class Gain(ASingleCell):
    """Multiplies; not by negative numbers, and by 0 to a gap."""

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.item: Input[Any] = Input(self, "item")
        self.gain: RuntimeParameter[int] = RuntimeParameter(self, "gain", default_value=1)
        self.result: Output[Any] = Output(self, "result")

    def _on_pull(self) -> None:
        item, gain = self.item.pull(), self.gain.pull()
        if gain < 0:
            raise ValueError(f"no gain is {gain}")
        if gain == 0:
            raise ItemSkipped
        self.result.set_value(gain * item)


class Image(ASingleCell):
    """Images of one colour, which is the item."""

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.item: Input[int] = Input(self, "item")
        self.image: Output[np.ndarray] = Output(self, "image")

    def _on_pull(self) -> None:
        self.image.set_value(np.full((48, 64, 3), self.item.pull() % 256, np.uint8))


class Spoil(ASingleCell):
    """Writes into its input where it runs the first time, as no cell should."""

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.image_in: Input[np.ndarray] = Input(self, "image")
        self.image_out: Output[np.ndarray] = Output(self, "image")
        self.nb_runs = 0

    def supports_scaling(self) -> bool:
        return False

    def _on_pull(self) -> None:
        image = self.image_in.pull()
        if not self.nb_runs:
            image[:] = 255
        self.nb_runs += 1
        self.image_out.set_value(image)


class Ignore(ASingleCell):
    """Takes items and does nothing."""

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.item: Input[Any] = Input(self, "item")

    def _on_pull(self) -> None:
        self.item.pull()
