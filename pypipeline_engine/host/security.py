"""Who may speak to a host: programs that know its token, and no web page.

A page in a browser can send requests to this machine. It cannot set the header with the token without asking first, which
is never allowed; where it got itself a name that leads to this machine (DNS rebinding), the `Host` header gives it away.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pypipeline_engine.graph.problems import describe
from pypipeline_engine.host.protocol import Refusal

NAMES = ("127.0.0.1", "localhost", "[::1]")


class JsonResponse(Response):
    """JSON that is never kept by anybody in between."""

    media_type = "application/json"

    def __init__(self, content: str | bytes, status_code: int = 200, headers: dict[str, str] | None = None) -> None:
        super().__init__(content, status_code, {"Cache-Control": "no-store", **(headers or {})})


def refuse(status: int, message: str, headers: dict[str, str] | None = None) -> JsonResponse:
    """The answer to a request that is refused."""
    return JsonResponse(Refusal(message=message).model_dump_json(), status, headers)


class Guard:
    """Lets requests through to an application that may come in."""

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self._app = app
        self._authorization = f"Bearer {token}".encode()
        self._hosts = {f"{name}:{port}".encode() for name in NAMES}
        self._origins = {b"http://" + host for host in self._hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        refusal = self._find_refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _find_refusal(self, scope: Scope) -> Response | None:
        headers: Sequence[tuple[bytes, bytes]] = scope["headers"]
        hosts = [value for name, value in headers if name == b"host"]
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            expected = ", ".join(sorted(host.decode() for host in self._hosts))
            came = describe(hosts[0].decode("latin-1")) if hosts else "none"
            return refuse(403, f"the Host header must be one of {expected}, not {came}")
        for name, value in headers:
            if name == b"origin" and value.lower() not in self._origins:
                return refuse(403, f"requests of web pages are refused: Origin {describe(value.decode('latin-1'))}")
        given = [value for name, value in headers if name == b"authorization"]
        if len(given) != 1 or not secrets.compare_digest(given[0], self._authorization):
            return refuse(
                401,
                "every request needs the header 'Authorization: Bearer TOKEN' with the token that the host printed",
                {"WWW-Authenticate": "Bearer"},
            )
        return None
