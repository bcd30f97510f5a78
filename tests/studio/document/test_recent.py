"""The list of files that were opened last."""

from pathlib import Path

import pytest

from pypipeline_studio.document.recent import MOST_RECENT, from_setting, to_setting, with_recent, without_missing


def test_the_last_one_comes_first_and_none_is_there_twice() -> None:
    paths = with_recent(with_recent(with_recent((), Path("/a")), Path("/b")), Path("/a"))
    assert paths == (Path("/a"), Path("/b"))


def test_the_list_does_not_grow_for_ever() -> None:
    paths: tuple[Path, ...] = ()
    for number in range(2 * MOST_RECENT):
        paths = with_recent(paths, Path(f"/{number}"))
    assert len(paths) == MOST_RECENT
    assert paths[0] == Path(f"/{2 * MOST_RECENT - 1}")


def test_files_that_are_gone_leave_the_list_when_asked_to(tmp_path) -> None:
    (tmp_path / "a.json").touch()
    paths = (tmp_path / "gone.json", tmp_path / "a.json", tmp_path)
    assert without_missing(paths) == (tmp_path / "a.json",)


def test_settings_bring_back_what_was_kept() -> None:
    paths = (Path('/with "quotes", and commas.json'), Path("/ü.json"))
    assert from_setting(to_setting(paths)) == paths


@pytest.mark.parametrize("setting", [None, "", "{", "3", '{"a": 1}', ["/a"]])
def test_settings_that_cannot_be_read_hold_nothing(setting) -> None:
    assert from_setting(setting) == ()
