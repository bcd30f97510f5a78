"""Who gets through: the token, the Host header and the Origin, without a server."""

import asyncio
import secrets

import pytest

from pypipeline_engine.host import security
from pypipeline_engine.host.security import Guard, Hosts

TOKEN = "the-token"
HERE = Hosts(8421)
REMOTE = Hosts(8421, ("localhost", "gpu-box"), any_address=True)
SECURE = Hosts(8421, ("gpu-box",), any_address=True, is_secure=True)


def ask(hosts=HERE, host="127.0.0.1:8421", token=f"Bearer {TOKEN}", path="/v1", query=b"", **headers):
    """The status of the answer; 200 where the request gets through."""
    sent = []

    async def inside(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message):
        sent.append(message)

    given = {"host": host, "authorization": token, **headers}
    scope = {"type": "http", "method": "GET", "path": path, "query_string": query}
    scope["headers"] = [(name.encode(), value.encode("latin-1")) for name, value in given.items() if value is not None]
    asyncio.run(Guard(inside, TOKEN, hosts)(scope, None, send))
    return sent[0]["status"]


@pytest.mark.parametrize("path", ["/v1", "/v1/events", "/v1/control", "/metrics", "/", "/nothing"])
def test_everything_is_guarded_in_the_same_way(path):
    assert ask(path=path) == 200
    assert ask(path=path, token=None) == 401
    assert ask(path=path, token="Bearer wrong") == 401
    assert ask(path=path, host="evil.example:8421") == 403
    assert ask(path=path, host=None) == 403
    assert ask(path=path, origin="https://evil.example") == 403


@pytest.mark.parametrize(
    "token", [TOKEN, f"Basic {TOKEN}", f"bearer {TOKEN}", f"Bearer {TOKEN} ", "Bearer ", "", "Bearer ä"]
)
def test_only_the_whole_token_will_do(token):
    assert ask(token=token) == 401


def test_a_token_in_the_url_is_none():
    assert ask(token=None, query=f"token={TOKEN}&access_token={TOKEN}".encode()) == 401


def test_tokens_are_compared_in_a_time_that_tells_nothing(monkeypatch):
    compared = []

    def compare(one, other):
        compared.append((one, other))
        return secrets.compare_digest(one, other)

    monkeypatch.setattr(security, "secrets", type("Spy", (), {"compare_digest": staticmethod(compare)}))
    assert ask(token="Bearer x") == 401
    assert ask() == 200
    assert compared == [(b"Bearer x", b"Bearer the-token"), (b"Bearer the-token", b"Bearer the-token")]


@pytest.mark.parametrize(
    ("hosts", "host", "status"),
    [
        (HERE, "localhost:8421", 200),
        (HERE, "LocalHost:8421", 200),
        (HERE, "[::1]:8421", 200),
        (HERE, "127.0.0.1", 403),
        (HERE, "127.0.0.1:8422", 403),
        (HERE, "127.0.0.2:8421", 403),
        (HERE, "192.168.1.5:8421", 403),
        (HERE, "::1:8421", 403),
        (HERE, "", 403),
        (REMOTE, "192.168.1.5:8421", 200),
        (REMOTE, "[fe80::1]:8421", 200),
        (REMOTE, "fe80::1:8421", 403),
        (REMOTE, "[192.168.1.5]:8421", 403),
        (REMOTE, "gpu-box:8421", 200),
        (REMOTE, "gpu-box", 403),
        (REMOTE, "rebound.evil.example:8421", 403),
        (REMOTE, "192.168.1.5:80", 403),
        (REMOTE, "[fe80::1]", 403),
        (Hosts(80), "127.0.0.1", 200),
        (Hosts(80), "[::1]", 200),
        (Hosts(80), "127.0.0.1:80", 200),
        (Hosts(443), "127.0.0.1", 403),
        (Hosts(443, is_secure=True), "127.0.0.1", 200),
    ],
)
def test_the_host_header_must_fit_the_address(hosts, host, status):
    assert ask(hosts, host) == status


@pytest.mark.parametrize(
    ("hosts", "host", "origin", "status"),
    [
        (HERE, "localhost:8421", "http://localhost:8421", 200),
        (HERE, "localhost:8421", "http://LOCALHOST:8421", 200),
        (HERE, "localhost:8421", "http://localhost:8422", 403),
        (HERE, "localhost:8421", "https://localhost:8421", 403),
        (HERE, "localhost:8421", "null", 403),
        (REMOTE, "192.168.1.5:8421", "http://192.168.1.6:8421", 403),
        (SECURE, "gpu-box:8421", "https://gpu-box:8421", 200),
        (SECURE, "gpu-box:8421", "http://gpu-box:8421", 403),
    ],
)
def test_a_page_must_come_from_this_very_host(hosts, host, origin, status):
    assert ask(hosts, host, origin=origin) == status
