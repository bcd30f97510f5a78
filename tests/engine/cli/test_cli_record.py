"""`pypipeline run --record` as a user meets it."""

import json
import signal
import sqlite3
import threading
from pathlib import Path

import pytest
from cli_support import PROBE, TIMEOUT_S

from pypipeline_engine.cli import recording as recording_module
from pypipeline_engine.cli.display import Moment
from pypipeline_engine.cli.recording import Recording
from pypipeline_engine.cli.watch import Ending
from pypipeline_engine.core.counters import Statistics
from pypipeline_engine.insight.recorder import Recorder
from pypipeline_engine.insight.records import Record

COUNT = {"type": "sources.Counter", "parameters": {"count": 5}}


@pytest.fixture
def graph(write_graph) -> Path:
    return write_graph({"count": COUNT, "sink": "sinks.Null"}, "count.value > sink.item")


def test_a_run_is_recorded_with_its_graph_as_it_ran_and_its_end(pypipeline, graph: Path, tmp_path: Path) -> None:
    done = pypipeline("run", graph, "--record", "run.record", "--set", "count.count=7")
    assert (done.returncode, done.stdout) == (0, "")
    assert not [file.name for file in tmp_path.iterdir() if file.name.startswith("run.record-")]
    with Record(tmp_path / "run.record") as record:
        assert record.end is not None
        assert (record.end.state, record.end.words, record.end.error) == ("ended", "ended", None)
        assert json.loads(record.graph)["cells"]["count"]["parameters"] == {"count": 7}
        assert (record.name, record.source, record.command) == ("graph", str(graph), ["--set count.count=7"])
        assert (record.sources, record.interval_s) == (["count"], 1.0)
        assert record.samples[-1].sink_items == 7
        assert [cell.name for cell in record.read(record.samples[-1]).cells] == ["count", "sink"]


def test_a_failed_run_is_recorded_with_what_went_wrong(pypipeline, write_graph, tmp_path: Path) -> None:
    cells = {"count": COUNT, "choosy": "probe.Fail", "sink": "sinks.Null"}
    write_graph(cells, "count.value > choosy.taken", "choosy.given > sink.item")
    assert pypipeline("run", "graph.json", "--cells", PROBE, "--record", "run.record").returncode == 1
    with Record(tmp_path / "run.record") as record:
        assert record.end is not None
        assert (record.end.state, record.end.error) == ("failed", "ValueError: item 3 is bad")


def test_skipped_items_are_in_the_record(pypipeline, write_graph, tmp_path: Path) -> None:
    cells = {"count": COUNT, "choosy": {"type": "probe.Fail", "on_error": "skip"}, "sink": "sinks.Null"}
    write_graph(cells, "count.value > choosy.taken", "choosy.given > sink.item")
    assert pypipeline("run", "graph.json", "--cells", PROBE, "--record", "run.record").returncode == 0
    with Record(tmp_path / "run.record") as record:
        (letter,) = record.read_dead_letters()
    assert (letter.cell, letter.item) == ("choosy", 3)
    assert "Traceback" in letter.traceback


def test_a_run_that_is_killed_leaves_a_record(pypipeline, write_graph, tmp_path: Path) -> None:
    write_graph({"count": "sources.Counter", "sink": "sinks.Null"}, "count.value > sink.item")
    process = pypipeline.start("run", "graph.json", "--record", "run.record", "--record-interval", "0.1")
    with process:
        try:
            wait_for_samples(tmp_path / "run.record", 3)
        finally:
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=TIMEOUT_S)
    with Record(tmp_path / "run.record") as record:
        assert record.end is None
        assert len(record.samples) >= 3


def wait_for_samples(path: Path, number: int) -> None:
    """Wait until a record that another process writes has some; the time limit of the test ends this."""
    while True:
        try:
            connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
            try:
                if connection.execute("SELECT count(*) FROM samples").fetchone()[0] >= number:
                    return
            finally:
                connection.close()
        except sqlite3.OperationalError:
            pass
        threading.Event().wait(0.02)


def test_a_run_that_cannot_begin_leaves_no_record(pypipeline, write_graph, tmp_path: Path) -> None:
    write_graph({"count": COUNT, "device": "probe.FailAtDeployment"}, "count.value > device.item")
    assert pypipeline("run", "graph.json", "--cells", PROBE, "--record", "run.record").returncode == 1
    assert not (tmp_path / "run.record").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--record", "graph.json"), "--record: graph.json exists already, and is not overwritten: give another name"),
        (("--record", "missing/run.record"), "--record: the folder missing does not exist"),
        (("--record", "."), "--record: . is a folder, and a file is expected"),
        (("--record", "new.record", "--record-interval", "0"), "--record-interval"),
        (("--record", "new.record", "--record-interval", "nan"), "a number of seconds is expected"),
    ],
)
def test_bad_usage(pypipeline, graph: Path, tmp_path: Path, options, message: str) -> None:
    before = graph.read_bytes()
    done = pypipeline("run", "graph.json", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert graph.read_bytes() == before
    assert not (tmp_path / "new.record").exists()


def test_the_record_of_another_run_stays(pypipeline, graph: Path, tmp_path: Path) -> None:
    assert pypipeline("run", graph, "--record", "run.record").returncode == 0
    before = (tmp_path / "run.record").read_bytes()
    done = pypipeline("run", graph, "--record", "run.record")
    assert done.returncode == 2
    message = "--record: run.record is the record of another run, and is not overwritten: give another name"
    assert done.stderr == f"Error: {message}\n"
    assert (tmp_path / "run.record").read_bytes() == before


# ---------------------------------------------------------------------- the thread that takes the samples


def make_recording(tmp_path: Path) -> Recording:
    return Recording(Recorder(tmp_path / "run.record", name="demo", graph="{}"), interval_s=1e-3)


ENDING = Ending("ended", 0, Moment("demo", "ended", Statistics(9.0, 9, ()), None), None, None)


def test_a_fault_in_taking_samples_ends_the_recording_and_not_the_run(tmp_path: Path, caplog) -> None:
    def look() -> Moment:
        raise RuntimeError("no figures")

    with make_recording(tmp_path) as recording:
        recording.begin(look)
        recording.finish(ENDING)
    assert [record.getMessage().rpartition(": ")[2] for record in caplog.records] == ["no figures"]


def test_a_disk_that_does_not_answer_is_not_waited_for_forever(tmp_path: Path, caplog, monkeypatch) -> None:
    monkeypatch.setattr(recording_module, "_PATIENCE_S", 0.0)
    asked, gate = threading.Event(), threading.Event()

    def look() -> Moment:
        asked.set()
        gate.wait(TIMEOUT_S)
        return ENDING.moment

    recording = make_recording(tmp_path)
    recording.begin(look)
    assert asked.wait(TIMEOUT_S)
    recording.finish(ENDING)
    assert "its disk does not answer" in caplog.text
    gate.set()
    assert recording._thread is not None
    recording._thread.join(TIMEOUT_S)
    with Record(tmp_path / "run.record") as record:
        assert record.end is not None


def test_what_fails_around_the_run_ends_the_recording(tmp_path: Path) -> None:
    taken = threading.Event()

    def look() -> Moment:
        taken.set()
        return ENDING.moment

    with pytest.raises(ZeroDivisionError), make_recording(tmp_path) as recording:
        recording.begin(look)
        assert taken.wait(TIMEOUT_S)
        1 / 0
    assert not recording._recorder.is_recording
    with Record(tmp_path / "run.record") as record:
        assert record.end is None
        assert record.samples
