"""What `--set` and `--scale` do to a document."""

from pathlib import Path

import pytest

from pypipeline_engine.catalogue.model import CellType, KnownTypes, ParameterType, ValueType
from pypipeline_engine.cli.errors import CommandError
from pypipeline_engine.cli.overrides import Overrides
from pypipeline_engine.graph.model import Document, Scale
from pypipeline_engine.graph.problems import Problem


def parameter(name: str, type_name: str = "any") -> ParameterType:
    return ParameterType(name=name, when="config", type=ValueType(name=type_name))


TYPES = KnownTypes(
    [
        CellType(
            name="detection.HogPeople",
            parameters=(
                parameter("stride", "int"),
                parameter("any"),
                parameter("title", "text"),
                parameter("model", "input_path"),
                parameter("log", "output_path"),
            ),
        ),
        CellType(name="tracking.Sort", parameters=(parameter("max_age"), parameter("iou"))),
    ]
)


def with_parameters(document: Document, assignments: list[str]) -> Document:
    return Overrides(assignments=tuple(assignments)).apply(document, TYPES)


def with_scaling(document: Document, requests: list[str]) -> Document:
    return Overrides(scaling=tuple(requests)).apply(document, TYPES)


@pytest.fixture
def document() -> Document:
    return Document.model_validate(
        {
            "cells": {
                "detect": {
                    "type": "detection.HogPeople",
                    "parameters": {"stride": 8},
                    "scale": {"thread": 2, "queue_capacity": 8},
                },
                "post": {"type": "Pipeline", "cells": {"track": {"type": "tracking.Sort"}}},
            }
        }
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("16", 16),
        ("0.5", 0.5),
        ("true", True),
        ("null", None),
        ("[1, 2]", [1, 2]),
        ('"5"', "5"),
        ("5 px", "5 px"),
        ("a=b", "a=b"),
        ("", ""),
        ("NaN", "NaN"),
        ("1e999", "1e999"),
    ],
)
def test_a_value_is_json_or_else_text(document: Document, text: str, value: object) -> None:
    changed = with_parameters(document, [f"detect.any={text}"])
    assert changed.cells["detect"].parameters == {"stride": 8, "any": value}
    assert document.cells["detect"].parameters == {"stride": 8}


def test_what_is_a_number_elsewhere_is_text_where_text_is_expected(document: Document) -> None:
    changed = with_parameters(document, ["detect.title=8", "detect.stride=4"])
    assert changed.cells["detect"].parameters == {"stride": 4, "title": "8"}


def test_a_cell_inside_of_a_pipeline_is_named_by_its_path(document: Document) -> None:
    changed = with_parameters(document, ["post.track.max_age=3", "post.track.iou=0.5"])
    assert changed.cells["post"].cells["track"].parameters == {"max_age": 3, "iou": 0.5}


def test_a_file_to_be_read_is_looked_for_in_the_current_folder(
    document: Document, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    changed = with_parameters(document, ["detect.model=people.xml", "detect.log=log.txt"])
    assert changed.cells["detect"].parameters == {"stride": 8, "model": str(tmp_path / "people.xml"), "log": "log.txt"}


def test_a_problem_at_a_changed_place_names_the_option_and_no_line(document: Document) -> None:
    overrides = Overrides(("detect.stride=x",), ("post.track=2",))
    overrides.apply(document, TYPES)
    problems = [
        Problem("is bad", ("cells", "detect", "parameters", "stride"), 7),
        Problem("is too many", ("cells", "post", "cells", "track", "scale", "thread"), 8),
        Problem("is bad too", ("cells", "detect", "parameters", "scale"), 9),
    ]
    assert [str(problem) for problem in overrides.explain(problems)] == [
        "cells.detect.parameters.stride: is bad (--set detect.stride=x)",
        "cells.post.cells.track.scale.thread: is too many (--scale post.track=2)",
        "line 9, cells.detect.parameters.scale: is bad too",
    ]


@pytest.mark.parametrize("assignment", ["detect", "stride=8", "detect.=8", ".stride=8", "=", ""])
def test_another_form_is_refused_with_an_example(document: Document, assignment: str) -> None:
    with pytest.raises(CommandError, match=r"expects CELL\.PARAM=VALUE"):
        with_parameters(document, [assignment])


def test_an_unknown_cell_is_named_with_the_nearest_known_one(document: Document) -> None:
    with pytest.raises(CommandError, match=r'--set detekt\.stride=4: there is no cell "detekt".*"detect"'):
        with_parameters(document, ["detekt.stride=4"])
    with pytest.raises(CommandError, match=r'there is no cell "post\.trak".*"post\.track"'):
        with_scaling(document, ["post.trak=2"])


@pytest.mark.parametrize(
    ("requests", "scale"),
    [
        (["detect=4"], Scale(thread=4, queue_capacity=8)),
        (["detect=3:ray"], Scale(ray=3, queue_capacity=8)),
        (["detect=1:thread", "detect=3:ray"], Scale(ray=3, queue_capacity=8)),
        (["detect=0"], Scale(queue_capacity=8)),
    ],
)
def test_scaling_replaces_the_numbers_of_clones_and_nothing_else(
    document: Document, requests: list[str], scale: Scale
) -> None:
    assert with_scaling(document, requests).cells["detect"].scale == scale


@pytest.mark.parametrize(
    "request_", ["detect", "detect=", "detect=-1", "detect=two", "detect=2:process", "=2", "detect=²"]
)
def test_another_form_of_scaling_is_refused_with_an_example(document: Document, request_: str) -> None:
    with pytest.raises(CommandError, match="--scale expects CELL=N"):
        with_scaling(document, [request_])


def test_an_unknown_parameter_is_named_with_the_nearest_known_one(document: Document) -> None:
    with pytest.raises(CommandError, match=r'--set detect\.strid=4: .* has no parameter "strid".*"stride"'):
        with_parameters(document, ["detect.strid=4"])


def test_an_absurd_number_of_clones_is_refused(document: Document) -> None:
    with pytest.raises(CommandError, match="from 0 to 1024, not 2000"):
        with_scaling(document, ["detect=2000"])
