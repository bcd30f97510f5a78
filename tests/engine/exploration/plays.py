"""What is done to a pipeline while it is explored; the moments follow from the seed."""

from __future__ import annotations

from collections.abc import Callable

from explored_cells import GAP
from play import GONE, Play
from shapes import is_bad
from stream_cells import CriticalError

from pypipeline_engine.exceptions import TimeoutException


def finish(play: Play, ended: bool) -> None:
    """Let those who disturb do the rest; where the pipeline is still there, all of the stream has to have come."""
    play.await_disturbers()
    play.world.failing_deploy = None
    if ended and play.pipeline.is_deployed():
        assert play.pull_to_the_end()  # there is more to come where a reset came after the end
        for _ in range(2):
            assert play.pull_to_the_end(), "the end of the stream comes every time"
        play.check(complete=True)
        if not play.nb_resets:  # after one, items are numbered from the start
            play.check_letters()
            play.check_noted()
    play.undeploy()
    play.check_is_down()
    play.check(complete=False)


def pulled(play: Play, disturbances: list[Callable[[], None]], pullers: int = 1) -> None:
    """Pull from one thread or several, while others disturb that; maybe once more after another deployment."""
    play.pipeline.deploy()
    if play.disturb_by_scaling in disturbances and play.random.random() < 0.2:
        play.world.failing_deploy = play.world.nb_deploys + play.random.randint(1, 3)
    for disturb in disturbances:
        disturb()
    for number in range(pullers - 1):
        play.disturb(f"puller {number}", [lambda: None, lambda: play.pull_to_the_end() and None])
    ended = play.pull_to_the_end()
    finish(play, ended and not play.case.hopeless)
    if not play.nb_resets:
        assert all(len(sink.generations) == 1 for sink, _ in play.case.sinks)
    if play.random.random() < 0.3 and not play.case.hopeless:
        play.pipeline.deploy()
        play.pull_to_the_end()
        play.check(complete=True)
        play.undeploy()
        play.check_is_down()


def calm(play: Play) -> None:
    pulled(play, [], play.random.choice([1, 1, 2]) if play.case.catches else 1)


def scale(play: Play) -> None:
    pulled(play, [play.disturb_by_scaling, play.disturb_by_watching])


def reset(play: Play) -> None:
    pulled(play, [play.disturb_by_resetting])


def undeploy(play: Play) -> None:
    pulled(play, [play.disturb_by_undeploying])


def torn(play: Play) -> None:
    """A reset and an undeployment at the same moment."""
    play.may_vanish = play.may_be_interrupted = True
    moment = play.random.randint(1, 3 * play.case.nb_items)
    pulled(
        play,
        [
            lambda: play.disturb("resetter", [play.reset], moment),
            lambda: play.disturb("undeployer", [play.undeploy], moment),
        ],
    )


def everything(play: Play) -> None:
    disturbances = [play.disturb_by_scaling, play.disturb_by_resetting]
    if play.random.random() < 0.5:
        disturbances += [play.disturb_by_undeploying, play.disturb_by_watching]
    pulled(play, disturbances, play.random.choice([1, 2]))


def deploying(play: Play) -> None:
    """Others scale and undeploy as soon as the pipeline seems to be deployed, while the deployment goes on."""
    scale, undeploy = play.random.choice([(True, False), (False, True), (True, True)])

    def when_deployed(action: Callable[[], None]) -> Callable[[], None]:
        def act() -> None:
            play.wait_until(lambda: play.world.over or play.pipeline.is_deployed(), "the deployment")
            action()

        return act

    if scale:
        play.nb_scalers = 1
        play.disturb("scaler", [when_deployed(play.scale)] * 2)
    if undeploy:
        play.may_vanish = play.may_be_interrupted = True
        play.disturb("undeployer", [when_deployed(play.undeploy)])
    play.pipeline.deploy()
    finish(play, play.pull_to_the_end())


def part_reset(play: Play) -> None:
    """A reset of a cell in the middle: what is behind it goes on, with what was under way and then with the new stream."""
    cells = [cell for cell in play.pipeline.get_internal_cells() if cell is not play.case.sinks[0][0]]

    def reset() -> None:
        play.random.choice(cells).reset()
        play.nb_resets += 1

    play.pipeline.deploy()
    play.disturb("resetter", [reset] * play.random.randint(1, 3))
    play.pull_to_the_end()
    play.await_disturbers()
    assert play.pull_to_the_end()
    play.undeploy()
    play.check_is_down()
    (sink, expected), place, nb_starts = play.case.sinks[0], 0, 0
    wanted = [item for item in expected if item != GAP]
    for item in sink.generations[-1]:
        if place == len(wanted) or item != wanted[place]:
            place = 0
            nb_starts += 1
        assert item == wanted[place], f"{sink} got {sink.generations[-1]}, where {wanted} was to come again and again"
        place += 1
    assert place == len(wanted)
    assert nb_starts <= play.nb_resets


def failing_deploy(play: Play) -> None:
    """The deployment of some cell fails: all of it is undone, and it works the next time."""
    play.world.failing_deploy = play.random.randint(1, 6)
    try:
        play.pipeline.deploy()
    except CriticalError:
        play.check_is_down()
        play.pipeline.deploy()
    play.world.failing_deploy = None
    finish(play, play.pull_to_the_end())


def run(play: Play) -> None:
    """A run of a pipeline that is deployed already, ended by its stream only."""
    play.pipeline.deploy()
    if play.random.random() < 0.5:
        play.disturb_by_scaling()
    if play.case.catches and play.random.random() < 0.5:
        play.disturb_by_pulling()
    finish(play, play.run_to_the_end())


def controlled_run(play: Play) -> None:
    """A run that deploys, paused, stepped and stopped by others, maybe with a limit."""
    limit = play.random.choice([None, None, play.random.randint(0, play.case.nb_items)])
    if play.case.noted is not None:
        limit = None  # a step in which one sink meets a gap, and another one does not, counts
    paused = play.random.random() < 0.3
    play.may_vanish = True  # with the end of the run
    handle = play.pipeline.run(on_error=play.note, max_items=limit, paused=paused)
    play.disturb_run(handle)
    if play.random.random() < 0.3:
        play.disturb_by_scaling()
    if play.random.random() < 0.2:
        play.disturb_by_undeploying()
    error = None
    try:
        while True:
            try:
                handle.wait(0.5)
                break
            except TimeoutException:
                play.world.nb_events += 1  # time passes, and with it the moments that others wait for
    except (CriticalError, *GONE) as caught:
        error = caught
    if isinstance(error, CriticalError) and not play.case.catches:
        play.note(error)
    elif error is not None:
        assert play.may_be_interrupted, repr(error)
    play.await_disturbers()
    handle.stop()
    play.check_is_down()
    play.check(complete=False)
    if error is None and handle.state == "ended" and not play.case.catches:
        sink, expected = play.case.sinks[0]
        items = [item for item in sink.generations[-1] if not is_bad(item)]
        available = [item for item in expected if not is_bad(item)]
        assert len(items) == min(len(available), len(available) if limit is None else limit), (items, limit)


PLAYS = {
    "calm": calm,
    "scale": scale,
    "reset": reset,
    "undeploy": undeploy,
    "torn": torn,
    "everything": everything,
    "deploying": deploying,
    "part-reset": part_reset,
    "failing-deploy": failing_deploy,
    "run": run,
    "controlled": controlled_run,
}
NEED_CATCHING_SINKS = {"reset", "torn", "everything"}
"""Where an error cannot be told to belong before or behind a reset."""
