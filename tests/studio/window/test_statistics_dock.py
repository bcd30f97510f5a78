"""The statistics in the window: what is selected on the canvas, in the table and in the plots is the same."""

import json

import pytest
from gestures import at_node, click
from panel_samples import figures, snapshot
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog

from pypipeline_studio.panels.statistics_model import ITEMS
from pypipeline_studio.window.bottom import PROBLEMS_TAB
from pypipeline_studio.window.main_window import MainWindow

CELLS = {"count": figures(0.2, 30.0), "post.work": figures(0.9, 8.0), "write": figures(0.1, 8.0)}


@pytest.fixture
def window(file_window, tmp_path):
    """A window in which a graph with a nested pipeline runs, in an engine that is not there."""
    path = tmp_path / "graph.json"
    document = {
        "format": "pypipeline.graph",
        "version": 1,
        "cells": {
            "count": {"type": "sources.Counter"},
            "post": {
                "type": "Pipeline",
                "inputs": ["item"],
                "outputs": ["item"],
                "cells": {"work": {"type": "demo.Work"}},
                "connections": [["item", "work.item"], ["work.item", "item"]],
            },
            "write": {"type": "sinks.JsonLines", "parameters": {"path": "items.jsonl"}},
        },
        "connections": [["count.value", "post.item"], ["post.item", "write.item"]],
    }
    path.write_text(json.dumps(document))
    file_window.session.open(path)
    file_window.run_control.follow(file_window.session.document)
    for number in range(8):
        file_window.engine.snapshot_arrived.emit(at(number / 4))
    return file_window


def at(elapsed_s):
    return snapshot(CELLS, ("post.work",)).model_copy(update={"elapsed_s": elapsed_s})


def marked(window) -> str:
    table = window.bottom.statistics.table
    rows = table.selectionModel().selectedRows()
    return rows[0].data() if rows else ""


def plotted(window) -> str:
    return window.bottom.statistics.plots.views["load"].title.text()


def click_row(qtbot, window, name) -> None:
    panel = window.bottom.statistics
    place = panel.table.visualRect(panel.model.index(panel.model.row_of(name), 0)).center()
    qtbot.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_a_cell_that_is_clicked_on_the_canvas_is_shown_in_table_and_plots(window) -> None:
    assert (marked(window), plotted(window)) == ("", "Busy share")
    click(window.canvas, at_node(window.canvas, "write"))
    assert (marked(window), plotted(window)) == ("write", "Load of write")
    click(window.canvas, QPoint(4, 4))
    assert (marked(window), plotted(window)) == ("", "Busy share")


def test_a_row_that_is_clicked_is_found_on_the_canvas_also_inside(window, qtbot) -> None:
    click_row(qtbot, window, "post.work")
    assert window.canvas.path == ("post",)
    assert window.canvas.selected() == ("work",)
    assert (marked(window), plotted(window)) == ("post.work", "Load of post.work")
    click_row(qtbot, window, "count")
    assert window.canvas.path == ()
    assert window.canvas.selected() == ("count",)
    assert marked(window) == "count"


def test_a_line_that_is_clicked_is_found_on_the_canvas_and_in_the_table(window, qtbot) -> None:
    view = window.bottom.statistics.plots.views["load"]
    at_widget = view._on_widget(-1.0, 0.2).toPoint()
    place = view.plot.viewport().mapFrom(view, at_widget)
    qtbot.mouseClick(view.plot.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert window.canvas.selected() == ("count",)
    assert (marked(window), plotted(window)) == ("count", "Load of count")


def test_a_nested_pipeline_stands_for_its_cells(window) -> None:
    window.canvas.select(["post"])
    assert (marked(window), plotted(window)) == ("", "Load of post.work")


def test_several_cells_are_compared_in_the_plots(window) -> None:
    window.canvas.select(["count", "write"])
    assert (marked(window), plotted(window)) == ("", "Busy share")
    labels = {line.label for line in window.bottom.statistics.plots.views["load"].data.lines}
    assert labels == {"count", "write"}


# ------------------------------------------------------------------ the filter, and what is remembered


def test_the_filter_stands_above_the_table_and_only_there(window, qtbot) -> None:
    tools = window.bottom.statistics_tools
    assert tools.isVisible()
    qtbot.keyClicks(tools.filter, "work")
    assert [row.name for row in window.bottom.statistics.model.rows] == ["post.work"]
    window.bottom.show_tab(PROBLEMS_TAB)
    assert not tools.isVisible()


def test_columns_and_plots_are_remembered(window, qtbot, tmp_path) -> None:
    panel = window.bottom.statistics
    panel.table.columns.set_shown(ITEMS, False)
    qtbot.mouseClick(panel.plots.buttons["latency"], Qt.MouseButton.LeftButton)
    qtbot.mouseClick(window.bottom.statistics_tools.plots_button, Qt.MouseButton.LeftButton)
    assert not panel.plots.isVisible()
    other = MainWindow(tmp_path)
    assert ITEMS in other.bottom.statistics.table.columns.hidden
    assert other.bottom.statistics.plots.shown == ("rate", "load", "latency")
    assert not other.bottom.statistics_tools.plots_button.isChecked()
    other.close()
    other.deleteLater()


# ------------------------------------------------------------------ exports


@pytest.fixture
def choose(monkeypatch):
    """Answers the question for a file; keeps which names were proposed."""
    proposed = []

    def choose(path) -> list[str]:
        def answer(_parent, _title, name, _kinds) -> tuple[str, str]:
            proposed.append(name)
            return str(path), ""

        monkeypatch.setattr(QFileDialog, "getSaveFileName", answer)
        return proposed

    return choose


def test_the_table_is_exported_as_it_is_shown(window, choose, tmp_path) -> None:
    proposed = choose(tmp_path / "out")  # the ending is added
    window.bottom.statistics.set_filter("w")
    window.commands["export_table"].trigger()
    assert proposed == [str(tmp_path / "graph_statistics.csv")]
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert [line.split(",")[:3] for line in lines] == [
        ["cell", "clone", "type"],
        ["post.work", "", "demo.Work"],
        ["write", "", "sinks.JsonLines"],
    ]


def test_the_figures_over_time_and_the_plots_are_exported(window, choose, tmp_path) -> None:
    choose(tmp_path / "history.csv")
    window.commands["export_history"].trigger()
    assert len((tmp_path / "history.csv").read_text().splitlines()) == 1 + 8 * (1 + len(CELLS))
    choose(tmp_path / "plots.png")
    window.commands["export_plots"].trigger()
    assert not QImage(str(tmp_path / "plots.png")).isNull()


def test_what_cannot_be_exported_is_said(window, choose, tmp_path, answer) -> None:
    choose(tmp_path / "no_such_folder" / "out.csv")
    asked = answer("OK")
    window.commands["export_table"].trigger()
    assert "No such file or directory" in asked[0]
    window.session.new()
    window.commands["export_table"].trigger()
    assert "run the graph first" in window.statusBar().currentMessage()


def test_an_export_asks_before_it_overwrites(window, choose, tmp_path, answer) -> None:
    (tmp_path / "out.csv").write_text("mine")
    choose(tmp_path / "out")
    assert answer("Cancel") == []
    window.commands["export_table"].trigger()
    assert (tmp_path / "out.csv").read_text() == "mine"
