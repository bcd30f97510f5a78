"""Advice in words, and as a change to a document."""

import pytest
from panel_samples import figures

from pypipeline_engine.graph.model import CellEntry, Document, Scale
from pypipeline_engine.host.protocol import BottleneckInfo, ChangeInfo
from pypipeline_studio.document.advice import (
    advised_capacity,
    advised_clones,
    clones_after,
    describe_scaled,
    describe_scaling,
    text_of,
    title_of,
    with_capacity,
    with_clones,
)

MIXED, RAY = Scale(thread=1, ray=2), Scale(ray=2)


def change(cell="work", method="thread", before=0, after=2) -> ChangeInfo:
    return ChangeInfo(cell=cell, method=method, before=before, after=after)


def limit(*changes, cells=("work",), **more) -> BottleneckInfo:
    known = {"sentence": "work limits the pipeline: so it is.", **more}
    return BottleneckInfo(cells=cells, kind="station", utilisation=1, capacity_hz=8, changes=changes, **known)


def graph(**scales) -> Document:
    return Document(
        name="graph", cells={name: CellEntry(type="demo.Work", scale=scale) for name, scale in scales.items()}
    )


@pytest.mark.parametrize(
    ("scale", "advised", "numbers"),
    [
        (None, change(after=2), (2, 0)),
        (Scale(thread=2), change(before=2, after=3), (3, 0)),
        (None, change(method="ray", after=1), (0, 1)),
        (Scale(thread=2), change(method="ray", after=2), (0, 2)),
        (RAY, change(method="ray", before=2, after=3), (0, 3)),
        (RAY, change(after=1), (1, 2)),
        (MIXED, change(after=1), (2, 2)),
        (MIXED, change(method="ray", after=1), (1, 3)),
    ],
)
def test_the_clones_that_are_advised(scale, advised, numbers) -> None:
    assert clones_after(scale, advised) == numbers


def test_what_the_document_says_already_is_advised_no_longer() -> None:
    advice = limit(change())
    assert advised_clones(graph(work=None), advice) == {("work",): (2, 0)}
    assert advised_clones(graph(work=Scale(thread=2)), advice) == {}
    assert advised_clones(graph(other=None), advice) == {}
    assert advised_clones(graph(work=None), limit()) == {}


def test_cells_that_limit_together_are_changed_together_and_the_rest_of_them_stays() -> None:
    document = graph(work=Scale(thread=1, queue_capacity=9), other=None, third=None)
    clones = advised_clones(document, limit(change(before=1), change("other")))
    changed = with_clones(document, clones)
    assert changed.cells["work"].scale == Scale(thread=2, queue_capacity=9)
    assert changed.cells["other"].scale == Scale(thread=2)
    assert changed.cells["third"] == document.cells["third"]
    assert describe_scaling(clones) == "Scale work and other"
    assert describe_scaled(clones) == "work and other are scaled"


def test_cells_inside_of_nested_pipelines_are_changed(nested) -> None:
    clones = advised_clones(nested, limit(change("poly.work", after=4)))
    assert with_clones(nested, clones).find(("poly", "work")).scale.thread == 4


@pytest.mark.parametrize(
    ("numbers", "words"),
    [((1, 0), "1 thread"), ((2, 0), "2 threads"), ((0, 3), "3 Ray clones"), ((2, 1), "2 threads and 1 Ray clone")],
)
def test_clones_are_called_what_they_are(numbers, words) -> None:
    assert describe_scaling({("poly", "work"): numbers}) == f"Scale poly.work to {words}"
    assert describe_scaled({("work",): numbers}) == f"work now has {words}"


def test_a_queue_that_is_too_short() -> None:
    advice, document = limit(queue_cell="work", queue_capacity=16), graph(work=Scale(thread=2))
    cells = {"work": figures(0.5, queued=1, capacity=4), "other": figures(0.5, queued=1, capacity=16)}
    assert advised_capacity(document, advice, cells) == (("work",), 16)
    longer = with_capacity(document, ("work",), 16)
    assert longer.cells["work"].scale == Scale(thread=2, queue_capacity=16)
    assert advised_capacity(longer, advice, cells) is None
    assert advised_capacity(document, limit(), cells) is None
    assert advised_capacity(graph(work=None), advice, cells) is None
    elsewhere = limit(cells=("other",), queue_cell="work", queue_capacity=16)
    assert advised_capacity(document, elsewhere, cells) == (("work",), 16)
    other = limit(queue_cell="other", queue_capacity=16)
    assert advised_capacity(graph(other=Scale(thread=2)), other, cells) is None
    assert advised_capacity(document, advice, {}) is None


def test_title_and_text() -> None:
    advice = limit(sentence="work limits the pipeline, computing: so it is.", paragraph="All of it.")
    assert (title_of(advice), text_of(advice)) == ("work limits the pipeline, computing", "All of it.")
    assert text_of(limit()) == "So it is."
    assert title_of(limit(sentence="work limits the pipeline.")) == "work limits the pipeline"
