"""Cells of files that were loaded by their path reach other processes, which cannot import them by any name."""

import sys

import pytest

from pypipeline_engine.catalogue.loading import ApprovedFile
from pypipeline_engine.cell import Pipeline

pytest.importorskip("ray")
from pypipeline_engine.runtime.remote import travel  # it needs Ray

CELLS = """
from pypipeline_engine import ASingleCell, Output
from pypipeline_engine.cell import ScalableCell


class Own(ASingleCell):
    def __init__(self, parent_cell, name):
        super().__init__(parent_cell, name)
        self.value = Output(self, "value")

    def _on_pull(self):
        self.value.set_value(1)


class Scaled(ScalableCell):
    def __init__(self, parent_cell, name):
        super().__init__(parent_cell, name)
        self.own = Own(self, "own")
"""


@pytest.mark.parametrize("is_this_machine", [True, False])
def test_cells_of_a_file_travel_by_value(tmp_path, monkeypatch, is_this_machine):
    path = tmp_path / "own.py"
    path.write_text(CELLS)
    module = ApprovedFile(path).load()
    cell = module.Scaled(Pipeline(None, "root"), "scaled")
    packed = travel.pack(cell, travel.Route(is_this_machine=is_this_machine))
    monkeypatch.delitem(sys.modules, module.__name__)  # as in the other process
    assert type(travel.unpack(packed).get_inner_cell()).__name__ == "Own"


def test_what_is_found_along_the_path_is_imported_there(tmp_path, monkeypatch):
    (tmp_path / "cells_along_the_path.py").write_text(CELLS)
    monkeypatch.syspath_prepend(tmp_path)
    module = __import__("cells_along_the_path")
    try:
        cell = module.Scaled(Pipeline(None, "root"), "scaled")
        packed = travel.pack(cell, travel.Route())
    finally:
        del sys.modules[module.__name__]
    assert type(travel.unpack(packed)) is not module.Scaled  # another import of it
    assert type(travel.unpack(packed)) is sys.modules[module.__name__].Scaled
    del sys.modules[module.__name__]
