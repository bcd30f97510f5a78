"""Explaining a run while it goes on."""

import threading

from figures import make_cell, make_window

from pypipeline_engine.insight.advice import Cause
from pypipeline_engine.insight.gil import FEWEST_LOOKS
from pypipeline_engine.insight.observer import Observer, Surroundings, _Meter
from pypipeline_engine.insight.structure import CellRole
from pypipeline_engine.runtime.working import WorkingThread

STRUCTURE = {"work": CellRole(can_have_thread=True, can_have_clones=True)}
WINDOW = make_window(make_cell("work", 9.9, method="thread"))


def test_without_a_probe_nothing_is_said_about_the_gil() -> None:
    observer = Observer(STRUCTURE, Surroundings(cores=4, has_ray=False))
    advice = observer.explain(WINDOW, cpu=1.0)
    assert advice is not None
    assert advice.cause is Cause.CPU
    observer.end()


def test_the_probe_sees_cells_by_their_names_in_the_graph_and_ends() -> None:
    observer = Observer(STRUCTURE, Surroundings(cores=4, has_ray=False))
    looks, seen = [], threading.Event()

    def find_threads() -> list[WorkingThread]:
        looks.append(None)
        if len(looks) > 3 * FEWEST_LOOKS:
            seen.set()
        return [WorkingThread("pipe.work", True)]

    observer.begin(find_threads, "pipe")
    assert seen.wait(30)
    observer.end()
    advice = observer.explain(WINDOW, cpu=1.0)
    assert advice is not None
    assert advice.cause is Cause.PYTHON
    assert not [thread for thread in threading.enumerate() if thread.name == "pypipeline GIL probe"]


def test_a_meter_looks_back_as_far_as_it_is_asked_to(monkeypatch) -> None:
    now = [100.0]
    used = [0.0]
    monkeypatch.setattr("pypipeline_engine.insight.observer.time.perf_counter", lambda: now[0])
    meter = _Meter(lambda: used[0])
    for speed in (1.0, 1.0, 3.0):
        now[0] += 1.0
        used[0] += speed
        meter.measure(1.0)
    now[0] += 1.0
    used[0] += 3.0
    assert meter.measure(2.0) == 3.0
    assert meter.measure(4.0) == 2.0


def test_a_moment_is_too_short_to_say_what_others_use(monkeypatch) -> None:
    """A step of the kernel's clock looked like two hundred cores that other programs keep busy."""
    now = [100.0]
    used = [0.0]
    monkeypatch.setattr("pypipeline_engine.insight.observer.time.perf_counter", lambda: now[0])
    meter = _Meter(lambda: used[0])
    now[0] += 0.00005
    used[0] += 0.01
    assert meter.measure(1.0) == 0.0
    now[0] += 1.0
    used[0] += 0.5
    assert 0.4 < meter.measure(1.0) < 0.6
