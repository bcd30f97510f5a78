"""What is kept of the open files."""

from pathlib import Path

import pytest

from pypipeline_studio.document.open_tabs import MOST_TABS, OpenTabs, explain_skipped


def test_what_is_kept_comes_back() -> None:
    tabs = OpenTabs(paths=("/a/ä b.json", "/c.json"), front="/c.json")
    assert OpenTabs.from_setting(tabs.to_setting()) == tabs


@pytest.mark.parametrize("text", [None, 3, "", "{", "[]", '{"paths": 3}', '{"paths": [1]}'])
def test_what_cannot_be_read_is_nothing(text) -> None:
    assert OpenTabs.from_setting(text) == OpenTabs()


def test_not_without_end() -> None:
    tabs = OpenTabs(paths=tuple(f"/{number}.json" for number in range(2 * MOST_TABS)))
    assert len(OpenTabs.from_setting(tabs.to_setting()).paths) == MOST_TABS


def test_what_is_skipped_is_told_in_words() -> None:
    a, b = Path("/x/a.json"), Path("/x/b.json")
    assert explain_skipped((), ()) == ""
    assert explain_skipped((a, b), ()) == "Not there any more: a.json, b.json"
    assert explain_skipped((a,), (b,)) == "Not there any more: a.json. Cannot be opened as it is now: b.json"
