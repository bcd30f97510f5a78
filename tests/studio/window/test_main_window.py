"""The window around the canvas, without an engine."""

import json

import pytest
from panel_samples import figures, snapshot
from PySide6.QtCore import QSettings, QStandardPaths, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from pypipeline_engine.graph.model import RayOptions, Scale
from pypipeline_engine.graph.reader import read_file
from pypipeline_engine.host.protocol import Catalogue, CellError, GraphProblem, HostInfo, LogLine, Refusal, RunInfo
from pypipeline_engine.resources import get_examples
from pypipeline_studio.panels.parameter_values import WrongText
from pypipeline_studio.panels.scaling_section import NO_RAY, NOT_KNOWN_YET
from pypipeline_studio.window.application import make_application
from pypipeline_studio.window.bottom import PROBLEMS_TAB, EngineMessage
from pypipeline_studio.window.main_window import MainWindow
from pypipeline_studio.window.ray_dialog import RayDialog, read_address
from pypipeline_studio.window.status_bar import StatusBar


@pytest.fixture
def window(qapp, qtbot, tmp_path, monkeypatch):
    QStandardPaths.setTestModeEnabled(True)
    # Tests that run at the same time in other processes have others.
    QSettings.setPath(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, str(tmp_path / "settings"))
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
    window.engine.run = window.engine._known = told
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


# ------------------------------------------------------------------ scaling


def open_scaled(window, tmp_path, **scales) -> None:
    """Open a graph in which cells have clones: `work={"thread": 2}`."""
    path = tmp_path / "graph.json"
    cells = {
        "count": {"type": "sources.Counter"},
        "work": {"type": "demo.Work"},
        "write": {"type": "sinks.JsonLines", "parameters": {"path": "items.jsonl"}},
    }
    for name, scale in scales.items():
        cells[name]["scale"] = scale
    document = {
        "format": "pypipeline.graph",
        "version": 1,
        "cells": cells,
        "connections": [["count.value", "work.item"], ["work.item", "write.item"]],
    }
    path.write_text(json.dumps(document))
    window.session.open(path)


def numbers_of(window, name) -> tuple[int, int]:
    scale = window.session.document.cells[name].scale
    return (0, 0) if scale is None else (scale.thread, scale.ray)


@pytest.fixture
def open_menu(window):
    """Opens the menu of cells; gives what can be chosen in the part about clones."""
    menus = []

    def open_it(*names) -> dict:
        window.canvas.select(names)
        window.canvas.menu_requested.emit(window.canvas.selected(), window.mapToGlobal(window.rect().center()))
        part = [menu for menu in window.findChildren(QMenu) if "clones" in menu.title()][-1]
        menus.append(part.parent())
        return {action.text(): action for action in part.actions()}

    yield open_it
    for menu in menus:
        menu.close()


def info(has_ray) -> HostInfo:
    return HostInfo(protocol=1, engine_version="1", python_version="3", pid=1, nb_cpus=2, has_ray=has_ray)


def test_the_menu_of_a_node_lets_its_clones_run_on_ray_and_back(window, open_menu, tmp_path) -> None:
    open_scaled(window, tmp_path, work={"thread": 3, "queue_capacity": 9})
    window.engine.info_arrived.emit(info(has_ray=True))
    actions = open_menu("work")
    assert {text: action.isChecked() for text, action in actions.items()} == {"Threads": True, "Ray": False}
    actions["Ray"].trigger()
    assert numbers_of(window, "work") == (0, 3)
    assert window.session.document.cells["work"].scale.queue_capacity == 9
    assert open_menu("work")["Ray"].isChecked()
    assert window.session.undo_stack.undoText() == "Run clones of work on Ray"
    window.session.undo_stack.undo()
    assert numbers_of(window, "work") == (3, 0)
    assert not window.session.undo_stack.canUndo()


def test_the_menu_of_nodes_says_how_ray_is_installed(window, open_menu, tmp_path) -> None:
    open_scaled(window, tmp_path)
    assert open_menu("work")["Ray"].toolTip() == NOT_KNOWN_YET
    window.engine.info_arrived.emit(info(has_ray=False))
    ray = open_menu("work")["Ray"]
    assert not ray.isEnabled()
    assert ray.toolTip() == NO_RAY


def test_of_several_nodes_only_those_with_clones_change_what_they_run_on(window, open_menu, tmp_path) -> None:
    open_scaled(window, tmp_path, work={"thread": 2})
    window.engine.info_arrived.emit(info(has_ray=True))
    open_menu("count", "work", "write")["Ray"].trigger()
    assert [numbers_of(window, name) for name in ("count", "work", "write")] == [(0, 0), (0, 2), (0, 0)]


def test_nodes_without_clones_get_their_first_one(window, open_menu, tmp_path) -> None:
    open_scaled(window, tmp_path)
    window.engine.info_arrived.emit(info(has_ray=True))
    actions = open_menu("count", "work")
    assert not any(action.isChecked() for action in actions.values())
    actions["Ray"].trigger()
    assert [numbers_of(window, name) for name in ("count", "work", "write")] == [(0, 1), (0, 1), (0, 0)]


def test_the_method_of_clones_is_sent_to_the_run_that_goes_on_and_undo_takes_it_back(
    window, open_menu, tmp_path, monkeypatch
) -> None:
    open_scaled(window, tmp_path, work={"thread": 2})
    window.engine.info_arrived.emit(info(has_ray=True))
    sent = []
    monkeypatch.setattr(window.engine, "scale", lambda cell, thread, ray, **_: sent.append((cell, thread, ray)))
    start(window, monkeypatch)
    open_menu("work")["Ray"].trigger()
    window.canvas.clones_requested.emit("work", 1)
    window.session.undo_stack.undo()
    window.session.undo_stack.undo()
    assert sent == [("work", 0, 2), ("work", 0, 3), ("work", 0, 2), ("work", 2, 0)]
    assert not window.run_control.needs_restart


def test_what_ray_clones_need_is_one_step_and_holds_from_the_next_start(window, tmp_path, monkeypatch) -> None:
    open_scaled(window, tmp_path, work={"ray": 2})
    start(window, monkeypatch)
    window.canvas.select(["work"])
    window.inspector.ray_options_changed.emit(RayOptions(num_cpus=1))
    assert window.session.document.cells["work"].scale == Scale(ray=2, ray_options=RayOptions(num_cpus=1))
    assert window.run_control.needs_restart
    window.session.undo_stack.undo()
    assert window.session.document.cells["work"].scale == Scale(ray=2)
    assert not window.run_control.needs_restart


# ------------------------------------------------------------------ the cluster


@pytest.mark.parametrize("text", ["", " auto ", "10.0.0.1:6379", "head.example.org:6379", "[::1]:6379"])
def test_addresses_of_clusters(text) -> None:
    assert read_address(text) == text.strip()


@pytest.mark.parametrize("text", ["head", "head:", ":6379", "head:0", "head:65536", "ray://head:10001", "a b:1"])
def test_what_is_no_address_of_a_cluster_is_explained(text) -> None:
    with pytest.raises(WrongText, match="HOST:PORT"):
        read_address(text)


def choose_address(window, text) -> RayDialog:
    window.commands["ray_cluster"].trigger()
    dialog = window.findChildren(RayDialog)[-1]
    dialog.address.setFocus()
    dialog.address.selectAll()
    QTest.keyClicks(dialog.address, text)
    dialog.use_button.click()
    return dialog


def test_the_address_of_the_cluster_is_kept_and_used_by_the_engine_that_is_started_next(
    qtbot, window, tmp_path, monkeypatch
) -> None:
    restarts = []
    monkeypatch.setattr(window.engine, "restart", lambda: restarts.append(window.engine.ray_address))
    put_on_screen(qtbot, window)
    dialog = choose_address(window, "head")
    assert dialog.isVisible()
    assert "HOST:PORT" in dialog._complaint.text()
    dialog.reject()
    assert window.engine.ray_address == ""
    choose_address(window, "head:6379")
    assert window.engine.ray_address == "head:6379"
    assert restarts == []  # none has been started
    another = MainWindow(tmp_path)
    assert another.engine.ray_address == "head:6379"
    another.close()
    another.deleteLater()


def test_another_cluster_is_used_after_the_run(qtbot, window, tmp_path, monkeypatch) -> None:
    restarts = []
    monkeypatch.setattr(window.engine, "restart", lambda: restarts.append(window.engine.ray_address))
    open_scaled(window, tmp_path)
    window.engine._set_state("ready")
    start(window, monkeypatch)
    put_on_screen(qtbot, window)
    choose_address(window, "auto")
    assert restarts == []
    assert (
        window.status.currentMessage() == "Ray clones run in the Ray cluster that runs on this machine after this run"
    )
    tell_run(window, run("stopped"))
    tell_run(window, run("stopped"))
    assert restarts == ["auto"]
    choose_address(window, "auto")
    assert restarts == ["auto"]
    choose_address(window, "head:6379")
    assert restarts == ["auto", "head:6379"]
    window.engine._set_state("off")


# ------------------------------------------------------------------ while a run is starting


def line(text, source="pypipeline.ray") -> LogLine:
    return LogLine(time_s=0, level="info", source=source, text=text)


def launch(window, monkeypatch, state="running") -> None:
    """Run the graph in an engine that is starting it."""
    monkeypatch.setattr(window.engine, "run_graph", lambda *_, **__: None)
    window.engine._set_state("ready")
    window.run_control.start()
    tell_run(window, run(state, is_starting=True))


def test_ray_that_starts_is_seen_until_the_run_has_started_and_can_be_stopped(window, tmp_path, monkeypatch) -> None:
    open_scaled(window, tmp_path, work={"ray": 2})
    launch(window, monkeypatch)
    assert window.toolbar._state.text() == "Starting"
    assert window.toolbar._hint.text() == "Starting Ray clones …"
    assert window.status._fields["Engine"]._value.text() == "starting"
    assert window.commands["stop"].isEnabled()
    assert not window.commands["pause"].isEnabled()
    window.engine.log_arrived.emit(line("something else", "a_cell"))
    assert window.toolbar._hint.text() == "Starting Ray clones …"
    window.engine.log_arrived.emit(line("Ray: starting on this machine ..."))
    assert window.toolbar._hint.text() == "Ray: starting on this machine ..."
    tell_run(window, run("running"))
    assert window.toolbar._state.text() == "Running"
    assert window.toolbar._hint.text() == ""
    tell_run(window, run("ended"))
    launch(window, monkeypatch)
    assert window.toolbar._hint.text() == "Starting Ray clones …"


def test_ray_that_starts_for_a_run_that_goes_on_is_seen_until_the_clones_are_there(
    window, tmp_path, monkeypatch
) -> None:
    open_scaled(window, tmp_path, work={"thread": 2})
    window.engine._set_state("ready")

    def scale(cell, thread, ray, **_) -> None:
        window.engine._sending["scale", cell] = None
        window.engine.waiting_changed.emit()

    monkeypatch.setattr(window.engine, "scale", scale)
    start(window, monkeypatch)
    window._inspection.move_clones(["work"], "ray")
    assert window.toolbar._hint.text() == "Starting Ray clones …"
    window.engine.log_arrived.emit(line("Ray: starting on this machine ..."))
    assert window.toolbar._hint.text() == "Ray: starting on this machine ..."
    assert window.toolbar._state.text() == "Running"
    window.engine._sending.clear()
    window.engine.waiting_changed.emit()
    assert window.toolbar._hint.text() == ""
    window._inspection.move_clones(["work"], "thread")
    assert window.toolbar._hint.text() == ""


def test_a_run_that_cannot_be_deployed_has_failed_and_one_of_a_wrong_graph_has_not_been(
    window, tmp_path, monkeypatch
) -> None:
    open_scaled(window, tmp_path, work={"ray": 2})
    launch(window, monkeypatch)
    refusal = Refusal(message="demo.work asks for Ray clones, but Ray is not installed here")
    window.run_control._take_run_refusal(refusal)  # the answer may be faster than the event
    tell_run(window, run("failed"))
    assert window.toolbar._state.text() == "Failed"
    assert "not installed" in window.status.currentMessage()
    # Of one that fails at once, nothing is told before the answer.
    monkeypatch.setattr(window.engine, "run_graph", lambda *_, refused, **__: refused(refusal))
    window.run_control.start()
    assert window.toolbar._state.text() == "Not run yet"
    tell_run(window, run("failed", 2))
    assert window.toolbar._state.text() == "Failed"
    problem = GraphProblem(path="cells.sink", message="no such type", cell="sink", severity="error")
    refusal = Refusal(message="the graph cannot run", problems=(problem,))
    monkeypatch.setattr(window.engine, "run_graph", lambda *_, refused, **__: refused(refusal))
    window.run_control.start()
    assert window.toolbar._state.text() == "Not run yet"


def test_a_graph_without_ray_clones_does_not_talk_of_them(window, tmp_path, monkeypatch) -> None:
    open_scaled(window, tmp_path, work={"thread": 2})
    launch(window, monkeypatch)
    assert window.toolbar._state.text() == "Starting"
    assert window.toolbar._hint.text() == ""
    tell_run(window, run("stopping", is_starting=True))
    assert window.toolbar._state.text() == "Stopping"


def test_what_is_scaled_while_the_run_is_starting_is_sent_when_it_has_started(window, tmp_path, monkeypatch) -> None:
    open_scaled(window, tmp_path, work={"thread": 1})
    sent = []
    monkeypatch.setattr(window.engine, "scale", lambda cell, thread, ray, **_: sent.append((cell, thread, ray)))
    launch(window, monkeypatch)
    window._inspection.change_clones("work", 1)
    assert sent == []
    tell_run(window, run("running"))
    assert sent == [("work", 2, 0)]


def test_the_run_is_starting_before_the_engine_has_answered(window, tmp_path, monkeypatch) -> None:
    open_scaled(window, tmp_path)
    monkeypatch.setattr(window.engine, "start", lambda: None)
    window.run_control.start()
    assert window.toolbar._state.text() == "Starting"
    assert window.commands["stop"].isEnabled()
    window.commands["stop"].trigger()
    assert window.toolbar._state.text() == "Not run yet"
    assert not window.commands["stop"].isEnabled()


def test_a_graph_that_is_closed_does_not_run_because_it_was_about_to(window, tmp_path, monkeypatch) -> None:
    open_scaled(window, tmp_path)
    monkeypatch.setattr(window.engine, "start", lambda: None)
    window.run_control.start()
    window.session.open(get_examples()["multiply"])
    assert window.engine.is_launching
    window.session.close(window.session.graphs[0])
    assert not window.engine.is_launching
    assert window.engine._when_ready is None


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
