"""Recording a run of a host."""

from pathlib import Path

import pytest

from pypipeline_engine.catalogue.discovery import Catalogue
from pypipeline_engine.host.graphs import Workshop
from pypipeline_engine.host.journal import Journal
from pypipeline_engine.host.protocol import RecordRequest, RunRequest
from pypipeline_engine.host.session import Session
from pypipeline_engine.insight.comparison import compare
from pypipeline_engine.insight.records import Record

AWKWARD = Path(__file__).with_name("awkward.py")
WAIT_S = 20.0


def graph(count=40, **parameters):
    return {
        "format": "pypipeline.graph",
        "version": 1,
        "name": "counted",
        "cells": {
            "count": {"type": "sources.Counter", "parameters": {"count": count}},
            "work": {"type": "demo.Work", "parameters": {"milliseconds": 1, **parameters}},
            "write": {"type": "sinks.JsonLines", "parameters": {"path": "items.jsonl"}},
        },
        "connections": [["count.value", "work.item"], ["work.item", "write.item"]],
    }


@pytest.fixture
def journal():
    return Journal()


@pytest.fixture
def session(journal):
    catalogue = Catalogue([AWKWARD])
    session = Session(Workshop(lambda: catalogue), journal)
    yield session
    session.stop()
    assert session.wait(WAIT_S)


@pytest.fixture
def run(session, tmp_path):
    def run(document, path, waits=True, **options):
        record = RecordRequest(path=str(path), interval_s=0.05, **options)
        session.start(RunRequest(graph=document, output_folder=str(tmp_path), record=record))
        if waits:
            assert session.wait(WAIT_S)

    return run


def test_a_run_is_recorded_as_the_command_line_does_it(run, tmp_path) -> None:
    run(graph(), tmp_path / "one.record", source="/graphs/counted.json")
    with Record(tmp_path / "one.record") as record:
        assert record.name == "counted"
        assert record.source == "/graphs/counted.json"
        assert record.sources == ["count"]
        assert record.end is not None
        assert record.end.state == "ended"
        assert record.samples[-1].sink_items == 40
        assert record.samples[-1].state == "ended"
        assert {cell.name for cell in record.read(record.samples[-1]).cells} == {"count", "work", "write"}
    assert [path.name for path in tmp_path.glob("one.record*")] == ["one.record"]


def test_two_records_can_be_compared(run, tmp_path) -> None:
    for name, milliseconds in (("one", 1), ("two", 2)):
        run(graph(count=300, milliseconds=milliseconds), tmp_path / name)
    with Record(tmp_path / "one") as one, Record(tmp_path / "two") as two:
        compared = compare(one, two)
    assert [change.sentence for change in compared.graph]
    assert {cell.name for cell in compared.cells} == {"count", "work", "write"}


def test_a_run_that_is_stopped_says_so_in_its_record(run, session, tmp_path) -> None:
    run(graph(count=1_000_000), tmp_path / "one", waits=False)
    session.stop()
    assert session.wait(WAIT_S)
    with Record(tmp_path / "one") as record:
        assert record.end is not None
        assert record.end.state == "stopped"


def test_a_run_goes_on_where_it_cannot_be_recorded(run, session, journal, tmp_path, caplog) -> None:
    (tmp_path / "taken").write_text("mine")
    for path in (tmp_path / "taken", tmp_path / "no_folder" / "one"):
        caplog.clear()
        run(graph(), path)
        assert session.get_info().state == "ended"
        assert "the run is not recorded" in caplog.text
    assert (tmp_path / "taken").read_text() == "mine"


def test_a_graph_that_cannot_begin_leaves_no_file(session, tmp_path) -> None:
    document = graph()
    document["cells"]["work"] = {"type": "awkward.Awkward", "parameters": {"at_deployment": "fail"}}
    document["connections"][1] = ["work.done", "write.item"]
    record = RecordRequest(path=str(tmp_path / "one"))
    info = session.start(RunRequest(graph=document, output_folder=str(tmp_path), record=record))
    assert session.wait(WAIT_S)
    assert info.state == "failed"
    assert not (tmp_path / "one").exists()


def test_a_record_that_is_too_large_gets_the_end_of_the_run_only(run, session, tmp_path) -> None:
    run(graph(count=1_000), tmp_path / "one", most_bytes=0)
    with Record(tmp_path / "one") as record:
        assert [sample.state for sample in record.samples] == ["ended"]
        assert record.samples[0].sink_items == 1_000
