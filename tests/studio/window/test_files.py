"""Opening, saving and beginning graphs, with the questions that are asked."""

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu

from pypipeline_engine.graph.reader import read_file
from pypipeline_engine.graph.writer import save
from pypipeline_engine.resources import get_examples
from pypipeline_studio.document import edits
from pypipeline_studio.panels.diff_dialog import DiffDialog


@pytest.fixture
def window(file_window):
    return file_window


@pytest.fixture
def graph(tmp_path):
    """A graph of our own in a file."""
    path = tmp_path / "graphs" / "mine.json"
    path.parent.mkdir()
    save(read_file(get_examples()["multiply"]), path)
    return path


def add(session) -> None:
    session.edit("Add", edits.add_cell(session.document, (), "demo.Work", (0, 0))[0])


def menu_of(window, title) -> QMenu:
    return next(menu for menu in window.findChildren(QMenu) if menu.title().replace("&", "") == title)


def entries(menu) -> dict[str, bool]:
    menu.aboutToShow.emit()
    return {action.text().replace("&", ""): action.isEnabled() for action in menu.actions() if action.text()}


# ------------------------------------------------------------------ recent files


def test_what_was_opened_and_saved_is_in_the_menu_and_what_is_gone_is_grey(window, graph, tmp_path) -> None:
    recent = menu_of(window, "Open recent")
    assert entries(recent) == {"Nothing was opened yet": False}
    window.files.open(graph)
    window.session.save(tmp_path / "copy.json")
    more = {"Remove those that are gone": True, "Clear the list": True}
    assert entries(recent) == {"1 copy.json": True, "2 mine.json": True, **more}
    graph.unlink()
    assert entries(recent) == {"1 copy.json": True, "2 mine.json (gone)": False, **more}
    recent.actions()[-2].trigger()
    assert entries(recent) == {"1 copy.json": True, **more}
    window.session.new()
    entries(recent)
    recent.actions()[0].trigger()
    assert window.session.path == tmp_path / "copy.json"
    recent.actions()[-1].trigger()
    assert entries(recent) == {"Nothing was opened yet": False}


def test_the_first_page_offers_the_files_that_are_there(window, graph, qtbot, tmp_path) -> None:
    window.files.open(graph)
    window.session.save(tmp_path / "copy.json")
    (tmp_path / "copy.json").unlink()
    window.session.new()
    window._show_recent()
    (button,) = window.first_run.recent_buttons
    qtbot.waitUntil(button.isVisible)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert window.session.path == graph


# ------------------------------------------------------------------ beginning


def test_an_example_begins_a_graph_that_has_no_file(window) -> None:
    menu = menu_of(window, "New from example")
    next(action for action in menu.actions() if action.text() == "people_tracking").trigger()
    assert window.session.path is None
    assert window.session.title == "people_tracking.json"
    assert not window.session.is_modified
    assert window.session.document.cells


def test_an_example_begins_in_a_tab_of_its_own_where_something_was_done(window) -> None:
    add(window.session)
    mine = window.session.front
    window.files.new_from(get_examples()["multiply"])
    assert window.session.front is not mine
    assert window.session.graphs == (mine, window.session.front)
    assert mine.is_modified


# ------------------------------------------------------------------ dropping


def drop(widget, *paths) -> bool:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    place, actions, left = QPointF(5, 5), Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    enter = QDragEnterEvent(place.toPoint(), actions, data, left, Qt.KeyboardModifier.NoModifier)
    enter.ignore()
    QApplication.sendEvent(widget, enter)
    if not enter.isAccepted():
        return False
    event = QDropEvent(place, actions, data, left, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(widget, event)
    return True


def test_a_graph_that_is_dropped_on_the_window_or_the_canvas_is_opened(window, graph, qtbot) -> None:
    for widget in (window, window.canvas.viewer.viewport()):
        window.session.new()
        assert drop(widget, graph)
        assert window.session.path is None  # the drop is over first
        qtbot.waitUntil(lambda: window.session.path == graph)


def test_several_graphs_that_are_dropped_are_all_opened_and_the_last_one_is_in_front(
    window, graph, qtbot, tmp_path
) -> None:
    others = [tmp_path / "second.json", tmp_path / "third.json"]
    for other in others:
        other.write_bytes(graph.read_bytes())
    assert drop(window, graph, tmp_path / "video.mp4", *others)
    qtbot.waitUntil(lambda: window.session.path == others[-1])
    assert [found.path for found in window.session.graphs] == [graph, *others]
    assert window.status.currentMessage() == "Opened mine.json, second.json, third.json; not video.mp4: no graph."


def test_of_several_graphs_those_that_cannot_be_opened_are_told_in_one_message(
    window, graph, qtbot, answer, tmp_path
) -> None:
    for name in ("bad.json", "worse.json"):
        (tmp_path / name).write_text("{")
    asked = answer("OK")
    assert drop(window, tmp_path / "bad.json", graph, tmp_path / "worse.json")
    qtbot.waitUntil(lambda: bool(asked))
    assert len(asked) == 1
    assert "bad.json, worse.json cannot be opened" in asked[0]
    assert [found.path for found in window.session.graphs] == [graph]


def test_what_is_no_graph_is_told(window, qtbot, answer, tmp_path) -> None:
    (tmp_path / "video.mp4").write_bytes(b"\x00\xff")
    asked = answer("OK")
    assert drop(window, tmp_path / "video.mp4")
    qtbot.waitUntil(lambda: bool(asked))
    assert "video.mp4 cannot be opened" in asked[0]


def test_a_dropped_graph_leaves_edits_as_they_are(window, graph, qtbot) -> None:
    add(window.session)
    mine = window.session.front
    drop(window, graph)
    qtbot.waitUntil(lambda: window.session.path == graph)
    assert mine in window.session.graphs
    assert mine.is_modified


def test_text_is_not_taken_for_a_file(window) -> None:
    assert not drop(window)


# ------------------------------------------------------------------ other programs


def change_outside(path) -> None:
    document = read_file(path)
    save(edits.add_cell(document, (), "demo.Work", (0, 0))[0], path)


def button(window, text):
    return next(found for found in window.outside.bar.buttons if found.text() == text)


def open_and_change(window, graph, qtbot) -> None:
    window.files.open(graph)
    change_outside(graph)
    qtbot.waitUntil(window.outside.bar.isVisible)


def test_a_change_by_another_program_is_seen_and_reloaded_and_undone(window, graph, qtbot) -> None:
    window.files.open(graph)
    assert not window.outside.bar.isVisible()
    before = window.session.document
    change_outside(graph)
    qtbot.waitUntil(window.outside.bar.isVisible)
    assert "mine.json was changed by another program" in window.outside.bar.text.text()
    assert window.session.document is before
    qtbot.mouseClick(button(window, "Reload"), Qt.MouseButton.LeftButton)
    assert not window.outside.bar.isVisible()
    assert "work" in window.session.document.cells
    assert not window.isWindowModified()
    window.session.undo_stack.undo()
    assert window.session.document is before
    # A file that was replaced is still watched.
    change_outside(graph)
    qtbot.waitUntil(window.outside.bar.isVisible)


def test_our_own_saving_is_no_change_by_another_program(window, graph, qtbot) -> None:
    window.files.open(graph)
    add(window.session)
    window.commands["save"].trigger()
    window.outside.watch.look()
    assert not window.outside.bar.isVisible()


def test_keeping_mine_hides_the_bar_and_saves_without_a_question(window, graph, qtbot, answer) -> None:
    open_and_change(window, graph, qtbot)
    mine = window.session.document
    qtbot.mouseClick(button(window, "Keep mine"), Qt.MouseButton.LeftButton)
    assert not window.outside.bar.isVisible()
    assert window.isWindowModified()
    asked = answer("Cancel")
    window.commands["save"].trigger()
    assert asked == []
    assert read_file(graph) == mine


def test_the_bar_shows_what_differs(window, graph, qtbot) -> None:
    open_and_change(window, graph, qtbot)
    qtbot.mouseClick(button(window, "Compare"), Qt.MouseButton.LeftButton)
    (dialog,) = window.findChildren(DiffDialog)
    assert '-    "work"' in dialog.view.toPlainText()
    assert window.outside.bar.isVisible()
    dialog.close()


def test_saving_over_what_another_program_has_written_asks(window, graph, qtbot, answer) -> None:
    open_and_change(window, graph, qtbot)
    theirs = graph.read_bytes()
    asked = answer("Cancel")
    window.commands["save"].trigger()
    assert len(asked) == 1
    assert graph.read_bytes() == theirs
    answer("Overwrite it")
    window.commands["save"].trigger()
    assert graph.read_bytes() != theirs
    assert not window.outside.bar.isVisible()


def test_a_file_that_is_gone_is_told_asked_about_and_saved_again(window, graph, qtbot, answer) -> None:
    window.files.open(graph)
    graph.unlink()
    qtbot.waitUntil(window.outside.bar.isVisible)
    asked = answer("Cancel")
    assert not window.files.may_replace()
    assert "not in its folder any more" in asked[0]
    qtbot.mouseClick(button(window, "Save again"), Qt.MouseButton.LeftButton)
    assert graph.exists()
    assert not window.outside.bar.isVisible()
    assert window.files.may_replace()


def test_a_file_that_comes_back_is_no_change(window, graph, qtbot) -> None:
    window.files.open(graph)
    content = graph.read_bytes()
    graph.unlink()
    qtbot.waitUntil(window.outside.bar.isVisible)
    graph.write_bytes(content)
    qtbot.waitUntil(lambda: not window.outside.bar.isVisible())
    assert not window.isWindowModified()


def test_a_file_that_cannot_be_reloaded_is_told_and_the_bar_stays(window, graph, qtbot, answer) -> None:
    window.files.open(graph)
    graph.write_text("<<<<<<< HEAD")
    qtbot.waitUntil(window.outside.bar.isVisible)
    asked = answer("OK")
    before = window.session.document
    qtbot.mouseClick(button(window, "Reload"), Qt.MouseButton.LeftButton)
    assert "cannot be opened as it is now" in asked[0]
    assert window.session.document is before
    assert window.outside.bar.isVisible()


# ------------------------------------------------------------------ what cannot be written


def test_a_read_only_file_is_told_and_can_be_saved_elsewhere(window, graph, answer, tmp_path, monkeypatch) -> None:
    window.files.open(graph)
    graph.chmod(0o444)
    before = graph.read_bytes()
    add(window.session)
    asked = answer("Cancel")
    window.commands["save"].trigger()
    assert "the file is read-only" in asked[0]
    assert window.isWindowModified()
    assert graph.read_bytes() == before
    answer("Save as …")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "copy.json"), ""))
    window.commands["save"].trigger()
    assert not window.isWindowModified()
    assert window.session.path == tmp_path / "copy.json"
    assert graph.read_bytes() == before


def test_closing_does_not_lose_what_could_not_be_saved(window, graph, answer) -> None:
    window.files.open(graph)
    add(window.session)
    graph.chmod(0o444)
    answer("Cancel")
    assert not window.files.save()
    assert not window.files.may_replace()
    window.close()
    assert window.isVisible()


def test_a_suffix_that_is_added_does_not_write_over_another_file(window, graph, answer, monkeypatch) -> None:
    before = graph.read_bytes()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(graph.with_suffix("")), ""))
    asked = answer("Cancel")
    add(window.session)
    assert not window.files.save_as()
    assert "There is a mine.json already" in asked[0]
    assert graph.read_bytes() == before
