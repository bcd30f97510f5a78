"""The examples that ship, each run as the README says."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from pypipeline_engine.graph import read_file, to_text
from pypipeline_engine.graph.model import Body
from pypipeline_engine.resources import get_examples

NODE_WIDTH, NODE_HEIGHT = 204, 200
ARGUMENTS = {
    "bottleneck": ["--set", "numbers.count=20"],
    "edges_ray": ["--set", "video.count=12"],
    "fibonacci": [],
    "multiply": [],
    "nested": [],
    "object_tracking": ["--set", "video.count=12"],
    "people_tracking": ["--set", "video.count=12"],
    "stocks": [],
}


def run(name: str, folder: Path) -> str:
    """Run an example to its end; returns what it prints."""
    command = [sys.executable, "-m", "pypipeline_engine", "run", name, "--output-dir", "out", *ARGUMENTS[name]]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr
    assert f"{name} ended: " in done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def test_all_of_them_are_tested_here() -> None:
    assert set(get_examples()) == set(ARGUMENTS)


def test_multiply_is_the_example_of_the_readme(tmp_path: Path) -> None:
    assert run("multiply", tmp_path) == "0\n-1\n2\n-3\n4\n"


def test_fibonacci(tmp_path: Path) -> None:
    numbers = [int(line) for line in run("fibonacci", tmp_path).splitlines()]
    assert numbers[:5] == [1, 2, 3, 5, 8]
    assert numbers[-1] == 1346269
    assert all(a + b == c for (a, b), (_, c) in pairwise(pairwise(numbers)))


def test_bottleneck(tmp_path: Path) -> None:
    assert run("bottleneck", tmp_path) == ""


def test_nested(tmp_path: Path) -> None:
    lines = run("nested", tmp_path).splitlines()
    assert lines == [f"x² + x = {x * x + x}" for x in range(0, 1000, 100)]


def test_stocks(tmp_path: Path) -> None:
    run("stocks", tmp_path)
    signals = [json.loads(line) for line in (tmp_path / "out/signals.jsonl").read_text().splitlines()]
    assert len(signals) == 500
    crossings = [signal for signal in signals if signal]
    assert 6 <= len(crossings) <= 40
    assert all(a == -b for a, b in pairwise(crossings)), "up and down take turns"


@pytest.mark.slow
def test_people_tracking(tmp_path: Path) -> None:
    run("people_tracking", tmp_path)
    rows = [line.split(",") for line in (tmp_path / "out/tracks.txt").read_text().splitlines()]
    assert {int(row[0]) for row in rows} <= set(range(1, 13))
    assert len(rows) >= 10
    assert count_frames(tmp_path / "out/people.mp4") == 12


@pytest.mark.slow
def test_object_tracking(tmp_path: Path) -> None:
    run("object_tracking", tmp_path)
    assert count_frames(tmp_path / "out/objects.mp4") == 12


@pytest.mark.slow
def test_edges_ray(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    run("edges_ray", tmp_path)
    assert count_frames(tmp_path / "out/edges.mp4") == 12


def count_frames(path: Path) -> int:
    cv2 = pytest.importorskip("cv2")
    video = cv2.VideoCapture(str(path))
    frames = 0
    while video.read()[0]:
        frames += 1
    return frames


@pytest.mark.parametrize("name", ARGUMENTS)
def test_they_are_written_as_the_engine_writes(name: str) -> None:
    path = get_examples()[name]
    assert to_text(read_file(path)) == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ARGUMENTS)
def test_their_cells_lie_tidily(name: str) -> None:
    """No cell lies over another one, and connections run from left to right, recurrent ones aside."""

    def check(body: Body) -> None:
        places = {cell: body.view[cell]["pos"] for cell in body.cells}
        for one, (x, y) in places.items():
            for other, (u, v) in places.items():
                assert one == other or abs(x - u) >= NODE_WIDTH + 40 or abs(y - v) >= NODE_HEIGHT + 40, (one, other)
        for connection in body.connections:
            source, target = (end.rpartition(".")[0] for end in (connection.source, connection.target))
            if source and target and not body.cells[source].initial_values and source != target:
                assert places[source][0] < places[target][0], str(connection)
        for cell in body.cells.values():
            check(cell)

    check(read_file(get_examples()[name]))
