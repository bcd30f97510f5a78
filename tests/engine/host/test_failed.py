"""The items that cells have failed at are kept within bounds."""

import numpy as np
import pytest

from pypipeline_engine.host import failed
from pypipeline_engine.host.failed import MOST_FAILED, FailedKept
from pypipeline_engine.host.refusals import Refused
from pypipeline_engine.runtime.taps import TappedItem


@pytest.fixture
def kept():
    return FailedKept()


def add(kept, number, value=0, cell="work") -> None:
    kept.add(cell, f"graph.{cell}", TappedItem(number, {}, {"item": [value]}), ValueError("no"))


def test_the_latest_are_kept(kept) -> None:
    for number in range(MOST_FAILED + 3):
        add(kept, number)
    told = kept.describe()
    assert [one.item for one in told.items] == list(range(3, MOST_FAILED + 3))
    assert told.nb_missed == 3
    assert told.items[0].message == "ValueError: no"
    with pytest.raises(Refused, match="not kept"):
        kept.get("work", 0)


def test_large_ones_push_others_out_and_too_large_ones_are_not_kept(kept, monkeypatch) -> None:
    monkeypatch.setattr(failed, "MOST_FAILED_BYTES", 2500)
    for number in range(3):
        add(kept, number, np.zeros(1000, np.uint8))
    assert [one.item for one in kept.describe().items] == [1, 2]
    add(kept, 3, np.zeros(3000, np.uint8))
    assert [one.item for one in kept.describe().items] == [1, 2]
    assert kept.describe().nb_missed == 2


def test_an_item_that_fails_again_is_kept_once(kept) -> None:
    add(kept, 1, "first")
    add(kept, 1, "again")
    assert kept.get("work", 1).item.inputs == {"item": ["again"]}
    assert len(kept.describe().items) == 1


def test_items_of_other_cells_and_of_a_run_that_is_over_are_let_go(kept) -> None:
    add(kept, 1)
    add(kept, 2, cell="other")
    kept.keep_only({"other"})
    assert [one.cell for one in kept.describe().items] == ["other"]
    kept.close()
    add(kept, 3)
    assert kept.describe().items == ()
