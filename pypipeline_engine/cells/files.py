"""Paths that users give to cells, and files that get their name only when they are complete."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from pypipeline_engine.cellio import AParameter
from pypipeline_engine.exceptions import InvalidInputException


def describe_parameter(parameter: AParameter[Any]) -> str:
    """The start of a message about the value of `parameter`."""
    return f"{parameter.get_cell().get_full_name()}: the parameter {parameter.get_name()}"


def get_path(parameter: AParameter[Any]) -> Path:
    """The value of `parameter` as a path; a string will do as well.

    :raises InvalidInputException: if it is neither, or empty.
    """
    value: object = parameter.get_value()
    if not isinstance(value, str | os.PathLike) or value == "":
        raise InvalidInputException(f"{describe_parameter(parameter)} must be a path, not {value!r}")
    return Path(value)


def get_input_file(parameter: AParameter[Any]) -> Path:
    """The file that `parameter` names.

    :raises InvalidInputException: if there is no such file, naming cell, parameter and path.
    """
    path = get_path(parameter)
    if path.is_dir():
        raise InvalidInputException(f"{describe_parameter(parameter)} must name a file, and this is a folder: {path}")
    if not path.exists():
        raise InvalidInputException(f"{describe_parameter(parameter)} names a file that does not exist: {path}")
    return path


def open_input_file(parameter: AParameter[Any]) -> BinaryIO:
    """Open the file that `parameter` names for reading.

    :raises InvalidInputException: if there is no such file or it must not be read.
    """
    path = get_input_file(parameter)
    try:
        return path.open("rb")
    except OSError as error:
        raise InvalidInputException(
            f"{describe_parameter(parameter)} names a file that cannot be read ({error.strerror}): {path}"
        ) from error


def open_text(parameter: AParameter[Any]) -> TextIO:
    """As `open_input_file`, for text: UTF-8 with or without a byte order mark, without translation of line ends."""
    return io.TextIOWrapper(open_input_file(parameter), encoding="utf-8-sig", newline="")


def get_input_folder(parameter: AParameter[Any]) -> Path:
    """The folder that `parameter` names.

    :raises InvalidInputException: if there is no such folder, naming cell, parameter and path.
    """
    path = get_path(parameter)
    if not path.exists():
        raise InvalidInputException(f"{describe_parameter(parameter)} names a folder that does not exist: {path}")
    if not path.is_dir():
        raise InvalidInputException(f"{describe_parameter(parameter)} must name a folder, and this is a file: {path}")
    return path


def check_delimiter(delimiter: str) -> bool:
    """Accepts one character that can stand between the values of a table."""
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n\0':
        raise InvalidInputException("one character is expected, and neither a quote nor the end of a line")
    return True


def get_part_path(path: Path) -> Path:
    """Where the content of `path` is gathered until it is complete: `tracks.part.txt` for `tracks.txt`."""
    return path.with_name(f"{path.stem}.part{path.suffix}")


class PartFile:
    """A file that a sink writes under the name `NAME.part.EXT` and that gets its name when the run has ended well.

    A sink calls `open` in `_on_deploy`, `keep` at the start of `_on_pull`, and `finish` in `_on_undeploy`, which is
    safe whether or not `open` was called or failed. One thread at a time may use it.
    """

    # The targets that are being written in this process. Guarded by the lock, which is held for nothing else.
    _claimed: set[Path] = set()
    _claimed_lock = threading.Lock()

    def __init__(self, parameter: AParameter[Any]) -> None:
        """Write the file that `parameter` will name at deployment."""
        self._parameter = parameter
        self._target: Path | None = None
        self._file: TextIO | None = None
        self._is_kept = False

    @property
    def part_path(self) -> Path:
        """The file that is written. For an open file only."""
        assert self._target is not None, "open() comes first"
        return get_part_path(self._target)

    def open(self) -> TextIO:
        """Start the file anew, as UTF-8 without translation of line ends, making its folder where needed. A half of a
        surrogate pair, which UTF-8 has no form for, is
        written as a backslash, u and four digits.

        :raises InvalidInputException: if it cannot be written, or another cell is writing it.
        """
        target = get_path(self._parameter).resolve()
        if target.is_dir():
            raise InvalidInputException(
                f"{describe_parameter(self._parameter)} must name a file, and this is a folder: {target}"
            )
        with self._claimed_lock:
            if target in self._claimed:
                raise InvalidInputException(
                    f"{describe_parameter(self._parameter)} names a file that another cell is writing: {target}"
                )
            self._claimed.add(target)
        self._target = target
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.part_path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
        except OSError as error:
            raise InvalidInputException(
                f"{describe_parameter(self._parameter)} names a file that cannot be written ({error.strerror}): {target}"
            ) from error
        return self._file

    def keep(self) -> None:
        """Say that a stream has begun: from now on the file counts as a result, even if nothing was written to it."""
        self._is_kept = True

    def restart(self) -> None:
        """Empty the file."""
        if self._file is not None:
            self._file.seek(0)
            self._file.truncate()

    def finish(self, failed: bool) -> None:
        """Close the file. Unless the run has failed, it replaces what stood under its name so far, in one step.

        After a failure the part file stays. Where no stream has begun, there is nothing to keep: the part file is
        removed, and an earlier result stays as it was.

        :raises OSError: if the rest cannot be written; the part file stays.
        """
        target, file, is_kept = self._target, self._file, self._is_kept
        self._target, self._file, self._is_kept = None, None, False
        if target is None:
            return
        part = get_part_path(target)
        try:
            if file is None:
                return
            file.close()
            if not is_kept:
                part.unlink(missing_ok=True)
            elif failed:
                logger = self._parameter.get_cell().logger
                logger.warning("the run failed; what it has written until then stays in %s", part)
            else:
                part.replace(target)
        finally:
            with self._claimed_lock:
                self._claimed.discard(target)
