"""What a person looks at in a run, as data."""

import json

import pytest

from pypipeline_engine.catalogue.discovery import Catalogue
from pypipeline_engine.graph.reader import read, read_file
from pypipeline_engine.resources import get_examples
from pypipeline_studio.document import edits
from pypipeline_studio.document.types import StudioTypes
from pypipeline_studio.document.views import PortView
from pypipeline_studio.document.watched import (
    Breakpoint,
    breakpoint_from_data,
    image_behind,
    port_to_look_at,
    renamed_cells,
)


@pytest.fixture(scope="module")
def types():
    return StudioTypes(Catalogue(installed=False).get_types())


def nested():
    """Boxes inside of a pipeline, of an image that comes from outside."""
    return read(
        json.dumps(
            {
                "format": "pypipeline.graph",
                "version": 1,
                "cells": {
                    "video": {"type": "sources.VideoFile"},
                    "post": {
                        "type": "Pipeline",
                        "inputs": ["image"],
                        "outputs": ["boxes"],
                        "cells": {"detect": {"type": "detection.HogPeople"}},
                        "connections": [["image", "detect.image"], ["detect.boxes", "boxes"]],
                    },
                },
                "connections": [["video.frame", "post.image"]],
            }
        )
    )


def test_boxes_are_drawn_on_the_nearest_image_on_the_way_to_them(types) -> None:
    document = read_file(get_examples()["people_tracking"])
    assert image_behind(document, types, ("detect", "boxes")) == ("video", "frame")
    assert image_behind(document, types, ("track", "tracks")) == ("video", "frame")
    assert image_behind(document, types, ("video", "frame")) is None
    assert image_behind(nested(), types, ("post.detect", "boxes")) == ("video", "frame")


def test_a_circle_of_boxes_ends(types) -> None:
    document = read(
        '{"format": "pypipeline.graph", "version": 1, "cells": {"a": {"type": "tracking.Sort"}, '
        '"b": {"type": "tracking.Sort"}}, "connections": [["a.tracks", "b.boxes"], ["b.tracks", "a.boxes"]]}'
    )
    assert image_behind(document, types, ("a", "tracks")) is None


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ((), ""),
        (("number", "text"), "0"),
        (("number", "tracks"), "1"),
        (("boxes", "number", "image"), "2"),
    ],
)
def test_images_are_looked_at_first_and_then_boxes(kinds, expected) -> None:
    ports = [PortView(str(index), (kind,)) for index, kind in enumerate(kinds)]
    assert port_to_look_at(ports) == expected


def test_a_breakpoint_follows_its_cell_to_another_name() -> None:
    before = read_file(get_examples()["people_tracking"])
    after = edits.rename_cell(before, (), "detect", "people finder")
    assert renamed_cells(before, after) == {"detect": "people finder"}
    assert renamed_cells(after, before) == {"people finder": "detect"}
    assert renamed_cells(before, edits.remove_cells(before, (), ["detect"])) == {}
    moved = edits.move_cells(before, (), {"detect": (5, 5)})
    assert renamed_cells(before, moved) == {}


def test_the_cells_inside_of_a_renamed_pipeline_follow_it() -> None:
    before = nested()
    after = edits.rename_cell(before, (), "post", "after")
    assert renamed_cells(before, after) == {"post": "after", "post.detect": "after.detect"}


def test_breakpoints_come_back_as_they_were() -> None:
    one = Breakpoint("detect", "boxes", "len(value) > 3", is_enabled=False)
    assert breakpoint_from_data(json.loads(json.dumps(one.to_data()))) == one


@pytest.mark.parametrize("data", [None, [], {}, {"cell": 1, "port": "a", "condition": ""}, {"cell": "", "port": ""}])
def test_what_is_no_breakpoint_is_left_out(data) -> None:
    assert breakpoint_from_data(data) is None
