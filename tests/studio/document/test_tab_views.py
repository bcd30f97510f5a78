"""What tabs say."""

from pathlib import Path

import pytest

from pypipeline_studio.document.tab_views import NOT_SAVED, TabView, hints_of


@pytest.mark.parametrize(
    ("paths", "hints"),
    [
        (["a/x.json", "a/y.json"], ["", ""]),
        (["a/x.json", "b/x.json", "b/y.json"], ["a", "b", ""]),
        (["p/a/x.json", "q/a/x.json", "q/b/x.json"], ["p/a", "q/a", "q/b"]),
        (["x.json", "a/x.json"], ["home", "a"]),
        ([None, "a/untitled.json", None], ["new 1", "a", "new 2"]),
        ([None, "a/untitled.json"], ["new", "a"]),
    ],
)
def test_files_of_the_same_name_are_told_apart_by_as_many_folders_as_that_takes(paths, hints) -> None:
    found = [None if path is None else Path("/home") / path for path in paths]
    assert hints_of([("untitled.json" if path is None else path.name, path) for path in found]) == hints


def test_what_a_tab_says_when_it_is_asked() -> None:
    view = TabView("x.json", Path("/a/x.json"), True, "running", "a")
    assert view.tip == ("/a/x.json", "Has changes that are not saved", "Running now")
    assert view.spoken == "x.json, a, running, has changes that are not saved"
    assert TabView("untitled.json").tip == (NOT_SAVED,)
    assert TabView("untitled.json").spoken == "untitled.json"
