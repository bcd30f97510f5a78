"""A real headless run that can be watched, for tests."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

GRAPH = {
    "format": "pypipeline.graph",
    "version": 1,
    "name": "headless",
    "cells": {
        "count": {"type": "sources.Counter"},
        "work": {"type": "demo.Work", "parameters": {"milliseconds": 10}},
        "write": {"type": "sinks.JsonLines", "parameters": {"path": "items.jsonl"}},
    },
    "connections": [["count.value", "work.item"], ["work.item", "write.item"]],
    "view": {"count": {"pos": [0, 0]}, "work": {"pos": [280, 0]}, "write": {"pos": [560, 0]}},
}


class WatchedRun:
    """`pypipeline run --monitor` as a process."""

    def __init__(self, folder: Path, *options: str, graph=GRAPH) -> None:
        self.folder = folder
        (folder / "headless.json").write_text(json.dumps(graph))
        command = [sys.executable, "-m", "pypipeline_engine", "run", "headless.json"]
        command += options if "--monitor" in options else ("--monitor", *options)
        self.process = subprocess.Popen(
            command, cwd=folder, env=dict(os.environ), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stderr is not None
        seen = []
        while not (line := self.process.stderr.readline()).startswith("Monitor: "):
            assert line, seen
            seen.append(line)
        self.line = line
        found = re.fullmatch(r"Monitor: (\S+), token in (.*)\n", line)
        assert found is not None
        self.url, self.token_file = found[1], Path(found[2])
        self.token = self.token_file.read_text().strip()

    def wait(self) -> int:
        """The exit code, when it has ended by itself."""
        assert self.process.stderr is not None
        self.process.communicate(timeout=60)
        return self.process.returncode

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
