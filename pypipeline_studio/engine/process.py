"""The engine's process: started, drained, and ended, with every way of ending told in words."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError
from PySide6.QtCore import QObject, QProcess, QTimer, Signal

from pypipeline_engine.host.protocol import PROTOCOL_VERSION, Hello
from pypipeline_studio.engine.child_process import ENGINE_COMMAND, make_process

START_MS: Final = 20_000
"""How long the process may take until it says hello. Cells are imported later; a slow disk is all that it waits for."""
_MOST_HELLO_BYTES: Final = 65_536
_LINES_KEPT: Final = 20


def host_command(options: Sequence[str] = ()) -> list[str]:
    """The command of an engine host."""
    return [*ENGINE_COMMAND, "host", *options]


@dataclass(frozen=True)
class EngineEnd:
    """How a process ended."""

    words: str
    """One sentence."""
    was_asked: bool
    """Whether we had asked it to."""
    last_lines: tuple[str, ...] = ()
    """What it wrote to its standard error last."""


class EngineProcess(QObject):
    """One process. Its standard input stays open: where we end, however we end, it sees the end of it and ends too."""

    said_hello = Signal(Hello)
    ended = Signal(EngineEnd)
    """Once; the last thing that is told."""

    def __init__(
        self,
        command: Sequence[str],
        start_ms: int = START_MS,
        environment: Mapping[str, str] | None = None,
        parent: QObject | None = None,
    ) -> None:
        """:param environment: variables that it gets besides those of this process."""
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
        self._output = b""
        self._error_rest = b""
        self._last_lines: deque[str] = deque(maxlen=_LINES_KEPT)
        self._has_said_hello = False
        self._was_asked = False
        self._has_ended = False
        self._reason = ""
        self._start_limit = QTimer(self)
        self._start_limit.setSingleShot(True)
        self._start_limit.setInterval(start_ms)
        self._start_limit.timeout.connect(self._on_start_limit)
        self._grace = QTimer(self)
        self._grace.setSingleShot(True)
        self._grace.timeout.connect(self._process.kill)

    @property
    def pid(self) -> int:
        """The id of the process; 0 where none runs."""
        return int(self._process.processId())

    def start(self) -> None:
        """Start it; `said_hello` or `ended` follows."""
        self._start_limit.start()
        self._process.start(self._command[0], self._command[1:])

    def end(self, grace_ms: int) -> None:
        """Ask it to end, which it does when its run is stopped and its files are finished; kill it where it takes longer."""
        self._was_asked = True
        if self._process.state() == QProcess.ProcessState.NotRunning:
            return
        self._process.closeWriteChannel()
        self._grace.start(grace_ms)

    def kill(self, reason: str = "", was_asked: bool = False) -> None:
        """End it at once.

        :param reason: a sentence to tell in place of how it ended.
        :param was_asked: whether that is nothing to be told as a failure; without a reason it never is.
        """
        self._reason = reason
        self._was_asked = was_asked or not reason
        self._process.kill()

    # ------------------------------------------------------------------ what it writes

    def _read_output(self) -> None:
        if self._has_said_hello:
            self._process.readAllStandardOutput()
            return
        self._output += bytes(self._process.readAllStandardOutput().data())
        line, newline, _ = self._output.partition(b"\n")
        if not newline:
            if len(self._output) > _MOST_HELLO_BYTES:
                self.kill("The engine said something else than expected when it started.")
            return
        self._has_said_hello = True
        self._start_limit.stop()
        try:
            hello = Hello.model_validate_json(line)
        except ValidationError:
            said = line[:80].decode(errors="replace")
            self.kill(f"The engine said something else than expected when it started: {said!r}.")
            return
        if hello.protocol != PROTOCOL_VERSION:
            self.kill(
                f"The engine speaks version {hello.protocol} of the protocol and the studio version {PROTOCOL_VERSION}: "
                f"install the same version of both."
            )
            return
        self.said_hello.emit(hello)

    def _read_error(self) -> None:
        *lines, rest = (self._error_rest + bytes(self._process.readAllStandardError().data())).split(b"\n")
        self._error_rest = rest[-_MOST_HELLO_BYTES:]
        for line in lines:
            self._take_line(line)

    def _take_line(self, line: bytes) -> None:
        self._last_lines.append(line.decode(errors="replace"))

    # ------------------------------------------------------------------ how it ends

    def _on_start_limit(self) -> None:
        self.kill(f"The engine did not start within {self._start_limit.interval() / 1000:g} s.")

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._tell(f"The engine could not be started: {self._process.errorString()}.")

    def _on_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._read_error()
        if self._error_rest:  # last words without an end of line
            self._take_line(self._error_rest)
        self._tell(self._reason or self._explain(code, status == QProcess.ExitStatus.CrashExit))

    def _explain(self, code: int, crashed: bool) -> str:
        last = next((line for line in reversed(self._last_lines) if line.strip()), "")
        if not self._has_said_hello and not self._was_asked:
            return f"The engine ended while it started (exit code {code}){f': {last}' if last else ''}."
        if crashed:
            return f"The engine was ended by {_signal_name(code)}."
        return f"The engine ended with exit code {code}."

    def _tell(self, words: str) -> None:
        if not self._has_ended:
            self._has_ended = True
            self._start_limit.stop()
            self._grace.stop()
            self.ended.emit(EngineEnd(words, self._was_asked, tuple(self._last_lines)))


def _signal_name(number: int) -> str:
    """A signal in words, with what is often behind it."""
    try:
        name = signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
    hint = {
        "SIGKILL": "; perhaps the machine ran out of memory",
        "SIGSEGV": "; code outside of Python crashed",
        "SIGABRT": "; code outside of Python gave up",
    }.get(name, "")
    return f"{name} ({number}){hint}"
