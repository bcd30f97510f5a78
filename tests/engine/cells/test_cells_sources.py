"""sources.*, those that need no OpenCV."""

import csv
import json
import math

import pytest
from cell_rig import Rig
from hypothesis import given
from hypothesis import strategies as st

from pypipeline_engine.cells import sinks, sources
from pypipeline_engine.exceptions import InvalidInputException, NotDeployableException

# ---------------------------------------------------------------------- Counter, Random


def test_counter_counts_and_ends(rig):
    one = rig(sources.Counter, {"start": 5, "step": -2, "count": 4})
    assert one.cell.get_nb_available_pulls() == 4
    one.pull(1)
    assert one.cell.get_nb_available_pulls() == 3
    one.pull_all()
    assert one.get("value") == [5, 3, 1, -1]
    assert all(type(value) is int for value in one.get("value"))
    assert one.cell.get_nb_available_pulls() == 0


def test_counter_does_not_end_by_itself(rig):
    one = rig(sources.Counter)
    one.pull(50)
    assert one.get("value") == list(range(50))
    assert one.cell.get_nb_available_pulls() is None


def test_counter_goes_on_from_where_it_is_with_a_new_step(rig):
    one = rig(sources.Counter)
    one.pull(3)
    one.cell.step.set_value(10)
    one.pull(3)
    assert one.get("value") == [0, 1, 2, 3, 13, 23]


def test_counter_begins_again_at_a_reset_and_a_deployment(rig):
    one = rig(sources.Counter, {"count": 3})
    one.pull_all()
    one.pipeline.reset()
    one.pull_all()
    one.pipeline.undeploy()
    one.pipeline.deploy()
    one.pull_all()
    assert one.get("value") == [0, 1, 2] * 3


def test_random_is_reproducible_and_in_range(rig):
    one = rig(sources.Random, {"seed": 7, "low": 2.0, "high": 3.0, "count": 100}).pull_all()
    other = rig(sources.Random, {"seed": 7, "low": 2.0, "high": 3.0, "count": 100}).pull_all()
    third = rig(sources.Random, {"seed": 8, "low": 2.0, "high": 3.0, "count": 100}).pull_all()
    values = one.get("value")
    assert values == other.get("value") != third.get("value")
    assert all(2 <= value <= 3 for value in values)
    assert len(set(values)) == 100


@pytest.mark.parametrize("seed", [0, None])
def test_random_repeats_its_numbers_after_a_reset(rig, seed):
    one = rig(sources.Random, {"seed": seed, "count": 5}).pull_all()
    one.pipeline.reset()
    one.pull_all()
    values = one.get("value")
    assert values[:5] == values[5:]


def test_random_without_a_seed_differs_from_run_to_run(rig):
    first, second = (rig(sources.Random, {"seed": None, "count": 5}).pull_all().get("value") for _ in range(2))
    assert first != second


@pytest.mark.parametrize("cell_type", [sources.Counter, sources.Random])
@pytest.mark.parametrize("count", [-1, 1.5, "3", True])
def test_a_count_is_a_number_of_items(cell_type, count):
    with pytest.raises(InvalidInputException, match=r"cell\.count"):
        cell_type(None, "cell").count.set_value(count)


# ---------------------------------------------------------------------- Csv


def test_csv_reads_numbers_and_text(rig, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text('day,close,code\nmo,1.5,007\n\n"tu, late",-2e3,12\nwe,,1_000\n', encoding="utf-8")
    rows = rig(sources.Csv, {"path": path}).pull_all().get("row")
    assert rows == [
        {"day": "mo", "close": 1.5, "code": "007"},
        {"day": "tu, late", "close": -2000.0, "code": 12},
        {"day": "we", "close": "", "code": "1_000"},
    ]
    assert type(rows[1]["code"]) is int


def test_csv_reads_what_spreadsheets_write(rig, tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes("\ufeffTag;Wert\r\n1;é\r\n".encode())
    assert rig(sources.Csv, {"path": str(path), "delimiter": ";"}).pull_all().get("row") == [{"Tag": 1, "Wert": "é"}]


def test_csv_begins_again_at_a_reset_and_ends_again(rig, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("\ufeffa\n1\n2\n", encoding="utf-8")
    one = rig(sources.Csv, {"path": path}).pull_all()
    with pytest.raises(StopIteration):
        one.pull()
    one.pipeline.reset()
    one.pull_all()
    assert one.get("row") == [{"a": 1}, {"a": 2}] * 2


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"a,b\n1,2\n3\n", r"line 3 of .*table\.csv: 1 values, where the first line names 2 columns"),
        (b"a,b\n1,2\n3,4,5\n", r"line 3 of .*table\.csv: 3 values, where the first line names 2 columns"),
        (b'a,b\n1,2\n"3"x,4\n', r"line 3 of .*table\.csv: this is not a table separated by ','"),
        (b"a,b\n1,2\n\xff,4\n", r"table\.csv: this or a line below is not UTF-8 text"),
    ],
)
def test_a_damaged_table_is_an_error_with_its_place(rig, tmp_path, content, problem):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(InvalidInputException, match=problem):
        rig(sources.Csv, {"path": path}).pull_all()


def test_csv_can_go_on_behind_a_row_that_is_wrong(rig, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a,b\n1,2\n3\n5,6\n", encoding="utf-8")
    one = rig(sources.Csv, {"path": path})
    one.pull()
    with pytest.raises(InvalidInputException):
        one.pull()
    one.pull_all()
    assert [row["a"] for row in one.get("row")] == [1, 5]


@pytest.mark.parametrize(
    ("content", "problem"),
    [("", "there is no line with the names of the columns"), ("a,b,a\n", "several columns are named 'a'")],
)
def test_a_table_without_proper_columns_cannot_be_deployed(rig, tmp_path, content, problem):
    path = tmp_path / "table.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InvalidInputException, match=rf"rig\.cell: line 1 of .*table\.csv: {problem}"):
        rig(sources.Csv, {"path": path})


@pytest.mark.parametrize("delimiter", ["", ";;", '"', "\n", 5])
def test_a_delimiter_is_one_character(delimiter):
    with pytest.raises(InvalidInputException, match=r"cell\.delimiter.*one character is expected"):
        sources.Csv(None, "cell").delimiter.set_value(delimiter)


# ---------------------------------------------------------------------- JsonLines


def test_json_lines_reads_any_values(rig, tmp_path):
    path = tmp_path / "items.jsonl"
    path.write_bytes('\ufeff{"a": [1, 2.5, null]}\n\n"é"\r\n  \n3'.encode())
    one = rig(sources.JsonLines, {"path": path}).pull_all()
    assert one.get("item") == [{"a": [1, 2.5, None]}, "é", 3]
    one.pipeline.reset()
    one.pull()
    assert one.get("item")[-1] == {"a": [1, 2.5, None]}


@pytest.mark.parametrize(
    "line", [b"{'a': 1}", b"[1,", b"\xff", b"[" * 100_000, b"1" * 5000], ids=["quotes", "open", "utf8", "deep", "huge"]
)
def test_a_damaged_line_is_an_error_with_its_number_and_costs_that_line(rig, tmp_path, line):
    path = tmp_path / "items.jsonl"
    path.write_bytes(b"1\n" + line + b"\n3\n")
    one = rig(sources.JsonLines, {"path": path})
    one.pull()
    with pytest.raises(InvalidInputException, match=r"rig\.cell: line 2 of .*items\.jsonl is not a JSON value: "):
        one.pull()
    one.pull_all()
    assert one.get("item") == [1, 3]


# ---------------------------------------------------------------------- paths


@pytest.mark.parametrize("cell_type", [sources.Csv, sources.JsonLines, sources.VideoFile])
def test_a_missing_file_is_named_with_cell_and_parameter_at_deployment(rig, tmp_path, cell_type):
    path = tmp_path / "missing.xyz"
    with pytest.raises(InvalidInputException) as refusal:
        rig(cell_type, {"path": path})
    assert str(refusal.value) == f"rig.cell: the parameter path names a file that does not exist: {path}"


@pytest.mark.parametrize("cell_type", [sources.Csv, sources.JsonLines, sources.VideoFile])
def test_a_folder_is_no_file(rig, tmp_path, cell_type):
    with pytest.raises(
        InvalidInputException, match=r"rig\.cell: the parameter path must name a file, and this is a fo"
    ):
        rig(cell_type, {"path": tmp_path})


@pytest.mark.parametrize("value", ["", 5, None])
def test_a_path_is_a_path(rig, value):
    with pytest.raises(InvalidInputException, match=r"rig\.cell: the parameter path must be a path, not "):
        rig(sources.Csv, {"path": value})


def test_a_path_has_to_be_given(rig):
    with pytest.raises(NotDeployableException, match=r"rig\.cell\.path has no value"):
        rig(sources.Csv)


# ---------------------------------------------------------------------- round trips

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=10,
)


def write_and_read(tmp_path_factory, sink, source, suffix, items, parameters=None):
    path = tmp_path_factory.mktemp("round_trip") / f"items{suffix}"
    with Rig(sink, {"path": path, **(parameters or {})}, item=items) as one:
        one.pull_all()
    with Rig(source, {"path": path, **(parameters or {})}) as two:
        (output,) = two.cell.get_output_names()
        return two.pull_all().get(output)


@given(items=st.lists(json_values, max_size=6))
def test_json_lines_come_back_as_they_were_written(tmp_path_factory, items):
    assert write_and_read(tmp_path_factory, sinks.JsonLines, sources.JsonLines, ".jsonl", items) == items


def _reads_as_text(text):
    try:
        return isinstance(json.loads(text), str) or not math.isfinite(json.loads(text))
    except (ValueError, TypeError):
        return True


cells = st.integers(-(10**17), 10**17) | st.floats(allow_nan=False, allow_infinity=False) | texts.filter(_reads_as_text)


@given(
    columns=st.lists(texts.filter(bool), min_size=1, max_size=4, unique=True),
    data=st.data(),
    delimiter=st.sampled_from(",;\t|"),
)
def test_a_table_comes_back_as_it_was_written(tmp_path_factory, columns, data, delimiter):
    rows = data.draw(st.lists(st.fixed_dictionaries(dict.fromkeys(columns, cells)), min_size=1, max_size=4))
    read = write_and_read(tmp_path_factory, sinks.Csv, sources.Csv, ".csv", rows, {"delimiter": delimiter})
    assert read == rows


def test_other_programs_read_the_table(rig, tmp_path):
    path = tmp_path / "table.csv"
    with rig.undeployed(sinks.Csv, {"path": path}, item=[{"a": 'x "y"', "b": "1\n2"}]) as one:
        one.pull_all()
    with path.open(newline="", encoding="utf-8") as file:
        assert list(csv.DictReader(file)) == [{"a": 'x "y"', "b": "1\n2"}]
