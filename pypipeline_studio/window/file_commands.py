"""New, open, save, export: what the menu File does, with the questions that it asks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from pypipeline_engine.graph.problems import WrongGraphException
from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.document.files import headless_command
from pypipeline_studio.document.templates import from_template
from pypipeline_studio.session import Session
from pypipeline_studio.window.actions import Actions

GRAPH_FILTER: Final = "Graphs (*.json)"
_MOST_DETAILS: Final = 4000


class FileCommands(QObject):
    """What is done with the file of a session."""

    told = Signal(str)
    """Something short for people, such as that the graph was saved."""

    def __init__(
        self, session: Session, canvas: Canvas, commands: Actions, output_folder: Path, window: QWidget
    ) -> None:
        super().__init__(window)
        self._session = session
        self._canvas = canvas
        self._output_folder = output_folder
        self._window = window
        for key, do in {
            "new": self.new,
            "open": self.choose,
            "save": self.save,
            "save_as": self.save_as,
            "export_picture": self.export_picture,
            "copy_command": self.copy_command,
        }.items():
            commands.on(key, do)

    def new(self) -> None:
        """Begin with an empty graph, after asking about what is not saved."""
        if self.may_replace():
            self._session.new()

    def new_from(self, template: Path) -> None:
        """Begin with a graph like that of a file, after asking about what is not saved."""
        if not self.may_replace():
            return
        try:
            self._session.begin(from_template(template))
        except WrongGraphException as error:
            self._show_message("This graph cannot be opened", f"{template.name} cannot be opened.", str(error))

    def open_dropped(self, files: Sequence[str]) -> None:
        """Open the first graph among files that were dropped on the window."""
        graphs = [Path(file) for file in files if file.lower().endswith(".json")] or [Path(file) for file in files[:1]]
        if self.open(graphs[0]) and len(files) > 1:
            self.told.emit(f"Opened {graphs[0].name}; a window shows one graph.")

    def choose(self) -> None:
        """Ask for a graph file and open it."""
        name, _ = QFileDialog.getOpenFileName(self._window, "Open a graph", str(self._session.folder), GRAPH_FILTER)
        if name:
            self.open(Path(name))

    def open(self, path: Path) -> bool:
        """Open a graph file, after asking about what is not saved; whether it was opened."""
        if not self.may_replace():
            return False
        try:
            self._session.open(path)
        except WrongGraphException as error:
            self._show_message("This graph cannot be opened", f"{path.name} cannot be opened.", str(error))
            return False
        return True

    def reload(self) -> None:
        """Take over what another program has written to the file; undo brings back what was here."""
        try:
            self._session.reload()
        except WrongGraphException as error:
            self._show_message(
                "This graph cannot be opened", f"{self._session.title} cannot be opened as it is now.", str(error)
            )

    def save(self) -> bool:
        """Save the graph; whether it was saved."""
        if self._session.path is None:
            return self.save_as()
        # One that is gone is written again without a question: nothing is lost by it.
        if self._session.state_on_disk() == "changed" and not self._ask(
            f"{self._session.title} was changed by another program since it was opened.", "Overwrite it"
        ):
            return False
        return self._save_to(self._session.path)

    def save_as(self) -> bool:
        """Ask for a name and save the graph under it; whether it was saved."""
        proposed = self._session.folder / self._session.title
        name, _ = QFileDialog.getSaveFileName(self._window, "Save the graph", str(proposed), GRAPH_FILTER)
        if not name:
            return False
        path = Path(name)
        if not path.suffix and not path.is_dir():
            path = path.with_suffix(".json")
            # The dialog has asked about the name without the suffix only.
            if path.exists() and not self._ask(f"There is a {path.name} already.", "Overwrite it"):
                return False
        return self._save_to(path)

    def _save_to(self, path: Path) -> bool:
        try:
            self._session.save(path)
        except WrongGraphException as error:
            is_again = self._show_message(
                "This graph cannot be saved",
                f"{path.name} cannot be written. The graph is as it was, and not saved.",
                str(error),
                "Save as …",
            )
            return is_again and self.save_as()
        self.told.emit(f"Saved {path}")
        return True

    def export_picture(self) -> None:
        """Ask for a name and write the graph as a picture."""
        proposed = (self._session.path or self._session.folder / self._session.title).with_suffix(".png")
        name, _ = QFileDialog.getSaveFileName(self._window, "Export a picture", str(proposed), "Pictures (*.png)")
        if not name:
            return
        if self._canvas.save_picture(Path(name)):
            self.told.emit(f"Wrote {name}")
        else:
            self._show_message("The picture cannot be written", f"{name} cannot be written.", "Choose another folder.")

    def copy_command(self) -> None:
        """Put the command line that runs this graph without the studio on the clipboard."""
        if self._session.path is None:
            self.told.emit("Save the graph first: the command names its file.")
            return
        command = headless_command(self._session.path, self._output_folder)
        QGuiApplication.clipboard().setText(command)
        note = " (save it first to run what you see)" if self._session.is_modified else ""
        self.told.emit(f"Copied: {command}{note}")

    def may_replace(self) -> bool:
        """Whether the graph may go: saved, or not wanted any more."""
        is_gone = self._session.state_on_disk() == "gone"
        if not self._session.is_modified and not is_gone:
            return True
        box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.Question)
        title = self._session.title
        box.setText(
            f"{title} is not in its folder any more." if is_gone else f"{title} has changes that are not saved."
        )
        buttons = QMessageBox.StandardButton
        box.setStandardButtons(buttons.Save | buttons.Discard | buttons.Cancel)
        box.setDefaultButton(buttons.Save)
        answer = box.exec()
        if answer == buttons.Save:
            return self.save()
        return answer == buttons.Discard

    def _ask(self, text: str, action: str) -> bool:
        box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.Warning)
        box.setText(text)
        agree = box.addButton(action, QMessageBox.ButtonRole.AcceptRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.exec()
        return box.clickedButton() is agree

    def _show_message(self, title: str, text: str, details: str, action: str = "") -> bool:
        """Say what went wrong; whether the action that is offered was chosen."""
        box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.Warning)
        box.setWindowTitle(title)
        box.setText(text)
        box.setInformativeText(details[:_MOST_DETAILS])
        chosen = box.addButton(action, QMessageBox.ButtonRole.AcceptRole) if action else None
        box.addButton(QMessageBox.StandardButton.Cancel if action else QMessageBox.StandardButton.Ok)
        box.exec()
        return chosen is not None and box.clickedButton() is chosen
