"""Ray: started or joined when the first clone needs it, and left alone where the user has started it.

A Ray that was started here stays for the next pipeline, and ends with the interpreter. Whoever wants to show progress
listens to the logger `pypipeline.ray`.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import socket
import sys
import threading
import warnings
from collections.abc import Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any

from pypipeline_engine.cell import RayCloneCell, RayCluster
from pypipeline_engine.core.errors import describe_error
from pypipeline_engine.exceptions import NotDeployableException
from pypipeline_engine.runtime import leaving
from pypipeline_engine.runtime.remote.address import OWN, NoClusterThere, require_cluster

if TYPE_CHECKING:
    from pypipeline_engine.runtime.remote.travel import Route

_ENVIRONMENT = {
    "RAY_worker_niceness": "0",  # by default a clone gets next to nothing of a core that the driver uses as well
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # a clone that asks for no GPU sees those that there are
    "RAY_USAGE_STATS_ENABLED": "0",
}
"""What is asked of a Ray that is started here, unless the user has asked for something else."""
SERVANT = "Servant"
"""What Ray calls the process of a clone, by its class."""
NO_SERVANT = "TemporaryActor"
"""What Ray calls one that could not be made there, about which an error is raised here."""
NOT_INSTALLED = 'Ray is not installed here: pip install "pypipeline-studio[ray]", or give it thread clones'
logger = logging.getLogger("pypipeline.ray")

_connected_to: RayCluster | None = None
"""What was connected to here; `None` where nothing was, or by the user. Written by the keeper."""
_connected_at = ""
"""The address of that cluster, also where it was started here."""


def refuse_without_ray(full_name: str) -> None:
    """Refuse Ray clones where Ray is not installed.

    :raises NotDeployableException: in that case.
    """
    if not is_installed():
        raise NotDeployableException(f"{full_name} asks for Ray clones, but {NOT_INSTALLED}")


def is_installed() -> bool:
    """Whether Ray is."""
    return importlib.util.find_spec("ray") is not None


def start_in_background() -> None:
    """Begin to start or join Ray, where nobody has yet. Whoever needs it then waits for less.

    :raises NotDeployableException: where Ray cannot be imported.
    """
    # Here, and not beside what is deployed meanwhile: OpenCV sets `sys.path` back to what it was when its own import began,
    # and so loses what Ray puts there.
    try:
        import ray  # noqa: F401
    except ImportError as error:
        raise NotDeployableException(f"Ray is installed, but cannot be imported: {error}") from error
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
        self._error: BaseException | None = None
        """Why it did not work, until it is tried again."""
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        with self._changed:
            self._is_wanted, self._error = True, None
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="Ray keeper", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def wait(self) -> None:
        with self._changed:
            if self._error is None:  # else it was tried just now
                self.begin()
            self._changed.wait_for(lambda: not self._is_wanted)
            if self._error is not None:
                raise NotDeployableException(str(self._error)) from self._error

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_wanted)
            error: BaseException | None = None
            try:
                _start()
            except BaseException as trouble:  # Ray ends by SystemExit where it cannot go on
                error = trouble
            leaving.be_first()
            with self._changed:
                self._error, self._is_wanted = error, False
                self._changed.notify_all()


_keeper = _Keeper()


def _start() -> None:
    global _connected_to, _connected_at
    import ray

    wanted = RayCloneCell.cluster
    if ray.is_initialized():
        if _connected_at != ray.get_runtime_context().gcs_address:  # the user has, since Ray was shut down
            _connected_to = None
        if is_lost():
            if _connected_to is None:
                raise NotDeployableException(explain_loss())
            logger.info("Ray: its process on this machine has ended, leaving it ...")
            ray.shutdown()
        elif _connected_to is not None and _connected_to.address != wanted.address:
            raise NotDeployableException(
                f"Ray clones are to run at {_describe(wanted)}, but this process is connected to "
                f"{_describe(_connected_to)}: ray.shutdown() first"
            )
        else:
            return
    _connected_to = None
    begin = perf_counter()
    address = _get_address(wanted)
    logger.info("Ray: %s ...", f"joining the cluster at {address}" if address else "starting on this machine")
    try:
        _connect(address, wanted)
    except Exception as error:
        raise NotDeployableException(_explain(address, error)) from error
    _connected_to, _connected_at = wanted, ray.get_runtime_context().gcs_address
    cpus = ray.cluster_resources().get("CPU", 0)
    logger.info("Ray: ready with %g CPUs after %.1f s", cpus, perf_counter() - begin)


def _get_address(wanted: RayCluster) -> str | None:
    """Where the cluster is that is to be joined; `None` where one is to be started."""
    address = wanted.address or os.environ.get("RAY_ADDRESS")
    return None if address == OWN else address or None


def _connect(address: str | None, wanted: RayCluster) -> None:
    import ray

    if address:
        require_cluster(address)
        options: dict[str, Any] = {"address": address}
    else:
        # By name: the cluster of somebody else that runs on this machine is not to be joined by accident.
        options = {"address": OWN, "include_dashboard": wanted.dashboard}
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    _print_as_cells_do()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ray.init(**options, logging_level=logging.ERROR)


def _print_as_cells_do() -> None:
    """Print what cells print as it is: Ray would leave out lines that look like others, and put a name before each.

    What Ray itself says of workers that die is logged. It would go to stdout, where results may be.
    """
    from ray._private import worker

    print_to_stdstream = worker.print_to_stdstream
    if getattr(print_to_stdstream, "is_ours", False):
        return

    def print_of_cells(data: dict[str, Any], ignore_prefix: bool = False) -> None:
        if data.get("pid") in ("raylet", "autoscaler", "gcs_server") or data.get("actor_name") == NO_SERVANT:
            logger.debug("Ray: %s", "\n".join(data["lines"]))
        elif data.get("actor_name") == SERVANT:
            stream = sys.stderr if data.get("is_err") else sys.stdout
            stream.write("".join(f"{line}\n" for line in data["lines"]))
            stream.flush()
        else:
            print_to_stdstream(data, ignore_prefix=ignore_prefix)

    print_of_cells.is_ours = True  # type: ignore[attr-defined]
    worker.print_to_stdstream = print_of_cells


def _explain(address: str | None, error: Exception) -> str:
    if address:
        reason = str(error) if isinstance(error, NoClusterThere) else " ".join(describe_error(error).split())
        return (
            f"the Ray cluster at {address!r} cannot be joined: {reason.rstrip('.')}. An address is HOST:PORT as "
            f"`ray start --head` prints it, or 'auto' for the one that runs on this machine"
        )
    return f"Ray cannot be started on this machine: {describe_error(error)}"


def _describe(cluster: RayCluster) -> str:
    address = _get_address(cluster)
    return f"the cluster at {address}" if address else "a Ray of its own on this machine"


def get_route() -> Route:
    """What is different where clones go."""
    from pypipeline_engine.runtime.remote.travel import Route

    return Route(is_own(), RayCloneCell.cluster.path_map)


def get_session() -> str | None:
    """Which Ray this process is connected to; `None` for none."""
    import ray

    if not ray.is_initialized():
        return None
    context = ray.get_runtime_context()
    # Of jobs alone, each Ray that is started here has a first one.
    return f"{context.get_node_id()}/{context.get_job_id()}"


def get_node() -> str:
    """Ray's identifier of the node that this process is on; empty where it is not connected. Asking connects to nothing."""
    import ray

    return str(ray.get_runtime_context().get_node_id()) if ray.is_initialized() else ""


def is_lost() -> bool:
    """Whether this process is connected to a Ray whose own process on this node has ended. Takes some microseconds.

    Nothing can be started or moved any more then, and Ray does not say so: whoever asks for that waits forever.
    """
    import ray

    if not ray.is_initialized():
        return False
    from ray._private.worker import global_worker

    node: Any = global_worker.node
    name: str = node.raylet_socket_name
    try:
        if name.startswith("tcp://"):  # on Windows
            host, _, port = name.removeprefix("tcp://").rpartition(":")
            socket.create_connection((host, int(port)), 1.0).close()
        else:
            with socket.socket(socket.AF_UNIX) as there:
                there.connect(name)
    except OSError:
        return True
    return False


def explain_loss() -> str:
    """What has happened where `is_lost`, and how to go on."""
    how = "ray.shutdown(), and start another one" if _connected_to is None else "deploy again to have another one"
    return f"Ray's process on this machine, the raylet, has ended: {how}"


def get_store_bytes() -> int:
    """How large Ray's store of the node is that this process is on; 0 where it is not connected."""
    import ray

    here = get_node()
    if not here:
        return 0  # and not what comes of asking, for which Ray might start
    return sum(int(node["Resources"].get("object_store_memory", 0)) for node in ray.nodes() if node["NodeID"] == here)


def is_own() -> bool:
    """Whether all of Ray runs on this machine for this process alone."""
    return _connected_to is not None and _get_address(_connected_to) is None


# ---------------------------------------------------------------------- places


def explain_lack(asked: Mapping[str, float], nb_clones: int, ever: bool = False) -> str | None:
    """Why so many clones cannot be placed that ask for so much each; `None` where nothing speaks against it.

    :param ever: whether what others hold now counts as free.
    """
    import ray
    from ray._private import state

    if not asked:
        return None
    there = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    free = there if ever else list(state.available_resources_per_node().values())
    room = sum(_get_room(node, asked) for node in free)
    if room >= nb_clones:
        return None
    clones = f"{nb_clones} clones ask" if nb_clones > 1 else "1 clone asks"
    for name, amount in asked.items():
        unit = {"CPU": "CPUs", "GPU": "GPUs", "memory": "bytes of memory"}.get(name, f"of {name!r}")
        all_there, all_free = (sum(node.get(name, 0.0) for node in nodes) for nodes in (there, free))
        if amount * nb_clones > all_there:
            return f"{clones} for {amount * nb_clones:g} {unit}, the cluster has {all_there:g}"
        most = max((node.get(name, 0.0) for node in there), default=0.0)
        if amount > most:
            return f"each clone asks for {amount:g} {unit}, no node of the cluster has more than {most:g}"
        if amount * nb_clones > all_free:
            is_free = f"{all_free:g} {'is' if all_free == 1 else 'are'} free"
            return f"{clones} for {amount * nb_clones:g} {unit}, the cluster has {all_there:g}, of which {is_free}"
    each = ", ".join(f"{amount:g} {name}" for name, amount in asked.items())
    return f"{clones} for {each} each on one node, and the nodes of the cluster have room for {room} of them"


def count_waiting(asked: Mapping[str, float]) -> int:
    """How many that ask for so much wait for a place, those of others included. Of what changes it knows a second later.

    One that has a place and is about to start is none of them.
    """
    import ray
    from ray.autoscaler.v2.sdk import get_cluster_status

    def without_memory(resources: Mapping[str, float]) -> dict[str, float]:  # Ray rounds it
        return {name: amount for name, amount in resources.items() if name != "memory"}

    demands = get_cluster_status(ray.get_runtime_context().gcs_address).resource_demands.ray_task_actor_demand
    bundles = [one for demand in demands for one in demand.bundles_by_count]
    return sum(one.count for one in bundles if without_memory(one.bundle) == without_memory(asked))


def _get_room(node: Mapping[str, float], asked: Mapping[str, float]) -> int:
    """How many clones that ask for so much each fit onto a node."""
    return min(int(node.get(name, 0.0) / amount + 1e-6) for name, amount in asked.items())
