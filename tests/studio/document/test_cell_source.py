"""Cells that are written for a person: they are right from the start, and leave alone what is there."""

import ast
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from pypipeline_engine.catalogue.approval import approve_all, cell_files
from pypipeline_engine.catalogue.discovery import Catalogue
from pypipeline_studio.document import cell_files as studio_files
from pypipeline_studio.document.cell_files import write_cell
from pypipeline_studio.document.cell_source import CannotAdd, extended_source, line_of_cell, new_source
from pypipeline_studio.document.cell_spec import (
    PARAMETER_LABELS,
    PORT_KINDS,
    CellSpec,
    ParameterSpec,
    PortSpec,
    explain_spec,
)

FILTER = CellSpec(
    "Threshold",
    "my_cells",
    'Says "bright" \\ dark',
    (PortSpec("image", "image"),),
    (PortSpec("image", "image"), PortSpec("count", "int")),
    (
        ParameterSpec("level", "int", "128", "0", "255"),
        ParameterSpec("gamma", "float", "", "0,5", "2"),
        ParameterSpec("mode", "choice", "fast, exact", is_runtime=False),
        ParameterSpec("label", "str", 'a "b"'),
        ParameterSpec("strict", "bool", "yes"),
        ParameterSpec("model", "input_path", is_runtime=False),
        ParameterSpec("log", "output_path", "log.txt"),
    ),
)
ALL_INPUTS = CellSpec("All", "my_cells", "", tuple(PortSpec(f"in_{kind}", kind) for kind in PORT_KINDS), ())
ALL_OUTPUTS = CellSpec("Everything", "my_cells", "", (), tuple(PortSpec(f"out_{kind}", kind) for kind in PORT_KINDS))
_OUTPUTS = tuple(PortSpec(f"out_{kind}", kind) for kind in PORT_KINDS)
MIXED = CellSpec("Mixed", "my_cells", "", (PortSpec("x", "any"),), _OUTPUTS)


def described(path, name):
    catalogue = Catalogue([path], installed=False)
    found = catalogue.find(name)
    assert found is not None and not found.problem, found and found.problem
    return found


@pytest.mark.parametrize("spec", [FILTER, replace(FILTER, keeps_state=True), ALL_INPUTS, ALL_OUTPUTS, MIXED])
def test_a_new_cell_is_a_type_of_the_engine_and_its_own_check_passes(tmp_path, spec):
    assert explain_spec(spec) == {}
    path, line = write_cell(tmp_path, spec)
    cell_type = described(path, f"my_cells.{spec.name}")
    assert [port.name for port in cell_type.inputs] == [port.name for port in spec.inputs]
    assert [port.name for port in cell_type.outputs] == [port.name for port in spec.outputs]
    assert [parameter.name for parameter in cell_type.parameters] == [parameter.name for parameter in spec.parameters]
    assert cell_type.line == line
    assert cell_type.supports_scaling is not spec.is_ordered
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_ports_and_parameters_have_the_types_that_were_asked_for(tmp_path):
    path, _ = write_cell(tmp_path, FILTER)
    cell_type = described(path, "my_cells.Threshold")
    assert cell_type.inputs[0].kinds == ("image",)
    assert cell_type.outputs[1].type.name == "int"
    level, gamma, mode, label, strict, model, log = cell_type.parameters
    assert (level.default, level.minimum, level.maximum, level.when) == (128, 0, 255, "runtime")
    assert (gamma.required, gamma.minimum, gamma.maximum) == (True, 0.5, 2.0)
    assert (mode.choices, mode.default, mode.when) == (("fast", "exact"), "fast", "config")
    assert (label.default, strict.default) == ('a "b"', True)
    assert (model.type.name, model.required, log.type.name) == ("input_path", True, "output_path")
    assert "bright" in cell_type.description


def test_the_type_of_every_port_is_the_one_its_name_says(tmp_path):
    path, _ = write_cell(tmp_path, ALL_OUTPUTS)
    kinds = {port.name: port.kinds for port in described(path, "my_cells.Everything").outputs}
    assert kinds["out_boxes"] == ("boxes",)
    assert kinds["out_record"] == ("record",)
    assert kinds["out_any"] == ("any",)


def test_a_second_cell_of_a_category_stands_behind_the_first_one(tmp_path):
    write_cell(tmp_path, FILTER)
    path, line = write_cell(tmp_path, ALL_OUTPUTS)
    text = path.read_text()
    assert text.splitlines()[line - 1] == "class Everything(ASingleCell):"
    catalogue = Catalogue([path], installed=False)
    assert [cell.class_name for cell in catalogue.get_types("my_cells")] == ["Threshold", "Everything"]
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "out_image:" in done.stdout and "image:" in done.stdout


def test_what_a_person_wrote_into_the_file_stays(tmp_path):
    path = tmp_path / "my_cells.py"
    mine = '"""Mine."""\n# a remark\nimport math\n\nPI = math.pi  # of mine\n'
    path.write_text(mine)
    write_cell(tmp_path, FILTER)
    text = path.read_text()
    assert all(line in text.splitlines() for line in mine.splitlines())
    assert described(path, "my_cells.Threshold")


def test_a_file_with_an_error_is_left_alone(tmp_path):
    path = tmp_path / "my_cells.py"
    path.write_text("def x(:\n")
    with pytest.raises(CannotAdd, match=r"my_cells\.py has an error in line 1"):
        write_cell(tmp_path, FILTER)
    assert path.read_text() == "def x(:\n"
    assert [found.name for found in tmp_path.iterdir()] == ["my_cells.py"]


def test_a_name_that_the_file_has_already_is_refused():
    with pytest.raises(CannotAdd, match="has a Threshold already"):
        extended_source(new_source(FILTER), FILTER)
    with pytest.raises(CannotAdd, match="has a check_Threshold already"):
        extended_source("def check_Threshold(): ...\n", FILTER)


def test_a_file_that_a_link_leads_to_is_written_and_the_link_stays(tmp_path):
    path, mine = tmp_path / "my_cells.py", tmp_path / "mine.txt"
    mine.write_text("PI = 3\n")
    mine.chmod(0o640)
    path.symlink_to(mine)
    write_cell(tmp_path, FILTER)
    assert path.is_symlink()
    assert "class Threshold" in mine.read_text()
    assert mine.stat().st_mode & 0o777 == 0o640


def test_a_file_that_is_read_only_is_left_alone(tmp_path, monkeypatch):
    path = tmp_path / "my_cells.py"
    path.write_text("PI = 3\n")
    monkeypatch.setattr(os, "access", lambda *_: False)  # a superuser may write anything
    with pytest.raises(CannotAdd, match=r"my_cells\.py cannot be written: the file is read-only\."):
        write_cell(tmp_path, FILTER)
    assert path.read_text() == "PI = 3\n"


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotAdd, match="cannot be written"):
        write_cell(tmp_path / "file", FILTER)


def test_the_line_of_a_cell_is_1_where_it_is_not_there():
    assert line_of_cell("x = 1", "Y") == line_of_cell("def x(:", "Y") == 1


def test_sources_are_python_that_a_formatter_would_leave_nearly_as_it_is():
    for spec in (FILTER, ALL_OUTPUTS):
        text = new_source(spec)
        ast.parse(text)
        assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize(
    ("change", "place", "words"),
    [
        ({"name": ""}, "name", "needs a name"),
        ({"name": "find edges"}, "name", "name of a class"),
        ({"name": "class"}, "name", "name of a class"),
        ({"name": "edges"}, "name", "capital letter, as classes do: Edges"),
        ({"name": "Pipeline"}, "name", "taken by the engine"),
        ({"name": "Taken"}, "name", "There is a my_cells.Taken already"),
        ({"category": ""}, "category", "name of the file"),
        ({"category": "my-cells"}, "category", "Letters, digits and _"),
        ({"category": "_mine"}, "category", "Letters, digits and _"),
        ({"category": "vision"}, "category", "not your own"),
        ({"inputs": (), "outputs": ()}, "ports", "needs an input or an output"),
        ({"inputs": (PortSpec("", "any"),)}, "inputs.0", "needs a name"),
        ({"inputs": (PortSpec("a", "any"), PortSpec("a", "any"))}, "inputs.1", "called a already"),
        ({"inputs": (PortSpec("self", "any"),)}, "inputs.0", "means something else"),
        ({"outputs": (PortSpec("a b", "any"),)}, "outputs.0", "Letters, digits and _"),
        ({"parameters": (ParameterSpec("image", "int"),)}, "parameters.0", "called image already"),
        (
            {"parameters": (ParameterSpec("a", "int", "1.5"),)},
            "parameters.0.default",
            'whole number is expected, not "1.5"',
        ),
        ({"parameters": (ParameterSpec("a", "float", "nan"),)}, "parameters.0.default", "number is expected"),
        (
            {"parameters": (ParameterSpec("a", "float", "5", "0", "2"),)},
            "parameters.0.default",
            "5, is not between",
        ),
        ({"parameters": (ParameterSpec("a", "float", "", "3", "2"),)}, "parameters.0.default", "more than the largest"),
        ({"parameters": (ParameterSpec("a", "choice", "one"),)}, "parameters.0.default", "two different values"),
        ({"parameters": (ParameterSpec("a", "bool", "perhaps"),)}, "parameters.0.default", "Yes or no"),
    ],
)
def test_what_is_wrong_is_told_at_its_place(change, place, words):
    problems = explain_spec(replace(FILTER, **change), {"my_cells.Taken"}, {"vision"})
    assert list(problems) == [place]
    assert words in problems[place]


def test_an_input_and_an_output_may_have_one_name():
    assert explain_spec(FILTER) == {}


def test_every_type_of_parameter_can_be_had(tmp_path):
    for kind in PARAMETER_LABELS:
        spec = replace(FILTER, parameters=(ParameterSpec("p", kind, "a, b" if kind == "choice" else ""),))
        assert explain_spec(spec) == {}
        folder = tmp_path / kind
        path, _ = write_cell(folder, spec)
        assert described(path, "my_cells.Threshold").parameters[0].name == "p"


def test_engine_and_studio_see_the_same_files(tmp_path):
    for name in ("b.py", "a.py", "_hidden.py", ".x.py", "text.txt"):
        (tmp_path / name).write_text("")
    (tmp_path / "folder.py").mkdir()
    assert list(studio_files.cell_files(tmp_path)) == cell_files(tmp_path) == [tmp_path / "a.py", tmp_path / "b.py"]


def test_a_wrong_file_of_a_folder_keeps_no_other_from_being_used(tmp_path):
    write_cell(tmp_path, FILTER)
    (tmp_path / "vision.py").write_text("")
    (tmp_path / "wrong.py").write_text("x = 1\nx = 1 / 0\n")
    catalogue = Catalogue(installed=False)
    approve_all(catalogue, folders=[tmp_path])
    assert catalogue.find("my_cells.Threshold").problem == ""
    assert catalogue.find("vision.Resize") is not None
    assert catalogue.get_types("wrong") == []
    failures, places = catalogue.get_failures(), catalogue.get_failure_places()
    assert "both have the category 'vision'" in failures[str(tmp_path / "vision.py")]
    assert "ZeroDivisionError" in failures["wrong"]
    assert places["wrong"] == (str(tmp_path / "wrong.py"), 2)
    assert catalogue.get_approved() == ["my_cells", "wrong"]
