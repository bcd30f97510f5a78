"""The distribution as a user gets it: a wheel, installed into an empty environment. Needs the package index."""

import json
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "pypipeline_engine", "pypipeline_studio", "resources")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


class Environment:
    """A virtual environment, and a folder to work in that is far from the source tree."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "venv" / "bin"
        venv.create(folder / "venv", with_pip=True)

    def __call__(self, command: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        program = command if command == "env" else self.bin / command
        return subprocess.run(
            [program, *map(str, arguments)], cwd=self.folder, capture_output=True, text=True, timeout=600
        )

    def install(self, requirement: str) -> None:
        done = self("python", "-m", "pip", "install", "--disable-pip-version-check", "--quiet", requirement)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy: a build leaves files behind."""
    tree = tmp_path_factory.mktemp("tree")
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tree / name)
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", tree / "dist", tree]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "absent from the `packages` configuration" not in done.stdout + done.stderr
    (built,) = (tree / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    environment = Environment(tmp_path_factory.mktemp("elsewhere"))
    environment.install(str(wheel))
    return environment


@pytest.fixture(scope="module")
def environment_with_vision(environment: Environment, wheel: Path) -> Environment:
    environment.install(f"{wheel}[vision]")
    return environment


def test_without_extras_the_engine_and_its_examples_are_there(environment: Environment) -> None:
    examples = environment("pypipeline", "examples").stdout
    assert str(environment.folder / "venv") in examples
    assert str(ROOT) not in examples
    assert environment("pypipeline", "--version").stdout == "pypipeline 0.1.0\n"
    assert environment("pypipeline", "run", "multiply").stdout == "0\n-1\n2\n-3\n4\n"
    done = environment("python", "-m", "pypipeline_engine", "run", "stocks", "--output-dir", "out")
    assert done.returncode == 0, done.stderr
    assert len((environment.folder / "out/signals.jsonl").read_text().splitlines()) == 500
    types = json.loads(environment("pypipeline", "cells", "--json").stdout)
    assert types["failures"] == {}
    assert "detection.HogPeople" in [cell_type["name"] for cell_type in types["types"]]


def test_a_missing_extra_is_named(environment: Environment) -> None:
    done = environment("pypipeline", "run", "people_tracking")
    assert done.returncode == 1
    assert "pip install 'pypipeline-studio[vision]'" in done.stderr
    assert "Traceback" not in done.stderr
    done = environment("env", "QT_QPA_PLATFORM=offscreen", environment.bin / "pypipeline-studio")
    assert done.returncode == 1
    assert "pip install 'pypipeline-studio[studio]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_package_is_typed(environment: Environment) -> None:
    (marker,) = (environment.folder / "venv").glob("lib/*/site-packages/pypipeline_engine/py.typed")
    assert marker.exists()


def test_with_vision_people_are_tracked(environment_with_vision: Environment) -> None:
    environment = environment_with_vision
    done = environment("pypipeline", "run", "people_tracking", "--output-dir", "people", "--max-items", 12)
    assert done.returncode == 0, done.stderr
    assert "detect limits the pipeline to" in done.stderr
    assert (environment.folder / "people/people.mp4").stat().st_size > 10_000
    assert (environment.folder / "people/tracks.txt").read_text().count("\n") > 10


def test_a_graph_is_run_from_python(environment_with_vision: Environment) -> None:
    code = (
        "from pypipeline_engine import load_pipeline\n"
        "from importlib.resources import files\n"
        "graph = files('pypipeline_resources') / 'examples' / 'multiply.json'\n"
        "load_pipeline(graph).run().wait()\n"
    )
    done = environment_with_vision("python", "-c", code)
    assert (done.returncode, done.stdout) == (0, "0\n-1\n2\n-3\n4\n"), done.stderr


def test_the_studio_finds_its_fonts_icons_and_examples(environment_with_vision: Environment, wheel: Path) -> None:
    environment = environment_with_vision
    environment.install(f"{wheel}[studio]")
    code = """
import os
from pathlib import Path
from PySide6.QtGui import QFontDatabase
from pypipeline_engine.resources import get_examples
from pypipeline_studio.theme.icons import glyph
from pypipeline_studio.window.application import make_application
from pypipeline_studio.window.main_window import MainWindow

application = make_application("dark")
window = MainWindow(Path())
window.session.open(get_examples()["nested"])
window.show()
assert "Inter" in QFontDatabase.families()
assert glyph("film-strip") != glyph("there is no such icon")
assert window.canvas.picture().width() > 1000
print("all there", flush=True)
os._exit(0)
"""
    done = environment("env", "QT_QPA_PLATFORM=offscreen", environment.bin / "python", "-c", code)
    assert done.stdout == "all there\n", done.stderr
