"""The statistics of a run: a table of its cells that can be sorted, and plots over time beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QMenu,
    QSplitter,
    QStackedWidget,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from pypipeline_engine.host.protocol import OVER, Snapshot
from pypipeline_studio.document.history import History
from pypipeline_studio.panels.plain_rows import ROW_PX, set_up_table
from pypipeline_studio.panels.plots import PlotsPane
from pypipeline_studio.panels.statistics_columns import StatisticsColumns
from pypipeline_studio.panels.statistics_model import (
    CELL,
    COLUMNS,
    CPU,
    ERRORS,
    FALLS_FIRST,
    LOAD,
    P50,
    QUEUE,
    ROW_ROLE,
    WORKERS,
    StatisticsModel,
    StatisticsRow,
)
from pypipeline_studio.panels.widgets import EmptyState, Label
from pypipeline_studio.theme.colours import category_colour, category_icon, colour, mix, queue_colour, theme
from pypipeline_studio.theme.fonts import font
from pypipeline_studio.theme.icons import draw_icon
from pypipeline_studio.theme.shapes import BAR_RADIUS_PX, paint_load_bar

EMPTY_TEXT = "Statistics appear here while a pipeline runs."
_TABLE_SHARE = 0.62
_PAD_PX = 8
_MARK_PX = 30
"""So far from the left a click opens or closes a cell with clones."""
_LEFT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
_RIGHT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight


class StatisticsPanel(QWidget):
    """The cells of a run, sorted by load at first. Updates keep the selection and the place."""

    cell_activated = Signal(str)
    """A cell that a person has clicked, or gone to by the keyboard."""
    shown = Signal()
    """Other figures are shown, or none any more."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.model = StatisticsModel(self)
        self.table = StatisticsTable(self.model)
        self.table.cell_activated.connect(self.cell_activated)
        self._no_match = Label("No cell has this in its name or type.", 12, 400, "text3")
        self._no_match.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._no_match.hide()
        below_head = QVBoxLayout(self.table.viewport())
        below_head.addWidget(self._no_match)
        self._selected = ""
        self.snapshot: Snapshot | None = None
        """What is shown; `None` where there is no run."""
        self._live: tuple[Snapshot | None, Mapping[str, str]] = (None, {})
        self._live_history = History()
        self._is_given = False
        self._replayed: History | None = None
        self.plots = PlotsPane()
        self.plots.cell_chosen.connect(self.cell_activated)
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.setHandleWidth(1)
        self.split.setChildrenCollapsible(False)
        self.split.addWidget(self.table)
        self.split.addWidget(self.plots)
        self.split.setStretchFactor(0, 3)
        self.split.setStretchFactor(1, 2)
        self._is_split = False
        self.split.splitterMoved.connect(self._keep_split)
        self._stack = QStackedWidget()
        self._stack.addWidget(EmptyState(EMPTY_TEXT))
        self._stack.addWidget(self.split)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._stack)

    def sizeHint(self) -> QSize:
        return QSize(900, 232)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if not self._is_split:  # until a person moves the divider
            table = min(self.table.columns.needed_px, round(_TABLE_SHARE * self.width()))
            self.split.setSizes([table, self.width() - table])

    def _keep_split(self) -> None:
        self._is_split = True

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show yet."""
        return self.snapshot is None or not self.snapshot.cells

    def set_filter(self, text: str) -> None:
        """Show only the cells whose name or type has all of these words in it."""
        self.model.set_filter(text)
        self._show_table()
        self.select_cell(self._selected)

    def _show_table(self) -> None:
        self._stack.setCurrentIndex(0 if self.is_empty else 1)
        self._no_match.setVisible(not self.is_empty and not self.model.rows)

    def show_snapshot(
        self, snapshot: Snapshot | None, types: Mapping[str, str] | None = None, history: History | None = None
    ) -> None:
        """Show another snapshot; `None` for no run.

        :param types: by full name, the type of each cell, for its icon and to be found by.
        :param history: what its run has shown until now; without, what was shown here.
        """
        if history is not None:
            self._live_history = history
        else:
            self._live_history = History() if self._is_given else self._live_history
            self._live_history.take(snapshot)
        self._is_given = history is not None
        self._live = snapshot, types or {}
        if self._replayed is None:
            self._show(*self._live)

    def show_replay(
        self, snapshot: Snapshot | None, history: History | None = None, types: Mapping[str, str] | None = None
    ) -> None:
        """Show a moment of a run of before; what comes meanwhile of the one that goes on is shown after that.

        :param snapshot: the figures of that moment; `None` for those of the run that goes on.
        :param history: the figures of the whole run.
        :param types: as for `show_snapshot`.
        """
        self._replayed = history if snapshot is not None else None
        self._show(*(self._live if snapshot is None else (snapshot, types or {})))

    @property
    def history(self) -> History:
        """The figures over time that are shown."""
        return self._live_history if self._replayed is None else self._replayed

    def _show(self, snapshot: Snapshot | None, types: Mapping[str, str]) -> None:
        self.snapshot = snapshot
        self.model.show_snapshot(snapshot, types)
        self._show_table()
        limits = snapshot.bottleneck.cells if snapshot is not None and snapshot.bottleneck is not None else ()
        is_live = self._replayed is None and snapshot is not None and snapshot.state not in OVER
        moment_s = snapshot.elapsed_s if self._replayed is not None and snapshot is not None else None
        self.plots.show_history(self.history, limits, is_live, moment_s)
        self.shown.emit()

    def select_cells(self, names: Sequence[str]) -> None:
        """Mark the row of a cell, and show these cells in the plots, without telling anybody.

        :param names: full names; no row is marked where there are several, or where the only one is a nested pipeline.
        """
        self.select_cell(names[0] if len(names) == 1 else "")
        self.plots.select(names)

    def select_cell(self, name: str) -> None:
        """Mark the row of a cell without telling anybody; an empty name for none."""
        self._selected = name
        row = self.model.row_of(name)
        if row == self.table.currentIndex().row() and self.table.selectionModel().hasSelection():
            return  # also where one of its clones is open below it
        if row < 0:
            self.table.clearSelection()
            self.table.setCurrentIndex(QModelIndex())
        else:
            self.table.setCurrentIndex(self.model.index(row, 0))


class StatisticsTable(QTableView):
    """The table itself: sorted by its heads, or by the context menu.

    A cell with clones has a mark at its left, which shows them below it, and hides them; so do Right and Left.
    """

    cell_activated = Signal(str)

    def __init__(self, model: StatisticsModel) -> None:
        super().__init__()
        self._model = model
        self._has_toggled = False
        self.setModel(model)
        self.setAccessibleName("Statistics by cell")
        self.setItemDelegate(_StatisticsDelegate(self))
        set_up_table(self)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.verticalHeader().setMinimumSectionSize(ROW_PX)
        header = self.horizontalHeader()
        header.setSectionsClickable(True)
        header.setMinimumSectionSize(48)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.sectionClicked.connect(self.sort_by)
        self.columns = StatisticsColumns(self)
        self.columns.changed.connect(self._share_width)
        for column, about in enumerate(COLUMNS):
            self.setColumnWidth(column, about.width_px)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._open_menu)
        self.clicked.connect(self._activate)
        self.viewport().installEventFilter(self)

    def sort_by(self, column: int) -> None:
        """Sort by a column, or the other way round where that is done already."""
        current, falls = self._model.sorting
        self._model.sort_by(column, not falls if column == current else column in FALLS_FIRST)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._has_toggled = event.button() == Qt.MouseButton.LeftButton and self._toggle_at(event.position().toPoint())
        if not self._has_toggled:
            super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        # Without its press, Qt would take it for a click on what was pressed before.
        if not self._has_toggled:
            super().mouseReleaseEvent(event)
        self._has_toggled = False

    def _toggle_at(self, point: QPoint) -> bool:
        """Show or hide the clones of the cell of which the mark is at a point; whether one is."""
        index = self.indexAt(point)
        row = index.data(ROW_ROLE) if index.isValid() else None
        if not isinstance(row, StatisticsRow) or not row.can_open or index.column() != CELL:
            return False
        if point.x() - self.visualRect(index).x() >= _MARK_PX:
            return False
        self._model.set_open(row.name, not row.is_open)
        return True

    def _open_current(self, is_open: bool) -> None:
        row = self.currentIndex().data(ROW_ROLE)
        if isinstance(row, StatisticsRow):
            if not is_open:  # from a clone, back to its cell
                self.setCurrentIndex(self._model.index(self._model.row_of(row.name), CELL))
            self._model.set_open(row.name, is_open)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Right, Qt.Key.Key_Left):
            self._open_current(event.key() == Qt.Key.Key_Right)
            return
        before = self.currentIndex().row()
        super().keyPressEvent(event)
        current = self.currentIndex()
        if current.row() != before or event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._activate(current)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.viewport() and event.type() == QEvent.Type.Resize:
            self._share_width()
        return super().eventFilter(watched, event)

    def _activate(self, index: QModelIndex) -> None:
        row = index.data(ROW_ROLE) if index.isValid() else None
        if isinstance(row, StatisticsRow):
            self.cell_activated.emit(row.name)

    def _share_width(self) -> None:
        """Give what the columns leave to the bars, and some of it to the names."""
        spare = self.viewport().width() - self.columns.needed_px
        names = max(0, min(100, spare // 6))
        self.setColumnWidth(CELL, COLUMNS[CELL].width_px + names)
        self.setColumnWidth(LOAD, COLUMNS[LOAD].width_px + max(0, spare - names))

    def _open_menu(self, point: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        current, _ = self._model.sorting
        for column, about in enumerate(COLUMNS):
            action = menu.addAction(f"Sort by {about.title}")
            action.setCheckable(True)
            action.setChecked(column == current)
            action.triggered.connect(lambda _checked=False, column=column: self.sort_by(column))
        menu.addSeparator()
        self.columns.fill(menu.addMenu("Columns"))
        menu.popup(self.viewport().mapToGlobal(point))


class _StatisticsDelegate(QStyledItemDelegate):
    def __init__(self, table: QTableView) -> None:
        super().__init__(table)
        self._table = table

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        row = index.data(ROW_ROLE)
        if not isinstance(row, StatisticsRow):
            return
        rect = QRectF(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        is_selected = bool(option.state & QStyle.StateFlag.State_Selected)
        if row.is_limit or is_selected:
            painter.fillRect(rect, colour("accent_soft" if row.is_limit else "hover"))
        if is_selected and index.column() == 0:
            painter.fillRect(QRectF(rect.x(), rect.y(), 2, rect.height()), colour("accent"))
        inside = rect.adjusted(_PAD_PX, 0, -_PAD_PX, 0)
        column = index.column()
        text = str(index.data(Qt.ItemDataRole.DisplayRole))
        if column == CELL:
            self._paint_cell(painter, rect, row)
        elif column == LOAD:
            bar = QRectF(inside.x(), rect.center().y() - 5, inside.width() - 48, 10)
            figures = row.figures
            paint_load_bar(painter, bar, figures.busy, figures.starved, figures.blocked, row.is_limit)
            self._put(painter, inside, text, "text", _RIGHT, 600 if row.is_limit else 400)
        elif column == QUEUE:
            self._paint_queue(painter, inside, row, text)
        elif column == ERRORS and row.nb_errors:
            self._paint_errors(painter, inside, text)
        else:
            is_quiet = bool(row.clone) or column in (P50, CPU) or (column == WORKERS and not row.is_limit)
            shade = "text3" if text in ("0", "–", "0 %", "inline") else "text2" if is_quiet else "text"
            self._put(painter, inside, text, shade, _RIGHT if COLUMNS[column].is_number else _LEFT)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(QPen(colour("line"), 1))
        painter.drawLine(option.rect.bottomLeft(), option.rect.bottomRight())
        painter.restore()

    def _paint_cell(self, painter: QPainter, rect: QRectF, row: StatisticsRow) -> None:
        if row.clone:
            self._put(painter, rect.adjusted(34, 0, -4, 0), row.clone, "text2", _LEFT)
            return
        if row.can_open:
            mark = QRectF(rect.x() + 1, rect.y(), 10, rect.height())
            draw_icon(painter, mark, "caret-down" if row.is_open else "caret-right", colour("text2"), 9)
        shade = mix(category_colour(row.category), colour("text"), 0.15)
        place = QRectF(rect.x() + 10, rect.y(), 16, rect.height())
        draw_icon(painter, place, category_icon(row.category), shade, 14)
        text = rect.adjusted(34, 0, -30 if row.is_limit else -4, 0)
        self._put(painter, text, row.name, "text", _LEFT, 600 if row.is_limit else 500)
        if row.is_limit:
            flame = QRectF(rect.right() - 26, rect.y(), 16, rect.height())
            draw_icon(painter, flame, "flame-fill", colour("neck" if theme.mode == "dark" else "warn"), 14)

    def _paint_queue(self, painter: QPainter, inside: QRectF, row: StatisticsRow, text: str) -> None:
        fill = row.queue_fill
        if fill is None:
            self._put(painter, inside, text, "text3", _RIGHT)
            return
        number = QFontMetricsF(font(12, tabular=True)).horizontalAdvance(text) + 8
        bar = QRectF(inside.x(), inside.center().y() - 3, max(16.0, inside.width() - max(36.0, number)), 6)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour("track"))
        painter.drawRoundedRect(bar, BAR_RADIUS_PX, BAR_RADIUS_PX)
        if fill > 0:
            painter.setBrush(queue_colour(fill))
            bar.setWidth(max(2.0, bar.width() * min(1.0, fill)))
            painter.drawRoundedRect(bar, BAR_RADIUS_PX, BAR_RADIUS_PX)
        self._put(painter, inside, text, "text", _RIGHT)

    @staticmethod
    def _paint_errors(painter: QPainter, inside: QRectF, text: str) -> None:
        shown = font(11, 600, tabular=True)
        width = QFontMetricsF(shown).horizontalAdvance(text) + 27
        badge = QRectF(inside.right() - width, inside.center().y() - 8, width, 16)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour("error_fill"))
        painter.drawRoundedRect(badge, 4, 4)
        ink: QColor = colour("on_accent")
        draw_icon(painter, QRectF(badge.x() + 3, badge.y(), 14, 16), "warning-circle-fill", ink, 11)
        painter.setFont(shown)
        painter.drawText(badge.adjusted(0, 0, -7, 0), _RIGHT, text)

    @staticmethod
    def _put(
        painter: QPainter, rect: QRectF, text: str, name: str, alignment: Qt.AlignmentFlag, weight: int = 400
    ) -> None:
        shown = font(12, weight, tabular=True)
        painter.setFont(shown)
        painter.setPen(colour(name))
        fitting = QFontMetricsF(shown).elidedText(text, Qt.TextElideMode.ElideRight, rect.width())
        painter.drawText(rect, alignment, fitting)
