"""Files that are dropped on the window, wherever nothing else takes them."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QWidget

from pypipeline_studio.canvas.viewer import local_files


class FileDrops(QObject):
    """Takes files for a window."""

    dropped = Signal(list)
    """Paths of files. Told when the drop is over: the program that they came from waits for its end, and a question to
    the user would keep it waiting."""
    _queued = Signal(list)

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        window.setAcceptDrops(True)
        window.installEventFilter(self)
        self._queued.connect(self.dropped, Qt.ConnectionType.QueuedConnection)

    def take(self, files: list[str]) -> None:
        """Take files that were dropped elsewhere."""
        self._queued.emit(files)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QDragMoveEvent) and event.type() in (QEvent.Type.DragEnter, QEvent.Type.DragMove):
            return self._accept(event)
        if isinstance(event, QDropEvent) and event.type() == QEvent.Type.Drop and self._accept(event):
            self.take(local_files(event.mimeData()))
            return True
        return super().eventFilter(watched, event)

    def _accept(self, event: QDropEvent) -> bool:
        if not local_files(event.mimeData()):
            return False
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        return True
