"""What the model foretells, on pipelines whose figures are worked out by hand."""

import pytest
from figures import make_cell, make_window

from pypipeline_engine.insight.gil import GilShares
from pypipeline_engine.insight.model import RAY_OVERHEAD_S, Model, Resources

NO_GIL = GilShares(0.0, {})
MANY_CORES = Resources(cores=64)


def predict(model: Model, cell: str, method: str = "thread", more: int = 1) -> float:
    return model.predict([model.make_change(cell, method, more)]).hz  # type: ignore[arg-type]


def test_a_clone_more_raises_the_capacity_of_its_station_up_to_that_of_the_next() -> None:
    window = make_window(
        make_cell("slow", 20.0, workers=2, method="thread", cpu_s=0.0),
        make_cell("next", 8.0, method="thread", cpu_s=0.0),
    )
    model = Model(window, MANY_CORES, NO_GIL)
    assert model.limit.station == "slow"
    prediction = model.predict([model.make_change("slow", "thread")])
    assert prediction.hz == pytest.approx(100 / 8.0)  # not 15
    assert prediction.limit.station == "next"
    assert [(change.before, change.after) for change in prediction.changes] == [(2, 3)]


def test_what_the_least_bound_is_missed_by_is_missed_by_the_next_too() -> None:
    window = make_window(make_cell("slow", 9.0, method="thread", cpu_s=0.0))
    assert predict(Model(window, MANY_CORES, NO_GIL), "slow") == pytest.approx(2 * 10.0)


def test_an_inline_cell_gets_a_station_of_its_own_and_relieves_the_old_one() -> None:
    window = make_window(make_cell("a", 6.0, station="main", cpu_s=0.0), make_cell("b", 4.0, station="main", cpu_s=0.0))
    model = Model(window, MANY_CORES, NO_GIL)
    assert predict(model, "a") == pytest.approx(100 / 6.0)
    assert predict(model, "b") == pytest.approx(100 / 6.0)
    assert predict(model, "a", more=2) == pytest.approx(100 / 4.0)


def test_the_cores_are_a_bound_with_what_is_no_cells() -> None:
    window = make_window(make_cell("slow", 10.0, method="thread"))
    assert predict(Model(window, Resources(cores=2, cpu=1.0), NO_GIL), "slow") == pytest.approx(20.0)
    # 0.25 cores go to what is no cell's, for each item as much as for the last one.
    assert predict(Model(window, Resources(cores=2, cpu=1.25), NO_GIL), "slow") == pytest.approx(16.0)


def test_what_other_processes_use_is_not_to_be_had_down_to_half_of_the_cores() -> None:
    window = make_window(make_cell("slow", 10.0, method="thread"))

    def predict_beside(others: float) -> float:
        model = Model(window, Resources(cores=4, cpu=1.0, others_cpu=others), NO_GIL)
        return predict(model, "slow", more=3)

    assert predict_beside(0.0) == pytest.approx(40.0)
    assert predict_beside(1.0) == pytest.approx(30.0)
    assert predict_beside(3.0) == pytest.approx(20.0)


def test_the_gil_is_a_bound_for_threads_and_none_for_other_processes() -> None:
    window = make_window(make_cell("python", 10.0, method="thread"))
    model = Model(window, Resources(cores=4, cpu=1.0), GilShares(1.0, {"python": 1.0}))
    assert predict(model, "python") == pytest.approx(10.0)
    prediction = model.predict([model.make_change("python", "ray", 2)])
    assert prediction.hz == pytest.approx(2 / (0.1 + RAY_OVERHEAD_S))


def test_waiting_for_the_gil_is_left_behind_in_another_process() -> None:
    """Two clones that share the GIL are busy all the time, and compute half of it."""
    window = make_window(make_cell("python", 20.0, workers=2, method="thread", cpu_s=10.0))
    model = Model(window, Resources(cores=4, cpu=1.0), GilShares(1.0, {"python": 1.0}))
    assert predict(model, "python") == pytest.approx(10.0)
    assert predict(model, "python", "ray", 2) == pytest.approx(2 / (0.1 + RAY_OVERHEAD_S))


def test_shares_of_the_gil_do_not_add_up_to_more_than_was_seen() -> None:
    window = make_window(
        make_cell("a", 10.0, method="thread", cpu_s=5.0), make_cell("b", 10.0, method="thread", cpu_s=5.0)
    )
    model = Model(window, MANY_CORES, GilShares(0.5, {"a": 1.0, "b": 1.0}))
    (gil,) = [bound for bound in model.bounds if bound.kind == "gil"]
    assert gil.hz == pytest.approx(10.0 / 0.5)


def test_who_has_the_gil_nearly_always_is_found_behind_others_that_seem_as_busy() -> None:
    window = make_window(
        make_cell("python", 39.0, workers=4, method="thread", cpu_s=9.5),
        make_cell("sleeps", 10.0, method="thread", cpu_s=0.2),
    )
    model = Model(window, Resources(cores=2, cpu=1.0), GilShares(0.95, {"python": 0.9, "sleeps": 0.1}))
    holder = model.find_gil_holder()
    assert holder is not None
    assert holder.name == "python"
    assert Model(window, Resources(2, 1.0), GilShares(0.5, {"python": 0.5})).find_gil_holder() is None


def test_a_scaled_pipeline_is_scaled_as_a_whole() -> None:
    window = make_window(
        make_cell("post.a", 6.0, workers=2, method="thread", station="post", cpu_s=0.0),
        make_cell("post.b", 14.0, workers=2, method="thread", station="post", cpu_s=0.0),
    )
    assert predict(Model(window, MANY_CORES, NO_GIL), "post") == pytest.approx(15.0)


def test_without_a_delivered_item_there_is_no_model() -> None:
    with pytest.raises(ValueError, match="nothing was delivered"):
        Model(make_window(make_cell("a", 1.0), sink_items=0), MANY_CORES, NO_GIL)


def test_what_threads_of_a_library_do_for_an_inline_cell_a_clone_does_alone() -> None:
    """100 ms by the clock, of which 60 are its own CPU time, and 90 ms of CPU time on threads that OpenCV has."""
    window = make_window(make_cell("vision", 10.0, cpu_s=6.0))
    model = Model(window, Resources(cores=64, cpu=1.5), NO_GIL)
    assert predict(model, "vision", more=2) == pytest.approx(2 / 0.15)
