"""sinks.*, those that need no OpenCV, and what all file sinks have in common."""

import json
import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypipeline_engine.cells import sinks
from pypipeline_engine.cells.files import get_part_path
from pypipeline_engine.cells.json_text import to_json
from pypipeline_engine.cells.patterns import fill_pattern, parse_pattern
from pypipeline_engine.connection import Connection
from pypipeline_engine.exceptions import InvalidInputException, NonCriticalException


def write(rig, cell_type, path, items, **parameters):
    """The text that the sink leaves behind after a run that ends well."""
    name = next(name for name in ("item", "tracks") if name in cell_type(None, "probe").get_input_names())
    with rig.undeployed(cell_type, {"path": path, **parameters}, **{name: items}) as one:
        one.pull_all()
    return path.read_text(encoding="utf-8")


# ---------------------------------------------------------------------- Console, Null, Preview


def test_console_prints_items_in_a_format(rig, capsys):
    one = rig(sinks.Console, item=[1, "two", [3.0]])
    one.pull(2)
    one.cell.format.set_value("<{:}> {{ok}}")
    one.pull()
    assert capsys.readouterr().out == "1\ntwo\n<[3.0]> {ok}\n"


def test_console_names_an_item_that_does_not_fit_the_format(rig):
    one = rig(sinks.Console, {"format": "{:.2f}"}, item=["text", None])
    with pytest.raises(
        InvalidInputException, match=r"rig\.cell\.item expects what the format '\{:\.2f\}' can show; .*'te"
    ):
        one.pull()
    with pytest.raises(InvalidInputException, match="what came is None: unsupported format string"):
        one.pull()


@pytest.mark.parametrize(
    "pattern",
    ["{0.__class__}", "{0[key]}", "{0}", "{name}", "{!r}", "{:{}}", "{:>9999}", "{:.10000f}", "{", "}", "{:", 5, None],
)
def test_a_format_that_reaches_into_the_value_is_refused(pattern):
    with pytest.raises(InvalidInputException, match=r"console\.format"):
        sinks.Console(None, "console").format.set_value(pattern)


@given(before=st.text(max_size=5), after=st.text(max_size=5), value=st.floats(allow_nan=False))
def test_a_pattern_gives_what_format_gives(before, after, value):
    pattern = f"{before.replace('{', '{{').replace('}', '}}')}{{:.3f}}{after.replace('{', '{{').replace('}', '}}')}"
    assert fill_pattern(pattern, value) == pattern.format(value)


@given(st.text("{}:.>09!r[]_a", max_size=12))
def test_any_pattern_is_refused_in_words_or_works(pattern):
    try:
        parts = parse_pattern(pattern, "a")
    except InvalidInputException as error:
        assert str(error)
    else:
        assert all(isinstance(text, str) for text, _ in parts)


def test_null_and_preview_take_what_comes(rig):
    taken = rig(sinks.Null, item=range(3))
    taken.pull(2)
    assert taken.cell.get_nb_available_pulls() == 3
    rig(sinks.Preview, image=[np.zeros((2, 2), np.uint8)]).pull_all()


# ---------------------------------------------------------------------- JsonLines


def test_json_lines_writes_plain_values(rig, tmp_path):
    items = [
        np.array([[1, 2], [3, 4]], np.uint8),
        {"boxes": np.ones((1, 2), np.float32), "n": np.int64(3), "ok": np.bool_(True), "é": None},
        [np.float32(0.5), (1, 2)],
        {"nan": [float("nan"), np.array([1, np.inf])]},
        "line\nbreak",
    ]
    text = write(rig, sinks.JsonLines, tmp_path / "items.jsonl", items)
    assert text.splitlines() == [
        "[[1, 2], [3, 4]]",
        '{"boxes": [[1.0, 1.0]], "n": 3, "ok": true, "é": null}',
        "[0.5, [1, 2]]",
        '{"nan": [null, [1.0, null]]}',
        r'"line\nbreak"',
    ]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ({"a": [object()]}, "object"),
        (b"x", "bytes"),
        (1j, "complex"),
        ({(1, 2): 3}, "tuple"),
        (np.array([1j]), "complex"),
    ],
)
def test_what_json_has_no_form_for_is_named(rig, tmp_path, value, name):
    one = rig(sinks.JsonLines, {"path": tmp_path / "items.jsonl"}, item=[value, 1])
    with pytest.raises(InvalidInputException, match=rf"rig\.cell\.item expects what JSON has a form for; .*{name}"):
        one.pull()
    one.pull()
    one.pipeline.undeploy()
    assert (tmp_path / "items.jsonl").read_text(encoding="utf-8") == "1\n"


def test_values_that_hold_themselves_are_refused():
    circle = []
    circle.append(circle)
    with pytest.raises(TypeError, match="the list holds itself, or is too large"):
        to_json(circle)


def test_half_a_surrogate_pair_can_be_written(rig, tmp_path):
    text = write(rig, sinks.JsonLines, tmp_path / "items.jsonl", ["a\ud800b"])
    assert json.loads(text) == "a\ud800b"


# ---------------------------------------------------------------------- Csv


def test_csv_takes_its_columns_from_the_first_item(rig, tmp_path):
    items = [{"a": 1, "b": "x,y"}, {"b": None, "a": np.float32(0.5)}, {"a": True, "b": np.array([1, 2])}]
    assert write(rig, sinks.Csv, tmp_path / "t.csv", items) == 'a,b\n1,"x,y"\n0.5,\ntrue,"[1, 2]"\n'


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([1, "two", None], 'value\n1\ntwo\n""\n'),
        ([[1, "x"], (2, 3.5), np.array([4, 5])], "value_0,value_1\n1,x\n2,3.5\n4,5\n"),
        ([np.float64(0.1), np.array(2)], "value\n0.1\n2\n"),
    ],
)
def test_csv_takes_lists_and_single_values(rig, tmp_path, items, expected):
    assert write(rig, sinks.Csv, tmp_path / "t.csv", items) == expected


def test_csv_without_header_and_with_another_delimiter(rig, tmp_path):
    text = write(rig, sinks.Csv, tmp_path / "t.csv", [[1, "a;b"]], header=False, delimiter=";")
    assert text == '1;"a;b"\n'


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        ({"a": 1}, "row 2 has no value for 'b'; all rows need the same columns: a, b"),
        ({"a": 1, "b": 2, "c": 3}, "row 2 has 'c', which the first row had not; all rows need the same columns: a, b"),
        ([1, 2], "row 2 has no value for 'a' and has no value for 'b' and has 'value_0'"),
        ({"a": 1, "b": object()}, "cannot write row 2: there is no form for a value of the type object"),
    ],
)
def test_csv_refuses_a_row_that_does_not_fit(rig, tmp_path, item, problem):
    one = rig(sinks.Csv, {"path": tmp_path / "t.csv"}, item=[{"a": 1, "b": 2}, item, {"a": 3, "b": 4}])
    one.pull()
    with pytest.raises(InvalidInputException, match=rf"rig\.cell.* {problem}"):
        one.pull()
    one.pull()
    one.pipeline.undeploy()
    assert (tmp_path / "t.csv").read_text(encoding="utf-8") == "a,b\n1,2\n3,4\n"


# ---------------------------------------------------------------------- MotFile

TRACKS = np.array([[1.234, 2, 30.5, 40, 0.98761, 7], [5, 6, 7, 8, 1, 12]], np.float32)
LINES = ["7,1.23,2.00,30.50,40.00,0.9876,-1,-1,-1", "12,5.00,6.00,7.00,8.00,1.0000,-1,-1,-1"]


def test_mot_file_counts_frames_from_one(rig, tmp_path):
    text = write(rig, sinks.MotFile, tmp_path / "t.txt", [TRACKS, np.empty((0, 6), np.float32), TRACKS[:1]])
    assert text.splitlines() == [f"1,{LINES[0]}", f"1,{LINES[1]}", f"3,{LINES[0]}"]


def test_mot_file_counts_skipped_frames(rig, tmp_path):
    text = write(rig, sinks.MotFile, tmp_path / "t.txt", [TRACKS[:1], rig.GAP, TRACKS[:1]])
    assert text.splitlines() == [f"1,{LINES[0]}", f"3,{LINES[0]}"]


def test_mot_file_takes_the_number_of_the_frame(rig, tmp_path):
    path = tmp_path / "t.txt"
    with rig.undeployed(sinks.MotFile, {"path": path}, tracks=[TRACKS[:1]] * 2, index=[10, np.int64(20)]) as one:
        one.pull_all()
    assert path.read_text(encoding="utf-8").splitlines() == [f"11,{LINES[0]}", f"21,{LINES[0]}"]


def test_mot_file_refuses_boxes(rig, tmp_path):
    one = rig(sinks.MotFile, {"path": tmp_path / "t.txt"}, tracks=[TRACKS[:, :5]])
    with pytest.raises(InvalidInputException, match=r"rig\.cell\.tracks expects tracks: n x 6 .*what came is an array"):
        one.pull()


# ---------------------------------------------------------------------- files that get their name at the end


@pytest.fixture(params=[sinks.JsonLines, sinks.Csv], ids=["JsonLines", "Csv"])
def file_sink(request):
    return request.param


@pytest.mark.parametrize(
    ("name", "part"),
    [("tracks.txt", "tracks.part.txt"), ("tracks", "tracks.part"), ("a.tar.gz", "a.tar.part.gz"), (".x", ".x.part")],
)
def test_the_name_of_a_part_file(tmp_path, name, part):
    assert get_part_path(tmp_path / name) == tmp_path / part


def test_a_file_has_its_name_only_when_the_run_has_ended(rig, tmp_path, file_sink):
    path = tmp_path / "new" / "folder" / "out.txt"
    one = rig(file_sink, {"path": path}, item=[1, 2])
    one.pull(2)
    assert (path.parent / "out.part.txt").exists()
    assert not path.exists()
    one.pipeline.undeploy()
    assert [file.name for file in path.parent.iterdir()] == ["out.txt"]


def test_a_string_will_do_as_a_path(rig, tmp_path, file_sink):
    with rig.undeployed(file_sink, {"path": str(tmp_path / "out.txt")}, item=[1]) as one:
        one.pull_all()
    assert (tmp_path / "out.txt").exists()


def test_an_earlier_result_stays_until_the_new_one_is_complete(rig, tmp_path, file_sink):
    path = tmp_path / "out.txt"
    path.write_text("earlier", encoding="utf-8")
    one = rig(file_sink, {"path": path}, item=[1])
    one.pull()
    assert path.read_text(encoding="utf-8") == "earlier"
    one.pipeline.undeploy()
    assert path.read_text(encoding="utf-8") != "earlier"


def test_a_failed_run_leaves_the_part_and_the_earlier_result(rig, tmp_path, caplog, file_sink):
    path = tmp_path / "out.txt"
    path.write_text("earlier", encoding="utf-8")
    one = rig.undeployed(file_sink, {"path": path}, item=[1, 2, ValueError("broken"), 3])
    with caplog.at_level(logging.WARNING), pytest.raises(ValueError, match="broken"):
        one.pipeline.run().wait(30)
    assert path.read_text(encoding="utf-8") == "earlier"
    part = tmp_path / "out.part.txt"
    assert part.read_text(encoding="utf-8").split() in (["1", "2"], ["value", "1", "2"])
    assert str(part) in caplog.text


def test_a_run_that_ends_well_in_spite_of_skipped_items_gives_the_file(rig, tmp_path, file_sink):
    path = tmp_path / "out.txt"
    one = rig.undeployed(file_sink, {"path": path}, item=[1, NonCriticalException("spoilt"), 3])
    one.pipeline.run().wait(30)
    assert path.read_text(encoding="utf-8").split() in (["1", "3"], ["value", "1", "3"])


def test_an_empty_stream_gives_an_empty_file(rig, tmp_path, file_sink):
    assert write(rig, file_sink, tmp_path / "out.txt", []) == ""


def test_a_deployment_without_a_pull_leaves_everything_as_it_was(rig, tmp_path, file_sink):
    path = tmp_path / "out.txt"
    path.write_text("earlier", encoding="utf-8")
    with rig.undeployed(file_sink, {"path": path}, item=[1]):
        pass
    assert [file.name for file in tmp_path.iterdir()] == ["out.txt"]
    assert path.read_text(encoding="utf-8") == "earlier"


def test_a_second_run_writes_again(rig, tmp_path, file_sink):
    path = tmp_path / "out.txt"
    one = rig.undeployed(file_sink, {"path": path}, item=[1])
    for _ in range(2):
        with one:
            one.pull_all()
        assert path.read_text(encoding="utf-8").split()[-1] == "1"
        path.unlink()


def test_a_reset_begins_the_file_again(rig, tmp_path, file_sink):
    path = tmp_path / "out.txt"
    with rig.undeployed(file_sink, {"path": path}, item=["first", "second", "third"]) as one:
        one.pull(2)
        one.pipeline.reset()
        one.pull()
    lines = path.read_text(encoding="utf-8").replace('"', "").split()
    assert lines in (["first"], ["value", "first"])


def test_a_folder_as_the_target_is_refused_at_deployment(rig, tmp_path, file_sink):
    with pytest.raises(
        InvalidInputException, match=r"rig\.cell: the parameter path must name a file, and this is a fo"
    ):
        rig(file_sink, {"path": tmp_path}, item=[1])


def test_a_folder_that_cannot_be_made_is_named_at_deployment(rig, tmp_path, file_sink):
    (tmp_path / "file").write_text("", encoding="utf-8")
    path = tmp_path / "file" / "out.txt"
    with pytest.raises(InvalidInputException) as refusal:
        rig(file_sink, {"path": path}, item=[1])
    assert str(refusal.value).startswith("rig.cell: the parameter path names a file that cannot be written (")
    assert str(refusal.value).endswith(f": {path}")


def test_two_cells_cannot_write_one_file(rig, tmp_path, file_sink):
    path = tmp_path / "out.txt"
    first = rig(file_sink, {"path": path}, item=[1])
    with pytest.raises(InvalidInputException, match="names a file that another cell is writing: "):
        rig(sinks.JsonLines, {"path": tmp_path / "." / "out.txt"}, item=[2])
    first.pull()
    first.pipeline.undeploy()
    assert path.read_text(encoding="utf-8").split()[-1] == "1"
    with rig.undeployed(sinks.JsonLines, {"path": path}, item=[2]) as again:
        again.pull_all()
    assert path.read_text(encoding="utf-8") == "2\n"


def test_a_deployment_that_fails_elsewhere_leaves_nothing_behind(rig, tmp_path, file_sink):
    path = tmp_path / "out.txt"
    path.write_text("earlier", encoding="utf-8")
    one = rig.undeployed(file_sink, {"path": path}, item=[1])
    other = sinks.JsonLines(one.pipeline, "other")
    other.path.set_value(tmp_path)
    Connection(one.pipeline.get_internal_cell_with_name("feed_item").value, other.item)
    with pytest.raises(InvalidInputException, match=r"rig\.other"):
        one.pipeline.deploy()
    assert [file.name for file in tmp_path.iterdir()] == ["out.txt"]
    assert path.read_text(encoding="utf-8") == "earlier"
