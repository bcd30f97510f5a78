"""The statistics in the window: what is selected on the canvas, in the table and in the plots is the same."""

import json

import pytest
from gestures import at_node, click
from panel_samples import figures, snapshot
from PySide6.QtCore import QPoint, Qt

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
    file_window.run_control._started = file_window.session.document
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
