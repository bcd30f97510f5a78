"""Opening, saving, and what another program does to the file."""

import shlex
from pathlib import Path

import pytest

from pypipeline_engine.graph.problems import WrongGraphException
from pypipeline_studio.document import edits
from pypipeline_studio.document.files import headless_command, is_changed_on_disk, open_graph, save_graph


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
