"""Running the command line as a process of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

PROBE = str(Path(__file__).with_name("probe.py"))
COMMAND = [sys.executable, "-m", "pypipeline_engine"]
TIMEOUT_S = 60
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


WARNINGS = "error,ignore:There is no current event loop:DeprecationWarning"
"""The processes of Ray inherit them as well, and make one on Python 3.13."""


class CommandLine:
    """Runs commands in a folder of their own, with the standard streams as pipes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "COLUMNS": "30", "PYTHONWARNINGS": WARNINGS, "PYTHONDONTWRITEBYTECODE": "1"}

    def __call__(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """The finished command."""
        return subprocess.run(
            [*COMMAND, *map(str, arguments)],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )

    def start(self, *arguments: object, **streams: Any) -> subprocess.Popen[str]:
        """The command, which goes on."""
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
        return subprocess.Popen(
            [*COMMAND, *map(str, arguments)], cwd=self.folder, env=self.environment, text=True, **streams
        )


def read_until(descriptor: int, text: str) -> str:
    """What comes from a file descriptor up to `text`, or up to its end."""
    seen = b""
    while text.encode() not in seen:
        try:
            chunk = os.read(descriptor, 65536)
        except OSError:  # how Linux says that the other side of a terminal was closed
            break
        if not chunk:
            break
        seen += chunk
    return seen.decode("utf-8", "replace")


def without_escapes(text: str) -> str:
    """The text without colours and movements of the cursor."""
    return _ESCAPE.sub("", text)
