"""The window around the canvas, without an engine."""

import pytest
from panel_samples import figures, snapshot
from PySide6.QtCore import QSettings, QStandardPaths, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from pypipeline_engine.graph.reader import read_file
from pypipeline_engine.host.protocol import Catalogue, CellError, GraphProblem, Refusal, RunInfo
from pypipeline_engine.resources import get_examples
from pypipeline_studio.window.application import make_application
from pypipeline_studio.window.bottom import PROBLEMS_TAB, EngineMessage
from pypipeline_studio.window.main_window import MainWindow
from pypipeline_studio.window.status_bar import StatusBar


@pytest.fixture
def window(qapp, qtbot, tmp_path, monkeypatch):
    QStandardPaths.setTestModeEnabled(True)
    make_application("dark")
    QSettings().clear()
    monkeypatch.setattr(QApplication, "quit", lambda: None)
    window = MainWindow(tmp_path)
    yield window
    window.session.undo_stack.setClean()
    window.close()
    window.deleteLater()


def put_on_screen(qtbot, window) -> None:
    window.show()
    qtbot.waitExposed(window)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)


def run(state, number=1, **more) -> RunInfo:
    return RunInfo(run=number, state=state, **more)


def tell_run(window, told) -> None:
    """What `Engine` does when the host tells something about a run."""
    window.engine.run = told
    window.engine.run_changed.emit(told)


def start(window, monkeypatch) -> None:
    """Run the graph in an engine that only takes note of it."""
    monkeypatch.setattr(window.engine, "run_graph", lambda *_, **__: None)
    window.run_control.start()
    tell_run(window, run("running"))
    window.engine.snapshot_arrived.emit(snapshot({name: figures(0.5) for name in window.session.document.cells}))


# ------------------------------------------------------------------ focus


def test_the_canvas_has_the_focus_when_a_graph_is_opened_at_the_start(qtbot, window) -> None:
    window.session.open(get_examples()["multiply"])
    put_on_screen(qtbot, window)
    assert window.canvas.isAncestorOf(window.focusWidget())


def test_the_canvas_has_the_focus_after_the_first_cell(qtbot, window) -> None:
    put_on_screen(qtbot, window)
    assert window.first_run.isAncestorOf(window.focusWidget())
    window.session.edit("", read_file(get_examples()["multiply"]))
    assert not window.first_run.isVisible()
    assert window.canvas.viewer.hasFocus()
    QTest.keyClick(window.canvas.viewer, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert window.canvas.selected() == tuple(window.session.document.cells)


def test_a_field_that_is_being_used_keeps_the_focus(qtbot, window) -> None:
    put_on_screen(qtbot, window)
    window.library.search_field.setFocus()
    window.session.edit("", read_file(get_examples()["multiply"]))
    assert window.library.search_field.hasFocus()


# ------------------------------------------------------------------ what is seen of a run


def test_the_window_fits_on_the_screen(window) -> None:
    available = window.screen().availableSize()
    assert window.width() <= available.width()
    assert window.height() <= available.height()


def test_a_message_in_the_status_bar_is_not_painted_over_by_figures(qtbot) -> None:
    bar = StatusBar()
    qtbot.addWidget(bar)
    bar.resize(900, 25)
    bar.show()
    bar.showMessage("Saved people.json")
    bar.show_snapshot(snapshot({"detect": figures(0.5)}))
    bar.show_engine("running")
    assert not any(field.isVisible() for field in bar._fields.values())
    bar.clearMessage()
    assert all(field.isVisible() for field in bar._fields.values())


def test_another_graph_has_not_run_yet(window, monkeypatch) -> None:
    window.session.open(get_examples()["multiply"])
    start(window, monkeypatch)
    tell_run(window, run("stopped"))
    assert window.toolbar._state.text() == "Stopped"
    window.session.open(get_examples()["fibonacci"])
    assert window.toolbar._state.text() == "Not run yet"
    assert window.toolbar._progress.text() == ""


def test_nodes_do_not_run_on_where_the_engine_has_ended(window, monkeypatch) -> None:
    window.session.open(get_examples()["multiply"])
    start(window, monkeypatch)
    nodes = {name: node.view for name, node in window.canvas._nodes.items()}
    assert {item.live.activity for item in nodes.values()} == {"running"}
    tell_run(
        window, run("failed", error=CellError(cell="", message="The engine ended with exit code 7.", is_fatal=True))
    )
    assert {item.live.activity for item in nodes.values()} == {"over"}
    window.engine.state_changed.emit("ended")
    assert window.run_control.snapshot.process is None
    assert {item.live.activity for item in nodes.values()} == {"over"}


def test_problems_that_keep_a_graph_from_running_come_to_the_front(window, monkeypatch) -> None:
    window.session.set_catalogue(Catalogue(types=()))
    window.session.edit("", read_file(get_examples()["multiply"]))
    problem = GraphProblem(path="cells.sink", message="no such type", cell="sink", severity="error")
    refusal = Refusal(message="the graph cannot run", problems=(problem,))
    monkeypatch.setattr(window.engine, "run_graph", lambda *_, refused, **__: refused(refusal))
    window.commands["run"].setEnabled(True)
    window.commands["run"].trigger()
    assert window.bottom._tabs.currentIndex() == PROBLEMS_TAB
    assert window.session.problems == (problem,)


def test_the_legend_of_the_bars_stands_in_the_row_of_tabs_beside_the_statistics(window, monkeypatch) -> None:
    window.session.open(get_examples()["multiply"])
    legend = window.bottom.legend
    assert legend.isHidden()
    start(window, monkeypatch)
    assert not legend.isHidden()
    window.bottom.show_tab(PROBLEMS_TAB)
    assert legend.isHidden()
    window.bottom.show_tab(0)
    assert not legend.isHidden()
    assert window.bottom.head.isAncestorOf(legend)


def test_the_tab_of_the_problems_counts_them_and_shows_whether_there_are_errors(qtbot, window) -> None:
    put_on_screen(qtbot, window)
    count = window.bottom._count
    assert not count.isVisible()
    window.bottom.set_message("engine", EngineMessage("The engine has ended", "It was killed."))
    assert count.isVisible()
    assert count.shown == (1, True)
    assert window.bottom._tabs.rect().contains(count.geometry())
    window.bottom.set_message("engine", None)
    assert not count.isVisible()


def test_the_status_bar_shows_by_shape_what_the_engine_does(qtbot) -> None:
    bar = StatusBar()
    qtbot.addWidget(bar)
    shown = {}
    for words in ("ready", "running", "ended"):
        bar.show_engine(words)
        shown[words] = bar._fields["Engine"].icon._name
    assert len(set(shown.values())) == 3
