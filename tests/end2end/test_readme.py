"""The code in README.md does what is said about it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def block(language: str, containing: str) -> str:
    """The one code block that contains a text."""
    blocks = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    (found,) = [code for code in blocks if containing in code]
    return found


def run(*arguments: object, folder: Path) -> str:
    """What a Python process prints."""
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=folder, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_pipeline_in_python(tmp_path: Path) -> None:
    assert run("-c", block("python", "MyPipeline"), folder=tmp_path) == "0\n-1\n2\n-3\n4\n"


def test_running_it_and_scaling_a_cell_of_it(tmp_path: Path) -> None:
    code = block("python", "MyPipeline").partition("\npipeline = ")[0]
    code += block("python", "ScalableMultiplier")
    code += (
        code[code.index("class MyPipeline") : code.index("class ScalableMultiplier")]
        .replace('MultiplierCell(self, "multiplier")', 'ScalableMultiplier(self, "multiplier")')
        .partition("from pypipeline_engine")[0]
    )
    code += 'pipeline = MyPipeline(None, "my_pipeline")\n'
    code += block("python", "handle.wait()").replace("1000", "7")
    *numbers, rate = run("-c", code, folder=tmp_path).split()
    assert numbers == ["0", "-1", "2", "-3", "4", "-5", "6"]
    assert float(rate) > 0


def test_cells_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mycells.py").write_text(block("python", "class Scale("))
    (tmp_path / "graph.json").write_text("""{
      "format": "pypipeline.graph", "version": 1,
      "cells": {"count": {"type": "sources.Counter", "parameters": {"count": 3}},
                "scale": {"type": "mycells.Scale", "parameters": {"factor": 1.5}},
                "print": {"type": "sinks.Console"}},
      "connections": [["count.value", "scale.value"], ["scale.scaled", "print.item"]]
    }""")
    commands = [line.removeprefix("pypipeline ") for line in block("shell", "mycells.py").splitlines()]
    listing, output = [run("-m", "pypipeline_engine", *command.split(), folder=tmp_path) for command in commands]
    assert re.match(r"mycells\.Scale  value -> scaled  Multiplies numbers by a factor\.", listing)
    assert output == "0.0\n1.5\n3.0\n"


def test_the_graph_file(tmp_path: Path) -> None:
    video = Path(__file__).parents[2] / "resources/examples/pedestrians.mp4"
    (tmp_path / "people.mp4").symlink_to(video)
    (tmp_path / "people.json").write_text(block("json", '"people"'))
    assert "is valid" in run("-m", "pypipeline_engine", "validate", "people.json", folder=tmp_path)
    run("-m", "pypipeline_engine", "run", "people.json", "--max-items", 3, folder=tmp_path)
    assert (tmp_path / "tracks.txt").exists()


@pytest.mark.parametrize("command", re.findall(r"^\| `pypipeline (\w+)", README, re.MULTILINE))
def test_the_commands_are_there(command: str, tmp_path: Path) -> None:
    assert f"pypipeline {command}" in run("-m", "pypipeline_engine", command, "--help", folder=tmp_path)


@pytest.mark.parametrize("link", sorted({link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link}))
def test_the_links_lead_somewhere(link: str) -> None:
    assert (Path(__file__).parents[2] / link).exists()
