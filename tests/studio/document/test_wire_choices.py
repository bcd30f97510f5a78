"""The wires that there are to choose from."""

import pytest

from pypipeline_engine.catalogue.discovery import Catalogue
from pypipeline_engine.graph.reader import read
from pypipeline_engine.resources import get_examples
from pypipeline_studio.document import edits
from pypipeline_studio.document.types import StudioTypes
from pypipeline_studio.document.wire_choices import wire_choices


@pytest.fixture(scope="module")
def types():
    return StudioTypes(tuple(Catalogue(installed=False).get_types()))


def graph(name):
    return read(get_examples()[name].read_text(), name)


def shown(choices):
    return [(choice.source, choice.target) for choice in choices]


def test_what_needs_a_wire_comes_first_and_what_is_there_last(types):
    document = edits.disconnect(graph("people_tracking"), (), "detect.boxes", "track.boxes")
    choices = wire_choices(document, (), types, ["detect"])
    assert shown(choices)[0] == ("detect.boxes", "track.boxes")
    assert shown(choices)[-1] == ("video.frame", "detect.image")
    assert [choice.is_there for choice in choices].index(True) == len(choices) - 1
    assert ("detect.boxes", "people.frame") not in shown(choices)  # an image
    replaced = next(choice for choice in choices if choice.target == "draw.boxes")
    assert replaced.instead_of == "track.tracks"


def test_no_wire_closes_a_circle(types):
    choices = wire_choices(graph("people_tracking"), (), types, ["draw"])
    assert ("draw.image", "detect.image") not in shown(choices)  # it waits for detect
    assert ("draw.image", "draw.image") not in shown(choices)
    assert ("detect.boxes", "draw.boxes") in shown(choices)


def test_between_several_cells_only(types):
    choices = wire_choices(graph("people_tracking"), (), types, ["track", "draw"])
    assert shown(choices) == [("track.tracks", "draw.boxes")]
    assert choices[0].is_there


def test_ports_of_the_pipeline_around_are_offered(types):
    document = graph("nested")
    (name,) = [name for name, cell in document.cells.items() if cell.is_pipeline][:1]
    inner = document.cells[name]
    ends = {
        end
        for cell in inner.cells
        for choice in wire_choices(document, (name,), types, [cell])
        for end in choice_ends(choice)
    }
    assert set(inner.inputs) | set(inner.outputs) <= ends


def choice_ends(choice):
    return choice.source, choice.target
