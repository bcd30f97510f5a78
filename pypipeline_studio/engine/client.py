"""HTTP to the engine host: requests whose answers come later, and the stream of its events."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError
from PySide6.QtCore import QByteArray, QObject, QTimer, QUrl, Signal
from PySide6.QtNetwork import (
    QNetworkAccessManager,
    QNetworkProxy,
    QNetworkReply,
    QNetworkRequest,
    QSslConfiguration,
)

from pypipeline_engine.host.looking import LOOKING_EVENT_MODELS
from pypipeline_engine.host.protocol import CONTROL_HEADER, EVENT_MODELS, PREFIX, Hello, Refusal
from pypipeline_studio.engine.sse import EventParser

QUICK_MS: Final = 10_000
"""How long the host may take for what does not run a cell's code."""
RECONNECT_MS: Final = 300
SILENCE_MS: Final = 5_000
"""The host sends something every second; after so long without anything it does not answer."""


class NoAnswer(Refusal):
    """In place of a refusal: the host has said nothing, or nothing that can be read. It may have done what was asked."""


Model = TypeVar("Model", bound=BaseModel)
Refused = Callable[[Refusal], None]


class Client(QObject):
    """Requests to one host. For the thread of the window; nothing waits."""

    def __init__(self, hello: Hello, parent: QObject | None = None, tls: QSslConfiguration | None = None) -> None:
        """:param tls: whom to trust, where the host speaks TLS; without, those whom the system trusts."""
        super().__init__(parent)
        self._hello = hello
        self._tls = tls
        self.control_key = ""
        """Goes along with everything that changes something, where control was taken."""
        self._manager = make_manager(self)
        # Qt opens six connections to a host for each manager: Stop must not wait behind requests that run code of cells.
        self._slow_manager = make_manager(self)
        self._picture_manager = make_manager(self)  # and not behind pictures, of which many come every second
        self._is_closed = False

    def get(
        self,
        path: str,
        model: type[Model],
        done: Callable[[Model], None],
        refused: Refused | None = None,
        quick: bool = True,
    ) -> None:
        """Ask for something.

        :param refused: is told what the host said against it, or that it did not answer.
        :param quick: whether it may take no longer than `QUICK_MS`.
        """
        manager = self._manager if quick else self._slow_manager
        request = make_request(self._hello, path, QUICK_MS if quick else 0, self._tls)
        request.setRawHeader(b"Accept", b"application/json")  # of a value, its words and not its picture
        self._follow(manager.get(request), model, done, refused)

    def get_picture(self, path: str, done: Callable[[bytes, int, int], None], refused: Refused | None = None) -> None:
        """Ask for the picture of a value.

        :param done: gets the JPEG, the number of the item that it is of, and that of the picture where its array is kept,
            else 0.
        """
        request = make_request(self._hello, path, QUICK_MS, self._tls)
        request.setRawHeader(b"Accept", b"image/jpeg")
        reply = self._picture_manager.get(request)

        def take(content: bytes) -> None:
            item, picture = (bytes(reply.rawHeader(name).data()) for name in ("X-Item", "X-Picture"))
            done(content, int(item) if item.isdigit() else 0, int(picture) if picture.isdigit() else 0)

        self._take_content(reply, take, refused)

    def post(
        self,
        path: str,
        body: BaseModel | None,
        model: type[Model],
        done: Callable[[Model], None] | None = None,
        refused: Refused | None = None,
        quick: bool = True,
    ) -> None:
        """Ask for something to be done.

        :param quick: whether it may take no longer than `QUICK_MS`.
        """
        request = make_request(self._hello, path, QUICK_MS if quick else 0, self._tls)
        if self.control_key:
            request.setRawHeader(CONTROL_HEADER.encode(), self.control_key.encode())
        request.setHeader(QNetworkRequest.KnownHeaders.ContentTypeHeader, "application/json")
        text = body.model_dump_json().encode() if body is not None else b"{}"
        manager = self._manager if quick else self._slow_manager
        self._follow(manager.post(request, QByteArray(text)), model, done, refused)

    def delete(
        self,
        path: str,
        model: type[Model],
        done: Callable[[Model], None] | None = None,
        refused: Refused | None = None,
    ) -> None:
        """Give something back."""
        request = make_request(self._hello, path, QUICK_MS, self._tls)
        request.setRawHeader(CONTROL_HEADER.encode(), self.control_key.encode())
        self._follow(self._manager.deleteResource(request), model, done, refused)

    def close(self) -> None:
        """Drop every answer that is still to come."""
        self._is_closed = True
        for manager in (self._manager, self._slow_manager, self._picture_manager):
            for reply in manager.findChildren(QNetworkReply):
                reply.abort()

    def _follow(
        self, reply: QNetworkReply, model: type[Model], done: Callable[[Model], None] | None, refused: Refused | None
    ) -> None:
        def take(content: bytes) -> None:
            try:
                answer = model.model_validate_json(content)
            except ValidationError as error:
                if refused is not None:
                    refused(Refusal(message=f"The engine's answer cannot be understood: {error.errors()[0]['msg']}"))
                return
            if done is not None:
                done(answer)

        self._take_content(reply, take, refused)

    def _take_content(self, reply: QNetworkReply, take: Callable[[bytes], None], refused: Refused | None) -> None:
        """Wait for an answer, and hand its content over where it is one and no refusal."""

        def finish() -> None:
            reply.deleteLater()
            if self._is_closed:
                return
            status = reply.attribute(QNetworkRequest.Attribute.HttpStatusCodeAttribute)
            content = bytes(reply.readAll().data()) if reply.isOpen() else b""  # a time limit closes it
            if status is not None and 200 <= int(status) < 300:
                take(content)
            elif refused is not None:
                refused(_refusal_of(content, reply))

        reply.finished.connect(finish)


class EventStream(QObject):
    """The events of one host. It has a network access manager of its own: Qt opens six connections to a host at most, and a
    stream that never ends must not keep Stop waiting behind it.
    """

    arrived = Signal(str, object)
    """The name of an event, and its model."""
    silent = Signal()
    """Nothing has come for too long."""
    alive = Signal()
    """Something came."""

    def __init__(
        self,
        hello: Hello,
        silence_ms: int = SILENCE_MS,
        parent: QObject | None = None,
        tls: QSslConfiguration | None = None,
    ) -> None:
        super().__init__(parent)
        self._hello = hello
        self._tls = tls
        self._manager = make_manager(self)
        self._reply: QNetworkReply | None = None
        self._parser = EventParser()
        self._watchdog = QTimer(self)
        self._watchdog.setInterval(silence_ms)
        self._watchdog.timeout.connect(self.silent)
        self._reconnect = QTimer(self)
        self._reconnect.setSingleShot(True)
        self._reconnect.setInterval(RECONNECT_MS)
        self._reconnect.timeout.connect(self._open)

    def start(self) -> None:
        """Connect, and again where the connection is lost, until `close`."""
        self._watchdog.start()
        self._open()

    def close(self) -> None:
        """Stop listening."""
        self._watchdog.stop()
        self._reconnect.stop()
        reply, self._reply = self._reply, None
        if reply is not None:
            reply.abort()
            reply.deleteLater()

    def reopen(self) -> None:
        """Connect anew; what has come since the last event follows."""
        reply, self._reply = self._reply, None
        if reply is not None:
            reply.abort()
            reply.deleteLater()
        self._reconnect.stop()
        self._open()

    def _open(self) -> None:
        request = make_request(self._hello, "/events", 0, self._tls)
        request.setRawHeader(b"Accept", b"text/event-stream")
        if self._parser.last_id:
            request.setRawHeader(b"Last-Event-ID", self._parser.last_id.encode())
        self._parser = EventParser(self._parser.last_id)
        reply = self._manager.get(request)
        self._reply = reply
        reply.readyRead.connect(lambda: self._read(reply))
        reply.finished.connect(lambda: self._on_finished(reply))

    def _read(self, reply: QNetworkReply) -> None:
        status = reply.attribute(QNetworkRequest.Attribute.HttpStatusCodeAttribute)
        if reply is not self._reply or status != HTTPStatus.OK:  # a refusal, of somebody else who listens there by now
            return
        self._watchdog.start()
        self.alive.emit()
        for event in self._parser.feed(bytes(reply.readAll().data())):
            model = EVENT_MODELS.get(event.name) or LOOKING_EVENT_MODELS.get(event.name)  # type: ignore[call-overload]
            if model is None or reply is not self._reply:
                continue
            try:
                value = model.model_validate_json(event.data)
            except ValidationError:  # of a newer host: what cannot be understood is left out
                continue
            self.arrived.emit(event.name, value)

    def _on_finished(self, reply: QNetworkReply) -> None:
        reply.deleteLater()
        if reply is self._reply:
            self._reply = None
            self._reconnect.start()


def make_manager(parent: QObject) -> QNetworkAccessManager:
    """A manager that goes to this machine directly, whatever proxy the system has, and follows no redirect."""
    manager = QNetworkAccessManager(parent)
    manager.setProxy(QNetworkProxy(QNetworkProxy.ProxyType.NoProxy))
    manager.setRedirectPolicy(QNetworkRequest.RedirectPolicy.ManualRedirectPolicy)
    return manager


def make_request(hello: Hello, path: str, timeout_ms: int, tls: QSslConfiguration | None = None) -> QNetworkRequest:
    """A request with the host's token. A time limit of 0 is none."""
    request = QNetworkRequest(QUrl(f"{hello.url}{PREFIX}{path}"))
    if tls is not None:
        request.setSslConfiguration(tls)
    request.setRawHeader(b"Authorization", f"Bearer {hello.token}".encode())
    request.setTransferTimeout(timeout_ms)
    return request


def _refusal_of(content: bytes, reply: QNetworkReply) -> Refusal:
    try:
        return Refusal.model_validate_json(content)
    except ValidationError:
        return NoAnswer(message=f"The engine did not answer: {reply.errorString()}")
