"""The routes of a host: from HTTP to the session and back. What may take time runs in threads of its own."""

from __future__ import annotations

import asyncio
import os
import platform
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from threading import Thread
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from pypipeline_engine import __version__
from pypipeline_engine.graph.problems import describe
from pypipeline_engine.host import metrics
from pypipeline_engine.host.controllers import Controllers
from pypipeline_engine.host.events import Events
from pypipeline_engine.host.graphs import Workshop
from pypipeline_engine.host.journal import Journal
from pypipeline_engine.host.looking_routes import LookingRoutes
from pypipeline_engine.host.process import read_process
from pypipeline_engine.host.protocol import (
    CONTROL_HEADER,
    PREFIX,
    PROTOCOL_VERSION,
    SNAPSHOT_HZ,
    CellError,
    ControlRequest,
    ErrorPolicyRequest,
    ExportRequest,
    GraphRequest,
    HostInfo,
    LogLine,
    ParameterRequest,
    RunRequest,
    ScaleRequest,
    StepRequest,
    TakeControlRequest,
)
from pypipeline_engine.host.refusals import UNPROCESSABLE, Refused
from pypipeline_engine.host.requests import parse, read_body
from pypipeline_engine.host.security import Guard, Hosts, JsonResponse, refuse
from pypipeline_engine.host.session import Session
from pypipeline_engine.insight.machine import get_nb_cpus, is_ray_installed

Result = TypeVar("Result")
Handler = Callable[[Request], Awaitable[Response]]

MOST_WAITING = 16
"""How many requests may wait for code of cells at once: each one takes a thread, and a cell may never come back."""


class Threads:
    """Runs what may take time beside the event loop. A process can end while such a thread hangs."""

    def __init__(self) -> None:
        self._nb_busy = 0

    async def run(self, act: Callable[[], Result]) -> Result:
        """The result of `act`, or what it raised.

        :raises Refused: where too many are busy already.
        """
        if self._nb_busy >= MOST_WAITING:
            raise Refused(503, f"{MOST_WAITING} requests wait for the code of cells already; try again later")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()

        def finish(result: Any, error: BaseException | None) -> None:
            self._nb_busy -= 1
            if future.cancelled():
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        def work() -> None:
            try:
                outcome = act(), None
            except Exception as error:
                outcome = None, error  # type: ignore[assignment]
            except BaseException as error:  # code of a cell that wants to end the process
                outcome = None, RuntimeError(f"code of a cell raised {error!r}")  # type: ignore[assignment]
            try:
                loop.call_soon_threadsafe(finish, *outcome)
            except RuntimeError:  # the loop is closed: the process ends
                return

        self._nb_busy += 1
        Thread(target=work, name="pypipeline request", daemon=True).start()
        return await future


class HostApp:
    """What a host answers. `make` puts the guard in front of it."""

    def __init__(
        self, session: Session, workshop: Workshop, journal: Journal, events: Events, controllers: Controllers
    ) -> None:
        self._session = session
        self._workshop = workshop
        self._journal = journal
        self._events = events
        self._controllers = controllers
        self._expiry: asyncio.TimerHandle | None = None
        self._threads = Threads()
        self._catalogue: bytes | None = None
        self._catalogue_lock = asyncio.Lock()

    def make(self, token: str, hosts: Hosts) -> ASGIApp:
        """The application.

        :param hosts: what clients may call this host.
        """
        session = self._session
        routes = [
            self._get("", self._tell_host),
            self._get("/catalogue", self._tell_catalogue),
            self._get("/run", self._answer_with(session.get_info)),
            self._get("/graph", self._answer_with(session.get_graph)),
            self._get("/snapshot", self._answer_with(session.get_snapshot)),
            self._get("/errors", self._tell_errors),
            self._get("/log", self._tell_log),
            self._get("/events", self._stream),
            ("GET", "/metrics", self._tell_metrics),
            ("POST", f"{PREFIX}/control", self._take_control),
            ("DELETE", f"{PREFIX}/control", self._give_control_back),
            self._post("/validate", GraphRequest, self._workshop.validate, changes=False),
            self._post("/export", ExportRequest, self._workshop.export, changes=False),
            self._post("/run", RunRequest, session.start),
            self._post("/deploy", RunRequest, self._deploy),
            self._post("/undeploy", ControlRequest, lambda _: session.undeploy()),
            self._post("/parameter", ParameterRequest, session.set_parameter),
            self._post("/scale", ScaleRequest, session.scale),
            self._post("/error-policy", ErrorPolicyRequest, session.set_error_policy),
            self._post("/stop", ControlRequest, lambda _: session.stop(), may_wait=False),
            self._post("/pause", ControlRequest, lambda _: session.pause(), may_wait=False),
            self._post("/resume", ControlRequest, lambda _: session.resume(), may_wait=False),
            self._post("/step", StepRequest, lambda step: session.step(step.items), may_wait=False),
            *LookingRoutes(session, self._threads.run, self._with_control).make(),
        ]
        app = Starlette(
            routes=_by_path(routes),
            exception_handlers={Refused: _on_refused, HTTPException: _on_http_error, Exception: _on_error},
        )
        app.router.redirect_slashes = False
        return Guard(app, token, hosts)

    # ------------------------------------------------------------------ kinds of routes

    def _get(self, path: str, handler: Handler) -> tuple[str, str, Handler]:
        return "GET", PREFIX + path, handler

    def _post(
        self,
        path: str,
        model: type[Any],
        act: Callable[[Any], BaseModel],
        *,
        may_wait: bool = True,
        changes: bool = True,
    ) -> tuple[str, str, Handler]:
        """:param may_wait: whether it may have to wait for the code of cells.
        :param changes: whether it changes what goes on, for which the client must have control.
        """

        async def handle(request: Request) -> Response:
            body = await read_body(request)
            if changes:
                self._controllers.require(_get_key(request))
                self._await_expiry()
            if not may_wait:
                return _answer(act(parse(model, body)))
            return _answer(await self._threads.run(lambda: act(parse(model, body))))

        return "POST", PREFIX + path, handle

    def _with_control(self, handler: Handler) -> Handler:
        """What changes what goes on, for which the client must have control."""

        async def handle(request: Request) -> Response:
            self._controllers.require(request.headers.get(CONTROL_HEADER))
            self._await_expiry()
            return await handler(request)

        return handle

    def _answer_with(self, act: Callable[[], BaseModel]) -> Handler:
        async def handle(_: Request) -> Response:
            return _answer(act())

        return handle

    # ------------------------------------------------------------------ routes

    async def _tell_host(self, _: Request) -> Response:
        return _answer(
            HostInfo(
                protocol=PROTOCOL_VERSION,
                engine_version=__version__,
                python_version=platform.python_version(),
                pid=os.getpid(),
                nb_cpus=get_nb_cpus(),
                has_ray=is_ray_installed(),
                is_monitor=self._controllers.needs_key,
                controller=self._controllers.get(),
            )
        )

    async def _tell_metrics(self, _: Request) -> Response:
        info, totals = self._session.get_totals()
        text = metrics.to_text(info, totals, read_process(cpu=0.0), time.process_time())
        return Response(text, media_type=metrics.MEDIA_TYPE, headers={"Cache-Control": "no-store"})

    async def _take_control(self, request: Request) -> Response:
        wanted = parse(TakeControlRequest, await read_body(request))
        grant = self._controllers.take(wanted.name, wanted.force, _get_key(request))
        self._await_expiry()
        return _answer(grant)

    async def _give_control_back(self, request: Request) -> Response:
        await read_body(request)
        self._controllers.give_back(_get_key(request))
        self._await_expiry()
        return _answer(self._session.get_info())

    def _await_expiry(self) -> None:
        """Look again when the control that there is ends, unless it is renewed before."""
        if self._expiry is not None:
            self._expiry.cancel()
        remaining_s = self._controllers.expires_in_s
        loop = asyncio.get_running_loop()
        self._expiry = None if remaining_s is None else loop.call_later(remaining_s, self._expire)

    def _expire(self) -> None:
        self._controllers.expire()
        self._await_expiry()

    async def _tell_catalogue(self, request: Request) -> Response:
        if request.query_params.get("approved") == "true":
            describe_own = partial(self._workshop.describe, approved_only=True)
            return _answer(await self._threads.run(describe_own))
        async with self._catalogue_lock:
            if self._catalogue is None:
                describe_all = self._workshop.describe
                self._catalogue = await self._threads.run(lambda: describe_all().model_dump_json().encode())
        return JsonResponse(self._catalogue)

    async def _tell_errors(self, _: Request) -> Response:
        self._session.get_snapshot()  # which finds the latest ones
        return JsonResponse(TypeAdapter(list[CellError]).dump_json(self._journal.get_errors()))

    async def _tell_log(self, _: Request) -> Response:
        return JsonResponse(TypeAdapter(list[LogLine]).dump_json(self._journal.get_lines()))

    def _deploy(self, request: RunRequest) -> BaseModel:
        return self._session.start(request.model_copy(update={"paused": True}))

    async def _stream(self, request: Request) -> Response:
        hz = _parse_hz(request.query_params.get("hz"))
        after = request.headers.get("last-event-id", "").strip()
        number = int(after) if after.isascii() and after.isdigit() and len(after) < 20 else None
        return StreamingResponse(
            self._events.listen(hz, number),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store"},
        )


def _parse_hz(text: str | None) -> float:
    if text is None:
        return SNAPSHOT_HZ
    try:
        hz = float(text)
    except ValueError:
        hz = 0.0
    if not 0.01 <= hz <= SNAPSHOT_HZ:
        raise Refused(UNPROCESSABLE, f"hz: a number from 0.01 to {SNAPSHOT_HZ:g} is expected, not {describe(text)}")
    return hz


def _get_key(request: Request) -> str | None:
    return request.headers.get(CONTROL_HEADER) or None


def _by_path(handlers: Sequence[tuple[str, str, Handler]]) -> list[Route]:
    """One route for each path, so that a method that it does not have is told from a path that there is not."""
    by_path: dict[str, dict[str, Handler]] = {}
    for method, path, handler in handlers:
        by_path.setdefault(path, {})[method] = handler
    return [Route(path, partial(_dispatch, own), methods=list(own)) for path, own in by_path.items()]


async def _dispatch(handlers: dict[str, Handler], request: Request) -> Response:
    return await handlers["GET" if request.method == "HEAD" else request.method](request)


def _answer(model: BaseModel) -> Response:
    return JsonResponse(model.model_dump_json())


async def _on_refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return JsonResponse(error.refusal.model_dump_json(), error.status)


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == 405:
        allowed = headers.get("Allow", "")
        return refuse(405, f"{request.url.path} takes {allowed}, not {request.method}", headers)
    if error.status_code == 404:
        return refuse(
            404, f"there is no {describe(request.url.path)}; everything but /metrics stands below {PREFIX}", headers
        )
    return refuse(error.status_code, error.detail, headers)


async def _on_error(_: Request, error: Exception) -> Response:
    # Starlette logs it with its traceback, which so is in the journal.
    return refuse(500, f"the host failed at this request ({type(error).__name__}); its log says where")
