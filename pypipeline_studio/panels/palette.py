"""The command palette: everything that can be done, found by typing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QIcon, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from pypipeline_studio.document.palette import Found, PaletteEntry, ranked
from pypipeline_studio.panels.search_frame import SearchFrame
from pypipeline_studio.panels.widgets import paint_tile
from pypipeline_studio.theme.colours import category_icon, colour
from pypipeline_studio.theme.fonts import font
from pypipeline_studio.theme.icons import draw_icon

ROW_PX = 30
_WIDTH_PX = 600
_ROWS = 12
_ROLE = Qt.ItemDataRole.UserRole
_LEFT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
_RIGHT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
_HINT = "Enter does it, Up and Down choose, Esc closes"


class CommandPalette(SearchFrame):
    """A search over what can be done."""

    chosen = Signal(str)
    """The key of an entry; the palette is closed."""

    def __init__(
        self,
        entries: Sequence[PaletteEntry],
        recent: Sequence[str],
        icons: Mapping[str, QIcon],
        parent: QWidget | None = None,
    ) -> None:
        """Offer entries.

        :param recent: the keys of those that were used, the last one first.
        :param icons: by key, those of actions that have one.
        """
        super().__init__("Find or run a command", "Commands that match", wraps_note=False, parent=parent)
        self._entries = tuple(entries)
        self._recent = tuple(recent)
        self.search_field.setPlaceholderText("Find a command or a cell to add")
        self.list.setItemDelegate(_Rows(self.list, icons))
        self.list.setUniformItemSizes(True)
        self.list.currentRowChanged.connect(lambda _: self._show_note())

    def open_over(self, window: QWidget) -> None:
        """Show it in the upper middle of a window."""
        self._show()
        self._open_at(window.mapToGlobal(QPoint((window.width() - _WIDTH_PX) // 2, 72)), window)

    def entry_at(self, row: int) -> PaletteEntry:
        """What a row shows."""
        found = self.list.item(row).data(_ROLE)
        assert isinstance(found, Found)
        return found.entry

    def _show(self) -> None:
        found = ranked(self._entries, self.search_field.text(), self._recent)
        self.list.blockSignals(True)
        self.list.clear()
        for hit in found:
            item = QListWidgetItem(hit.entry.text)
            item.setData(_ROLE, hit)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, _spoken(hit.entry))
            self.list.addItem(item)
        if found:
            self.list.setCurrentRow(0)
        self.list.blockSignals(False)
        self.list.setFixedHeight(min(max(1, len(found)), _ROWS) * ROW_PX)
        self._show_note()
        layout = self.layout()
        assert layout is not None
        layout.activate()
        self.resize(_WIDTH_PX, layout.sizeHint().height())

    def _show_note(self) -> None:
        if not self.list.count():
            self.note.show_text("Nothing matches: try a part of a name, a menu or a kind of cell")
            return
        entry = self.entry_at(self.list.currentRow())
        self.note.set_colour("text3" if entry.is_enabled else "warn")
        self.note.show_text(_HINT if entry.is_enabled else entry.obstacle or "It cannot be done now")

    def _choose(self, item: QListWidgetItem) -> None:
        found = item.data(_ROLE)
        if not found.entry.is_enabled:
            self.list.setCurrentItem(item)
            self._show_note()
            return
        # Closed first: what is done may open a dialog, or give the focus to something.
        self.close()
        self.chosen.emit(found.entry.key)


class _Rows(QStyledItemDelegate):
    """Icon, text with what was typed in bold, and at the right the menu, then the keys or what is in the way."""

    def __init__(self, view: QAbstractItemView, icons: Mapping[str, QIcon]) -> None:
        super().__init__(view)
        self._view = view
        self._icons = icons

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(100, ROW_PX)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        found = index.data(_ROLE)
        entry: PaletteEntry = found.entry
        rect, state = QRectF(option.rect), option.state
        line = QRectF(0, rect.y(), self._view.viewport().width(), rect.height())
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        is_selected = bool(state & QStyle.StateFlag.State_Selected)
        if is_selected or state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("accent_soft" if is_selected else "hover"))
            painter.drawRoundedRect(line.adjusted(0, 1, -2, -1), 4, 4)
        self._paint_icon(painter, line, entry)
        right = self._paint_right(painter, line, entry)
        self._paint_text(painter, QRectF(38, line.y(), right - 50, line.height()), found)
        painter.restore()

    def _paint_icon(self, painter: QPainter, line: QRectF, entry: PaletteEntry) -> None:
        place = QRectF(10, line.y() + (ROW_PX - 20) / 2, 20, 20)
        if entry.category:
            paint_tile(painter, place, category_icon(entry.category), 14, entry.category)
        elif entry.is_on:
            draw_icon(painter, place, "check-bold", colour("accent"), 14)
        elif entry.key in self._icons:
            mode = QIcon.Mode.Normal if entry.is_enabled else QIcon.Mode.Disabled
            self._icons[entry.key].paint(painter, place.adjusted(2, 2, -2, -2).toRect(), mode=mode)

    def _paint_right(self, painter: QPainter, line: QRectF, entry: PaletteEntry) -> float:
        """Paint what stands at the right; returns where it begins."""
        right = line.width() - 14
        obstacle = "" if entry.is_enabled else entry.obstacle
        for text, weight, name in (
            (obstacle or entry.keys, 400 if obstacle else 500, "text3" if obstacle else "text2"),
            ("" if obstacle else entry.where, 400, "text3"),
        ):
            if text:
                shown = font(11, weight)
                width = QFontMetricsF(shown).horizontalAdvance(text)
                painter.setFont(shown)
                painter.setPen(colour(name))
                painter.drawText(QRectF(right - width - 1, line.y(), width + 1, line.height()), _RIGHT, text)
                right -= width + 20
        return right

    @staticmethod
    def _paint_text(painter: QPainter, place: QRectF, found: Found) -> None:
        typed = set(found.places)
        name = "text" if found.entry.is_enabled else "disabled"
        plain = font(12)
        text = QFontMetricsF(plain).elidedText(found.entry.text, Qt.TextElideMode.ElideRight, place.width())
        x = place.x()
        for is_typed, letters in groupby(enumerate(text), key=lambda pair: pair[0] in typed):
            part = "".join(letter for _, letter in letters)
            shown = font(12, 600) if is_typed else plain
            painter.setFont(shown)
            painter.setPen(colour("accent" if is_typed and found.entry.is_enabled else name))
            painter.drawText(QRectF(x, place.y(), place.right() - x + 20, place.height()), _LEFT, part)
            x += QFontMetricsF(shown).horizontalAdvance(part)


def _spoken(entry: PaletteEntry) -> str:
    parts = [entry.text, entry.where, entry.keys]
    if entry.is_on is not None:
        parts.append("on" if entry.is_on else "off")
    if not entry.is_enabled:
        parts.append(entry.obstacle or "not available")
    return ", ".join(part for part in parts if part)
