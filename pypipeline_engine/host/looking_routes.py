"""The routes for looking into a stream: previews, breakpoints, held items and replay."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from pypipeline_engine.graph.problems import describe, suggestion
from pypipeline_engine.host.breakpoints import Condition
from pypipeline_engine.host.graphs import Built
from pypipeline_engine.host.kept_pictures import Rectangle, read_pixels
from pypipeline_engine.host.looking import (
    BreakpointRequest,
    ConditionInfo,
    ConditionRequest,
    HeldItems,
    PreviewRequest,
    ReplayRequest,
    RetainRequest,
)
from pypipeline_engine.host.pictures import is_picture, make_jpeg
from pypipeline_engine.host.ports import find_cell_to_retain, find_output
from pypipeline_engine.host.protocol import PREFIX
from pypipeline_engine.host.refusals import CONFLICT, UNPROCESSABLE, Refused
from pypipeline_engine.host.replay import replay
from pypipeline_engine.host.requests import parse, read_body
from pypipeline_engine.host.security import JsonResponse
from pypipeline_engine.host.session import Session
from pypipeline_engine.host.summaries import summarize
from pypipeline_engine.host.watches import Watches

Handler = Callable[[Request], Awaitable[Response]]
Model = TypeVar("Model", bound=BaseModel)
NOT_ACCEPTABLE = 406
_PICTURE_SIZE = 640, 480
_JPEG = "image/jpeg"
_SIDES = ("input", "output")


class LookingRoutes:
    """From HTTP to what the run that goes on is looked at for."""

    def __init__(
        self,
        session: Session,
        run_beside: Callable[[Callable[[], Response]], Awaitable[Response]],
        with_control: Callable[[Handler], Handler],
    ) -> None:
        """Prepare.

        :param run_beside: runs in a thread what may take time.
        :param with_control: refuses clients that do not have control.
        """
        self._session = session
        self._with_control = with_control
        self._run_beside = run_beside

    def make(self) -> list[tuple[str, str, Handler]]:
        """Method, path and handler of each."""
        routes: list[tuple[str, str, Handler]] = [
            ("GET", "/watched", self._handle(lambda query, _: self._tell_watched())),
            ("POST", "/preview", self._handle_body(PreviewRequest, self._preview)),
            ("GET", "/preview", self._handle(self._show_preview)),
            ("GET", "/pixels", self._handle(lambda query, _: self._tell_pixels(query))),
            ("DELETE", "/preview", self._handle(self._stop_preview)),
            ("POST", "/breakpoint", self._with_control(self._handle_body(BreakpointRequest, self._set_breakpoint))),
            ("DELETE", "/breakpoint", self._with_control(self._handle(self._remove_breakpoint))),
            ("POST", "/condition", self._handle_body(ConditionRequest, self._check_condition)),
            ("POST", "/retain", self._with_control(self._handle_body(RetainRequest, self._retain))),
            ("GET", "/failed", self._handle(lambda query, _: self._tell_failed(query))),
            ("GET", "/held", self._handle(self._show_held)),
            ("POST", "/replay", self._with_control(self._handle_body(ReplayRequest, self._replay))),
            ("GET", "/replay", self._handle(self._show_replayed)),
        ]
        return [(method, PREFIX + path, handler) for method, path, handler in routes]

    # ------------------------------------------------------------------ kinds of routes

    def _handle_body(self, model: type[Model], act: Callable[[Model], Response]) -> Handler:
        async def handle(request: Request) -> Response:
            body = await read_body(request)
            return await self._run_beside(lambda: act(parse(model, body)))

        return handle

    def _handle(self, act: Callable[[dict[str, str], str], Response]) -> Handler:
        """:param act: is given the query and what the client accepts."""

        async def handle(request: Request) -> Response:
            query, accept = dict(request.query_params), request.headers.get("accept", "").lower()
            return await self._run_beside(lambda: act(query, accept))

        return handle

    def _get(self) -> tuple[Watches, Built]:
        return self._session.get_watches()

    # ------------------------------------------------------------------ previews

    def _tell_watched(self) -> Response:
        return _answer(self._get()[0].get_info())

    def _preview(self, request: PreviewRequest) -> Response:
        watches, built = self._get()
        place = find_output(built, request.cell, request.port)
        if request.enabled:
            watches.preview(request, place)
        else:
            watches.stop_preview((request.cell, request.port))
        return _answer(watches.get_info())

    def _stop_preview(self, query: dict[str, str], _: str) -> Response:
        watches, built = self._get()
        watches.stop_preview(_parse_key(query, built, may_be_all=True))
        return _answer(watches.get_info())

    def _show_preview(self, query: dict[str, str], accept: str) -> Response:
        watches, built = self._get()
        with_pixels = _parse_truth(query.pop("pixels", "false"), "pixels")
        key = _parse_key(query, built)
        assert key is not None
        if _wants_picture(accept):
            shown = watches.get_preview_picture(key, with_pixels)
            if shown is not None:
                head = _head(shown.item) | ({"X-Picture": str(shown.kept)} if shown.kept else {})
                return Response(shown.jpeg, media_type=_JPEG, headers=head)
            _refuse_without_picture(accept, ".".join(key))
        return _answer(watches.get_preview(key))

    def _tell_pixels(self, query: dict[str, str]) -> Response:
        _check_names(query, ("cell", "port", "picture", "x", "y", "width", "height"))
        key = query.get("cell", ""), query.get("port", "")
        number = _parse_whole(query, "picture")
        where = Rectangle(
            _parse_whole(query, "x"),
            _parse_whole(query, "y"),
            _parse_whole(query, "width", 1),
            _parse_whole(query, "height", 1),
        )
        return _answer(read_pixels(self._session.get_pictures().find(key, number), where))

    # ------------------------------------------------------------------ breakpoints

    def _set_breakpoint(self, request: BreakpointRequest) -> Response:
        watches, built = self._get()
        place = find_output(built, request.cell, request.port)
        if request.enabled:
            watches.set_breakpoint(request, place)
        else:
            watches.remove_breakpoint((request.cell, request.port))
        return _answer(watches.get_info())

    def _remove_breakpoint(self, query: dict[str, str], _: str) -> Response:
        watches, built = self._get()
        watches.remove_breakpoint(_parse_key(query, built, may_be_all=True))
        return _answer(watches.get_info())

    def _check_condition(self, request: ConditionRequest) -> Response:
        try:
            Condition(request.condition)
        except Refused as refused:
            return _answer(ConditionInfo(problem=refused.refusal.message.removeprefix("condition: ")))
        return _answer(ConditionInfo())

    def _show_held(self, query: dict[str, str], accept: str) -> Response:
        _check_names(query, ("held", "port", "side"))
        try:
            watches, _ = self._get()
        except Refused:  # with the run, all of them are let go
            if query:
                raise
            return _answer(HeldItems())
        if "port" not in query:
            return _answer(watches.get_held_items())
        number, side, port = _parse_number(query.get("held")), query.get("side", ""), query["port"]
        if side and side not in _SIDES:
            raise Refused(UNPROCESSABLE, f"side: one of {', '.join(_SIDES)} is expected, not {describe(side)}")
        held = watches.get_held(number)
        try:
            value = held.get_value(port, side)
        except KeyError:
            known = [*held.item.inputs, *held.item.outputs]
            hint = suggestion(port, known)
            raise Refused(
                UNPROCESSABLE,
                f"{held.cell} has no {side or 'value'} {describe(port)} held{hint}; it has {', '.join(known)}",
            ) from None
        return _show(value, held.item.number, accept, f"{held.cell}.{port}")

    # ------------------------------------------------------------------ failed items

    def _retain(self, request: RetainRequest) -> Response:
        watches, built = self._get()
        watches.retain({find_cell_to_retain(built, cell): cell for cell in request.cells})
        return _answer(watches.failed.describe())

    def _tell_failed(self, query: dict[str, str]) -> Response:
        _check_names(query, ())
        return _answer(self._get()[0].failed.describe())

    # ------------------------------------------------------------------ replay

    def _replay(self, request: ReplayRequest) -> Response:
        watches, built = self._get()
        if request.cell is not None or request.item is not None:
            if request.cell is None or request.item is None or request.held is not None:
                raise Refused(UNPROCESSABLE, "either 'held' is expected, or both 'cell' and 'item' of one that failed")
            held = watches.failed.get(request.cell, request.item)
        else:
            held = watches.get_held(request.held)
        done = replay(built, held, request)
        watches.keep_replayed(held, done)
        return _answer(done.info)

    def _show_replayed(self, query: dict[str, str], accept: str) -> Response:
        _check_names(query, ("port",))
        watches, _ = self._get()
        done = watches.get_replayed()
        if done is None:
            raise Refused(CONFLICT, "no item was run again since the run was paused")
        port = query.get("port", "")
        if not port:
            return _answer(done.info)
        if port not in done.outputs:
            known = ", ".join(done.outputs) or "none"
            raise Refused(
                UNPROCESSABLE, f"there is no output {describe(port)} of what was run again; there are: {known}"
            )
        return _show(done.outputs[port], done.info.item, accept, f"{done.info.cell}.{port}")


def _show(value: Any, number: int, accept: str, name: str) -> Response:
    """A value as a picture where it is one and the client takes that, or else its summary."""
    if _wants_picture(accept):
        picture = make_jpeg(value, *_PICTURE_SIZE) if is_picture(value) else None
        if picture is not None:
            return Response(picture, media_type=_JPEG, headers=_head(number))
        _refuse_without_picture(accept, name)
    return _answer(summarize(value))


def _wants_picture(accept: str) -> bool:
    return "application/json" not in accept


def _refuse_without_picture(accept: str, name: str) -> None:
    if "image/" in accept and "*/*" not in accept:
        raise Refused(
            NOT_ACCEPTABLE,
            f"there is no picture of {name}: that takes OpenCV, and an array of numbers with rows, columns and 1, 3 or 4 "
            f"channels; 'Accept: application/json' gets a summary",
        )


def _head(number: int) -> dict[str, str]:
    return {"X-Item": str(number), "Cache-Control": "no-store"}


def _check_names(query: dict[str, str], known: tuple[str, ...]) -> None:
    for name in query:
        if name not in known:
            raise Refused(UNPROCESSABLE, f"unknown parameter {describe(name)}{suggestion(name, known)}")


def _parse_key(query: dict[str, str], built: Built, *, may_be_all: bool = False) -> tuple[str, str] | None:
    """Cell and port; `None` for all, where there is no query."""
    _check_names(query, ("cell", "port"))
    if not query and may_be_all:
        return None
    for name in ("cell", "port"):
        if not query.get(name):
            raise Refused(UNPROCESSABLE, f"{name} is missing: ...?cell=CELL&port=PORT")
    find_output(built, query["cell"], query["port"])
    return query["cell"], query["port"]


def _parse_whole(query: dict[str, str], name: str, default: int | None = None) -> int:
    text = query.get(name)
    if text is None:
        if default is None:
            raise Refused(UNPROCESSABLE, f"{name} is missing: ...?cell=CELL&port=PORT&picture=N&x=COLUMN&y=ROW")
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Refused(UNPROCESSABLE, f"{name}: a whole number is expected, not {describe(text)}")
    return int(text)


def _parse_truth(text: str, name: str) -> bool:
    if text not in ("true", "false"):
        raise Refused(UNPROCESSABLE, f"{name}: true or false is expected, not {describe(text)}")
    return text == "true"


def _parse_number(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Refused(UNPROCESSABLE, f"held: the number of a held item is expected, not {describe(text)}")
    return int(text)


def _answer(model: BaseModel) -> Response:
    return JsonResponse(model.model_dump_json())
