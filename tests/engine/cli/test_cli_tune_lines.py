"""`pypipeline tune --json-lines`: what a program that shows a search reads, and how it ends one."""

import os
from pathlib import Path

from cli_support import TIMEOUT_S

from pypipeline_engine.host.tuning_lines import TUNE_LINES, TuneBegin, TuneResult, TuneStep, TuneTrying

WORK = {"type": "demo.Work", "parameters": {"milliseconds": 20}}
CELLS = {"count": {"type": "sources.Counter"}, "work": WORK, "sink": "sinks.Null"}
CONNECTIONS = ("count.value > work.item", "work.item > sink.item")


def tune(pypipeline, *arguments: object) -> tuple[int, list, str]:
    """The exit code, the lines, and what else was said; the input stays open until the end."""
    reading, writing = os.pipe()
    try:
        process = pypipeline.start("tune", "graph.json", *arguments, "--json-lines", stdin=reading)
        output, errors = process.communicate(timeout=TIMEOUT_S)
    finally:
        os.close(reading)
        os.close(writing)
    return process.returncode, [TUNE_LINES.validate_json(line) for line in output.splitlines()], errors


def test_a_program_reads_each_step_as_a_line(pypipeline, write_graph) -> None:
    write_graph(CELLS, *CONNECTIONS)
    code, lines, errors = tune(pypipeline, "--budget", 4, "--methods", "thread", "--max-clones", 4)
    assert (code, errors) == (0, "")
    assert isinstance(lines[0], TuneBegin)
    assert (lines[0].methods, lines[0].budget_s) == (("thread",), 4)
    assert isinstance(lines[1], TuneTrying)
    steps = [line for line in lines if isinstance(line, TuneStep)]
    assert [step.outcome for step in steps[:2]] == ["start", "kept"]
    result = lines[-1]
    assert isinstance(result, TuneResult)
    assert (result.changes["work"].after.threads, result.changes["work"].text) == (4, "inline -> 4 threads")
    assert result.after.rate_hz > 2 * result.before.rate_hz


def test_the_search_stops_where_its_reader_is_gone(pypipeline, write_graph) -> None:
    write_graph(CELLS, *CONNECTIONS)
    reading, writing = os.pipe()
    process = pypipeline.start(
        "tune", "graph.json", "--budget", 600, "--methods", "thread", "--json-lines", stdin=reading
    )
    os.close(reading)
    assert process.stdout is not None
    while '"outcome":"start"' not in process.stdout.readline():
        pass
    os.close(writing)
    output, errors = process.communicate(timeout=TIMEOUT_S)
    result = TUNE_LINES.validate_json(output.splitlines()[-1])
    assert (process.returncode, errors) == (130, "")
    assert isinstance(result, TuneResult)
    assert result.ending == "it was interrupted"


def test_what_may_not_change_stays(pypipeline, write_graph) -> None:
    scaled = {**WORK, "scale": {"thread": 2, "queue_capacity": 100}}
    write_graph({**CELLS, "work": scaled}, *CONNECTIONS)
    code, lines, errors = tune(pypipeline, "--budget", 2, "--methods", "none", "--no-queues")
    assert code == 0, errors
    result = lines[-1]
    assert isinstance(result, TuneResult)
    assert result.changes.get("work") is None


def test_files_are_found_in_another_folder_than_that_of_the_graph(pypipeline, write_graph, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "lines.csv").write_text("a\n" + "1\n" * 50)
    table = {"type": "sources.Csv", "parameters": {"path": "lines.csv"}}
    write_graph({"table": table, "sink": "sinks.Null"}, "table.row > sink.item")
    code, lines, errors = tune(pypipeline, "--budget", 1, "--methods", "thread", "--input-dir", "data")
    assert code == 0, errors
    assert isinstance(lines[-1], TuneResult)
    code, _, errors = tune(pypipeline, "--budget", 1, "--methods", "thread")
    assert code != 0
    assert "lines.csv" in errors
