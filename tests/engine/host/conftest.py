"""Fixtures for the tests of the host: graphs, and real host processes."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

AWKWARD = Path(__file__).with_name("awkward.py")
LOOKED_AT = Path(__file__).with_name("looked_at.py")
COMMAND = [sys.executable, "-P", "-m", "pypipeline_engine", "host"]
TIMEOUT_S = 60.0


class Host:
    """A host process and a client for it."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        self.hello = json.loads(line)
        self.url = self.hello["url"]
        self.authorization = {"Authorization": f"Bearer {self.hello['token']}"}
        self.client = httpx.Client(base_url=self.url, headers=self.authorization, timeout=TIMEOUT_S)

    def get(self, path: str) -> Any:
        response = self.client.get(f"/v1{path}")
        assert response.status_code == 200, response.text
        return response.json()

    def post(self, path: str, body: Any = None) -> httpx.Response:
        return self.client.post(f"/v1{path}", json={} if body is None else body)

    def run(self, graph: dict[str, Any], folder: Path, path: str = "/run", **options: Any) -> Any:
        response = self.post(path, {"graph": graph, "output_folder": str(folder), **options})
        assert response.status_code == 200, response.text
        return response.json()

    def events(self, wanted: Callable[[str, Any], bool], query: str = "", **headers: str) -> list[tuple[str, str, Any]]:
        """The events (id, name, data) up to the first one that is wanted."""
        seen = []
        with self.client.stream("GET", f"/v1/events{query}", headers=headers) as response:
            assert response.status_code == 200
            event: dict[str, str] = {}
            for line in response.iter_lines():
                key, _, value = line.partition(": ")
                if line:
                    event[key] = value
                    continue
                if "event" in event:
                    seen.append((event.get("id", ""), event["event"], json.loads(event["data"])))
                    if wanted(*seen[-1][1:]):
                        return seen
                event = {}
        raise AssertionError(f"the stream ended after {seen[-3:]}")

    def wait_until_over(self) -> Any:
        return self.events(lambda name, data: name == "run" and data["state"] in ("ended", "stopped", "failed"))[-1][2]

    def stop(self) -> Any:
        self.post("/stop")
        return self.wait_until_over()

    def end(self) -> int:
        """The exit code after the end of the standard input."""
        self.client.close()
        try:
            self.process.communicate(timeout=TIMEOUT_S)
        finally:
            self.process.kill()
        return self.process.returncode


@pytest.fixture(scope="module")
def shared_host() -> Iterator[Host]:
    host = Host("--cells", str(AWKWARD))
    yield host
    host.end()


@pytest.fixture
def host(shared_host: Host) -> Iterator[Host]:
    """A host without a run that goes on. Not for tests whose cells never come back."""
    yield shared_host
    shared_host.stop() if shared_host.get("/run")["run"] else None


@pytest.fixture(scope="module")
def looking_host() -> Iterator[Host]:
    """A host with the cells for the tests of looking into a run."""
    host = Host("--cells", str(LOOKED_AT))
    yield host
    host.end()


@pytest.fixture
def own_host() -> Iterator[Host]:
    host = Host("--cells", str(AWKWARD))
    yield host
    host.process.kill()
    host.process.communicate()
    host.client.close()


@pytest.fixture
def make_graph() -> Callable[..., dict[str, Any]]:
    def make(
        count: int | None = None, work: dict[str, Any] | None = None, kind: str = "demo.Work", **entry: Any
    ) -> dict[str, Any]:
        output = "item" if kind == "demo.Work" else "done"
        return {
            "format": "pypipeline.graph",
            "version": 1,
            "name": "graph",
            "cells": {
                "count": {"type": "sources.Counter", "parameters": {} if count is None else {"count": count}},
                "work": {"type": kind, "parameters": work or {}, **entry},
                "write": {"type": "sinks.JsonLines", "parameters": {"path": "items.jsonl"}},
            },
            "connections": [["count.value", "work.item"], [f"work.{output}", "write.item"]],
        }

    return make
