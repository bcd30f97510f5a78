"""What is different in the graph of another run."""

import json
from typing import Any

import pytest

from pypipeline_engine.graph.model import Document
from pypipeline_engine.graph.reader import read
from pypipeline_engine.insight.graph_changes import find_graph_changes


def make_document(cells: dict[str, Any], *connections: list[str], **more: Any) -> Document:
    document = {"format": "pypipeline.graph", "version": 1, "cells": cells, "connections": list(connections), **more}
    return read(json.dumps(document))


def sentences(before: Document, after: Document) -> list[str]:
    return [change.sentence for change in find_graph_changes(before, after)]


def cell(**more: Any) -> Document:
    return make_document({"work": {"type": "demo.Work", **more}})


def test_what_does_not_matter_for_a_run_is_no_difference() -> None:
    before = make_document({"a": {"type": "x.A"}, "b": {"type": "x.B"}}, ["a.v", "b.v"], name="one")
    after = make_document(
        {"b": {"type": "x.B"}, "a": {"type": "x.A", "scale": {}}},
        ["a.v", "b.v"],
        name="two",
        view={"a": {"pos": [1, 2]}},
    )
    assert sentences(before, after) == []


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ({}, {"scale": {"thread": 2}}, "work: scale inline → 2 on threads"),
        (
            {"scale": {"thread": 2}},
            {"scale": {"thread": 1, "ray": 3}},
            "work: scale 2 on threads → 1 on threads, 3 on ray",
        ),
        (
            {"scale": {"thread": 2}},
            {"scale": {"thread": 2, "queue_capacity": 9}},
            "work: scale 2 on threads → 2 on threads, queue of 9",
        ),
        (
            {"scale": {"ray": 1}},
            {"scale": {"ray": 1, "ray_options": {"num_gpus": 1}}},
            "work: scale 1 on ray → 1 on ray, num_gpus 1",
        ),
        ({"parameters": {"ms": 5}}, {"parameters": {"ms": 6}}, "work: ms 5 → 6"),
        ({"parameters": {"ms": 5}}, {}, "work: ms 5 → its default"),
        ({"parameters": {"ms": 1}}, {"parameters": {"ms": True}}, "work: ms 1 → true"),
        ({"initial_values": {"out": 5}}, {}, "work: initial_values.out 5 → its default"),
        ({"on_error": "skip"}, {}, "work: on_error skip → fail"),
        ({}, {"on_error": {"retry": 3, "then": "skip"}}, "work: on_error fail → retry 3, then skip"),
        ({}, {"disabled": True}, "work: state active → disabled"),
        ({}, {"bypassed": True}, "work: state active → bypassed"),
    ],
)
def test_a_cell_that_is_different(before: dict[str, Any], after: dict[str, Any], sentence: str) -> None:
    assert sentences(cell(**before), cell(**after)) == [sentence]


def test_values_that_cannot_be_told_in_few_words_are_different_all_the_same() -> None:
    assert sentences(cell(parameters={"table": [1]}), cell(parameters={"table": [2]})) == [
        "work: table a list → a list"
    ]


def test_cells_and_connections_that_come_and_go() -> None:
    before = make_document({"a": {"type": "x.A"}, "b": {"type": "x.B"}}, ["a.v", "b.v"])
    after = make_document({"a": {"type": "y.A"}, "c": {"type": "x.C"}}, ["a.v", "c.v"])
    assert sentences(before, after) == [
        "a: type x.A → y.A",
        "b is gone: x.B",
        "c is new: x.C",
        "no connection a.v -> b.v",
        "new connection a.v -> c.v",
    ]


def test_inside_of_a_nested_pipeline() -> None:
    def nested(*connections: list[str], **parameters: Any) -> Document:
        track = {"type": "x.Track", "parameters": parameters}
        post = {"type": "Pipeline", "inputs": ["i"], "outputs": ["o"], "cells": {"track": track}}
        return make_document({"post": {**post, "connections": list(connections)}})

    assert sentences(nested(["i", "track.i"], age=1), nested(["i", "track.j"], age=2)) == [
        "post.track: age 1 → 2",
        "no connection i -> track.i in post",
        "new connection i -> track.j in post",
    ]
