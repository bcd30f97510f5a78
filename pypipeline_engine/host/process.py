"""What the operating system says of this process."""

from __future__ import annotations

import os
from pathlib import Path

from pypipeline_engine.host.protocol import ProcessFigures

_PROC = Path("/proc/self")


def read_process(cpu: float) -> ProcessFigures | None:
    """The process now; `None` where the system does not tell in the way that Linux does.

    :param cpu: CPU seconds per second, measured by the caller.
    """
    try:
        pages = int((_PROC / "statm").read_text().split()[1])
        nb_threads = len(list((_PROC / "task").iterdir()))
        page_bytes = os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return None
    return ProcessFigures(cpu=cpu, memory_bytes=pages * page_bytes, threads=nb_threads)
