"""The commands that run nothing, as processes."""

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from cli_support import PROBE

EXAMPLES = [
    "bottleneck",
    "edges_ray",
    "fibonacci",
    "multiply",
    "nested",
    "object_tracking",
    "people_tracking",
    "stocks",
]


def test_help_lists_the_commands(pypipeline) -> None:
    done = pypipeline("--help")
    assert done.returncode == 0
    for command in ("run", "validate", "show", "export", "cells", "examples"):
        assert f"\n  {command} " in done.stdout
    assert pypipeline("--version").stdout.startswith("pypipeline ")


def test_examples_are_listed_with_their_paths(pypipeline) -> None:
    lines = [line.split() for line in pypipeline("examples").stdout.splitlines()]
    assert [name for name, _ in lines] == EXAMPLES
    assert all(Path(path).is_file() for _, path in lines)


def test_examples_are_valid(pypipeline) -> None:
    for name in EXAMPLES:
        done = pypipeline("validate", f"example:{name}")
        assert done.returncode == 0, done.stderr
        assert f"{name}.json is valid: " in done.stdout
        assert done.stderr == ""


def test_a_valid_graph_is_summed_up(pypipeline, write_graph) -> None:
    write_graph({"count": "sources.Counter", "sink": "sinks.Null"}, "count.value > sink.item")
    assert pypipeline("validate", "graph.json").stdout == "graph.json is valid: 2 cells, 1 connection\n"


def test_a_wrong_graph_is_explained_with_lines(pypipeline, write_graph) -> None:
    path = write_graph({"count": "sources.Counter", "sink": "sinks.Null"}, "count.valeu > sink.item")
    done = pypipeline("validate", "graph.json")
    assert (done.returncode, done.stdout) == (2, "")
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if "count.valeu" in text)
    assert f"line {line - 1}, connections[0]" in done.stderr or f"line {line}, connections[0]" in done.stderr
    assert "Traceback" not in done.stderr


def test_own_cells_are_validated_too(pypipeline, write_graph) -> None:
    write_graph({"count": "sources.Counter", "hang": "probe.Hang"}, "count.value > hang.item")
    assert pypipeline("validate", "graph.json").returncode == 2
    assert pypipeline("validate", "graph.json", "--cells", PROBE).returncode == 0


def test_cells_are_listed_in_one_line_each(pypipeline) -> None:
    done = pypipeline("cells")
    assert done.returncode == 0
    assert done.stderr == ""
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("math.Multiply ")]
    assert line.split(maxsplit=4)[1:4] == ["a,", "b", "->"]
    assert line.endswith("Multiplies two numbers, or arrays element by element.")


def test_a_category_and_a_type(pypipeline) -> None:
    lines = pypipeline("cells", "probe", "--cells", PROBE).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["probe.Fail", "probe.FailAtDeployment", "probe.Hang", "probe.Shout"]
    text = pypipeline("cells", "sources.Counter").stdout
    assert "\nOutputs\n  value (Number): " in text
    assert "\n  count (int | None; default None; at least 0; items; read at deployment): " in text
    assert "\nScaling: one clone at most\n" in text


def test_an_unknown_type_is_named_with_the_nearest_one(pypipeline) -> None:
    done = pypipeline("cells", "sources.Cuonter")
    assert done.returncode == 2
    assert 'did you mean "sources.Counter"?' in done.stderr


def test_the_catalogue_as_json(pypipeline) -> None:
    data = json.loads(pypipeline("cells", "--json").stdout)
    assert data["failures"] == {}
    types = {cell_type["name"]: cell_type for cell_type in data["types"]}
    hog = types["detection.HogPeople"]
    assert [port["name"] for port in hog["outputs"]] == ["boxes"]
    assert "hit_threshold" in [parameter["name"] for parameter in hog["parameters"]]


def test_a_library_that_fails_is_told_apart_from_the_rest(pypipeline, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import no_such_module\n")
    done = pypipeline("cells", "--cells", "broken.py")
    assert done.returncode == 0
    assert "sources.Counter" in done.stdout
    assert "The category broken cannot be used: " in done.stderr
    assert "no_such_module" in done.stderr
    assert "Traceback" not in done.stderr


def test_show_draws_a_graph(pypipeline, tmp_path: Path) -> None:
    text = pypipeline("show", "example:people_tracking").stdout
    assert text.startswith("people_tracking: 6 cells\n")
    assert "frame -> detect.image" in text
    assert pypipeline("show", "example:fibonacci", "--format", "mermaid").stdout.startswith("flowchart LR\n")
    done = pypipeline("show", "example:nested", "--format", "svg", "-o", "nested.svg")
    assert (done.returncode, done.stdout) == (0, "")
    assert ElementTree.fromstring((tmp_path / "nested.svg").read_text()).tag.endswith("svg")
    assert pypipeline("show", "example:nested", "--format", "png").returncode == 2


def test_an_exported_program_does_what_the_graph_does(pypipeline, tmp_path: Path) -> None:
    done = pypipeline("export", "example:multiply", "-o", "app.py")
    assert (done.returncode, done.stdout) == (0, "")
    assert pypipeline("export", "example:multiply").stdout == (tmp_path / "app.py").read_text()
    program = subprocess.run([sys.executable, "app.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert program.stdout == "0\n-1\n2\n-3\n4\n", program.stderr


def test_a_wrong_graph_is_neither_shown_nor_exported(pypipeline, write_graph, tmp_path: Path) -> None:
    write_graph({"count": "sources.Counter", "sink": "sinks.Null"}, "count.valeu > sink.item")
    for command in ("show", "export"):
        done = pypipeline(command, "graph.json", "-o", "out.txt")
        assert done.returncode == 2
        assert "connections[0]" in done.stderr
        assert not (tmp_path / "out.txt").exists()
    assert "--output: " in pypipeline("show", "example:multiply", "-o", "missing/out.txt").stderr
