"""Two recorded runs, figure by figure."""

import json
import random
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from insight_support import ENDED, GRAPH, at

from pypipeline_engine.core.counters import BUCKETS_PER_OCTAVE, Statistics, bucket_of, middle_of
from pypipeline_engine.exceptions import RecordException
from pypipeline_engine.insight import recorder as recorder_module
from pypipeline_engine.insight.comparison import Comparison, Figure, compare
from pypipeline_engine.insight.comparison_data import comparison_as_data
from pypipeline_engine.insight.machine import Machine, ProcessFigures
from pypipeline_engine.insight.records import Record

MACHINE = Machine("Linux 6", "x86_64", "Core X", 4, 16_000_000_000, 0.1)


@pytest.fixture
def run(make_recorder, tmp_path: Path, monkeypatch) -> Callable[..., Path]:
    """Records a run of so many items in each of its seconds, each `item_s` of work."""

    monkeypatch.setattr(recorder_module, "read_machine", lambda: MACHINE)

    def record(
        name: str,
        items: Iterable[int],
        *,
        item_s: float = 0.005,
        states: dict[int, str] | None = None,
        sources_end_at: int | None = None,
        errors: int = 0,
        others: float = 0.0,
        method: str = "thread",
        **values,
    ) -> Path:
        seconds = iter(range(10_000))

        def read_process() -> ProcessFigures:
            second = next(seconds)
            return ProcessFigures(second * 0.5, 50_000_000, 3, 100 + second * (0.5 + others))

        recorder = make_recorder(name, read_process=read_process, **values)
        done, latencies = 0, {}
        for second, number in enumerate([0, *items]):
            done += number
            bucket = bucket_of(item_s)
            latencies = {**latencies, bucket: latencies.get(bucket, 0) + number}
            now = at(
                float(second),
                done,
                min(done * item_s, second),
                errors=errors * second,
                lost=errors * second,
                method=method,
            )
            count, work = now.cells
            if sources_end_at is not None and second >= sources_end_at:
                count = replace(count, runs=10_000)
            now = replace(now, cells=(count, replace(work, latencies=latencies)))
            recorder.add(now, (states or {}).get(second, "running"))
        recorder.finish(ENDED)
        return tmp_path / name

    return record


def compared(before: Path, after: Path, **options) -> Comparison:
    with Record(before) as one, Record(after) as other:
        return compare(one, other, **options)


def figure_of(comparison: Comparison, cell: str, key: str) -> Figure:
    figures = next((each.figures for each in comparison.cells if each.name == cell), comparison.pipeline)
    return next(figure for figure in figures if figure.key == key)


def noisy(mean: int, seed: int, seconds: int = 40, spread: float = 5.0) -> list[int]:
    chance = random.Random(seed)
    return [round(chance.gauss(mean, spread)) for _ in range(seconds)]


# ---------------------------------------------------------------------- real or not


def test_a_faster_run_is_faster_in_what_got_faster_and_in_nothing_else(run) -> None:
    comparison = compared(run("a", noisy(100, 1)), run("b", noisy(120, 2)))
    rate = figure_of(comparison, "", "sink_rate_hz")
    assert (rate.verdict, rate.before, rate.after) == (
        "real",
        pytest.approx(100, rel=0.02),
        pytest.approx(120, rel=0.02),
    )
    assert figure_of(comparison, "work", "rate_hz").verdict == "real"
    assert figure_of(comparison, "work", "busy").verdict == "real"
    for key in ("service_s", "latency_p50_s", "latency_p95_s", "cpu_s"):
        assert figure_of(comparison, "work", key).verdict == "noise", key
    assert figure_of(comparison, "work", "service_s").after == pytest.approx(0.005)
    assert comparison.graph == ()


def test_two_equal_runs_do_not_differ(run) -> None:
    comparison = compared(run("a", noisy(100, 1)), run("b", noisy(100, 2)))
    figures = [*comparison.pipeline, *(figure for cell in comparison.cells for figure in cell.figures)]
    assert {figure.verdict for figure in figures if figure.before is not None} == {"noise"}


def test_the_same_difference_is_within_the_noise_of_runs_that_vary_more(run) -> None:
    def rate(spread: float) -> Figure:
        runs = [run(f"{name}{spread}", noisy(mean, mean, spread=spread)) for name, mean in (("a", 100), ("b", 112))]
        return figure_of(compared(*runs), "", "sink_rate_hz")

    assert rate(4).verdict == "real"
    loud = rate(40)
    assert loud.verdict == "noise"
    assert loud.noise > rate(4.01).noise * 4


def test_a_small_change_is_within_noise_however_steady_the_samples_are(run) -> None:
    assert figure_of(compared(run("a", [1000] * 20), run("b", [1020] * 20)), "", "sink_rate_hz").verdict == "noise"
    assert figure_of(compared(run("c", [1000] * 20), run("d", [1040] * 20)), "", "sink_rate_hz").verdict == "real"


@pytest.mark.parametrize(("buckets", "verdict"), [(1, "noise"), (-1, "noise"), (2, "real"), (-2, "real")])
def test_percentiles_differ_by_more_than_a_bucket_or_not_at_all(run, buckets: int, verdict: str) -> None:
    item_s = middle_of(bucket_of(0.005))
    other_s = item_s * 2 ** (buckets / BUCKETS_PER_OCTAVE)
    comparison = compared(run("a", [50] * 20, item_s=item_s), run("b", [50] * 20, item_s=other_s))
    assert figure_of(comparison, "work", "latency_p95_s").verdict == verdict


def test_percentiles_of_rare_items_need_a_longer_run(run) -> None:
    """The 95th of a hundred is not seen in blocks of four."""
    comparison = compared(run("a", [2] * 50), run("b", [2] * 50))
    assert figure_of(comparison, "work", "latency_p95_s").verdict == "unknown"
    assert figure_of(comparison, "work", "latency_p50_s").verdict == "noise"
    assert figure_of(comparison, "work", "rate_hz").verdict == "noise"
    longer = compared(run("c", [2] * 150), run("d", [2] * 150))
    assert figure_of(longer, "work", "latency_p95_s").verdict == "noise"


@pytest.mark.parametrize(("items", "verdict"), [(100, "noise"), (100_000, "real")])
def test_how_long_little_things_take_matters_where_there_are_many_of_them(run, items: int, verdict: str) -> None:
    comparison = compared(run("a", [items] * 20, item_s=3e-6), run("b", [items] * 20, item_s=6e-6))
    for key in ("service_s", "latency_p50_s", "cpu_s"):
        assert figure_of(comparison, "work", key).verdict == verdict, key


def test_errors_are_compared_where_there_are_some(run) -> None:
    comparison = compared(run("a", [100] * 20), run("b", [100] * 20, errors=3))
    errors = figure_of(comparison, "work", "errors")
    assert (errors.before, errors.after, errors.verdict) == (0.0, pytest.approx(0.03), "real")
    assert not [each for each in comparison.cells[0].figures if each.key == "errors"]


def test_of_a_short_run_nothing_is_known(run) -> None:
    comparison = compared(run("a", [100] * 20), run("b", [150] * 3))
    rate = figure_of(comparison, "", "sink_rate_hz")
    assert (rate.verdict, rate.noise, rate.after) == ("unknown", None, pytest.approx(150))


# ---------------------------------------------------------------------- the part that is compared


def steady_of(path: Path, **options) -> tuple[float, float]:
    part = compared(path, path, **options).before
    return part.begin_s, part.end_s


def test_the_warm_up_is_left_out(run) -> None:
    path = run("a", [5, 30, 70, *noisy(100, 3)])
    assert steady_of(path)[0] in (3.0, 4.0)
    assert steady_of(path, warm_up_s=10.0) == (10.0, 43.0)
    assert steady_of(path, warm_up_s=0.0) == (1.0, 43.0)


def test_a_warm_up_as_long_as_the_run_is_refused(run) -> None:
    path = run("a", [100] * 10)
    with pytest.raises(RecordException, match=r"a has fewer than two samples of its steady part after 10\.0 s"):
        compared(path, path, warm_up_s=10.0)


def test_the_time_in_which_the_sources_have_ended_is_left_out(run) -> None:
    assert steady_of(run("a", [100] * 20, sources_end_at=15))[1] == 15.0


def test_pauses_are_left_out(run) -> None:
    states = dict.fromkeys(range(4, 8), "paused") | {20: "ended"}
    assert steady_of(run("a", [100] * 20, states=states)) == (8.0, 19.0)


def test_nothing_is_left_out_of_a_run_with_two_samples(run) -> None:
    assert steady_of(run("a", [100], states={1: "ended"})) == (0.0, 1.0)


def test_a_run_without_figures_is_refused(run, make_recorder) -> None:
    with pytest.raises(RecordException, match=r"a holds no figures"):
        compared(run("a", []), run("b", [100] * 10))


# ---------------------------------------------------------------------- what else is different


def test_machines_and_versions_are_compared(run, monkeypatch) -> None:
    monkeypatch.setattr(recorder_module, "read_versions", lambda: {"engine": "1", "numpy": "2.1"})
    one = run("a", [100] * 10)
    monkeypatch.setattr(
        recorder_module, "read_machine", lambda: replace(MACHINE, load=9.0, memory_bytes=15_900_000_000)
    )
    assert compared(one, run("b", [100] * 10)).machine == ()
    other = replace(MACHINE, cpu_model=None, cores=8, memory_bytes=32_000_000_000)
    monkeypatch.setattr(recorder_module, "read_machine", lambda: other)
    monkeypatch.setattr(recorder_module, "read_versions", lambda: {"engine": "1", "cv2": "4.12"})
    comparison = compared(one, run("c", [100] * 10))
    assert comparison.machine == ("CPU: Core X → –", "cores: 4 → 8", "memory: 16.0 GB → 32.0 GB")
    assert comparison.versions == ("numpy: 2.1 → not loaded", "cv2: not loaded → 4.12")


def test_what_may_be_the_doing_of_other_processes_is_doubtful(run) -> None:
    steady = {"item_s": 0.008, "errors": 3}
    comparison = compared(run("a", [100] * 10), run("b", [60] * 10, others=1.5, **steady))
    assert (comparison.before.others, comparison.before.is_quiet) == (pytest.approx(0.0), True)
    assert (comparison.after.others, comparison.after.is_quiet) == (pytest.approx(1.5), False)
    verdicts = {figure.key: figure.verdict for figure in comparison.cells[1].figures}
    assert {verdicts[key] for key in ("rate_hz", "service_s", "latency_p50_s")} == {"doubtful"}
    assert verdicts["errors"] == "real"
    quiet = compared(run("c", [100] * 10), run("d", [60] * 10, others=0.05, **steady))
    assert figure_of(quiet, "work", "rate_hz").verdict == "real"


def test_processes_of_clones_are_no_strangers(run) -> None:
    assert compared(run("a", [100] * 10, others=1.5, method="ray"), run("b", [100] * 10)).before.others is None


def test_graphs_are_compared(run) -> None:
    comparison = compared(run("a", [100] * 10), run("b", [100] * 10, graph=GRAPH.replace("demo.Work", "demo.Sleep")))
    assert [change.sentence for change in comparison.graph] == ["work: type demo.Work → demo.Sleep"]
    with pytest.raises(RecordException, match=r"c holds a graph that cannot be read: "):
        compared(run("c", [100] * 10, graph="{}"), run("d", [100] * 10))


def test_a_cell_that_only_one_run_has_is_named(run, make_recorder, tmp_path: Path) -> None:
    recorder = make_recorder("other")
    for second in range(10):
        now = at(float(second), 100 * second, second / 2)
        recorder.add(
            Statistics(now.elapsed_s, now.sink_items, (now.cells[0], replace(now.cells[1], name="new"))), "running"
        )
    comparison = compared(run("a", [100] * 10), tmp_path / "other")
    assert [cell.name for cell in comparison.cells] == ["count"]
    assert (comparison.only_before, comparison.only_after) == (("work",), ("new",))


def test_everything_is_there_as_data(run) -> None:
    with ExitStack() as stack:
        one, other = (stack.enter_context(Record(path)) for path in (run("a", noisy(100, 1)), run("b", noisy(150, 2))))
        data = json.loads(json.dumps(comparison_as_data(compare(one, other), one, other), allow_nan=False))
    rate = data["pipeline"]["sink_rate_hz"]
    assert rate["verdict"] == "real"
    assert rate["change"] == pytest.approx(0.5, abs=0.03)
    assert rate["difference"] == pytest.approx(rate["after"] - rate["before"])
    assert data["cells"]["work"]["workers"] == {"before": 1, "after": 1}
    assert data["cells"]["work"]["latency_p95_s"]["verdict"] == "noise"
    assert (data["is_same_machine"], data["graph"]) == (True, [])
    assert (data["before"]["state"], data["before"]["blocks"]) == ("ended", 20)
