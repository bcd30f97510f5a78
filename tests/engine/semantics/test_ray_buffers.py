"""Large arrays go to clones in other processes by memory that is written again, and nobody notices but by the speed."""

import os
import signal
import threading
import weakref

import numpy as np
import pytest
from stream_cells import Collector, Map, Source, chain, deployed, in_time, pull_all, scaled

from pypipeline_engine.cell import ASingleCell, RayCloneCell
from pypipeline_engine.cellio import Input, Output

ray = pytest.importorskip("ray")
from pypipeline_engine.runtime.remote import buffers, clone, cluster, messages, servant, worker  # noqa: E402  # they need Ray

pytestmark = [pytest.mark.timeout(120), pytest.mark.slow]
PATIENCE_S = 60.0
NB_ITEMS = 100
NB_BYTES = 3_000_000
"""So much that a call brings two of them at most by objects, and six by buffers: there are many calls."""


@pytest.fixture(scope="module", autouse=True)
def one_ray():
    cluster.ensure()
    yield
    ray.shutdown()


@pytest.fixture(autouse=True)
def a_fresh_account(monkeypatch):
    """No buffer of the test before."""
    monkeypatch.setattr(buffers, "_made", buffers._Made())


@pytest.fixture
def puts(monkeypatch):
    """What became of each attempt to send arrays by a buffer."""
    put, done = buffers.Lending.put, []

    def look(lending, arrays):
        done.append(put(lending, arrays))
        return done[-1]

    monkeypatch.setattr(buffers.Lending, "put", look)
    return done


def make_array(number):
    return np.full(NB_BYTES, number % 251, np.uint8)


class Remembering(ASingleCell):
    """Keeps the last arrays that it was given, and looks at the oldest of them."""

    nb_kept = 3

    def __init__(self, parent_cell, name):
        super().__init__(parent_cell, name)
        self.x: Input = Input(self, "x")
        self.y: Output = Output(self, "y")
        self.kept = []

    def supports_scaling(self):
        return False

    def _on_pull(self):
        self.kept.append(self.x.pull()[10:])
        oldest = self.kept[0] if len(self.kept) < self.nb_kept else self.kept.pop(0)
        self.y.set_value((int(oldest.min()), int(oldest.max())))


def run(pipeline, make_inner, clones=1, nb_items=NB_ITEMS, sink=Collector):
    """What comes of arrays of the numbers from 0 on in a cell that other processes do."""
    box = scaled(pipeline, "box", make_inner, 0)
    box.scale_up(clones, RayCloneCell)
    arrays = Source(pipeline, "source", range(nb_items))
    end = sink(pipeline, "sink")
    chain(arrays, Map(pipeline, "make", make_array), box, end)
    with deployed(pipeline):
        assert in_time(lambda: pull_all(pipeline), PATIENCE_S) == nb_items
    return end.items


def test_arrays_go_there_and_back_by_few_buffers_that_are_written_again(pipeline, puts):
    results = run(pipeline, lambda box: Map(box, "work", lambda x: (x[0], 255 - x)))
    assert [int(number) for number, _ in results] == list(range(NB_ITEMS))
    assert [set(np.unique(inverted)) for _, inverted in results] == [{255 - number} for number in range(NB_ITEMS)]
    by_buffer = [number for number in puts if number is not None]
    assert len(by_buffer) > len(set(by_buffer)), "no buffer was written twice"
    assert not puts[0] and len(by_buffer) >= len(puts) - buffers.ORDINARY_FIRST - 1


def test_more_of_them_share_a_call_where_they_go_by_buffers(pipeline, monkeypatch):
    """With them, what a call costs by itself is most of what moves an array."""
    begin, sizes = clone.RemoteClone.begin, []

    def look(one, work):
        sizes.append((one.shares_memory, len(work.items)))
        return begin(one, work)

    def work(x):
        """Takes longer than sending, so that items gather."""
        return int(sum((x + number for number in range(8)), x)[0])

    monkeypatch.setattr(worker, "LEAD_S", 10.0)  # however long they take on this machine, many are to be on their way
    monkeypatch.setattr(clone.RemoteClone, "begin", look)
    run(pipeline, lambda box: Map(box, "work", work), nb_items=2 * NB_ITEMS)
    assert max(size for shares, size in sizes if not shares) <= worker.CALL_LIMIT_BYTES // NB_BYTES
    largest = max(size for shares, size in sizes if shares)
    assert worker.CALL_LIMIT_BYTES // NB_BYTES < largest <= worker.SHARED_CALL_LIMIT_BYTES // NB_BYTES


def test_small_and_large_arrays_of_several_items_keep_their_places(pipeline):
    """Some share a buffer, some have their own, and some go among the other bytes."""
    sizes = (10, messages.OUT_OF_BAND_BYTES, messages.GROUP_BYTES // 2, messages.GROUP_BYTES + 1)

    def work(x):
        number = int(x[0])
        return [np.full(size, (number + place) % 251, np.uint8) for place, size in enumerate(sizes)]

    def look(arrays):
        return [(len(array), set(np.unique(array).tolist())) for array in arrays]

    box = scaled(pipeline, "box", lambda box: Map(box, "work", work), 0)
    box.scale_up(1, RayCloneCell)
    end = Collector(pipeline, "sink")
    source = Source(pipeline, "source", range(NB_ITEMS))
    chain(source, Map(pipeline, "make", make_array), box, Map(pipeline, "look", look), end)
    with deployed(pipeline):
        assert in_time(lambda: pull_all(pipeline), PATIENCE_S) == NB_ITEMS
    assert end.items == [
        [(size, {(number + place) % 251}) for place, size in enumerate(sizes)] for number in range(NB_ITEMS)
    ]


@pytest.mark.parametrize("has_buffers", [True, False])
def test_arrays_of_a_message_are_grouped_by_how_large_they_are(has_buffers):
    some = messages.GROUP_BYTES // 4
    sizes = [some, some, messages.GROUP_BYTES + 1, 100, some, some, some, some, some]
    work = messages.Work([1], [[np.full(size, place, np.uint8) for place, size in enumerate(sizes)]])
    shelf = []

    def put(arrays):
        if not has_buffers or len(shelf) == 2:  # there is no third one
            return None
        shelf.append([array.copy() for array in arrays])
        return len(shelf) - 1

    packed = messages.pack(work, work.items, put)
    assert [len(group) if isinstance(group, list) else f"buffer {group}" for group in packed[1:]] == (
        ["buffer 0", "buffer 1", 4, 1] if has_buffers else [2, 1, 4, 1]
    )
    found = messages.unpack(messages.Work, packed, shelf.__getitem__)
    assert [array.tolist()[:1] * len(array) == array.tolist() for array in found.items[0]] == [True] * len(sizes)
    assert [(len(array), array[0]) for array in found.items[0]] == [(size, place) for place, size in enumerate(sizes)]


def test_a_large_item_is_packed_as_soon_as_it_is_there():
    shelf = []

    def put(arrays):
        shelf.append([array.copy() for array in arrays])
        return len(shelf) - 1

    large = np.full(messages.PARCEL_BYTES, 7, np.uint8)
    parcel = messages.pack_item([3, large], put)
    assert len(shelf) == 1
    results = [["small"], parcel, None]
    done = messages.Done(results, {}, (), 0.1)
    assert b"\7" * 1000 not in messages.pack(done, filter(None, results), put)
    number, found = messages.unpack_done(messages.pack(done, filter(None, results), put), shelf.__getitem__).results[1]
    assert number == 3
    assert (found == large).all()
    for values in (["small", np.zeros(messages.PARCEL_BYTES - 10, np.uint8)], [large, threading.Lock()]):
        assert messages.pack_item(values, put) is values
    assert len(shelf) == 1


def test_arrays_are_free_before_the_call_that_they_came_in_is_done(pipeline, monkeypatch):
    """Else each of them would be in memory that the system has to clear, as no earlier one could be used again."""
    refs = []

    def work(x):
        nb_alive = sum(ref() is not None for ref in refs)
        result = x + 1
        refs.append(weakref.ref(result))
        return nb_alive, result

    shelf = []

    def put(arrays):
        shelf.append([array.copy() for array in arrays])
        return len(shelf) - 1

    box = scaled(pipeline, "box", lambda box: Map(box, "work", work), 0)
    monkeypatch.setattr(servant, "unpack", lambda cell: cell)
    there = servant.Servant(box.clone(None), None, "p.box", "p.", ["y"])
    there._buffers.put = put
    assert isinstance(there.deploy(), messages.Place)
    calls = [messages.Work([first, first + 1, first + 2], [[make_array(first)]] * 3) for first in (0, 3)]
    results = []
    for call in calls:
        done = messages.unpack_done(there.work(messages.pack(call, call.items)), shelf.__getitem__)
        results += [result for (result,) in done.results]
    there.undeploy(False)
    assert [int(array[0]) for _, array in results] == [1, 1, 1, 4, 4, 4]
    assert [nb_alive for nb_alive, _ in results] == [0] * 6


def test_a_cell_may_keep_what_it_was_given(pipeline, puts):
    results = run(pipeline, lambda box: Remembering(box, "remembering"))
    kept = Remembering.nb_kept - 1
    assert results == [(max(0, number - kept),) * 2 for number in range(NB_ITEMS)]
    assert any(number is not None for number in puts)


def test_a_cell_that_keeps_all_of_it_has_the_rest_by_objects(pipeline, puts, monkeypatch):
    monkeypatch.setattr(buffers, "SIDE_BYTES", 20 * NB_BYTES)

    class Hoarding(Remembering):
        nb_kept = NB_ITEMS

    assert run(pipeline, lambda box: Hoarding(box, "hoarding")) == [(0, 0)] * NB_ITEMS
    assert any(number is not None for number in puts)
    assert puts[-1] is None


def test_results_that_are_kept_here_stay_as_they_were(pipeline):
    results = run(pipeline, lambda box: Map(box, "work", lambda x: 255 - x), clones=2)
    assert [int(result[-1]) for result in results] == [255 - number for number in range(NB_ITEMS)]
    assert not results[-1].flags.writeable


def test_the_next_clones_take_the_buffers_over_that_were_for_answers(pipeline):
    box = scaled(pipeline, "box", lambda box: Map(box, "work", lambda _: make_array(7)), 0)
    box.scale_up(1, RayCloneCell)
    chain(Source(pipeline, "source", range(NB_ITEMS)), box, Map(pipeline, "look", lambda x: int(x[5])))
    taken = []
    for _ in range(3):
        before = {buffer.number for buffer in buffers._made.kept}
        with deployed(pipeline):
            assert in_time(lambda: pull_all(pipeline), PATIENCE_S) == NB_ITEMS
            taken.append(before - {buffer.number for buffer in buffers._made.kept})
    assert not taken[0]
    assert taken[1]
    assert taken[2]
    assert buffers._made.nb_bytes == sum(buffer.nb_bytes for buffer in buffers._made.kept)


def test_there_is_a_limit_for_all_of_them(pipeline, puts, monkeypatch, caplog):
    monkeypatch.setattr(buffers, "MOST_BYTES", 20 * NB_BYTES)
    with caplog.at_level("INFO", "pypipeline.ray"):
        results = run(pipeline, lambda box: Map(box, "work", lambda x: x + 1))
    assert [int(result[0]) for result in results] == [number + 1 for number in range(NB_ITEMS)]
    assert 0 < buffers._made.nb_bytes <= 20 * NB_BYTES
    assert caplog.text.count("no more memory is shared with clones") == 1


def test_a_ray_without_such_buffers_is_used_all_the_same(pipeline, puts, monkeypatch, caplog):
    monkeypatch.setattr(buffers, "register_reader", lambda _: 1 / 0)
    monkeypatch.setattr(buffers.Writer, "add", lambda *_: 1 / 0)
    results = run(pipeline, lambda box: Map(box, "work", lambda x: x + 1))
    assert [int(result[0]) for result in results] == [number + 1 for number in range(NB_ITEMS)]
    assert set(puts) == {None}
    assert caplog.text.count("slower than they could be with this Ray: ZeroDivisionError") == 1


def test_nothing_is_wrong_where_a_process_dies_with_arrays_on_their_way(pipeline, tmp_path):
    def work(x):
        if x[0] == 30 and not (tmp_path / "killed").exists():
            (tmp_path / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return x * 2

    results = run(pipeline, lambda box: Map(box, "work", work), clones=2)
    assert [int(result[0]) for result in results] == [number * 2 % 256 for number in range(NB_ITEMS)]
    assert (tmp_path / "killed").exists()


def test_an_array_that_does_not_fit_into_the_buffers_gets_there_all_the_same(pipeline):
    box = scaled(pipeline, "box", lambda box: Map(box, "work", lambda x: (len(x), int(x[-1]))), 0)
    box.scale_up(1, RayCloneCell)
    sizes = [NB_BYTES] * 20 + [3 * NB_BYTES, 100, NB_BYTES] * 5 + [buffers.SIDE_BYTES + 1]
    make = Map(pipeline, "make", lambda size: np.full(size, size % 251, np.uint8))
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source", sizes), make, box, sink)
    with deployed(pipeline):
        assert in_time(lambda: pull_all(pipeline), PATIENCE_S) == len(sizes)
    assert sink.items == [(size, size % 251) for size in sizes]
