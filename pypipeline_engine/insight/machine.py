"""The machine that a run is on, and what is installed there: what figures depend on besides the graph.

Nothing here names the machine or its user. Where the system does not tell something, it is left out or `None`.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

_LIBRARIES = ("numpy", "cv2", "scipy", "onnxruntime", "torch", "ray")
"""Whose version may decide how fast a cell is. Never imported for that."""


@dataclass(frozen=True)
class Machine:
    """The hardware and the system that a process runs on."""

    os: str
    architecture: str
    cpu_model: str | None
    cores: int
    """Those that this process may use."""
    memory_bytes: int | None
    """Of the whole machine."""
    load: float | None
    """Processes that wanted to run, on average over the minute before."""


@dataclass(frozen=True)
class ProcessFigures:
    """What the process has used until now, and the machine as a whole."""

    cpu_s: float
    """CPU seconds of all of its threads, not of its children."""
    memory_bytes: int | None
    """Resident now."""
    threads: int | None
    machine_busy_s: float | None
    """CPU seconds that all processes used since the machine started, on the cores that this one may use."""


def read_machine() -> Machine:
    """The machine now. Any thread may ask; it does not wait."""
    load = None
    with suppress(OSError, AttributeError):  # unknown on Windows
        load = os.getloadavg()[0]
    return Machine(
        os=f"{platform.system()} {platform.release()}",
        architecture=platform.machine(),
        cpu_model=_read_cpu_model(),
        cores=get_nb_cpus(),
        memory_bytes=_read_memory(),
        load=load,
    )


def read_process(proc: Path = Path("/proc")) -> ProcessFigures:
    """The process now. Any thread may ask; it does not wait."""
    memory_bytes = threads = machine_busy_s = None
    with suppress(OSError, ValueError, IndexError, AttributeError):
        memory_bytes = int((proc / "self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        threads = len(list((proc / "self/task").iterdir()))
    with suppress(OSError, ValueError, IndexError, AttributeError):
        machine_busy_s = _read_busy_ticks(proc / "stat") / os.sysconf("SC_CLK_TCK")
    return ProcessFigures(time.process_time(), memory_bytes, threads, machine_busy_s)


def read_versions() -> dict[str, str]:
    """The versions of the engine, of Python, and of the libraries that this process has loaded by now."""
    from pypipeline_engine import __version__

    versions = {"engine": __version__, "python": platform.python_version()}
    for name in _LIBRARIES:
        version = getattr(sys.modules.get(name), "__version__", None)
        if isinstance(version, str):
            versions[name] = version
    return versions


def _read_cpu_model() -> str | None:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() in ("model name", "Model", "cpu model"):
                return value.strip()
    return platform.processor() or None


def get_nb_cpus() -> int:
    """Cores that this process may use."""
    cores = _find_cores()
    return (os.cpu_count() or 1) if cores is None else len(cores)


def _find_cores() -> set[int] | None:
    """The numbers of those that this process may use; in a container these may be few of many."""
    try:
        return os.sched_getaffinity(0)
    except AttributeError:  # only Linux has it
        return None


def _read_memory() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return None


def _read_busy_ticks(path: Path) -> int:
    """What /proc/stat says of the cores: user, nice, system, idle, iowait, irq, softirq, steal. See proc_stat(5)."""
    cores = {f"cpu{number}" for number in _find_cores() or ()}
    busy = 0
    for line in path.read_text().splitlines():
        name, *rest = line.split()
        if name in cores:
            user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, rest[:8])
            busy += user + nice + system + irq + softirq + steal
    return busy


def is_ray_installed() -> bool:
    """Whether there is a Ray to import, which this does not do."""
    return find_spec("ray") is not None
