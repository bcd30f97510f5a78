"""`pypipeline tune` in a process of its own, so that whatever the graph does there touches neither the window nor a run."""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from PySide6.QtCore import QObject, QProcess, QTimer, Signal

from pypipeline_engine.graph.model import Document
from pypipeline_engine.graph.writer import to_text
from pypipeline_engine.host.tuning_lines import TUNE_LINES, TuneResult
from pypipeline_studio.engine.child_process import ENGINE_COMMAND, make_process

STOP_MS: Final = 15_000
"""How long a measurement may take to end after the search was stopped; what hangs is killed."""
_LINES_KEPT: Final = 12


def tune_command(cells: Sequence[str]) -> list[str]:
    """The command, up to the graph."""
    return [*ENGINE_COMMAND, "tune", *(part for c in cells for part in ("--cells", c))]


class Tuner(QObject):
    """One search. For the thread of the window; nothing waits."""

    line_arrived = Signal(object)
    """A `TuneBegin`, `TuneTrying`, `TuneStep` or `TuneResult`."""
    ended = Signal(str)
    """Once, the last thing that is told: why there is no result, in words; empty where there is one."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str] | None = None, parent: QObject | None = None
    ) -> None:
        """:param command: `tune_command`."""
        super().__init__(parent)
        self._command = list(command)
        self._process = make_process(
            self,
            environment,
            on_output=self._read_output,
            on_errors=self._read_error,
            on_finished=self._on_finished,
            on_failure=self._on_error,
        )
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._rest = b""
        self._errors: deque[str] = deque(maxlen=_LINES_KEPT)
        self._has_result = False
        self._has_ended = False
        self._was_killed = False
        self._limit = QTimer(self)
        self._limit.setSingleShot(True)
        self._limit.setInterval(STOP_MS)
        self._limit.timeout.connect(self.kill)

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.state() != QProcess.ProcessState.NotRunning

    def start(self, document: Document, folder: Path, arguments: Sequence[str]) -> None:
        """Begin to search; `ended` follows.

        :param folder: what relative paths of files to be read are relative to.
        :param arguments: see `TuneWish`.
        """
        self._folder = tempfile.TemporaryDirectory(prefix="pypipeline-studio-tune-")
        graph = Path(self._folder.name) / "graph.json"
        graph.write_text(to_text(document), encoding="utf-8")
        program, *first = self._command
        # Where sinks write, the command sees to itself: into a temporary folder of its own.
        self._process.setWorkingDirectory(self._folder.name)
        self._process.start(program, [*first, str(graph), "--input-dir", str(folder), "--json-lines", *arguments])

    def stop(self) -> None:
        """End the search; what was found until then is told where something was measured."""
        if self.is_running:
            self._process.closeWriteChannel()
            self._limit.start()

    def kill(self) -> None:
        """End the process at once, without a result."""
        self._was_killed = True
        self._process.kill()

    def close(self) -> None:
        """End the process, and tell nobody."""
        self.blockSignals(True)
        if self.is_running:
            self._process.kill()
            self._process.waitForFinished(1000)
        self._clean_up()

    def _read_output(self) -> None:
        *lines, self._rest = (self._rest + bytes(self._process.readAllStandardOutput().data())).split(b"\n")
        for line in lines:
            try:
                told = TUNE_LINES.validate_json(line)
            except ValidationError:  # of a newer engine: what cannot be understood is left out
                continue
            self._has_result |= isinstance(told, TuneResult)
            self.line_arrived.emit(told)

    def _read_error(self) -> None:
        text = bytes(self._process.readAllStandardError().data()).decode(errors="replace")
        self._errors.extend(line for line in text.splitlines() if line.strip())

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._tell(f"The search could not be started: {self._process.errorString()}.")

    def _on_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._read_output()
        self._read_error()
        if self._has_result:
            self._tell("")
        elif self._was_killed:
            self._tell("The search did not come to an end when it was stopped, and was ended.")
        elif self._errors:
            self._tell("\n".join(self._errors).removeprefix("Error: "))
        elif status == QProcess.ExitStatus.CrashExit:
            self._tell(f"The process of the search was ended by signal {code}.")
        else:
            self._tell(f"The search ended with exit code {code} and without a result.")

    def _tell(self, words: str) -> None:
        if not self._has_ended:
            self._has_ended = True
            self._limit.stop()
            self._clean_up()
            self.ended.emit(words)

    def _clean_up(self) -> None:
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.cleanup()
