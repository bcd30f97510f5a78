"""What cells do, and raise, in `_on_deploy`, `_on_undeploy` and `_on_reset`."""

import logging
import threading

import pytest
from stream_cells import (
    Collector,
    CriticalError,
    Map,
    Source,
    Task,
    chain,
    deployed,
    in_time,
    pull_all,
    scaled,
    wait_until,
)

from pypipeline_engine.core.errors import get_cell_of
from pypipeline_engine.exceptions import AlreadyDeployedException, InvalidStateException, NotDeployedException

CLONES = pytest.mark.parametrize("clones", [0, 1, 2])
EVENTS = pytest.mark.parametrize("event", ["_on_deploy", "_on_undeploy", "_on_reset"])


class Hooked(Map):
    """Calls `hooks[event]` where there is one."""

    def __init__(self, parent_cell, name, hooks):
        super().__init__(parent_cell, name)
        self.hooks = hooks

    def _on_deploy(self):
        self.hooks.get("_on_deploy", lambda: None)()

    def _on_undeploy(self):
        self.hooks.get("_on_undeploy", lambda: None)()

    def _on_reset(self):
        self.hooks.get("_on_reset", lambda: None)()


def line(pipeline, clones, hooks):
    source, sink = Source(pipeline, "source", range(9)), Collector(pipeline, "sink")
    box = scaled(pipeline, "box", lambda box: Hooked(box, "hooked", hooks), clones)
    chain(source, box, sink)
    return source, box, sink


def fail_once(error):
    """A function that raises once, and works from then on."""
    errors = [error]

    def call():
        if errors:
            raise errors.pop()

    return call


# ---------------------------------------------------------------------- calling the pipeline from there


@CLONES
@EVENTS
@pytest.mark.parametrize("call", ["deploy", "undeploy", "reset", "pull"])
def test_what_would_wait_for_the_cell_is_refused_at_once(pipeline, clones, event, call):
    """In the first clone, all but a second deployment waited for ever; and that was begun again and again."""
    errors = []

    def meddle():
        try:
            getattr(pipeline, call)()
        except (AlreadyDeployedException, InvalidStateException, NotDeployedException) as error:
            errors.append(error)

    *_, sink = line(pipeline, clones, {event: meddle})
    in_time(pipeline.deploy)
    in_time(pipeline.pull)
    in_time(pipeline.reset)
    in_time(pipeline.pull)
    in_time(pipeline.undeploy)
    assert len(errors) == max(1, clones)
    assert not pipeline.is_deployed()
    assert sink.items == [0, 0]


@EVENTS
def test_clones_cannot_be_added_from_there_while_deployed(pipeline, event):
    """A clone that adds a clone when it is deployed would never end."""
    refusals = []

    def meddle():
        try:
            box.scale_up()
        except InvalidStateException as refusal:
            refusals.append(refusal)

    _, box, sink = line(pipeline, 1, {event: meddle})
    with deployed(pipeline):
        pipeline.pull()
        pipeline.reset()
        assert box.get_nb_clones() == 1
        pull_all(pipeline)
    assert event == "_on_undeploy" or "cannot be changed by _on_deploy" in str(refusals[0])
    assert sink.items == [0, *range(9)]


@CLONES
def test_a_pipeline_that_another_thread_deploys_cannot_be_deployed(pipeline, gate, clones):
    """Each of them deployed all cells, and the threads of one deployment were never ended."""
    line(pipeline, clones, {"_on_deploy": lambda: gate(threading.get_ident())})
    first = Task(pipeline.deploy)
    in_time(lambda: wait_until(lambda: gate.arrived))
    second = Task(pipeline.deploy)
    with pytest.raises(AlreadyDeployedException, match="p is "):
        second.get()
    gate.open()
    first.get()
    in_time(pipeline.undeploy)


def test_a_deployment_that_failed_can_be_tried_again(pipeline):
    _, _, sink = line(pipeline, 2, {"_on_deploy": fail_once(CriticalError("once"))})
    with pytest.raises(CriticalError):
        pipeline.deploy()
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == list(range(9))


# ---------------------------------------------------------------------- raising there


@CLONES
@EVENTS
@pytest.mark.parametrize("kind", [CriticalError, StopIteration, SystemExit])
def test_what_is_raised_names_the_cell_and_the_others_are_called(pipeline, clones, event, kind):
    """After an exit in `_on_reset`, the cells further up were not reset, and the stream went on in the middle."""
    source, _, sink = line(pipeline, clones, {event: fail_once(kind("once"))})
    with pytest.raises(kind, match="once") as raised:
        pipeline.deploy()
        pipeline.pull()
        pipeline.reset()
        pipeline.undeploy()
    assert get_cell_of(raised.value) == "p.box.hooked"
    assert f"in {event} of the cell p.box.hooked" in raised.value.__notes__
    assert pipeline.is_deployed() == (event == "_on_reset")
    if pipeline.is_deployed():
        assert source.nb_resets == 1
        pull_all(pipeline)
        assert sink.items == [0, *range(9)]


@pytest.mark.parametrize("kind", [CriticalError, SystemExit])
def test_what_a_clone_raises_that_goes_away_is_logged(pipeline, caplog, kind):
    _, box, sink = line(pipeline, 2, {"_on_undeploy": fail_once(kind("once"))})
    with deployed(pipeline), caplog.at_level(logging.ERROR):
        pipeline.pull()
        box.scale_down()
        in_time(lambda: wait_until(lambda: caplog.messages))
        pull_all(pipeline)
    assert caplog.messages == [f"p.box.hooked failed in a clone that went away: {kind.__name__}: once"]
    assert sink.items == list(range(9))


def test_the_error_of_a_deployment_comes_before_those_of_undeploying_what_there_was(pipeline, caplog):
    hooks = {"_on_deploy": fail_once(CriticalError("first")), "_on_undeploy": fail_once(CriticalError("second"))}
    line(pipeline, 0, hooks)
    with caplog.at_level(logging.ERROR), pytest.raises(CriticalError, match="first"):
        pipeline.deploy()
    assert "second" in caplog.text
    assert not pipeline.is_deployed()
