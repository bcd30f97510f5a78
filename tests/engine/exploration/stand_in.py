"""Clones in other processes, explored without other processes: in place of each stands a servant in this one.

Its work is done by the thread that waits for the result, which is as good as any other moment between the begin and the end
of a call; and now and then it dies, with what it has done and not told yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from shapes import Case

from pypipeline_engine.cell import RayCloneCell
from pypipeline_engine.runtime.remote import clone, cluster, servant
from pypipeline_engine.runtime.remote.clone import Died
from pypipeline_engine.runtime.remote.messages import Done, Failure, Work, decode, pack, unpack_done
from pypipeline_engine.runtime.remote.travel import get_parameters, get_values
from pypipeline_engine.runtime.stage import Stage

ODDS_OF_DEATH = 0.1
MOST_DEATHS = 2
"""One less than after which an item is taken for the reason."""


class StandIn:
    """What `RemoteClone` is, with the clone in this process."""

    shares_memory = False
    share_bytes = 2**30

    def __init__(self, case: Case, stage: Stage) -> None:
        self._case = case
        self._stage = stage
        self._undeployed: Any = None
        self._start()

    def _end_threads(self) -> None:
        """Have the threads end that live inside of the process."""
        if hasattr(self._servant, "_scope"):
            self._servant._interrupt()
            for stage in self._servant._find_stages():
                stage.join()

    def _start(self) -> None:
        cell = self._stage.cell
        self.sent = get_values(get_parameters(cell))
        self._copy = cell.clone(None)
        self._copy._error_policy = cell.get_error_policy()
        self._copy._nb_clones = {RayCloneCell: 1}  # type: ignore[attr-defined]  # it is a scaled cell
        self._servant = servant.Servant(
            self._copy,  # type: ignore[arg-type]  # `unpack` gives back what it is given
            None,
            cell.get_full_name(),
            cell._get_prefix(),
            self._stage.output_names,
        )
        self._is_dead = False

    def is_ready(self, timeout_s: float) -> bool:
        return True

    @staticmethod
    def await_place(clones: Any) -> None:
        pass

    def renew(self) -> None:
        world = self._case.world
        world.nb_renewed += 1  # nothing fails meanwhile, or there would be no clone for what was under way
        try:
            self._start()
            self.deploy()
        finally:
            world.nb_renewed -= 1

    def deploy(self) -> None:
        self._get(self._servant.deploy())

    def begin(self, work: Work) -> Any:
        self._case.world.explorer.switch()
        return self._servant, pack(work, work.items)

    def finish(self, begun: Any) -> Done:
        worker, packed = begun
        world = self._case.world
        world.explorer.switch()
        if self._is_dead or worker is not self._servant:
            raise Died("it was dead already")
        done = self._get(worker.work(packed))
        if self._case.nb_deaths < MOST_DEATHS and self._case.may_die and self._case.random.random() < ODDS_OF_DEATH:
            self._case.nb_deaths += 1
            self._is_dead = True
            self.kill()
            raise Died("of old age")
        return unpack_done(done)

    def begin_reset(self) -> None:
        self._undeployed = Failure(b"", "") if self._is_dead else self._servant.reset()

    def finish_reset(self) -> None:
        if not self._is_dead:
            self._get(self._undeployed)

    def begin_undeploy(self, failed: bool) -> None:
        self._undeployed = None if self._is_dead else self._servant.undeploy(failed)

    def finish_undeploy(self) -> None:
        self._get(self._undeployed)

    def kill(self) -> None:
        """What was deployed is not undeployed: the process is gone."""
        self._end_threads()
        if hasattr(self._servant, "_crew"):
            for cell in self._servant._crew._deployed:
                self._case.world.up.pop(cell, None)
            for worker in self._servant._crew.get_remote_workers():
                worker.clone.kill()

    @staticmethod
    def _get(result: Any) -> Any:
        if result.__class__ is Failure:
            raise decode(result).get_error()
        return result


@contextmanager
def without_processes(case: Case) -> Iterator[None]:
    """Have clones by Ray live in this process."""
    with (
        patch.object(clone, "RemoteClone", lambda stage: StandIn(case, stage)),
        patch.object(cluster, "ensure", lambda: None),
        patch.object(cluster, "start_in_background", lambda: None),
        patch.object(servant, "unpack", lambda packed: packed),
    ):
        yield
