"""A host from its first line to its end: socket, standard streams, signals, and the parent that it lives for.

The end has three causes: the parent is gone (its end of our standard input closes), a signal, or, with a second signal, the
impatience of a person. The first two end the run cleanly, and the process within `GRACE_S`, whatever cells do.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn

from pypipeline_engine.host.events import Events
from pypipeline_engine.host.graphs import Workshop
from pypipeline_engine.host.output import captured_standard_streams, log_to, replace_by_null, set_aside
from pypipeline_engine.host.parts import Parts
from pypipeline_engine.host.protocol import PROTOCOL_VERSION, Hello
from pypipeline_engine.host.security import Hosts
from pypipeline_engine.host.session import Session

GRACE_S = 5.0
"""How long the end of the process may take after its cause."""
ADDRESS = "127.0.0.1"
_KEEP_ALIVE_S = 30


def listen(port: int, host: str = ADDRESS) -> socket.socket:
    """A socket of this machine that programs can connect to: those on it only, unless `host` is another address.

    :param port: 0 for one that is free.
    :raises OSError: where the port or the address cannot be had.
    """
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listening = socket.socket(family, kind)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
        listening.listen(128)
    except OSError:
        listening.close()
        raise
    return listening


def serve(workshop: Workshop, listening: socket.socket, stay: bool = False) -> None:
    """Serve until the end of the process is asked for. To be called once, in the main thread of a process of its own.

    Writes one line to the standard output, a `Hello`; whatever is printed after that goes into the log.

    :param listening: what `listen` returned.
    :param stay: whether to go on when the standard input ends.
    """
    port = listening.getsockname()[1]
    parts = Parts(workshop)
    hello = Hello(protocol=PROTOCOL_VERSION, url=f"http://{ADDRESS}:{port}", token=parts.token, pid=os.getpid())
    standard_output, standard_input = set_aside(1), set_aside(0)
    replace_by_null(0, os.O_RDONLY)  # a cell that reads gets nothing, and its child processes do not keep the pipe
    faulthandler.enable(set_aside(2))
    log_to(parts.journal)

    def greet() -> None:
        parts.events.open()
        _write_line(standard_output, hello.model_dump_json())

    server = Server(parts.make_app(Hosts(port)), greet)
    ending = _Ending(parts.session, parts.events, server)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ending.on_signal)
    if not stay:
        threading.Thread(
            target=_wait_for_end_of, args=(standard_input, ending.begin), name="pypipeline parent", daemon=True
        ).start()
    with captured_standard_streams(parts.journal):
        server.run(sockets=[listening])
    sys.exit(ending.exit_code)


def _write_line(descriptor: int, line: str) -> None:
    with contextlib.suppress(OSError):  # nobody reads it, and with that nobody knows the token
        os.write(descriptor, f"{line}\n".encode())


def _wait_for_end_of(descriptor: int, end: Callable[[], None]) -> None:
    if os.isatty(descriptor):  # a person at a terminal has Ctrl-C, and closing the terminal ends the process
        return
    with contextlib.suppress(OSError):
        while os.read(descriptor, 4096):
            pass
    end()


class Server(uvicorn.Server):
    """A server that says when it is ready, and leaves the signals alone."""

    def __init__(self, app: object, greet: Callable[[], None], tls: tuple[str, str] | None = None) -> None:
        """:param greet: is called when it is ready, in its event loop.
        :param tls: the files with the certificate and its key.
        """
        certificate, key = tls or (None, None)
        super().__init__(
            uvicorn.Config(
                app,  # type: ignore[arg-type]  # uvicorn's own names for the same protocol
                http="h11",
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                timeout_keep_alive=_KEEP_ALIVE_S,
                timeout_graceful_shutdown=1,
                ssl_certfile=certificate,
                ssl_keyfile=key,
            )
        )
        self._greet = greet

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept, and say so."""
        await super().startup(sockets)
        self._greet()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """What signals mean is decided elsewhere."""
        yield


class _Ending:
    """The end of the process, once it is asked for."""

    def __init__(self, session: Session, events: Events, server: uvicorn.Server) -> None:
        self._session = session
        self._events = events
        self._server = server
        self._begun = threading.Event()
        self.exit_code = 0

    def begin(self) -> None:
        """Stop the run, then the server. Any thread; a second call changes nothing."""
        if self._begun.is_set():
            return
        self._begun.set()
        threading.Thread(target=self._leave_after_grace, name="pypipeline grace", daemon=True).start()
        threading.Thread(target=self._stop, name="pypipeline end", daemon=True).start()

    def _stop(self) -> None:
        self._session.stop()
        self._session.wait(GRACE_S)
        self._server.should_exit = True
        self._events.close()

    def _leave_after_grace(self) -> None:
        # Cells may have threads that Python would wait for, or code that never comes back.
        threading.Event().wait(GRACE_S)
        os._exit(self.exit_code or 1)

    def on_signal(self, number: int, _: FrameType | None) -> None:
        """The first signal ends the process cleanly, the second one at once."""
        if self.exit_code:
            os._exit(self.exit_code)
        self.exit_code = 128 + number
        self.begin()
