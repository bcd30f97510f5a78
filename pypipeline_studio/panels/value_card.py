"""One value of an item: its name, its picture where it is one, and what is known of it in words."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPaintEvent, QPen
from PySide6.QtWidgets import QDialog, QSizePolicy, QVBoxLayout, QWidget

from pypipeline_engine.host.looking import ValueSummary
from pypipeline_engine.numbers import size
from pypipeline_studio.document.value_texts import Difference, describe_numbers, headline, table_text
from pypipeline_studio.panels.picture_view import PictureView
from pypipeline_studio.panels.widgets import Label, paint, paint_focus, row
from pypipeline_studio.theme.boxes import Rows, paint_boxes
from pypipeline_studio.theme.colours import colour, theme

THUMB_PX = QSize(172, 92)
_MOST_ROWS = 6


class ValueCard(QWidget):
    """Shows a value. A click on the picture, or Enter, shows it large in a window of its own."""

    def __init__(self, name: str, value: ValueSummary) -> None:
        super().__init__()
        self.name = name
        self.value = value
        self.thumb = _Thumb(name)
        self.thumb.setVisible(value.has_picture)
        self.text = Label(headline(value), 12, 400, "text", tabular=True, wraps=True)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.difference = Label("", 11, 600, "accent", wraps=True)
        self.difference.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addWidget(row(Label(name, 11, 600, "text2"), None, Label(_size_text(value), 11, 400, "text3")))
        layout.addWidget(self.thumb)
        layout.addWidget(self.text)
        details = _details(value)
        if details:
            fixed = value.boxes is not None
            layout.addWidget(Label(details, 11, 400, "text3", fixed=fixed, tabular=not fixed, wraps=not fixed))
        layout.addWidget(self.difference)
        self.setAccessibleName(f"{name}: {headline(value)}")

    def show_picture(self, image: QImage) -> None:
        """Show the picture of the value."""
        self.thumb.show_image(image)

    def show_boxes_on(self, image: QImage, frame: tuple[int, int]) -> None:
        """Draw the value on the image of the same item, where all of its rows are boxes that lie on it.

        :param frame: width and height of the whole image.
        """
        if self.value.boxes and all(_lies_on(box, frame) for box in self.value.boxes):
            self.thumb.show_image(image, self.value.boxes, frame)
            self.thumb.show()

    def show_difference(self, told: Difference) -> None:
        """Say how it differs from the value before."""
        self.difference.show_text(told.text)
        self.difference.set_colour("text3" if told.is_same else "accent")
        self.difference.show()


class _Thumb(QWidget):
    clicked = Signal()

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self.image: QImage | None = None
        self.boxes: Rows = ()
        self._frame = (0, 0)
        self.setFixedHeight(THUMB_PX.height())
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip(f"Show {name} large")
        self.setAccessibleName(f"Picture of {name}")
        theme.changed.connect(self.update)

    def show_image(self, image: QImage, boxes: Rows = (), frame: tuple[int, int] = (0, 0)) -> None:
        self.image, self.boxes, self._frame = image, boxes, frame
        self.update()

    def open_large(self) -> QDialog | None:
        if self.image is None:
            return None
        dialog = QDialog(self)
        dialog.setObjectName("panel")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle(self._name)
        dialog.resize(800, 600)
        view = PictureView()
        view.show_image(self.image, self._frame if self.boxes else None)
        view.show_boxes(self.boxes)
        layout = QVBoxLayout(dialog)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(view)
        dialog.show()
        return dialog

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.open_large()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.open_large()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = paint(self)
        place = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(colour("line"), 1))
        painter.setBrush(colour("track"))
        painter.drawRoundedRect(place, 4, 4)
        if self.image is not None and not self.image.isNull():
            inner = place.adjusted(1, 1, -1, -1)
            scaled = QSizeF(self.image.size()).scaled(inner.size(), Qt.AspectRatioMode.KeepAspectRatio)
            target = QRectF(inner.topLeft(), scaled)
            target.moveCenter(inner.center())
            painter.setRenderHint(painter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(target, self.image)
            paint_boxes(painter, target, self.boxes, self._frame)
        if self.hasFocus():
            paint_focus(painter, QRectF(self.rect()), 4)
        painter.end()


def _lies_on(box: Sequence[float | None], frame: tuple[int, int]) -> bool:
    x, y, width, height = box[:4]
    if x is None or y is None or width is None or height is None:
        return False
    return width > 0 and height > 0 and x < frame[0] and y < frame[1] and x + width > 0 and y + height > 0


def _size_text(value: ValueSummary) -> str:
    return size(value.nb_bytes) if value.nb_bytes >= 1000 else ""


def _details(value: ValueSummary) -> str:
    lines = []
    numbers = describe_numbers(value) if value.shape else ""
    if numbers:
        lines.append(numbers)
    if value.boxes:
        lines.append(table_text(value.boxes[:_MOST_ROWS]))
        if len(value.boxes) > _MOST_ROWS:
            lines.append(f"and {len(value.boxes) - _MOST_ROWS} rows more")
    return "\n".join(lines)
