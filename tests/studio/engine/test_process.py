"""Supervising a process, with real ones that behave in every way there is."""

import os
import signal
import sys

import pytest

from pypipeline_studio.engine.process import EngineProcess

LONG_MS = 60_000

HELLO = '{"protocol": 1, "url": "http://127.0.0.1:1", "token": "t", "pid": 1}'
UNTIL_STDIN_ENDS = "import sys; sys.stdin.read()"


@pytest.fixture
def run(qtbot):
    """Starts a process that runs some Python; its supervisor."""
    started = []

    def start(code: str, **options) -> EngineProcess:
        process = EngineProcess([sys.executable, "-c", code], **options)
        process.ends = []
        process.ended.connect(process.ends.append)
        process.hellos = []
        process.said_hello.connect(process.hellos.append)
        started.append(process)
        process.start()
        return process

    yield start
    for process in started:
        if not process.ends:
            process.kill()
            qtbot.waitUntil(lambda process=process: bool(process.ends), timeout=LONG_MS)


def the_end(qtbot, process: EngineProcess):
    qtbot.waitUntil(lambda: bool(process.ends), timeout=LONG_MS)
    (end,) = process.ends
    return end


def hello_and(code: str) -> str:
    return f"print({HELLO!r}, flush=True)\n{code}"


def test_it_says_hello_and_ends_when_its_input_does(qtbot, run) -> None:
    process = run(hello_and(UNTIL_STDIN_ENDS))
    qtbot.waitUntil(lambda: bool(process.hellos), timeout=LONG_MS)
    assert process.hellos[0].token == "t"
    process.end(grace_ms=LONG_MS)
    end = the_end(qtbot, process)
    assert (end.was_asked, end.words) == (True, "The engine ended with exit code 0.")


def test_one_that_does_not_want_to_end_is_killed_after_the_grace(qtbot, run) -> None:
    process = run(hello_and("import threading; threading.Event().wait()"))
    qtbot.waitUntil(lambda: bool(process.hellos), timeout=LONG_MS)
    process.end(grace_ms=50)
    assert the_end(qtbot, process).was_asked


def test_it_gets_variables_besides_those_that_there_are(qtbot, run) -> None:
    code = "import os, sys; sys.exit(f\"{os.environ['RAY_ADDRESS']} {'PATH' in os.environ}\")"
    process = run(code, environment={"RAY_ADDRESS": "10.0.0.1:6379"})
    assert the_end(qtbot, process).words.endswith(": 10.0.0.1:6379 True.")


def test_a_crash_while_starting_tells_the_last_line(qtbot, run) -> None:
    end = the_end(qtbot, run("raise ImportError('no such thing')"))
    assert end.words == "The engine ended while it started (exit code 1): ImportError: no such thing."
    assert not end.was_asked


def test_last_words_without_an_end_of_line_are_told(qtbot, run) -> None:
    end = the_end(qtbot, run("import sys; sys.stderr.write('no room'); sys.exit(1)"))
    assert end.words == "The engine ended while it started (exit code 1): no room."


def test_a_signal_is_told_by_its_name(qtbot, run) -> None:
    process = run(hello_and(UNTIL_STDIN_ENDS))
    qtbot.waitUntil(lambda: bool(process.hellos), timeout=LONG_MS)
    os.kill(process.pid, signal.SIGKILL)
    assert the_end(qtbot, process).words == (
        "The engine was ended by SIGKILL (9); perhaps the machine ran out of memory."
    )


def test_an_exit_in_the_middle_is_told_with_its_code(qtbot, run) -> None:
    process = run(hello_and("import os; os._exit(3)"))
    assert the_end(qtbot, process).words == "The engine ended with exit code 3."


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("good morning", "something else than expected when it started: 'good morning'"),
        (HELLO.replace('"protocol": 1', '"protocol": 99'), "version 99 of the protocol"),
    ],
)
def test_another_hello_is_refused_in_words(qtbot, run, said, words) -> None:
    process = run(f"print({said!r}, flush=True)\n{UNTIL_STDIN_ENDS}")
    assert words in the_end(qtbot, process).words


def test_one_that_does_not_stop_talking_is_ended(qtbot, run) -> None:
    process = run(f"import sys; sys.stdout.write('x' * 1_000_000); sys.stdout.flush()\n{UNTIL_STDIN_ENDS}")
    assert "something else than expected" in the_end(qtbot, process).words


def test_one_that_says_nothing_is_ended_after_the_limit(qtbot, run) -> None:
    process = run(UNTIL_STDIN_ENDS, start_ms=100)
    assert the_end(qtbot, process).words == "The engine did not start within 0.1 s."


def test_a_program_that_is_not_there_is_told(qtbot) -> None:
    process = EngineProcess(["/no/such/program"])
    with qtbot.waitSignal(process.ended, timeout=LONG_MS) as ended:
        process.start()
    assert "could not be started" in ended.args[0].words
