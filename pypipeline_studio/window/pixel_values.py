"""What exactly stands in the pixels that are looked at: asked of the engine, by the picture that is shown.

The mouse moves faster than answers come. So at most one question is under way, the latest place is asked for next, and
the pixels around it come along. Where pixels are so large that a number can be written into them, all that are visible are
asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, QRect, QTimer

from pypipeline_engine.host.looking import MOST_PIXELS, PixelsInfo
from pypipeline_engine.host.protocol import Refusal
from pypipeline_studio.document.watched import Place
from pypipeline_studio.engine.client import QUICK_MS
from pypipeline_studio.engine.looking import Looking
from pypipeline_studio.panels.picture_view import VALUES_SCALE
from pypipeline_studio.panels.pixel_grid import PixelGrid
from pypipeline_studio.panels.previews import PreviewsPanel

TILE_PX: Final = 16
"""So many columns and rows are asked for around the mouse."""
STAYS_MS: Final = 150
"""For so long numbers stay after their picture was replaced by the next one: four times a second, they would flicker."""
USES_EVERY_MS: Final = 10_000
"""How often the engine is told that a picture is still looked at, which it keeps for half a minute after that."""


class PixelValues(QObject):
    """Has the panel show the numbers of the picture that it shows."""

    def __init__(self, looking: Looking, panel: PreviewsPanel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._looking = looking
        self._panel = panel
        self._view = panel.view
        self._place: Place | None = None
        self._picture = 0
        self._pointed: tuple[int, int] | None = None
        self._is_asking = False
        self._is_known = False
        """Whether the numbers in the panel are those of the picture that it shows."""
        self._is_gone = False
        """Whether the engine has them no more."""
        self._stale = self._timer(STAYS_MS, self._drop)
        # An engine that has ended leaves a question without an answer.
        self._patience = self._timer(QUICK_MS + 1000, self._give_up)
        self._using = QTimer(self)
        self._using.setInterval(USES_EVERY_MS)
        self._using.timeout.connect(self._use)
        self._view.pointed.connect(self._point)
        self._view.moved.connect(self._ask)
        panel.paused_changed.connect(lambda _: self._use())

    def _timer(self, interval_ms: int, act: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(interval_ms)
        timer.timeout.connect(act)
        return timer

    def show(self, place: Place | None, picture: int) -> None:
        """Say which picture the panel shows.

        :param picture: its number; 0 where the engine does not keep what it was made from.
        """
        if (place, picture) == (self._place, self._picture):
            return
        is_next = place == self._place and picture != 0 and self._picture != 0
        self._place, self._picture = place, picture
        self._is_known = self._is_gone = False
        if picture:
            self._using.start()
        else:
            self._using.stop()
        if is_next:
            self._stale.start()
        else:
            self._drop()
        self._ask()

    # ------------------------------------------------------------------ what is asked

    def _point(self, found: object) -> None:
        self._pointed = (found[0], found[1]) if isinstance(found, tuple) else None
        self._ask()

    def _wanted(self) -> QRect | None:
        """The pixels that are looked at, with what lies around them."""
        if self._view.scale >= VALUES_SCALE:
            visible = self._view.visible_pixels()
            if 0 < visible.width() * visible.height() <= MOST_PIXELS:
                return visible
        if self._pointed is None:
            return None
        x, y = self._pointed
        return QRect(x - x % TILE_PX, y - y % TILE_PX, TILE_PX, TILE_PX)

    def _has(self, wanted: QRect) -> bool:
        grid = self._panel.pixels
        if not self._is_known or grid is None:
            return False
        height, width = grid.info.shape[:2]
        return grid.rectangle.contains(wanted.intersected(QRect(0, 0, width, height)))

    def _ask(self) -> None:
        wanted = self._wanted()
        if wanted is None or self._place is None or not self._picture or self._is_gone:
            return
        if self._is_asking or self._has(wanted):
            return
        self._is_asking = True
        self._patience.start()
        asked, rectangle = (self._place, self._picture), wanted.getRect()

        def take(info: PixelsInfo) -> None:
            self._is_asking = False
            if asked == (self._place, self._picture):
                self._stale.stop()
                self._is_known = True
                self._panel.show_pixels(PixelGrid(info), is_coming=True)
            self._ask()

        def refuse(_: Refusal) -> None:
            self._is_asking = False
            if asked == (self._place, self._picture):
                self._is_gone = True
                self._drop()
            self._ask()

        self._looking.get_pixels(*asked, rectangle, take, refuse)

    def _give_up(self) -> None:
        self._is_asking = False

    def _drop(self) -> None:
        """Show no numbers that are not those of the picture."""
        self._stale.stop()
        if not self._is_known:
            self._panel.show_pixels(None, is_coming=self._picture != 0 and not self._is_gone)

    def _use(self) -> None:
        """Have the engine keep what is shown, as long as it can be seen."""
        if self._picture and self._place is not None and self._panel.isVisible():
            self._looking.get_pixels(self._place, self._picture, (0, 0, 1, 1), lambda _: None)
