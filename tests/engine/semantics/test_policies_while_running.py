"""Changing what happens at an error while the pipeline is deployed: in place and in clones, and never an item lost."""

import threading
from types import SimpleNamespace

import pytest
from stream_cells import (
    GAP,
    Collector,
    CriticalError,
    Map,
    Recorder,
    Source,
    Task,
    add_ports,
    chain,
    deployed,
    in_time,
    pull_all,
    scaled,
    scaled_map,
    statistics_of,
    wait_until,
)

from pypipeline_engine.cell import ASingleCell, ErrorPolicy, Pipeline
from pypipeline_engine.cellio import Input
from pypipeline_engine.exceptions import InvalidStateException
from pypipeline_engine.runtime.crew import Crew

CLONES = pytest.mark.parametrize("clones", [0, 1, 3])
FAIL = ErrorPolicy()
SKIP = ErrorPolicy(then="skip")
AGAIN = ErrorPolicy(retries=1)


class Trouble:
    """A function for a `Map` that fails at odd values from a moment on: always, or at the first try of each."""

    def __init__(self, first_try_only: bool = False) -> None:
        self.begun = threading.Event()
        self.first_try_only = first_try_only
        self.tries: dict[int, int] = {}

    def __call__(self, value):
        is_odd_and_bad = self.begun.is_set() and value % 2
        if is_odd_and_bad:
            self.tries[value] = self.tries.get(value, 0) + 1
            if not self.first_try_only or self.tries[value] == 1:
                raise CriticalError(f"item {value}")
        return value


def pull_on(pipeline, number):
    """Pull so many times; how many of the pulls failed."""
    nb_failed = 0
    for _ in range(number):
        try:
            pipeline.pull()
        except CriticalError:
            nb_failed += 1
    return nb_failed


@CLONES
def test_errors_are_skipped_from_then_on_and_raised_again_later(pipeline, clones):
    work, sink = Trouble(), Recorder(pipeline, "sink")
    box = scaled_map(pipeline, "box", work, clones)
    chain(Source(pipeline, "source"), box, sink)
    with deployed(pipeline):
        assert pull_on(pipeline, 20) == 0
        box.get_inner_cell().set_error_policy(SKIP)
        work.begun.set()
        pull_on(pipeline, 100)
        assert GAP in sink.items
        assert statistics_of(pipeline).dead_letters
        assert not [item for item in sink.items if isinstance(item, Exception)]
        box.get_inner_cell().set_error_policy(FAIL)
        nb_before = len(sink.items)
        pull_on(pipeline, 200)
    assert [item for item in sink.items[nb_before:] if isinstance(item, Exception)]
    assert all(str(item) in (str(place), str(GAP), f"item {place}") for place, item in enumerate(sink.items))


@CLONES
def test_items_are_tried_again_from_then_on_and_none_is_lost(pipeline, clones):
    work, sink = Trouble(first_try_only=True), Collector(pipeline, "sink")
    box = scaled_map(pipeline, "box", work, clones)
    chain(Source(pipeline, "source", range(200)), box, sink)
    with deployed(pipeline):
        assert pull_on(pipeline, 20) == 0
        box.get_inner_cell().set_error_policy(AGAIN)
        work.begun.set()
        pull_all(pipeline)
    assert sink.items == list(range(200))
    assert set(work.tries.values()) == {2}


@pytest.mark.parametrize("nb_sinks", [1, 2])
def test_a_sink_is_tried_again_from_then_on_and_no_more_later(pipeline, nb_sinks):
    class Sink(ASingleCell):
        def __init__(self, parent_cell, name):
            super().__init__(parent_cell, name)
            self.x: Input[int] = Input(self, "x")
            self.taken = []
            self.work = Trouble(first_try_only=True)

        def _on_pull(self):
            self.taken.append(self.work(self.x.pull()))

    source, sink = Source(pipeline, "source"), Sink(pipeline, "sink")
    chain(source, sink)
    if nb_sinks == 2:
        chain(source, Collector(pipeline, "other"))
    with deployed(pipeline):
        pull_on(pipeline, 10)
        sink.work.begun.set()
        assert pull_on(pipeline, 10) == 5
        sink.set_error_policy(AGAIN)
        assert pull_on(pipeline, 10) == 0
        sink.set_error_policy(SKIP)
        assert pull_on(pipeline, 10) == 0
        assert sink.taken[:25] == [*range(10), *range(10, 20, 2), *range(20, 30)]
        assert 31 not in sink.taken
        sink.set_error_policy(ErrorPolicy(retries=3, then="skip"))
        position = source.position
        assert pull_on(pipeline, 10) == 0
        assert sink.taken[-10:] == list(range(position, position + 10))


@pytest.mark.parametrize("policy", [SKIP, AGAIN])
@pytest.mark.parametrize("clones", [0, 2])
def test_the_policy_of_a_pipeline_reaches_what_is_inside_in_all_clones(pipeline, policy, clones):
    work, sink = Trouble(first_try_only=True), Recorder(pipeline, "sink")

    def make_inner(box):
        inner = Pipeline(box, "inner")
        add_ports(inner, scaled_map(inner, "deep", work, clones))
        return inner

    box = scaled(pipeline, "box", make_inner, clones)
    chain(Source(pipeline, "source"), box, sink)
    with deployed(pipeline):
        pull_on(pipeline, 10)
        box.set_error_policy(policy)
        work.begun.set()
        assert pull_on(pipeline, 100) == 0
        box.scale_up(1)  # new clones follow it as well
        assert pull_on(pipeline, 100) == 0
    expected = list(range(len(sink.items)))
    if policy is AGAIN:
        assert sink.items == expected
    else:
        assert all(value in (place, GAP) for place, value in zip(expected, sink.items, strict=True))
        assert GAP in sink.items


def test_a_policy_changes_while_a_run_goes_on(pipeline, gate):
    work, sink = Trouble(first_try_only=True), Collector(pipeline, "sink")
    box = scaled_map(pipeline, "box", lambda value: gate(work(value)), 2)
    chain(Source(pipeline, "source"), box, sink)
    with pipeline.run() as handle:
        gate.wait_for(1)
        change = Task(lambda: box.get_inner_cell().set_error_policy(AGAIN))
        gate.open()
        change.get()
        work.begun.set()
        in_time(lambda: wait_until(lambda: len(work.tries) > 50 or handle.error is not None))
    assert handle.error is None
    assert sink.items == list(range(len(sink.items)))


def test_a_cell_may_change_its_policy_but_not_so_that_it_would_wait_for_itself(pipeline):
    refused = []

    class Strict(ASingleCell):
        def __init__(self, parent_cell, name):
            super().__init__(parent_cell, name)
            self.x: Input[int] = Input(self, "x")

        def _on_pull(self):
            value = self.x.pull()
            self.set_error_policy(SKIP)
            try:
                self.set_error_policy(AGAIN)
            except InvalidStateException as error:
                refused.append(str(error))
            if value == 1:
                raise CriticalError

    sink = Strict(pipeline, "sink")
    chain(Source(pipeline, "source", range(3)), sink)
    with deployed(pipeline):
        assert pull_all(pipeline) == 2
        assert sink.get_error_policy() == SKIP
    assert len(refused) == 3
    assert "p cannot be changed (p.sink begins to try again after an error) by one of its own cells" in refused[0]


def test_a_hook_may_not_change_a_policy(pipeline):
    class Late(Map):
        def _on_reset(self):
            self.set_error_policy(SKIP)

    chain(Source(pipeline, "source"), Late(pipeline, "late"), Collector(pipeline, "sink"))
    with deployed(pipeline):
        pipeline.pull()
        with pytest.raises(
            InvalidStateException, match=r"p\.late cannot be changed by _on_deploy, _on_undeploy or _on_reset"
        ):
            pipeline.reset()


class StageOf:
    """Has clones in other processes."""

    def __init__(self, cell):
        self.cell = cell


def test_clones_in_other_processes_are_replaced_by_others_with_the_new_policy(pipeline, monkeypatch):
    box, other = scaled_map(pipeline, "box"), Map(pipeline, "other")
    chain(Source(pipeline, "source"), box, other, Collector(pipeline, "sink"))
    renewed = []
    with deployed(pipeline):
        remote = SimpleNamespace(stage=StageOf(box), retiring=False)
        monkeypatch.setattr(Crew, "get_remote_workers", lambda self: [remote])
        monkeypatch.setattr(Crew, "renew_remote", lambda self, stage: renewed.append(stage.cell.get_error_policy()))
        for cell in (box, box.get_inner_cell(), pipeline):
            cell.set_error_policy(SKIP)
            assert cell.get_error_policy() == SKIP
        assert len(renewed) == 3
        other.set_error_policy(SKIP)
        assert len(renewed) == 3
        monkeypatch.undo()


def test_where_no_other_clone_starts_in_the_place_of_one_the_policy_stays(pipeline, monkeypatch):
    box = scaled_map(pipeline, "box")
    chain(Source(pipeline, "source"), box, Collector(pipeline, "sink"))

    def fail(self, stage):
        raise RuntimeError("no room")

    with deployed(pipeline):
        remote = SimpleNamespace(stage=StageOf(box), retiring=False)
        monkeypatch.setattr(Crew, "get_remote_workers", lambda self: [remote])
        monkeypatch.setattr(Crew, "renew_remote", fail)
        with pytest.raises(RuntimeError, match="no room"):
            box.get_inner_cell().set_error_policy(SKIP)
        assert box.get_inner_cell().get_error_policy() == FAIL
        monkeypatch.undo()


def test_what_keeps_state_in_another_process_keeps_its_policy_and_says_so(pipeline, monkeypatch):
    class Keeping(Map):
        def supports_scaling(self):
            return False

    box = scaled(pipeline, "box", lambda box: Keeping(box, "keeping"))
    chain(Source(pipeline, "source"), box, Collector(pipeline, "sink"))
    with deployed(pipeline):
        remote = SimpleNamespace(stage=StageOf(box), retiring=False)
        monkeypatch.setattr(Crew, "get_remote_workers", lambda self: [remote])
        for cell in (box, box.get_inner_cell(), pipeline):
            with pytest.raises(InvalidStateException, match=r"p\.box has a clone in another process"):
                cell.set_error_policy(SKIP)
            assert cell.get_error_policy() == FAIL
        monkeypatch.undo()
