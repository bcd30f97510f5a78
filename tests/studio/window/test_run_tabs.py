"""A run belongs to the tab that it was started from; the engine is played."""

import pytest
from panel_samples import figures, snapshot

from pypipeline_engine.host.protocol import CellError, GraphProblem, RunInfo, Validation
from pypipeline_engine.resources import get_examples
from pypipeline_studio.document import edits

PROBLEM = GraphProblem(path="cells.sink", message="no such type", cell="sink", severity="error")


class PlayedEngine:
    """Takes note of what is asked of the engine of a window, and tells what that would tell."""

    def __init__(self, window, monkeypatch) -> None:
        self.window, self.engine = window, window.engine
        self.asked = []
        self.number = 0
        monkeypatch.setattr(self.engine, "run_graph", self._run)
        monkeypatch.setattr(self.engine, "stop", lambda: self.asked.append("stop"))
        monkeypatch.setattr(self.engine, "set_parameter", lambda *parts, **_: self.asked.append(parts))
        monkeypatch.setattr(self.engine, "scale", lambda *parts, **_: self.asked.append(parts))
        self.engine._set_state("ready")

    def _run(self, document, *_, paused=False, **__) -> None:
        self.asked.append(f"run {document.name}{' paused' if paused else ''}")
        self.number += 1
        self.tell("paused" if paused else "running")

    def tell(self, state) -> None:
        self.engine.run = self.engine._known = RunInfo(run=self.number, state=state, name="a run")
        self.engine.run_changed.emit(self.engine.run)

    def see(self, names, **more) -> None:
        self.engine.snapshot_arrived.emit(
            snapshot({name: figures(0.5) for name in names}).model_copy(update={"run": self.number, **more})
        )


@pytest.fixture
def window(file_window):
    session = file_window.session
    for name in ("multiply", "people_tracking"):
        session.open(get_examples()[name])
    session.show(session.graphs[0])
    return file_window


@pytest.fixture
def engine(window, monkeypatch):
    engine = PlayedEngine(window, monkeypatch)
    yield engine
    engine.tell("ended")
    engine.engine._set_state("off")


def show(window, index) -> None:
    window.session.show(window.session.graphs[index])


def has_figures(window) -> bool:
    return any(node.view.live is not None for node in window.canvas._nodes.values())


def spoken(window) -> list[str]:
    bar = window.tabs.bar
    return [bar.accessibleTabName(index) for index in range(bar.count())]


def test_a_run_goes_on_in_another_tab_and_is_seen_in_its_own(window, engine) -> None:
    names = tuple(window.session.document.cells)
    window.commands["run"].trigger()
    engine.see(names)
    assert has_figures(window)
    assert spoken(window) == ["multiply.json, running", "people_tracking.json"]
    show(window, 1)
    assert "stop" not in engine.asked
    engine.see(names, sink_items=7)
    assert not has_figures(window)
    assert window.run_control.snapshot is None
    assert window.toolbar._state.text() == "Not run yet"
    assert window.toolbar._hint.text() == "multiply.json is running"
    assert window.status._fields["Engine"]._value.text() == "running"
    assert window.bottom.statistics.is_empty
    assert not window.commands["pause"].isEnabled()
    assert window.commands["stop"].isEnabled()
    show(window, 0)
    assert has_figures(window)
    assert window.run_control.snapshot.sink_items == 7
    assert window.toolbar._state.text() == "Running"
    assert window.commands["pause"].isEnabled()
    engine.tell("paused")
    assert spoken(window)[0] == "multiply.json, paused"


def test_plots_have_what_went_on_while_another_graph_was_in_front(window, engine) -> None:
    names = tuple(window.session.document.cells)
    window.commands["run"].trigger()
    engine.see(names, elapsed_s=1.0)
    show(window, 1)
    engine.see(names, elapsed_s=2.0)
    engine.see(names, elapsed_s=3.0)
    assert len(window.bottom.statistics.history) == 0
    show(window, 0)
    assert list(window.bottom.statistics.history.times()) == [1.0, 2.0, 3.0]


def test_what_a_run_has_shown_is_still_there_after_another_one(window, engine) -> None:
    names = tuple(window.session.document.cells)
    window.commands["run"].trigger()
    engine.see(names, sink_items=3)
    engine.engine.error_arrived.emit(CellError(cell=names[0], message="no"))
    engine.tell("ended")
    show(window, 1)
    assert window.run_control.errors == type(window.run_control.errors)()
    window.commands["run"].trigger()
    engine.see(window.session.document.cells, sink_items=5)
    show(window, 0)
    assert window.run_control.run.state == "ended"
    assert window.run_control.snapshot.sink_items == 3
    assert len(window.run_control.errors) == 1
    show(window, 1)
    assert window.run_control.snapshot.sink_items == 5


def test_figures_of_the_run_before_that_come_late_are_not_those_of_the_next_one(window, engine) -> None:
    window.commands["run"].trigger()
    engine.tell("ended")
    show(window, 1)
    window.commands["run"].trigger()
    engine.see(window.session.document.cells, run=1)
    assert window.run_control.snapshot is None


def test_edits_are_sent_to_the_run_of_their_own_tab_only(window, engine) -> None:
    window.commands["run"].trigger()
    show(window, 1)
    engine.asked.clear()
    window._inspection.change_clones("detect", 1)
    assert engine.asked == []
    show(window, 0)
    assert engine.asked == []
    name = next(iter(window.session.document.cells))
    window._inspection.change_clones(name, 1)
    assert engine.asked == [(name, 1, 0)]
    assert [graph.undo_stack.count() for graph in window.session.graphs] == [1, 1]


def test_what_the_engine_finds_late_is_about_the_graph_that_it_looked_at(window, engine, monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(window.engine, "validate", lambda document, *_, done: asked.append(done))
    window.run_control._validate()
    show(window, 1)
    asked[0](Validation(problems=(PROBLEM,)))
    assert window.session.problems == ()
    show(window, 0)
    assert window.session.problems == (PROBLEM,)


def test_running_another_graph_asks_and_begins_when_the_first_one_has_stopped(window, engine, answer, qtbot) -> None:
    window.commands["run"].trigger()
    show(window, 1)
    engine.asked.clear()
    asked = answer("Cancel")
    window.commands["run"].trigger()
    assert "multiply.json is running" in asked[0]
    assert "run people_tracking.json" in asked[0]
    assert engine.asked == []
    answer("Stop it and run this one")
    window.commands["run"].trigger()
    assert engine.asked == ["stop"]
    assert window.toolbar._hint.text() == "Waits until multiply.json has stopped"
    engine.tell("stopping")
    assert engine.asked == ["stop"]
    engine.tell("stopped")
    qtbot.waitUntil(lambda: len(engine.asked) == 2)
    assert engine.asked[1] == "run people_tracking"
    assert window.run_control.is_going_on
    assert spoken(window) == ["multiply.json", "people_tracking.json, running"]


def test_a_step_in_another_tab_asks_as_well(window, engine, answer, qtbot) -> None:
    window.commands["run"].trigger()
    show(window, 1)
    answer("Stop it and run this one")
    window.commands["step"].trigger()
    engine.tell("stopped")
    qtbot.waitUntil(lambda: "run people_tracking paused" in engine.asked)


def test_the_graph_that_runs_can_be_shown_instead(window, engine, answer) -> None:
    window.commands["run"].trigger()
    show(window, 1)
    answer("Show it")
    window.commands["run"].trigger()
    assert window.session.front is window.session.graphs[0]
    assert "stop" not in engine.asked


def test_a_graph_that_was_to_run_next_does_not_when_it_was_closed(window, engine, answer, qtbot) -> None:
    window.commands["run"].trigger()
    show(window, 1)
    answer("Stop it and run this one")
    window.commands["run"].trigger()
    window.session.close(window.session.front)
    engine.tell("stopped")
    qtbot.waitUntil(lambda: window.run_control._next is None)
    assert engine.asked == ["run multiply", "stop"]


def test_closing_the_tab_of_a_run_asks_and_stops_it(window, engine, answer) -> None:
    window.commands["run"].trigger()
    asked = answer("Cancel")
    window.commands["close"].trigger()
    assert len(window.session.graphs) == 2
    assert "multiply.json is running" in asked[0]
    answer("Stop it and close")
    window.commands["close"].trigger()
    assert [graph.title for graph in window.session.graphs] == ["people_tracking.json"]
    assert engine.asked == ["run multiply", "stop"]
    assert window.toolbar._hint.text() == "a run is running"
    assert window.commands["stop"].isEnabled()
    engine.tell("stopped")
    assert window.toolbar._hint.text() == ""
    assert window.toolbar._state.text() == "Not run yet"


def test_closing_another_tab_leaves_the_run_alone(window, engine) -> None:
    window.commands["run"].trigger()
    window.tabs.close(window.session.graphs[1])
    assert engine.asked == ["run multiply"]
    assert window.run_control.is_going_on


def test_an_advice_that_was_taken_is_measured_in_its_own_tab(window, engine) -> None:
    window.commands["run"].trigger()
    engine.see(window.session.document.cells)
    from pypipeline_studio.document.trial import Trial

    advising = window.bottom.advising
    name = next(iter(window.session.document.cells))
    window.session.edit(
        "Scale", edits.set_scale(window.session.document, (), name, thread=2, ray=0, queue_capacity=None)
    )
    advising.trial = Trial({(name,): (0, 0)}, {(name,): (2, 0)}, 5.0, 9.0)
    trial = advising.trial
    show(window, 1)
    assert advising.trial is None
    assert advising.rows() == []
    show(window, 0)
    assert advising.trial is trial
