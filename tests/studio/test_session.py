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


def test_a_graph_without_a_name_gets_that_of_its_first_file_in_every_step(qapp, tmp_path) -> None:
    session = Session()
    for _ in range(2):
        session.edit("Add", edits.add_cell(session.document, (), "demo.Work", (0, 0))[0])
    session.save(tmp_path / "my.first.json")
    assert session.document.name == "my_first"
    assert '"name": "my_first"' in (tmp_path / "my.first.json").read_text()
    assert not session.is_modified
    session.undo_stack.undo()
    assert session.document.name == "my_first"
    session.undo_stack.redo()
    session.undo_stack.redo()
    session.save(tmp_path / "other.json")
    assert session.document.name == "my_first"


def test_a_save_that_fails_names_nothing(qapp, tmp_path) -> None:
    session = Session()
    with pytest.raises(WrongGraphException):
        session.save(tmp_path / "none" / "a.json")
    assert session.document.name == "untitled"
    assert session.path is None


def test_reloading_can_be_undone(session, tmp_path) -> None:
    session.save(tmp_path / "mine.json")
    set_stride(session, 4)
    mine = session.document
    other = Session()
    other.open(session.path)
    set_stride(other, 5)
    other.save()
    assert session.is_changed_on_disk()
    session.reload()
    assert session.document == other.document
    assert not session.is_modified
    assert not session.is_changed_on_disk()
    session.undo_stack.undo()
    assert session.document is mine
    assert session.is_modified


def test_a_file_that_cannot_be_reloaded_leaves_everything_as_it_was(session, tmp_path) -> None:
    session.save(tmp_path / "mine.json")
    set_stride(session, 4)
    document = session.document
    session.path.write_text("{")
    with pytest.raises(WrongGraphException):
        session.reload()
    assert session.document is document
    assert session.is_modified
    assert session.is_changed_on_disk()


def test_keeping_mine_leaves_something_to_save(session, tmp_path) -> None:
    session.save(tmp_path / "mine.json")
    session.path.write_text("{}")
    session.keep_mine()
    assert session.is_modified
    assert not session.is_changed_on_disk()
    session.path.write_text("{ }")
    assert session.is_changed_on_disk()
