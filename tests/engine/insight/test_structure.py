"""The roles that cells have in a pipeline."""

import json
from pathlib import Path

from known_pipelines import CORES, GIL_WAIT_S, MARGIN, generate

from pypipeline_engine.graph import load_pipeline
from pypipeline_engine.insight.structure import CellRole, get_sources, get_structure

GRAPH = {
    "format": "pypipeline.graph",
    "version": 1,
    "name": "g",
    "cells": {
        "count": {"type": "sources.Counter"},
        "inside": {
            "type": "Pipeline",
            "inputs": ["a"],
            "outputs": ["b"],
            "cells": {"work": {"type": "demo.Work"}},
            "connections": [["a", "work.item"], ["work.item", "b"]],
        },
        "add": {"type": "math.Add", "initial_values": {"value": 0}},
        "times": {"type": "math.Multiply"},
        "null": {"type": "sinks.Null"},
    },
    "connections": [
        ["count.value", "inside.a"],
        ["inside.b", "add.a"],
        ["add.value", "add.b", "recurrent"],
        ["add.value", "times.a"],
        ["count.value", "times.b"],
        ["times.value", "null.item"],
    ],
}


def test_roles(tmp_path: Path) -> None:
    path = tmp_path / "g.json"
    path.write_text(json.dumps(GRAPH))
    structure = get_structure(load_pipeline(path))
    assert structure == {
        "count": CellRole(is_source=True, can_have_thread=True),
        "inside.work": CellRole(can_have_thread=True, can_have_clones=True),
        "add": CellRole(can_have_thread=True, can_have_clones=True, is_on_cycle=True),
        "times": CellRole(can_have_thread=True, can_have_clones=True),
        "null": CellRole(is_sink=True, can_have_thread=True, can_have_clones=True),
    }
    assert get_sources(structure) == ["count"]


def test_pipelines_of_which_the_truth_is_known(tmp_path: Path) -> None:
    """All can be loaded, nothing else in them comes near to being the limit, and the same seed gives the same."""
    pipelines = list(generate(60))
    assert pipelines == list(generate(60))
    assert {known.culprit.mode for known in pipelines} == {"sleep", "python", "numpy"}
    for known in pipelines:
        path = tmp_path / "known.json"
        path.write_text(json.dumps(known.document))
        assert known.culprit_name in get_structure(load_pipeline(path))
        item_s = 1 / known.rate_hz
        others = [cell for cell in known.cells if cell is not known.culprit]
        inline_s = sum(cell.mean_s for cell in others if not cell.clones)
        computing_s = sum(cell.mean_s for cell in known.cells if cell.mode != "sleep")
        assert inline_s * MARGIN <= item_s * 1.001
        assert computing_s <= CORES * item_s * 1.001
        for cell in others:
            assert cell.capacity_hz >= MARGIN * known.rate_hz * 0.999, (known.name, cell)
            if known.culprit.mode == "python" and cell.clones:
                assert cell.clones / (cell.mean_s + GIL_WAIT_S) >= MARGIN * known.rate_hz * 0.999, (known.name, cell)
