"""A Ray cluster of several nodes on this machine, in a process of its own: a program, and what drives it in tests.

The program reads `add NAME CPUS`, `remove NAME` and `kill NAME` from its standard input, answers each with a line, and ends
the cluster with its standard input.
"""

import os
import subprocess
import sys

STORE_BYTES = 256 << 20
_QUICK = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 500, "health_check_failure_threshold": 4}
"""A node that is killed is missed after 2 s instead of 15 s."""


class Nodes:
    """The cluster, with a node for the head and no other one."""

    def __init__(self) -> None:
        environment = {**os.environ, "RAY_worker_niceness": "0", "RAY_USAGE_STATS_ENABLED": "0"}
        environment.pop("RAY_ADDRESS", None)
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", __file__],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.address = self._read()
        self.names: dict[str, str] = {}
        """The nodes beside that of the head, by their identifiers."""

    def add(self, name: str, nb_cpus: int) -> None:
        """Add a node."""
        self.names[self._ask(f"add {name} {nb_cpus}")] = name

    def remove(self, name: str) -> None:
        """Have a node leave the cluster."""
        self._ask(f"remove {name}")

    def kill(self, name: str) -> None:
        """Kill the processes of a node."""
        self._ask(f"kill {name}")

    def close(self) -> None:
        """End the cluster."""
        with self._process:
            self._process.stdin.close()
            self._process.stdin = None
            self._process.wait(60)

    def _ask(self, request: str) -> str:
        self._process.stdin.write(f"{request}\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> str:
        while line := self._process.stdout.readline():
            if line.startswith("> "):
                return line[2:].strip()
        raise AssertionError(f"the cluster ended with {self._process.wait(60)}")


def main() -> None:
    """Run the cluster until the standard input ends."""
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(
        initialize_head=True,
        head_node_args={
            "num_cpus": 2,
            "include_dashboard": False,
            "object_store_memory": STORE_BYTES,
            "_system_config": _QUICK,
        },
    )
    ray.shutdown()
    print(f"> {cluster.address}", flush=True)
    nodes = {}
    for line in sys.stdin:
        what, name, *arguments = line.split()
        if what == "add":
            nodes[name] = cluster.add_node(num_cpus=int(*arguments), object_store_memory=STORE_BYTES)
            answer = nodes[name].node_id
        else:
            cluster.remove_node(nodes.pop(name), allow_graceful=what == "remove")
            answer = "done"
        print(f"> {answer}", flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    main()
