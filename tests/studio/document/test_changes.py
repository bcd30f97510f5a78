"""What a run that goes on can follow."""

from pypipeline_engine.graph.model import OnError
from pypipeline_studio.document import edits
from pypipeline_studio.document.changes import Changes, ParameterChange, PolicyChange, ScaleChange, changes_between


def test_positions_do_not_count(people, types) -> None:
    assert changes_between(people, edits.move_cells(people, (), {"video": (9, 9)}), types) == Changes()


def test_runtime_parameters_and_clones_are_followed(people, types) -> None:
    after = edits.set_parameter(people, (), "detect", "hit_threshold", 0.4)
    after = edits.set_scale(after, (), "detect", thread=4)
    changes = changes_between(people, after, types)
    assert changes.parameters == (ParameterChange("detect", "hit_threshold", 0.4),)
    assert changes.scales == (ScaleChange("detect", 4, 0),)
    assert not changes.needs_restart


def test_what_happens_when_a_cell_fails_is_followed(people, types) -> None:
    skips = edits.set_on_error(people, (), "detect", OnError(then="skip"))
    assert changes_between(people, skips, types) == Changes(policies=(PolicyChange("detect", OnError(then="skip")),))
    assert changes_between(skips, people, types) == Changes(policies=(PolicyChange("detect", OnError()),))


def test_a_parameter_that_is_reset_gets_its_default(people, types) -> None:
    before = edits.set_parameter(people, (), "detect", "hit_threshold", 0.4)
    default = types.find("detection.HogPeople").find_parameter("hit_threshold").default
    assert changes_between(before, people, types).parameters == (ParameterChange("detect", "hit_threshold", default),)


def test_what_is_read_at_the_start_needs_another_start(people, types) -> None:
    assert changes_between(people, edits.set_parameter(people, (), "video", "path", "b.mp4"), types).needs_restart
    assert changes_between(people, edits.remove_cells(people, (), ["draw"]), types).needs_restart
    assert changes_between(people, edits.set_flag(people, (), ["draw"], "disabled", True), types).needs_restart
    assert changes_between(people, edits.connect(people, (), "video.frame", "people.frame"), types).needs_restart


def test_changes_inside_of_nested_pipelines_have_full_names(nested, types) -> None:
    after = edits.set_parameter(nested, ("poly",), "work", "milliseconds", 9)
    after = edits.set_scale(after, (), "poly", thread=3)
    changes = changes_between(nested, after, types)
    assert changes.parameters == (ParameterChange("poly.work", "milliseconds", 9),)
    assert changes.scales == (ScaleChange("poly", 3, 0),)
