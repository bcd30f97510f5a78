"""The options by which a headless run is served to clients: where, to whom, and how they get the token."""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pypipeline_engine.cli.errors import CommandError
from pypipeline_engine.cli.files import check_writable
from pypipeline_engine.cli.interrupts import Interrupts

if TYPE_CHECKING:
    from pypipeline_engine.cell import Pipeline
    from pypipeline_engine.cli.loading import Graph
    from pypipeline_engine.host.graphs import Built
    from pypipeline_engine.host.session import Session
    from pypipeline_engine.runtime import RunHandle

LOOPBACK = "127.0.0.1"
_FREE_PORT = f"{LOOPBACK}:0"
_ADDRESS = re.compile(r"(?:(?:\[(?P<six>[0-9a-fA-F:.%\w]+)\]|(?P<name>[^\s:\[\]/]+)):)?(?P<port>\d{1,5})")


def monitor_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of `MonitorOptions`."""
    options = (
        click.option(
            "--monitor",
            is_flag=False,
            flag_value=_FREE_PORT,
            metavar="[HOST:]PORT",
            help="Let others watch the run, and stop or change it, over HTTP: on this machine and a free port, or at this "
            "address. Goes behind GRAPH where it has no value.",
        ),
        click.option(
            "--monitor-token-file",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Where the token that they need is written; readable for you only, and removed at the end.",
        ),
        click.option(
            "--monitor-remote", is_flag=True, help="Let other machines connect, where --monitor names such an address."
        ),
        click.option(
            "--monitor-tls",
            nargs=2,
            type=click.Path(path_type=Path),
            metavar="CERT KEY",
            help="Speak TLS, with this certificate and its key.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@dataclass(frozen=True)
class MonitorOptions:
    """What the options say, as it was given."""

    monitor: str | None
    monitor_token_file: Path | None
    monitor_remote: bool
    monitor_tls: tuple[Path, Path] | None

    def check(self) -> None:
        """Find out what is wrong with them, before anything is begun.

        :raises CommandError: with what is wrong.
        """
        if self.monitor is None:
            given = {
                "--monitor-token-file": self.monitor_token_file,
                "--monitor-remote": self.monitor_remote,
                "--monitor-tls": self.monitor_tls,
            }
            for name, value in given.items():
                if value:
                    raise CommandError(f"{name} says something about --monitor, which is not there")
            return
        _split_address(self.monitor)
        if self.monitor_token_file is not None:
            check_writable(self.monitor_token_file, "--monitor-token-file")
        if self.monitor_tls is not None:
            _check_tls(*self.monitor_tls)


class RunMonitor:
    """A run that clients watch, for who follows it on the command line."""

    def __init__(self, session: Session, built: Built) -> None:
        self._session = session
        self._built = built

    def run(self, max_items: int | None) -> RunHandle:
        """Deploy and run the pipeline.

        :raises BaseException: what deploying it raised.
        """
        return self._session.run_given(self._built, max_items)

    def note_stop(self) -> None:
        """Tell clients that the run is about to be stopped."""
        self._session.note_stop()

    @property
    def was_stopped_by_client(self) -> bool:
        """Whether a client was the first to stop it."""
        return self._session.was_stopped_by_client


@contextmanager
def monitoring(
    options: MonitorOptions, graph: Graph, pipeline: Pipeline, interrupts: Interrupts
) -> Iterator[RunMonitor | None]:
    """Serve the run of `pipeline` inside of the block, where that was asked for, and say where.

    :raises CommandError: where it cannot be served like that.
    """
    if options.monitor is None:
        yield None
        return
    from pypipeline_engine.host.graphs import Workshop, make_built
    from pypipeline_engine.host.monitor import Monitor
    from pypipeline_engine.host.token_file import TokenFile

    built = make_built(graph.get_document(), graph.catalogue, graph.folders, pipeline)
    name, listening = _listen(options)
    tls = None if options.monitor_tls is None else (str(options.monitor_tls[0]), str(options.monitor_tls[1]))
    try:
        monitor = Monitor(Workshop(lambda: graph.catalogue), listening, name, tls)
    except OSError as error:
        raise CommandError(f"--monitor: {error}") from error
    with monitor:
        try:
            token_file = TokenFile(monitor.token, options.monitor_token_file)
        except OSError as error:
            raise CommandError(_explain_token_file(options.monitor_token_file, error)) from error
        with token_file:
            interrupts.before_leaving = token_file.remove
            if monitor.is_reachable:
                click.echo(_warn(monitor.port, tls is not None), err=True)
            click.echo(f"Monitor: {monitor.url}, token in {token_file.path}", err=True)
            yield RunMonitor(monitor.session, built)


def _split_address(text: str) -> tuple[str, int]:
    found = _ADDRESS.fullmatch(text)
    if found is None or int(found["port"]) > 65535:
        where = "; where it has no value, put it behind GRAPH" if text.endswith(".json") else ""
        raise CommandError(f"--monitor expects [HOST:]PORT, such as 8421 or 127.0.0.1:8421, not {text!r}{where}")
    return found["six"] or found["name"] or LOOPBACK, int(found["port"])


def _listen(options: MonitorOptions) -> tuple[str, socket.socket]:
    from pypipeline_engine.host.server import listen

    assert options.monitor is not None
    name, port = _split_address(options.monitor)
    try:
        listening = listen(port, name)
    except OSError as error:
        raise CommandError(f"--monitor: {options.monitor} cannot be had: {error.strerror}") from error
    try:
        address = listening.getsockname()[0]
        is_loopback = ipaddress.ip_address(address.partition("%")[0]).is_loopback
        if not is_loopback and not options.monitor_remote:
            raise CommandError(
                f"--monitor: other machines can reach {name}, and whoever has the token can do what you can do on this one. "
                f"Say --monitor-remote if that is what you want; {LOOPBACK} is for programs on this machine"
            )
        if is_loopback and options.monitor_remote:
            raise CommandError(
                f"--monitor-remote: no other machine can reach {name}; say where, such as --monitor 0.0.0.0:{port or 8421}"
            )
    except BaseException:
        listening.close()
        raise
    return name, listening


def _check_tls(certificate: Path, key: Path) -> None:
    for path in (certificate, key):
        try:
            path.read_bytes()
        except OSError as error:
            raise CommandError(f"--monitor-tls: {path} cannot be read: {error.strerror}") from error

    def refuse() -> str:
        raise CommandError(f"--monitor-tls: {key} is encrypted, and a key without a password is expected")

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, refuse)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise CommandError(f"--monitor-tls: {key} is not the key of {certificate}") from error
        raise CommandError(
            f"--monitor-tls: {certificate} and {key} are no certificate and its key, both in PEM format"
        ) from error


def _explain_token_file(path: Path | None, error: OSError) -> str:
    if path is None:
        return f"--monitor: the token cannot be written to a file: {error}"
    why = str(error) if error.strerror is None else f"{path} cannot be written: {error.strerror}"
    return f"--monitor-token-file: {why}"


def _warn(port: int, is_secure: bool) -> str:
    token = "Warning: other machines can connect, and the token is as good as this machine: give it to nobody."
    if is_secure:
        return token
    return (
        f"{token} It travels in clear text, for everybody in between to read: use a tunnel (--monitor {LOOPBACK}:{port} "
        f"and 'ssh -L {port}:{LOOPBACK}:{port}') or --monitor-tls"
    )
