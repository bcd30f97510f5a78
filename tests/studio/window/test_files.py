"""Opening, saving and beginning graphs, with the questions that are asked."""

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QMenu, QMessageBox

from pypipeline_engine.graph.reader import read_file
from pypipeline_engine.graph.writer import save
from pypipeline_engine.resources import get_examples
from pypipeline_studio.document import edits


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


@pytest.fixture
def answer(monkeypatch):
    """Answers questions by the text of a button, and keeps what was asked."""
    asked = []

    def answer(text) -> list[str]:
        def press(box) -> int:
            asked.append(f"{box.text()} {box.informativeText()}")
            button = next((b for b in box.buttons() if b.text().replace("&", "") == text), None)
            if button is None:
                return 0
            button.click()
            return box.result()

        monkeypatch.setattr(QMessageBox, "exec", press)
        return asked

    return answer


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


def test_an_example_does_not_replace_edits_without_asking(window, answer) -> None:
    add(window.session)
    mine = window.session.document
    asked = answer("Cancel")
    window.files.new_from(get_examples()["multiply"])
    assert window.session.document is mine
    assert len(asked) == 1


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


def test_of_several_files_the_first_graph_is_opened(window, graph, qtbot, tmp_path) -> None:
    assert drop(window, tmp_path / "video.mp4", graph)
    qtbot.waitUntil(lambda: window.session.path == graph)
    assert "one graph" in window.status.currentMessage()


def test_what_is_no_graph_is_told(window, qtbot, answer, tmp_path) -> None:
    (tmp_path / "video.mp4").write_bytes(b"\x00\xff")
    asked = answer("OK")
    assert drop(window, tmp_path / "video.mp4")
    qtbot.waitUntil(lambda: bool(asked))
    assert "video.mp4 cannot be opened" in asked[0]


def test_a_dropped_graph_does_not_replace_edits_without_asking(window, graph, qtbot, answer) -> None:
    add(window.session)
    mine = window.session.document
    asked = answer("Cancel")
    drop(window, graph)
    qtbot.waitUntil(lambda: bool(asked))
    assert window.session.document is mine


def test_text_is_not_taken_for_a_file(window) -> None:
    assert not drop(window)
