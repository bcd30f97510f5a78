"""From the arguments of a command to a graph: a document that was checked, or a pipeline."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import click

from pypipeline_engine.catalogue.discovery import Catalogue
from pypipeline_engine.catalogue.model import Folders
from pypipeline_engine.cell import Pipeline
from pypipeline_engine.cli.errors import CommandError
from pypipeline_engine.cli.graphs import find_graph
from pypipeline_engine.cli.overrides import Overrides
from pypipeline_engine.exceptions import GraphException
from pypipeline_engine.graph.build import construct
from pypipeline_engine.graph.check import check
from pypipeline_engine.graph.load import checked, examine_text, folders_for, with_approved
from pypipeline_engine.graph.model import Document
from pypipeline_engine.graph.needs import find_missing
from pypipeline_engine.graph.problems import Problem, WrongGraphException, errors
from pypipeline_engine.graph.reader import Reading, examine, read_bytes


@dataclass(frozen=True)
class Graph:
    """A graph file with the cells that it may use, read and checked."""

    path: Path
    catalogue: Catalogue
    folders: Folders
    reading: Reading

    @property
    def warnings(self) -> list[Problem]:
        """What is probably not meant that way."""
        return [problem for problem in self.reading.problems if problem.severity == "warning"]

    def get_document(self) -> Document:
        """The document.

        :raises CommandError: with everything that is wrong with it.
        """
        try:
            return checked(self.reading)
        except GraphException as error:
            raise CommandError(str(error)) from error

    def build(self) -> Pipeline:
        """The pipeline, not deployed.

        :raises CommandError: with everything that is wrong with it.
        """
        document = self.get_document()
        missing = find_missing(document)
        if missing:
            raise CommandError(str(WrongGraphException(self.reading.with_lines(missing), str(self.path))))
        for warning in self.warnings:
            click.echo(f"{self.path}: {warning}", err=True)
        try:
            return construct(document, self.catalogue, self.folders, str(self.path))
        except GraphException as error:
            raise CommandError(str(error)) from error


def make_catalogue(libraries: Iterable[str]) -> Catalogue:
    """The cells that ship, those of installed distributions, and those of `libraries`.

    :raises CommandError: if one of them cannot be used.
    """
    try:
        return with_approved(None, libraries)
    except GraphException as error:
        raise CommandError(f"--cells: {error}") from error


def open_graph(
    argument: str,
    libraries: Iterable[str] = (),
    output_dir: Path | None = None,
    overrides: Overrides | None = None,
    input_dir: Path | None = None,
) -> Graph:
    """Read and check the graph that `argument` means. Whether it is all right is not decided here.

    :param input_dir: what relative paths of files to be read are relative to, instead of the folder of the graph.
    :raises CommandError: if there is no such file, or it cannot be read.
    """
    path = find_graph(argument)
    catalogue = make_catalogue(libraries)
    folders = folders_for(path, output_dir)
    if input_dir is not None:
        folders = Folders(input_dir.absolute(), folders.outputs)
    try:
        content = read_bytes(path)
    except GraphException as error:
        raise CommandError(str(error)) from error
    reading = examine(content, str(path))
    if overrides is None or errors(reading.problems) or reading.document is None:
        return Graph(path, catalogue, folders, examine_text(content, catalogue, folders, str(path)))
    document = overrides.apply(reading.document, catalogue)
    found = overrides.explain(reading.with_lines(check(document, catalogue, folders)))
    return Graph(path, catalogue, folders, Reading(document, (*reading.problems, *found), reading.place, str(path)))
