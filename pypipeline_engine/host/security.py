"""Who may speak to a host: programs that know its token, and no web page.

A page in a browser can send requests to this machine. It cannot set the header with the token without asking first, which
is never allowed; where it got itself a name that leads to this machine (DNS rebinding), the `Host` header gives it away.
An address in that header is no such name: where others may connect, any address is admitted.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Sequence

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pypipeline_engine.graph.problems import describe
from pypipeline_engine.host.protocol import Refusal

NAMES = ("127.0.0.1", "localhost", "[::1]")


class Hosts:
    """What the `Host` header of a request may be."""

    def __init__(
        self, port: int, names: Sequence[str] = NAMES, *, any_address: bool = False, is_secure: bool = False
    ) -> None:
        """:param names: what the machine is called.
        :param any_address: whether an IP address will do as well.
        :param is_secure: whether it is spoken to by TLS.
        """
        self._port = str(port)
        self._names = frozenset(name.lower() for name in names)
        self._any_address = any_address
        self._scheme, usual_port = ("https", 443) if is_secure else ("http", 80)
        self._may_be_without_port = port == usual_port

    def admit(self, host: bytes) -> bool:
        """Whether this may be the value of the header."""
        name, separator, port = host.decode("latin-1").lower().rpartition(":")
        if not separator or "]" in port:
            name, port = name + separator + port, self._port if self._may_be_without_port else ""
        if port != self._port:
            return False
        return name in self._names or (self._any_address and _is_address(name))

    def admit_origin(self, origin: bytes, host: bytes) -> bool:
        """Whether a page of this origin may send requests to this `Host`: one that came from there."""
        return origin.lower() == f"{self._scheme}://".encode() + host.lower()

    def __str__(self) -> str:
        known = ", ".join(f"{name}:{self._port}" for name in sorted(self._names))
        return f"{known}, or an IP address with this port" if self._any_address else known


def _is_address(name: str) -> bool:
    is_version_6 = name.startswith("[") and name.endswith("]")
    try:
        return ipaddress.ip_address(name[1:-1] if is_version_6 else name).version == (6 if is_version_6 else 4)
    except ValueError:
        return False


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

    def __init__(self, app: ASGIApp, token: str, hosts: Hosts) -> None:
        self._app = app
        self._authorization = f"Bearer {token}".encode()
        self._hosts = hosts

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
        if len(hosts) != 1 or not self._hosts.admit(hosts[0]):
            came = describe(hosts[0].decode("latin-1")) if hosts else "none"
            return refuse(403, f"the Host header must be one of {self._hosts}, not {came}")
        for name, value in headers:
            if name == b"origin" and not self._hosts.admit_origin(value, hosts[0]):
                return refuse(403, f"requests of web pages are refused: Origin {describe(value.decode('latin-1'))}")
        given = [value for name, value in headers if name == b"authorization"]
        if len(given) != 1 or not secrets.compare_digest(given[0], self._authorization):
            return refuse(
                401,
                "every request needs the header 'Authorization: Bearer TOKEN' with the token that the host printed "
                "or wrote to a file",
                {"WWW-Authenticate": "Bearer"},
            )
        return None
