"""The studio's side of the engine, against a real engine process."""

import json
import os
import signal

import pytest

from pypipeline_engine.graph.model import OnError
from pypipeline_engine.graph.reader import read
from pypipeline_studio.document import edits
from pypipeline_studio.engine import client
from pypipeline_studio.engine.engine import Timing

LONG_MS = 60_000

TROUBLE = '''
import os, threading
from pypipeline_engine import ASingleCell, Input, Output


class Exits(ASingleCell):
    """Takes the process with it at the third item."""

    def __init__(self, parent_cell, name):
        super().__init__(parent_cell, name)
        self.item = Input(self, "item")
        self.nb_items = 0

    def _on_pull(self):
        self.item.pull()
        self.nb_items += 1
        if self.nb_items == 3:
            os._exit(3)


class Hangs(ASingleCell):
    """Never comes back."""

    def __init__(self, parent_cell, name):
        super().__init__(parent_cell, name)
        self.item = Input(self, "item")

    def _on_pull(self):
        self.item.pull()
        threading.Event().wait()


class Fails(ASingleCell):
    """Refuses every second item."""

    def __init__(self, parent_cell, name):
        super().__init__(parent_cell, name)
        self.item = Input(self, "item")
        self.same = Output(self, "same")

    def _on_pull(self):
        item = self.item.pull()
        if item % 2:
            raise ValueError(f"{item} is odd")
        self.same.set_value(item)
'''


JSON_LINES = '"sink": {"type": "sinks.JsonLines", "parameters": {"path": "out.jsonl"}}'


def graph(sink: str = JSON_LINES, count: int = 200):
    return read(
        f"""{{"format": "pypipeline.graph", "version": 1, "cells": {{
        "n": {{"type": "sources.Counter", "parameters": {{"count": {count}}}}},
        "work": {{"type": "demo.Work", "parameters": {{"milliseconds": 5}}}},
        {sink}}},
        "connections": [["n.value", "work.item"], ["work.item", "sink.item"]]}}"""
    )


def cell_figures(engine, name):
    """The latest figures of a cell; `None` where there are none yet."""
    return engine.snapshot.cells.get(name) if engine.snapshot is not None else None


def start(engine, document, folder, **options) -> None:
    engine.run_graph(document, str(folder), str(folder), **options)


def until(qtbot, engine, *states) -> None:
    # While a run is starting, its state is what it will be.
    qtbot.waitUntil(lambda: engine.run.state in states and not engine.run.is_starting, timeout=LONG_MS)


def written(folder) -> list[int]:
    return [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]


@pytest.fixture
def trouble(tmp_path):
    path = tmp_path / "trouble.py"
    path.write_text(TROUBLE)
    return str(path)


def test_a_graph_runs_to_its_end_and_tells_its_figures(qtbot, engine, tmp_path) -> None:
    snapshots = []
    engine.snapshot_arrived.connect(snapshots.append)
    start(engine, graph(), tmp_path)
    until(qtbot, engine, "ended")
    assert written(tmp_path) == list(range(200))
    qtbot.waitUntil(lambda: bool(snapshots) and snapshots[-1].state == "ended", timeout=LONG_MS)
    assert snapshots[-1].cells["work"].items == 200
    assert "demo.Work" in [cell_type.name for cell_type in engine.catalogue.types]


def test_pause_step_resume_and_stop(qtbot, engine, tmp_path) -> None:
    start(engine, graph(count=100_000), tmp_path, paused=True)
    until(qtbot, engine, "paused")
    engine.step(3)
    qtbot.waitUntil(lambda: engine.snapshot is not None and engine.snapshot.sink_items == 3, timeout=LONG_MS)
    engine.resume()
    until(qtbot, engine, "running")
    engine.pause()
    until(qtbot, engine, "paused")
    engine.stop()
    until(qtbot, engine, "stopped")
    items = written(tmp_path)
    assert items == list(range(len(items)))
    assert len(items) >= 3


def test_clones_and_parameters_change_while_it_runs_and_nothing_is_lost(qtbot, engine, tmp_path) -> None:
    refusals = []
    start(engine, graph(count=1_000_000), tmp_path)
    until(qtbot, engine, "running")
    engine.scale("work", 3, 0, refusals.append)
    qtbot.waitUntil(lambda: getattr(cell_figures(engine, "work"), "workers", 0) == 3, timeout=LONG_MS)
    for milliseconds in range(5, 0, -1):
        engine.set_parameter("work", "milliseconds", milliseconds, refusals.append)
    engine.scale("work", 1, 0, refusals.append)
    qtbot.waitUntil(lambda: not engine._sending, timeout=LONG_MS)
    engine.stop()
    until(qtbot, engine, "stopped")
    items = written(tmp_path)
    assert items == list(range(len(items)))
    assert refusals == []


def test_of_many_numbers_of_clones_the_last_one_counts(qtbot, engine, tmp_path) -> None:
    start(engine, graph(count=100_000), tmp_path)
    until(qtbot, engine, "running")
    for clones in (1, 4, 2, 5, 3):
        engine.scale("work", clones, 0)
    qtbot.waitUntil(lambda: not engine._sending, timeout=LONG_MS)
    engine.pause()
    until(qtbot, engine, "paused")
    qtbot.waitUntil(lambda: getattr(cell_figures(engine, "work"), "workers", 0) == 3, timeout=LONG_MS)


def test_a_wrong_graph_is_refused_with_its_problems(qtbot, engine, tmp_path) -> None:
    refusals = []
    document = edits.set_parameter(graph(), (), "work", "milliseconds", "long")
    start(engine, document, tmp_path, refused=refusals.append)
    qtbot.waitUntil(lambda: bool(refusals), timeout=LONG_MS)
    assert refusals[0].problems[0].cell == "work"
    assert engine.run.state == "none"


def test_only_the_latest_validation_counts(qtbot, engine, tmp_path) -> None:
    answers = []
    for value in ("long", "longer", 5):
        document = edits.set_parameter(graph(), (), "work", "milliseconds", value)
        engine.validate(document, str(tmp_path), str(tmp_path), answers.append)
    qtbot.waitUntil(lambda: bool(answers), timeout=LONG_MS)
    assert [answer.problems for answer in answers] == [()]


def test_an_error_arrives_with_its_traceback(qtbot, make_engine, tmp_path, trouble) -> None:
    engine = make_engine(cells=(trouble,))
    errors = []
    engine.error_arrived.connect(errors.append)
    document = read(
        f"""{{"format": "pypipeline.graph", "version": 1, "cells": {{
        "n": {{"type": "sources.Counter", "parameters": {{"count": 4}}}},
        "bad": {{"type": "trouble.Fails", "on_error": "skip"}}, {JSON_LINES}}},
        "connections": [["n.value", "bad.item"], ["bad.same", "sink.item"]]}}"""
    )
    start(engine, document, tmp_path)
    until(qtbot, engine, "ended")
    qtbot.waitUntil(lambda: len(errors) == 2, timeout=LONG_MS)
    told = [(error.cell, error.message) for error in errors]
    assert told == [("bad", "ValueError: 1 is odd"), ("bad", "ValueError: 3 is odd")]
    assert "raise ValueError" in errors[0].traceback
    assert written(tmp_path) == [0, 2]


def test_what_happens_when_a_cell_fails_can_change_while_it_runs(qtbot, make_engine, tmp_path, trouble) -> None:
    engine = make_engine(cells=(trouble,))
    document = read(
        f"""{{"format": "pypipeline.graph", "version": 1, "cells": {{
        "n": {{"type": "sources.Counter", "parameters": {{"count": 4}}}},
        "bad": {{"type": "trouble.Fails"}}, {JSON_LINES}}},
        "connections": [["n.value", "bad.item"], ["bad.same", "sink.item"]]}}"""
    )
    start(engine, document, tmp_path, paused=True)
    until(qtbot, engine, "paused")
    refusals = []
    engine.set_error_policy("bad", OnError(then="skip"), refusals.append)
    engine.set_error_policy("none", OnError(then="skip"), refusals.append)
    qtbot.waitUntil(lambda: bool(refusals) and not engine._sending, timeout=LONG_MS)
    assert [refusal.message.partition(" in the run")[0] for refusal in refusals] == ['there is no cell "none"']
    engine.resume()
    until(qtbot, engine, "ended")
    assert written(tmp_path) == [0, 2]


def test_a_cell_that_ends_the_process_is_told_and_run_works_again(qtbot, make_engine, tmp_path, trouble) -> None:
    engine = make_engine(cells=(trouble,))
    with qtbot.waitSignal(engine.failed, timeout=LONG_MS) as failed:
        start(engine, graph('"sink": {"type": "trouble.Exits"}'), tmp_path)
    assert failed.args == ["The engine ended with exit code 3."]
    qtbot.waitUntil(lambda: engine.state == "ended")
    assert engine.run.is_over
    start(engine, graph(), tmp_path)
    until(qtbot, engine, "ended")
    assert written(tmp_path) == list(range(200))


def test_a_killed_engine_fails_its_run(qtbot, engine, tmp_path) -> None:
    start(engine, graph(count=100_000), tmp_path)
    until(qtbot, engine, "running")
    with qtbot.waitSignal(engine.failed, timeout=LONG_MS):
        os.kill(engine.pid, signal.SIGKILL)
    assert engine.run.state == "failed"
    assert "SIGKILL" in engine.run.error.message


def test_a_cell_that_hangs_is_named_and_a_second_stop_ends_the_engine(qtbot, make_engine, tmp_path, trouble) -> None:
    engine = make_engine(cells=(trouble,), timing=Timing(stop_ms=1_500))
    start(engine, graph('"sink": {"type": "trouble.Hangs"}'), tmp_path)
    until(qtbot, engine, "running")
    qtbot.waitUntil(lambda: getattr(cell_figures(engine, "sink"), "working_s", None) is not None, timeout=LONG_MS)
    with qtbot.waitSignal(engine.stop_is_slow, timeout=LONG_MS) as slow:
        engine.stop()
    assert slow.args[0].startswith("sink has been at the same item for ")
    with qtbot.waitSignal(engine.failed, timeout=LONG_MS):
        engine.stop()
    assert engine.run.state == "failed"


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="this system cannot stop a process and let it go on")
def test_an_engine_that_does_not_answer_is_silent_until_it_does(qtbot, make_engine) -> None:
    engine = make_engine(timing=Timing(silence_ms=1_500))
    engine.start()
    qtbot.waitUntil(lambda: engine.catalogue is not None, timeout=LONG_MS)
    os.kill(engine.pid, signal.SIGSTOP)
    try:
        qtbot.waitUntil(lambda: engine.state == "silent", timeout=LONG_MS)
    finally:
        os.kill(engine.pid, signal.SIGCONT)
    qtbot.waitUntil(lambda: engine.state == "ready", timeout=LONG_MS)


def test_shutting_down_while_a_graph_runs_finishes_its_files(qtbot, engine, tmp_path) -> None:
    start(engine, graph(count=100_000), tmp_path)
    qtbot.waitUntil(lambda: engine.snapshot is not None and engine.snapshot.sink_items > 3, timeout=LONG_MS)
    pid = engine.pid
    with qtbot.waitSignal(engine.gone, timeout=LONG_MS):
        engine.shutdown(grace_ms=20_000)
    items = written(tmp_path)
    assert items == list(range(len(items)))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_restart_gives_another_process(qtbot, engine) -> None:
    before = engine.pid
    engine.restart()
    qtbot.waitUntil(lambda: engine.state == "ready" and engine.pid not in (0, before), timeout=LONG_MS)


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="this system cannot stop a process and let it go on")
def test_a_second_stop_ends_an_engine_that_does_not_answer(qtbot, engine, tmp_path) -> None:
    start(engine, graph(count=100_000), tmp_path)
    until(qtbot, engine, "running")
    os.kill(engine.pid, signal.SIGSTOP)
    engine.stop()
    with qtbot.waitSignal(engine.failed, timeout=LONG_MS):
        engine.stop()
    assert engine.run.state == "failed"


def test_a_restart_is_not_told_as_a_crash(qtbot, engine, tmp_path) -> None:
    start(engine, graph(count=100_000), tmp_path)
    until(qtbot, engine, "running")
    with qtbot.waitSignal(engine.run_changed, timeout=LONG_MS, check_params_cb=lambda run: run.is_over) as over:
        engine.restart()
    assert over.args[0].error.message == "The engine was restarted, which ended the run."


def test_stop_reaches_a_run_that_was_only_asked_for(qtbot, engine, tmp_path) -> None:
    start(engine, graph(count=100_000), tmp_path)
    engine.stop()
    until(qtbot, engine, "stopped")


def test_the_cells_arrive_however_long_their_libraries_take_to_import(make_engine, qtbot, monkeypatch):
    monkeypatch.setattr(client, "QUICK_MS", 50)
    engine = make_engine()
    engine.start()
    qtbot.waitUntil(lambda: engine.catalogue is not None, timeout=LONG_MS)
