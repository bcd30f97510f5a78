"""A picture that can be zoomed and moved, with boxes on it, and what is under the mouse."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from pypipeline_studio.panels.pixel_grid import PixelGrid, paint_values
from pypipeline_studio.panels.widgets import paint, paint_focus
from pypipeline_studio.theme.boxes import Rows, paint_boxes
from pypipeline_studio.theme.colours import colour, theme

LARGEST_SCALE = 96.0
"""Screen pixels to a pixel of the whole image."""
_STEP = 1.25
_PAN_PX = 40
_SHARP_SCALE = 3.0
"""From here on pixels are shown as squares: smoothing would show what is not there."""
VALUES_SCALE = 24.0
"""From here on there is room for a number in a pixel."""


class PictureView(QWidget):
    """Shows a picture. Coordinates that are told are those of the whole image, of which the picture may be a smaller copy.

    Wheel and +/- zoom, dragging and the arrow keys move, 0 and a double click show all of it.
    """

    pointed = Signal(object)
    """`(x, y, QColor)` of the pixel under the mouse, or `None`."""
    zoomed = Signal(float)
    """How large it is shown: 1.0 is a pixel of the screen for each one of the image."""
    moved = Signal()
    """Another part of the image can be seen, or another image."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(80, 60)
        self.setAccessibleName("Picture")
        self._image: QImage | None = None
        self._size = QSize()
        self._values: PixelGrid | None = None
        self._boxes: Rows = ()
        self._kind = "boxes"
        self._scale = 0.0
        """0 as long as all of it is shown, whatever size there is."""
        self._middle = QPointF()
        """The point of the image that is in the middle of the view."""
        self._dragged_from: QPointF | None = None
        self._mouse: QPointF | None = None
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(360, 220)

    # ------------------------------------------------------------------ what is shown

    @property
    def image(self) -> QImage | None:
        """The picture as it came."""
        return self._image

    def show_image(self, image: QImage | None, size: tuple[int, int] | None = None) -> None:
        """Show a picture; the part that is visible stays where the image has the size of the one before.

        :param size: width and height of the whole image, where the picture is a smaller copy of it.
        """
        wanted = QSize(*size) if size is not None else image.size() if image is not None else QSize()
        if wanted != self._size:
            self._size = wanted
            self.fit()
        self._image = image
        self._tell_pointed()
        self.moved.emit()
        self.update()

    def show_boxes(self, boxes: Rows, kind: str = "boxes") -> None:
        """Draw boxes on it: rows that begin with x, y, width and height in pixels of the whole image."""
        self._boxes, self._kind = boxes, kind
        self.update()

    def show_values(self, values: PixelGrid | None) -> None:
        """Write numbers into the pixels that they stand in, as soon as these are large enough; without, none."""
        self._values = values
        self.update()

    def visible_pixels(self) -> QRect:
        """The columns and rows of the whole image of which something can be seen."""
        if self._image is None:
            return QRect()
        first, last = self._to_image(QPointF(0, 0)), self._to_image(QPointF(self.width(), self.height()))
        return QRectF(first, last).toAlignedRect().intersected(QRect(QPoint(), self._size))

    def picture(self) -> QImage | None:
        """The picture with its boxes, in the size in which it came."""
        if self._image is None:
            return None
        copy = self._image.convertToFormat(QImage.Format.Format_RGB32)
        painter = QPainter(copy)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_boxes(painter, QRectF(copy.rect()))
        painter.end()
        return copy

    # ------------------------------------------------------------------ zoom and pan

    @property
    def scale(self) -> float:
        """How large it is shown."""
        return self._scale or self._fitting_scale()

    def fit(self) -> None:
        """Show all of it."""
        self._scale = 0.0
        self._middle = QPointF(self._size.width() / 2, self._size.height() / 2)
        self._tell_zoom()

    def show_pixels(self) -> None:
        """One pixel of the screen for each one of the image."""
        self._zoom_to(1.0, QRectF(self.rect()).center())

    def zoom_by(self, factor: float, at: QPointF | None = None) -> None:
        """Zoom; a point of the view, or its middle, stays where it is."""
        self._zoom_to(self.scale * factor, at if at is not None else QRectF(self.rect()).center())

    def _zoom_to(self, scale: float, at: QPointF) -> None:
        if self._size.isEmpty():
            return
        fixed = self._to_image(at)
        self._scale = min(max(scale, min(1.0, self._fitting_scale() / 4)), LARGEST_SCALE)
        offset = (at - QRectF(self.rect()).center()) / self._scale
        self._middle = fixed - offset
        self._hold()
        self._tell_zoom()

    def _pan(self, moved: QPointF) -> None:
        self._scale = self.scale
        self._middle -= moved / self._scale
        self._hold()
        self._tell_pointed()
        self.moved.emit()
        self.update()

    def _hold(self) -> None:
        """Keep the middle of the view on the image."""
        self._middle = QPointF(
            min(max(self._middle.x(), 0.0), self._size.width()), min(max(self._middle.y(), 0.0), self._size.height())
        )

    def _tell_zoom(self) -> None:
        self._tell_pointed()
        self.zoomed.emit(self.scale)
        self.moved.emit()
        self.update()

    def _fitting_scale(self) -> float:
        if self._size.isEmpty() or self.width() < 1 or self.height() < 1:
            return 1.0
        return min(self.width() / self._size.width(), self.height() / self._size.height())

    def _target(self) -> QRectF:
        """Where the whole image lies in the view."""
        scale, centre = self.scale, QRectF(self.rect()).center()
        size = QSizeF(self._size) * scale
        return QRectF(centre - self._middle * scale, size)

    def _to_image(self, at: QPointF) -> QPointF:
        return QPointF(self._middle + (at - QRectF(self.rect()).center()) / self.scale)

    # ------------------------------------------------------------------ events

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if not self._scale:
            self._tell_zoom()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.zoom_by(1.0015 ** event.angleDelta().y(), event.position())
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        pans = {
            Qt.Key.Key_Left: QPointF(_PAN_PX, 0),
            Qt.Key.Key_Right: QPointF(-_PAN_PX, 0),
            Qt.Key.Key_Up: QPointF(0, _PAN_PX),
            Qt.Key.Key_Down: QPointF(0, -_PAN_PX),
        }
        key = Qt.Key(event.key())
        if key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_by(_STEP)
        elif key == Qt.Key.Key_Minus:
            self.zoom_by(1 / _STEP)
        elif key == Qt.Key.Key_0:
            self.fit()
        elif key == Qt.Key.Key_1:
            self.show_pixels()
        elif key in pans:
            self._pan(pans[key])
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton) and self._image is not None:
            self._dragged_from = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._mouse = event.position()
        if self._dragged_from is not None:
            moved, self._dragged_from = event.position() - self._dragged_from, event.position()
            self._pan(moved)
        else:
            self._tell_pointed()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._dragged_from = None
        self.unsetCursor()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.fit()

    def leaveEvent(self, event: object) -> None:
        self._mouse = None
        self.pointed.emit(None)

    def _tell_pointed(self) -> None:
        if self._mouse is None:
            return
        found = self.pixel_at(self._to_image(self._mouse))
        self.pointed.emit(found)

    def pixel_at(self, at: QPointF) -> tuple[int, int, QColor] | None:
        """Column, row and colour of a point of the whole image; `None` beside it."""
        if self._image is None or self._size.isEmpty():
            return None
        x, y = int(at.x() // 1), int(at.y() // 1)
        if not (0 <= x < self._size.width() and 0 <= y < self._size.height()):
            return None
        column = min(self._image.width() - 1, int((x + 0.5) * self._image.width() / self._size.width()))
        row = min(self._image.height() - 1, int((y + 0.5) * self._image.height() / self._size.height()))
        return x, y, self._image.pixelColor(column, row)

    # ------------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = paint(self)
        painter.fillRect(self.rect(), colour("track"))
        if self._image is not None and not self._size.isEmpty():
            target = self._target()
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self.scale < _SHARP_SCALE)
            painter.drawImage(target, self._image)
            if self._values is not None and self.scale >= VALUES_SCALE:
                size = self._size.width(), self._size.height()
                paint_values(painter, QRectF(self.rect()), target, self._image, size, self._values)
            self._paint_boxes(painter, target)
        if self.hasFocus():
            paint_focus(painter, QRectF(self.rect()), 2)
        painter.end()

    def _paint_boxes(self, painter: QPainter, target: QRectF) -> None:
        if self._boxes and not self._size.isEmpty():
            paint_boxes(painter, target, self._boxes, (self._size.width(), self._size.height()), self._kind, 2)
