"""The paths in a document that runs, or is written, elsewhere."""

from pathlib import Path

import pytest
from graph_support import raw

from pypipeline_engine.catalogue.discovery import Catalogue
from pypipeline_engine.graph.model import Document
from pypipeline_engine.graph.paths import inputs_as_seen_from, outputs_into


def write(path: str) -> dict:
    return {"type": "sinks.JsonLines", "parameters": {"path": path}}


def make(cells: dict) -> Document:
    return Document.model_validate(raw(cells))


def path_of(document: Document, *names: str) -> Path:
    cell = document.find(names)
    assert cell is not None
    return Path(cell.parameters["path"])


def test_every_file_that_is_written_goes_below_the_folder(tmp_path: Path) -> None:
    document = make(
        {
            "here": write("here.jsonl"),
            "away": write("/somewhere/away.jsonl"),
            "same": write("/somewhere/away.jsonl"),
            "up": write("../up.jsonl"),
            "inner": {"type": "Pipeline", "cells": {"away": write("/other/away.jsonl")}},
        }
    )
    moved = outputs_into(document, Catalogue(), tmp_path)
    assert path_of(moved, "here") == Path("here.jsonl")
    away, up, inner = path_of(moved, "away"), path_of(moved, "up"), path_of(moved, "inner", "away")
    assert all(path.is_relative_to(tmp_path) for path in (away, up, inner))
    assert len({away, up, inner}) == 3
    assert path_of(moved, "same") == away, "whoever would have been refused still is"
    assert away.name == "away.jsonl"


def test_the_file_that_is_the_default_of_a_cell_goes_there_too(tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.write_text(
        "from pathlib import Path\n"
        "from pypipeline_engine import ASingleCell, ConfigParameter, Input\n"
        "from pypipeline_engine.cells.types import OutputPath\n"
        "class Log(ASingleCell):\n"
        "    def __init__(self, parent_cell, name):\n"
        "        super().__init__(parent_cell, name)\n"
        "        self.item: Input[int] = Input(self, 'item')\n"
        "        self.path: ConfigParameter[OutputPath] = ConfigParameter(self, 'path', default_value=Path('/log.txt'))\n"
        "    def _on_pull(self):\n"
        "        self.item.pull()\n"
    )
    catalogue = Catalogue()
    catalogue.approve(own)
    moved = outputs_into(make({"log": {"type": "own.Log"}}), catalogue, tmp_path)
    assert path_of(moved, "log").is_relative_to(tmp_path)


@pytest.mark.parametrize("new", ["", "deeper", "elsewhere/far"])
def test_files_to_be_read_are_found_from_another_folder(tmp_path: Path, new: str) -> None:
    (tmp_path / "table.csv").touch()
    read = {"type": "sources.Csv", "parameters": {"path": "table.csv"}}
    document = make({"rows": read, "gone": {"type": "sources.Csv", "parameters": {"path": "gone.csv"}}})
    folder = tmp_path / new
    moved = inputs_as_seen_from(document, Catalogue(), tmp_path, folder)
    assert (folder / path_of(moved, "rows")).resolve() == (tmp_path / "table.csv").resolve()
    assert path_of(moved, "gone") == Path("gone.csv")
    if not new:
        assert moved == document


def test_a_file_below_the_new_folder_stays_relative(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "table.csv").touch()
    document = make({"rows": {"type": "sources.Csv", "parameters": {"path": "table.csv"}}})
    moved = inputs_as_seen_from(document, Catalogue(), tmp_path / "data", tmp_path)
    assert path_of(moved, "rows") == Path("data/table.csv")
