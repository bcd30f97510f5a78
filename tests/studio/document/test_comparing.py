"""What differs between a graph and its file."""

from pypipeline_studio.document import comparing, edits
from pypipeline_studio.document.comparing import compare
from pypipeline_studio.document.files import save_graph


def test_a_changed_parameter_is_two_lines(people, tmp_path) -> None:
    path = tmp_path / "a.json"
    save_graph(people, path)
    mine = edits.set_parameter(people, (), "detect", "magnify", 2.5)
    lines = compare(mine, path).splitlines()
    changed = [line for line in lines if line[0] in "+-" and not line.startswith(("+++", "---"))]
    assert len(changed) == 2
    assert changed[0].startswith("-")
    assert '"magnify": 2.5' in changed[1]


def test_layout_is_no_difference(nested, tmp_path) -> None:
    path = tmp_path / "a.json"
    save_graph(nested, path)
    path.write_text(path.read_text().replace("\n", "\n\n"))
    assert "layout only" in compare(nested, path)


def test_a_file_that_is_no_graph_or_gone_is_told(nested, tmp_path) -> None:
    path = tmp_path / "a.json"
    assert "there is no such file" in compare(nested, path)
    path.write_text("<<<<<<< HEAD\n")
    text = compare(nested, path)
    assert "cannot be opened as it is" in text
    assert "-<<<<<<< HEAD" in text


def test_very_large_graphs_are_not_compared(people, nested, tmp_path, monkeypatch) -> None:
    path = tmp_path / "a.json"
    save_graph(nested, path)
    monkeypatch.setattr(comparing, "MOST_LINES", 3)
    assert "too large" in compare(people, path)
