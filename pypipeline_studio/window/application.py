"""From arguments to an application with its window, and to the end of both."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication

from pypipeline_engine.graph.problems import WrongGraphException
from pypipeline_engine.resources import get_examples
from pypipeline_studio.theme.fonts import load_fonts
from pypipeline_studio.theme.style import apply, follow_system
from pypipeline_studio.window.main_window import MainWindow
from pypipeline_studio.window.output_folder import output_folder


def run_application(graph: str | None, given_folder: Path | None, cells: Sequence[str], mode: str | None) -> int:
    """Open the window and wait until it is closed; returns the exit code.

    :param graph: a graph file, or the name of an example that ships.
    :param given_folder: what relative paths of sinks are relative to; `None` for what was chosen in the preferences.
    :param mode: `dark`, `light`, `system`, or `None` for what was chosen last.
    """
    application = make_application(mode)
    window = MainWindow(output_folder(given_folder), cells)
    window.reopen_tabs()
    if graph is not None:
        path = Path(graph)
        if not path.exists():
            path = get_examples().get(graph, path)
        try:
            window.session.open(path)
        except WrongGraphException as error:
            print(f"pypipeline-studio: {error}", file=sys.stderr)  # noqa: T201
            return 2
    window.show()
    window.start_engine()
    window.offer_recovery()
    return application.exec()


def make_application(mode: str | None = None) -> QApplication:
    """The application with its fonts and its looks; the one there is where there is one."""
    known = QApplication.instance()
    application = known if isinstance(known, QApplication) else QApplication(sys.argv[:1])
    application.setOrganizationName("pypipeline")
    application.setApplicationName("pypipeline-studio")
    application.setApplicationDisplayName("PyPipeline Studio")
    application.setDesktopFileName("pypipeline-studio")
    load_fonts()
    chosen = mode or str(QSettings().value("theme", "system"))
    if chosen in ("dark", "light"):
        apply(application, "dark" if chosen == "dark" else "light")
    else:
        follow_system(application)
    return application
