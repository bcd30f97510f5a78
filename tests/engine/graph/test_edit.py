"""Changes to documents by full names."""

from typing import Any

import pytest
from graph_support import DESIGN

from pypipeline_engine.catalogue.discovery import Catalogue
from pypipeline_engine.exceptions import GraphException
from pypipeline_engine.graph.edit import find_parameter, set_parameter, set_parameter_text, set_scale
from pypipeline_engine.graph.model import Scale
from pypipeline_engine.graph.reader import read
from pypipeline_engine.graph.writer import to_text

DOCUMENT = read(DESIGN)
TYPES = Catalogue()


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("detect.hit_threshold", "0.4", 0.4),
        ("detect.stride", "16", 16),
        ("video.path", "other.avi", "other.avi"),
        ("video.path", "2024", "2024"),
        ("video.path", '"quoted"', "quoted"),
        ("video.path", "null", "null"),
        ("video.loop", "true", True),
        ("video.count", "null", None),
        ("video.count", "12", 12),
        ("post.track.max_age", "3", 3),
        ("detect.stride", "many", "many"),
        ("detect.stride", "1.5", 1.5),
        ("detect.stride", "NaN", "NaN"),
        ("detect.stride", "[" * 200, "[" * 200),
    ],
)
def test_text_of_the_command_line_becomes_what_the_parameter_takes(name: str, text: str, value: Any) -> None:
    """Where it takes neither the JSON nor the text, the check that follows says so."""
    changed = set_parameter_text(DOCUMENT, name, text, TYPES)
    *path, parameter = name.split(".")
    cell = changed.find(tuple(path))
    assert cell is not None
    assert cell.parameters[parameter] == value
    assert repr(cell.parameters[parameter]) == repr(value)


def test_the_document_given_stays_as_it_is() -> None:
    set_parameter(DOCUMENT, "post.track.max_age", 5)
    set_scale(DOCUMENT, "detect", 4)
    assert to_text(DOCUMENT) == DESIGN


def test_only_the_parameter_changes() -> None:
    changed = set_parameter(DOCUMENT, "detect.hit_threshold", 0.3)
    assert to_text(changed) == DESIGN.replace("0.2", "0.3")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("detekt.stride", 'there is no cell "detekt"; did you mean "detect"?'),
        ("track.max_age", 'there is no cell "track"; did you mean "post.track"?'),
        ("post.trak.max_age", 'did you mean "post.track"?'),
        ("detect.strid", '"detect" (detection.HogPeople) has no parameter "strid"; did you mean "stride"?'),
        ("post.max_age", '"post" is a Pipeline and has no parameters: name a cell inside of it'),
        ("stride", 'a parameter is named as "cell.parameter", not "stride"'),
        ("detect.", 'a parameter is named as "cell.parameter", not "detect."'),
        ("", 'a parameter is named as "cell.parameter", not ""'),
    ],
)
def test_wrong_names_come_with_the_nearest_known_one(name: str, message: str) -> None:
    with pytest.raises(GraphException) as caught:
        find_parameter(DOCUMENT, name, TYPES)
    assert message in str(caught.value)


def test_values_that_json_cannot_say_are_refused() -> None:
    with pytest.raises(GraphException, match="a finite number is expected"):
        set_parameter(DOCUMENT, "detect.stride", float("nan"))


def test_scaling_takes_the_place_of_what_was_there_and_leaves_the_rest() -> None:
    scaled = set_scale(DOCUMENT, "detect", 4, "ray").cells["detect"].scale
    assert scaled == Scale(thread=0, ray=4, queue_capacity=8)
    track = set_scale(DOCUMENT, "post.track", 1).find(("post", "track"))
    assert track is not None
    assert track.scale == Scale(thread=1)


@pytest.mark.parametrize(
    ("name", "count", "method", "message"),
    [
        ("detekt", 1, "thread", 'did you mean "detect"?'),
        ("detect", -1, "thread", "must be from 0 to 1024, not -1"),
        ("detect", 10**9, "ray", "must be from 0 to 1024"),
        ("detect", True, "ray", "must be from 0 to 1024, not true"),
        ("detect", 1, "process", 'the clones of "detect" can be "thread" or "ray", not "process"'),
    ],
)
def test_wrong_scaling_is_refused(name: str, count: Any, method: Any, message: str) -> None:
    with pytest.raises(GraphException) as caught:
        set_scale(DOCUMENT, name, count, method)
    assert message in str(caught.value)
