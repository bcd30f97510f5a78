"""Edits that outlive the process, seen from the window; `tests/end2end` kills a real one."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from pypipeline_engine.resources import get_examples
from pypipeline_studio.document import edits
from pypipeline_studio.document.recovery import RecoveryFile, make_unsaved, take_left_behind
from pypipeline_studio.session import Session
from pypipeline_studio.window.autosave import Autosave


@pytest.fixture
def session(qapp, tmp_path):
    session = Session()
    session.open(get_examples()["multiply"])
    return session


@pytest.fixture
def kept(session, tmp_path):
    kept = Autosave(session, tmp_path / "recovery")
    yield kept
    kept.close()


def add(session) -> None:
    session.edit("Add", edits.add_cell(session.document, (), "demo.Work", (0, 0))[0])


def file_of(kept) -> RecoveryFile:
    (one,) = kept._of.values()
    return one._writer._file


def leave_behind(folder, session) -> None:
    """What a process that is killed leaves: a file with a lock that nobody holds."""
    file = RecoveryFile(folder)
    file.write(make_unsaved(session.document, session.title, session.path, session.sha256))
    file._lock.release()


def files_in(folder) -> list[str]:
    return sorted(path.suffix for path in folder.glob("*"))


def test_an_edit_is_written_and_undoing_it_or_saving_removes_it(session, kept, qtbot, tmp_path) -> None:
    add(session)
    qtbot.waitUntil(lambda: files_in(kept.folder) == [".json", ".lock"])
    session.undo_stack.undo()
    qtbot.waitUntil(lambda: files_in(kept.folder) == [".lock"])
    session.undo_stack.redo()
    qtbot.waitUntil(lambda: files_in(kept.folder) == [".json", ".lock"])
    session.save(tmp_path / "saved.json")
    qtbot.waitUntil(lambda: files_in(kept.folder) == [".lock"])
    kept.close()
    assert files_in(kept.folder) == []
    add(session)
    kept.write()
    assert files_in(kept.folder) == []


def test_what_is_written_is_the_graph_after_the_last_edit(session, kept) -> None:
    for _ in range(3):
        add(session)
    assert kept.flush()
    (file,) = kept.folder.glob("*.json")
    file_of(kept)._lock.release()  # as when the process is killed
    (left,) = take_left_behind(kept.folder)
    assert left.path == file
    assert left.unsaved.read_document() == session.document
    assert left.unsaved.path == str(session.path)
    left.keep()
    file_of(kept)._lock = None


def test_edits_that_cannot_be_kept_are_told_once(session, qtbot, tmp_path) -> None:
    (tmp_path / "file").write_text("no folder")
    kept = Autosave(session, tmp_path / "file" / "recovery")
    told = []
    kept.failed.connect(told.append)
    for _ in range(2):
        add(session)
        assert not kept.flush()
    qtbot.waitUntil(lambda: bool(told))
    QApplication.processEvents()
    assert len(told) == 1
    assert "Not a directory" in told[0]
    assert "recovery" in told[0]
    kept.close()


def test_a_graph_that_was_recovered_is_to_be_saved_and_knows_its_file(session, tmp_path) -> None:
    session.save(tmp_path / "mine.json")
    add(session)
    other = Session()
    other.recover(session.document, session.path, session.sha256)
    assert other.is_modified
    assert other.title == "mine.json"
    assert not other.is_changed_on_disk()
    session.save()
    assert other.is_changed_on_disk()
    other.save()
    assert not other.is_modified


# ------------------------------------------------------------------ the offer


@pytest.fixture
def window(file_window):
    return file_window


def test_nothing_is_offered_where_nothing_was_left(window) -> None:
    window.offer_recovery()
    assert window._recovery.dialog is None
    window.commands["recover"].trigger()
    assert "Nothing is left" in window.status.currentMessage()


def test_recovering_takes_the_edits_over_and_keeps_them_in_a_file_of_its_own(window, session, tmp_path) -> None:
    add(session)
    leave_behind(tmp_path / "recovery", session)
    window.offer_recovery()
    (before,) = (tmp_path / "recovery").glob("*.json")
    (button,) = window._recovery.dialog.recover_buttons
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert window._recovery.dialog is None
    assert window.session.document == session.document
    assert window.session.path == session.path
    assert window.isWindowModified()
    (after,) = (tmp_path / "recovery").glob("*.json")
    assert after != before
    window.session.undo_stack.setClean()
    window.close()
    assert files_in(tmp_path / "recovery") == []


def test_discarding_deletes_one_and_the_other_stays_for_later(window, session, tmp_path, answer) -> None:
    for _ in range(2):
        add(session)
        leave_behind(tmp_path / "recovery", session)
    window.offer_recovery()
    dialog = window._recovery.dialog
    asked = answer("Cancel")
    QTest.mouseClick(dialog.discard_buttons[0], Qt.MouseButton.LeftButton)
    assert len(asked) == 1
    assert len(list((tmp_path / "recovery").glob("*.json"))) == 2
    answer("Delete them")
    QTest.mouseClick(dialog.discard_buttons[0], Qt.MouseButton.LeftButton)
    assert len(list((tmp_path / "recovery").glob("*.json"))) == 1
    assert dialog.isVisible()
    QTest.mouseClick(dialog.keep_button, Qt.MouseButton.LeftButton)
    assert window._recovery.dialog is None
    (left,) = take_left_behind(tmp_path / "recovery")
    left.discard()


def test_each_graph_that_is_recovered_comes_back_in_a_tab_and_edits_in_the_window_stay(
    window, session, tmp_path
) -> None:
    for name in ("one.json", "two.json"):
        session.save(tmp_path / name)
        add(session)
        leave_behind(tmp_path / "recovery", session)
    add(window.session)
    mine = window.session.front
    window.offer_recovery()
    dialog = window._recovery.dialog
    QTest.mouseClick(dialog.recover_buttons[0], Qt.MouseButton.LeftButton)
    assert dialog.isVisible()
    QTest.mouseClick(dialog.recover_buttons[1], Qt.MouseButton.LeftButton)
    assert window._recovery.dialog is None
    assert mine in window.session.graphs
    assert sorted(graph.title for graph in window.session.graphs if graph is not mine) == ["one.json", "two.json"]
    assert all(graph.is_modified for graph in window.session.graphs)
    assert window.autosave.flush()
    assert len(list((tmp_path / "recovery").glob("*.json"))) == 3


def test_all_graphs_are_recovered_at_once_and_the_one_edited_last_is_in_front(window, session, tmp_path) -> None:
    for index in range(3):
        session.save(tmp_path / f"{index}.json")
        add(session)
        file = RecoveryFile(tmp_path / "recovery")
        file.write(make_unsaved(session.document, session.title, session.path, session.sha256, 100.0 + index))
        file._lock.release()
    (tmp_path / "recovery" / "1-0.json").write_text("{")
    window.offer_recovery()
    dialog = window._recovery.dialog
    assert dialog.focusWidget() is dialog.all_button
    QTest.keyClick(dialog.all_button, Qt.Key.Key_Return)
    assert [graph.title for graph in window.session.graphs] == ["0.json", "1.json", "2.json"]
    assert window.session.title == "2.json"
    assert dialog.isVisible()  # for the file that cannot be read
    assert not dialog.all_button.isVisible()
    QTest.keyClick(dialog.keep_button, Qt.Key.Key_Return)
    assert window._recovery.dialog is None
    assert (tmp_path / "recovery" / "1-0.json").exists()


def test_enter_recovers_one_graph_after_the_other(window, session, tmp_path) -> None:
    for name in ("one.json", "two.json"):
        session.save(tmp_path / name)
        add(session)
        leave_behind(tmp_path / "recovery", session)
    window.offer_recovery()
    dialog = window._recovery.dialog
    QTest.keyClick(dialog.recover_buttons[0], Qt.Key.Key_Return)
    assert dialog.focusWidget() is dialog.recover_buttons[1]
    assert not dialog.all_button.isVisible()
    QTest.keyClick(dialog.recover_buttons[1], Qt.Key.Key_Return)
    assert window._recovery.dialog is None
    assert len(window.session.graphs) == 2


def test_edits_of_a_file_that_is_open_are_a_step_in_its_tab(window, session, tmp_path) -> None:
    session.save(tmp_path / "mine.json")
    window.session.open(tmp_path / "mine.json")
    saved = window.session.document
    add(session)
    leave_behind(tmp_path / "recovery", session)
    window.offer_recovery()
    QTest.mouseClick(window._recovery.dialog.recover_buttons[0], Qt.MouseButton.LeftButton)
    assert len(window.session.graphs) == 1
    assert window.session.document == session.document
    assert window.isWindowModified()
    window.commands["undo"].trigger()
    assert window.session.document == saved


def test_what_cannot_be_read_is_told_and_can_only_be_kept_or_discarded(window, tmp_path) -> None:
    folder = tmp_path / "recovery"
    folder.mkdir()
    (folder / "1-0.json").write_text("{")
    window.offer_recovery()
    dialog = window._recovery.dialog
    assert dialog.recover_buttons == []
    window.close()
    assert (folder / "1-0.json").exists()


def test_a_file_that_was_changed_since_is_told_when_its_edits_are_recovered(window, session, tmp_path) -> None:
    session.save(tmp_path / "mine.json")
    add(session)
    leave_behind(tmp_path / "recovery", session)
    session.save()  # another program
    window.offer_recovery()
    QTest.mouseClick(window._recovery.dialog.recover_buttons[0], Qt.MouseButton.LeftButton)
    assert window.outside.bar.isVisible()
    assert "mine.json was changed" in window.outside.bar.text.text()
