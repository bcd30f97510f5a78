"""Graph file -> pipeline, or everything that is wrong with it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from pypipeline_engine.catalogue.discovery import Catalogue
from pypipeline_engine.catalogue.model import Folders, Types
from pypipeline_engine.graph.build import construct
from pypipeline_engine.graph.check import check
from pypipeline_engine.graph.problems import Problem, WrongGraphException, errors, sorted_problems
from pypipeline_engine.graph.reader import Reading, examine, read_bytes, without_consequences

if TYPE_CHECKING:
    from pypipeline_engine.cell import Pipeline
    from pypipeline_engine.graph.model import Document


def load_pipeline(
    path: str | os.PathLike[str],
    *,
    catalogue: Catalogue | None = None,
    output_dir: str | os.PathLike[str] | None = None,
    cells: Iterable[str | os.PathLike[str]] = (),
) -> Pipeline:
    """Build the pipeline that a graph file describes. It is not deployed.

    Nothing is imported but cells that are installed or approved.

    :param catalogue: the cells that may be used; by default those that ship and those of installed distributions.
    :param output_dir: what the relative paths of files to be written are relative to; by default the current folder.
        Those of files to be read are relative to the graph file.
    :param cells: Python files and modules whose cells may be used as well; loading a graph runs their code.
    :raises GraphException: with everything that is wrong with the file, see `WrongGraphException`.
    """
    catalogue = with_approved(catalogue, cells)
    folders = folders_for(path, output_dir)
    document = checked(examine_file(path, catalogue, folders))
    return construct(document, catalogue, folders, str(path))


def with_approved(catalogue: Catalogue | None, cells: Iterable[str | os.PathLike[str]]) -> Catalogue:
    """A catalogue, by default a new one, in which these files and modules are approved.

    :raises GraphException: if one of them cannot be.
    """
    catalogue = catalogue if catalogue is not None else Catalogue()
    for item in cells:
        catalogue.approve(item)
    return catalogue


def folders_for(path: str | os.PathLike[str], output_dir: str | os.PathLike[str] | None = None) -> Folders:
    """What relative paths in a graph file are relative to."""
    return Folders(Path(path).absolute().parent, Path(output_dir or Path()).absolute())


def examine_file(path: str | os.PathLike[str], types: Types, folders: Folders | None = None) -> Reading:
    """Read and check a graph file, however wrong it may be: the problems are all there are, without building anything.

    :raises WrongGraphException: if the file itself cannot be read.
    """
    return examine_text(read_bytes(path), types, folders if folders is not None else folders_for(path), str(path))


def examine_text(text: str | bytes, types: Types, folders: Folders | None = None, source: str = "") -> Reading:
    """Read and check the text of a graph, however wrong it may be. Raises nothing."""
    reading = examine(text, source)
    if reading.document is None:
        return reading
    wrong = [problem.parts for problem in reading.problems]
    found = reading.with_lines(check(reading.document, types, folders, wrong))
    problems = without_consequences([*reading.problems, *found], reading.problems)
    return Reading(reading.document, sorted_problems(problems), reading.place, source)


def checked(reading: Reading) -> Document:
    """The document of a reading without problems that are errors.

    :raises WrongGraphException: where there are any.
    """
    if reading.document is None or errors(reading.problems):
        raise WrongGraphException(reading.problems or [Problem("nothing could be read")], reading.source)
    return reading.document
