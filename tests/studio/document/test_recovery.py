"""What is kept of edits that were not saved, and who may offer it."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading

import pytest

from pypipeline_studio.document.recovery import (
    RecoveryFile,
    explain_unreadable,
    make_unsaved,
    take_left_behind,
)
from pypipeline_studio.document.recovery_writer import RecoveryWriter

LEAVE_BEHIND = """
import os, signal, sys
from pathlib import Path
from pypipeline_engine.graph.model import Document
from pypipeline_studio.document.recovery import RecoveryFile, make_unsaved
file = RecoveryFile(Path(sys.argv[1]))
file.write(make_unsaved(Document(name="left"), "left.json", None, None, float(sys.argv[2])))
print("written", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def start_editing(tmp_path):
    """Starts processes that have something to recover, and ends them."""
    started = []

    def start(edited_at_s=1.0) -> subprocess.Popen:
        command = [sys.executable, "-c", LEAVE_BEHIND, str(tmp_path), str(edited_at_s)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout.readline() == "written\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def kill(process) -> None:
    process.kill()
    process.wait()


def test_what_a_killed_process_had_is_offered_and_what_one_that_lives_has_is_not(start_editing, tmp_path) -> None:
    process = start_editing()
    assert take_left_behind(tmp_path) == []
    kill(process)
    (left,) = take_left_behind(tmp_path)
    assert left.unsaved.read_document().name == "left"
    assert left.unsaved.pid == process.pid
    assert explain_unreadable(left) is None
    left.discard()
    assert list(tmp_path.iterdir()) == []


def test_what_is_offered_is_not_offered_a_second_time_until_it_is_kept(start_editing, tmp_path) -> None:
    kill(start_editing())
    (left,) = take_left_behind(tmp_path)
    assert take_left_behind(tmp_path) == []
    left.keep()
    (again,) = take_left_behind(tmp_path)
    again.discard()


def test_what_was_edited_last_comes_first(start_editing, tmp_path) -> None:
    for time_s in (2.0, 3.0, 1.0):
        kill(start_editing(time_s))
    left = take_left_behind(tmp_path)
    assert [one.unsaved.edited_at_s for one in left] == [3.0, 2.0, 1.0]
    for one in left:
        one.discard()


def test_a_file_that_is_no_recovery_file_is_told_and_stays(tmp_path) -> None:
    path = tmp_path / "1-0.json"
    path.write_text('{"format": "pypipeline.recovery", "gra')
    (left,) = take_left_behind(tmp_path)
    assert left.unsaved is None
    assert str(path) in explain_unreadable(left)
    left.keep()
    assert path.exists()


def test_a_wrong_graph_in_a_recovery_file_is_told(people, tmp_path) -> None:
    unsaved = make_unsaved(people, "people.json", None, None).model_copy(update={"graph": '{"cells": 3}'})
    (tmp_path / "1-0.json").write_text(unsaved.model_dump_json())
    (left,) = take_left_behind(tmp_path)
    assert "1-0.json" in explain_unreadable(left)
    left.keep()


def test_locks_of_processes_that_had_nothing_to_recover_are_cleaned_away(tmp_path) -> None:
    (tmp_path / "1-0.lock").touch()
    (tmp_path / ".1-0.json.1-7.part").touch()
    file = RecoveryFile(tmp_path)
    assert take_left_behind(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
    file.close()


@pytest.mark.skipif(os.name != "posix", reason="signals of this kind")
def test_nothing_is_left_of_a_process_that_was_killed_while_it_wrote(tmp_path) -> None:
    killed = LEAVE_BEHIND.replace(
        'print("written", flush=True)',
        "os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        'file.write(make_unsaved(Document(name="later"), "left.json", None, None, 2.0))',
    )
    done = subprocess.run([sys.executable, "-c", killed, str(tmp_path), "1.0"], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 3
    (left,) = take_left_behind(tmp_path)
    assert left.unsaved.read_document().name == "left"
    left.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_holds_nothing(tmp_path) -> None:
    assert take_left_behind(tmp_path / "none") == []


def test_a_file_is_made_with_the_first_edit_and_gone_with_the_end(people, tmp_path) -> None:
    folder = tmp_path / "state" / "recovery"
    file = RecoveryFile(folder)
    file.remove()
    assert not folder.exists()
    file.write(make_unsaved(people, "people.json", tmp_path / "people.json", "abc"))
    assert file.path.exists()
    if os.name == "posix":
        assert file.path.stat().st_mode & 0o077 == 0
    assert take_left_behind(folder) == []  # ours, and in use
    file.remove()
    assert not file.path.exists()
    file.write(make_unsaved(people, "people.json", None, None))
    file.close()
    assert list(folder.iterdir()) == []


def test_a_write_that_fails_leaves_what_was_kept_before(people, nested, tmp_path, monkeypatch) -> None:
    file = RecoveryFile(tmp_path)
    file.write(make_unsaved(people, "people.json", None, None))
    before = file.path.read_bytes()

    def fail(_descriptor) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="No space"):
            file.write(make_unsaved(nested, "nested.json", None, None))
    assert file.path.read_bytes() == before
    assert not list(tmp_path.glob("*.part"))
    file.close()


@pytest.mark.skipif(os.name != "posix", reason="elsewhere, files that are open cannot be deleted")
def test_a_folder_that_is_deleted_meanwhile_is_made_again(people, tmp_path) -> None:
    folder = tmp_path / "recovery"
    file = RecoveryFile(folder)
    file.write(make_unsaved(people, "people.json", None, None))
    shutil.rmtree(folder)
    file.write(make_unsaved(people, "people.json", None, None))
    assert file.path.exists()
    assert take_left_behind(folder) == []
    file.close()


@pytest.mark.skipif(os.name != "posix", reason="locks of this kind")
def test_where_nothing_can_be_locked_the_reason_is_told_and_no_file_stays(people, tmp_path, monkeypatch) -> None:
    import fcntl

    def fail(*_) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", fail)
    file = RecoveryFile(tmp_path)
    with pytest.raises(OSError, match="No locks available"):
        file.write(make_unsaved(people, "people.json", None, None))
    assert list(tmp_path.iterdir()) == []
    file.close()


# ------------------------------------------------------------------ in the background


class _GatedFile:
    """Notes what it is asked for; writing waits at a gate."""

    def __init__(self) -> None:
        self.done = []
        self.is_writing, self.gate = threading.Event(), threading.Event()

    def write(self, what) -> None:
        self.is_writing.set()
        assert self.gate.wait(10)
        if isinstance(what, Exception):
            raise what
        self.done.append(what)

    def remove(self) -> None:
        self.done.append("removed")

    def close(self) -> None:
        self.done.append("closed")


def test_of_what_comes_while_one_is_written_only_the_last_is_written() -> None:
    file = _GatedFile()
    writer = RecoveryWriter(file, pytest.fail)
    writer.keep(lambda: 1)
    assert file.is_writing.wait(10)
    writer.keep(lambda: 2)
    writer.keep(lambda: 3)
    file.gate.set()
    writer.flush()
    assert file.done == [1, 3]
    writer.keep(lambda: 4)
    writer.flush()
    writer.forget()
    writer.flush()
    writer.close()
    assert file.done == [1, 3, 4, "removed", "closed"]


def test_what_is_waiting_to_be_written_is_not_written_after_the_end(monkeypatch) -> None:
    file = _GatedFile()
    writer = RecoveryWriter(file, pytest.fail)
    writer.keep(lambda: 1)
    assert file.is_writing.wait(10)
    writer.keep(lambda: 2)
    flush = writer.flush
    monkeypatch.setattr(writer, "flush", lambda: (file.gate.set(), flush()))
    writer.close()
    assert file.done == [1, "closed"]


def test_what_cannot_be_written_is_told_and_the_next_is_tried() -> None:
    file, told = _GatedFile(), []
    writer = RecoveryWriter(file, told.append)
    file.gate.set()
    writer.keep(lambda: OSError(28, "No space left on device"))
    assert writer.flush() == "No space left on device"
    writer.keep(lambda: 2)
    assert writer.flush() is None
    assert told == ["No space left on device"]
    assert file.done == [2]
    writer.close()
