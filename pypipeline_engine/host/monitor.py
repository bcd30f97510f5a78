"""A run of this process, served to clients from a thread of its own, while the process does what it would do without them.

Guarantees
    - Whoever listens when the run ends is told its end, before `close` returns or after a second at most.
    - Nothing here waits for a client, and no client can keep the process from ending.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
from threading import Event, Thread

from pypipeline_engine.host.graphs import Workshop
from pypipeline_engine.host.output import JournalHandler
from pypipeline_engine.host.parts import Parts
from pypipeline_engine.host.security import NAMES, Hosts
from pypipeline_engine.host.server import Server

_READY_WITHIN_S = 10.0
_GONE_WITHIN_S = 3.0


class Monitor:
    """A host for the one run that its session is given. A context manager.

    Its `session` begins that run; clients watch it, and change it where they have taken control.
    """

    def __init__(
        self, workshop: Workshop, listening: socket.socket, name: str, tls: tuple[str, str] | None = None
    ) -> None:
        """Begin to answer.

        :param workshop: what checks graphs for clients.
        :param listening: what `server.listen` returned; is closed at the end.
        :param name: what the address was called, such as `127.0.0.1`.
        :param tls: the files with the certificate and its key, which fit together.
        :raises OSError: if the server does not start.
        """
        self._parts = Parts(workshop, is_monitor=True)
        self.session = self._parts.session
        self.token = self._parts.token
        address, self.port = listening.getsockname()[:2]
        found = ipaddress.ip_address(address.partition("%")[0])
        self.is_reachable = not found.is_loopback
        """Whether other machines can connect."""
        # All addresses at once are none that a client could be told.
        self._name = socket.gethostname() if found.is_unspecified else _bracketed(name)
        names = (*NAMES, self._name, socket.gethostname())
        hosts = Hosts(self.port, names, any_address=self.is_reachable, is_secure=tls is not None)
        self._is_secure = tls is not None
        self._ready, self._ended = Event(), False
        self._server = Server(self._parts.make_app(hosts), self._on_ready, tls)
        self._listening = listening
        self._handler = JournalHandler(self._parts.journal)
        self._log_of_server = logging.getLogger("uvicorn")
        self._open_log()
        self._thread = Thread(target=self._serve, name="pypipeline monitor", daemon=True)
        self._thread.start()
        if not self._ready.wait(_READY_WITHIN_S) or self._ended:
            self.close()
            raise OSError("the server did not start")

    @property
    def url(self) -> str:
        """Where clients find it, such as `http://127.0.0.1:40213`."""
        return f"http{'s' if self._is_secure else ''}://{self._name}:{self.port}"

    def _serve(self) -> None:
        try:
            self._server.run(sockets=[self._listening])
        finally:
            self._ended = True
            self._ready.set()

    def _on_ready(self) -> None:
        self._parts.events.open()
        self._ready.set()

    def _open_log(self) -> None:
        """What is logged goes to clients as well; what the server says, to them only: strangers can make it say much."""
        logging.getLogger().addHandler(self._handler)
        self._log_of_server.addHandler(self._handler)
        self._propagated, self._log_of_server.propagate = self._log_of_server.propagate, False

    def close(self) -> None:
        """End. Clients that still read get what there is to be told."""
        self._server.should_exit = True
        self._parts.events.close()
        self._thread.join(_GONE_WITHIN_S)
        self._listening.close()
        logging.getLogger().removeHandler(self._handler)
        self._log_of_server.removeHandler(self._handler)
        self._log_of_server.propagate = self._propagated

    def __enter__(self) -> Monitor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _bracketed(name: str) -> str:
    return f"[{name}]" if ":" in name else name
