"""Tables of rows."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QTableView

from pypipeline_studio.panels.plain_rows import ROW_PX, set_up_table
from pypipeline_studio.panels.widgets import column, push_button


@pytest.fixture
def table(show):
    table = QTableView()
    model = QStandardItemModel(table)
    for text in ("a", "b"):
        model.appendRow([QStandardItem(text), QStandardItem("long text " * 20)])
    table.setModel(model)
    set_up_table(table)
    show(column(table, push_button("Next")), 300, 200)
    return table


def test_rows_are_of_one_height_and_selected_whole(table, qtbot):
    assert [table.rowHeight(row) for row in range(2)] == [ROW_PX, ROW_PX]
    assert not table.verticalHeader().isVisible()
    place = table.visualRect(table.model().index(1, 0)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert [(index.row(), index.column()) for index in table.selectedIndexes()] == [(1, 0), (1, 1)]


def test_tab_leaves_the_table(table, qtbot):
    table.setFocus()
    table.setCurrentIndex(table.model().index(0, 0))
    qtbot.keyClick(table, Qt.Key.Key_Tab)
    assert not table.hasFocus()
    assert table.currentIndex().column() == 0
