"""Runs without HTTP."""

import json
import threading
import time
from pathlib import Path

import pytest

from pypipeline_engine.catalogue.discovery import Catalogue
from pypipeline_engine.exceptions import NotDeployableException
from pypipeline_engine.graph import needs
from pypipeline_engine.host.graphs import Workshop
from pypipeline_engine.host.journal import ERRORS_KEPT, LINES_KEPT, MOST_LINES_AT_ONCE, Journal
from pypipeline_engine.host.protocol import (
    CellError,
    Controller,
    ErrorPolicyRequest,
    GraphRequest,
    ParameterRequest,
    RunRequest,
    ScaleRequest,
)
from pypipeline_engine.host.refusals import Refused
from pypipeline_engine.host.session import Session
from pypipeline_engine.runtime.remote import cluster

AWKWARD = Path(__file__).with_name("awkward.py")
WAIT_S = 20.0


@pytest.fixture(scope="module")
def workshop():
    catalogue = Catalogue([AWKWARD], installed=False)
    return Workshop(lambda: catalogue)


@pytest.fixture
def changes():
    return []


@pytest.fixture
def session(workshop, changes):
    session = Session(workshop, Journal(), lambda info, final: changes.append((info, final)))
    yield session
    session.stop()
    assert session.wait(WAIT_S)


@pytest.fixture
def start(session, tmp_path):
    def start(graph, **options):
        return session.start(RunRequest(graph=graph, output_folder=str(tmp_path), **options))

    return start


@pytest.fixture
def nested():
    return {
        "format": "pypipeline.graph",
        "version": 1,
        "name": "graph",
        "cells": {
            "count": {"type": "sources.Counter"},
            "post": {
                "type": "Pipeline",
                "inputs": ["x"],
                "outputs": ["y"],
                "cells": {
                    "work": {"type": "demo.Work", "parameters": {"milliseconds": 1}},
                    "off": {"type": "demo.Work", "bypassed": True},
                },
                "connections": [["x", "work.item"], ["work.item", "off.item"], ["off.item", "y"]],
            },
            "write": {"type": "sinks.JsonLines", "parameters": {"path": "items.jsonl"}},
        },
        "connections": [["count.value", "post.x"], ["post.y", "write.item"]],
    }


def test_before_the_first_run_there_is_nothing(session):
    assert session.get_info().state == "none"
    assert session.get_snapshot().cells == {}
    assert session.stop().state == "none"
    with pytest.raises(Refused, match="no run goes on"):
        session.pause()


def test_a_run_is_told_from_its_start_to_its_end(session, start, make_graph, changes):
    start(make_graph(5, {"milliseconds": 0}))
    assert session.wait(WAIT_S)
    states = [info.state for info, _ in changes]
    assert states[-1] == "ended"
    assert set(states[:-1]) == {"running"}
    assert [final is not None for _, final in changes] == [False] * (len(changes) - 1) + [True]
    assert changes[0][0].is_starting
    assert changes[-1][1].sink_items == 5
    assert session.get_snapshot() is changes[-1][1]


def test_another_run_is_refused_while_one_goes_on_and_possible_after_it(session, start, make_graph):
    start(make_graph(), paused=True)
    with pytest.raises(Refused, match="'graph' is paused: stop it") as refused:
        start(make_graph())
    assert refused.value.status == 409
    session.stop()
    assert session.wait(WAIT_S)
    assert start(make_graph(3)).run == 2


def test_a_graph_that_is_refused_leaves_the_last_run_readable(session, start, make_graph):
    start(make_graph(3))
    session.wait(WAIT_S)
    with pytest.raises(Refused, match="awkwrd"):
        start(make_graph(3, kind="awkwrd.Awkward"))
    assert session.get_info().run == 1
    assert session.get_snapshot().sink_items == 3


@pytest.mark.parametrize(
    ("cell", "parameter", "value", "status", "words"),
    [
        ("wrok", "milliseconds", 1, 422, 'did you mean "work"'),
        ("work", "millisecond", 1, 422, 'did you mean "milliseconds"'),
        ("work", "milliseconds", "soon", 422, "work.milliseconds: a number is expected"),
        ("work", "milliseconds", -1, 422, "from 0 to inf ms"),
        ("work", "mode", "slep", 422, "one of"),
        ("count", "count", 5, 409, "read when the run starts"),
        ("", "x", 5, 422, "no cell"),
    ],
)
def test_a_parameter_that_cannot_be_set_is_refused_in_words(
    session, start, make_graph, cell, parameter, value, status, words
):
    start(make_graph(), paused=True)
    with pytest.raises(Refused, match=words) as refused:
        session.set_parameter(ParameterRequest(cell=cell, parameter=parameter, value=value))
    assert refused.value.status == status


def test_a_connected_parameter_is_refused(session, start, make_graph):
    graph = make_graph()
    graph["connections"].append(["count.value", "work.milliseconds"])
    start(graph, paused=True)
    with pytest.raises(Refused, match="is connected"):
        session.set_parameter(ParameterRequest(cell="work", parameter="milliseconds", value=1))


def test_cells_in_nested_pipelines_are_found_by_their_dotted_names(session, start, nested):
    start(nested, paused=True)
    session.set_parameter(ParameterRequest(cell="post.work", parameter="milliseconds", value=2))
    session.scale(ScaleRequest(cell="post.work", thread=2))
    session.scale(ScaleRequest(cell="post", thread=1))
    session.step(3)
    cells = session.get_snapshot().cells
    assert cells["post.work"].workers == 2
    with pytest.raises(Refused, match="disabled or bypassed"):
        session.scale(ScaleRequest(cell="post.off", thread=2))
    with pytest.raises(Refused, match="is a Pipeline and has no parameters"):
        session.set_parameter(ParameterRequest(cell="post", parameter="x", value=2))


@pytest.fixture
def without_ray(monkeypatch):
    monkeypatch.setattr(cluster, "is_installed", lambda: False)


def test_the_engine_s_refusals_to_scale_come_through(session, start, make_graph, without_ray):
    start(make_graph(), paused=True)
    with pytest.raises(Refused, match="does not support scaling"):
        session.scale(ScaleRequest(cell="count", thread=2))
    with pytest.raises(Refused, match="Ray is not installed"):
        session.scale(ScaleRequest(cell="work", ray=2))
    session.scale(ScaleRequest(cell="work", thread=3))
    assert session.get_snapshot().cells["work"].workers == 3


def test_a_cell_that_keeps_state_has_its_clone_still_where_it_cannot_move_to_ray(
    session, start, make_graph, without_ray
):
    start(make_graph(), paused=True)
    session.scale(ScaleRequest(cell="count", thread=1))
    with pytest.raises(Refused, match="not installed"):
        session.scale(ScaleRequest(cell="count", ray=1))
    figures = session.get_snapshot().cells["count"]
    assert (figures.method, figures.workers) == ("thread", 1)
    with pytest.raises(Refused, match="one clone at most, not 2"):
        session.scale(ScaleRequest(cell="count", thread=1, ray=1))


def test_what_cannot_be_deployed_is_refused_and_is_a_failed_run(session, start, make_graph, monkeypatch):
    def refuse():
        raise NotDeployableException("the Ray cluster cannot be joined")

    monkeypatch.setattr(cluster, "refuse_without_ray", lambda _: refuse())
    monkeypatch.setattr(needs, "is_installed", lambda: True)
    with pytest.raises(Refused, match="the Ray cluster cannot be joined") as refused:
        start(make_graph(scale={"ray": 2}))
    assert refused.value.status == 422
    assert session.get_info().state == "failed"


def test_a_stop_while_the_graph_is_being_built(changes, make_graph, tmp_path):
    entered, gate = threading.Event(), threading.Event()

    def make_catalogue():
        entered.set()
        assert gate.wait(WAIT_S)
        return Catalogue([AWKWARD], installed=False)

    session = Session(Workshop(make_catalogue), Journal(), lambda info, final: changes.append((info, final)))
    answers = []
    request = RunRequest(graph=make_graph(), output_folder=str(tmp_path))
    thread = threading.Thread(target=lambda: answers.append(session.start(request)))
    thread.start()
    try:
        assert entered.wait(WAIT_S)
        with pytest.raises(Refused, match="is being built"):
            session.start(request)
        assert session.stop().state == "stopping"
        assert session.get_info().state == "stopping"
    finally:
        gate.set()
        thread.join(WAIT_S)
    assert answers[0].state == session.get_info().state == "stopped"
    assert list(tmp_path.iterdir()) == []


def test_validation_tells_the_ports_that_parameters_give(workshop, make_graph):
    graph = make_graph()
    graph["cells"]["work"] = {
        "type": "Pipeline",
        "inputs": ["item"],
        "outputs": ["item"],
        "cells": {"sum": {"type": "awkward.Named", "parameters": {"names": ["a", "b"]}}},
        "connections": [["item", "sum.a"], ["item", "sum.b"], ["sum.done", "item"]],
    }
    validation = workshop.validate(GraphRequest(graph=graph))
    assert [problem.message for problem in validation.problems if problem.severity == "error"] == []
    assert [port.name for port in validation.configured["work.sum"].inputs] == ["a", "b"]


def test_dead_letters_are_told_once_each_at_whatever_looks(session, start, make_graph):
    start(make_graph(10, {"how": "fail", "at": 4}, "awkward.Awkward", on_error="skip"))
    session.wait(WAIT_S)
    raised_before_s = time.time()
    session.get_snapshot()
    (error,) = session._journal.get_errors()
    assert 0 < error.time_s <= raised_before_s  # and not when somebody looked
    assert (error.cell, error.item, error.message) == ("work", 4, "ValueError: this item is bad")
    assert session.get_snapshot().cells["work"].errors == 1


def test_many_dead_letters_are_told_in_part_and_counted_in_full(session, start, make_graph):
    start(make_graph(500, {"milliseconds": 0, "fail_every": 1}, on_error="skip"))
    session.wait(WAIT_S)
    assert session.get_snapshot().cells["work"].errors == 500
    assert len(session._journal.get_errors()) == 50
    assert "450 errors" in session._journal.get_lines()[-1].text


def test_the_journal_is_bounded_and_in_order():
    journal = Journal(lambda: 1.0)
    for number in range(ERRORS_KEPT + 10):
        journal.add_error(CellError(cell="a", message=str(number)))
    for number in range(LINES_KEPT + 10):
        journal.add_line("info", "b", str(number))
    assert len(journal.get_errors()) == ERRORS_KEPT
    assert len(journal.get_lines()) == LINES_KEPT
    numbers = [entry.number for entry in journal.since(0, 10_000)]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == ERRORS_KEPT + LINES_KEPT
    assert journal.since(journal.latest, 10) == []
    assert journal.since(journal.latest + 5, 10)[0].number == numbers[0]


def test_lines_that_come_at_once_are_bounded():
    journal = Journal(lambda: 1.0)
    journal.add_lines("output", "stdout", [str(number) for number in range(1000)])
    lines = journal.get_lines()
    assert len(lines) == MOST_LINES_AT_ONCE + 1
    assert "800 lines" in lines[0].text
    assert lines[-1].text == "999"


def test_items_of_a_stopped_run_are_complete(session, start, make_graph, tmp_path):
    start(make_graph(None, {"milliseconds": 0}), max_items=100)
    session.wait(WAIT_S)
    assert session.get_info().state == "ended"
    assert [json.loads(line) for line in (tmp_path / "items.jsonl").read_text().splitlines()] == list(range(100))


# ---------------------------------------------------------------------- undeploying, policies, totals


def test_a_run_that_was_only_deployed_can_be_undeployed(session, start, make_graph, tmp_path):
    assert session.undeploy().state == "none"
    start(make_graph(), paused=True)
    info = session.undeploy(WAIT_S)
    assert (info.state, info.run) == ("stopped", 1)
    assert list(tmp_path.iterdir()) == []
    assert session.undeploy().state == "stopped"
    assert start(make_graph(3)).run == 2


def test_undeploying_does_not_wait_for_a_cell_for_ever(session, start, make_graph, monkeypatch):
    gate = threading.Event()
    monkeypatch.setattr("pypipeline_engine.cells.demo.Work._on_pull", lambda self: gate.wait(WAIT_S))
    start(make_graph())
    try:
        assert session.undeploy(timeout_s=0.0).state == "stopping"
    finally:
        gate.set()
    assert session.wait(WAIT_S)
    assert session.get_info().state == "stopped"


def test_an_error_policy_changes_while_the_run_goes_on(session, start, make_graph):
    start(make_graph(None, {"milliseconds": 0, "fail_every": 3}), paused=True)
    with pytest.raises(Refused, match=r'no cell "wrok" in the run; did you mean "work"'):
        session.set_error_policy(ErrorPolicyRequest(cell="wrok", on_error="skip"))
    session.set_error_policy(ErrorPolicyRequest(cell="work", on_error="skip"))
    session.resume()
    while session.get_snapshot().cells["work"].skipped < 5:
        assert session.get_info().state == "running"
    session.set_error_policy(ErrorPolicyRequest(cell="work", on_error={"retry": 1, "then": "fail"}))
    session.set_error_policy(ErrorPolicyRequest(cell="work", on_error="fail"))
    assert session.wait(WAIT_S)
    assert session.get_info().state == "failed"
    with pytest.raises(Refused, match="no run goes on"):
        session.set_error_policy(ErrorPolicyRequest(cell="work", on_error="skip"))


def test_totals_are_there_before_during_and_after_a_run(session, start, make_graph):
    info, totals = session.get_totals()
    assert (info.state, totals) == ("none", None)
    start(make_graph(10, {"milliseconds": 0}), paused=True)
    info, totals = session.get_totals()
    assert (info.state, totals.sink_items) == ("paused", 0)
    session.resume()
    session.wait(WAIT_S)
    info, totals = session.get_totals()
    assert (info.state, totals.sink_items) == ("ended", 10)
    assert [cell.name for cell in totals.cells] == ["count", "work", "write"]


# ---------------------------------------------------------------------- a run that the process itself began


@pytest.fixture
def built(workshop, make_graph, tmp_path):
    return workshop.build(RunRequest(graph=make_graph(), output_folder=str(tmp_path)))


def test_a_given_run_is_watched_and_controlled_like_any_other(session, built, changes):
    handle = session.run_given(built)
    assert session.get_info().state == "running"
    session.pause()
    assert session.get_info().state == "paused"
    session.scale(ScaleRequest(cell="work", thread=2))
    assert session.get_snapshot().cells["work"].workers == 2
    session.stop()
    handle.wait(WAIT_S)
    assert str(handle.state) == "stopped"
    assert session.was_stopped_by_client
    assert changes[-1][0].state == "stopped"


def test_beside_a_given_run_there_is_no_other(session, built, start, make_graph):
    session.run_given(built, max_items=3).wait(WAIT_S)
    assert session.get_info().state == "ended"
    with pytest.raises(Refused, match="serves the run that 'pypipeline run --monitor' began") as refused:
        start(make_graph())
    assert refused.value.status == 409


def test_a_stop_of_the_process_itself_shows_and_is_none_of_a_client(session, built, changes):
    handle = session.run_given(built)
    session.note_stop()
    assert changes[-1][0].state == "stopping"
    session.stop()
    handle.stop()
    assert changes[-1][0].state == "stopped"
    assert not session.was_stopped_by_client
    session.note_stop()


def test_a_given_run_that_cannot_be_deployed_raises_what_deploying_raised(session, workshop, make_graph, tmp_path):
    graph = make_graph(None, {"at_deployment": "fail"}, "awkward.Awkward")
    built = workshop.build(RunRequest(graph=graph, output_folder=str(tmp_path)))
    with pytest.raises(ValueError, match="bad"):
        session.run_given(built)
    assert session.get_info().state == "failed"
    assert session.get_info().error.cell == "work"


def test_who_has_control_is_told_with_the_run(workshop, changes):
    controller = Controller(name="anna", since_s=5.0)
    session = Session(workshop, Journal(), lambda info, final: changes.append(info), lambda: controller)
    assert session.get_info().controller == controller
    session.tell_again()
    assert changes == [session.get_info()]
