"""Parts of a panel that nobody may edit for the time being, and why."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QChildEvent, QEvent, QObject
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QToolTip, QWidget

from pypipeline_studio.panels.widgets import tooltip


class Locked(QObject):
    """Disables parts of a panel, and says why in the tooltip of everything in them, before the tooltip that it has itself.

    What is enabled in them by itself, or is not, is so again afterwards.
    """

    def __init__(self, parts: Sequence[QWidget], parent: QObject) -> None:
        super().__init__(parent)
        self._parts = tuple(parts)
        self.reason = ""
        """Why they are locked; empty where they are not."""
        for part in self._parts:
            self._watch(part)

    def set_reason(self, reason: str) -> None:
        """Lock them, or no more where there is no reason."""
        self.reason = reason
        for part in self._parts:
            part.setEnabled(not reason)

    def _watch(self, widget: QWidget) -> None:
        for one in (widget, *widget.findChildren(QWidget)):
            one.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ChildPolished and isinstance(event, QChildEvent):
            child = event.child()
            if isinstance(child, QWidget):
                self._watch(child)
        elif self.reason and isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            if not isinstance(watched, QWidget):
                return False
            QToolTip.showText(event.globalPos(), self.explain(watched), watched)
            return True
        return False

    def explain(self, widget: QWidget) -> str:
        """The tooltip of something in them, or of what is around it, with the reason."""
        around: QWidget | None = widget
        while around is not None and not around.toolTip() and around not in self._parts:
            around = around.parentWidget()
        own = around.toolTip() if around is not None else ""
        if own and not own.startswith("<qt>"):
            own = tooltip("", own)
        return tooltip("", self.reason).replace("</qt>", "") + (
            "<br><br>" + own.removeprefix("<qt>") if own else "</qt>"
        )
