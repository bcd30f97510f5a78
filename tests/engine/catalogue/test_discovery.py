"""Finding types of cells, and what is imported meanwhile."""

import hashlib
import importlib
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from pypipeline_engine.catalogue import discovery
from pypipeline_engine.catalogue.discovery import ENTRY_POINTS, OWN_CATEGORIES, Catalogue, own_entry_points
from pypipeline_engine.exceptions import GraphException

ROOT = Path(__file__).parents[3]

CELL = """
from pypipeline_engine.cell import ASingleCell, Pipeline
from pypipeline_engine.cellio import ConfigParameter, Input, Output, RuntimeParameter
from pypipeline_engine.cells.math import Add


class Double(ASingleCell):
    \"\"\"Doubles
    a number.
    \"\"\"

    def __init__(self, parent_cell, name):
        super().__init__(parent_cell, name)
        self.number: Input[float] = Input(self, "number", doc="What is doubled.")
        self.result: Output[float] = Output(self, "result", initial_value=0)
        self.times: RuntimeParameter[int] = RuntimeParameter(
            self, "times", default_value=2, minimum=0, maximum=9, unit="x", doc="How often."
        )
        self.mode: ConfigParameter[str] = ConfigParameter(self, "mode", choices=("a", "b"))

    def _on_pull(self) -> None:
        self.result.set_value(self.number.pull() * self.times.pull())

    def supports_scaling(self) -> bool:
        return False


class _Hidden(Double):
    pass


class Broken(Double):
    def __init__(self, parent_cell, name):
        super().__init__(parent_cell, name)
        raise RuntimeError("no camera")


class Demanding(Double):
    def __init__(self, parent_cell, name, model):
        super().__init__(parent_cell, name)


class Abstract(ASingleCell):
    pass
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str, content: str = CELL) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(content), encoding="utf-8")
        return path

    return write


@pytest.fixture
def importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder from which modules can be imported."""
    folder = tmp_path / "importable"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        if str(folder) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def run(program: str, *options: str) -> str:
    done = subprocess.run([sys.executable, *options, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# ---------------------------------------------------------------------- the cells that ship


def test_every_category_that_ships_is_found_and_every_cell_can_be_described() -> None:
    catalogue = Catalogue(installed=False)
    types = catalogue.get_types()
    assert catalogue.get_failures() == {}
    assert [cell_type.name for cell_type in types if cell_type.problem] == []
    assert {cell_type.category for cell_type in types} == set(OWN_CATEGORIES)
    assert all(cell_type.description and cell_type.line and cell_type.file for cell_type in types)
    undocumented = [
        f"{cell_type.name}.{port.name}"
        for cell_type in types
        for port in (*cell_type.inputs, *cell_type.outputs, *cell_type.parameters)
        if not port.doc or not port.type_text
    ]
    assert undocumented == []


def test_the_cells_that_ship_are_registered_as_those_of_any_distribution() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    registered = project.get("entry-points", {}).get(ENTRY_POINTS)
    assert registered == {entry.name: entry.value for entry in own_entry_points()}


def test_a_lookup_imports_the_module_of_its_category_and_no_other() -> None:
    program = """
    import sys
    from pypipeline_engine.catalogue.discovery import Catalogue
    catalogue = Catalogue()
    assert "pypipeline_engine.cells" not in sys.modules
    assert catalogue.find("math.Add").problem == ""
    loaded = [name for name in sys.modules if name.startswith("pypipeline_engine.cells.")]
    assert "pypipeline_engine.cells.math" in loaded
    assert not {"pypipeline_engine.cells." + name for name in ("sources", "vision", "detection", "ai")} & set(loaded)
    """
    run(textwrap.dedent(program))


def test_listing_all_loads_no_heavy_library() -> None:
    program = "from pypipeline_engine.catalogue.discovery import Catalogue; Catalogue().get_types()"
    assert (
        run(f"import sys; {program}; print({{'cv2', 'ray', 'torch', 'onnxruntime', 'scipy'}} & set(sys.modules))")
        == "set()"
    )


def test_works_from_a_source_tree_that_is_not_installed() -> None:
    program = """
    import importlib.metadata
    importlib.metadata.entry_points = lambda **_: ()
    from pypipeline_engine.catalogue.discovery import Catalogue
    print(Catalogue().find("sources.Counter").name)
    """
    assert run(textwrap.dedent(program)) == "sources.Counter"


# ---------------------------------------------------------------------- descriptions


def test_a_cell_is_described_as_data(write: Callable[..., Path]) -> None:
    path = write("my_cells.py")
    catalogue = Catalogue([path])
    found = catalogue.find("my_cells.Double")
    assert found is not None
    assert found.model_dump(exclude_defaults=True, exclude={"parameters", "module"}) == {
        "name": "my_cells.Double",
        "category": "my_cells",
        "class_name": "Double",
        "description": "Doubles\na number.",
        "inputs": (
            {
                "name": "number",
                "doc": "What is doubled.",
                "type": {"name": "float"},
                "type_text": "float",
                "attribute": "number",
                "kinds": ("number",),
            },
        ),
        "outputs": (
            {
                "name": "result",
                "type": {"name": "float"},
                "type_text": "float",
                "attribute": "result",
                "has_initial_value": True,
                "kinds": ("number",),
            },
        ),
        "supports_scaling": False,
        "file": str(path),
        "line": 7,
        "library": str(path),
        "is_source": False,
        "is_sink": False,
    }
    times, mode = found.parameters
    assert (times.when, times.unit, times.minimum, times.maximum) == ("runtime", "x", 0, 9)
    assert (times.default, times.required, times.doc, times.is_connectable) == (2, False, "How often.", True)
    assert (mode.when, mode.choices, mode.required, mode.is_connectable) == ("config", ("a", "b"), True, False)


def test_a_description_travels_as_json(write: Callable[..., Path]) -> None:
    catalogue = Catalogue([write("my_cells.py")])
    for cell_type in catalogue.get_types():
        assert type(cell_type).model_validate_json(cell_type.model_dump_json()) == cell_type


def test_a_cell_whose_constructor_fails_is_described_by_that_and_the_others_stay(write: Callable[..., Path]) -> None:
    catalogue = Catalogue([write("my_cells.py")])
    problems = {cell_type.class_name: cell_type.problem for cell_type in catalogue.get_types("my_cells")}
    assert problems == {
        "Double": "",
        "Broken": "Broken cannot be made: RuntimeError: no camera",
        "Demanding": "the constructor of Demanding must do with the parent cell and the name; give further arguments "
        "defaults, or make them parameters of the cell",
    }


@pytest.mark.parametrize(
    ("lie", "problem"),
    [
        ("self.a = RuntimeParameter(self, 'a', unit=object(), default_value=1)", "validation error"),
        ("self.supports_scaling = lambda: 1 / 0", "ZeroDivisionError"),
        ("self.get_outputs = lambda: None", "TypeError"),
        ("raise StopIteration", "StopIteration"),
    ],
)
def test_a_cell_that_lies_about_itself_does_not_bring_the_catalogue_down(
    write: Callable[..., Path], lie: str, problem: str
) -> None:
    cell = "class Liar(Double):\n    def __init__(self, parent_cell, name):\n"
    cell += f"        super().__init__(parent_cell, name)\n        {lie}\n"
    catalogue = Catalogue([write("my_cells.py", CELL + "\n\n" + cell)])
    found = catalogue.find("my_cells.Liar")
    assert found is not None
    assert problem in found.problem
    assert len(catalogue.get_types("my_cells")) == 4


# ---------------------------------------------------------------------- approved files and modules


def test_a_file_that_was_not_approved_is_not_found(write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("my_cells.py", "raise SystemExit('must not run')")
    monkeypatch.chdir(path.parent)
    assert Catalogue().find("my_cells.Double") is None


def test_a_file_that_was_approved_runs_at_the_first_lookup(write: Callable[..., Path]) -> None:
    marker = "import builtins\nbuiltins.marker_of_the_test = True\n"
    catalogue = Catalogue([write("my_cells.py", marker + CELL)])
    import builtins

    assert not hasattr(builtins, "marker_of_the_test")
    try:
        assert catalogue.find("my_cells.Double") is not None
        assert builtins.marker_of_the_test  # type: ignore[attr-defined]
    finally:
        del builtins.marker_of_the_test  # type: ignore[attr-defined]


def test_what_runs_is_what_was_approved(write: Callable[..., Path]) -> None:
    path = write("my_cells.py")
    catalogue = Catalogue([path])
    write("my_cells.py", "raise RuntimeError('changed after the approval')")
    found = catalogue.find("my_cells.Double")
    assert found is not None
    assert found.problem == ""
    assert found.inputs[0].type_text == "float", "the types are read from what was approved as well"


def test_a_file_with_another_content_than_the_approved_one_is_refused(write: Callable[..., Path]) -> None:
    path = write("my_cells.py")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    Catalogue().approve(path, sha256)
    write("my_cells.py", CELL + "\n")
    with pytest.raises(GraphException, match="has changed since it was approved"):
        Catalogue().approve(path, sha256)


def test_files_of_the_same_name_do_not_collide(write: Callable[..., Path]) -> None:
    first = Catalogue([write("one/my_cells.py", CELL)]).resolve("my_cells.Double")
    second = Catalogue([write("two/my_cells.py", CELL)]).resolve("my_cells.Double")
    assert first is not second
    assert first.__module__ != second.__module__
    assert Catalogue([write("one/my_cells.py", CELL)]).resolve("my_cells.Double") is first, "the same file runs once"


def test_a_file_named_like_a_module_hides_nothing(write: Callable[..., Path]) -> None:
    json_module = sys.modules["json"]
    assert Catalogue([write("json.py")]).find("json.Double") is not None
    assert importlib.import_module("json") is json_module


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x = 1\nboom()\n", r"NameError: name 'boom' is not defined \(line 2: boom\(\)\)"),
        ("def f():\n    raise ValueError('why')\nf()\n", r"ValueError: why \(line 2: raise ValueError\('why'\)\)"),
        ("class A\n", r"SyntaxError: .*my_cells\.py, line 1\)"),
        ("import no_such_module_at_all\n", r"ModuleNotFoundError: No module named 'no_such_module_at_all' \(line 1"),
        ("import sys\nsys.exit(3)\n", r"SystemExit: 3 \(line 2"),
        ("import numpy.no_such_part\n", r"ModuleNotFoundError: .*\(line 1"),
        ("\x00", r"cannot be loaded: (SyntaxError|ValueError)"),
    ],
)
def test_a_file_that_fails_is_explained_in_one_message(write: Callable[..., Path], content: str, message: str) -> None:
    path = write("my_cells.py", content)
    catalogue = Catalogue([path])
    with pytest.raises(GraphException, match=message) as caught:
        catalogue.resolve("my_cells.Double")
    assert str(path) in str(caught.value)
    assert "Traceback" not in str(caught.value)
    found = catalogue.find("my_cells.Double")
    assert found is not None
    assert found.problem == str(caught.value)
    assert catalogue.get_failures() == {"my_cells": str(caught.value)}
    assert catalogue.find("math.Add") is not None, "the others stay usable"


def test_a_file_that_is_not_there_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(GraphException, match=r"missing\.py cannot be read: No such file"):
        Catalogue([tmp_path / "missing.py"])
    with pytest.raises(GraphException, match="cannot be read"):
        Catalogue(["missing.py"])
    with pytest.raises(GraphException, match="expected a Python file or the name of a module with cells"):
        Catalogue(["not a module"])


def test_modules_can_be_approved_by_name(write: Callable[..., Path], importable: Path) -> None:
    write("importable/a_package_of_the_test/__init__.py", "")
    write("importable/a_package_of_the_test/my_cells.py", CELL)
    catalogue = Catalogue(["a_package_of_the_test.my_cells"])
    assert "a_package_of_the_test" not in sys.modules
    found = catalogue.find("my_cells.Double")
    assert found is not None
    assert found.module == "a_package_of_the_test.my_cells"


def test_a_module_that_is_not_installed_is_named(importable: Path) -> None:
    with pytest.raises(GraphException, match=r"there is no module no_such_package; install it"):
        Catalogue(["no_such_package.my_cells"]).resolve("my_cells.Double")


def test_a_module_that_fails_is_explained(write: Callable[..., Path], importable: Path) -> None:
    write("importable/failing_module_of_the_test.py", "import os\nos.no_such_thing\n")
    with pytest.raises(GraphException, match=r"AttributeError: .*\(line 2: os\.no_such_thing\)"):
        Catalogue(["failing_module_of_the_test"]).resolve("failing_module_of_the_test.X")


def test_all_decides_which_cells_a_module_offers(write: Callable[..., Path]) -> None:
    catalogue = Catalogue([write("my_cells.py", CELL + "\n__all__ = ['_Hidden', 'Add', 'Pipeline', 'missing']\n")])
    assert [cell_type.class_name for cell_type in catalogue.get_types("my_cells")] == ["_Hidden", "Add"]


def test_without_all_a_module_offers_what_it_defines(write: Callable[..., Path]) -> None:
    catalogue = Catalogue([write("my_cells.py")])
    names = [cell_type.class_name for cell_type in catalogue.get_types("my_cells")]
    assert names == ["Double", "Broken", "Demanding"], "nothing imported, hidden or abstract"


# ---------------------------------------------------------------------- two libraries, one category


def test_two_libraries_of_one_category_are_both_named(write: Callable[..., Path]) -> None:
    one, two = write("one/my_cells.py"), write("two/my_cells.py")
    with pytest.raises(GraphException) as caught:
        Catalogue([one, two])
    assert str(one) in str(caught.value)
    assert str(two) in str(caught.value)
    with pytest.raises(GraphException, match="both have the category 'math'"):
        Catalogue([write("math.py")])
    Catalogue([one, one])  # the same one twice is one


def test_two_distributions_of_one_category_are_both_named(monkeypatch: pytest.MonkeyPatch) -> None:
    other = EntryPoint("math", "other_library.cells", ENTRY_POINTS)
    monkeypatch.setattr(discovery, "entry_points", lambda group: [*own_entry_points(), other])
    catalogue = Catalogue()
    with pytest.raises(
        GraphException, match=r"pypipeline_engine\.cells\.math of .* and other_library\.cells of"
    ) as caught:
        catalogue.resolve("math.Add")
    assert "'math'" in str(caught.value)
    assert catalogue.find("sources.Counter") is not None, "the other categories stay usable"


def test_an_entry_point_brings_the_cells_of_its_module(
    write: Callable[..., Path], importable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("importable/library_of_the_test.py")
    entry = EntryPoint("astronomy", "library_of_the_test", ENTRY_POINTS)
    monkeypatch.setattr(discovery, "entry_points", lambda group: [entry])
    catalogue = Catalogue()
    assert "library_of_the_test" not in sys.modules
    assert catalogue.resolve("astronomy.Double").__module__ == "library_of_the_test"
    assert "astronomy" not in Catalogue(installed=False).get_categories()


# ---------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("math.Ad", 'did you mean "math.Add"?'),
        ("math.add", 'did you mean "math.Add"?'),
        ("maths.Add", 'did you mean "math.Add"?'),
        ("vision.HogPeople", 'did you mean "detection.HogPeople"?'),
        ("Add", 'did you mean "math.Add"?'),
        ("pipeline", 'did you mean "Pipeline"?'),
        ("math.Zzzz", "math has Expression, Multiply, Add"),
        ("zzz.Qqqq", 'no library with the category "zzz" is installed or approved'),
        ("", "types are written as category.Class"),
        ("...", "is not known"),
    ],
)
def test_an_unknown_type_comes_with_the_nearest_known_one(name: str, hint: str) -> None:
    catalogue = Catalogue(installed=False)
    assert catalogue.find(name) is None
    assert hint in catalogue.explain_unknown(name)
    with pytest.raises(GraphException):
        catalogue.resolve(name)


def test_classes_lead_back_to_their_names(write: Callable[..., Path]) -> None:
    catalogue = Catalogue([write("my_cells.py")])
    assert catalogue.get_type_name(catalogue.resolve("my_cells.Double")) == "my_cells.Double"
    assert catalogue.get_type_name(catalogue.resolve("sources.VideoFile")) == "sources.VideoFile"
    assert catalogue.get_type_name(dict) is None
