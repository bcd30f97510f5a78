"""What a host does not do, and why: an exception with the words for the client."""

from __future__ import annotations

from collections.abc import Iterable

from pypipeline_engine.graph.problems import Problem
from pypipeline_engine.host.protocol import GraphProblem, Refusal

NOT_FOUND = 404
"""There is none."""
CONFLICT = 409
"""Not now: the state of the run does not allow it."""
GONE = 410
"""No more: it was there, and nothing brings it back."""
UNPROCESSABLE = 422
"""Never: what was asked for is wrong."""


class Refused(Exception):
    """A request that is refused. The message is meant for people."""

    def __init__(self, status: int, message: str, problems: Iterable[GraphProblem] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.refusal = Refusal(message=message, problems=tuple(problems))


def to_graph_problem(problem: Problem) -> GraphProblem:
    """A problem as it travels. Lines are not told: the text that they count in is not that of the client's file."""
    return GraphProblem(
        message=problem.message, severity=problem.severity, path=problem.path, cell=problem.cell, line=None
    )
