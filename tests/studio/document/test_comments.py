"""Comment boxes in the view of a pipeline."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypipeline_engine.graph.model import Document
from pypipeline_engine.graph.reader import read
from pypipeline_engine.graph.writer import to_text
from pypipeline_studio.document import edits
from pypipeline_studio.document.comments import (
    Comment,
    add_comment,
    box_around,
    change_comment,
    comments_of,
    contains,
    copy_with_comments,
    follow_nodes,
    lies_in,
    paste_with_comments,
    place_comments,
    remove_comments,
)

BOX = (10.0, 20.0, 300.0, 200.0)


def test_a_box_is_one_line_of_the_view(people) -> None:
    document, key = add_comment(people, (), BOX, "Crowd count", "A\nB", "teal")
    line = '"comment.1": {"box": [10, 20, 300, 200], "title": "Crowd count", "text": "A\\nB", "colour": "teal"}'
    assert line in [line.strip() for line in to_text(document).splitlines()]
    assert comments_of(document) == (Comment(key, BOX, "Crowd count", "A\nB", "teal"),)
    assert read(to_text(document)) == document
    assert document.cells == people.cells


def test_defaults_are_not_written(people) -> None:
    document, key = add_comment(people, (), BOX)
    assert document.view[key] == {"box": [10, 20, 300, 200]}
    assert add_comment(document, (), BOX)[1] == "comment.2"


def test_boxes_in_nested_pipelines(nested) -> None:
    document, _ = add_comment(nested, ("poly",), BOX)
    assert not comments_of(document)
    assert len(comments_of(document.cells["poly"])) == 1


@pytest.mark.parametrize(
    "entry", [5, {}, {"box": [1, 2, 3]}, {"box": ["a", 0, 1, 1]}, {"box": [0, 0, 1e9, 1]}, {"box": [True, 0, 1, 1]}]
)
def test_what_cannot_be_understood_is_not_shown_and_stays(people, entry) -> None:
    document = edits.with_body(people, (), view={**people.view, "comment.1": entry})
    assert comments_of(document) == ()
    document, key = add_comment(document, (), BOX)
    assert key == "comment.2"
    assert document.view["comment.1"] == entry


def test_what_else_the_file_says_of_a_box_stays(people) -> None:
    view = {**people.view, "comment.1": {"box": [0, 0, 5, 5], "title": 7, "author": "Ada", "colour": "mauve"}}
    document = edits.with_body(people, (), view=view)
    (comment,) = comments_of(document)
    assert (comment.title, comment.colour, comment.box) == ("Comment", "mauve", (0, 0, 96, 48))
    moved = place_comments(document, (), {"comment.1": (5.4, 6.6, 100, 100)})
    assert moved.view["comment.1"] == {"box": [5, 7, 100, 100], "colour": "mauve", "author": "Ada"}


def test_boxes_are_changed_and_removed(people) -> None:
    document, key = add_comment(people, (), BOX)
    changed = change_comment(document, (), Comment(key, BOX, "Other", "", "rose"))
    assert changed.view[key] == {"box": [10, 20, 300, 200], "title": "Other", "colour": "rose"}
    assert change_comment(changed, (), comments_of(changed)[0]) is changed
    assert change_comment(people, (), comments_of(changed)[0]) is people
    assert remove_comments(changed, (), [key, "video"]) == people
    assert remove_comments(people, (), [key]) is people


def test_a_cell_in_a_box_survives_its_removal(people) -> None:
    document, key = add_comment(people, (), box_around([(0, 0, 204, 120)]))
    assert comments_of(document)[0].box == (-24, -52, 252, 196)
    assert list(remove_comments(document, (), [key]).cells) == list(people.cells)


def test_what_lies_in_a_box() -> None:
    assert lies_in((0, 10), (0, 0, 200, 100))
    assert not lies_in((150, 10), (0, 0, 200, 100))
    assert contains((0, 0, 100, 100), (10, 10, 90, 90))
    assert not contains((0, 0, 100, 100), (10, 10, 91, 90))
    assert not contains(BOX, BOX)


def test_boxes_stay_around_their_nodes_when_these_are_laid_out() -> None:
    before = {"a": (0.0, 0.0, 200.0, 100.0), "b": (300.0, 0.0, 500.0, 100.0), "c": (900.0, 900.0, 1100.0, 1000.0)}
    boxes = {"comment.1": (-40.0, -60.0, 580.0, 170.0), "comment.2": (2000.0, 0.0, 100.0, 100.0)}
    after = {"a": (1000.0, 0.0), "b": (1000.0, 400.0)}
    assert follow_nodes(boxes, before, after) == {"comment.1": (960.0, -60.0, 280.0, 584.0)}


def test_boxes_are_copied_with_cells_and_keep_their_places_to_them(people) -> None:
    document, key = add_comment(people, (), (200, -100, 400, 300), "Find", colour="blue")
    text = copy_with_comments(document, (), ["detect", "track"], [key])
    pasted, names, keys = paste_with_comments(document, (), text)
    assert (names, keys) == (("detect_2", "track_2"), ("comment.2",))
    assert pasted.view["comment.2"] == {"box": [232, -68, 400, 300], "title": "Find", "colour": "blue"}
    assert pasted.view["detect_2"]["pos"] == [312, 32]
    placed, _, _ = paste_with_comments(document, (), text, (1000, 1000))
    assert placed.view["comment.2"]["box"][:2] == [1000, 1000]
    assert placed.view["detect_2"]["pos"] == [1080, 1100]


def test_a_box_is_copied_alone(people) -> None:
    document, key = add_comment(people, (), BOX, "Alone")
    text = copy_with_comments(document, (), [], [key])
    pasted, names, keys = paste_with_comments(Document(name="other"), (), text, (7, 8))
    assert (names, keys) == ((), ("comment.1",))
    assert pasted.view == {"comment.1": {"box": [7, 8, 300, 200], "title": "Alone"}}


def test_no_graph_is_refused_as_before(people) -> None:
    with pytest.raises(edits.GraphEditRefused, match="holds no cells"):
        paste_with_comments(people, (), "hello")


@given(st.text(max_size=30), st.text(max_size=200), st.text(max_size=10))
def test_any_text_comes_back_from_the_file(title, text, colour) -> None:
    document, _ = add_comment(Document(name="g"), (), BOX, title, text, colour)
    (comment,) = comments_of(read(to_text(document)))
    assert (comment.title, comment.text) == (title, text)
