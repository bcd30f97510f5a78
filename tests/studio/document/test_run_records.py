"""Records of runs, written by the engine's own recorder and read by the studio."""

import os
import sqlite3
from datetime import datetime

import pytest

from pypipeline_engine.core.counters import CellStatistics, ConnectionStatistics, Statistics
from pypipeline_engine.insight import records
from pypipeline_engine.insight.machine import ProcessFigures
from pypipeline_engine.insight.recorder import Recorder
from pypipeline_engine.insight.records import RecordedEnd
from pypipeline_studio.document import run_record
from pypipeline_studio.document.history import History
from pypipeline_studio.document.run_folder import FolderRefused, RunFolder
from pypipeline_studio.document.run_record import RecordRefused, read_figures, read_graph, read_run

GRAPH = """{"format": "pypipeline.graph", "version": 1, "name": "people", "cells": {
"detect": {"type": "detection.HogPeople"}}, "connections": []}"""
LIMIT = {
    "cells": ["detect"],
    "kind": "station",
    "utilisation": 0.98,
    "capacity_hz": 8.0,
    "sentence": "detect limits",
    "advice": "detect limits the pipeline to 8.00/s",
    "cause": "python",
}


def counted(elapsed_s, items, *, busy_s=None, method="inline", workers=1, wall_s=None) -> Statistics:
    cell = CellStatistics(
        name="detect",
        station="main",
        method=method,
        workers=workers,
        runs=items,
        lost=0,
        skipped=0,
        errors=0,
        wall_s=elapsed_s if wall_s is None else wall_s,
        busy_s=elapsed_s / 2 if busy_s is None else busy_s,
        starved_s=0.0,
        cpu_s=elapsed_s / 4,
        latencies={20: items},
        queued=3,
        queue_capacity=8,
    )
    wire = ConnectionStatistics("video.frame", "detect.image", items, 2, 4, 100)
    return Statistics(elapsed_s, items, (cell,), (wire,))


@pytest.fixture
def record(tmp_path):
    """Writes a record."""

    def write(name="one.record", seconds=range(11), state="ended", moments=None, **about):
        path = tmp_path / name
        process = iter(ProcessFigures(float(second), 1_000_000, 4, None) for second in range(10_000))
        recorder = Recorder(path, name="people", graph=GRAPH, read_process=lambda: next(process), **about)
        for statistics in moments or [counted(float(second), 8 * second) for second in seconds]:
            recorder.add(statistics, "running")
        if state is None:
            recorder.close()
        else:
            recorder.finish(RecordedEnd(state, state, None, LIMIT))
        return path

    return write


def test_the_form_of_the_file_is_that_of_the_engine() -> None:
    assert (run_record.APPLICATION_ID, run_record.VERSION) == (records.APPLICATION_ID, records.VERSION)


def test_what_a_run_was(record) -> None:
    run = read_run(record(source="/graphs/people.json"))
    assert (run.graph_name, run.source, run.state) == ("people", "/graphs/people.json", "ended")
    assert (run.elapsed_s, run.sink_items, run.rate_hz) == (10.0, 80, 8.0)
    assert run.limits == ("detect",)
    assert run.limit_text == "detect limits the pipeline to 8.00/s"
    assert run.size_bytes > 0
    assert datetime.fromisoformat(run.began_at).tzinfo is not None


def test_a_run_whose_process_was_killed_has_no_end(record) -> None:
    assert read_run(record(state=None)).state is None


def test_figures_are_what_happened_between_two_samples(record) -> None:
    figures = read_figures(record())
    assert [frame.elapsed_s for frame in figures.frames] == [float(second) for second in range(1, 11)]
    frame = figures.frames[4]
    cell = frame.cells["detect"]
    assert (cell.items, cell.rate_hz, cell.busy, cell.blocked) == (40, 8.0, 0.5, 0.5)
    assert (cell.cpu, cell.queued, cell.queue_capacity) == (0.25, 3, 8)
    assert cell.latency_p95_s == pytest.approx(cell.latency_p50_s)
    assert frame.sink_rate_hz == 8.0
    assert frame.process.cpu == 1.0
    assert (frame.connections[0].rate_hz, frame.connections[0].queued) == (8.0, 2)
    assert frame.bottleneck.cells == ("detect",)


def test_a_cell_that_gets_its_first_clones_has_other_workers(record) -> None:
    moments = [
        counted(0.0, 0),
        counted(1.0, 8),
        counted(2.0, 24, method="thread", workers=2, wall_s=1.0, busy_s=1.0),
        counted(3.0, 40, method="thread", workers=2, wall_s=3.0, busy_s=3.0),
    ]
    frames = read_figures(record(moments=moments)).frames
    assert [frame.cells["detect"].busy for frame in frames] == [0.5, 0.5, 1.0]
    assert all(0 <= frame.cells["detect"].blocked <= 1 for frame in frames)


def test_frames_can_be_plotted(record) -> None:
    history = History()
    for frame in read_figures(record()).frames:
        history.take(frame.model_copy(update={"state": "running"}))
    assert history.of_cell("detect", "rate_hz") == [8.0] * 10


def test_of_a_long_run_so_many_moments_are_shown_that_it_can_be(record, monkeypatch) -> None:
    monkeypatch.setattr(run_record, "MOST_FRAMES", 7)
    frames = read_figures(record(seconds=range(101))).frames
    assert len(frames) == 7
    assert frames[-1].elapsed_s == 100.0
    assert sum(frame.window_s for frame in frames) == pytest.approx(100)
    assert all(frame.cells["detect"].rate_hz == pytest.approx(8) for frame in frames)


def test_a_run_of_one_sample_has_its_figures(record) -> None:
    frames = read_figures(record(moments=[counted(0.2, 4)])).frames
    assert [frame.sink_rate_hz for frame in frames] == [pytest.approx(20)]


def test_the_graph_is_that_which_ran(record) -> None:
    assert list(read_graph(record()).cells) == ["detect"]


def test_what_is_no_record_is_said(tmp_path, record) -> None:
    text = tmp_path / "text.record"
    text.write_text("no record")
    with pytest.raises(RecordRefused, match=r"text\.record is no record of a run"):
        read_run(text)
    with pytest.raises(RecordRefused, match=r"gone\.record cannot be read: No such file"):
        read_figures(tmp_path / "gone.record")
    newer = record("newer.record")
    connection = sqlite3.connect(newer)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(RecordRefused, match="version 99"):
        read_run(newer)
    cut = record("cut.record")
    os.truncate(cut, 6_000)
    with pytest.raises(RecordRefused, match=r"cut\.record is a damaged record"):
        read_figures(cut)


# ------------------------------------------------------------------ the folder


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    return RunFolder(tmp_path)


def test_the_latest_run_comes_first_and_what_cannot_be_read_says_why(folder, record, tmp_path) -> None:
    first, second = record("b.record"), record("a.record")
    (tmp_path / "x.record").write_text("no record")
    os.utime(tmp_path / "x.record", (0, 0))
    listed = folder.read_all()
    assert [stored.path for stored in listed] in ([second, first, tmp_path / "x.record"],)
    assert listed[0].title == "people"
    assert "is no record of a run" in listed[2].problem
    assert RunFolder(tmp_path / "none").read_all() == []


def test_a_new_record_has_a_name_of_its_own(tmp_path) -> None:
    folder = RunFolder(tmp_path / "new" / "runs")
    moment = datetime(2026, 3, 1, 12, 30, 15)
    path = folder.new_path("people / tracking", moment)
    assert path == tmp_path / "new" / "runs" / "2026-03-01_12-30-15_people_tracking.record"
    path.touch()
    assert folder.new_path("people / tracking", moment).stem.endswith("_tracking_2")
    (tmp_path / "file").touch()
    with pytest.raises(FolderRefused, match="cannot be made"):
        RunFolder(tmp_path / "file" / "runs").new_path("x")


def test_runs_are_renamed_and_deleted(folder, record, tmp_path) -> None:
    one, two = record("one.record"), record("two.record")
    folder.rename(one, "  before \n the change ")
    assert {stored.path: stored.title for stored in folder.read_all()} == {one: "before the change", two: "people"}
    folder.rename(one, "")
    assert {stored.title for stored in folder.read_all()} == {"people"}
    (tmp_path / "two.record-wal").touch()
    folder.rename(two, "two")
    folder.delete([two])
    assert [stored.path for stored in folder.read_all()] == [one]
    assert not list(tmp_path.glob("two*"))
    assert "two" not in (tmp_path / "names.json").read_text()


def test_the_oldest_runs_go_and_those_with_a_name_last(folder, record) -> None:
    paths = [record(f"{number}.record") for number in range(5)]
    for number, path in enumerate(paths):
        connection = sqlite3.connect(path)
        connection.execute("UPDATE run SET began_at = ?", (f"2026-01-0{number + 1}T00:00:00+00:00",))
        connection.commit()
        connection.close()
    folder.rename(paths[0], "keep")
    assert folder.prune(3) == paths[1:3]
    assert folder.prune(3) == []
    size = folder.read_all()[0].run.size_bytes
    assert folder.prune(9, most_bytes=2 * size, keep=paths[3]) == [paths[4]]
