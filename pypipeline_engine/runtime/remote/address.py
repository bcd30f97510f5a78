"""Whether a Ray cluster answers at an address, in some seconds at most.

Ray itself waits for a minute and more where none does, and fills the terminal meanwhile.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys

OWN = "local"
"""What Ray calls an address at which it starts a cluster of its own."""
RUNNING_HERE = "auto"
LISTENS_WITHIN_S = 3.0
ANSWERS_WITHIN_S = 8.0
_ASK = "import sys; from ray._raylet import GcsClient; GcsClient(address=sys.argv[1])"
_IMPATIENT = {
    "RAY_gcs_rpc_server_connect_timeout_s": "2",
    "RAY_gcs_rpc_server_reconnect_timeout_s": "3",
    "RAY_gcs_server_request_timeout_seconds": "3",
}


class NoClusterThere(Exception):
    """Nothing that could be joined is at an address; the message says why."""


def require_cluster(address: str) -> None:
    """Wait until a cluster answers.

    :raises NoClusterThere: where none does, or it does not let us in.
    """
    if address == RUNNING_HERE:  # Ray finds out at once
        return
    host, port = _split(address)
    try:
        socket.create_connection((host, port), LISTENS_WITHIN_S).close()
    except OSError as error:
        raise NoClusterThere(f"nobody answers there ({error.strerror or error})") from error
    _ask(address)


def _split(address: str) -> tuple[str, int]:
    if "://" in address:
        raise NoClusterThere("Ray clients, with `://` in the address, cannot be used: name the head node itself")
    host, _, port = address.rpartition(":")
    if not (host and port.isascii() and port.isdigit() and 0 < int(port) < 2**16):
        raise NoClusterThere("it is no address")
    return host.strip("[]"), int(port)


def _ask(address: str) -> None:
    """In a process of its own, which can be ended: Ray tries again and again, whatever the answer is."""
    if not sys.executable:
        return
    environment = {**os.environ, **_IMPATIENT}
    asking = [sys.executable, "-P", "-c", _ASK, address]
    try:
        done = subprocess.run(
            asking, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=ANSWERS_WITHIN_S
        )
    except subprocess.TimeoutExpired as expired:
        said = expired.stderr.decode("utf-8", "replace") if isinstance(expired.stderr, bytes) else expired.stderr or ""
    else:
        if done.returncode == 0:
            return
        said = done.stderr
    if "InvalidAuthToken" in said or "Unauthenticated" in said:
        raise NoClusterThere(
            "the token of that cluster is another one than here: copy the file ~/.ray/auth_token of its head node, or set "
            "RAY_AUTH_TOKEN"
        )
    raise NoClusterThere("what answers there is no Ray cluster")
