import csv
import io

import pytest
from panel_samples import figures, snapshot

from pypipeline_engine.host.protocol import ProcessFigures
from pypipeline_studio.document.exports import ExportRefused, history_text, table_text, write_file
from pypipeline_studio.document.history import History


def read(text) -> list[dict]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_table_has_raw_figures_with_their_units_in_the_names() -> None:
    cell = figures(0.98, 8.2143214, method="thread", workers=2, queued=3, capacity=8, errors=1)
    lines = read(table_text([("detect", "", "detection.HogPeople", True, cell), ("detect", "#2", "", False, cell)]))
    assert lines[0]["cell"] == "detect"
    assert lines[0]["rate_hz"] == "8.21432"
    assert lines[0]["latency_p95_s"] == "0.002"
    assert (lines[0]["queued"], lines[0]["queue_capacity"], lines[0]["is_limit"]) == ("3", "8", "1")
    assert lines[0]["gil"] == ""
    assert (lines[1]["clone"], lines[1]["errors"]) == ("#2", "")


def test_names_with_commas_and_quotes_come_back_as_they_were() -> None:
    name = 'a, "b"\nc'
    assert read(table_text([(name, "", "", False, figures(0.5))]))[0]["cell"] == name


def test_the_history_has_a_line_for_each_sample_of_each_cell_and_one_for_all() -> None:
    history = History()
    process = ProcessFigures(cpu=1.5, memory_bytes=2_000_000, threads=3)
    for number in range(2):
        cells = {"video": figures(0.5, 30.0), "detect": figures(0.5, 8.0)}
        history.take(snapshot(cells).model_copy(update={"elapsed_s": number + 0.25, "process": process}))
    lines = read(history_text(history))
    assert [(line["elapsed_s"], line["cell"]) for line in lines] == [
        (at, name) for at in ("0.25", "1.25") for name in ("", "video", "detect")
    ]
    assert (lines[0]["rate_hz"], lines[0]["cpu"], lines[0]["memory_bytes"], lines[0]["gil"]) == (
        "8",
        "1.5",
        "2e+06",
        "",
    )
    assert (lines[1]["rate_hz"], lines[1]["memory_bytes"]) == ("30", "")


def test_a_file_is_written_whole_or_stays_as_it_was(tmp_path, monkeypatch) -> None:
    path = tmp_path / "table.csv"
    write_file(path, b"one")
    path.chmod(0o640)
    write_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o640

    def fail(*_) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", fail)
    with pytest.raises(ExportRefused, match=r"table\.csv cannot be written: No space left on device"):
        write_file(path, b"three")
    assert path.read_bytes() == b"two"
    assert [file.name for file in tmp_path.iterdir()] == ["table.csv"]


def test_a_link_stays_a_link(tmp_path) -> None:
    target, link = tmp_path / "target.csv", tmp_path / "link.csv"
    target.write_bytes(b"one")
    link.symlink_to(target)
    write_file(link, b"two")
    assert link.is_symlink()
    assert target.read_bytes() == b"two"


def test_what_cannot_be_written_is_named_with_the_reason(tmp_path) -> None:
    with pytest.raises(ExportRefused, match=r"gone/table\.csv cannot be written: No such file or directory"):
        write_file(tmp_path / "gone" / "table.csv", b"")
    with pytest.raises(ExportRefused, match="cannot be written"):
        write_file(tmp_path, b"")
