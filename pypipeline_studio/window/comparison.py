"""What joins the comparison of two recorded runs with the window: the command that makes it, its page, and the marks."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QToolTip

from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.canvas.comparison_marks import ComparisonMarks
from pypipeline_studio.document.run_comparison import ComparisonRefused, MarkKey, RunComparison, read_comparison
from pypipeline_studio.engine.comparing import Comparing
from pypipeline_studio.panels.comparison import ComparisonPanel
from pypipeline_studio.session import Session


class Comparison(QObject):
    """The comparison of a window: none, or one."""

    shown_changed = Signal(bool)
    """Whether the page of a comparison is wanted instead of the list of runs."""

    def __init__(self, session: Session, canvas: Canvas, panel: ComparisonPanel, parent: QObject) -> None:
        super().__init__(parent)
        self._canvas = canvas
        self._panel = panel
        self._process: Comparing | None = None
        self.comparison: RunComparison | None = None
        """What is shown; `None` while it is being made, and where there is none."""
        self._key: MarkKey = "service_s"
        self.marks = ComparisonMarks(canvas.viewer)
        canvas.viewer.scene().addItem(self.marks)
        canvas.viewer.viewport().installEventFilter(self)
        canvas.path_changed.connect(self._show_marks)
        session.graph_replaced.connect(self._show_marks)
        panel.mark_changed.connect(self._choose_mark)
        panel.closed.connect(self.close)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Say what a mark means: it stands out of its node, and takes no clicks."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent) and self.comparison is not None:
            about = self.marks.about_at(self._canvas.viewer.mapToScene(event.pos()))
            if about:
                QToolTip.showText(event.globalPos(), about, self._canvas.viewer)
                return True
        return super().eventFilter(watched, event)

    def start(self, before: Path, after: Path, title: str) -> None:
        """Compare two records.

        :param title: what both are called.
        """
        self.close()
        self._panel.show_waiting(title)
        self.shown_changed.emit(True)
        process = Comparing(before, after, self)
        self._process = process
        process.done.connect(self._take)
        process.failed.connect(self._refuse)

    def close(self) -> None:
        """Show the list of runs again, and no marks."""
        if self._process is not None:
            self._process.cancel()
            self._process.deleteLater()
            self._process = None
        self.comparison = None
        self._show_marks()
        self.shown_changed.emit(False)

    def _take(self, text: bytes) -> None:
        try:
            self.comparison = read_comparison(text)
        except ComparisonRefused as error:
            self._refuse(str(error))
            return
        self._panel.show_comparison(self.comparison)
        self._show_marks()

    def _refuse(self, sentence: str) -> None:
        self._panel.show_refusal(sentence)

    def _choose_mark(self, key: str) -> None:
        self._key = key  # type: ignore[assignment]  # one of those that the panel offers
        self._show_marks()

    def _show_marks(self) -> None:
        comparison = self.comparison
        self.marks.show_marks({} if comparison is None else comparison.marks(self._canvas.path, self._key))
