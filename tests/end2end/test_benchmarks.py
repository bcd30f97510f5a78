"""The benchmarks in their tiny form: every contender that is installed brings the right results. No time is judged."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import runner
from contest import Comparison, Contender, Unit, Workload, figure_at_least, ratio_at_least
from jobs import Job, Size, WrongResults, count_up, ideal_skewed_s, time_stream
from registry import WORKLOADS
from runner import Figures, measure_here, measure_workload
from table import format_table, make_rows

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def benchmarks(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BENCHMARKS), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=100)


@pytest.mark.slow
def test_all_contenders_that_are_installed_bring_the_right_results(tmp_path: Path) -> None:
    done = benchmarks("--quick", "--json", tmp_path / "results.json")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "results.json").read_text())
    assert list(report["workloads"]) == list(WORKLOADS)
    for name, workload in report["workloads"].items():
        contenders = workload["contenders"]
        assert list(contenders) == [contender.name for contender in WORKLOADS[name].contenders]
        assert all("median" in found or "absence" in found for found in contenders.values()), contenders


@pytest.mark.slow
def test_tuning_runs_beside_a_grid_of_settings() -> None:
    command = [sys.executable, str(BENCHMARKS / "tuning.py"), "--quick", "--graph", "nested", "--cell", "poly=0,4"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "best of the grid: " in done.stdout
    assert "The tuned graph is " in done.stdout


def test_an_unknown_workload_is_refused_with_those_that_there_are() -> None:
    done = benchmarks("w0")
    assert done.returncode == 2
    assert "there is no workload 'w0'; there are w1, " in done.stderr


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        (lambda job, nb: range(1, nb), "9 results came instead of 10"),
        (lambda job, nb: [*range(nb), 0], "11 results came instead of 10"),
        (lambda job, nb: [*range(8), 9, 8], "result 8 is 9 instead of 8"),
    ],
)
def test_a_time_with_wrong_results_is_none(stream, message: str) -> None:
    with pytest.raises(WrongResults, match=message):
        time_stream(stream, Job(count_up, range), Size(8, warm=2))


def test_the_unordered_ideal_is_never_idle_before_the_last_item() -> None:
    alone = ideal_skewed_s(1000, 1)
    assert alone / 4 <= ideal_skewed_s(1000, 4) <= alone / 4 + 0.050


def make_workload(*goals) -> Workload:
    contenders = tuple(Contender(name, lambda is_quick: 1.0) for name in ("ours", "a", "b", "c"))
    return Workload("w", "a workload", Unit.SHARE, contenders, (Comparison("x", "ours", ("a", "b", "c"), goals),))


def test_a_ratio_is_the_median_over_rounds_to_the_best_peer_that_is_there() -> None:
    figures = {
        "ours": Figures([0.8, 0.4, 0.6]),
        "a": Figures([0.1, 0.1, 0.1]),
        "b": Figures([0.2, 0.4, 0.2]),
        "c": Figures(absence="c is not installed"),
    }
    (row,) = make_rows(make_workload(ratio_at_least(3.5)), figures)
    assert (row.peer, row.ratios, row.missing) == ("b", pytest.approx((4, 1, 3)), ("c: c is not installed",))
    assert row.ratio == pytest.approx(3)
    assert row.reached is False
    assert "c is not installed" in format_table([row])
    (row,) = make_rows(make_workload(ratio_at_least(2)), figures)
    assert row.reached is None  # c may be better than b
    (row,) = make_rows(make_workload(ratio_at_least(3.5), figure_at_least(0.6)), figures)
    assert row.reached is True


def test_contenders_take_turns_and_one_that_fails_is_out(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = []

    def measure(workload, names, figures, is_quick) -> None:
        turns.extend(names)
        if names == ["b"]:
            figures["b"].error = "wrong"
        figures[names[0]].values.append(len(turns))

    monkeypatch.setattr(runner, "_measure", measure)
    figures = measure_workload(make_workload(), nb_rounds=3)
    assert turns == ["ours", "a", "b", "c", "ours", "a", "c", "ours", "a", "c"]
    assert figures["a"].values == [2, 6, 9]


def test_a_process_that_ends_without_results_is_told_by_its_last_words() -> None:
    figures = measure_workload(make_workload(), nb_rounds=1)  # there is no such workload in a process of the runner
    assert figures["ours"].error == "the process ended with 1. KeyError: 'w'"


def test_a_contender_that_needs_what_is_not_there_says_so() -> None:
    def needing(what: str | None) -> str | None:
        return Contender("a", lambda is_quick: 1.0, what).find_absence()

    assert needing(None) is needing("json") is needing("/") is None
    assert needing("no_such_module") == "no_such_module is not installed"
    assert needing("/no/such/file") == "there is no /no/such/file"


def test_a_contender_that_fails_has_no_figure_and_says_why() -> None:
    def fail(is_quick: bool) -> float:
        raise WrongResults("result 3 is 4 instead of 3")

    contenders = (Contender("ours", fail), Contender("a", lambda is_quick: 2.0))
    workload = Workload("w", "", Unit.RATE, contenders, (Comparison("x", "ours", ("a",), (ratio_at_least(1),)),))
    results = measure_here(workload, ["ours", "a"], is_quick=True)
    assert results == {"ours": {"error": "WrongResults: result 3 is 4 instead of 3"}, "a": {"value": 2.0}}
    (row,) = make_rows(workload, {"ours": Figures(error="wrong"), "a": Figures([2.0])})
    assert (row.ours, row.ratio, row.reached, row.missing) == (None, None, None, ("ours: wrong",))
