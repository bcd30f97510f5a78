"""Several open graphs in one session, without a window."""

import pytest

from pypipeline_engine.graph.problems import WrongGraphException
from pypipeline_engine.graph.reader import read_file
from pypipeline_engine.host.protocol import GraphProblem, Validation
from pypipeline_engine.resources import get_examples
from pypipeline_studio.document import edits
from pypipeline_studio.session import Session

SIGNALS = ("graph_replaced", "document_changed", "problems_changed", "file_changed", "graph_shown", "graphs_changed")
PROBLEM = GraphProblem(path="cells.sink", message="no such type", cell="sink", severity="error")


@pytest.fixture
def session(qapp):
    return Session()


@pytest.fixture
def told(session):
    """The names of the signals in the order in which they came."""
    names = []
    for name in SIGNALS:
        getattr(session, name).connect(lambda name=name: names.append(name))
    return names


@pytest.fixture
def files(tmp_path):
    """Three graph files."""
    paths = [tmp_path / f"{name}.json" for name in ("one", "two", "three")]
    for path in paths:
        path.write_bytes(get_examples()["multiply"].read_bytes())
    return paths


def add(graph) -> None:
    graph.edit("Add", edits.add_cell(graph.document, (), "demo.Work", (0, 0))[0])


def titles(session) -> list[str]:
    return [graph.title for graph in session.graphs]


def test_files_are_opened_beside_each_other_and_an_untouched_graph_makes_room(session, files) -> None:
    for path in files:
        session.open(path)
    assert titles(session) == ["one.json", "two.json", "three.json"]
    assert session.front is session.graphs[2]
    session.new()
    assert titles(session)[3] == "untitled.json"
    session.begin(read_file(files[0]))
    assert len(session.graphs) == 4


def test_a_new_graph_is_not_begun_twice(session, files) -> None:
    session.open(files[0])
    session.new()
    untouched = session.front
    session.show(session.graphs[0])
    session.new()
    assert session.front is untouched
    add(untouched)
    untouched.undo_stack.undo()
    session.new()
    assert session.front is not untouched  # what can be done again is not nothing


def test_a_file_that_is_open_comes_to_the_front_by_whatever_path(session, files, tmp_path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link.json").symlink_to(files[0])
    session.open(files[0])
    one = session.front
    session.open(files[1])
    for path in (files[0], tmp_path / "folder" / ".." / "one.json", tmp_path / "link.json"):
        session.show(session.graphs[1])
        session.open(path)
        assert session.front is one
        assert session.load(path) is one
    files[0].unlink()
    session.show(session.graphs[1])
    session.open(files[0])
    assert session.front is one
    assert len(session.graphs) == 2


def test_a_file_that_cannot_be_opened_leaves_all_tabs_as_they_were(session, files, told) -> None:
    files[0].write_text("{")
    for do in (session.open, session.load):
        with pytest.raises(WrongGraphException):
            do(files[0])
    assert titles(session) == ["untitled.json"]
    assert told == []


def test_each_graph_keeps_its_edits_its_undo_its_file_and_its_problems(session, files) -> None:
    session.open(files[0])
    one = session.front
    add(session)
    session.set_validation(Validation(problems=(PROBLEM,)))
    session.open(files[1])
    assert not session.is_modified
    assert not session.undo_stack.canUndo()
    assert session.problems == ()
    session.set_validation(Validation(), one)  # an answer that comes late
    assert one.problems == ()
    session.set_validation(Validation(problems=(PROBLEM,)), one)
    assert session.problems == ()
    session.show(one)
    assert session.is_modified
    assert session.problems == (PROBLEM,)
    assert session.path == files[0]
    session.undo_stack.undo()
    assert not session.is_modified
    assert session.document == session.graphs[1].document


def test_only_the_graph_in_front_is_told_about(session, files, told) -> None:
    session.open(files[0])
    one = session.front
    session.open(files[1])
    told.clear()
    add(one)
    assert told == ["graphs_changed"]  # there is something to save
    told.clear()
    session.show(one)
    assert told == [
        "graph_replaced",
        "document_changed",
        "problems_changed",
        "file_changed",
        "graph_shown",
        "graphs_changed",
    ]
    told.clear()
    session.show(one)
    assert told == []


def test_closing_shows_the_next_one_and_after_the_last_one_there_is_an_empty_one(session, files, told) -> None:
    for path in files:
        session.open(path)
    one, two, three = session.graphs
    session.show(two)
    session.close(two)
    assert session.front is three
    session.close(three)
    assert session.front is one
    told.clear()
    session.close(one)
    assert titles(session) == ["untitled.json"]
    assert session.front.is_untouched
    assert told[0] == "graph_replaced"
    session.close(one)
    session.show(one)
    assert session.front is not one


def test_graphs_can_be_put_in_another_order(session, files) -> None:
    for path in files:
        session.open(path)
    session.move(session.graphs[2], 0)
    assert titles(session) == ["three.json", "one.json", "two.json"]
    assert session.front.title == "three.json"


def test_what_was_recovered_is_a_graph_of_its_own_or_a_step_in_that_of_its_file(session, files) -> None:
    session.open(files[0])
    one, saved = session.front, session.document
    edited = edits.add_cell(saved, (), "demo.Work", (0, 0))[0]
    session.recover(edited, files[1], one.sha256)
    assert titles(session) == ["one.json", "two.json"]
    assert session.is_modified
    session.recover(edited, files[0], "another")
    assert session.front is one
    assert session.document == edited
    assert session.is_changed_on_disk()
    session.undo_stack.undo()
    assert session.document == saved
