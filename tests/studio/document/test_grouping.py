"""Grouping cells into a nested pipeline, and expanding it again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pypipeline_engine.catalogue.model import CellType, PortType
from pypipeline_engine.graph.check import check
from pypipeline_engine.graph.model import CellEntry, ConnectionEntry, Document, OnError, Scale, split_end
from pypipeline_engine.graph.reader import read
from pypipeline_engine.graph.writer import to_text
from pypipeline_studio.document import edits
from pypipeline_studio.document.circles import recurrent_connections
from pypipeline_studio.document.comments import add_comment, comments_of
from pypipeline_studio.document.expanding import expand_pipeline, losses_of_expanding
from pypipeline_studio.document.grouping import group_cells
from pypipeline_studio.document.types import StudioTypes

INPUTS = ("a", "b")
OUTPUTS = ("out", "side")


def cell_type(name, inputs=INPUTS, begins=False) -> CellType:
    return CellType(
        name=name,
        category="x",
        class_name=name.rpartition(".")[2],
        inputs=tuple(PortType(name=port) for port in inputs),
        outputs=tuple(PortType(name=port, has_initial_value=begins) for port in OUTPUTS),
    )


TYPES = StudioTypes([cell_type("x.Two"), cell_type("x.Source", ()), cell_type("x.Begins", begins=True)])


def graph(connections, begins=(), **cells) -> Document:
    names = {split_end(end)[0] for pair in connections for end in pair[:2]} | set(cells)
    return Document(
        name="g",
        cells={
            name: cells.get(name, CellEntry(type="x.Two", initial_values={"out": 0} if name in begins else {}))
            for name in sorted(names)
        },
        connections=[
            ConnectionEntry(source=source, target=target, mark=mark[0] if mark else None)
            for source, target, *mark in connections
        ],
    )


CHAIN = [("p.out", "q.a"), ("q.out", "r.a"), ("q.out", "s.a"), ("p.side", "q.b"), ("p.out", "r.b")]


def ends(document, path=()) -> list[tuple[str, str]]:
    return [(c.source, c.target) for c in edits.body_at(document, path).connections]


# ---------------------------------------------------------------------- group


def test_a_way_that_leads_back_to_a_disabled_cell_is_refused_as_well() -> None:
    document = graph([("p.out", "q.a"), ("q.out", "r.a")], r=CellEntry(type="x.Two", disabled=True))
    with pytest.raises(edits.GraphEditRefused, match="leads through"):
        group_cells(document, (), ["p", "r"], TYPES)


def test_what_crosses_the_border_goes_through_ports_named_after_what_they_carry() -> None:
    document, name = group_cells(graph(CHAIN), (), ["r", "q"], TYPES)
    assert name == "group"
    assert list(document.cells) == ["p", "group", "s"]
    group = document.cells["group"]
    assert (group.inputs, group.outputs, list(group.cells)) == (["out", "side"], ["out"], ["q", "r"])
    # One input for the value that goes to two cells, and one output for the value that is used inside and outside.
    assert ends(document) == [("p.out", "group.out"), ("group.out", "s.a"), ("p.side", "group.side")]
    assert ends(document, ("group",)) == [
        ("out", "q.a"),
        ("q.out", "r.a"),
        ("q.out", "out"),
        ("side", "q.b"),
        ("out", "r.b"),
    ]


def test_ports_of_one_name_get_numbers() -> None:
    document, _ = group_cells(graph([("p.out", "s.a"), ("q.out", "s.b"), ("s.out", "t.a")]), (), ["s"], TYPES)
    assert document.cells["group"].inputs == ["out", "out_2"]


def test_cells_keep_all_that_is_said_of_them() -> None:
    document = graph([("p.out", "q.a"), ("q.out", "r.a")])
    document = edits.set_scale(document, (), "q", thread=3, queue_capacity=9)
    document = edits.set_on_error(document, (), "q", OnError(then="skip"))
    document = edits.with_body(
        document, (), view={"q": {"pos": [100, 50], "inputs": ["x"], "colour": "teal"}, "z.1": 5}
    )
    grouped, name = group_cells(document, (), ["q", "r"], TYPES)
    assert grouped.cells[name].cells["q"] == document.cells["q"]
    assert grouped.cells[name].view["q"] == document.view["q"]
    assert grouped.cells[name].view["r"] == {"pos": [560, 0]}  # where it was shown without a place in the file
    assert grouped.view == {"z.1": 5, name: {"pos": [330, 25]}}
    assert read(to_text(grouped)) == grouped


def test_cells_inside_of_a_nested_pipeline_are_grouped(nested) -> None:
    from pypipeline_studio.document.types import StudioTypes as Unknown

    document, name = group_cells(nested, ("poly",), ["work", "square"], Unknown())
    assert ends(document, ("poly",)) == [
        ("x", "group.x"), ("group.x squared", "add.a"), ("group.item", "add.b"), ("add.value", "y"),
    ]  # fmt: skip
    assert document.cells["count"] is nested.cells["count"]
    back, names = expand_pipeline(document, ("poly",), name, Unknown())
    assert names == ("work", "square")
    assert set(ends(back, ("poly",))) == set(ends(nested, ("poly",)))


def test_a_loop_within_the_group_stays_one() -> None:
    document = graph([("p.out", "q.a"), ("q.out", "r.a"), ("r.out", "q.b"), ("r.out", "s.a")], begins="r")
    grouped, name = group_cells(document, (), ["q", "r"], TYPES)
    inner = grouped.cells[name]
    assert {inner.connections[i].target for i in recurrent_connections(inner, TYPES)} == {"q.b"}
    assert inner.initial_values == {}
    assert not recurrent_connections(grouped, TYPES)


def test_a_loop_across_the_border_begins_with_the_same_value() -> None:
    document = graph([("q.out", "r.a"), ("r.out", "q.a"), ("r.out", "s.a")], begins="r")
    grouped, name = group_cells(document, (), ["r"], TYPES)
    assert grouped.cells[name].initial_values == {"out": 0}
    assert {grouped.connections[i].target for i in recurrent_connections(grouped, TYPES)} == {"q.a"}
    assert not [p for p in check(grouped, TYPES) if "cycle" in p.message or "recurrent" in p.message]
    assert expand_pipeline(grouped, (), name, TYPES)[0].cells["r"] == document.cells["r"]


def test_a_loop_that_would_be_ambiguous_is_marked() -> None:
    # In the pipeline, the value of p cannot be used to begin; expanded, it could.
    inner = graph([("p.out", "q.a")], begins="p").model_copy(update={"connections": []})
    nested = CellEntry(
        type="Pipeline", inputs=["in"], outputs=["end"], cells=inner.cells,
        connections=[ConnectionEntry(source=a, target=b) for a, b in [("in", "p.a"), ("p.out", "q.a"), ("q.out", "end")]],
    )  # fmt: skip
    document = graph([("group.end", "r.a"), ("r.out", "group.in")], begins="r", group=nested)
    expanded, _ = expand_pipeline(document, (), "group", TYPES)
    marked = [c for c in expanded.connections if c.mark]
    assert [(c.source, c.target) for c in marked] == [("r.out", "p.a")]
    assert not [p for p in check(expanded, TYPES) if "cycle" in p.message]


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ([], "Nothing is selected"),
        (["<", "q"], "inputs and outputs of a pipeline cannot be grouped"),
        (["p", "r"], 'way from "p" to "r" leads through "q"'),
        (["p", "t"], "leads through"),
    ],
)
def test_what_cannot_be_grouped_is_refused_in_words(names, reason) -> None:
    document = graph([("p.out", "q.a"), ("q.out", "r.a"), ("r.out", "t.a")])
    with pytest.raises(edits.GraphEditRefused, match=reason):
        group_cells(document, (), names, TYPES)


def test_a_value_to_begin_with_that_only_the_type_has_cannot_leave_the_group() -> None:
    document = graph([("q.out", "r.a"), ("r.out", "q.a")], r=CellEntry(type="x.Begins"))
    with pytest.raises(edits.GraphEditRefused, match=r'r\.out has a value of its own .* Select "q", too'):
        group_cells(document, (), ["r"], TYPES)
    group_cells(document, (), ["q", "r"], TYPES)


@pytest.mark.parametrize(("names", "reason"), [(["p"], "nothing comes out of"), (["q"], "never comes")])
def test_a_disabled_cell_at_the_border_is_refused(names, reason) -> None:
    document = graph([("p.out", "q.a")], p=CellEntry(type="x.Source", disabled=True))
    with pytest.raises(edits.GraphEditRefused, match=reason):
        group_cells(document, (), names, TYPES)
    group_cells(document, (), ["p", "q"], TYPES)


def test_pipelines_that_no_file_could_hold_are_refused() -> None:
    document, path = graph([("p.out", "q.a")]), ()
    with pytest.raises(edits.GraphEditRefused, match="nested more than"):
        for _ in range(200):
            document, name = group_cells(document, path, list(edits.body_at(document, path).cells), TYPES)
            path = (*path, name)


# ---------------------------------------------------------------------- expand


def test_cells_of_an_expanded_pipeline_get_free_names(nested) -> None:
    document = edits.rename_cell(nested, (), "sample", "add")
    expanded, names = expand_pipeline(document, (), "poly", StudioTypes())
    assert names == ("work", "square", "add_2")
    assert list(expanded.cells) == ["count", "work", "square", "add_2", "add", "print"]
    assert set(ends(expanded)) == {
        ("count.value", "work.item"), ("work.item", "square.x"), ("square.x squared", "add_2.a"), ("work.item", "add_2.b"),
        ("add_2.value", "add.item"), ("add.item", "print.item"),
    }  # fmt: skip
    assert read(to_text(expanded)) == expanded


def test_what_is_lost_is_said_before(nested) -> None:
    assert losses_of_expanding(nested, (), "poly") == ["its 2 clones on threads"]
    assert losses_of_expanding(nested, ("poly",), "square") == []
    poly = nested.cells["poly"].model_copy(update={"scale": Scale(thread=1, ray=2), "on_error": OnError(then="skip")})
    more = nested.with_cell(("poly",), poly)
    assert losses_of_expanding(more, (), "poly") == [
        "its 1 clone on threads and 2 clones on Ray", "what happens when it fails",
    ]  # fmt: skip


def test_a_disabled_pipeline_expands_to_disabled_cells(nested) -> None:
    document = edits.set_flag(nested, (), ["poly"], "disabled", True)
    expanded, names = expand_pipeline(document, (), "poly", StudioTypes())
    assert all(expanded.cells[name].disabled for name in names)


def test_what_cannot_be_expanded_is_refused_in_words(nested) -> None:
    with pytest.raises(edits.GraphEditRefused, match="no nested pipeline"):
        expand_pipeline(nested, (), "count", StudioTypes())
    bypassed = edits.set_flag(nested, (), ["poly"], "bypassed", True)
    with pytest.raises(edits.GraphEditRefused, match="is bypassed"):
        expand_pipeline(bypassed, (), "poly", StudioTypes())
    begun = edits.set_initial_value(edits.set_initial_value(nested, (), "poly", "y", 1), ("poly",), "add", "value", 2)
    with pytest.raises(edits.GraphEditRefused, match=r"poly\.y begins with 1, and add\.value inside of it with 2"):
        expand_pipeline(begun, (), "poly", StudioTypes())


def test_what_goes_straight_through_a_pipeline_goes_on_without_it() -> None:
    through = CellEntry(
        type="Pipeline", inputs=["in"], outputs=["end"], connections=[ConnectionEntry(source="in", target="end")]
    )
    document = graph([("p.out", "group.in"), ("group.end", "q.a")], group=through)
    expanded, names = expand_pipeline(document, (), "group", TYPES)
    assert (names, ends(expanded)) == ((), [("p.out", "q.a")])
    circle = graph([("group.end", "group.in"), ("group.end", "q.a")], group=through)
    assert ends(expand_pipeline(circle, (), "group", TYPES)[0]) == []


def test_a_pipeline_that_was_moved_expands_where_it_is(nested) -> None:
    moved = edits.move_cells(nested, (), {"poly": (1000, 300)})
    expanded, _ = expand_pipeline(moved, (), "poly", StudioTypes())
    assert [expanded.view[name]["pos"] for name in ("work", "square", "add")] == [[720, 300], [1000, 300], [1280, 300]]
    assert {name: expanded.view[name] for name in ("count", "sample", "print")} == {
        name: nested.view[name] for name in ("count", "sample", "print")
    }


def test_cells_around_and_their_comment_boxes_make_room(nested) -> None:
    document, key = add_comment(nested, (), (530, -60, 600, 300))
    expanded, _ = expand_pipeline(document, (), "poly", StudioTypes())
    row = [expanded.view[name]["pos"] for name in ("count", "work", "square", "add", "sample", "print")]
    assert row == [[-280, 0], [0, 0], [280, 0], [560, 0], [840, 0], [1120, 0]]
    assert expanded.view[key]["box"][0] == 530 + 280


def test_comment_boxes_go_along_with_all_cells_in_them_and_come_back() -> None:
    document = graph([("p.out", "q.a"), ("q.out", "r.a")])
    document = edits.move_cells(document, (), {"p": (0, 0), "q": (300, 0), "r": (600, 0)})
    document, own = add_comment(document, (), (280, -50, 600, 300), "Both", colour="teal")
    document, shared = add_comment(document, (), (-20, -50, 600, 300), "Across")
    document, empty = add_comment(document, (), (0, 900, 100, 100), "Empty")
    grouped, name = group_cells(document, (), ["q", "r"], TYPES)
    assert [comment.title for comment in comments_of(grouped.cells[name])] == ["Both"]
    assert own not in grouped.view
    assert {shared, empty} <= set(grouped.view)
    assert expand_pipeline(grouped, (), name, TYPES)[0].view == document.view
    # Where another box has its key by now, it gets a free one, and it follows the pipeline.
    more, _ = add_comment(edits.move_cells(grouped, (), {name: (450, 100)}), (), (0, 0, 100, 100), "Other")
    expanded, _ = expand_pipeline(more, (), name, TYPES)
    boxes = {comment.title: comment.box for comment in comments_of(expanded)}
    assert boxes["Both"] == (280, 50, 600, 300)
    assert len(boxes) == 4


# ---------------------------------------------------------------------- there and back

CELLS = [f"n{number}" for number in range(6)]


@st.composite
def graphs(draw) -> Document:
    beginning = draw(st.sets(st.sampled_from(CELLS), max_size=3))
    off = draw(st.sets(st.sampled_from(CELLS), max_size=1))
    targets = [f"{name}.{port}" for name in CELLS for port in INPUTS]
    sources = [f"{name}.{port}" for name in CELLS for port in OUTPUTS]
    pairs = draw(st.dictionaries(st.sampled_from(targets), st.sampled_from(sources), max_size=9))
    fed = {split_end(target)[0] for target in pairs}
    cells = {
        name: CellEntry(
            type="x.Two" if name in fed else "x.Source",
            initial_values={"out": 0} if name in beginning else {},
            disabled=name in off,
        )
        for name in CELLS
    }
    # At distances at which no node lies on another one.
    places = draw(st.permutations([(x, y) for x in range(3) for y in range(3)]))
    view = {name: {"pos": [300 * x, 200 * y]} for name, (x, y) in zip(CELLS, places, strict=False)}
    connections = [ConnectionEntry(source=source, target=target) for target, source in pairs.items()]
    return Document(name="g", cells=cells, connections=connections, view=view)


def meaning(document) -> set[tuple[str, str, bool]]:
    recurrent = recurrent_connections(document, TYPES)
    return {(c.source, c.target, index in recurrent) for index, c in enumerate(document.connections)}


def complaints(document) -> list[str]:
    return [p.message for p in check(document, TYPES) if p.severity == "error" and "not connected" not in p.message]


@settings(max_examples=400, deadline=None)
@given(graphs(), st.sets(st.sampled_from(CELLS), min_size=1))
def test_grouped_and_expanded_again_a_graph_is_the_same(document, names) -> None:
    try:
        grouped, name = group_cells(document, (), list(names), TYPES)
    except edits.GraphEditRefused:
        return
    if not complaints(document):
        assert not complaints(grouped)
    expanded, back = expand_pipeline(grouped, (), name, TYPES)
    assert set(back) == names
    assert meaning(expanded) == meaning(document)
    assert dict(expanded.cells) == dict(document.cells)
    assert expanded.view == document.view


@settings(max_examples=400, deadline=None)
@given(graphs(), st.sets(st.sampled_from(CELLS), min_size=1))
def test_cells_are_only_refused_where_their_pipeline_would_be_wrong(document, names) -> None:
    if complaints(document):
        return
    try:
        group_cells(document, (), list(names), TYPES)
    except edits.GraphEditRefused as error:
        if "leads through" not in str(error):
            assert "disabled" in str(error)
            return
        # What is recurrent now is left out: the rest would have a circle through the new pipeline.
        following = {}
        for source, target, is_recurrent in meaning(document):
            start, end = split_end(source)[0], split_end(target)[0]
            waits = end in names or not document.cells[end].disabled  # all wait for the new pipeline
            if not is_recurrent and not document.cells[start].disabled and waits:
                following.setdefault(start, set()).add(end)
        outside = {end for start in names for end in following.get(start, ())} - names
        for _ in CELLS:
            outside |= {end for start in outside for end in following.get(start, ())} - names
        assert any(following.get(start, set()) & names for start in outside)
