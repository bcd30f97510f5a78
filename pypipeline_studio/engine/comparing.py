"""Comparing two recorded runs, by the command line of the engine in a process of its own."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QProcess, Signal

from pypipeline_studio.engine.child_process import ENGINE_COMMAND


class Comparing(QObject):
    """One comparison. `done` or `failed` follows, once, unless it was cancelled."""

    done = Signal(bytes)
    """What the command wrote: JSON."""
    failed = Signal(str)
    """Why there is no comparison; one sentence."""

    def __init__(self, before: Path, after: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._is_over = False
        self._process = QProcess(self)
        self._process.finished.connect(self._on_finished)
        self._process.errorOccurred.connect(self._on_error)
        program, *first = ENGINE_COMMAND
        self._process.start(program, [*first, "compare", "--json", "--", str(before), str(after)])

    def cancel(self) -> None:
        """End it; nothing is told any more."""
        self._is_over = True
        if self._process.state() != QProcess.ProcessState.NotRunning:
            self._process.kill()
            self._process.waitForFinished()

    def _on_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        if self._is_over:
            return
        self._is_over = True
        if code == 0 and status == QProcess.ExitStatus.NormalExit:
            self.done.emit(bytes(self._process.readAllStandardOutput().data()))
            return
        lines = bytes(self._process.readAllStandardError().data()).decode(errors="replace").strip().splitlines()
        last = lines[-1].removeprefix("Error: ") if lines else f"the engine ended with exit code {code}"
        self.failed.emit(f"These runs cannot be compared: {last}")

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart and not self._is_over:
            self._is_over = True
            self.failed.emit(f"These runs cannot be compared: {self._process.errorString()}")
