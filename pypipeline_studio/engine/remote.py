"""A run that was started elsewhere, by `pypipeline run --monitor`, as an `Engine`: watched, and changed only with control.

Nothing of it ends with the studio. What keeps it from being watched is told in words, with what to do.
"""

from __future__ import annotations

import getpass
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtNetwork import QNetworkReply, QNetworkRequest, QSslCertificate, QSslConfiguration, QSslError

from pypipeline_engine.host.looking import WatchedInfo
from pypipeline_engine.host.protocol import (
    PROTOCOL_VERSION,
    ControlGrant,
    Controller,
    Hello,
    HostInfo,
    Refusal,
    RunInfo,
    RunningGraph,
    TakeControlRequest,
)
from pypipeline_studio.engine.addresses import Address
from pypipeline_studio.engine.client import QUICK_MS, NoAnswer, make_manager, make_request
from pypipeline_studio.engine.engine import Engine, Timing

RENEW_MS: Final = 10_000
"""How often control is renewed, which ends after 30 s without."""
LEAVE_MS: Final = 1_000
"""How long giving control back may take when nobody looks any more."""
ASK_AGAIN_MS: Final = 200
MOST_ASKED: Final = 50
"""Who is told the address of a run may ask for its graph before it has begun."""
_Error: Final = QNetworkReply.NetworkError


class WrongCertificate(ValueError):
    """A file that holds no certificate; the message says so."""


def load_trust(certificate: Path | None) -> QSslConfiguration:
    """Whom to trust: whom the system trusts, and who has a certificate that is in a file.

    :raises WrongCertificate: where the file holds none.
    """
    trust = QSslConfiguration(QSslConfiguration.defaultConfiguration())
    if certificate is not None:
        try:
            found = QSslCertificate.fromData(certificate.read_bytes())
        except OSError as error:
            raise WrongCertificate(f"{certificate} cannot be read: {error.strerror}") from error
        if not found:
            raise WrongCertificate(f"{certificate} holds no certificate in PEM format")
        trust.addCaCertificates(found)
    return trust


class RemoteEngine(Engine):
    """The run at an address. For the thread of the window; nothing waits."""

    attached = Signal(RunningGraph)
    """It answers, and this is its graph; from now on it is followed."""
    not_attached = Signal(str)
    """Why it cannot be watched, and what to do."""
    graph_arrived = Signal(RunningGraph)
    """The graph as it is now, after control was taken."""
    taken_by_other = Signal(str)
    """Control was refused, because this client has it."""

    def __init__(
        self,
        address: Address,
        token: str,
        trust: QSslConfiguration | None = None,
        timing: Timing | None = None,
        parent: QObject | None = None,
    ) -> None:
        """Nothing is asked before `start`.

        :param token: is kept in memory only.
        """
        super().__init__(timing=timing, parent=parent)
        self.address = address
        self._tls = trust
        self._hello_there = Hello(protocol=PROTOCOL_VERSION, url=address.url, token=token, pid=0)
        self._manager = make_manager(self)
        self._nb_asked = 0
        """How often the graph was asked for."""
        self._is_finding_out = False
        self._has_control = False
        self._handing_back: object = None
        """The client that gives control back just now."""
        self._takes_again: bool | None = None
        """Whether control is to be taken again after that, and then whether by force."""
        self._since_s = 0.0
        self._is_known_to_all = False  # the event that this client has control may come later than the answer
        self._controller: Controller | None = None
        self._renewal = QTimer(self)
        self._renewal.setInterval(RENEW_MS)
        self._renewal.timeout.connect(self._renew)
        self.run_changed.connect(self._follow_controller)

    # ------------------------------------------------------------------ attach and detach

    @property
    def is_attached(self) -> bool:
        """Whether it is followed."""
        return self._client is not None

    def start(self) -> None:
        """Ask who answers there; `attached` or `not_attached` follows."""
        if self._client is not None:
            return
        self._set_state("starting")
        self._nb_asked = 0
        self._ask("", self._take_host)

    def detach(self, goes_on: bool = True) -> None:
        """Give control back, listen no more, and be deleted. The run goes on.

        :param goes_on: whether it does so also where it was paused from here.
        """
        self._renewal.stop()
        self.blockSignals(True)
        if self._events is not None:
            self._events.close()
        self._hand_back(goes_on and self.run.state == "paused")
        self._has_control, self._takes_again = False, None
        _leaving.add(self)
        QTimer.singleShot(LEAVE_MS, self, self._leave)

    def _leave(self) -> None:
        _leaving.discard(self)
        self._drop()
        self.deleteLater()

    def restart(self) -> None:
        """Attach again where the connection was lost."""
        self._drop()
        self.start()

    def shutdown(self, grace_ms: int = 0) -> None:
        """Detach; nothing follows, because nothing ends."""
        self.detach()

    def kill(self) -> None:
        """Nothing here can end the process there."""
        pid = self.info.pid if self.info is not None else 0
        self.refused.emit(
            f"It does not stop by itself, and only {self.address.short} can end its process: kill {pid} there."
        )

    def _drop(self) -> None:
        for part in (self._client, self._events):
            if part is not None:
                part.close()
                part.deleteLater()
        self._client = self._events = None

    def _ask(self, path: str, done: Callable[[bytes], None]) -> None:
        """Ask before it is known who answers, and tell in words what goes wrong."""
        reply = self._manager.get(make_request(self._hello_there, path, QUICK_MS, self._tls))
        problems: list[QSslError] = []
        reply.sslErrors.connect(problems.extend)

        def finish() -> None:
            reply.deleteLater()
            status = reply.attribute(QNetworkRequest.Attribute.HttpStatusCodeAttribute)
            content = bytes(reply.readAll().data()) if reply.isOpen() else b""
            if status is not None and 200 <= int(status) < 300:
                done(content)
            elif status == 404 and 0 < self._nb_asked < MOST_ASKED:
                QTimer.singleShot(ASK_AGAIN_MS, self, self._ask_for_graph)
            else:
                words = _explain(self.address, reply, None if status is None else int(status), content, problems)
                self._set_state("off")
                self.not_attached.emit(words)

        reply.finished.connect(finish)

    def _take_host(self, content: bytes) -> None:
        try:
            info = HostInfo.model_validate_json(content)
        except ValueError:
            self._refuse(f"What answers at {self.address.short} is no PyPipeline run. Look at the port again.")
            return
        if info.protocol != PROTOCOL_VERSION:
            self._refuse(
                f"The run speaks version {info.protocol} of the protocol, and this studio version {PROTOCOL_VERSION}: "
                f"install the same version of PyPipeline on both sides ({info.engine_version} runs there)."
            )
            return
        self._ask_for_graph()

    def _ask_for_graph(self) -> None:
        if self._state != "starting" or self._client is not None:  # it was dropped since
            return
        self._nb_asked += 1
        self._ask("/graph", self._take_graph)

    def _take_graph(self, content: bytes) -> None:
        try:
            graph = RunningGraph.model_validate_json(content)
        except ValueError:
            self._refuse(
                f"The graph that {self.address.short} runs cannot be understood: install the same version here."
            )
            return
        self.attached.emit(graph)
        self._on_hello(self._hello_there)

    def _refuse(self, words: str) -> None:
        self._set_state("off")
        self.not_attached.emit(words)

    def _on_hello(self, hello: Hello) -> None:
        super()._on_hello(hello)
        assert self._events is not None
        self._events.silent.connect(self._find_out)

    def _on_alive(self) -> None:
        was_silent = self._state == "silent"
        super()._on_alive()
        if was_silent:
            self._renew()

    def _find_out(self) -> None:
        """Nothing has come for long: has it ended, is it slow, or is the network away? Asked as long as that lasts."""
        if self._is_finding_out:
            return
        self._is_finding_out = True
        reply = self._manager.get(make_request(self._hello_there, "/run", QUICK_MS, self._tls))

        def finish() -> None:
            self._is_finding_out = False
            reply.deleteLater()
            status = reply.attribute(QNetworkRequest.Attribute.HttpStatusCodeAttribute)
            if self._state != "silent" or self._events is None:
                return
            where = self.address.short
            if status is not None and 200 <= int(status) < 300:
                self._events.reopen()  # of a connection that broke without a sign, nothing would ever come
            elif status == 401:
                self._lose(
                    f"The run has ended, and another one answers at {where} now: attach to that one, by its token."
                )
            elif reply.error() == _Error.ConnectionRefusedError:
                self._lose(f"Nothing answers at {where} any more: the process of the run has ended there.")

        reply.finished.connect(finish)

    def _lose(self, words: str) -> None:
        self._drop()
        self._renewal.stop()
        self._set_control(False)
        was_over = self.run.is_over
        self._set_state("ended")
        if not was_over:
            self.failed.emit(words)

    # ------------------------------------------------------------------ control

    @property
    def has_control(self) -> bool:
        """Whether this client may change the run."""
        return self._has_control

    @property
    def controller(self) -> Controller | None:
        """Who may change it, as far as that is known."""
        return self._controller

    def take_control(self, force: bool = False) -> None:
        """Ask to be the one who may change the run; `control_changed` or `taken_by_other` follows.

        :param force: whether to take it from whoever has it.
        """
        if self._client is None:
            return
        if self._handing_back is self._client:
            self._takes_again = force  # else the run would take this one for somebody else
            return

        def on_done(grant: ControlGrant) -> None:
            if self._client is not None:
                self._client.control_key = grant.key
                self._since_s, self._is_known_to_all = grant.since_s, False
                self._renewal.start()
                self._set_control(True)
                self._client.get("/graph", RunningGraph, self.graph_arrived.emit)

        def on_refused(refusal: Refusal) -> None:
            if self._controller is not None:
                self.taken_by_other.emit(self._controller.name)
            else:
                self.refused.emit(refusal.message)

        request = TakeControlRequest(name=_own_name(), force=force)
        self._client.control_key = ""
        self._client.post("/control", request, ControlGrant, on_done, on_refused)

    def give_back(self, goes_on: bool = False) -> None:
        """Only watch from now on.

        :param goes_on: whether a run goes on that was paused.
        """
        self._hand_back(goes_on and self.run.state == "paused")
        self._renewal.stop()
        self._set_control(False)

    def _hand_back(self, resumes: bool = False) -> None:
        """Give control back, and the breakpoints before: nobody would be there to let the run go on.

        :param resumes: whether the run goes on then.
        """
        client = self._client
        if client is None or not self._has_control:
            return
        self._handing_back, self._takes_again = client, None

        def end(_: object = None) -> None:
            if self._handing_back is client:
                self._handing_back = None
                if self._takes_again is not None:
                    self.take_control(self._takes_again)

        def give(_: object = None) -> None:
            client.delete("/control", RunInfo, end, end)
            client.control_key = ""

        def go_on(_: object = None) -> None:
            client.post("/resume", None, RunInfo, give, give)

        client.delete("/breakpoint", WatchedInfo, *([go_on] * 2 if resumes else [give] * 2))

    def _renew(self) -> None:
        client = self._client
        if client is None or not self._has_control:
            return

        def on_done(grant: ControlGrant) -> None:
            if not self._has_control or client.control_key == grant.key:
                return
            # It had ended meanwhile, and nobody else had taken it.
            client.control_key = grant.key
            self._since_s, self._is_known_to_all = grant.since_s, False

        def on_refused(refusal: Refusal) -> None:
            if not isinstance(refusal, NoAnswer):  # the network may be back before control ends
                self._renewal.stop()
                self._set_control(False)

        client.post("/control", TakeControlRequest(name=_own_name()), ControlGrant, on_done, on_refused)

    def _set_control(self, has_control: bool) -> None:
        if has_control != self._has_control:
            self._has_control = has_control
            self.control_changed.emit()

    def _follow_controller(self, run: RunInfo) -> None:
        if run.controller == self._controller:
            return
        self._controller = run.controller
        is_own = run.controller is not None and run.controller.since_s == self._since_s
        if self._has_control and self._is_known_to_all and not is_own:
            self._renewal.stop()
            self._has_control = False
        self._is_known_to_all = is_own
        self.control_changed.emit()


_leaving: set[RemoteEngine] = set()
"""Those that have something to say to their run yet."""


def _own_name() -> str:
    """Who this is, for other clients."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a user without a name
        user = "somebody"
    return f"{user} on {socket.gethostname()}"[:100]


def _explain(
    address: Address, reply: QNetworkReply, status: int | None, content: bytes, problems: list[QSslError]
) -> str:
    """Why nothing useful was answered, and what to do."""
    where = address.short
    if status is not None:
        try:
            said = Refusal.model_validate_json(content).message
        except ValueError:
            return f"What answers at {where} is no PyPipeline run (HTTP status {status}). Look at the port again."
        if status == 401:
            return (
                "The token is not that of this run. Each run has another one: it is in the file that the run has named "
                "when it started."
            )
        if status == 403:
            return f"{where} is not what the run is called there. Use the address that it has written. It says: {said}."
        if status == 404:
            return f"Nothing runs at {where}: {said}. Attach when something does; there has to be the same version as here."
        return f"{where} refuses: {said}."
    if problems:
        return (
            f"{where} cannot prove who it is: {problems[0].errorString().rstrip('.')}. Where it uses a certificate of its "
            f"own, choose that file (CERT of --monitor-tls) as the certificate; it has to be made for this name."
        )
    match reply.error():
        case _Error.ConnectionRefusedError:
            return f"Nothing listens at {where}: has the run ended, or has it another port?"
        case _Error.HostNotFoundError:
            return (
                f"There is no machine of the name {where.rpartition(':')[0]}, as far as this one knows: look at the name "
                f"again, or give its IP address."
            )
        case _Error.SslHandshakeFailedError:
            return f"{where} does not speak TLS like this: a run without --monitor-tls has an address with http://."
        case _Error.OperationCanceledError | _Error.TimeoutError:
            return f"{where} did not answer within {QUICK_MS / 1000:g} s: look at the address, and for a firewall."
        case _Error.RemoteHostClosedError | _Error.ProtocolFailure | _Error.ProtocolUnknownError if (
            not address.is_secure
        ):
            return f"{where} closes the connection: a run with --monitor-tls has an address with https://."
    return f"{where} cannot be reached: {reply.errorString().rstrip('.')}."
