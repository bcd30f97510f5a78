"""What mends a problem. The problems are those that the engine's own check finds."""

import pytest

from pypipeline_engine.catalogue.model import Folders
from pypipeline_engine.graph.check import check
from pypipeline_engine.graph.model import CellEntry, Document, Scale
from pypipeline_engine.graph.model import ConnectionEntry as Connection
from pypipeline_engine.graph.problems import Problem, path_text
from pypipeline_engine.host.protocol import GraphProblem
from pypipeline_studio.document.problem_places import ProblemPlace, parts_of, place_of, title_of
from pypipeline_studio.document.quick_fixes import quick_fix


def told(problem: Problem) -> GraphProblem:
    """A problem as it arrives from the engine."""
    return GraphProblem(
        message=problem.message, severity=problem.severity, path=problem.path, cell=problem.cell, line=problem.line
    )


def graph(connections=(), **cells) -> Document:
    return Document(
        name="graph",
        cells={name: cell if isinstance(cell, CellEntry) else CellEntry(type=cell) for name, cell in cells.items()},
        connections=[Connection(source=source, target=target, mark=mark) for source, target, mark in connections],
    )


def wire(source, target, mark=None):
    return (source, target, mark)


def inside(document: Document) -> Document:
    """The same graph as a nested pipeline of another one."""
    cell = CellEntry(type="Pipeline", cells=document.cells, connections=document.connections)
    return Document(name="outer", cells={"post": cell})


COUNT = CellEntry(type="sources.Counter")
CASES = {
    "a type that is written otherwise": (graph(a="sources.Countr"), "Use sources.Counter"),
    "a type in another category": (graph(a="vision.HogPeople"), "Use detection.HogPeople"),
    "a state that is scaled": (
        graph(track=CellEntry(type="tracking.Sort", scale=Scale(thread=3))),
        "Run it without clones",
    ),
    "a parameter that is written otherwise": (
        graph(a=CellEntry(type="sources.Counter", parameters={"strat": 3})),
        "Call it start",
    ),
    "a parameter that nobody knows": (
        graph(a=CellEntry(type="sources.Counter", parameters={"xyzzy": 3})),
        "Remove xyzzy",
    ),
    "a parameter of a pipeline": (
        graph(a=CellEntry(type="Pipeline", parameters={"xyzzy": 3})),
        "Remove xyzzy",
    ),
    "a value of another type": (
        graph(a=CellEntry(type="sources.Counter", parameters={"start": "three"})),
        "Use the default",
    ),
    "an initial value of nothing": (
        graph(a=CellEntry(type="sources.Counter", initial_values={"xyzzy": 3})),
        "Remove the initial value",
    ),
    "an input that is occupied": (
        graph(
            [wire("a.value", "w.item"), wire("b.value", "w.item")],
            a=COUNT,
            b=COUNT,
            w="demo.Work",
        ),
        "Remove the connection",
    ),
    "an output that is written otherwise": (
        graph([wire("a.vale", "w.item")], a=COUNT, w="demo.Work"),
        "Connect a.value",
    ),
    "a cell that is written otherwise": (
        graph([wire("count.value", "wrok.item")], count=COUNT, work="demo.Work"),
        "Connect work.item",
    ),
    "a cell that is not there": (
        graph([wire("xyzzy.value", "w.item")], a=COUNT, w="demo.Work"),
        "Remove the connection",
    ),
    "kinds that do not fit": (
        graph([wire("a.value", "d.image")], a=COUNT, d="detection.HogPeople"),
        "Remove the connection",
    ),
    "a mark on no circle": (
        graph(
            [wire("a.value", "w.item", "recurrent")],
            a=CellEntry(type="sources.Counter", initial_values={"value": 0}),
            w="demo.Work",
        ),
        "Do not mark it",
    ),
    "a circle that cannot begin": (
        graph([wire("a.item", "b.item"), wire("b.item", "a.item")], a="demo.Work", b="demo.Work"),
        "Begin with nothing",
    ),
    "an input with one output of its kind": (
        graph(video="sources.SyntheticVideo", d="detection.HogPeople"),
        "Connect with video.frame",
    ),
}


@pytest.mark.parametrize("is_nested", [False, True], ids=["outermost", "nested"])
@pytest.mark.parametrize("name", CASES)
def test_the_fix_takes_its_problem_away(types, name, is_nested) -> None:
    document, text = CASES[name]
    document = inside(document) if is_nested else document
    found = {told(problem): quick_fix(told(problem), document, types) for problem in check(document, types)}
    fixes = [(problem, fix) for problem, fix in found.items() if fix is not None and fix.text == text]
    assert fixes, [(problem.message, fix and fix.text) for problem, fix in found.items()]
    problem, fix = fixes[0]
    mended = fix.make(document)
    assert mended != document
    assert problem.message not in {other.message for other in check(mended, types)}


def test_a_file_that_is_not_there_is_to_be_chosen(types, tmp_path) -> None:
    document = graph(video=CellEntry(type="sources.VideoFile", parameters={"path": "none.avi"}))
    problems = [told(problem) for problem in check(document, types, Folders(tmp_path, tmp_path))]
    missing = next(problem for problem in problems if "no file" in problem.message)
    fix = quick_fix(missing, document, types)
    assert fix.text == "Choose a file …"
    assert fix.file_for == ((), "video", "path")
    unset = graph(video="sources.VideoFile")
    problem = next(told(p) for p in check(unset, types) if "must be set" in p.message)
    assert quick_fix(problem, unset, types).file_for == ((), "video", "path")


def test_ray_clones_without_ray_run_on_threads(types) -> None:
    document = graph(w=CellEntry(type="demo.Work", scale=Scale(ray=3)))
    problem = told(Problem('"w" asks for Ray clones, but Ray is not installed here', ("cells", "w", "scale")))
    mended = quick_fix(problem, document, types).make(document)
    assert (mended.cells["w"].scale.thread, mended.cells["w"].scale.ray) == (3, 0)


def test_a_bypass_that_is_not_possible_is_taken_back(types) -> None:
    document = graph(d=CellEntry(type="detection.HogPeople", bypassed=True))
    problem = told(Problem("cannot be bypassed", ("cells", "d", "bypassed")))
    assert not quick_fix(problem, document, types).make(document).cells["d"].bypassed


def test_where_two_outputs_would_fit_none_is_chosen(types) -> None:
    document = graph(a="sources.SyntheticVideo", b="sources.SyntheticVideo", d="detection.HogPeople")
    problem = next(told(p) for p in check(document, types) if p.cell == "d")
    assert quick_fix(problem, document, types) is None


def test_of_another_document_nothing_is_mended(types) -> None:
    for path in ("cells.gone.type", "cells.gone.cells.a.type", "connections[7]", "", "outputs"):
        assert quick_fix(GraphProblem(message="", path=path), graph(a=COUNT), types) is None


@pytest.mark.parametrize(
    "parts",
    [
        ("cells", "a", "parameters", "stride"),
        ("cells", 'say "hi" [1]', "cells", "b c", "type"),
        ("cells", "a", "connections", 12, "source"),
        ("outputs",),
    ],
)
def test_places_are_read_as_they_are_written(parts) -> None:
    assert parts_of(path_text(parts)) == parts


def test_places_of_cells_and_connections() -> None:
    deep = GraphProblem(message="", path="cells.post.cells.a.parameters.x", cell="post.a")
    assert place_of(deep) == ProblemPlace(("post",), "a", ("parameters", "x"))
    wired = GraphProblem(message="", path="cells.post.connections[0]", cell="post")
    assert place_of(wired) == ProblemPlace(("post",), "", (), 0)
    document = inside(graph([wire("a.value", "w.item")], a=COUNT, w="demo.Work"))
    assert title_of(document, wired) == "a.value → w.item"
    assert title_of(document, deep) == "post.a"
