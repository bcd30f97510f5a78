"""Tables as the studio shows them; rows of text with room at the sides, a line below, and a quiet selection."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QAbstractItemView, QFrame, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QTableView

from pypipeline_studio.theme.colours import colour, theme
from pypipeline_studio.theme.fonts import font

ROW_PX = 25
PAD_PX = 8
_HEAD_PX = 28


def set_up_table(table: QTableView) -> None:
    """Make a table one of rows: whole rows are selected, Tab leaves it, and nothing but its delegate draws lines."""
    table.setShowGrid(False)
    table.setFrameShape(QFrame.Shape.NoFrame)
    table.setWordWrap(False)
    table.setTabKeyNavigation(False)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(ROW_PX)
    head = table.horizontalHeader()
    head.setHighlightSections(False)
    head.setFixedHeight(_HEAD_PX)
    theme.changed.connect(table.viewport().update)


class PlainRows(QStyledItemDelegate):
    """Paints the text of an index in its font and colour."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        rect = QRectF(option.rect)
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, colour("accent_soft"))
            if index.column() == 0:
                painter.fillRect(QRectF(rect.x(), rect.y(), 2, rect.height()), colour("accent"))
        shown = index.data(Qt.ItemDataRole.FontRole)
        shade = index.data(Qt.ItemDataRole.ForegroundRole)
        shown = shown if isinstance(shown, QFont) else font(12, tabular=True)
        painter.setFont(shown)
        painter.setPen(shade if isinstance(shade, QColor) else colour("text"))
        inside = rect.adjusted(PAD_PX, 0, -PAD_PX, 0)
        text = QFontMetricsF(shown).elidedText(
            str(index.data() or ""), Qt.TextElideMode.ElideRight, max(0.0, inside.width())
        )
        painter.drawText(inside, cast("Qt.AlignmentFlag", index.data(Qt.ItemDataRole.TextAlignmentRole)), text)
        painter.setPen(QPen(colour("line"), 1))
        painter.drawLine(option.rect.bottomLeft(), option.rect.bottomRight())
        painter.restore()
