"""How the command line says that something is wrong: one message, no traceback, an exit code."""

from __future__ import annotations

import click

OK = 0
RUN_FAILED = 1
BAD_USAGE = 2


class CommandError(click.ClickException):
    """Ends the command with a message on the standard error, which is never folded."""

    exit_code = BAD_USAGE


def in_one_line(error: BaseException) -> str:
    """Kind and message of an error, whatever line breaks the message has."""
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
