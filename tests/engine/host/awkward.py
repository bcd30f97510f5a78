"""Cells for the tests of the host, approved with `--cells`: they misbehave."""

import ctypes
import logging
import os
import sys
import threading
import time
from typing import Any

from pypipeline_engine.cell import ASingleCell, ICompositeCell
from pypipeline_engine.cellio import ConfigParameter, Input, Output, RuntimeParameter
from pypipeline_engine.exceptions import NonCriticalException

GATE = threading.Event()


class Awkward(ASingleCell):
    """Passes items on, and at the one numbered `at` does what `how` says."""

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.item: Input[Any] = Input(self, "item")
        self.how: RuntimeParameter[str] = RuntimeParameter(self, "how", default_value="")
        self.at: RuntimeParameter[int] = RuntimeParameter(self, "at", default_value=3)
        self.at_deployment: ConfigParameter[str] = ConfigParameter(self, "at_deployment", default_value="")
        self.done: Output[Any] = Output(self, "done")

    def _on_deploy(self) -> None:
        getattr(self, f"_{self.at_deployment.pull()}", lambda: None)()

    def _on_pull(self) -> None:
        item = self.item.pull()
        if item == self.at.pull():
            getattr(self, f"_{self.how.pull()}")()
        self.done.set_value(item)

    def _exit(self) -> None:
        os._exit(7)

    def _raise_exit(self) -> None:
        raise SystemExit(3)

    def _sleep(self) -> None:
        time.sleep(60)

    def _lock(self) -> None:
        GATE.wait()

    def _fail(self) -> None:
        raise ValueError("this item\nis bad")

    def _excuse(self) -> None:
        raise NonCriticalException("only this one")

    def _print(self) -> None:
        line = "x" * 999
        for _ in range(20_000):
            print(line)
        print("the last line")

    def _log(self) -> None:
        for number in range(5000):
            self.logger.warning("line %d", number)
        logging.getLogger("library").error("the last record")

    def _speak(self) -> None:
        print("from Python")
        sys.stderr.write("to the standard error\n")
        library = ctypes.CDLL(None)
        library.write(1, b"from C\n", 7)


class _Names(ConfigParameter[list[str]]):
    def set_value(self, value: list[str]) -> None:
        super().set_value(value)
        for name in value:
            Input(self.get_cell(), name)


class Named(ASingleCell):
    """Has the inputs that its parameter names."""

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.names: ConfigParameter[list[str]] = _Names(self, "names", default_value=[])
        self.done: Output[Any] = Output(self, "done")

    def _on_pull(self) -> None:
        self.done.set_value([self.get_input(name).pull() for name in self.names.get_value()])
