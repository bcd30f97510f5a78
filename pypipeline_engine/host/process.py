"""The process of the host in figures."""

from __future__ import annotations

from pypipeline_engine.host.protocol import ProcessFigures
from pypipeline_engine.insight import machine


def read_process(cpu: float) -> ProcessFigures | None:
    """The process now; `None` where the system does not tell in the way that Linux does.

    :param cpu: CPU seconds per second, measured by the caller.
    """
    found = machine.read_process()
    if found.memory_bytes is None or found.threads is None:
        return None
    return ProcessFigures(cpu=cpu, memory_bytes=found.memory_bytes, threads=found.threads)
