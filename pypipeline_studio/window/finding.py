"""What joins the bar to find something with the graph: it goes from one hit to the other, into nested pipelines as well."""

from __future__ import annotations

from PySide6.QtCore import QObject, QRectF
from PySide6.QtWidgets import QWidget

from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.document.finding import Hit, find, from_here
from pypipeline_studio.panels.find_bar import FindBar
from pypipeline_studio.session import Session
from pypipeline_studio.window.actions import Actions

_COMMENT_PX = 240.0
"""So much of a comment is made visible."""


class Finding(QObject):
    """Finds text in the graph of a session, and shows it on a canvas."""

    def __init__(self, session: Session, canvas: Canvas, commands: Actions, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._canvas = canvas
        self._hits: list[Hit] = []
        self._current: Hit | None = None
        self.bar = FindBar(canvas)
        self.bar.text_changed.connect(self._search)
        self.bar.moved.connect(self.move)
        self.bar.closed.connect(self.close)
        commands.on("find", self.bar.begin)
        commands.on("find_next", lambda: self.move(1))
        commands.on("find_previous", lambda: self.move(-1))
        session.document_changed.connect(self._look_again)
        session.graph_replaced.connect(self._forget)

    def move(self, direction: int) -> None:
        """Show the next hit, or the previous one; asks for a text where none was given yet."""
        text = self.bar.field.text()
        if not text.strip():
            self.bar.begin()
            return
        if not self.bar.isVisible():
            self.bar.show()
            self._find(text)
        if self._hits:
            if self._current in self._hits:
                place = self._hits.index(self._current) + direction
            else:
                place = 0 if direction > 0 else -1
            self._show(self._hits[place % len(self._hits)])

    def close(self) -> None:
        """Hide the bar; what was found stays selected."""
        self.bar.hide()
        self._canvas.setFocus()

    # ------------------------------------------------------------------

    def _search(self, text: str) -> None:
        self._current = None
        self._find(text)
        # Another pipeline is opened only when it is asked for: while one types, the view would jump about.
        here = next((hit for hit in self._hits if hit.path == self._canvas.path), None)
        if here is not None:
            self._show(here)

    def _find(self, text: str) -> None:
        self._hits = from_here(find(self._session.document, text), self._canvas.path)
        self._tell()

    def _show(self, hit: Hit) -> None:
        self._current = hit
        self._canvas.open_path(hit.path)
        if hit.name:
            self._canvas.reveal(hit.name)
        elif hit.position is not None:
            self._canvas.select(())
            self._canvas.viewer.show_also(QRectF(*hit.position, _COMMENT_PX, _COMMENT_PX / 2))
        self._tell()

    def _tell(self) -> None:
        hit = self._current
        if hit in self._hits and hit is not None:
            where = f" in {'.'.join(hit.path)}" if hit.path else ""
            note = f"{hit.name}{where} – {hit.reason}".lstrip(" –")
            self.bar.show_result(self._hits.index(hit) + 1, len(self._hits), note)
        elif self._hits:
            where = ".".join(self._hits[0].path)
            self.bar.show_result(0, len(self._hits), f"The first one is in {where}: Enter goes there" if where else "")
        else:
            self.bar.show_result(0, 0, "")

    def _look_again(self) -> None:
        if self.bar.isVisible():
            current = self._current
            self._find(self.bar.field.text())
            if current is not None and current not in self._hits:
                same = [hit for hit in self._hits if hit.name and hit.full_name == current.full_name]
                self._current = same[0] if same else None
                self._tell()

    def _forget(self) -> None:
        self._hits, self._current = [], None
