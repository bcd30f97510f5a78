"""The library: all types of cells by category, to be searched and dragged onto the canvas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QDrag, QKeyEvent, QPainter, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QMenu,
    QStackedWidget,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from pypipeline_engine.catalogue.model import CellType
from pypipeline_engine.host.protocol import SourcePlace
from pypipeline_engine.numbers import counted
from pypipeline_studio.document.search import search
from pypipeline_studio.panels.cell_rows import (
    ENTRY_ROLE,
    ROW_PX,
    CategoryRow,
    CellRowDelegate,
    FailureRow,
    category_title,
    cell_tooltip,
    mime_data,
    spoken_ports,
)
from pypipeline_studio.panels.search_field import SearchField
from pypipeline_studio.panels.widgets import EmptyState, column, paint_tile, tooltip
from pypipeline_studio.theme.colours import category_icon, colour, theme
from pypipeline_studio.theme.fonts import font

FAVOURITES = "Favourites"
RECENT = "Recently used"
WAITING_TEXT = "Cells appear here when the engine has started."
_WIDTH_PX = 216


class LibraryPanel(QWidget):
    """The types of cells. Enter, or a double click, asks to add the selected one; a drag carries `CELL_MIME_TYPE`."""

    add_requested = Signal(str)
    """The name of a type, such as `detection.HogPeople`."""
    source_requested = Signal(str, int)
    """A file, and the line in it that keeps cells from being used, or in which a cell begins."""
    favourite_toggled = Signal(str)
    """A type that is to be among the favourites, or not any more."""
    help_requested = Signal(str)
    """A type that is to be explained."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._types: tuple[CellType, ...] = ()
        self._failures: dict[str, str] = {}
        self._places: dict[str, SourcePlace] = {}
        self._closed: set[str] = set()
        self._shelf: dict[str, tuple[str, ...]] = {}
        self.search_field = SearchField("Search cells", "Tab")
        self.search_field.setPlaceholderText("Search cells")
        self.tree = _CellTree()
        self._empty = EmptyState(WAITING_TEXT)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self.tree)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(column(self.search_field, margins=(8, 8, 8, 4)))
        layout.addWidget(self._stack, 1)
        self.search_field.textChanged.connect(self._show)
        self.search_field.moved.connect(self._enter_tree)
        self.search_field.accepted.connect(self._add_current)
        self.search_field.left.connect(self.tree.setFocus)
        self.tree.add_requested.connect(self.add_requested)
        self.tree.source_requested.connect(self.source_requested)
        self.tree.menu_requested.connect(self._open_menu)
        self.tree.left_upwards.connect(self.search_field.setFocus)
        self.tree.itemExpanded.connect(lambda item: self._note_open(item, True))
        self.tree.itemCollapsed.connect(lambda item: self._note_open(item, False))
        theme.changed.connect(self.tree.viewport().update)

    def sizeHint(self) -> QSize:
        return QSize(_WIDTH_PX, 400)

    def show_types(
        self,
        types: Sequence[CellType],
        failures: Mapping[str, str] | None = None,
        places: Mapping[str, SourcePlace] | None = None,
    ) -> None:
        """Show all types of the engine's catalogue.

        :param failures: by category, why its cells could not be imported; by file, why that could not be used.
        :param places: by the same names, where the error is.
        """
        self._places = dict(places or {})
        self._types = tuple(types)
        self._failures = dict(failures or {})
        self.search_field.setPlaceholderText(f"Search {counted(len(self._types), 'cell')}")
        self._show()

    def show_shelf(self, favourites: Sequence[str], recent: Sequence[str]) -> None:
        """Show these types above the categories as well; those that are not known are left out."""
        shelf = {FAVOURITES: tuple(favourites), RECENT: tuple(recent)}
        if shelf != self._shelf:
            self._shelf = shelf
            self._show()

    def show_waiting(self, text: str = WAITING_TEXT) -> None:
        """Say in one line why no types are shown."""
        self._types, self._failures = (), {}
        self.search_field.setPlaceholderText("Search cells")
        self.tree.clear()
        self._show_empty(text)

    def current_type(self) -> CellType | None:
        """The type of the row that was chosen last; `None` for another row."""
        item = self.tree.currentItem()
        entry = item.data(0, ENTRY_ROLE) if item is not None else None
        return entry if isinstance(entry, CellType) else None

    def focus_search(self) -> None:
        """Give the search field the focus, with its text selected."""
        self.search_field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search_field.selectAll()

    # ------------------------------------------------------------------ rows

    def _show(self) -> None:
        if not self._types and not self._failures:
            return
        text = self.search_field.text().strip()
        place, current = self.tree.verticalScrollBar().value(), self.tree.key_of(self.tree.currentItem())
        self.tree.clear()
        if text:
            found = search(self._types, text)
            for cell_type in found:
                self._add_cell(self.tree.invisibleRootItem(), cell_type)
            if found:
                self.tree.setCurrentIndex(self.tree.model().index(0, 0))
            else:
                self._show_empty(f"No cell matches “{text}”.")
                return
        else:
            self._show_categories()
            self.tree.set_current(current)
            self.tree.verticalScrollBar().setValue(place)
        self._stack.setCurrentWidget(self.tree)

    def _open_menu(self, cell_type: CellType, on_screen: QPoint) -> None:
        is_favourite = cell_type.name in self._shelf.get(FAVOURITES, ())
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for text, do in (
            ("&Add to the graph", lambda: self.add_requested.emit(cell_type.name)),
            (
                "&Remove from favourites" if is_favourite else "Add to &favourites",
                lambda: self.favourite_toggled.emit(cell_type.name),
            ),
            ("&Help", lambda: self.help_requested.emit(cell_type.name)),
            ("&Open the source", lambda: self.source_requested.emit(cell_type.file, cell_type.line or 1)),
        ):
            menu.addAction(text).triggered.connect(lambda _checked=False, do=do: do())
        menu.popup(on_screen)

    def _show_shelf(self) -> None:
        known = {cell_type.name: cell_type for cell_type in self._types if not cell_type.problem}
        for title, names in self._shelf.items():
            cells = [known[name] for name in names if name in known]
            if cells:
                head = self._add_head(title, len(cells))
                for cell_type in cells:
                    self._add_cell(head, cell_type)
                head.setExpanded(title not in self._closed)

    def _add_head(self, name: str, count: int) -> QTreeWidgetItem:
        head = QTreeWidgetItem(self.tree)
        head.setData(0, ENTRY_ROLE, CategoryRow(name, count))
        head.setText(0, category_title(name))
        head.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
        return head

    def _show_categories(self) -> None:
        self._show_shelf()
        by_category: dict[str, list[CellType]] = {}
        for cell_type in self._types:
            by_category.setdefault(cell_type.category, []).append(cell_type)
        for category in [*by_category, *(name for name in self._failures if name not in by_category)]:
            cells = by_category.get(category, [])
            name = Path(category).name  # of a file that could not be used, which is there by its path
            head = self._add_head(name, len(cells))
            for cell_type in cells:
                if cell_type.problem:
                    line = cell_type.problem_line or cell_type.line or 1
                    self._add_failure(head, FailureRow(cell_type.name, cell_type.problem, cell_type.file, line))
                else:
                    self._add_cell(head, cell_type)
            if category in self._failures:
                place = self._places.get(category)
                file, line = (place.file, place.line or 1) if place is not None else ("", 1)
                self._add_failure(head, FailureRow(name, self._failures[category], file, line))
            head.setExpanded(name not in self._closed)

    @staticmethod
    def _add_failure(parent: QTreeWidgetItem, row: FailureRow) -> None:
        item = QTreeWidgetItem(parent)
        item.setData(0, ENTRY_ROLE, row)
        item.setText(0, row.reason)
        where = f"A click opens {row.file}, line {row.line}" if row.file else ""
        item.setToolTip(0, tooltip(f"{row.category} cannot be used", row.reason, where))
        item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)

    @staticmethod
    def _add_cell(parent: QTreeWidgetItem, cell_type: CellType) -> None:
        item = QTreeWidgetItem(parent)
        item.setData(0, ENTRY_ROLE, cell_type)
        item.setText(0, cell_type.class_name)
        item.setData(0, Qt.ItemDataRole.AccessibleTextRole, f"{cell_type.class_name}: {spoken_ports(cell_type)}")
        item.setToolTip(0, cell_tooltip(cell_type))
        item.setFlags(
            Qt.ItemFlag.ItemIsEnabled
            | Qt.ItemFlag.ItemIsSelectable
            | Qt.ItemFlag.ItemIsDragEnabled
            | Qt.ItemFlag.ItemNeverHasChildren
        )

    def _show_empty(self, text: str) -> None:
        self._empty.text.show_text(text)
        self._stack.setCurrentWidget(self._empty)

    def _note_open(self, item: QTreeWidgetItem, is_open: bool) -> None:
        entry = item.data(0, ENTRY_ROLE)
        if isinstance(entry, CategoryRow):
            (self._closed.discard if is_open else self._closed.add)(entry.category)

    # ------------------------------------------------------------------ keyboard

    def _enter_tree(self, direction: int) -> None:
        if self._stack.currentWidget() is not self.tree or direction < 0:
            return
        if self.tree.currentItem() is None:
            self.tree.setCurrentIndex(self.tree.model().index(0, 0))
        self.tree.setFocus(Qt.FocusReason.TabFocusReason)

    def _add_current(self) -> None:
        if self.search_field.text().strip() and self._stack.currentWidget() is self.tree:
            self.tree.use_current()


class _CellTree(QTreeWidget):
    add_requested = Signal(str)
    source_requested = Signal(str, int)
    menu_requested = Signal(CellType, QPoint)
    left_upwards = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Cells by category")
        self.setHeaderHidden(True)
        self.setIndentation(0)
        self.setRootIsDecorated(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setItemDelegate(CellRowDelegate(self))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalScrollBar().setSingleStep(ROW_PX)
        self.setDragEnabled(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.setExpandsOnDoubleClick(False)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.itemClicked.connect(self._toggle)
        self.itemDoubleClicked.connect(lambda item, _column: self._add(item))

    def use_current(self) -> None:
        """Ask for the current cell, or open and close the current category."""
        item = self.currentItem()
        if item is not None:
            self._toggle(item)
            self._add(item)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.use_current()
        elif event.key() == Qt.Key.Key_Up and self.currentItem() is self.topLevelItem(0):
            self.left_upwards.emit()
        else:
            super().keyPressEvent(event)

    @staticmethod
    def key_of(item: QTreeWidgetItem | None) -> tuple[str, str]:
        """The texts of a row and of the one above it, by which it is found again."""
        if item is None:
            return "", ""
        parent = item.parent()
        return (parent.text(0) if parent is not None else ""), item.text(0)

    def set_current(self, key: tuple[str, str]) -> None:
        """Make the row current that has this key, where there is one."""
        for index in range(self.topLevelItemCount()):
            head = self.topLevelItem(index)
            assert head is not None
            for item in (head, *(head.child(place) for place in range(head.childCount()))):
                if self.key_of(item) == key:
                    self.setCurrentItem(item)
                    return

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        is_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        item = self.currentItem() if is_key else self.itemAt(event.pos())
        entry = item.data(0, ENTRY_ROLE) if item is not None else None
        if item is not None and isinstance(entry, CellType):
            self.setCurrentItem(item)
            at = self.visualItemRect(item).center() if is_key else event.pos()
            self.menu_requested.emit(entry, self.viewport().mapToGlobal(at))

    def startDrag(self, actions: Qt.DropAction) -> None:
        item = self.currentItem()
        entry = item.data(0, ENTRY_ROLE) if item is not None else None
        if not isinstance(entry, CellType):
            return
        drag = QDrag(self)
        drag.setMimeData(mime_data(entry.name))
        drag.setPixmap(_drag_pixmap(entry, self.devicePixelRatioF()))
        drag.setHotSpot(QPoint(16, 14))
        drag.exec(Qt.DropAction.CopyAction)

    def _toggle(self, item: QTreeWidgetItem) -> None:
        entry = item.data(0, ENTRY_ROLE)
        if isinstance(entry, CategoryRow):
            item.setExpanded(not item.isExpanded())
        elif isinstance(entry, FailureRow) and entry.file:
            self.source_requested.emit(entry.file, entry.line)

    def _add(self, item: QTreeWidgetItem) -> None:
        entry = item.data(0, ENTRY_ROLE)
        if isinstance(entry, CellType):
            self.add_requested.emit(entry.name)


def _drag_pixmap(cell_type: CellType, scale: float) -> QPixmap:
    pixmap = QPixmap(QSize(180, 28) * scale)
    pixmap.setDevicePixelRatio(scale)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(colour("accent"))
    painter.setBrush(colour("raised"))
    painter.drawRoundedRect(QRectF(0.5, 0.5, 179, 27), 6, 6)
    paint_tile(painter, QRectF(4, 4, 20, 20), category_icon(cell_type.category), 14, cell_type.category)
    painter.setFont(font(12, 500))
    painter.setPen(colour("text"))
    painter.drawText(QRectF(32, 0, 144, 28), Qt.AlignmentFlag.AlignVCenter, cell_type.class_name)
    painter.end()
    return pixmap
