"""Graphs as they arrive: checked against the catalogue, and built.

Checking and building import modules of cells and run their constructors, and so may take any time.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pypipeline_engine.catalogue.discovery import Catalogue
from pypipeline_engine.catalogue.model import CellType, Folders, KnownTypes
from pypipeline_engine.cell import Pipeline
from pypipeline_engine.graph.build import construct
from pypipeline_engine.graph.load import examine_text
from pypipeline_engine.graph.model import Document
from pypipeline_engine.graph.needs import find_missing
from pypipeline_engine.graph.problems import Problem, WrongGraphException, describe, errors
from pypipeline_engine.graph.reader import Reading
from pypipeline_engine.host import protocol
from pypipeline_engine.host.refusals import UNPROCESSABLE, Refused, to_graph_problem
from pypipeline_engine.numbers import counted


class Built:
    """A pipeline, not deployed, with what it was built from."""

    def __init__(self, document: Document, folders: Folders, types: KnownTypes, pipeline: Pipeline) -> None:
        self.document = document
        self.folders = folders
        self.types = types
        """Those of its cells: looking them up waits for nobody."""
        self.pipeline = pipeline


class Workshop:
    """The one catalogue of a host, made at its first use. Any thread may use it; one at a time does."""

    def __init__(self, make_catalogue: Callable[[], Catalogue] = Catalogue) -> None:
        self._make_catalogue = make_catalogue
        self._catalogue: Catalogue | None = None
        # Guards the catalogue, also while it runs code of cells; no other lock is taken in it.
        self._lock = threading.Lock()

    def _get(self) -> Catalogue:
        if self._catalogue is None:
            self._catalogue = self._make_catalogue()
        return self._catalogue

    def describe(self, *, approved_only: bool = False) -> protocol.Catalogue:
        """All types of cells. Imports what was not imported yet.

        :param approved_only: whether to leave out those that ship or are installed.
        """
        with self._lock:
            catalogue = self._get()
            approved = tuple(catalogue.get_approved())
            wanted = approved if approved_only else (None,)
            types = tuple(cell_type for category in wanted for cell_type in catalogue.get_types(category))
            places = {
                name: protocol.SourcePlace(file=file, line=line)
                for name, (file, line) in catalogue.get_failure_places().items()
            }
            return protocol.Catalogue(
                types=types, failures=catalogue.get_failures(), failure_places=places, approved=approved
            )

    def validate(self, request: protocol.GraphRequest) -> protocol.Validation:
        """Everything that is wrong with a graph, and the ports that its cells have with their parameters."""
        folders = _get_folders(request)
        with self._lock:
            catalogue = self._get()
            reading = _examine(request, catalogue, folders)
            configured: dict[str, CellType] = {}
            for names, cell in reading.document.walk() if reading.document is not None else ():
                cell_type = None if cell.is_pipeline else catalogue.find(cell.type)
                if cell_type is None or not set(cell_type.ports_depend_on) & set(cell.parameters):
                    continue
                known = catalogue.configured(cell_type, cell.parameters, folders)
                if known is not None:
                    configured[".".join(names)] = known
        problems = tuple(to_graph_problem(problem) for problem in reading.problems)
        return protocol.Validation(problems=problems, configured=configured)

    def export(self, request: protocol.ExportRequest) -> protocol.Source:
        """The graph as a Python program.

        :raises Refused: with everything that is wrong with it.
        """
        from pypipeline_engine.graph.export import export

        folders = _get_folders(request)
        target = _get_folder("target", request.target) if request.target else None
        with self._lock:
            catalogue = self._get()
            reading = _examine(request, catalogue, folders)
            if reading.document is None or errors(reading.problems):
                raise _refuse(reading.problems)
            return protocol.Source(text=export(reading.document, catalogue, folders, target=target))

    def build(self, request: protocol.GraphRequest) -> Built:
        """The pipeline that a graph describes.

        :raises Refused: with everything that is wrong with it.
        """
        folders = _get_folders(request)
        with self._lock:
            catalogue = self._get()
            reading = _examine(request, catalogue, folders)
            document = reading.document
            if document is None or errors(reading.problems):
                raise _refuse(reading.problems)
            try:
                pipeline = construct(document, catalogue, folders)
            except WrongGraphException as error:
                raise _refuse(tuple(error.problems)) from error
            return make_built(document, catalogue, folders, pipeline)


def make_built(document: Document, catalogue: Catalogue, folders: Folders, pipeline: Pipeline) -> Built:
    """What was built from a document with the types of a catalogue, which nobody else uses at this time."""
    found = {cell.type: catalogue.find(cell.type) for _, cell in document.walk() if not cell.is_pipeline}
    types = KnownTypes([cell_type for cell_type in found.values() if cell_type is not None])
    return Built(document, folders, types, pipeline)


def _examine(request: protocol.GraphRequest, catalogue: Catalogue, folders: Folders) -> Reading:
    reading = examine_text(json.dumps(request.graph), catalogue, folders)
    missing = find_missing(reading.document) if reading.document is not None else []
    return replace(reading, problems=(*reading.problems, *missing))


def _refuse(problems: tuple[Problem, ...]) -> Refused:
    wrong = errors(problems)
    if len(wrong) == 1:
        place = f"{wrong[0].path}: " if wrong[0].path else ""
        message = f"the graph cannot run: {place}{wrong[0].message}"
    else:
        message = f"the graph cannot run: it has {counted(len(wrong), 'problem')}"
    return Refused(UNPROCESSABLE, message, map(to_graph_problem, problems))


def _get_folders(request: protocol.GraphRequest) -> Folders:
    return Folders(_get_folder("folder", request.folder), _get_folder("output_folder", request.output_folder))


def _get_folder(field: str, text: str) -> Path:
    if not text:
        return Path.cwd()
    if "\0" in text or not Path(text).is_absolute():
        raise Refused(UNPROCESSABLE, f"{field}: an absolute path is expected, not {describe(text)}")
    return Path(text)
