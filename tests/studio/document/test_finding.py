"""Finding text in a graph."""

from pypipeline_engine.graph.model import CellEntry, Document
from pypipeline_studio.document.finding import Hit, find, from_here


def graph() -> Document:
    inner = CellEntry(
        type="Pipeline",
        cells={"scale": CellEntry(type="math.Multiply", parameters={"factor": 2.5})},
        view={"note 1": {"rect": [10, 20, 300, 200], "title": "Scaling", "text": "Twice and\na half"}},
    )
    return Document(
        name="graph",
        cells={
            "video": CellEntry(type="sources.VideoFile", parameters={"path": "films/pedestrians.avi", "loop": True}),
            "detect": CellEntry(type="detection.HogPeople"),
            "post": inner,
        },
        view={
            "detect": {"pos": [0, 0], "title": "Find people", "colour": "amber"},
            "comment.1": {"box": [48, 72, 400, 200], "title": "Runs less steadily", "colour": "teal"},
            "comments": [{"pos": [5, 6], "size": [10, 10], "title": "Crowd"}],
        },
    )


def names(text) -> list[str]:
    return [hit.full_name for hit in find(graph(), text)]


def test_cells_are_found_by_name_type_title_and_values() -> None:
    assert names("DETECT") == ["detect"]
    assert names("videofile") == ["video"]
    assert names("find people") == ["detect"]
    assert find(graph(), "pedestrians")[0].reason == "path: films/pedestrians.avi"
    assert names("loop: true") == ["video"]
    assert names("factor=2.5") == ["post.scale"]


def test_nested_cells_are_found_with_the_way_to_them() -> None:
    assert find(graph(), "multiply") == [Hit(("post",), "scale", "type math.Multiply")]


def test_comments_are_found_with_their_place() -> None:
    assert find(graph(), "crowd") == [Hit((), "", "comment: Crowd", (5.0, 6.0))]
    assert find(graph(), "steadily") == [Hit((), "", "comment: Runs less steadily", (48.0, 72.0))]
    assert names("teal") == []
    assert find(graph(), "and a") == []  # the text has a new line there
    assert find(graph(), "a half") == [Hit(("post",), "", "comment: Twice and a half", (10.0, 20.0))]


def test_each_cell_is_found_once_and_colours_are_no_text() -> None:
    assert names("pe") == ["video", "detect", "post"]
    assert names("amber") == []
    assert names(" ") == []


def test_what_is_found_here_comes_first() -> None:
    hits = from_here(find(graph(), "i"), ("post",))
    assert [hit.path for hit in hits] == sorted((hit.path for hit in hits), key=lambda path: path != ("post",))
    assert hits[0].path == ("post",)


def test_long_values_are_shortened_around_what_was_found() -> None:
    document = Document(name="g", cells={"a": CellEntry(type="t", parameters={"text": "x" * 200 + "here" + "y" * 200})})
    reason = find(document, "here")[0].reason
    assert "here" in reason
    assert reason.startswith("text: …")
    assert len(reason) < 80
