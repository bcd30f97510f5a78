"""One open graph: edits, undo, and its file."""

import pytest

from pypipeline_engine.graph.problems import WrongGraphException
from pypipeline_engine.resources import get_examples
from pypipeline_studio.document import edits
from pypipeline_studio.session import Session


@pytest.fixture
def session(qapp):
    session = Session()
    session.open(get_examples()["people_tracking"])
    return session


def set_stride(session, value, merge_key="stride") -> None:
    session.edit("Set stride", edits.set_parameter(session.document, (), "detect", "stride", value), merge_key)


def test_edits_with_one_key_are_one_step_until_they_end(session) -> None:
    before = session.document
    for value in (4, 5, 6):
        set_stride(session, value)
    session.end_merging()
    set_stride(session, 7)
    assert session.undo_stack.count() == 2
    session.undo_stack.undo()
    assert session.document.cells["detect"].parameters["stride"] == 6
    session.undo_stack.undo()
    assert session.document is before


def test_an_edit_that_changes_nothing_is_no_step(session) -> None:
    session.edit("Nothing", session.document.model_copy())
    assert session.undo_stack.count() == 0


def test_saved_is_where_the_file_is(session, tmp_path) -> None:
    set_stride(session, 4)
    assert session.is_modified
    session.save(tmp_path / "mine.json")
    assert not session.is_modified
    assert session.title == "mine.json"
    session.undo_stack.undo()
    assert session.is_modified
    session.undo_stack.redo()
    assert not session.is_modified


def test_a_file_that_cannot_be_opened_leaves_everything_as_it_was(session, tmp_path) -> None:
    document = session.document
    with pytest.raises(WrongGraphException):
        session.open(tmp_path / "none.json")
    assert session.document is document


def test_a_file_that_cannot_be_written_stays_to_be_saved(session, tmp_path) -> None:
    set_stride(session, 4)
    with pytest.raises(WrongGraphException):
        session.save(tmp_path / "no" / "such" / "folder.json")
    assert session.is_modified
    assert session.title == "people_tracking.json"
