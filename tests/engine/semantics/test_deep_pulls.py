"""The memory that the frames of deep pulls take: mapped once for a thread, and not again for each item.

A page fault is counted by the kernel where memory is touched for the first time after it was mapped, so that their number
says whether it was, whatever the machine is busy with.
"""

import pytest
from stream_cells import Collector, Map, Source, chain, deployed, pull_all, scaled

from pypipeline_engine import Connection, InputPort, OutputPort, Pipeline
from pypipeline_engine.runtime import call_stack

resource = pytest.importorskip("resource", reason="the kernel does not count page faults of a thread here")
NB_CELLS = 1000
NB_ITEMS = 60
WARM = 20
PAGES_OF_AN_ITEM = 30
"""Fewer than the frames of so many cells fill, some seventy, and more than anything else touches."""


class Counting(Collector):
    """Notes how many page faults its thread has had with each item."""

    def __init__(self, parent_cell, name):
        super().__init__(parent_cell, name)
        self.faults = []

    def _on_pull(self):
        super()._on_pull()
        self.faults.append(count_faults())

    def get_faults_of_an_item(self):
        return (self.faults[-1] - self.faults[WARM]) / (len(self.faults) - 1 - WARM)


def count_faults():
    return resource.getrusage(resource.RUSAGE_THREAD).ru_minflt


def make_chain(parent_cell):
    return [Map(parent_cell, f"map{number}") for number in range(NB_CELLS)]


def make_pipeline(pipeline):
    sink = Counting(pipeline, "sink")
    chain(Source(pipeline, "source", range(NB_ITEMS)), *make_chain(pipeline), sink)
    return sink


def test_a_run_maps_the_memory_for_deep_pulls_once(pipeline):
    sink = make_pipeline(pipeline)
    pipeline.run().wait()
    assert sink.items == list(range(NB_ITEMS))
    assert sink.get_faults_of_an_item() < PAGES_OF_AN_ITEM


def test_without_that_room_every_item_touches_new_memory(pipeline, monkeypatch):
    """What the tests beside this one would see if they measured nothing."""
    monkeypatch.setattr(call_stack, "FEW_CELLS", 10 * NB_CELLS)
    sink = make_pipeline(pipeline)
    pipeline.run().wait()
    assert sink.get_faults_of_an_item() > PAGES_OF_AN_ITEM


def test_a_clone_maps_it_once_for_what_it_pulls_and_what_is_inside(pipeline):
    """Its thread pulls one chain to get an item, and then the other one, which is inside."""
    faults = []

    def note(value):
        faults.append(count_faults())
        return value

    def make_inner(box):
        inner = Pipeline(box, "inner")
        cells = [*make_chain(inner), Map(inner, "note", note)]
        chain(*cells)
        Connection(InputPort(inner, "x"), cells[0].x)
        Connection(cells[-1].y, OutputPort(inner, "y"))
        return inner

    before, sink = make_chain(pipeline), Collector(pipeline, "sink")
    chain(Source(pipeline, "source", range(NB_ITEMS)), *before, scaled(pipeline, "box", make_inner, clones=1), sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == list(range(NB_ITEMS))
    assert (faults[-1] - faults[WARM]) / (NB_ITEMS - 1 - WARM) < PAGES_OF_AN_ITEM


def test_pulls_one_by_one_bring_the_same(pipeline):
    sink = make_pipeline(pipeline)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == list(range(NB_ITEMS))


@pytest.mark.parametrize(("nb_cells", "chunks"), [(41, 8), (2000, 256), (40_000, 4096)])
def test_half_of_a_chunk_has_room_for_the_frames(nb_cells, chunks):
    words = call_stack._find_words(nb_cells)
    assert words == chunks * call_stack.CHUNK_WORDS
    assert words // 2 >= call_stack.WORDS_PER_CELL * nb_cells


def test_few_cells_are_pulled_as_they_are():
    def step():
        pass

    assert call_stack.give_room(step, call_stack.FEW_CELLS) is step
    assert call_stack.give_room(step, call_stack.FEW_CELLS + 1) is not step


@pytest.mark.parametrize("error", [ValueError("wrong"), StopIteration(), KeyboardInterrupt()])
def test_errors_come_through_as_they_are(error):
    def fail():
        raise error

    with pytest.raises(type(error)) as raised:
        call_stack.call_with_room(fail, 1000)
    assert raised.value is error
