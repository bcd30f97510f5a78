"""`pypipeline compare` as a user meets it."""

import json
import os
import sqlite3
from pathlib import Path

import pytest
from cli_support import read_until, without_escapes

from pypipeline_engine.core.counters import Statistics
from pypipeline_engine.insight.recorder import Recorder


@pytest.fixture
def records(pypipeline, write_graph) -> tuple[str, str]:
    """Two short runs, the second one with other clones and another parameter."""
    cells = {
        "count": {"type": "sources.Counter", "parameters": {"count": 60}},
        "work": {"type": "demo.Work", "parameters": {"milliseconds": 20}},
        "sink": "sinks.Null",
    }
    write_graph(cells, "count.value > work.item", "work.item > sink.item")
    options = ("--record-interval", "0.1")
    assert pypipeline("run", "graph.json", "--record", "a.record", *options).returncode == 0
    changes = ("--scale", "work=4", "--set", "work.milliseconds=40")
    assert pypipeline("run", "graph.json", "--record", "b.record", *options, *changes).returncode == 0
    return "a.record", "b.record"


def test_what_changed_is_told_in_a_table(pypipeline, records) -> None:
    done = pypipeline("compare", *records)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    lines = done.stdout.splitlines()
    assert lines[0].startswith(("b is ", "b was ", "a and b do not differ", "one of the runs is too"))
    assert "figures changed by more than noise." in lines[0]
    assert lines[1].startswith("a  a.record: graph ended; compared from ")
    assert "   work: scale inline → 4 on threads" in lines
    assert "   work: milliseconds 20 → 40" in lines
    assert not [line for line in lines if "different machines" in line]
    (rate,) = [line.split() for line in lines if line.startswith("work ")]
    assert (rate[1], rate[5]) == ("rate", "%")
    (clones,) = [line for line in lines if line.startswith("inline → 4 threads  time per item")]
    assert clones.rstrip().endswith(("real", "doubtful", "within noise", "too short to tell"))


def test_json_for_programs(pypipeline, records) -> None:
    done = pypipeline("compare", *records, "--json", "--warm-up", "0.2")
    assert (done.returncode, done.stderr) == (0, "")
    data = json.loads(done.stdout)
    assert data["is_same_machine"] is True
    assert data["cells"]["work"]["workers"] == {"before": 1, "after": 4}
    assert data["cells"]["work"]["service_s"]["after"] > 0.03
    assert [change["what"] for change in data["graph"]] == ["scale", "parameters.milliseconds"]
    assert data["before"]["steady_begin_s"] >= 0.2


def test_other_machines_are_told_first(pypipeline, records, tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "b.record")
    with connection:
        connection.execute("UPDATE run SET machine = json_set(machine, '$.cores', 999)")
    connection.close()
    lines = pypipeline("compare", *records).stdout.splitlines()
    assert lines[0] == "The runs were on different machines, which the figures tell as much about:"
    assert lines[1].startswith("   cores: ")
    assert lines[1].endswith(" → 999")


def test_in_a_terminal_what_changed_stands_out_and_no_figure_is_cut_off(pypipeline, records) -> None:
    master, slave = os.openpty()
    pypipeline.environment |= {"COLUMNS": "80", "TERM": "xterm-256color"}
    process = pypipeline.start("compare", *records, stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    text = read_until(master, "never written")
    assert process.wait(60) == 0
    os.close(master)
    assert "\x1b[" in text
    assert "…" not in without_escapes(text)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a.record", "missing"), "Error: missing does not exist"),
        (("a.record", "."), "Error: . is a folder, and a record is expected"),
        (
            ("graph.json", "a.record"),
            "Error: graph.json is no record of a run; pypipeline run --record FILE writes one",
        ),
        (("a.record",), "Missing argument"),
        (("a.record", "a.record", "--warm-up", "1000"), "a.record has fewer than two samples of its steady part after"),
        (("a.record", "a.record", "--warm-up", "nan"), "a number of seconds is expected"),
    ],
)
def test_bad_usage(pypipeline, tmp_path: Path, arguments, message: str) -> None:
    (tmp_path / "graph.json").write_text("{}")
    recorder = Recorder(
        tmp_path / "a.record", name="graph", graph=json.dumps({"format": "pypipeline.graph", "version": 1})
    )
    for second in range(4):
        recorder.add(Statistics(float(second), second, ()), "running")
    recorder.close()
    done = pypipeline("compare", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
