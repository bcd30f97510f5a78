"""The statistics of a run as data."""

import json

import pytest

from pypipeline_engine.core.counters import (
    CellStatistics,
    ConnectionStatistics,
    DeadLetter,
    Statistics,
    bucket_of,
)
from pypipeline_engine.insight import advise, statistics_as_data
from pypipeline_engine.insight.model import Resources
from pypipeline_engine.insight.structure import CellRole


@pytest.fixture
def statistics() -> Statistics:
    return Statistics(
        elapsed_s=10.0,
        sink_items=97,
        cells=(
            CellStatistics(
                name="detect",
                station="detect",
                method="thread",
                workers=2,
                runs=100,
                lost=3,
                skipped=2,
                errors=1,
                wall_s=20.0,
                busy_s=19.0,
                starved_s=0.5,
                cpu_s=18.0,
                queued=7,
                queue_capacity=8,
                latencies={bucket_of(0.19): 100},
            ),
        ),
        connections=(ConnectionStatistics("video.frame", "detect.image", 100, 3, 8, 3000),),
        dead_letters=(DeadLetter("detect", 41, "ValueError: bad", "Traceback ..."),),
    )


def test_every_figure_is_there_under_its_unit(statistics: Statistics) -> None:
    structure = {"detect": CellRole(can_have_thread=True, can_have_clones=True)}
    advice = advise(statistics, structure, Resources(cores=4, cpu=1.9))
    data = json.loads(json.dumps(statistics_as_data(statistics, advice)))
    assert data["sink_rate_hz"] == pytest.approx(9.7)
    detect = data["cells"]["detect"]
    assert (detect["items"], detect["skipped"], detect["errors"]) == (97, 2, 1)
    assert detect["rate_hz"] == pytest.approx(9.7)
    assert detect["busy"] == pytest.approx(0.95)
    assert detect["busy"] + detect["starved"] + detect["blocked"] == pytest.approx(1.0)
    assert detect["latency_p95_s"] == pytest.approx(0.19, rel=0.05)
    assert data["bottleneck"]["cells"] == ["detect"]
    assert data["bottleneck"]["kind"] == "station"
    assert data["bottleneck"]["stations"][0]["capacity_hz"] == pytest.approx(2 * 97 / 19.0)
    assert data["bottleneck"]["cause"] == "cpu"
    assert data["bottleneck"]["changes"] == [{"cell": "detect", "method": "thread", "before": 2, "after": 3}]
    assert data["bottleneck"]["predicted_hz"] == pytest.approx(3 * 97 / 19.0, rel=0.06)
    assert data["dead_letters"] == [{"cell": "detect", "item": 41, "error": "ValueError: bad"}]


def test_a_run_in_which_nothing_ran_has_no_bottleneck() -> None:
    data = statistics_as_data(Statistics(0.0, 0, ()), None)
    assert data["bottleneck"] is None
    assert data["sink_rate_hz"] == 0.0
