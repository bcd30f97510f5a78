"""Comparisons as the engine makes them of two records, read for the studio."""

import json

import pytest
from record_samples import GRAPH, write_record

from pypipeline_engine.insight.comparison import compare
from pypipeline_engine.insight.comparison_data import comparison_as_data
from pypipeline_engine.insight.records import Record
from pypipeline_studio.document.run_comparison import (
    CellMark,
    ComparedFigure,
    ComparisonRefused,
    RunComparison,
    read_comparison,
)


def made_by_engine(tmp_path, after_hz, **after):
    paths = (
        write_record(tmp_path / "a", hz=8.0, seconds=60),
        write_record(tmp_path / "b", hz=after_hz, seconds=60, **after),
    )
    with Record(paths[0]) as one, Record(paths[1]) as two:
        return comparison_as_data(compare(one, two), one, two)


def find(comparison, cell, key) -> ComparedFigure:
    return next(figure for figure in comparison.figures if (figure.cell, figure.key) == (cell, key))


def test_a_run_that_is_faster_says_so_with_its_noise(tmp_path) -> None:
    comparison = read_comparison(json.dumps(made_by_engine(tmp_path, 16.0)))
    assert comparison.summary.startswith("The later run is faster: 8.00/s → 16.0/s, +100 % (noise ±")
    assert "changed by more than noise" in comparison.summary
    assert comparison.figures[0].cell == ""
    rate = find(comparison, "work", "rate_hz")
    assert (rate.before, rate.after, rate.change, rate.verdict) == ("8.00/s", "16.0/s", "+100 %", "real")
    assert rate.direction == "better"
    service = find(comparison, "work", "service_s")
    assert (service.change, service.direction) == ("−50.0 %", "better")
    assert find(comparison, "work", "busy").change == "+0.0 pts"
    assert "The same graph." in comparison.notes


def test_a_run_that_is_slower_and_one_of_another_graph(tmp_path) -> None:
    graph = {**GRAPH, "cells": {**GRAPH["cells"], "work": {"type": "demo.Work", "parameters": {"milliseconds": 9}}}}
    comparison = read_comparison(json.dumps(made_by_engine(tmp_path, 4.0, graph=graph)))
    assert comparison.summary.startswith("The later run is slower")
    assert find(comparison, "work", "service_s").direction == "worse"
    assert any(note.startswith("Other graph: work: milliseconds") for note in comparison.notes)


def test_equal_runs_do_not_differ(tmp_path) -> None:
    comparison = read_comparison(json.dumps(made_by_engine(tmp_path, 8.0)))
    assert comparison.summary.startswith("The runs do not differ in speed by more than noise")
    assert not any(figure.is_change for figure in comparison.figures)
    assert comparison.marks((), "service_s")["work"].text == "≈"


def test_cells_are_marked_by_the_figure_that_is_chosen(tmp_path) -> None:
    comparison = read_comparison(json.dumps(made_by_engine(tmp_path, 16.0)))
    by_time, by_rate = comparison.marks((), "service_s"), comparison.marks((), "rate_hz")
    assert set(by_time) == set(by_rate) == {"count", "work", "write"}
    assert (by_time["work"].text, by_time["work"].direction) == ("▼ 50 %", "better")
    assert (by_rate["work"].text, by_rate["work"].direction) == ("▲ 100 %", "better")
    assert by_rate["work"].about.startswith("work: rate 8.00/s → 16.0/s, noise ±")


def figure(cell, part, verdict="real") -> ComparedFigure:
    return ComparedFigure(cell, "service_s", "time per item", "1 s", "2 s", "", "±3 %", verdict, "worse", part)


def test_a_nested_pipeline_has_the_mark_of_what_changed_most_in_it() -> None:
    comparison = RunComparison(
        "",
        (),
        (
            figure("post.a", 0.9, "noise"),
            figure("post.b", 0.2),
            figure("post.c", -0.4, "doubtful"),
            figure("late", None, "unknown"),
        ),
    )
    assert {name: mark.text for name, mark in comparison.marks((), "service_s").items()} == {"post": "c ▼ 40 %"}
    inside = comparison.marks(("post",), "service_s")
    assert {name: mark.text for name, mark in inside.items()} == {"a": "≈", "b": "▲ 20 %", "c": "▼ 40 %"}
    assert isinstance(inside["c"], CellMark)
    assert inside["c"].verdict == "doubtful"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"pipeline": {}, "cells": {}}', '{"pipeline": {"rate_hz": 1}}'])
def test_what_is_no_comparison_is_refused(text) -> None:
    with pytest.raises(ComparisonRefused):
        read_comparison(text)
