"""What a graph needs beside its cells to run here."""

from __future__ import annotations

from pypipeline_engine.graph.model import Body, Document
from pypipeline_engine.graph.problems import Parts, Problem, describe
from pypipeline_engine.runtime.remote.cluster import NOT_INSTALLED, is_installed


def find_missing(document: Document) -> list[Problem]:
    """The cells that ask for Ray clones, where Ray is not installed. The graph can be drawn and exported all the same."""
    problems: list[Problem] = []
    if not is_installed():
        _look(document, (), problems)
    return problems


def _look(body: Body, parts: Parts, problems: list[Problem]) -> None:
    for name, cell in body.cells.items():
        if cell.disabled or cell.bypassed:
            continue
        place = (*parts, "cells", name)
        if cell.scale is not None and cell.scale.ray:
            message = f"{describe(name)} asks for Ray clones, but {NOT_INSTALLED}"
            problems.append(Problem(message, (*place, "scale")))
        _look(cell, place, problems)
