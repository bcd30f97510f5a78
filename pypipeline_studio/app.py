"""`pypipeline-studio`: opens the window."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

NO_DISPLAY: Final = 3
"""The exit code where there is no display to open a window on."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Open the studio; returns the exit code when its window was closed."""
    options = _parse(sys.argv[1:] if arguments is None else arguments)
    reason = _explain_no_display()
    if reason:
        print(f"pypipeline-studio: {reason}", file=sys.stderr)  # noqa: T201
        return NO_DISPLAY
    try:
        from pypipeline_studio.window.application import run_application
    except ImportError as error:
        print(  # noqa: T201
            f"pypipeline-studio: {error}. Install what the studio needs with: pip install 'pypipeline-studio[studio]'",
            file=sys.stderr,
        )
        return 1
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Qt's loop does not come back to Python for Ctrl-C
    return run_application(options.graph, options.output_dir, options.cells, options.theme)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="pypipeline-studio", description="Draw a pipeline of cells, run it, and see what limits it."
    )
    parser.add_argument("graph", nargs="?", help="a graph file, or the name of an example that ships")
    parser.add_argument(
        "--output-dir",
        type=Path,
        default=None,
        help="where relative paths of sinks lead, instead of the folder in the preferences or the current one",
    )
    parser.add_argument(
        "--cells",
        action="append",
        default=[],
        metavar="FILE_OR_MODULE",
        help="Python files and modules whose cells may be used; their code runs in the engine. Repeatable.",
    )
    parser.add_argument("--theme", choices=("dark", "light", "system"), default=None)
    return parser.parse_args(arguments)


def _explain_no_display() -> str:
    """Why no window can be opened; empty where one can. Qt itself would abort the process."""
    platform = os.environ.get("QT_QPA_PLATFORM", "")
    if sys.platform in ("darwin", "win32") or platform.partition(":")[0] not in ("", "xcb", "wayland"):
        return ""
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return ""
    return "there is no display: neither DISPLAY nor WAYLAND_DISPLAY is set. `pypipeline run GRAPH` needs none."


if __name__ == "__main__":
    sys.exit(main())
