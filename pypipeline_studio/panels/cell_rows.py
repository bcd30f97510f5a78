"""Rows that show types of cells: icon, name, and the shapes of what goes in and comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QMimeData, QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter
from PySide6.QtWidgets import QAbstractItemView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from pypipeline_engine.catalogue.model import CellType, Kind, PortType
from pypipeline_studio.panels.widgets import paint_tile, tooltip
from pypipeline_studio.theme.colours import category_icon, colour
from pypipeline_studio.theme.fonts import font
from pypipeline_studio.theme.icons import draw_icon
from pypipeline_studio.theme.shapes import paint_kind

CELL_MIME_TYPE: Final = "application/x-pypipeline-cell"
"""A type of cells that is dragged: its name as UTF-8 text."""
ENTRY_ROLE: Final = Qt.ItemDataRole.UserRole
ROW_PX = 28
CATEGORY_ROW_PX = 32
_NAMES = {"ai": "AI"}
_SHAPE_STEP_PX = 12
_MOST_SHAPES = 3
_LEFT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
_RIGHT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight


@dataclass(frozen=True)
class CategoryRow:
    """The row above the cells of a category."""

    category: str
    count: int


@dataclass(frozen=True)
class FailureRow:
    """The row of a category whose cells could not be imported, or of a cell that cannot be used."""

    category: str
    reason: str
    file: str = ""
    line: int = 1

    @property
    def short(self) -> str:
        """The reason without what the row above it says; the line first, because not much else fits."""
        reason = self.reason.rpartition("cannot be loaded: ")[2]
        return f"Line {self.line}: {reason}" if self.file and self.line > 1 else reason


def category_title(category: str) -> str:
    """A category for people: `ai` is AI, `my_cells` is My cells."""
    return _NAMES.get(category, category.replace("_", " ").capitalize())


def cell_tooltip(cell_type: CellType) -> str:
    """What a cell does, and what it takes and gives."""
    inputs = [f"in: {_port_text(port)}" for port in cell_type.inputs]
    outputs = [f"out: {_port_text(port)}" for port in cell_type.outputs]
    return tooltip(cell_type.name, cell_type.description, *inputs, *outputs)


def _port_text(port: PortType) -> str:
    kind = " or ".join(port.kinds)
    return f"{port.name} ({kind}) – {port.doc}" if port.doc else f"{port.name} ({kind})"


def spoken_ports(cell_type: CellType) -> str:
    """What goes in and comes out, in words for those who cannot see the shapes."""
    inputs = ", ".join(_kind(port) for port in cell_type.inputs) or "nothing"
    return f"{inputs} to {', '.join(_kind(port) for port in cell_type.outputs) or 'nothing'}"


def mime_data(type_name: str) -> QMimeData:
    """What a drag of a type of cells carries."""
    data = QMimeData()
    data.setData(CELL_MIME_TYPE, type_name.encode())
    return data


class CellRowDelegate(QStyledItemDelegate):
    """Paints rows whose `ENTRY_ROLE` is a `CellType`, a `CategoryRow` or a `FailureRow`."""

    def __init__(self, view: QAbstractItemView, indent_px: int = 24) -> None:
        super().__init__(view)
        self._view = view
        self._indent_px = indent_px

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        is_category = isinstance(index.data(ENTRY_ROLE), CategoryRow)
        return QSize(100, CATEGORY_ROW_PX if is_category else ROW_PX)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        entry = index.data(ENTRY_ROLE)
        rect, state = QRectF(option.rect), option.state
        line = QRectF(0, rect.y(), self._view.viewport().width(), rect.height())
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        is_selected = bool(state & QStyle.StateFlag.State_Selected)
        if is_selected or state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("accent_soft" if is_selected else "hover"))
            painter.drawRoundedRect(line.adjusted(6, 1, -6, -1), 4, 4)
        if isinstance(entry, CategoryRow):
            is_open = bool(state & QStyle.StateFlag.State_Open)
            self._paint_category(painter, line, entry, is_open)
        elif isinstance(entry, FailureRow):
            draw_icon(painter, line.adjusted(26, 0, 16 + 26 - line.width(), 0), "warning", colour("warn"), 14)
            self._paint_text(painter, line.adjusted(52, 0, -12, 0), entry.short, "text3", 11)
        elif isinstance(entry, CellType):
            self._paint_cell(painter, line, entry, "accent_soft" if is_selected else "panel")
        painter.restore()

    def _paint_category(self, painter: QPainter, line: QRectF, entry: CategoryRow, is_open: bool) -> None:
        caret = QRectF(line.x() + 8, line.y(), 16, line.height())
        draw_icon(painter, caret, "caret-down" if is_open else "caret-right", colour("text3"), 11)
        painter.setFont(font(11, 600))
        painter.setPen(colour("text2"))
        painter.drawText(line.adjusted(28, 0, -40, 0), _LEFT, category_title(entry.category))
        painter.setFont(font(11, tabular=True))
        painter.setPen(colour("text3"))
        painter.drawText(line.adjusted(28, 0, -12, 0), _RIGHT, str(entry.count))

    def _paint_cell(self, painter: QPainter, line: QRectF, entry: CellType, background: str) -> None:
        tile = QRectF(line.x() + self._indent_px, line.y() + 4, 20, 20)
        paint_tile(painter, tile, category_icon(entry.category), 14, entry.category)
        left = self._paint_shapes(painter, line, entry, background)
        text = QRectF(tile.right() + 8, line.y(), left - tile.right() - 12, line.height())
        self._paint_text(painter, text, entry.class_name, "text", 12)

    @staticmethod
    def _paint_shapes(painter: QPainter, line: QRectF, entry: CellType, background: str) -> float:
        """Paint them from the right; returns where they begin."""
        x = line.right() - 16
        inputs, outputs = _kinds(entry.inputs), _kinds(entry.outputs)
        for kind in reversed(outputs):
            paint_kind(painter, kind, x, line.center().y(), 3.6, True, colour(background))
            x -= _SHAPE_STEP_PX
        if inputs and outputs:
            draw_icon(painter, QRectF(x - 5, line.y(), 10, line.height()), "arrow-right", colour("text3"), 9)
            x -= _SHAPE_STEP_PX
        for kind in reversed(inputs):
            paint_kind(painter, kind, x, line.center().y(), 3.6, True, colour(background))
            x -= _SHAPE_STEP_PX
        return x + _SHAPE_STEP_PX - 4

    @staticmethod
    def _paint_text(painter: QPainter, rect: QRectF, text: str, name: str, px: int) -> None:
        painter.setFont(font(px))
        painter.setPen(colour(name))
        shown = QFontMetricsF(font(px)).elidedText(text, Qt.TextElideMode.ElideRight, rect.width())
        painter.drawText(rect, _LEFT, shown)


def _kind(port: PortType) -> Kind:
    return port.kinds[0] if len(port.kinds) == 1 else "any"


def _kinds(ports: Sequence[PortType]) -> list[Kind]:
    return [_kind(port) for port in ports[:_MOST_SHAPES]]
