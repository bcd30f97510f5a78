"""A process of the engine with the cells as they are now, which waits until the one before it has no run any more."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from pypipeline_engine.host.protocol import Catalogue, Hello
from pypipeline_studio.engine.client import Client
from pypipeline_studio.engine.process import EngineEnd, EngineProcess


class Successor(QObject):
    """Starts a process and asks it for the cells that were approved. For the thread of the window."""

    told_cells = Signal(Catalogue)
    """Only the cells that were approved."""
    failed = Signal(EngineEnd)
    """It has ended before it was taken over."""

    def __init__(self, process: EngineProcess, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.process = process
        process.setParent(self)
        self.hello: Hello | None = None
        """What it said when it was ready."""
        self.client: Client | None = None
        self.has_told_cells = False
        process.said_hello.connect(self._on_hello)
        process.ended.connect(self.failed)
        process.start()

    def _on_hello(self, hello: Hello) -> None:
        self.hello = hello
        self.client = Client(hello, self)
        self.client.get("/catalogue?approved=true", Catalogue, self._tell_cells, quick=False)

    def _tell_cells(self, approved: Catalogue) -> None:
        self.has_told_cells = True
        self.told_cells.emit(approved)

    def release(self, parent: QObject) -> EngineProcess:
        """Give the process away, and go."""
        self.process.said_hello.disconnect(self._on_hello)
        self.process.ended.disconnect(self.failed)
        self.process.setParent(parent)
        if self.client is not None:
            self.client.close()
        self.deleteLater()
        return self.process
