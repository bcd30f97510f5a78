"""What may import what, and what an import may cost."""

import ast
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ENGINE = ROOT / "pypipeline_engine"
STUDIO = ROOT / "pypipeline_studio"
LOADED_WHERE_USED = {"cv2", "onnxruntime", "ray", "scipy", "torch"}
NEEDS_RAY = {
    ENGINE / "runtime" / "remote" / f"{name}.py"
    for name in ("buffers", "clone", "messages", "servant", "travel", "worker")
}
"""Loaded by functions only, where somebody asks for clones in other processes."""
PUBLIC_API = {
    "pypipeline_engine",
    "pypipeline_engine.cell",
    "pypipeline_engine.cellio",
    "pypipeline_engine.connection",
    "pypipeline_engine.exceptions",
    "pypipeline_engine.expressions",
    "pypipeline_engine.validation",
}


def imports_at_load(path: Path) -> Iterator[tuple[int, str]]:
    """Line and module of everything that is imported when the module at `path` is: not in functions, not for types only."""

    def visit(node: ast.AST) -> Iterator[tuple[int, str]]:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "." * node.level + (node.module or "")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for inner in node.orelse:
                yield from visit(inner)
        else:
            for inner in ast.iter_child_nodes(node):
                yield from visit(inner)

    yield from visit(ast.parse(path.read_text(encoding="utf-8")))


def modules(folder: Path = ENGINE) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def loaded_by(statement: str) -> set[str]:
    """The top-level modules that are loaded after `statement` in a fresh interpreter."""
    code = f"{statement}\nimport sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_floors_hold() -> None:
    """The contracts stand in pyproject.toml, under `tool.importlinter`."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_importing_the_package_loads_no_heavy_library() -> None:
    assert not loaded_by("import pypipeline_engine") & (LOADED_WHERE_USED | {"numpy", "pydantic", "rich", "click"})


@pytest.mark.parametrize(
    "package",
    ["cell", "cellio", "connection", "runtime", "runtime.remote.cluster", "graph", "catalogue", "insight", "cli.app"],
)
def test_only_the_cells_need_numpy(package: str) -> None:
    assert not loaded_by(f"import pypipeline_engine.{package}") & (LOADED_WHERE_USED | {"numpy"})


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_heavy_libraries_are_imported_where_they_are_used(path: Path) -> None:
    heavy = LOADED_WHERE_USED - {"ray"} if path in NEEDS_RAY else LOADED_WHERE_USED
    early = {(line, name) for line, name in imports_at_load(path) if name.partition(".")[0] in heavy}
    assert not early, f"{path}: import inside of the function that uses it"


@pytest.mark.parametrize("path", modules(ENGINE / "cells"), ids=lambda path: path.name)
def test_shipped_cells_use_the_public_api_only(path: Path) -> None:
    others = {
        (line, name)
        for line, name in imports_at_load(path)
        if name.startswith("pypipeline_engine")
        and name not in PUBLIC_API
        and not f"{name}.".startswith("pypipeline_engine.cells.")
    }
    assert not others, f"{path}: what is not public a user's cell could not use either"


def test_the_studio_loads_no_cell_and_nothing_heavy() -> None:
    code = "import pypipeline_studio.window.main_window, sys; print(*sys.modules)"
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-P", "-W", "ignore", "-c", code], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert "pypipeline_engine.host.protocol" in loaded
    # Of the core it knows `topology`: order and cycles, over whatever has them.
    unwanted = ("cell", "cellio", "cells", "cli", "connection", "core.monitor", "insight", "runtime")
    assert not loaded & {f"pypipeline_engine.{name}" for name in unwanted}
    assert not loaded & {*LOADED_WHERE_USED, "numpy", "starlette", "uvicorn"}


@pytest.mark.parametrize("path", [*modules(), *modules(STUDIO)], ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_are_absolute(path: Path) -> None:
    assert not [name for _, name in imports_at_load(path) if name.startswith(".")]


def test_every_package_is_installed() -> None:
    """`packages` in pyproject.toml is a list: setuptools cannot find a folder that is installed under another name."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    code = {
        path.parent.relative_to(ROOT) for package in ROOT.glob("pypipeline_*/") for path in package.rglob("__init__.py")
    }
    data = {path.parent.relative_to(ROOT / "resources") for path in (ROOT / "resources").glob("*/*")} - {
        Path("__pycache__")
    }
    there = {".".join(path.parts) for path in code}
    there |= {".".join(("pypipeline_resources", *path.parts)) for path in {Path(), *data}}
    assert set(settings["packages"]) == there
    code_data = {"pypipeline_engine", "pypipeline_studio"}
    assert set(settings["package-data"]) == {*code_data, *(f"pypipeline_resources.{path}" for path in data)}
