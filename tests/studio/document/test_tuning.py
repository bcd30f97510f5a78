"""What is asked of a search for clones, and what it found as a change."""

import pytest

from pypipeline_engine.graph.model import RayOptions, Scale
from pypipeline_engine.host.tuning_lines import TuneResult
from pypipeline_studio.document import edits
from pypipeline_studio.document.tuning import TuneWish, with_found


@pytest.mark.parametrize(
    ("wish", "arguments"),
    [
        (TuneWish(), ["--budget", "60", "--methods", "thread"]),
        (TuneWish(25.5, 10, ray=True), ["--budget", "10", "--methods", "thread,ray", "--target-rate", "25.5"]),
        (TuneWish(threads=False, queues=False), ["--budget", "60", "--methods", "none", "--no-queues"]),
    ],
)
def test_what_is_wished_for_are_options(wish, arguments) -> None:
    assert wish.arguments() == arguments


def found(**after) -> TuneResult:
    rate = {"rate_hz": 1.0, "error_hz": 0.1}
    changes = {name: {"before": {}, "after": clones, "text": ""} for name, clones in after.items()}
    return TuneResult.model_validate({"before": rate, "after": rate, "changes": changes, "ending": "over"})


def test_only_clones_and_queues_change(people) -> None:
    options = RayOptions(num_cpus=2)
    before = edits.set_ray_options(people, (), "detect", options)
    after = with_found(before, found(detect={"threads": 0, "ray": 3, "queue_capacity": 9}, gone={"threads": 2}))
    assert after.cells["detect"].scale == Scale(ray=3, queue_capacity=9, ray_options=options)
    assert after.with_cell(("detect",), before.cells["detect"]) == before


def test_a_cell_that_is_better_inline_loses_its_clones(people) -> None:
    scaled = edits.set_scale(people, (), "detect", thread=4)
    assert with_found(scaled, found(detect={})).cells["detect"].scale is None
