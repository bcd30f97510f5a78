"""Files that are whole at any moment: with what they had before, or with all that is new."""

from __future__ import annotations

import errno
import glob
import os
import stat
import threading
from pathlib import Path


def write_file(path: str | os.PathLike[str], content: str | bytes, mode: int = 0o666) -> None:
    """Write a file by way of another one beside it. Nothing is left of that where it fails.

    A link stays one: the file is written that it leads to. The permissions of a file that is there stay as they are, and
    one that is read-only is refused, though it could be replaced. What is no file, such as `/dev/stdout`, is written to.

    :param content: a text is written in UTF-8, with its line ends as they are.
    :param mode: the permissions of a new file, from which the umask of the process takes some.
    :raises OSError: where it cannot be written; its `strerror` tells why.
    :raises ValueError: where the path has a zero in it.
    """
    data = content.encode() if isinstance(content, str) else content
    target = Path(path)
    if target.exists() and not (target.is_file() or target.is_dir()):
        with target.open("wb") as device:
            device.write(data)
        return
    target = Path(os.path.realpath(target))
    if target.is_symlink():  # what is left of links that lead round
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), os.fspath(path))
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "the file is read-only", os.fspath(path))
    # The name may not become too long, and two threads of a process may write the same file.
    part = target.with_name(f".{target.name[:40]}.{os.getpid()}-{threading.get_ident()}.part")
    part.unlink(missing_ok=True)  # of a process that was killed, and had the same number
    try:
        with open(part, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            part.chmod(stat.S_IMODE(target.stat().st_mode))
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def parts_left(path: Path) -> list[Path]:
    """What is beside a file of processes that write it, or that were killed while they did."""
    return list(path.parent.glob(f".{glob.escape(path.name[:40])}.*-*.part"))
