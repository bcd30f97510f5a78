"""What the command line changes in a graph before it is checked: `--set` and `--scale`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from pypipeline_engine.catalogue.model import Types
from pypipeline_engine.cli.errors import CommandError
from pypipeline_engine.graph.edit import find_parameter, set_parameter, set_scale, value_of
from pypipeline_engine.graph.model import Document
from pypipeline_engine.graph.problems import Parts, Problem, WrongGraphException, describe

METHODS = ("thread", "ray")


@dataclass
class Overrides:
    """Other values of parameters, and other numbers of clones."""

    assignments: tuple[str, ...] = ()
    """Such as `detect.stride=8`."""
    scaling: tuple[str, ...] = ()
    """Such as `detect=4` or `detect=2:ray`, in place of all clones that the cell had."""
    _options: dict[Parts, str] = field(default_factory=dict)
    """The option that decided what stands at a place of the document."""

    def apply(self, document: Document, types: Types) -> Document:
        """The document with these changes. Whether the parameters take the values is checked later.

        :param types: tell which parameters name files to be read. Relative paths on the command line are meant relative to
            the current folder, unlike those in the document.
        :raises CommandError: for a change of another form, or of a cell or parameter that the document does not have.
        """
        for assignment in self.assignments:
            document = self._assign(document, assignment, types)
        for request in self.scaling:
            document = self._scale(document, request)
        return document

    def explain(self, problems: Iterable[Problem]) -> list[Problem]:
        """The problems of the changed document; those at changed places name the option instead of a line of the file."""
        explained = []
        for problem in problems:
            places = [problem.parts[:end] for end in range(1, len(problem.parts) + 1)]
            option = next((self._options[place] for place in places if place in self._options), None)
            if option is not None:
                problem = replace(problem, message=f"{problem.message} ({option})", line=None)
            explained.append(problem)
        return explained

    def _assign(self, document: Document, assignment: str, types: Types) -> Document:
        target, equals, text = assignment.partition("=")
        names, dot, parameter = target.rpartition(".")
        if not (equals and dot and names and parameter):
            raise CommandError(f"--set expects CELL.PARAM=VALUE, such as detect.stride=8, not {describe(assignment)}")
        option = f"--set {assignment}"
        self._options[*_place(names), "parameters", parameter] = option
        with _told_by(option):
            declared = find_parameter(document, target, types)
            value = value_of(text, declared)
            if isinstance(value, str) and value and "input_path" in declared.type.paths():
                value = str(Path(value).absolute())
            return set_parameter(document, target, value)

    def _scale(self, document: Document, request: str) -> Document:
        name, equals, amount = request.partition("=")
        number, colon, method = amount.partition(":")
        if not (equals and name and number.isascii() and number.isdigit() and (not colon or method in METHODS)):
            raise CommandError(
                f"--scale expects CELL=N or CELL=N:METHOD with the method {' or '.join(METHODS)}, such as detect=4 or "
                f"detect=2:ray, not {describe(request)}"
            )
        option = f"--scale {request}"
        self._options[*_place(name), "scale"] = option
        with _told_by(option):
            return set_scale(document, name, int(number), "ray" if method == "ray" else "thread")


@contextmanager
def _told_by(option: str) -> Iterator[None]:
    """Say which option is refused."""
    try:
        yield
    except WrongGraphException as error:
        raise CommandError(f"{option}: {error.problems[0].message}") from error


def _place(name: str) -> Parts:
    return tuple(part for own in name.split(".") for part in ("cells", own))
