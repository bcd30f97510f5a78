"""Documents as text and pictures."""

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from graph_strategies import documents
from graph_support import DESIGN, raw
from hypothesis import given, settings

from pypipeline_engine.catalogue.discovery import Catalogue
from pypipeline_engine.graph.diagram import recurrent_connections, to_listing, to_mermaid
from pypipeline_engine.graph.model import Document
from pypipeline_engine.graph.reader import read, read_file
from pypipeline_engine.graph.svg import to_svg

EXAMPLES = Path(__file__).parents[3] / "resources" / "examples"
SVG = "{http://www.w3.org/2000/svg}"


def test_a_listing_names_cells_settings_and_connections() -> None:
    assert to_listing(read(DESIGN)) == (
        "people: 5 cells\n"
        '  video   sources.VideoFile    path="pedestrians.avi"\n'
        "          frame -> detect.image\n"
        "  detect  detection.HogPeople  hit_threshold=0.2  [2 threads, queue of 8]\n"
        "          boxes -> post.boxes\n"
        "  post    Pipeline\n"
        "    | boxes -> track.boxes\n"
        "    | track  tracking.Sort\n"
        "    |        tracks -> tracks\n"
        "          tracks -> write.item\n"
        '  write   sinks.JsonLines      path="tracks.jsonl"  [on error skip]\n'
    )


def test_a_flowchart_has_a_node_for_each_cell_and_an_arrow_for_each_connection() -> None:
    assert to_mermaid(read(DESIGN)) == (
        "flowchart LR\n"
        '  p_0["video<br>sources.VideoFile"]\n'
        '  p_1["detect<br>detection.HogPeople<br>2 threads<br>queue of 8"]\n'
        '  subgraph p_2["post"]\n'
        '    p_2_in_0(["boxes"])\n'
        '    p_2_out_0(["tracks"])\n'
        '    p_2_0["track<br>tracking.Sort"]\n'
        '    p_2_in_0 -->|"boxes"| p_2_0\n'
        '    p_2_0 -->|"tracks"| p_2_out_0\n'
        "  end\n"
        '  p_3["write<br>sinks.JsonLines<br>on error skip"]\n'
        '  p_0 -->|"frame"| p_1\n'
        '  p_1 -->|"boxes"| p_2_in_0\n'
        '  p_2_out_0 -->|"tracks"| p_3\n'
    )


def looped(**more: Any) -> Document:
    cells = {"a": {"type": "flow.Delay", **more}, "b": {"type": "flow.Delay"}}
    return Document.model_validate(raw(cells, [["a.item", "b.item"], ["b.item", "a.item"]]))


def test_recurrent_connections_are_dotted() -> None:
    document = looped(initial_values={"item": 0})
    assert recurrent_connections(document, Catalogue()) == {0}
    assert '  p_0 -.->|"item"| p_1\n  p_1 -->|"item"| p_0\n' in to_mermaid(document, Catalogue())
    assert "item -> b.item (recurrent)" in to_listing(document, Catalogue())
    assert to_svg(document, Catalogue()).count('class="wire back"') == 1


def test_a_cycle_that_cannot_be_ordered_is_drawn_all_the_same() -> None:
    assert recurrent_connections(looped(), Catalogue()) == set()
    assert to_svg(looped(), Catalogue()).count('class="wire"') == 2


def test_names_cannot_break_out_of_the_flowchart() -> None:
    document = Document.model_validate(raw({'"]; click p href "x" %%': {"type": "a.B<script>"}}))
    line = to_mermaid(document).splitlines()[1]
    assert re.fullmatch(r'  p_0\["[\w ._,()#;<>-]*"\]', line)
    assert "<script>" not in line


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_the_picture_of_an_example_shows_every_cell_and_connection_apart(path: Path) -> None:
    document = read_file(path)
    root = ElementTree.fromstring(to_svg(document, Catalogue()))
    texts = {element.text for element in root.iter(f"{SVG}text")}
    assert {names[-1] for names, _ in document.walk()} <= texts
    nb_connections = len(document.connections) + sum(len(cell.connections) for _, cell in document.walk())
    assert len(list(root.iter(f"{SVG}path"))) == nb_connections
    top = root.find(f"{SVG}g")
    assert top is not None
    boxes = []
    for group in top.findall(f"{SVG}g"):
        x, y = map(float, re.findall(r"[-\d.]+", group.attrib["transform"]))
        rect = group.find(f"{SVG}rect")
        assert rect is not None
        boxes.append((x, y, x + float(rect.attrib["width"]), y + float(rect.attrib["height"])))
    for i, one in enumerate(boxes):
        for other in boxes[:i]:
            assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1], "they overlap"
    assert max(box[2] for box in boxes) <= float(root.attrib["width"])
    assert max(box[3] for box in boxes) <= float(root.attrib["height"])


@given(documents)
@settings(max_examples=50, deadline=None)
def test_whatever_is_in_a_document_can_be_drawn(document: Document) -> None:
    """Also connections that lead nowhere, which a person wants to see before mending them."""
    assert ElementTree.fromstring(to_svg(document)).tag == f"{SVG}svg"
    assert to_mermaid(document).startswith("flowchart LR\n")
    assert to_listing(document).startswith(document.name)
