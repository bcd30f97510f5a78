"""Fixtures for the tests of the command line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_support import CommandLine


@pytest.fixture
def pypipeline(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


@pytest.fixture
def write_graph(tmp_path: Path) -> Callable[..., Path]:
    """Writes a graph file from the types of its cells, or whole entries, and its connections."""

    def write(cells: dict[str, Any], *connections: str, **keys: Any) -> Path:
        document = {
            "format": "pypipeline.graph",
            "version": 1,
            "name": "graph",
            "cells": {name: {"type": cell} if isinstance(cell, str) else cell for name, cell in cells.items()},
            "connections": [connection.split(" > ") for connection in connections],
            **keys,
        }
        path = tmp_path / "graph.json"
        path.write_text(json.dumps(document, indent=2))
        return path

    return write
