"""Processes of the engine, as the studio starts them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Final

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment

# `-P`: a `numpy.py` beside a graph, or in the current folder, must not be imported in place of the real one.
ENGINE_COMMAND: Final = (sys.executable, "-P", "-m", "pypipeline_engine")
"""The command line of the engine, up to what it is to do."""


def make_process(
    parent: QObject,
    environment: Mapping[str, str] | None,
    *,
    on_output: Callable[[], None],
    on_errors: Callable[[], None],
    on_finished: Callable[[int, QProcess.ExitStatus], None],
    on_failure: Callable[[QProcess.ProcessError], None],
) -> QProcess:
    """A process that is not started yet.

    :param environment: variables that it gets besides those of this process.
    :param on_output: it has written to its standard output.
    :param on_errors: it has written to its standard error.
    :param on_failure: something went wrong with it; where it could not be started, `on_finished` does not follow.
    """
    process = QProcess(parent)
    variables = QProcessEnvironment.systemEnvironment()
    for name, value in (environment or {}).items():
        variables.insert(name, value)
    process.setProcessEnvironment(variables)
    process.readyReadStandardOutput.connect(on_output)
    process.readyReadStandardError.connect(on_errors)
    process.finished.connect(on_finished)
    process.errorOccurred.connect(on_failure)
    return process
