"""Records of runs: written while the run goes on, read later, meanwhile, and after the writer was killed."""

import logging
import os
import shutil
import sqlite3
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from insight_support import ENDED, GRAPH, at

from pypipeline_engine.core.counters import DeadLetter
from pypipeline_engine.exceptions import RecordException
from pypipeline_engine.insight import recorder as recorder_module
from pypipeline_engine.insight.machine import read_machine, read_process
from pypipeline_engine.insight.recorder import MOST_DEAD_LETTERS, Recorder
from pypipeline_engine.insight.records import Record, RecordedEnd


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.record"


def record_three(recorder) -> None:
    """A run that is 10 ms an item in its first second, and 20 ms in its second one."""
    recorder.add(at(0.0, 0, 0.0), "running")
    recorder.add(at(1.0, 100, 0.9, latencies_s=[0.01] * 100), "running")
    recorder.add(at(2.0, 150, 1.9, latencies_s=[0.01] * 100 + [0.02] * 50), "running")


# ---------------------------------------------------------------------- what is in it


def test_what_was_written_is_read(make_recorder, path: Path) -> None:
    recorder = make_recorder(source="demo.json", command=["--scale work=1"], interval_s=1.0)
    record_three(recorder)
    recorder.finish(RecordedEnd("failed", "failed", "ValueError: bad", {"cells": ["work"]}))
    with Record(path) as record:
        assert (record.name, record.graph, record.source, record.sources) == ("demo", GRAPH, "demo.json", ["count"])
        assert record.command == ["--scale work=1"]
        assert record.versions["python"] == ".".join(map(str, sys.version_info[:3]))
        assert record.machine.cores >= 1
        assert record.end == RecordedEnd("failed", "failed", "ValueError: bad", {"cells": ["work"]})
        assert [(one.elapsed_s, one.state, one.sink_items) for one in record.samples] == [
            (0.0, "running", 0),
            (1.0, "running", 100),
            (2.0, "running", 150),
        ]
        assert record.samples[0].process.memory_bytes == 5_000_000
        now = record.read(record.samples[2])
        assert now.get_cell("work").queued == 1
        assert (now.connections[0].target, now.connections[0].queued_bytes) == ("work.item", 24)


def test_any_range_has_its_own_figures_and_percentiles(make_recorder, path: Path) -> None:
    recorder = make_recorder()
    record_three(recorder)
    recorder.finish(ENDED)
    with Record(path) as record:
        first, second, third = record.samples
        late = record.between(second, third)
        work = late.get_cell("work")
        assert (work.runs, late.sink_rate_hz, late.connections[0].items) == (50, 50.0, 50)
        assert work.busy == pytest.approx(1.0)
        assert work.latency_s(0.5) == pytest.approx(0.02, rel=0.05)
        whole = record.between(first, third).get_cell("work")
        assert whole.latency_s(0.5) == pytest.approx(0.01, rel=0.05)
        assert whole.latency_s(0.95) == pytest.approx(0.02, rel=0.05)
        assert sum(whole.latencies.values()) == 150


def test_a_cell_that_got_its_first_clone_in_the_range_has_the_workers_of_then(make_recorder, path: Path) -> None:
    recorder = make_recorder()
    recorder.add(at(10.0, 10, 9.0, method="inline"), "running")
    recorder.add(at(12.0, 20, 11.0, method="thread", workers=2, wall_s=3.0), "running")
    recorder.finish(ENDED)
    with Record(path) as record:
        work = record.between(*record.samples).get_cell("work")
    assert (work.wall_s, work.busy) == (4.0, 0.5)


def test_the_view_for_people_tells_what_happened_between_two_samples(make_recorder, path: Path) -> None:
    recorder = make_recorder()
    record_three(recorder)
    recorder.finish(ENDED)
    connection = sqlite3.connect(path)
    try:
        query = "SELECT rate_hz, busy, starved, blocked, cpu, latency_p50_s FROM cell_rates WHERE name = 'work'"
        rows = connection.execute(query).fetchall()
    finally:
        connection.close()
    assert rows[0] == pytest.approx((100.0, 0.9, 0.0, 0.1, 0.45, 0.01), rel=0.05)
    assert rows[1] == pytest.approx((50.0, 1.0, 0.0, 0.0, 0.5, 0.02), rel=0.05)


def test_dead_letters_are_there_once_and_a_bounded_number_of_them(make_recorder, path: Path) -> None:
    letters = tuple(DeadLetter("work", item, "ValueError: bad", "Traceback") for item in range(MOST_DEAD_LETTERS + 5))
    recorder = make_recorder()
    recorder.add(at(1.0, 2, 0.1, dead_letters=letters[:2]), "running")
    recorder.add(at(2.0, 3, 0.1, dead_letters=letters[1:3]), "running")
    with Record(path) as record:
        assert [letter.item for letter in record.read_dead_letters()] == [0, 1, 2]
    recorder.add(at(3.0, 4, 0.1, dead_letters=letters[3:]), "running")
    recorder.add(at(4.0, 4, 0.1, dead_letters=letters[3:]), "running")
    recorder.finish(ENDED)
    with Record(path) as record:
        assert [letter.item for letter in record.read_dead_letters()] == list(range(MOST_DEAD_LETTERS))


def test_a_library_that_a_cell_loads_later_is_known(make_recorder, path: Path, monkeypatch) -> None:
    recorder = make_recorder()
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(__version__="9.9"))
    recorder.add(at(1.0, 1, 0.1), "running")
    recorder.finish(ENDED)
    with Record(path) as record:
        assert record.versions["torch"] == "9.9"


def test_the_machine_is_told_and_not_named() -> None:
    machine, process = read_machine(), read_process()
    assert machine.cores >= 1
    assert process.cpu_s > 0
    assert set(vars(machine)) == {"os", "architecture", "cpu_model", "cores", "memory_bytes", "load"}


def test_what_others_do_on_cores_that_this_process_may_not_use_does_not_count(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 10})
    monkeypatch.setattr(os, "sysconf", lambda _: 100)
    (tmp_path / "stat").write_text(
        "cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 9 9 9 9 9 9 9 9 0 0\ncpu1 100 20 30 9999 9999 1 2 7 0 0\n"
        "cpu10 40 0 0 9 9 0 0 0 0 0\nintr 5 5\n"
    )
    assert read_process(tmp_path).machine_busy_s == 2.0


def test_where_the_system_tells_little_the_process_is_known_by_its_cpu_time(tmp_path: Path) -> None:
    process = read_process(tmp_path)
    assert process.cpu_s > 0
    assert (process.memory_bytes, process.threads, process.machine_busy_s) == (None, None, None)


# ---------------------------------------------------------------------- while it is written, and when that ends badly


def test_at_the_end_it_is_one_file(make_recorder, path: Path) -> None:
    recorder = make_recorder()
    record_three(recorder)
    recorder.finish(ENDED)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert path.read_bytes()[18:20] == b"\1\1", "a file of its own, which needs no log to be read"
    assert not recorder.is_recording


def test_it_is_read_while_it_is_written(make_recorder, path: Path) -> None:
    recorder = make_recorder()
    recorder.add(at(0.0, 0, 0.0), "running")
    with Record(path) as record:
        assert record.end is None
        recorder.add(at(1.0, 100, 0.9), "running")
        assert len(record.samples) == 1
        with Record(path) as later:
            assert len(later.samples) == 2
        recorder.finish(ENDED)
    with Record(path) as record:
        assert record.end == ENDED
        assert len(record.samples) == 2


def test_what_a_killed_process_leaves_is_read_and_not_changed(make_recorder, path: Path, tmp_path: Path) -> None:
    record_three(make_recorder())
    left = tmp_path / "left"
    left.mkdir()
    for file in tmp_path.glob("run.record*"):
        if not file.name.endswith("-shm"):  # memory of the process that is gone
            shutil.copy(file, left)
    before = {name: (left / name).read_bytes() for name in ("run.record", "run.record-wal")}
    with Record(left / path.name) as record:
        assert record.end is None
        assert [sample.elapsed_s for sample in record.samples] == [0.0, 1.0, 2.0]
    assert {name: (left / name).read_bytes() for name in before} == before


def test_the_file_alone_of_a_killed_process_is_a_record_of_its_start(make_recorder, path: Path, tmp_path: Path) -> None:
    record_three(make_recorder())
    shutil.copy(path, tmp_path / "alone.record")
    with Record(tmp_path / "alone.record") as record:
        assert (record.name, record.samples) == ("demo", [])


def test_what_a_killed_process_leaves_is_read_where_nothing_can_be_written(
    make_recorder, path: Path, monkeypatch
) -> None:
    """SQLite cannot make the index of a log there, and says so."""
    connect = sqlite3.connect

    def connect_there(address: str, **options) -> sqlite3.Connection:
        if "immutable" not in address:
            raise sqlite3.OperationalError("unable to open database file")
        return connect(address, **options)

    record_three(make_recorder())
    alone = path.with_name("alone.record")
    shutil.copy(path, alone)
    monkeypatch.setattr(sqlite3, "connect", connect_there)
    with Record(alone) as record:
        assert record.name == "demo"
    with pytest.raises(
        RecordException, match=r"copy it together with run\.record-wal to a folder that can be written to"
    ):
        Record(path)


def test_a_full_disk_ends_the_recording_with_one_warning(make_recorder, path: Path, caplog) -> None:
    recorder = make_recorder()
    recorder.add(at(0.0, 0, 0.0), "running")
    (pages,) = recorder._connection.execute("PRAGMA page_count").fetchone()
    recorder._connection.execute(f"PRAGMA max_page_count = {pages}")
    letters = tuple(DeadLetter("work", item, "ValueError: bad", "x" * 5000) for item in range(10))
    with caplog.at_level(logging.WARNING):
        recorder.add(at(1.0, 100, 0.9, dead_letters=letters), "running")
        recorder.add(at(2.0, 200, 0.9), "running")
        recorder.finish(ENDED)
    (warning,) = caplog.records
    assert (
        warning.getMessage() == f"the recording into {path} ended early, and the run goes on: database or disk is full"
    )
    with Record(path) as record:
        assert (record.end, [sample.elapsed_s for sample in record.samples]) == (None, [0.0])


def test_a_locked_file_ends_the_recording_with_one_warning(make_recorder, path: Path, caplog, monkeypatch) -> None:
    monkeypatch.setattr(recorder_module, "_LOCK_TIMEOUT_S", 0.0)
    recorder = make_recorder()
    recorder.add(at(0.0, 0, 0.0), "running")
    other = sqlite3.connect(path)
    try:
        other.execute("BEGIN IMMEDIATE")
        with caplog.at_level(logging.WARNING):
            recorder.finish(ENDED)
            recorder.finish(ENDED)
    finally:
        other.close()
    assert [record.getMessage().rpartition(": ")[2] for record in caplog.records] == ["database is locked"]
    with Record(path) as record:
        assert len(record.samples) == 1


def test_texts_that_are_none_do_not_end_the_recording(make_recorder, path: Path, caplog) -> None:
    """A file name with bytes that are no UTF-8, in the path of a graph and in the message of an error."""
    recorder = make_recorder(source="graph\udcff.json", command=["--set read.path=\udcff"])
    letter = DeadLetter("work", 0, "OSError: \udcff.png", "Traceback \udcff")
    recorder.add(at(1.0, 1, 0.1, dead_letters=(letter,)), "running")
    recorder.finish(RecordedEnd("failed", "failed", "OSError: \udcff.png"))
    assert not caplog.records
    with Record(path) as record:
        assert (record.source, record.command) == ("graph\\udcff.json", ["--set read.path=\udcff"])
        assert record.read_dead_letters()[0].error == "OSError: \\udcff.png"
        assert record.end is not None
        assert record.end.error == "OSError: \\udcff.png"


def test_a_fault_while_a_sample_is_written_ends_the_recording(make_recorder, caplog) -> None:
    def read_process():
        raise RuntimeError("no figures")

    make_recorder(read_process=read_process).add(at(1.0, 1, 0.1), "running")
    assert caplog.records[0].getMessage().endswith("ended early, and the run goes on: no figures")


@pytest.mark.parametrize("name", [":memory:", "a#b?mode=ro%41.record", "file:x.record"])
def test_a_name_is_a_name(tmp_path: Path, monkeypatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    recorder = Recorder(Path(name), name="demo", graph=GRAPH)
    try:
        record_three(recorder)
        with Record(Path(name)) as record:
            assert len(record.samples) == 3
    finally:
        recorder.close()
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_a_run_that_has_not_begun_leaves_nothing(make_recorder, tmp_path: Path) -> None:
    make_recorder().discard()
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------------- files that are none


def test_nothing_is_overwritten(make_recorder, path: Path, tmp_path: Path) -> None:
    make_recorder().finish(ENDED)
    before = path.read_bytes()
    with pytest.raises(RecordException, match=r"run\.record is the record of another run, .*: give another name$"):
        make_recorder()
    assert path.read_bytes() == before
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(RecordException, match=r"thesis\.txt exists already, and is not overwritten"):
        make_recorder("thesis.txt")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
    with pytest.raises(RecordException, match=r"is a folder, and a file is expected"):
        make_recorder(".")
    with pytest.raises(RecordException, match=r"cannot be written: No such file"):
        make_recorder("missing/run.record")


def test_other_files_are_no_records(tmp_path: Path) -> None:
    for content in (b"", b"hello", b"SQLite format 3\0" + bytes(200)):
        (tmp_path / "file").write_bytes(content)
        with pytest.raises(
            RecordException, match=r"file is no record of a run; pypipeline run --record FILE writes one"
        ):
            Record(tmp_path / "file")
    with pytest.raises(RecordException, match="missing does not exist"):
        Record(tmp_path / "missing")
    with pytest.raises(RecordException, match="is a folder"):
        Record(tmp_path)


def test_a_record_of_a_later_release_is_refused(make_recorder, path: Path) -> None:
    make_recorder().finish(ENDED)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(RecordException, match="is a record of version 99, and this release reads version 1"):
        Record(path)


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM run",
        "UPDATE run SET versions = 'none'",
        "UPDATE run SET machine = '{\"moons\": 2}'",
        "UPDATE run SET machine = '7'",
        "DROP TABLE samples",
    ],
)
def test_a_damaged_record_is_called_one(make_recorder, path: Path, damage: str) -> None:
    make_recorder().finish(ENDED)
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(damage)
    connection.close()
    with pytest.raises(RecordException, match="is a damaged record: "):
        Record(path)


def test_a_record_that_is_cut_off_is_damaged(make_recorder, path: Path) -> None:
    recorder = make_recorder()
    record_three(recorder)
    recorder.finish(ENDED)
    content = path.read_bytes()
    for length in range(100, len(content), 4096):
        path.write_bytes(content[:length])
        with pytest.raises(RecordException, match="is a damaged record: "):  # noqa: SIM117
            with Record(path) as record:
                record.between(record.samples[0], record.samples[-1])


def test_latencies_that_are_damaged_are_noticed_when_they_are_read(make_recorder, path: Path) -> None:
    recorder = make_recorder()
    record_three(recorder)
    recorder.finish(ENDED)
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE cell_samples SET latencies = '[1]'")
    connection.close()
    with Record(path) as record, pytest.raises(RecordException, match="is a damaged record: "):
        record.between(record.samples[0], record.samples[1])
