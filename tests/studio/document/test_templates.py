"""Graphs that begin as another one."""

import json
from pathlib import Path

from pypipeline_engine.resources import get_examples
from pypipeline_studio.document.templates import from_template


def test_every_example_finds_its_files_from_everywhere(example_path) -> None:
    document = from_template(example_path)
    for cell in document.cells.values():
        for value in cell.parameters.values():
            if isinstance(value, str) and Path(value).suffix in (".csv", ".mp4") and cell.type.startswith("sources"):
                assert Path(value).is_absolute()
                assert Path(value).is_file()


def test_what_will_be_written_stays_where_the_output_goes() -> None:
    document = from_template(get_examples()["people_tracking"])
    assert document.cells["people"].parameters["path"] == "people.mp4"


def test_files_of_cells_in_nested_pipelines_are_found_too(tmp_path) -> None:
    (tmp_path / "rows.csv").touch()
    inner = {"type": "Pipeline", "cells": {"read": {"type": "sources.Csv", "parameters": {"path": "rows.csv"}}}}
    graph = {
        "format": "pypipeline.graph",
        "version": 1,
        "cells": {"inner": {**inner, "connections": []}},
        "connections": [],
    }
    (tmp_path / "graph.json").write_text(json.dumps(graph))
    document = from_template(tmp_path / "graph.json")
    assert document.cells["inner"].cells["read"].parameters["path"] == str(tmp_path / "rows.csv")
