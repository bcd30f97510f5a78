"""Signs of changes of files, whichever way they are written."""

import pytest

from pypipeline_studio.window.file_signs import FileSigns

WAIT_MS = 20_000


@pytest.fixture
def signs(qapp, tmp_path):
    found = FileSigns()
    (tmp_path / "a.py").write_text("1")
    found.watch([], [tmp_path])
    yield found
    found.deleteLater()


def write(folder):
    (folder / "a.py").write_text("22")


def replace(folder):
    (folder / "other").write_text("22")
    (folder / "other").replace(folder / "a.py")


def remove(folder):
    (folder / "a.py").unlink()


def make(folder):
    (folder / "b.py").write_text("1")


@pytest.mark.parametrize("change", [write, replace, remove, make])
def test_each_way_of_changing_a_file_is_told(signs, tmp_path, qtbot, change):
    with qtbot.waitSignal(signs.changed, timeout=WAIT_MS):
        change(tmp_path)


def test_a_file_that_was_replaced_is_watched_on(signs, tmp_path, qtbot):
    with qtbot.waitSignal(signs.changed, timeout=WAIT_MS):
        replace(tmp_path)
    with qtbot.waitSignal(signs.changed, timeout=WAIT_MS):
        (tmp_path / "a.py").write_text("333")


def test_a_folder_that_is_made_later_is_watched(signs, tmp_path, qtbot):
    signs.watch([], [tmp_path / "later"])
    (tmp_path / "later").mkdir()
    with qtbot.waitSignal(signs.changed, timeout=WAIT_MS):
        make(tmp_path / "later")


def test_other_files_and_our_own_writing_are_no_change(signs, tmp_path):
    told = []
    signs.changed.connect(lambda: told.append(1))
    (tmp_path / "notes.txt").write_text("x")
    write(tmp_path)
    signs.take_note(tmp_path / "a.py")
    signs._look()
    assert told == []


def test_a_change_before_what_is_watched_is_another_one_is_still_told(signs, tmp_path, qtbot):
    write(tmp_path)
    with qtbot.waitSignal(signs.changed, timeout=WAIT_MS):
        signs.watch([tmp_path / "x.py"], [tmp_path])
    remove(tmp_path)
    with qtbot.waitSignal(signs.changed, timeout=WAIT_MS):
        signs.watch([], [tmp_path])
