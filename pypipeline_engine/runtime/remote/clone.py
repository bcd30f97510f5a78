"""One process with a clone, as seen from here: a Ray actor that a `Servant` lives in.

Everything may be called from any thread. What waits, waits for the code of cells in the other process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from time import perf_counter
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from pypipeline_engine.cell import ScalableCell
from pypipeline_engine.exceptions import InvalidStateException, NotDeployableException
from pypipeline_engine.runtime.remote import cluster
from pypipeline_engine.runtime.remote.buffers import Lending
from pypipeline_engine.runtime.remote.messages import Done, Failure, Place, Work, decode, unpack_done
from pypipeline_engine.runtime.remote.messages import pack as pack_message
from pypipeline_engine.runtime.remote.servant import Servant
from pypipeline_engine.runtime.remote.travel import Home, get_parameters, get_values, pack
from pypipeline_engine.runtime.remote.views import look_at
from pypipeline_engine.runtime.stage import Stage

PLACED_WITHIN_S = 8.0
"""After so long without a place, what was asked for is compared with what there is."""
MOST_ATTEMPTS = 3
"""How often in a row another process is started: the node that it was to run on may be lost as well."""
STARTED_WITHIN_S = 120.0
"""Where the cluster seems to have room and no process comes up in so long, something is wrong with it."""


_alive: set[RemoteClone] = set()
"""All those of this process."""


class Died(InvalidStateException):
    """The process of a clone is no more, or the node that it was on."""


@cache
def _actor_class() -> Any:
    return ray.remote(Servant)


class RemoteClone:
    """A clone in another process. When that dies, `renew` makes another one."""

    def __init__(self, stage: Stage) -> None:
        """Begin to start the process; `await_place` and `deploy` have to follow."""
        self._cell: ScalableCell = stage.cell
        self._output_names = list(stage.output_names)
        self._options = get_options(stage.cell)
        self._pending: Any = None
        self._store_bytes = 0
        self._start()

    def _start(self) -> None:
        cell = self._cell
        self._session = cluster.get_session()
        self.sent = get_values(get_parameters(cell))
        """The values of its parameters that it has, or will have. Written by whoever begins work."""
        route = cluster.get_route()
        home = Home.of_this_process() if route.is_this_machine else None
        self._actor = (
            _actor_class()
            .options(**self._options, max_restarts=0)
            .remote(pack(cell, route), home, cell.get_full_name(), cell._get_prefix(), self._output_names)
        )
        self._ready = self._actor.__ray_ready__.remote()  # before what may take long
        self._deployed: Any = self._actor.deploy.remote()
        self._buffers = Lending()
        _alive.add(self)

    def _require_session(self) -> None:
        """Refuse to go on with what Ray no longer knows. Any call would make it start, or join somebody else's cluster."""
        if self._session is None or self._session != cluster.get_session():
            raise Died("Ray was shut down")

    def renew(self) -> None:
        """Make another process in place of one that has died, and deploy the clone there.

        :raises Exception: where that fails.
        """
        self._require_session()
        for attempt in range(MOST_ATTEMPTS):
            _require_ray()
            self.kill()  # where only the connection is lost, it must not work on
            self._start()
            try:
                self.await_place([self])
                self.deploy()
                return
            except Died:
                if attempt == MOST_ATTEMPTS - 1:
                    self.kill()
                    raise
            except BaseException:
                self.kill()
                raise

    @property
    def asked(self) -> Mapping[str, float]:
        """What it asks of the cluster, by Ray's names for resources."""
        names = {"num_cpus": "CPU", "num_gpus": "GPU", "memory": "memory"}
        asked = {names[name]: float(value) for name, value in self._options.items() if name in names}
        asked.update(self._options.get("resources", {}))
        return {name: amount for name, amount in asked.items() if amount}

    @staticmethod
    def await_place(clones: Sequence[RemoteClone]) -> None:
        """Wait until the processes of clones of one cell run.

        :raises NotDeployableException: where they ask for more than there is.
        """
        deadline_s = perf_counter() + STARTED_WITHIN_S
        name = clones[0]._cell.get_full_name()
        if cluster.is_own():  # no node will join it
            _refuse(name, cluster.explain_lack(clones[0].asked, len(clones), ever=True))
        for place, clone in enumerate(clones):
            while not clone.is_ready(PLACED_WITHIN_S):
                _require_ray()
                missing = min(len(clones) - place, cluster.count_waiting(clone.asked))
                lack = cluster.explain_lack(clone.asked, missing)
                if lack is not None:
                    _refuse(name, cluster.explain_lack(clone.asked, len(clones), ever=True) or lack)
                if perf_counter() > deadline_s:
                    raise NotDeployableException(
                        f"the Ray clones of {name} did not start within {STARTED_WITHIN_S:g} s, though the cluster has room"
                    )

    def is_ready(self, timeout_s: float) -> bool:
        """Whether its process runs, or does after so long."""
        # One that cannot be started is ready as well: `deploy` tells why.
        ready, _ = ray.wait([self._ready], timeout=timeout_s)
        return bool(ready)

    def deploy(self) -> int:
        """Wait until every `_on_deploy` is done; the identifier of the process.

        :raises Died: where the process ended meanwhile.
        :raises Exception: what one of them raised, or what came in the way of the clone.
        """
        try:
            place: Place = self._get(self._deployed)
        except Died as death:
            name = self._cell.get_full_name()
            raise Died(f"the process of a clone of {name} ended while it was deployed: {death}") from death
        self._buffers.is_near = place.node == cluster.get_node()
        self._store_bytes = cluster.get_store_bytes()
        return place.process

    def begin(self, work: Work) -> Any:
        """Have some work done; `finish` tells what came of it. Work is done in the order in which it was begun."""
        self._require_session()
        packed = pack_message(work, work.items, self._buffers.put)
        news = self._buffers.take_news()
        # What goes with every call costs some 50 us, even where it is empty.
        return self._actor.work.remote(packed, news) if news else self._actor.work.remote(packed)

    def finish(self, begun: Any) -> Done:
        """Wait for what was begun.

        :raises Died: where the process has ended before it was done.
        """
        packed = self._get(begun)
        if packed.__class__ is list:
            for group in packed[1:]:
                if group.__class__ is list:
                    self._buffers.note_ordinary_answer(sum(array.nbytes for array in group))
        return unpack_done(look_at(packed), self._buffers.get)

    @property
    def shares_memory(self) -> bool:
        """Whether the large arrays of the last calls went by buffers, in either direction."""
        return self._buffers.suffice

    @property
    def share_bytes(self) -> int:
        """What its calls may take of the store of this node: half of that is for those of all clones, beside the buffers."""
        return self._store_bytes // (2 * max(1, len(_alive)))

    def begin_reset(self) -> None:
        """Send the stream back to its start, and call `_on_reset` of every cell. Does not wait for it."""
        self._begin(lambda: self._actor.reset.remote())

    def finish_reset(self) -> None:
        """Wait until that is done.

        :raises Exception: the first error of an `_on_reset`.
        """
        with suppress(Died):  # whoever takes its place begins at the start
            if self._pending is not None:
                self._get(self._pending)

    def begin_undeploy(self, failed: bool) -> None:
        """Call `_on_undeploy` of every cell. Does not wait for it."""
        self._begin(lambda: self._actor.undeploy.remote(failed))

    def _begin(self, call: Callable[[], Any]) -> None:
        """What is to be waited for next; nothing where there is no process any more."""
        self._pending = None
        with suppress(Died):
            self._require_session()
            self._pending = call()

    def finish_undeploy(self) -> None:
        """Wait until that is done, and end the process.

        :raises Exception: the first error of an `_on_undeploy`.
        """
        try:
            with suppress(Died):
                if self._pending is not None:
                    self._get(self._pending)
                    self._buffers.end()
        finally:
            self.kill()

    def kill(self) -> None:
        """End the process, whatever it does."""
        if self._session is not None and self._session == cluster.get_session():
            ray.kill(self._actor)
        self._session = None
        _alive.discard(self)

    def _get(self, ref: Any) -> Any:
        self._require_session()
        try:
            result = ray.get(ref)
        except RayTaskError:
            raise
        except RayError as error:  # of the process, its node, or its memory; large results are lost with their node
            raise _explain(error) from error
        if result.__class__ is Failure:
            raise decode(result).get_error()
        return result


def _require_ray() -> None:
    if cluster.is_lost():
        raise NotDeployableException(cluster.explain_loss())


def _refuse(name: str, lack: str | None) -> None:
    if lack is not None:
        raise NotDeployableException(f"the Ray clones of {name} cannot be placed: {lack}")


def _explain(error: Exception) -> Exception:
    lines = [line.strip() for line in str(error).strip().splitlines()]
    if "in its creation task" in lines[0]:
        return NotDeployableException(
            f"a Ray clone cannot be started: {lines[-1]}. Every node of a cluster needs the same release of "
            f"pypipeline-studio, of Ray and of Python"
        )
    reason = next((line for line in lines if "node" in line.lower() and "died" in line.lower()), lines[0])
    return Died(reason)


def get_options(cell: ScalableCell) -> dict[str, Any]:
    """What each Ray clone of `cell` asks of the cluster, as options of an actor."""
    # Without a number of CPUs each would hold one, and no more clones than cores would run. Ray would also put all of those
    # that ask for none on the node of the driver.
    options: dict[str, Any] = {"num_cpus": 0, "scheduling_strategy": "SPREAD", **cell.get_ray_options()}
    gpus = cell.get_inner_cell().get_nb_required_gpus()
    if gpus:
        options.setdefault("num_gpus", gpus)
    return options
