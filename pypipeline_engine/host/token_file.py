"""A token in a file that nobody but its owner can read, for as long as it is good for something."""

from __future__ import annotations

import os
import re
import secrets
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

_TOKEN = re.compile(rb"[\w-]{43}\n?")
"""What the token of another process looks like, which may be left from one that was killed."""


class TokenFile:
    """A file with a token. A context manager, which removes it at the end.

    Only the owner can read it, at any time; whoever reads it gets the whole token.
    """

    def __init__(self, token: str, path: Path | None = None) -> None:
        """Write the file.

        :param path: where; without, in the runtime folder of the user, or else in a new folder of its own.
        :raises FileExistsError: if there is a file that holds something else.
        :raises OSError: if it cannot be written.
        """
        self._content = f"{token}\n".encode()
        self._own_folder: Path | None = None
        if path is None:
            folder = _get_runtime_folder()
            if folder is None:
                folder = self._own_folder = Path(tempfile.mkdtemp(prefix="pypipeline-"))
            path = folder / f"pypipeline-run-{os.getpid()}.token"
        self.path = path.absolute()
        try:
            self._write()
        except BaseException:
            self._remove_folder()
            raise

    def _write(self) -> None:
        if _holds_something_else(self.path):
            raise FileExistsError(f"{self.path} holds something that is no token, and stays as it is")
        part = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}.part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(self._content)
            part.replace(self.path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise

    def remove(self) -> None:
        """Remove the file, if it is still this one. May be called twice, and never raises."""
        with suppress(OSError):
            if self.path.read_bytes() == self._content:
                self.path.unlink()
        self._remove_folder()

    def _remove_folder(self) -> None:
        if self._own_folder is not None:
            with suppress(OSError):
                self._own_folder.rmdir()

    def __enter__(self) -> TokenFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def _holds_something_else(path: Path) -> bool:
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return True
    except FileNotFoundError:
        return False
    if path.stat().st_size > len(secrets.token_urlsafe(32)) + 1:
        return True
    content = path.read_bytes()
    return bool(content) and _TOKEN.fullmatch(content) is None


def _get_runtime_folder() -> Path | None:
    """`XDG_RUNTIME_DIR`, where it is what it should be: a folder of this user that others cannot look into."""
    named = os.environ.get("XDG_RUNTIME_DIR", "")
    if not Path(named).is_absolute():
        return None
    try:
        found = Path(named).stat()
    except OSError:
        return None
    is_private = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
    return Path(named) if is_private and os.access(named, os.W_OK) else None
