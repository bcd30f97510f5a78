"""A search in a window of its own: a field, the list of what matches, and a line that says what it is about."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QPainterPath, QPaintEvent, QPen, QRegion, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from pypipeline_studio.panels.search_field import SearchField
from pypipeline_studio.panels.widgets import Label, paint
from pypipeline_studio.theme.colours import colour

_RADIUS_PX = 8


class SearchFrame(QFrame):
    """A window without a frame, which closes when it is left.

    Up and Down move in the list, Enter chooses, Escape closes; the focus stays where one types.
    """

    def __init__(self, spoken_name: str, spoken_list: str, wraps_note: bool, parent: QWidget | None = None) -> None:
        """:param spoken_name: of the window, and `spoken_list` of its list, for screen readers.
        :param wraps_note: whether the line below may be several.
        """
        super().__init__(parent, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        self.setAccessibleName(spoken_name)
        self.search_field = SearchField(spoken_name)
        self.list = QListWidget()
        self.list.setAccessibleName(spoken_list)
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setMouseTracking(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.viewport().setAutoFillBackground(False)
        self.list.setStyleSheet("QListWidget { background: transparent; border: 0; }")
        self.note = Label("", 11, 400, "text3", wraps=wraps_note)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(6)
        layout.addWidget(self.search_field)
        layout.addWidget(self.list)
        layout.addWidget(self.note)
        layout.addStretch(1)
        self.search_field.textChanged.connect(lambda _: self._show())
        self.search_field.moved.connect(self._move)
        self.search_field.accepted.connect(self._choose_current)
        self.search_field.left.connect(self.close)
        self.list.itemClicked.connect(self._choose)

    def _show(self) -> None:
        """List what matches what was typed."""
        raise NotImplementedError

    def _choose(self, item: QListWidgetItem) -> None:
        """Do what an entry says."""
        raise NotImplementedError

    def _open_at(self, point: QPoint, on: QWidget) -> None:
        """Show the window with its upper left corner at a point of the screen, moved into that where it would leave it.

        :param on: something that is on the screen that is meant.
        """
        screen, place = on.screen().availableGeometry(), QRect(point, self.size())
        place.moveLeft(max(screen.left(), min(place.left(), screen.right() - place.width())))
        place.moveTop(max(screen.top(), min(place.top(), screen.bottom() - place.height())))
        self.setGeometry(place)
        self.show()
        self.search_field.setFocus(Qt.FocusReason.PopupFocusReason)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        # A translucent window is black behind its corners where nothing composes the screen.
        outline = QPainterPath()
        outline.addRoundedRect(QRectF(self.rect()), _RADIUS_PX, _RADIUS_PX)
        self.setMask(QRegion(outline.toFillPolygon().toPolygon()))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = paint(self)
        painter.fillRect(self.rect(), colour("popover"))
        painter.setPen(QPen(colour("line_strong"), 1))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), _RADIUS_PX, _RADIUS_PX)
        painter.end()

    def _move(self, direction: int) -> None:
        count = self.list.count()
        if count:
            self.list.setCurrentRow((self.list.currentRow() + direction) % count)

    def _choose_current(self) -> None:
        item = self.list.currentItem()
        if item is not None:
            self._choose(item)
