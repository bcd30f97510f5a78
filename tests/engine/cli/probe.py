"""Cells for the tests of the command line, loaded with `--cells`."""

import os
import threading

from pypipeline_engine.cell import ASingleCell, ICompositeCell
from pypipeline_engine.cellio import ConfigParameter, Input, Output, RuntimeParameter


class Fail(ASingleCell):
    """Passes items on, up to the one that it does not like."""

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.taken: Input[int] = Input(self, "taken")
        self.bad: RuntimeParameter[int] = RuntimeParameter(self, "bad", default_value=3)
        self.given: Output[int] = Output(self, "given")

    def _on_pull(self) -> None:
        item = self.taken.pull()
        if item == self.bad.pull():
            raise ValueError(f"item {item}\nis bad")
        self.given.set_value(item)


class FailAtDeployment(ASingleCell):
    """Cannot be deployed."""

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.item: Input[int] = Input(self, "item")

    def _on_deploy(self) -> None:
        raise OSError("no device")

    def _on_pull(self) -> None:
        self.item.pull()


class Hang(ASingleCell):
    """Never comes back."""

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.item: Input[int] = Input(self, "item")
        self.descriptor: ConfigParameter[int] = ConfigParameter(self, "descriptor", default_value=1)

    def _on_pull(self) -> None:
        self.item.pull()
        os.write(self.descriptor.pull(), b"hanging\n")
        threading.Event().wait()


class Shout(ASingleCell):
    """Writes each item to a file descriptor, as a library below Python does."""

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.item: Input[int] = Input(self, "item")
        self.descriptor: ConfigParameter[int] = ConfigParameter(self, "descriptor", default_value=2)

    def _on_pull(self) -> None:
        os.write(self.descriptor.pull(), b"[lib] item %d\n" % self.item.pull())
