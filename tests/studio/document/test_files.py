"""Opening, saving, and what another program does to the file."""

import errno
import os
import shlex
from pathlib import Path

import pytest

from pypipeline_engine.graph.problems import WrongGraphException
from pypipeline_studio.document import edits
from pypipeline_studio.document.files import (
    headless_command,
    is_changed_on_disk,
    name_from_file,
    open_graph,
    save_graph,
    state_on_disk,
    with_disk_as_it_is,
)


def test_what_is_opened_and_saved_has_the_same_bytes(example_path, tmp_path) -> None:
    opened = open_graph(example_path)
    assert opened.is_normal
    save_graph(opened.document, tmp_path / "copy.json")
    assert (tmp_path / "copy.json").read_bytes() == example_path.read_bytes()


def test_another_program_is_noticed(people, tmp_path) -> None:
    path = tmp_path / "a.json"
    saved = save_graph(people, path)
    assert not is_changed_on_disk(saved)
    save_graph(edits.move_cells(people, (), {"video": (1, 1)}), path)
    assert is_changed_on_disk(saved)
    path.unlink()
    assert is_changed_on_disk(saved)


def test_a_wrong_file_is_refused_with_everything_that_is_wrong(tmp_path) -> None:
    path = tmp_path / "wrong.json"
    path.write_text('{"format": "pypipeline.graph", "version": 1, "cellz": {}, "connections": [["a"]]}')
    with pytest.raises(WrongGraphException) as caught:
        open_graph(path)
    assert len(caught.value.problems) == 2


def test_a_hand_written_file_says_that_saving_would_change_it(tmp_path) -> None:
    path = tmp_path / "hand.json"
    path.write_text('{"format": "pypipeline.graph", "version": 1, "cells": {}, "connections": []}')
    assert not open_graph(path).is_normal


def test_the_command_survives_a_shell() -> None:
    command = headless_command(Path("/a b/graph's.json"), Path("/out"))
    assert shlex.split(command) == ["pypipeline", "run", "/a b/graph's.json", "--output-dir", "/out"]


# ------------------------------------------------------------------ what speaks against writing


def refusal_of(document, path) -> str:
    with pytest.raises(WrongGraphException) as caught:
        save_graph(document, path)
    return str(caught.value)


def test_a_file_that_cannot_be_written_is_explained(people, tmp_path) -> None:
    (tmp_path / "file").touch()
    assert (
        refusal_of(people, tmp_path)
        == f"{tmp_path}: cannot be written: this is a folder; the path of a graph file is expected"
    )
    assert f"there is no folder {tmp_path / 'none'}" in refusal_of(people, tmp_path / "none" / "a.json")
    assert f"{tmp_path / 'file'} is no folder" in refusal_of(people, tmp_path / "file" / "a.json")
    assert "the name is too long" in refusal_of(people, tmp_path / ("a" * 300 + ".json"))
    assert "cannot be written" in refusal_of(people, tmp_path / "a\0.json")


def test_a_file_that_is_read_only_is_not_replaced(people, nested, tmp_path) -> None:
    path = tmp_path / "a.json"
    save_graph(nested, path)
    before = path.read_bytes()
    path.chmod(0o444)
    assert "the file is read-only" in refusal_of(people, path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "is not permitted"),
        (errno.EIO, ""),
    ],
)
def test_what_the_system_says_is_said_in_words_and_the_file_stays(
    people, nested, tmp_path, monkeypatch, number, words
) -> None:
    path = tmp_path / "a.json"
    save_graph(nested, path)
    before = path.read_bytes()

    def fail(_descriptor) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    assert (words or os.strerror(number)) in refusal_of(people, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="links and permissions of this kind")
def test_links_stay_links_and_permissions_stay(people, nested, tmp_path) -> None:
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    save_graph(nested, real)
    real.chmod(0o600)
    link.symlink_to(real)
    saved = save_graph(people, link)
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o600
    assert open_graph(real).document == people
    assert saved.path == link
    real.unlink()
    real.symlink_to(link)
    assert "cannot be written" in refusal_of(people, link)


def test_what_is_known_of_the_disk_does_not_count_as_a_change(people, nested, tmp_path) -> None:
    path = tmp_path / "a.json"
    saved = save_graph(people, path)
    save_graph(nested, path)
    assert state_on_disk(saved) == "changed"
    known = with_disk_as_it_is(saved)
    assert state_on_disk(known) == "same"
    path.unlink()
    assert state_on_disk(known) == "gone"
    known = with_disk_as_it_is(known)
    assert state_on_disk(known) == "same"
    save_graph(nested, path)
    assert state_on_disk(known) == "changed"


def test_a_folder_in_the_place_of_the_file_is_a_change(people, tmp_path) -> None:
    path = tmp_path / "a.json"
    saved = save_graph(people, path)
    path.unlink()
    path.mkdir()
    assert state_on_disk(saved) == "changed"
    assert state_on_disk(with_disk_as_it_is(saved)) == "same"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a named pipe")
def test_a_pipe_in_the_place_of_the_file_keeps_nobody_waiting(people, tmp_path) -> None:
    path = tmp_path / "a.json"
    saved = save_graph(people, path)
    path.unlink()
    os.mkfifo(path)
    assert state_on_disk(saved) == "changed"
    assert "no regular file" in refusal_of(people, path)


@pytest.mark.parametrize(
    ("file", "name"), [("people.json", "people"), ("my.graph.json", "my_graph"), ("a\tb.json", "a_b"), (" .json", None)]
)
def test_names_of_graphs_from_names_of_files(file, name) -> None:
    assert name_from_file(Path(file)) == name
