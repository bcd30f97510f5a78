"""Closing the window while a graph runs: what becomes of the run is asked, because it ends with its engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMessageBox, QWidget

from pypipeline_studio.document.files import monitored_command
from pypipeline_studio.engine.engine import Engine
from pypipeline_studio.session import Session
from pypipeline_studio.window.run_control import RunControl


def may_leave(
    session: Session, engine: Engine, run_control: RunControl, tell: Callable[[str], None], window: QWidget
) -> bool:
    """Whether the window may close; asks where a run would end with it."""
    if not run_control.is_busy or not engine.pid:
        return True
    graph = run_control.running_graph or session.front
    command = monitored_command(graph.path or Path(graph.title), run_control.output_folder)
    saved = "" if graph.path is not None and not graph.is_modified else " Save the graph first."
    box = QMessageBox(window)
    box.setIcon(QMessageBox.Icon.Question)
    box.setText(f"{engine.run.name or graph.title} is running.")
    box.setInformativeText(
        "It runs in the engine of this window and ends with it; files are completed first. To have it go on without the "
        f"studio, run it headless, and attach to it whenever you like:\n\n{command}\n{saved}".rstrip()
    )
    stop = box.addButton("Stop and close", QMessageBox.ButtonRole.AcceptRole)
    copy = box.addButton("Copy the command", QMessageBox.ButtonRole.ActionRole)
    cancel = box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(cancel)
    box.setEscapeButton(cancel)
    box.exec()
    if box.clickedButton() is copy:
        QGuiApplication.clipboard().setText(command)
        tell(f"Copied: {command}{saved}")
    return box.clickedButton() is stop
