"""`pypipeline tune` as a user meets it: what it writes, shows, refuses, and leaves alone."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from cli_support import PROBE, TIMEOUT_S, read_until

ENDLESS = {"type": "sources.Counter"}
WORK = {"type": "demo.Work", "parameters": {"milliseconds": 20}}
CONNECTIONS = ("count.value > work.item", "work.item > sink.item")
BUDGET = ("--budget", 6, "--methods", "thread", "--max-clones", 4)


def test_a_slow_cell_gets_threads_and_the_graph_is_else_the_same(pypipeline, write_graph, tmp_path: Path) -> None:
    cells = {"count": ENDLESS, "work": WORK, "sink": "sinks.Null"}
    graph = write_graph(cells, *CONNECTIONS)
    before = graph.read_bytes()
    done = pypipeline("tune", "graph.json", *BUDGET, "--output", "tuned.json", "--report", "report.txt")
    assert done.returncode == 0, done.stderr
    assert graph.read_bytes() == before
    tuned = json.loads((tmp_path / "tuned.json").read_text())
    expected = json.loads(before)
    expected["cells"]["work"]["scale"] = {"thread": 4}
    assert tuned == {**expected, "libraries": []}
    lines = done.stderr.splitlines()
    assert lines[0].startswith("graph: looking for the most throughput for 6.0 s, on ")
    assert lines[1].startswith("  0 as it is  measured ")
    assert lines[2].startswith("  1 work: inline -> 4 threads  predicted ")
    assert "kept: +" in lines[2]
    assert done.stdout == (tmp_path / "report.txt").read_text()
    assert "work is the limit, and has the most clones that were allowed, 4" in done.stdout
    assert done.stdout.endswith("Run it with: pypipeline run tuned.json\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["graph.json", "report.txt", "tuned.json"]
    again = pypipeline("run", "tuned.json", "--max-items", 5)
    assert again.returncode == 0, again.stderr


def test_a_rate_is_reached_with_less(pypipeline, write_graph) -> None:
    slow = {"type": "demo.Work", "parameters": {"milliseconds": 100}, "scale": {"thread": 4}}
    write_graph({"count": ENDLESS, "work": slow, "sink": "sinks.Null"}, *CONNECTIONS)
    done = pypipeline("tune", "graph.json", *BUDGET, "--target-rate", 12, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["is_reached"] is True
    assert report["changes"]["work"]["after"]["threads"] == 2
    assert [step["outcome"] for step in report["steps"]][:2] == ["start", "kept"]
    assert report["steps"][1]["predicted_hz"] > 12


def test_a_rate_that_is_not_reached_is_told_by_the_exit_code_too(pypipeline, write_graph, tmp_path: Path) -> None:
    keeps = {"type": "demo.Work", "parameters": {"milliseconds": 100}}
    write_graph({"count": ENDLESS, "work": keeps, "sink": "sinks.Null"}, *CONNECTIONS)
    done = pypipeline(
        "tune", "graph.json", *BUDGET, "--max-clones", 1, "--target-rate", 1000, "--json", "--output", "tuned.json"
    )
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["is_reached"] is False
    assert (tmp_path / "tuned.json").exists()


def test_nothing_that_cells_print_or_write_gets_out(pypipeline, write_graph, tmp_path: Path) -> None:
    """Sinks that print, and that write to where the user has a file already."""
    kept = tmp_path / "kept.jsonl"
    kept.write_text("precious\n")
    cells = {
        "count": {"type": "sources.Counter", "parameters": {"count": 3}},
        "print": "sinks.Console",
        "shout": "probe.Shout",
        "here": {"type": "sinks.JsonLines", "parameters": {"path": "kept.jsonl"}},
        "there": {"type": "sinks.JsonLines", "parameters": {"path": str(tmp_path / "new.jsonl")}},
    }
    write_graph(cells, *(f"count.value > {name}.item" for name in ("print", "shout", "here", "there")))
    done = pypipeline("tune", "graph.json", "--budget", 1, "--methods", "thread", "--cells", PROBE)
    assert done.returncode == 0, done.stderr
    assert "[lib]" not in done.stderr + done.stdout
    assert not {"0", "1", "2"} & set(done.stdout.splitlines())
    assert "The stream is short and was started again and again" in done.stdout
    assert kept.read_text() == "precious\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["graph.json", "kept.jsonl"]


def test_set_is_for_tuning_only(pypipeline, write_graph, tmp_path: Path) -> None:
    write_graph({"count": ENDLESS, "work": WORK, "sink": "sinks.Null"}, *CONNECTIONS)
    done = pypipeline("tune", "graph.json", *BUDGET, "--set", "work.milliseconds=10", "--output", "tuned.json")
    assert done.returncode == 0, done.stderr
    cells = json.loads((tmp_path / "tuned.json").read_text())["cells"]
    assert cells["work"]["parameters"] == {"milliseconds": 20}


def test_a_graph_that_is_written_elsewhere_reads_the_same_files(pypipeline, write_graph, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("value\n1\n2\n")
    (tmp_path / "elsewhere").mkdir()
    rows = {"type": "sources.Csv", "parameters": {"path": "table.csv"}}
    write_graph({"rows": rows, "print": "sinks.Console"}, "rows.row > print.item")
    done = pypipeline("tune", "graph.json", "--budget", 1, "--methods", "thread", "--output", "elsewhere/tuned.json")
    assert done.returncode == 0, done.stderr
    assert "paths of files to be read are adapted" in done.stderr
    again = pypipeline("run", "elsewhere/tuned.json")
    assert again.returncode == 0, again.stderr
    assert len(again.stdout.splitlines()) == 2


def test_ctrl_c_keeps_the_best_so_far(pypipeline, write_graph, tmp_path: Path) -> None:
    write_graph({"count": ENDLESS, "work": WORK, "sink": "sinks.Null"}, *CONNECTIONS)
    pypipeline.environment["TMPDIR"] = str(tmp_path / "temporary")
    (tmp_path / "temporary").mkdir()
    arguments = ("--budget", 600, "--methods", "thread", "--max-clones", 3, "--output", "tuned.json")
    process = pypipeline.start("tune", "graph.json", *arguments, stdout=subprocess.PIPE)
    with process:
        read_until(process.stderr.fileno(), "kept: +")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 130
    assert "it was interrupted" in out
    assert "Traceback" not in err
    assert json.loads((tmp_path / "tuned.json").read_text())["cells"]["work"]["scale"] == {"thread": 3}
    assert os.listdir(tmp_path / "temporary") == []  # noqa: PTH208  # names are all that matters


def test_ctrl_c_before_anything_is_known_writes_nothing(pypipeline, write_graph, tmp_path: Path) -> None:
    write_graph({"count": ENDLESS, "work": WORK, "sink": "sinks.Null"}, *CONNECTIONS)
    process = pypipeline.start("tune", "graph.json", "--budget", 600, "--methods", "thread", "--output", "tuned.json")
    with process:
        read_until(process.stderr.fileno(), "looking for")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=TIMEOUT_S)
    assert (process.returncode, out) == (130, "")
    assert err.endswith("stopped before anything was measured\n")
    assert not (tmp_path / "tuned.json").exists()


def test_a_second_ctrl_c_leaves_a_cell_that_hangs(pypipeline, write_graph, tmp_path: Path) -> None:
    end, descriptor = os.pipe()
    hang = {"type": "probe.Hang", "parameters": {"descriptor": descriptor}}
    write_graph({"count": ENDLESS, "hang": hang}, "count.value > hang.item")
    pypipeline.environment["TMPDIR"] = str(tmp_path / "temporary")
    (tmp_path / "temporary").mkdir()
    arguments = ("--cells", PROBE, "--methods", "thread")
    process = pypipeline.start("tune", "graph.json", *arguments, pass_fds=(descriptor,))
    os.close(descriptor)
    with process:
        read_until(end, "hanging")
        os.close(end)
        for _ in range(100):
            process.send_signal(signal.SIGINT)
            try:
                process.wait(0.2)
                break
            except subprocess.TimeoutExpired:
                continue
        err = process.stderr.read()
    assert process.returncode == 130
    assert "left at once: nothing was written" in err
    assert os.listdir(tmp_path / "temporary") == []  # noqa: PTH208


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nothing.json"], 2, "there is no file 'nothing.json'"),
        (["graph.json", "--methods", "gpu"], 2, "thread or ray, or both with a comma, or none is expected, not 'gpu'"),
        (["graph.json", "--budget", "0"], 2, "Invalid value for '--budget'"),
        (["graph.json", "--budget", "nan"], 2, "a finite number is expected"),
        (["graph.json", "--target-rate", "0"], 2, "Invalid value for '--target-rate'"),
        (["graph.json", "--max-clones", "0"], 2, "Invalid value for '--max-clones'"),
        (["graph.json", "--output", "no/such/folder.json"], 2, "--output: the folder no/such does not exist"),
        (["graph.json", "--set", "own.best=1"], 2, '"own" (probe.Fail) has no parameter "best"'),
        (["graph.json"], 1, "graph.json cannot be tuned. As it is, it fails: ValueError: item 3 is bad"),
    ],
)
def test_what_cannot_be_tuned_is_told_in_one_message(
    pypipeline, write_graph, arguments: list[str], code: int, message: str
) -> None:
    cells = {"count": ENDLESS, "own": "probe.Fail", "sink": "sinks.Null"}
    write_graph(cells, "count.value > own.taken", "own.given > sink.item")
    done = pypipeline("tune", *arguments, "--cells", PROBE)
    assert done.returncode == code
    assert message in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
