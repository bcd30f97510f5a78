import pytest
from panel_samples import figures, snapshot
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QApplication, QMenu

from pypipeline_engine.host.protocol import CloneFigures
from pypipeline_studio.panels.statistics import StatisticsPanel
from pypipeline_studio.panels.statistics_model import CELL, ERRORS, ITEMS, LOAD, QUEUE, RATE, WORKERS
from pypipeline_studio.theme.fonts import font


@pytest.fixture
def panel(show):
    return show(StatisticsPanel(), 1000, 150)


def names(panel):
    return [panel.model.index(row, CELL).data() for row in range(panel.model.rowCount())]


def text(panel, name, column):
    return panel.model.index(panel.model.row_of(name), column).data()


THREE = {"video": figures(0.1), "detect": figures(0.98), "track": figures(0.5)}


def click(qtbot, panel, row, column=CELL):
    place = panel.table.visualRect(panel.model.index(row, column)).center()
    qtbot.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_is_empty_until_something_runs(panel):
    assert not panel.table.isVisible()
    panel.show_snapshot(snapshot(THREE))
    assert panel.table.isVisible()
    panel.show_snapshot(None)
    assert not panel.table.isVisible()


def test_what_limits_comes_first_and_then_by_load(panel):
    panel.show_snapshot(snapshot({**THREE, "draw": figures(0.99)}, limits=("detect",)))
    assert names(panel) == ["detect", "draw", "track", "video"]


def test_numbers_are_written_for_people(panel):
    cells = {
        "detect": figures(0.98, 8.214, method="thread", workers=2, queued=3, capacity=8, errors=1234, skipped=1234),
        "video": figures(0.001, skipped=7),  # as a filter does
    }
    panel.show_snapshot(snapshot(cells))
    assert [text(panel, "detect", column) for column in (RATE, LOAD, QUEUE, WORKERS, ERRORS)] == [
        "8.21/s",
        "98 %",
        "3/8",
        "2 threads",
        "1,234",
    ]
    assert [text(panel, "video", column) for column in (LOAD, QUEUE, WORKERS, ERRORS)] == ["<1 %", "–", "inline", "0"]


@pytest.mark.parametrize(
    ("method", "workers", "shown"), [("thread", 1, "1 thread"), ("ray", 2, "2 Ray"), ("mixed", 3, "3 clones")]
)
def test_workers_are_called_what_they_are(panel, method, workers, shown):
    panel.show_snapshot(snapshot({"detect": figures(0.9, method=method, workers=workers)}))
    assert text(panel, "detect", WORKERS) == shown


def test_a_click_on_a_head_sorts_and_another_turns_it_round(panel, qtbot):
    panel.show_snapshot(snapshot(THREE))
    header = panel.table.horizontalHeader()
    place = header.sectionViewportPosition(CELL) + 10
    for expected in (["detect", "track", "video"], ["video", "track", "detect"]):
        qtbot.mouseClick(
            header.viewport(), Qt.MouseButton.LeftButton, pos=header.viewport().rect().center().__class__(place, 10)
        )
        assert names(panel) == expected
    assert "↓" in panel.model.headerData(CELL, Qt.Orientation.Horizontal)


def test_unknown_values_come_last_in_both_directions(panel):
    panel.show_snapshot(
        snapshot({"a": figures(0.1), "b": figures(0.2, queued=1, capacity=8), "c": figures(0.3, queued=7, capacity=8)})
    )
    panel.table.sort_by(QUEUE)
    assert names(panel) == ["c", "b", "a"]
    panel.table.sort_by(QUEUE)
    assert names(panel) == ["b", "c", "a"]


def test_a_click_tells_the_cell_and_an_update_keeps_it_selected_where_it_moves(panel, qtbot):
    panel.show_snapshot(snapshot(THREE))
    with qtbot.waitSignal(panel.cell_activated) as asked:
        click(qtbot, panel, 2)
    assert asked.args == ["video"]
    with qtbot.assertNotEmitted(panel.cell_activated):
        panel.show_snapshot(snapshot({**THREE, "video": figures(0.99)}))
    assert names(panel) == ["video", "detect", "track"]
    assert panel.table.currentIndex().row() == 0
    assert [index.row() for index in panel.table.selectionModel().selectedRows()] == [0]


def test_equal_loads_keep_their_places(panel):
    panel.show_snapshot(snapshot({"a": figures(0.981), "b": figures(0.982)}))
    before = names(panel)
    for busy in (0.983, 0.979, 0.984):
        panel.show_snapshot(snapshot({"a": figures(busy), "b": figures(0.982)}))
        assert names(panel) == before


def test_the_place_in_the_table_stays_at_an_update(panel):
    cells = {f"cell{index:03}": figures(index / 200) for index in range(100)}
    panel.show_snapshot(snapshot(cells))
    bar = panel.table.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    before = bar.value()
    assert before > 0
    panel.show_snapshot(snapshot({name: figures(0.5 - known.busy) for name, known in cells.items()}))
    QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
    assert bar.value() == before


def test_the_keyboard_goes_from_cell_to_cell(panel, qtbot):
    panel.show_snapshot(snapshot(THREE))
    panel.select_cell("detect")
    panel.table.setFocus()
    with qtbot.waitSignal(panel.cell_activated) as asked:
        qtbot.keyClick(panel.table, Qt.Key.Key_Down)
    assert asked.args == ["track"]
    with qtbot.waitSignal(panel.cell_activated) as asked:
        qtbot.keyClick(panel.table, Qt.Key.Key_Return)
    assert asked.args == ["track"]


def test_selecting_from_outside_tells_nobody(panel, qtbot):
    panel.show_snapshot(snapshot(THREE))
    with qtbot.assertNotEmitted(panel.cell_activated):
        panel.select_cell("video")
    assert panel.table.currentIndex().row() == 2
    panel.select_cell("gone")
    assert not panel.table.selectionModel().hasSelection()


def test_millions_of_items_are_written_in_full(panel):
    panel.show_snapshot(snapshot({"detect": figures(0.5, items=123_456_789)}))
    room = panel.table.columnWidth(ITEMS) - 16
    assert QFontMetricsF(font(12, tabular=True)).horizontalAdvance(text(panel, "detect", ITEMS)) <= room


# ------------------------------------------------------------------ clones


def scaled(*busy, cell_busy=0.9):
    clones = tuple(
        CloneFigures(
            name=f"#{index}", method="thread", items=10 * index, rate_hz=4.0 + index, busy=share, starved=1 - share,
            blocked=0.0, cpu=0.1,
        )
        for index, share in enumerate(busy, start=1)
    )  # fmt: skip
    whole = figures(cell_busy, method="thread", workers=len(busy), queued=1, capacity=8)
    return whole.model_copy(update={"clones": clones})


def click_mark(qtbot, panel, name):
    rect = panel.table.visualRect(panel.model.index(panel.model.row_of(name), CELL))
    qtbot.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, pos=rect.topLeft() + QPoint(6, 12))


def test_the_mark_at_a_cell_shows_its_clones_and_hides_them(panel, qtbot):
    panel.show_snapshot(snapshot({**THREE, "detect": scaled(0.9, 0.5)}))
    with qtbot.assertNotEmitted(panel.cell_activated):
        click_mark(qtbot, panel, "detect")
    assert names(panel) == ["detect", "#1", "#2", "track", "video"]
    shown = [panel.model.index(2, column).data() for column in (RATE, LOAD, QUEUE, WORKERS, ITEMS, ERRORS)]
    assert shown == ["6.00/s", "50 %", "–", "thread", "20", "–"]
    panel.table.viewport().grab()
    with qtbot.waitSignal(panel.cell_activated) as asked:
        click(qtbot, panel, 2)
    assert asked.args == ["detect"]
    with qtbot.assertNotEmitted(panel.cell_activated):
        click_mark(qtbot, panel, "detect")
    assert names(panel) == ["detect", "track", "video"]


def test_a_cell_with_one_clone_has_no_mark(panel, qtbot):
    panel.show_snapshot(snapshot({**THREE, "detect": scaled(0.9)}))
    with qtbot.waitSignal(panel.cell_activated) as asked:
        click_mark(qtbot, panel, "detect")
    assert asked.args == ["detect"]
    assert names(panel) == ["detect", "track", "video"]


def test_clones_come_and_go_move_with_their_cell_and_leave_the_selection(panel, qtbot):
    panel.show_snapshot(snapshot({**THREE, "detect": scaled(0.9, 0.5)}))
    click_mark(qtbot, panel, "detect")
    panel.select_cell("video")
    panel.show_snapshot(snapshot({**THREE, "detect": scaled(0.1, 0.2, 0.3, cell_busy=0.2)}))
    assert names(panel) == ["track", "detect", "#1", "#2", "#3", "video"]
    assert panel.table.currentIndex().row() == 5
    panel.show_snapshot(snapshot({**THREE, "detect": scaled(0.1)}))
    assert names(panel) == ["detect", "track", "video"]
    assert panel.table.currentIndex().row() == 2
    panel.show_snapshot(None)
    panel.show_snapshot(snapshot({"detect": scaled(0.1, 0.2)}))
    assert names(panel) == ["detect", "#1", "#2"]
    panel.table.sort_by(RATE)
    assert names(panel) == ["detect", "#1", "#2"]


def test_the_keyboard_opens_and_closes(panel, qtbot):
    panel.show_snapshot(snapshot({**THREE, "detect": scaled(0.9, 0.5)}))
    panel.select_cell("detect")
    qtbot.keyClick(panel.table, Qt.Key.Key_Right)
    assert names(panel) == ["detect", "#1", "#2", "track", "video"]
    qtbot.keyClick(panel.table, Qt.Key.Key_Down)
    qtbot.keyClick(panel.table, Qt.Key.Key_Left)
    assert names(panel) == ["detect", "track", "video"]
    assert panel.table.currentIndex().row() == 0


def test_the_workers_of_a_cell_are_told_one_by_one(panel):
    panel.show_snapshot(snapshot({"detect": scaled(0.9, 0.5), "many": scaled(*[0.5] * 20)}))
    tips = {
        name: panel.model.index(panel.model.row_of(name), WORKERS).data(Qt.ItemDataRole.ToolTipRole).split("\n")
        for name in ("detect", "many")
    }
    assert tips["detect"] == ["#1: 5.00/s, busy 90 %", "#2: 6.00/s, busy 50 %"]
    assert tips["many"][-1] == "and 4 more"


# ------------------------------------------------------------------ which cells and columns

TYPES = {"video": "sources.VideoFile", "detect": "detection.HogPeople", "track": "tracking.Sort"}


def test_cells_are_filtered_by_the_words_of_name_and_type(panel):
    panel.show_snapshot(snapshot(THREE), TYPES)
    for text, expected in (
        ("VIDEO", ["video"]),
        ("tr sort", ["track"]),
        ("people", ["detect"]),
        ("", ["detect", "track", "video"]),
    ):
        panel.set_filter(text)
        assert names(panel) == expected


def test_a_filter_holds_for_later_snapshots_and_says_where_nothing_matches(panel):
    panel.show_snapshot(snapshot(THREE), TYPES)
    panel.set_filter("nothing like it")
    assert panel.table.isVisible()
    assert panel._no_match.isVisible()
    panel.set_filter("late")
    panel.show_snapshot(snapshot({**THREE, "late": figures(0.1)}), TYPES)
    assert names(panel) == ["late"]
    assert not panel._no_match.isVisible()


def test_a_filter_keeps_what_is_selected(panel):
    panel.show_snapshot(snapshot(THREE), TYPES)
    panel.select_cells(["track"])
    panel.set_filter("tr")
    panel.set_filter("")
    assert panel.model.index(panel.table.currentIndex().row(), CELL).data() == "track"


def shown_columns(panel):
    header = panel.table.horizontalHeader()
    return [
        header.model().headerData(c, Qt.Orientation.Horizontal)
        for c in range(header.count())
        if not header.isSectionHidden(c)
    ]


def open_columns(qtbot, panel):
    header = panel.table.horizontalHeader()
    header.customContextMenuRequested.emit(QPoint(200, 10))
    menu = panel.table.findChildren(QMenu)[-1]
    qtbot.waitUntil(menu.isVisible)
    return menu


def test_columns_are_shown_and_hidden_by_the_menu_of_the_head(panel, qtbot):
    panel.show_snapshot(snapshot(THREE))
    assert "p99" not in shown_columns(panel)
    menu = open_columns(qtbot, panel)
    actions = {action.text(): action for action in menu.actions()}
    assert not actions["Cell"].isEnabled()
    with qtbot.waitSignal(panel.table.columns.changed):
        qtbot.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(actions["p99"]).center())
    panel.table.columns.set_shown(ITEMS, False)
    assert "p99" in shown_columns(panel)
    assert "Items" not in shown_columns(panel)
    assert panel.table.columns.settings == "Items,GIL,Skipped"
    panel.table.columns.restore("Rate,Cell,Unheard of")
    assert "Rate" not in shown_columns(panel)
    assert {"Cell", "Items", "GIL"} <= set(shown_columns(panel))


def test_the_usual_columns_come_back(panel, qtbot):
    usual = shown_columns(panel)
    panel.table.columns.restore("Rate,Load")
    menu = open_columns(qtbot, panel)
    menu.actions()[-1].trigger()
    menu.close()
    assert shown_columns(panel) == usual


def test_what_is_hidden_leaves_its_room_to_the_bars(panel, qtbot):
    panel.show_snapshot(snapshot(THREE))
    panel.plots.hide()
    qtbot.waitUntil(lambda: panel.table.width() == panel.width())
    before = panel.table.columnWidth(LOAD)
    panel.table.columns.set_shown(ITEMS, False)
    assert panel.table.columnWidth(LOAD) > before
