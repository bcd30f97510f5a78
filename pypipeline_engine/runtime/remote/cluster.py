"""Ray: started or joined when the first clone needs it, and left alone where the user has started it.

A Ray that was started here stays for the next pipeline, and ends with the interpreter. Whoever wants to show progress
listens to the logger `pypipeline.ray`.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import socket
import threading
import warnings
from collections.abc import Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any

from pypipeline_engine.cell import RayCloneCell, RayCluster
from pypipeline_engine.core.errors import describe_error
from pypipeline_engine.exceptions import NotDeployableException

if TYPE_CHECKING:
    from pypipeline_engine.runtime.remote.travel import Route

_ENVIRONMENT = {
    "RAY_worker_niceness": "0",  # by default a clone gets next to nothing of a core that the driver uses as well
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # a clone that asks for no GPU sees those that there are
    "RAY_USAGE_STATS_ENABLED": "0",
}
"""What is asked of a Ray that is started here, unless the user has asked for something else."""
ANSWERS_WITHIN_S = 5.0
INSTALL = 'pip install "pypipeline-studio[ray]"'
logger = logging.getLogger("pypipeline.ray")

_connected_to: RayCluster | None = None
"""What was connected to here; `None` where nothing was, or by the user. Written by the keeper."""


def refuse_without_ray(full_name: str) -> None:
    """Refuse Ray clones where Ray is not installed.

    :raises NotDeployableException: in that case.
    """
    if importlib.util.find_spec("ray") is None:
        raise NotDeployableException(
            f"{full_name} asks for Ray clones, but Ray is not installed here: {INSTALL}, or give it thread clones"
        )


def start_in_background() -> None:
    """Begin to start or join Ray, where nobody has yet. Whoever needs it then waits for less."""
    _keeper.begin()


def ensure() -> None:
    """Start or join Ray, unless that is done. May be called from any thread, and takes some seconds the first time.

    :raises NotDeployableException: where that does not work.
    """
    _keeper.wait()


class _Keeper:
    """The thread that starts Ray, and stays: on Linux, Ray's processes end with the thread that has started them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._is_wanted = False
        self._error: Exception | None = None
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        with self._changed:
            self._is_wanted = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="pypipeline keeps Ray", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def wait(self) -> None:
        self.begin()
        with self._changed:
            self._changed.wait_for(lambda: not self._is_wanted)
            if self._error is not None:
                raise NotDeployableException(str(self._error)) from self._error

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_wanted)
            error = None
            try:
                _start()
            except Exception as trouble:
                error = trouble
            with self._changed:
                self._error, self._is_wanted = error, False
                self._changed.notify_all()


_keeper = _Keeper()


def _start() -> None:
    global _connected_to
    import ray

    wanted = RayCloneCell.cluster
    if ray.is_initialized():
        if _connected_to is not None and _connected_to.address != wanted.address:
            raise NotDeployableException(
                f"Ray clones are to run at {_describe(wanted)}, but this process is connected to "
                f"{_describe(_connected_to)}: ray.shutdown() first"
            )
        return
    _connected_to = None
    begin = perf_counter()
    address = wanted.address or os.environ.get("RAY_ADDRESS")
    logger.info("Ray: %s ...", f"joining the cluster at {address}" if address else "starting on this machine")
    try:
        _connect(address, wanted)
    except Exception as error:
        raise NotDeployableException(_explain(address, error)) from error
    _connected_to = wanted
    cpus = ray.cluster_resources().get("CPU", 0)
    logger.info("Ray: ready with %g CPUs after %.1f s", cpus, perf_counter() - begin)


def _connect(address: str | None, wanted: RayCluster) -> None:
    import ray

    if address:
        _knock(address)
        options: dict[str, Any] = {"address": address}
    else:
        # By name: the cluster of somebody else that runs on this machine is not to be joined by accident.
        options = {"address": "local", "include_dashboard": wanted.dashboard}
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    _keep_raylet_quiet()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ray.init(**options, logging_level=logging.ERROR)


def _knock(address: str) -> None:
    """Ray waits for minutes for an address where nobody is."""
    host, _, port = address.rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), ANSWERS_WITHIN_S).close()


def _keep_raylet_quiet() -> None:
    """Log what Ray itself says of workers that die. It would go to stdout, where results may be."""
    from ray._private import worker

    print_to_stdstream = worker.print_to_stdstream

    def print_of_cells(data: dict[str, Any], ignore_prefix: bool = False) -> None:
        if data.get("pid") == "raylet":
            logger.debug("Ray: %s", "\n".join(data["lines"]))
        else:
            print_to_stdstream(data, ignore_prefix=ignore_prefix)

    worker.print_to_stdstream = print_of_cells


def _explain(address: str | None, error: Exception) -> str:
    if address:
        return (
            f"the Ray cluster at {address!r} cannot be joined: {describe_error(error)}. An address is HOST:PORT as "
            f"`ray start --head` prints it, or 'auto' for the one that runs on this machine"
        )
    return f"Ray cannot be started on this machine: {describe_error(error)}"


def _describe(cluster: RayCluster) -> str:
    return f"the cluster at {cluster.address}" if cluster.address else "a Ray of its own on this machine"


def get_route() -> Route:
    """What is different where clones go."""
    from pypipeline_engine.runtime.remote.travel import Route

    return Route(_is_own(), RayCloneCell.cluster.path_map)


def _is_own() -> bool:
    """Whether all of Ray runs on this machine for this process alone."""
    return _connected_to is not None and not (_connected_to.address or os.environ.get("RAY_ADDRESS"))


def explain_lack(asked: Mapping[str, float], nb_clones: int) -> str | None:
    """Why so many clones cannot be placed that ask for so much each; `None` where nothing speaks against it."""
    import ray

    there, free = ray.cluster_resources(), ray.available_resources()
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    for name, amount in asked.items():
        unit = {"CPU": "CPUs", "GPU": "GPUs", "memory": "bytes of memory"}.get(name, f"of {name!r}")
        if amount * nb_clones > free.get(name, 0.0):
            has = f"the cluster has {there.get(name, 0.0):g}"
            if free.get(name, 0.0) < there.get(name, 0.0):
                has += f", of which {free.get(name, 0.0):g} are free"
            clones = f"{nb_clones} clones ask" if nb_clones > 1 else "1 clone asks"
            return f"{clones} for {amount * nb_clones:g} {unit}, {has}"
        most = max((node.get(name, 0.0) for node in nodes), default=0.0)
        if amount > most:
            return f"each clone asks for {amount:g} {unit}, no node of the cluster has more than {most:g}"
    return None
