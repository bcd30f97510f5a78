from itertools import pairwise
from math import isnan

import pytest
from panel_samples import figures, snapshot

from pypipeline_engine.host.protocol import ProcessFigures
from pypipeline_studio.document.history import History, nearest


def at(elapsed_s, cells=None, **more):
    cells = {"detect": figures(0.5)} if cells is None else cells
    return snapshot(cells).model_copy(update={"elapsed_s": elapsed_s, **more})


def filled(nb_samples, **sizes) -> History:
    history = History(**sizes)
    for number in range(nb_samples):
        history.take(at(number / 4, {"detect": figures(0.5, float(number))}))
    return history


def test_figures_of_cells_and_of_the_run_are_kept_over_time() -> None:
    history = History()
    process = ProcessFigures(cpu=1.5, memory_bytes=2_000_000, threads=3)
    history.take(at(1.0, {"detect": figures(0.25, 8.0, queued=2, capacity=8)}, process=process, gil=0.125))
    history.take(at(1.25, {"detect": figures(0.75, 16.0, queued=8, capacity=8)}))
    assert history.times() == [1.0, 1.25]
    assert history.of_cell("detect", "rate_hz") == [8.0, 16.0]
    assert history.of_cell("detect", "busy") == [0.25, 0.75]
    assert history.of_cell("detect", "queue_fill") == [0.25, 1.0]
    assert history.of_run("cpu")[0] == 1.5
    assert history.of_run("memory_bytes")[0] == 2_000_000
    assert history.of_run("gil")[0] == 0.125
    assert isnan(history.of_run("gil")[1])


def test_what_is_not_known_is_not_a_number() -> None:
    history = History()
    history.take(at(1.0, {"detect": figures(0.5)}))
    history.take(at(2.0, {"detect": figures(0.5), "late": figures(0.5, 3.0)}))
    assert isnan(history.of_cell("late", "rate_hz")[0])
    assert history.of_cell("late", "rate_hz")[1] == 3.0
    assert all(map(isnan, history.of_cell("nobody", "rate_hz")))
    assert all(map(isnan, history.of_cell("detect", "queue_fill")))


def test_only_the_latest_is_asked_for() -> None:
    history = filled(8)
    assert history.times(since_s=1.0) == [1.0, 1.25, 1.5, 1.75]
    assert history.of_cell("detect", "rate_hz", since_s=1.5) == [6.0, 7.0]


def test_another_run_begins_again_and_so_does_no_run() -> None:
    history = filled(4)
    history.take(at(0.25, run=2))
    assert history.times() == [0.25]
    assert history.take(None)
    assert len(history) == 0
    assert not history.take(None)


def test_the_same_moment_counts_once_and_the_summary_at_the_end_not_at_all() -> None:
    history = filled(4)
    assert not history.take(at(0.75))
    assert not history.take(at(1.0, state="ended"))
    assert history.times() == [0.0, 0.25, 0.5, 0.75]


def test_it_is_bounded_and_what_is_old_is_thinned_out() -> None:
    history = filled(10_000, full_samples=40, level_samples=10, levels=3)
    times = history.times()
    assert len(times) <= 41 + 3 * 11
    assert times == sorted(times)
    assert times[-40:] == [number / 4 for number in range(9_960, 10_000)]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert gaps[0] == pytest.approx(8 / 4)
    assert gaps[-1] == 1 / 4


def test_of_merged_samples_the_mean_is_kept_but_the_longest_latency() -> None:
    history = History(full_samples=2, level_samples=10, levels=1)
    for number, (rate_hz, p95_s) in enumerate([(2.0, 0.5), (4.0, 0.25), (8.0, 0.125), (8.0, 0.125)]):
        cell = figures(0.5, rate_hz).model_copy(update={"latency_p95_s": p95_s})
        history.take(at(float(number), {"detect": cell}))
    assert history.times() == [0.5, 2.0, 3.0]
    assert history.of_cell("detect", "rate_hz") == [3.0, 8.0, 8.0]
    assert history.of_cell("detect", "latency_p95_s") == [0.5, 0.125, 0.125]


def test_changes_of_scaling_are_marked() -> None:
    history = History()
    for number, (method, workers) in enumerate(
        [("inline", 1), ("thread", 1), ("thread", 1), ("thread", 2), ("mixed", 3), ("ray", 1)]
    ):
        history.take(at(float(number), {"detect": figures(0.5, method=method, workers=workers)}))
    assert [(mark.elapsed_s, mark.text) for mark in history.marks] == [
        (1.0, "inline → 1 thread"),
        (3.0, "1 → 2 threads"),
        (4.0, "2 threads → 3 clones"),
        (5.0, "3 clones → 1 Ray"),
    ]


@pytest.mark.parametrize(
    ("times", "at_s", "place"), [([], 1, -1), ([1.0], 5, 0), ([1, 2, 3], 2.4, 1), ([1, 2, 3], 2.6, 2), ([1, 2], 0, 0)]
)
def test_the_nearest_time(times, at_s, place) -> None:
    assert nearest(times, at_s) == place
