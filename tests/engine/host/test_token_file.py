"""The file with the token: who can read it, what it replaces, and that it goes."""

import os
import stat

import pytest

from pypipeline_engine.host.token_file import TokenFile

TOKEN = "a" * 43


@pytest.fixture(autouse=True)
def no_runtime_folder(monkeypatch):
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)


def mode(path):
    return stat.S_IMODE(path.lstat().st_mode)


def test_only_the_owner_can_read_it_and_it_goes_with_its_folder():
    with TokenFile(TOKEN) as file:
        assert file.path.read_text() == f"{TOKEN}\n"
        assert mode(file.path) == 0o600
        assert mode(file.path.parent) == 0o700
        assert list(file.path.parent.iterdir()) == [file.path]
    assert not file.path.parent.exists()
    file.remove()


def test_the_runtime_folder_of_the_user_is_taken_where_nobody_else_looks_into_it(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    tmp_path.chmod(0o700)
    with TokenFile(TOKEN) as file:
        assert file.path == tmp_path / f"pypipeline-run-{os.getpid()}.token"
    assert list(tmp_path.iterdir()) == []
    tmp_path.chmod(0o755)
    with TokenFile(TOKEN) as file:
        assert file.path.parent != tmp_path


@pytest.mark.parametrize("name", ["", "relative", "/nowhere/at/all"])
def test_a_runtime_folder_that_is_none_is_not_taken(monkeypatch, name):
    monkeypatch.setenv("XDG_RUNTIME_DIR", name)
    with TokenFile(TOKEN) as file:
        assert file.path.parent.name.startswith("pypipeline-")


@pytest.mark.parametrize("left", ["", "b" * 43, "b" * 43 + "\n"])
def test_what_a_killed_process_has_left_is_replaced(tmp_path, left):
    path = tmp_path / "token"
    path.write_text(left)
    path.chmod(0o644)
    with TokenFile(TOKEN, path):
        assert path.read_text() == f"{TOKEN}\n"
        assert mode(path) == 0o600
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["notes", "b" * 42, "b" * 45, "b" * 42 + "!", "b" * 43 + "\n\n"])
def test_a_file_with_something_else_stays(tmp_path, content):
    path = tmp_path / "notes.txt"
    path.write_text(content)
    with pytest.raises(FileExistsError, match="holds something that is no token"):
        TokenFile(TOKEN, path)
    assert path.read_text() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_not_followed(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("b" * 43)
    link.symlink_to(target)
    with pytest.raises(FileExistsError):
        TokenFile(TOKEN, link)
    assert target.read_text() == "b" * 43


def test_a_file_that_another_one_has_written_meanwhile_stays(tmp_path):
    path = tmp_path / "token"
    with TokenFile(TOKEN, path):
        path.write_text("c" * 43)
    assert path.read_text() == "c" * 43
