"""Files are whole at any moment."""

import os
import stat
from pathlib import Path

import pytest

from pypipeline_engine.atomic import parts_left, write_file


def test_a_text_is_written_as_it_is(tmp_path):
    write_file(tmp_path / "a.txt", "ä\nb\r\n")
    assert (tmp_path / "a.txt").read_bytes() == "ä\nb\r\n".encode()
    assert list(tmp_path.iterdir()) == [tmp_path / "a.txt"]


def test_a_new_file_has_the_permissions_that_were_asked_for_less_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write_file(tmp_path / "usual", b"")
        write_file(tmp_path / "secret", b"", mode=0o600)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"usual": 0o640, "secret": 0o600}


def test_a_file_that_is_there_keeps_its_permissions(tmp_path):
    path = tmp_path / "a"
    path.write_text("old")
    path.chmod(0o755)
    write_file(path, "new")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o755)


def test_a_link_stays_one(tmp_path):
    (tmp_path / "folder").mkdir()
    target, link = tmp_path / "folder" / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    write_file(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_links_that_lead_round_are_refused_and_stay(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.symlink_to(other)
    other.symlink_to(one)
    with pytest.raises(OSError, match="symbolic links"):
        write_file(one, "new")
    assert one.is_symlink() and other.is_symlink()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_read_only_file_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_text("old")
    monkeypatch.setattr(os, "access", lambda *_: False)  # a superuser may write anything
    with pytest.raises(PermissionError, match="the file is read-only"):
        write_file(path, "new")
    assert path.read_text() == "old"


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_what_was_there_stays_where_it_fails(tmp_path, monkeypatch, failing):
    path = tmp_path / "a"
    path.write_text("old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(OSError, match="No space left"):
        write_file(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [tmp_path / "a"]


@pytest.mark.parametrize("name", ["a", "[a]*", "a" * 250])
def test_what_a_process_leaves_that_is_killed_while_it_writes_is_found(tmp_path, monkeypatch, name):
    left = []
    monkeypatch.setattr(os, "fsync", lambda _: left.extend(parts_left(tmp_path / name)))
    write_file(tmp_path / "b", "of another file")
    assert left == []
    write_file(tmp_path / name, "new")
    assert len(left) == 1
    assert parts_left(tmp_path / name) == []


def test_a_long_name_is_no_reason_to_fail(tmp_path):
    path = tmp_path / ("a" * 250)
    write_file(path, "new")
    assert path.read_text() == "new"


def test_what_is_no_file_is_written_to(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_file(pipe, "new")
        assert os.read(reader, 10) == b"new"
    finally:
        os.close(reader)
    assert list(tmp_path.iterdir()) == [tmp_path / "pipe"]


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(IsADirectoryError):
        write_file(tmp_path, "new")


def test_what_a_killed_process_has_left_is_no_reason_to_fail(tmp_path, monkeypatch):
    def is_killed(*_):
        raise SystemExit

    with monkeypatch.context() as killing:
        killing.setattr(os, "replace", is_killed)
        killing.setattr(Path, "unlink", lambda *_, **__: None)
        with pytest.raises(SystemExit):
            write_file(tmp_path / "a", "lost")
    assert len(list(tmp_path.iterdir())) == 1
    write_file(tmp_path / "a", "new")
    assert list(tmp_path.iterdir()) == [tmp_path / "a"]
    assert (tmp_path / "a").read_text() == "new"
