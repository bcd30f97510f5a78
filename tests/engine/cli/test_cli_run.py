"""`pypipeline run` as a user meets it: real processes, exit codes, streams and signals."""

import json
import os
import pty
import re
import signal
import subprocess
from pathlib import Path

import pytest
from cli_support import PROBE, TIMEOUT_S, read_until, without_escapes

COUNT = {"type": "sources.Counter", "parameters": {"count": 5}}
ENDLESS = {"type": "sources.Counter"}


# ---------------------------------------------------------------------- to the end


def test_what_cells_print_is_all_that_is_on_the_standard_output(pypipeline, write_graph) -> None:
    write_graph({"count": COUNT, "print": "sinks.Console"}, "count.value > print.item")
    done = pypipeline("run", "graph.json")
    assert done.returncode == 0
    assert done.stdout == "0\n1\n2\n3\n4\n"
    lines = done.stderr.splitlines()
    assert re.fullmatch(r"graph ended: 5 items in \S+ \S+, \S+/s", lines[0])
    assert re.match(r"\s+count\s+inline\s+5\s+0\s+0\s", lines[2])
    assert "\x1b" not in done.stderr
    assert "Traceback" not in done.stderr


def test_an_example_runs_by_its_name_where_no_such_file_is(pypipeline) -> None:
    done = pypipeline("run", "multiply")
    assert (done.returncode, done.stdout) == (0, "0\n-1\n2\n-3\n4\n")
    assert done.stderr.startswith("There is no file 'multiply' here: taking the example ")
    done = pypipeline("run", "example:multiply")
    assert (done.returncode, done.stdout) == (0, "0\n-1\n2\n-3\n4\n")
    assert "There is no file" not in done.stderr


def test_a_file_comes_before_an_example_of_the_same_name(pypipeline, write_graph, tmp_path: Path) -> None:
    write_graph({"count": COUNT, "print": "sinks.Console"}, "count.value > print.item").rename(tmp_path / "multiply")
    assert pypipeline("run", "multiply").stdout == "0\n1\n2\n3\n4\n"


def test_own_cells_are_loaded_from_a_file(pypipeline, write_graph) -> None:
    cells = {"count": COUNT, "own": {"type": "probe.Fail", "parameters": {"bad": -1}}, "print": "sinks.Console"}
    write_graph(cells, "count.value > own.taken", "own.given > print.item")
    done = pypipeline("run", "graph.json", "--cells", PROBE)
    assert (done.returncode, done.stdout) == (0, "0\n1\n2\n3\n4\n")


def test_output_goes_to_the_output_folder(pypipeline, write_graph, tmp_path: Path) -> None:
    sink = {"type": "sinks.JsonLines", "parameters": {"path": "items.jsonl"}}
    write_graph({"count": COUNT, "write": sink}, "count.value > write.item")
    assert pypipeline("run", "graph.json", "--output-dir", "new/folder").returncode == 0
    assert (tmp_path / "new/folder/items.jsonl").read_text() == "0\n1\n2\n3\n4\n"
    assert pypipeline("run", "graph.json").returncode == 0
    assert (tmp_path / "items.jsonl").exists()


def test_limits(pypipeline, write_graph) -> None:
    write_graph({"count": ENDLESS, "print": "sinks.Console"}, "count.value > print.item")
    done = pypipeline("run", "graph.json", "--max-items", 3)
    assert (done.returncode, done.stdout) == (0, "0\n1\n2\n")
    assert "graph stopped after 3 items as asked: 3 items in" in done.stderr
    done = pypipeline("run", "graph.json", "--duration", "0.2")
    assert done.returncode == 0
    assert done.stdout.startswith("0\n1\n2\n")
    assert "graph stopped after 200 ms as asked" in done.stderr


# ---------------------------------------------------------------------- changing the graph


def test_set_changes_a_parameter(pypipeline, write_graph) -> None:
    write_graph({"count": COUNT, "print": "sinks.Console"}, "count.value > print.item")
    done = pypipeline("run", "graph.json", "--set", "count.start=10", "--set", "count.count=2")
    assert (done.returncode, done.stdout) == (0, "10\n11\n")


def test_set_with_a_relative_path_means_the_current_folder(pypipeline, write_graph, tmp_path: Path) -> None:
    read = {"type": "sources.JsonLines", "parameters": {"path": "items.jsonl"}}
    write_graph({"read": read, "print": "sinks.Console"}, "read.item > print.item")
    (tmp_path / "items.jsonl").write_text('"beside the graph"\n')
    pypipeline.folder = tmp_path / "elsewhere"
    pypipeline.folder.mkdir()
    (pypipeline.folder / "items.jsonl").write_text('"in the current folder"\n')
    assert pypipeline("run", "../graph.json").stdout == "beside the graph\n"
    assert pypipeline("run", "../graph.json", "--set", "read.path=items.jsonl").stdout == "in the current folder\n"


def test_scale_runs_a_cell_on_clones(pypipeline, write_graph, tmp_path: Path) -> None:
    cells = {"count": COUNT, "add": "math.Add", "print": "sinks.Console"}
    write_graph(cells, "count.value > add.a", "count.value > add.b", "add.value > print.item")
    done = pypipeline("run", "graph.json", "--scale", "add=3", "--stats-json", "stats.json")
    assert (done.returncode, done.stdout) == (0, "0\n2\n4\n6\n8\n")
    add = json.loads((tmp_path / "stats.json").read_text())["cells"]["add"]
    assert (add["method"], add["workers"]) == ("thread", 3)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (("--set", "count.count"), '--set expects CELL.PARAM=VALUE, such as detect.stride=8, not "count.count"'),
        (("--set", "cuont.count=1"), '--set cuont.count=1: there is no cell "cuont"; did you mean "count"?'),
        (
            ("--set", "count.cuont=1"),
            '--set count.cuont=1: "count" (sources.Counter) has no parameter "cuont"; did you mean "count"?',
        ),
        (("--set", "count.count=many"), "(--set count.count=many)"),
        (("--set", "count.count=-1"), "(--set count.count=-1)"),
        (("--scale", "count=two"), "--scale expects CELL=N"),
        (("--scale", "count=2"), "does not support scaling, and can have one at most (--scale count=2)"),
        (("--max-items", "0"), "--max-items"),
        (("--duration", "-1"), "--duration"),
        (("--duration", "soon"), "--duration"),
        (("--duration", "nan"), "a number of seconds is expected"),
        (("--cells", "missing.py"), "missing.py"),
        (("--stats-json", "missing/stats.json"), "--stats-json: the folder missing does not exist"),
        (("--stats-json", "."), "is a folder"),
        (("--no-such-option",), "No such option"),
    ],
)
def test_bad_usage_ends_with_code_2_and_one_message(pypipeline, write_graph, option, message: str) -> None:
    write_graph({"count": COUNT, "print": "sinks.Console"}, "count.value > print.item")
    done = pypipeline("run", "graph.json", *option)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert len([line for line in done.stderr.splitlines() if "Error" in line]) == 1
    assert "Traceback" not in done.stderr


# ---------------------------------------------------------------------- what is wrong with the graph


def test_a_missing_graph_is_named_with_the_examples(pypipeline) -> None:
    done = pypipeline("run", "nothing.json")
    assert done.returncode == 2
    assert done.stderr.startswith("Error: there is no file 'nothing.json', and no example of that name (bottleneck, ")
    assert pypipeline("run", "example:nothing").returncode == 2
    assert "is a folder" in pypipeline("run", ".").stderr


def test_every_problem_of_a_graph_is_told_at_once_and_unfolded(pypipeline, write_graph) -> None:
    write_graph({"count": "sources.Cuonter", "print": "sinks.Console"}, "count.value > prnit.item", nmae="x")
    done = pypipeline("run", "graph.json")
    assert done.returncode == 2
    assert 'cells.count.type: the type "sources.Cuonter" is not known; did you mean "sources.Counter"?' in done.stderr
    assert 'unknown key "nmae"; did you mean "name"?' in done.stderr
    assert "Traceback" not in done.stderr


def test_no_json_at_all(pypipeline, tmp_path: Path) -> None:
    (tmp_path / "graph.json").write_bytes(b"\x89PNG\r\n\x1a\n")
    done = pypipeline("run", "graph.json")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_clones_in_other_processes_give_the_same(pypipeline, write_graph) -> None:
    cells = {"count": COUNT, "add": "math.Add", "print": "sinks.Console"}
    write_graph(cells, "count.value > add.a", "count.value > add.b", "add.value > print.item")
    on_threads = pypipeline("run", "graph.json", "--scale", "add=2")
    done = pypipeline("run", "graph.json", "--scale", "add=2:ray")
    assert done.returncode == 0, done.stderr
    assert done.stdout == on_threads.stdout
    assert "Traceback" not in done.stderr


# ---------------------------------------------------------------------- failing


@pytest.fixture
def failing_graph(write_graph) -> Path:
    return write_graph(
        {
            "count": COUNT,
            "choosy": "probe.Fail",
            "write": {"type": "sinks.JsonLines", "parameters": {"path": "items.jsonl"}},
        },
        "count.value > choosy.taken",
        "choosy.given > write.item",
    )


def test_a_failed_run_names_the_cell_and_the_error_in_one_line(pypipeline, failing_graph: Path, tmp_path: Path) -> None:
    done = pypipeline("run", failing_graph, "--cells", PROBE, "--stats-json", "stats.json")
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert "Error: graph failed in the cell graph.choosy at item 3: ValueError: item 3 is bad" in lines
    assert lines[-1] == "Run it with --traceback to see where in the code that was."
    assert any(line.startswith("graph failed: 3 items in") for line in lines)
    assert "Traceback" not in done.stderr
    assert (tmp_path / "items.part.jsonl").read_text() == "0\n1\n2\n"
    assert not (tmp_path / "items.jsonl").exists()
    assert "items.part.jsonl" in done.stderr
    stats = json.loads((tmp_path / "stats.json").read_text())
    assert (stats["state"], stats["error"]) == ("failed", "ValueError: item 3 is bad")
    assert stats["cells"]["choosy"]["errors"] == 1


def test_the_traceback_is_there_for_who_asks(pypipeline, failing_graph: Path) -> None:
    done = pypipeline("run", failing_graph, "--cells", PROBE, "--traceback")
    assert done.returncode == 1
    assert "Traceback (most recent call last)" in done.stderr
    assert 'raise ValueError(f"item {item}\\nis bad")' in done.stderr


def test_failing_at_deployment_is_a_failed_run(pypipeline, write_graph) -> None:
    write_graph({"count": COUNT, "device": "probe.FailAtDeployment"}, "count.value > device.item")
    done = pypipeline("run", "graph.json", "--cells", PROBE)
    assert done.returncode == 1
    assert "Error: graph failed in _on_deploy of the cell graph.device: OSError: no device" in done.stderr.splitlines()
    assert "Traceback" not in done.stderr


def test_skipped_items_are_summed_up(pypipeline, failing_graph: Path) -> None:
    document = json.loads(failing_graph.read_text())
    document["cells"]["choosy"]["on_error"] = "skip"
    failing_graph.write_text(json.dumps(document))
    done = pypipeline("run", failing_graph, "--cells", PROBE)
    assert done.returncode == 0
    assert "choosy skipped 1 item, the last one number 3: ValueError: item 3 is bad" in done.stderr.splitlines()


# ---------------------------------------------------------------------- signals


@pytest.mark.parametrize(("sent", "code", "cause"), [(signal.SIGINT, 130, "Ctrl-C"), (signal.SIGTERM, 143, "SIGTERM")])
def test_a_signal_stops_the_run_and_files_are_complete(
    pypipeline, write_graph, tmp_path: Path, sent: signal.Signals, code: int, cause: str
) -> None:
    cells = {
        "count": ENDLESS,
        "write": {"type": "sinks.JsonLines", "parameters": {"path": "items.jsonl"}},
        "print": "sinks.Console",
    }
    write_graph(cells, "count.value > write.item", "count.value > print.item")
    process = pypipeline.start("run", "graph.json", "--stats-json", "stats.json", stdout=subprocess.PIPE)
    with process:
        read_until(process.stdout.fileno(), "\n100\n")
        process.send_signal(sent)
        _, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == code
    assert f"graph stopped by {cause}: " in err
    assert "Traceback" not in err
    numbers = [int(line) for line in (tmp_path / "items.jsonl").read_text().splitlines()]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > 100
    assert not (tmp_path / "items.part.jsonl").exists()
    assert json.loads((tmp_path / "stats.json").read_text())["state"] == "stopped"


def test_a_second_ctrl_c_leaves_a_cell_that_hangs(pypipeline, write_graph) -> None:
    write_graph({"count": ENDLESS, "hang": "probe.Hang"}, "count.value > hang.item")
    process = pypipeline.start("run", "graph.json", "--cells", PROBE)
    with process:
        read_until(process.stdout.fileno(), "hanging")
        for _ in range(100):
            process.send_signal(signal.SIGINT)
            try:
                process.wait(0.2)
                break
            except subprocess.TimeoutExpired:
                continue
        err = process.stderr.read()
    assert process.returncode == 130
    assert "left at once: what the sinks were writing is not complete" in err
    assert "Traceback" not in err


# ---------------------------------------------------------------------- a terminal


class Terminal:
    """A command in a pseudo-terminal."""

    def __init__(self, pypipeline, *arguments: object) -> None:
        self.master, slave = pty.openpty()
        pypipeline.environment |= {"COLUMNS": "120", "LINES": "40", "TERM": "xterm-256color"}
        self.process = pypipeline.start(*arguments, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)

    def finish(self) -> str:
        """Everything that is still written, and the end of the process."""
        rest = read_until(self.master, "never written")
        self.process.wait(TIMEOUT_S)
        os.close(self.master)
        return rest


def test_a_terminal_shows_a_live_table_and_then_the_summary(pypipeline, write_graph) -> None:
    cells = {
        "count": {"type": "sources.Counter", "parameters": {"count": 80}},
        "work": {"type": "demo.Work", "parameters": {"milliseconds": 20}, "scale": {"thread": 2}},
        "print": "sinks.Console",
    }
    write_graph(cells, "count.value > work.item", "work.item > print.item")
    terminal = Terminal(pypipeline, "run", "graph.json")
    text = terminal.finish()
    assert terminal.process.returncode == 0
    plain = without_escapes(text)
    assert re.search(r"graph\s+running\s+", plain)
    assert re.search(r"▶\s+work\s+2 threads\s+", plain)
    assert re.search(r"\d+ of \d+ items\s+\d+ %", plain)
    end = plain[plain.rindex("graph ended: 80 items in") :]
    assert re.search(r"work limits the pipeline to \S+/s: its 2 threads are busy \d+ % of the time\.", end)
    printed = [int(line) for line in plain.splitlines() if line.strip().isdigit()]
    assert printed == list(range(80)), "what cells print stands on lines of its own, in order"
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l"), "the cursor must be visible again"


def test_progress_counts_what_the_clones_have_taken_already(pypipeline, write_graph) -> None:
    work = {"type": "demo.Work", "parameters": {"milliseconds": 20}, "scale": {"thread": 2}}
    count = {"type": "sources.Counter", "parameters": {"count": 80}}
    write_graph(
        {"count": count, "work": work, "sink": "sinks.Null"}, "count.value > work.item", "work.item > sink.item"
    )
    assert "of 80 items" in without_escapes(Terminal(pypipeline, "run", "graph.json").finish())


def test_libraries_that_write_below_python_do_not_garble_the_table(pypipeline, write_graph) -> None:
    write_graph(
        {"count": ENDLESS, "slow": "flow.Throttle", "shout": "probe.Shout"},
        "count.value > slow.item",
        "slow.item > shout.item",
    )
    terminal = Terminal(pypipeline, "run", "graph.json", "--cells", PROBE, "--max-items", 12)
    lines = [line.strip() for line in without_escapes(terminal.finish()).splitlines()]
    assert terminal.process.returncode == 0
    assert [line for line in lines if "[lib]" in line] == [f"[lib] item {number}" for number in range(12)]


def test_ctrl_c_in_a_terminal_gives_it_back(pypipeline, write_graph) -> None:
    write_graph(
        {"count": ENDLESS, "slow": "flow.Throttle", "sink": "sinks.Null"},
        "count.value > slow.item",
        "slow.item > sink.item",
    )
    terminal = Terminal(pypipeline, "run", "graph.json")
    read_until(terminal.master, "waits for room")
    terminal.process.send_signal(signal.SIGINT)
    text = terminal.finish()
    assert terminal.process.returncode == 130
    assert "graph stopped by Ctrl-C: " in without_escapes(text)
    assert text.rindex("\x1b[?25h") >= 0
    assert "Traceback" not in text


def test_a_terminal_for_the_table_and_a_file_for_the_data(pypipeline, write_graph, tmp_path: Path) -> None:
    write_graph({"count": COUNT, "print": "sinks.Console"}, "count.value > print.item")
    master, slave = pty.openpty()
    with (tmp_path / "data.txt").open("w") as data:
        process = pypipeline.start("run", "graph.json", stdout=data, stderr=slave)
    os.close(slave)
    text = read_until(master, "never written")
    assert process.wait(TIMEOUT_S) == 0
    os.close(master)
    assert (tmp_path / "data.txt").read_text() == "0\n1\n2\n3\n4\n"
    assert "graph ended: 5 items" in without_escapes(text)
