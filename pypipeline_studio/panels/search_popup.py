"""Choosing a type of cells at a place of the canvas."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QPainterPath, QPaintEvent, QPen, QRegion, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from pypipeline_engine.catalogue.model import CellType
from pypipeline_engine.numbers import counted
from pypipeline_studio.document.search import search
from pypipeline_studio.panels.cell_rows import ENTRY_ROLE, ROW_PX, CellRowDelegate, cell_tooltip, spoken_ports
from pypipeline_studio.panels.search_field import SearchField
from pypipeline_studio.panels.widgets import Label, paint
from pypipeline_studio.theme.colours import colour

_WIDTH_PX = 288
_ROWS = 9
_RADIUS_PX = 8


class CellSearchPopup(QFrame):
    """A search over types of cells, in a window without a frame that closes when it is left.

    Up and Down move in the list, Enter chooses, Escape closes; the focus stays where one types.
    """

    chosen = Signal(str)
    """The name of a type; the popup is closed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        self.setAccessibleName("Add a cell")
        self._types: tuple[CellType, ...] = ()
        self._note_text = ""
        self.search_field = SearchField("Search cells")
        self.list = QListWidget()
        self.list.setAccessibleName("Cells that match")
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setItemDelegate(CellRowDelegate(self.list, 10))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setMouseTracking(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.viewport().setAutoFillBackground(False)
        self.list.setStyleSheet("QListWidget { background: transparent; border: 0; }")
        self._note = Label("", 11, 400, "text3", wraps=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(6)
        layout.addWidget(self.search_field)
        layout.addWidget(self.list)
        layout.addWidget(self._note)
        layout.addStretch(1)
        self.search_field.textChanged.connect(self._show)
        self.search_field.moved.connect(self._move)
        self.search_field.accepted.connect(self._choose_current)
        self.search_field.left.connect(self.close)
        self.list.itemClicked.connect(self._choose)

    def open_at(self, viewport: QWidget, point: QPoint, types: Sequence[CellType], note: str = "") -> None:
        """Show the popup with its upper left corner at a point of a widget, moved into the screen where it would leave it.

        :param types: those to choose from.
        :param note: why these, such as `Cells that take boxes`; empty for all.
        """
        self._types = tuple(types)
        self._note_text = note
        self.search_field.clear()
        self.search_field.setPlaceholderText(f"Search {counted(len(self._types), 'cell')}")
        self._show()
        # What is typed only makes it lower: the place for all cells stays a good one.
        size = self.size()
        place = QRect(viewport.mapToGlobal(point), size)
        screen = viewport.screen().availableGeometry()
        place.moveLeft(max(screen.left(), min(place.left(), screen.right() - size.width())))
        place.moveTop(max(screen.top(), min(place.top(), screen.bottom() - size.height())))
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

    def _show(self) -> None:
        found = search(self._types, self.search_field.text())
        self.list.clear()
        for cell_type in found:
            item = QListWidgetItem(cell_type.class_name)
            item.setData(ENTRY_ROLE, cell_type)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{cell_type.class_name}: {spoken_ports(cell_type)}")
            item.setToolTip(cell_tooltip(cell_type))
            self.list.addItem(item)
        if found:
            self.list.setCurrentRow(0)
        if found:
            self._note.show_text(self._note_text or "Enter adds the cell, Esc closes")
        else:
            self._note.show_text("No cell matches: try a part of its name, a category or a kind of value")
        self.list.setFixedHeight(min(len(found), _ROWS) * ROW_PX)
        self.list.setVisible(bool(found))
        self._fit()

    def _fit(self) -> None:
        """Be as high as what is shown, which depends on the width where the note wraps."""
        layout = self.layout()
        assert layout is not None
        layout.activate()
        self.resize(_WIDTH_PX, layout.totalHeightForWidth(_WIDTH_PX))

    def _move(self, direction: int) -> None:
        count = self.list.count()
        if count:
            self.list.setCurrentRow((self.list.currentRow() + direction) % count)

    def _choose_current(self) -> None:
        item = self.list.currentItem()
        if item is not None:
            self._choose(item)

    def _choose(self, item: QListWidgetItem) -> None:
        cell_type = item.data(ENTRY_ROLE)
        # Closed first: whoever adds the cell may give the focus to the canvas.
        self.close()
        self.chosen.emit(cell_type.name)
