"""Sources: cells where a stream begins."""

from __future__ import annotations

import csv
import json
import math
import random
import re
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

from pypipeline_engine.cell import ASingleCell
from pypipeline_engine.cellio import ConfigParameter, Output, RuntimeParameter
from pypipeline_engine.cells.checks import number, whole_or_none
from pypipeline_engine.cells.files import check_delimiter, open_input_file, open_text
from pypipeline_engine.cells.video_sources import Camera, ImageFolder, SyntheticVideo, VideoFile
from pypipeline_engine.exceptions import InvalidInputException

if TYPE_CHECKING:
    from pypipeline_engine.cell import ICompositeCell
    from pypipeline_engine.cells.types import InputPath, Number, Record

__all__ = [
    "Camera",
    "Counter",
    "Csv",
    "ImageFolder",
    "JsonLines",
    "Random",
    "SyntheticVideo",
    "VideoFile",
]

# As JSON writes numbers, so that a code such as 007 stays the text that it is.
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]+)?([eE][+-]?[0-9]+)?")


class Counter(ASingleCell):
    """Counts: gives `start`, then each time `step` more, endlessly or for `count` items. A new `step` holds from the
    next item on. Keeps its place in the stream and cannot be scaled.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.start: RuntimeParameter[Number] = RuntimeParameter(
            self, "start", default_value=0, doc="The first value; a change shifts all that follow."
        )
        self.step: RuntimeParameter[Number] = RuntimeParameter(
            self, "step", default_value=1, doc="The difference from one value to the next."
        )
        self.count: ConfigParameter[int | None] = ConfigParameter(
            self,
            "count",
            whole_or_none,
            default_value=None,
            minimum=0,
            unit="items",
            doc="How many values to give; none: no end.",
        )
        self.value: Output[Number] = Output(self, "value", doc="The number that was counted to.")
        self._steps: Number = 0
        self._index = 0

    def supports_scaling(self) -> bool:
        """Never: it keeps its place."""
        return False

    def get_nb_available_pulls(self) -> int | None:
        """What is left of `count`."""
        count = self.count.get_value()
        return None if count is None else max(0, count - self._index)

    def _on_deploy(self) -> None:
        self._on_reset()

    def _on_reset(self) -> None:
        self._steps = 0
        self._index = 0

    def _on_pull(self) -> None:
        if self.get_nb_available_pulls() == 0:
            raise StopIteration
        self.value.set_value(self.start.pull() + self._steps)
        self._steps = self._steps + self.step.pull()
        self._index += 1


class Random(ASingleCell):
    """Gives random numbers, evenly distributed from `low` to `high`. The same seed gives the same numbers, also after a
    reset. Keeps its place in the stream and cannot be scaled.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.seed: ConfigParameter[int | None] = ConfigParameter(
            self,
            "seed",
            whole_or_none,
            default_value=0,
            doc="Where the numbers start from; none: from a place that nobody knows.",
        )
        self.low: RuntimeParameter[float] = RuntimeParameter(
            self, "low", number, default_value=0.0, doc="The least value."
        )
        self.high: RuntimeParameter[float] = RuntimeParameter(
            self, "high", number, default_value=1.0, doc="The largest value."
        )
        self.count: ConfigParameter[int | None] = ConfigParameter(
            self,
            "count",
            whole_or_none,
            default_value=None,
            minimum=0,
            unit="items",
            doc="How many values to give; none: no end.",
        )
        self.value: Output[float] = Output(self, "value", doc="A random number.")
        self._random = random.Random()
        self._start = self._random.getstate()
        self._index = 0

    def supports_scaling(self) -> bool:
        """Never: it keeps its place."""
        return False

    def get_nb_available_pulls(self) -> int | None:
        """What is left of `count`."""
        count = self.count.get_value()
        return None if count is None else max(0, count - self._index)

    def _on_deploy(self) -> None:
        self._random.seed(self.seed.pull())
        self._start = self._random.getstate()
        self._index = 0

    def _on_reset(self) -> None:
        self._random.setstate(self._start)
        self._index = 0

    def _on_pull(self) -> None:
        if self.get_nb_available_pulls() == 0:
            raise StopIteration
        self.value.set_value(self._random.uniform(self.low.pull(), self.high.pull()))
        self._index += 1


class Csv(ASingleCell):
    """Reads a table, one row at a time. The first line of the file names the columns. A value that is written as a
    number, the way JSON does it, becomes one; all others stay text. The file is UTF-8; empty lines are left out. Keeps
    its place in the file and cannot be scaled.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.path: ConfigParameter[InputPath] = ConfigParameter(self, "path", doc="The file to read.")
        self.delimiter: ConfigParameter[str] = ConfigParameter(
            self, "delimiter", check_delimiter, default_value=",", doc="The character between two values."
        )
        self.row: Output[Record] = Output(self, "row", doc="The values of one row by the names of their columns.")
        self._file: TextIO | None = None
        self._reader: Any = None
        self._columns: list[str] = []

    def supports_scaling(self) -> bool:
        """Never: it keeps its place."""
        return False

    def _on_deploy(self) -> None:
        self._file = open_text(self.path)
        self._on_reset()

    def _on_reset(self) -> None:
        assert self._file is not None, "deployed"
        self._file.seek(0)
        self._reader = csv.reader(self._file, delimiter=self.delimiter.pull(), strict=True)
        self._columns = self._read_line() or []
        if not self._columns:
            raise self._error("there is no line with the names of the columns")
        twice = sorted({column for column in self._columns if self._columns.count(column) > 1})
        if twice:
            raise self._error(f"several columns are named {twice[0]!r}")

    def _on_pull(self) -> None:
        values = self._read_line()
        if values is None:
            raise StopIteration
        if len(values) != len(self._columns):
            raise self._error(f"{len(values)} values, where the first line names {len(self._columns)} columns")
        self.row.set_value(dict(zip(self._columns, map(_parse, values), strict=True)))

    def _on_undeploy(self) -> None:
        if self._file is not None:
            self._file.close()

    def _read_line(self) -> list[str] | None:
        """The values of the next line that is not empty, `None` at the end."""
        try:
            for values in self._reader:
                if values:
                    line: list[str] = values
                    return line
        except csv.Error as error:
            raise self._error(f"this is not a table separated by {self.delimiter.pull()!r}: {error}") from error
        except UnicodeDecodeError as error:
            raise self._error(f"this or a line below is not UTF-8 text: {error.reason}") from error
        return None

    def _error(self, what: str) -> InvalidInputException:
        return InvalidInputException(
            f"{self.get_full_name()}: line {self._reader.line_num or 1} of {self.path.pull()}: {what}"
        )


def _parse(text: str) -> str | float:
    match = _NUMBER.fullmatch(text)
    if match is None:
        return text
    if match[2] is None and match[3] is None:
        return int(text)
    number = float(text)
    return number if math.isfinite(number) else text


class JsonLines(ASingleCell):
    """Reads a file with one JSON value in each line, such as `sinks.JsonLines` writes. The file is UTF-8; empty lines
    are left out. Keeps its place in the file and cannot be scaled.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.path: ConfigParameter[InputPath] = ConfigParameter(self, "path", doc="The file to read.")
        self.item: Output[Any] = Output(self, "item", doc="The value of one line.")
        self._file: BinaryIO | None = None
        self._line = 0

    def supports_scaling(self) -> bool:
        """Never: it keeps its place."""
        return False

    def _on_deploy(self) -> None:
        self._file = open_input_file(self.path)
        self._line = 0

    def _on_reset(self) -> None:
        assert self._file is not None, "deployed"
        self._file.seek(0)
        self._line = 0

    def _on_pull(self) -> None:
        assert self._file is not None, "deployed"
        for line in self._file:
            self._line += 1
            if line.strip():
                self.item.set_value(self._parse(line))
                return
        raise StopIteration

    def _on_undeploy(self) -> None:
        if self._file is not None:
            self._file.close()

    def _parse(self, line: bytes) -> Any:
        try:
            return json.loads(line.decode("utf-8-sig"))  # some editors put a byte order mark before the first line
        except (ValueError, RecursionError) as error:
            reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
            raise InvalidInputException(
                f"{self.get_full_name()}: line {self._line} of {self.path.pull()} is not a JSON value: {reason}"
            ) from error
