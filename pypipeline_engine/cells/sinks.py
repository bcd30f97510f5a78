"""Sinks: cells where a stream ends."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from pypipeline_engine.cell import ASingleCell
from pypipeline_engine.cellio import ConfigParameter, Input, RuntimeParameter
from pypipeline_engine.cells.checks import pull_tracks_or_none, refuse, truth, whole
from pypipeline_engine.cells.files import PartFile, check_delimiter
from pypipeline_engine.cells.json_text import to_json
from pypipeline_engine.cells.media_sinks import ImageWriter, VideoWriter
from pypipeline_engine.cells.patterns import fill_pattern, parse_pattern
from pypipeline_engine.exceptions import InvalidInputException

if TYPE_CHECKING:
    from pypipeline_engine.cell import ICompositeCell
    from pypipeline_engine.cells.types import Image, OutputPath, Tracks

__all__ = [
    "Console",
    "Csv",
    "ImageWriter",
    "JsonLines",
    "MotFile",
    "Null",
    "Preview",
    "VideoWriter",
]


def _is_pattern(pattern: str) -> bool:
    parse_pattern(pattern)
    return True


class Console(ASingleCell):
    """Prints each item on a line of its own, as `format` says: `{}` stands for the item, `{:spec}` for the item in a
    format of Python, such as `{:.2f}`. Keeps the order of the items and cannot be scaled.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.item: Input[Any] = Input(self, "item", doc="What to print.")
        self.format: RuntimeParameter[str] = RuntimeParameter(
            self, "format", _is_pattern, default_value="{}", doc="The line to print, with {} or {:spec} for the item."
        )

    def supports_scaling(self) -> bool:
        """Never: the order of the lines matters."""
        return False

    def _on_pull(self) -> None:
        pattern = self.format.pull()
        item = self.item.pull()
        try:
            line = fill_pattern(pattern, item)
        except (ValueError, TypeError) as error:
            refuse(self.item, f"what the format {pattern!r} can show", item, str(error))
        print(line, flush=True)  # noqa: T201  # printing is what it is for


class JsonLines(ASingleCell):
    """Writes each item as a line of JSON, in UTF-8. Arrays become lists; NaN and infinities become null. The file gets
    its name when the run has ended well. Keeps the order of the items and cannot be scaled.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.item: Input[Any] = Input(
            self, "item", doc="What to write: numbers, text, lists, arrays, and dictionaries of them."
        )
        self.path: ConfigParameter[OutputPath] = ConfigParameter(self, "path", doc="The file to write.")
        self._part = PartFile(self.path)
        self._file: TextIO | None = None

    def supports_scaling(self) -> bool:
        """Never: the order of the lines matters."""
        return False

    def _on_deploy(self) -> None:
        self._file = self._part.open()

    def _on_reset(self) -> None:
        self._part.restart()

    def _on_pull(self) -> None:
        assert self._file is not None, "deployed"
        self._part.keep()
        item = self.item.pull()
        try:
            line = to_json(item)
        except TypeError as error:
            refuse(self.item, "what JSON has a form for", item, str(error))
        self._file.write(line + "\n")

    def _on_undeploy(self) -> None:
        self._part.finish(self.run_failed)


class Csv(ASingleCell):
    """Writes each item as a row of a table, in UTF-8. A dictionary gives the values by column; the first one decides
    which columns there are. A list, tuple or array gives the values in their order (columns `value_0` and so on), and
    anything else is the only value (column `value`). The file gets its name when the run has ended well. Keeps the
    order of the items and cannot be scaled.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.item: Input[Any] = Input(self, "item", doc="A row. Lists and arrays inside of it are written as JSON.")
        self.path: ConfigParameter[OutputPath] = ConfigParameter(self, "path", doc="The file to write.")
        self.delimiter: ConfigParameter[str] = ConfigParameter(
            self, "delimiter", check_delimiter, default_value=",", doc="The character between two values."
        )
        self.header: ConfigParameter[bool] = ConfigParameter(
            self, "header", truth, default_value=True, doc="Write the names of the columns in the first line."
        )
        self._part = PartFile(self.path)
        self._file: TextIO | None = None
        self._writer: Any = None
        self._columns: list[str] | None = None
        self._nb_rows = 0

    def supports_scaling(self) -> bool:
        """Never: the order of the rows matters."""
        return False

    def _on_deploy(self) -> None:
        self._file = self._part.open()
        self._writer = csv.writer(self._file, delimiter=self.delimiter.pull())
        self._begin()

    def _on_reset(self) -> None:
        self._part.restart()
        self._begin()

    def _begin(self) -> None:
        self._columns = None
        self._nb_rows = 0

    def _on_pull(self) -> None:
        self._part.keep()
        row = _to_row(self.item.pull())
        columns = list(row)
        if self._columns is None:
            self._columns = columns
            if self.header.pull():
                self._writer.writerow(columns)
        self._check(columns)
        try:
            self._writer.writerow([_to_text(row[column]) for column in self._columns])
        except TypeError as error:
            raise InvalidInputException(
                f"{self.get_full_name()} cannot write row {self._nb_rows + 1}: {error}"
            ) from error
        self._nb_rows += 1

    def _check(self, columns: list[str]) -> None:
        """Raise unless these are the columns of the table."""
        known = self._columns or []
        if columns == known:
            return
        missing = [column for column in known if column not in columns]
        extra = [column for column in columns if column not in known]
        if missing or extra:
            problems = [f"has no value for {column!r}" for column in missing]
            problems += [f"has {column!r}, which the first row had not" for column in extra]
            raise InvalidInputException(
                f"{self.get_full_name()}: row {self._nb_rows + 1} {' and '.join(problems)}; all rows need the same "
                f"columns: {', '.join(known)}"
            )

    def _on_undeploy(self) -> None:
        self._part.finish(self.run_failed)


def _to_row(item: Any) -> dict[str, Any]:
    """The values of a row by column."""
    if isinstance(item, Mapping):
        return {str(column): value for column, value in item.items()}
    if isinstance(item, list | tuple) or (isinstance(item, np.ndarray) and item.ndim):
        return {f"value_{place}": value for place, value in enumerate(item)}
    return {"value": item}


def _to_text(value: Any) -> str:
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and not value.ndim):
        value = value.item()
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return repr(value)
    return to_json(value)


class MotFile(ASingleCell):
    """Writes tracks in the format of the MOTChallenge's results: lines of frame, track, left, top, width, height,
    confidence, and three times -1; frames are numbered from 1. The file gets its name when the run has ended well.
    Keeps the order of the frames and cannot be scaled. See https://motchallenge.net/instructions.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.tracks: Input[Tracks] = Input(
            self, "tracks", doc="Tracks of a frame: float32, n x 6 (x, y, width, height in pixels, score, number)."
        )
        self.index: RuntimeParameter[int] = RuntimeParameter(
            self,
            "index",
            whole,
            default_value=0,
            doc="The number of the frame, from 0. Where it is not connected, frames are counted, skipped ones included.",
        )
        self.path: ConfigParameter[OutputPath] = ConfigParameter(self, "path", doc="The file to write.")
        self._part = PartFile(self.path)
        self._file: TextIO | None = None
        self._count = 0

    def supports_scaling(self) -> bool:
        """Never: it counts frames, and the order of the lines matters."""
        return False

    def _on_deploy(self) -> None:
        self._file = self._part.open()
        self._count = 0

    def _on_reset(self) -> None:
        self._part.restart()
        self._count = 0

    def _on_pull(self) -> None:
        assert self._file is not None, "deployed"
        self._part.keep()
        index = self._count
        self._count += 1
        if self.index.is_connected():
            index = self.index.pull()
        for x, y, width, height, score, track in pull_tracks_or_none(self.tracks).tolist():
            self._file.write(f"{index + 1},{track:.0f},{x:.2f},{y:.2f},{width:.2f},{height:.2f},{score:.4f},-1,-1,-1\n")

    def _on_undeploy(self) -> None:
        self._part.finish(self.run_failed)


class Null(ASingleCell):
    """Takes items and does nothing with them: for measuring what is upstream. May be scaled."""

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.item: Input[Any] = Input(self, "item", doc="Anything.")

    def _on_pull(self) -> None:
        self.item.pull()


class Preview(ASingleCell):
    """Marks images that the studio is to show while the pipeline runs; without the studio it does nothing. May be
    scaled.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.image: Input[Image] = Input(self, "image", doc="Image, grey or in colour.")

    def _on_pull(self) -> None:
        self.image.pull()
