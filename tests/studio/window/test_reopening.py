"""The files that were open, opened again."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPointF, QSettings

from pypipeline_engine.resources import get_examples
from pypipeline_studio.document import edits
from pypipeline_studio.document.open_tabs import OpenTabs
from pypipeline_studio.window.file_settings import FileSettings
from pypipeline_studio.window.last_places import TOPIC
from pypipeline_studio.window.main_window import MainWindow
from pypipeline_studio.window.reopening import SETTING


@pytest.fixture
def window(file_window, tmp_path, monkeypatch):
    monkeypatch.setattr("pypipeline_studio.window.reopening.state_folder", lambda: tmp_path / "state")
    file_window.reopen_tabs()
    return file_window


@pytest.fixture
def files(window, tmp_path):
    paths = [tmp_path / f"{name}.json" for name in ("one", "two", "three")]
    for path in paths:
        path.write_bytes(get_examples()["multiply"].read_bytes())
    window.files.open_all(paths)
    window.session.show(window.session.graphs[1])
    return paths


@pytest.fixture
def start_again(window, tmp_path):
    """Closes the window, and opens another one as the next start does."""
    made = []

    def start() -> MainWindow:
        window.close()
        made.append(MainWindow(tmp_path))
        made[-1].reopen_tabs()
        return made[-1]

    yield start
    for other in made:
        other.close()
        other.deleteLater()


def titles(window) -> list[str]:
    return [graph.title for graph in window.session.graphs]


def test_the_tabs_come_back_in_their_order_with_the_same_one_in_front(window, files, start_again) -> None:
    window.session.move(window.session.graphs[2], 0)
    again = start_again()
    assert titles(again) == ["three.json", "one.json", "two.json"]
    assert again.session.title == "two.json"


def test_files_that_are_gone_or_broken_are_skipped_in_words(window, files, start_again) -> None:
    window.session.show(window.session.graphs[2])
    window.close()
    files[1].unlink()
    files[2].write_text("{")
    again = start_again()
    assert titles(again) == ["one.json"]
    message = again.status.currentMessage()
    assert message == "Not there any more: two.json. Cannot be opened as it is now: three.json"


def test_nothing_is_opened_where_that_is_not_wanted(window, files, start_again) -> None:
    window.commands["restore_tabs"].trigger()
    again = start_again()
    assert titles(again) == ["untitled.json"]
    assert not again.commands["restore_tabs"].isChecked()


def test_what_is_open_is_known_also_where_the_studio_is_killed(window, files) -> None:
    window.session.close(window.session.graphs[0])
    kept = OpenTabs.from_setting(QSettings().value(SETTING))
    assert kept == OpenTabs(paths=(str(files[1]), str(files[2])), front=str(files[1]))


def test_a_graph_that_has_no_file_is_not_reopened(window, files, start_again) -> None:
    window.session.new()
    assert OpenTabs.from_setting(QSettings().value(SETTING)).front == ""
    window.session.edit("Add", edits.add_cell(window.session.document, (), "demo.Work", (0, 0))[0])
    window.session.undo_stack.setClean()
    assert titles(start_again()) == ["one.json", "two.json", "three.json"]


def test_a_second_studio_opens_and_keeps_nothing(window, files, tmp_path) -> None:
    second = MainWindow(tmp_path)
    second.reopen_tabs()
    assert titles(second) == ["untitled.json"]
    second.session.open(files[0])
    second.close()
    second.deleteLater()
    assert len(OpenTabs.from_setting(QSettings().value(SETTING)).paths) == 3


def test_a_graph_comes_back_where_it_was_looked_at(qtbot, window, tmp_path, start_again) -> None:
    paths = [tmp_path / "nested.json", tmp_path / "flat.json"]
    for path, name in zip(paths, ("nested", "multiply"), strict=True):
        path.write_bytes(get_examples()[name].read_bytes())
    window.files.open_all(paths)
    window.session.show(window.session.graphs[0])
    (inner,) = [name for name, cell in window.session.document.cells.items() if cell.is_pipeline][:1]
    window.canvas.open_path((inner,))
    window.canvas.viewer.zoom_by(1.7)
    place = window.canvas.get_place()
    again = start_again()
    again.show()
    qtbot.waitExposed(again)
    assert again.session.title == "nested.json"
    assert again.canvas.path == (inner,)
    assert again.canvas.get_place() == pytest.approx(place, abs=1)
    assert again.crumbs.isVisible()
    again.session.show(again.session.graphs[1])
    assert again.canvas.get_place() is None  # all of it, as it was shown


def test_a_place_is_on_the_disk_before_the_graph_is_left(qtbot, window, files, monkeypatch) -> None:
    """A process that is killed leaves no graph."""

    def on_disk() -> list[str]:
        text = Path(QSettings().fileName()).read_text() if Path(QSettings().fileName()).exists() else ""
        return [line for line in text.split(f"[{TOPIC}]")[-1].splitlines() if "scale" in line]

    assert on_disk() == []
    window.canvas.viewer.zoom_by(1.7)
    window.canvas.viewer.zoom_by(1.1)
    qtbot.waitUntil(lambda: on_disk() != [])
    scale = window.canvas.viewer.get_scale()
    assert f"{scale:.6f}" in on_disk()[0]
    writes = []
    monkeypatch.setattr(FileSettings, "write", lambda self, data: writes.append(data))
    window.session.edit("Name", edits.set_graph_name(window.session.document, "other"))
    assert window.last_places._timer.isActive()
    qtbot.waitUntil(lambda: not window.last_places._timer.isActive())
    assert writes == []  # it is looked at where it was
    window.canvas.viewer.centre_at(QPointF(50, 60))
    qtbot.waitUntil(lambda: len(writes) == 1)
    assert (writes[0]["x"], writes[0]["y"]) == (50, 60)
    window.last_places.close()
    window.canvas.viewer.zoom_by(0.9)
    assert not window.last_places._timer.isActive()


def test_a_place_of_which_nothing_is_left_is_not_shown(qtbot, window, files) -> None:
    viewer = window.canvas.viewer
    viewer.centre_at(QPointF(9000, 9000))
    window.session.close(window.session.front)
    window.session.open(files[1])
    area = viewer.mapToScene(viewer.viewport().rect()).boundingRect()
    assert area.intersects(window.canvas.node_item("count").sceneBoundingRect())
    window.canvas.viewer.zoom_by(1.5)
    scale = viewer.get_scale()
    window.session.close(window.session.front)
    assert viewer.get_scale() != scale
    window.session.open(files[1])
    assert viewer.get_scale() == pytest.approx(scale)
