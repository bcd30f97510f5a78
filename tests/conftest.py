"""Fixtures for the whole suite: what a test starts has to end with it, and what goes wrong in a thread has to be seen.

Order threads with gates (`threading.Event`, `Barrier`), wait with a bound, and never sleep to wait for something.
"""

import faulthandler
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path

import pytest

GRACE_S = 2.0
"""How long a thread may take to end after its test, where it is on its way out."""
DUMP_AFTER_S = 60.0
"""A test that takes so long gets the stacks of all threads into its captured stderr, before the time limit ends it."""


def _is_ours_to_judge(thread: threading.Thread) -> bool:
    # The timer of pytest-timeout belongs to the test runner; a dummy stands for a thread that Python did not start.
    others = thread.name.startswith("pytest_timeout") or isinstance(thread, threading._DummyThread)
    return not others and not _is_of_ray(thread)


def _is_of_ray(thread: threading.Thread) -> bool:
    """Whether it belongs to Ray, which stays for the next test that needs it. Its keeper stays for good."""
    if thread.name == "Ray keeper":
        return True
    names = ("ray_listen_error_messages", "ray_print_logs", "PythonGCThread")
    return thread.name in names and "ray" in sys.modules and sys.modules["ray"].is_initialized()


@pytest.fixture(autouse=True)
def no_leaked_threads():
    """Fail a test that leaves a thread behind."""
    before = set(threading.enumerate())
    yield
    leaked = [thread for thread in threading.enumerate() if thread not in before and _is_ours_to_judge(thread)]
    for thread in leaked:
        thread.join(GRACE_S)
    leaked = [thread for thread in leaked if thread.is_alive()]
    if leaked:
        frames = sys._current_frames()
        where = "".join(
            f"\n\nThread {thread.name!r} is at:\n{''.join(traceback.format_stack(frames[thread.ident]))}"
            for thread in leaked
            if thread.ident in frames
        )
        pytest.fail(
            f"the test left {len(leaked)} thread(s) running: {', '.join(sorted(thread.name for thread in leaked))}. "
            f"undeploy() every pipeline and stop() every run that the test starts, in a fixture or a `finally`; open the "
            f"gates that cells wait at first, and join() the threads that the test itself started.{where}",
            pytrace=False,
        )


def _children() -> set[str]:
    """The ids of our child processes, where the system tells them."""
    children: set[str] = set()
    for path in Path("/proc/self/task").glob("*/children"):
        # A thread that ends while we look takes its folder along; its children have gone to another thread by then.
        with suppress(FileNotFoundError, ProcessLookupError):
            children.update(path.read_text().split())
    return children


@pytest.fixture(autouse=True)
def no_leaked_processes():
    """Fail a test that leaves a process behind."""
    before = _children()
    yield
    leaked = _children() - before
    if leaked:
        pytest.fail(
            f"the test left {len(leaked)} process(es) running: {', '.join(sorted(leaked))}. End and wait for every process "
            f"that the test starts, in a fixture or a `finally`.",
            pytrace=False,
        )


@pytest.fixture(autouse=True)
def no_unhandled_thread_exceptions(monkeypatch):
    """Fail a test in which a thread ended by an exception that nobody handled."""
    seen = []
    monkeypatch.setattr(threading, "excepthook", seen.append)
    yield
    if seen:
        what = "".join(
            f"\n\nIn thread {args.thread.name if args.thread else '?'!r}:\n"
            f"{''.join(traceback.format_exception(args.exc_value))}"
            for args in seen
            if args.exc_value is not None
        )
        # The frames of a traceback keep what they refer to alive.
        seen.clear()
        pytest.fail(
            "an exception ended a thread, and nobody saw it. Deliver it to whoever waits for the thread; in a test, let the "
            f"thread keep it and raise it again after join().{what}",
            pytrace=False,
        )


@pytest.fixture(autouse=True)
def stacks_of_a_hanging_test():
    """Dump the stacks of all threads where a test takes far too long."""
    # While a test runs, file descriptor 2 is what pytest captures and shows with a failure.
    faulthandler.dump_traceback_later(DUMP_AFTER_S, file=sys.__stderr__ or sys.stderr)
    yield
    faulthandler.cancel_dump_traceback_later()
