"""New, open, save, export: what the menu File does, with the questions that it asks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from pypipeline_engine.graph.problems import WrongGraphException
from pypipeline_engine.numbers import counted
from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.document.files import headless_command
from pypipeline_studio.document.libraries import cells_options
from pypipeline_studio.document.templates import from_template
from pypipeline_studio.open_graph import OpenGraph
from pypipeline_studio.session import Session
from pypipeline_studio.window.actions import Actions

GRAPH_FILTER: Final = "Graphs (*.json)"
_MOST_DETAILS: Final = 4000


class FileCommands(QObject):
    """What is done with the files of a session: that of the graph in front, where nothing else is said."""

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
            "save": lambda: self.save(),
            "save_as": lambda: self.save_as(),
            "copy_command": self.copy_command,
        }.items():
            commands.on(key, do)

    def set_output_folder(self, folder: Path) -> None:
        """Name another folder in commands."""
        self._output_folder = folder

    def new(self) -> None:
        """Begin an empty graph."""
        self._session.new()

    def new_from(self, template: Path) -> None:
        """Begin a graph like that of a file."""
        try:
            self._session.begin(from_template(template))
        except WrongGraphException as error:
            self._show_message("This graph cannot be opened", f"{template.name} cannot be opened.", str(error))

    def open_dropped(self, files: Sequence[str]) -> None:
        """Open the graphs among files that were dropped on the window; one that is none says why."""
        graphs = [Path(file) for file in files if file.lower().endswith(".json")] or [Path(file) for file in files[:1]]
        opened = self.open_all(graphs)
        others = [Path(file).name for file in files if Path(file) not in graphs]
        if opened and others:
            self.told.emit(f"Opened {', '.join(path.name for path in opened)}; not {', '.join(others)}: no graph.")

    def choose(self) -> None:
        """Ask for graph files and open them."""
        names, _ = QFileDialog.getOpenFileNames(self._window, "Open graphs", str(self._session.folder), GRAPH_FILTER)
        if names:
            self.open_all([Path(name) for name in names])

    def open(self, path: Path) -> bool:
        """Open a graph file, or bring it to the front where it is open; whether it is there now."""
        return bool(self.open_all([path]))

    def open_all(self, paths: Sequence[Path]) -> list[Path]:
        """Open graph files, the last one in front; which of them are there now."""
        opened: list[Path] = []
        wrong: list[tuple[str, str]] = []
        for path in paths:
            try:
                if not opened or path == paths[-1]:
                    self._session.open(path)
                else:
                    self._session.load(path)
            except WrongGraphException as error:
                wrong.append((path.name, str(error)))
            else:
                opened.append(path)
        if wrong:
            names = ", ".join(name for name, _ in wrong)
            self._show_message(
                "This graph cannot be opened" if len(wrong) == 1 else "These graphs cannot be opened",
                f"{names} cannot be opened.",
                "\n\n".join(text for _, text in wrong),
            )
        return opened

    def reload(self) -> None:
        """Take over what another program has written to the file; undo brings back what was here."""
        try:
            self._session.reload()
        except WrongGraphException as error:
            self._show_message(
                "This graph cannot be opened", f"{self._session.title} cannot be opened as it is now.", str(error)
            )

    def save(self, graph: OpenGraph | None = None) -> bool:
        """Save a graph; whether it was saved. It comes to the front where there is something to ask."""
        graph = graph or self._session.front
        if graph.path is None:
            return self.save_as(graph)
        # One that is gone is written again without a question: nothing is lost by it.
        if graph.state_on_disk() == "changed":
            self._session.show(graph)
            if not self._ask(f"{graph.title} was changed by another program since it was opened.", "Overwrite it"):
                return False
        return self._save_to(graph.path, graph)

    def save_as(self, graph: OpenGraph | None = None) -> bool:
        """Ask for a name and save a graph under it; whether it was saved."""
        graph = graph or self._session.front
        self._session.show(graph)
        name, _ = QFileDialog.getSaveFileName(
            self._window, "Save the graph", str(graph.folder / graph.title), GRAPH_FILTER
        )
        if not name:
            return False
        path = Path(name)
        if not path.suffix and not path.is_dir():
            path = path.with_suffix(".json")
            # The dialog has asked about the name without the suffix only.
            if path.exists() and not self._ask(f"There is a {path.name} already.", "Overwrite it"):
                return False
        return self._save_to(path, graph)

    def _save_to(self, path: Path, graph: OpenGraph) -> bool:
        other = self._session.find(path)
        if other is not None and other is not graph:
            is_again = self._show_message(
                "This graph cannot be saved",
                f"{path.name} is open in another tab. The graph is as it was, and not saved.",
                "Close that tab first, or choose another name.",
                "Save as …",
            )
            return is_again and self.save_as(graph)
        try:
            graph.save(path)
        except WrongGraphException as error:
            self._session.show(graph)
            is_again = self._show_message(
                "This graph cannot be saved",
                f"{path.name} cannot be written. The graph is as it was, and not saved.",
                str(error),
                "Save as …",
            )
            return is_again and self.save_as(graph)
        self.told.emit(f"Saved {path}")
        return True

    def copy_command(self) -> None:
        """Put the command line that runs this graph without the studio on the clipboard."""
        if self._session.path is None:
            self.told.emit("Save the graph first: the command names its file.")
            return
        cells = cells_options(self._session.document, self._session.types)
        command = headless_command(self._session.path, self._output_folder, cells)
        QGuiApplication.clipboard().setText(command)
        note = " (save it first to run what you see)" if self._session.is_modified else ""
        self.told.emit(f"Copied: {command}{note}")

    def may_replace(self, graph: OpenGraph | None = None) -> bool:
        """Whether a graph may go: saved, or not wanted any more. It comes to the front where there is something to ask."""
        graph = graph or self._session.front
        unsaved = why_unsaved(graph)
        if not unsaved:
            return True
        self._session.show(graph)
        answer = self._ask_to_save(unsaved, "", QMessageBox.StandardButton.Save)
        if answer == QMessageBox.StandardButton.Save:
            return self.save(graph)
        return answer == QMessageBox.StandardButton.Discard

    def may_quit(self) -> bool:
        """Whether all graphs may go. It is asked once about those that are not saved, each by its name."""
        unsaved = [graph for graph in self._session.graphs if why_unsaved(graph)]
        if len(unsaved) < 2:
            return not unsaved or self.may_replace(unsaved[0])
        text = f"{counted(len(unsaved), 'graph')} have changes that are not saved."
        names = "\n".join(
            f"{graph.title}    {graph.path.parent if graph.path is not None else 'never saved'}" for graph in unsaved
        )
        answer = self._ask_to_save(text, names, QMessageBox.StandardButton.SaveAll)
        if answer == QMessageBox.StandardButton.SaveAll:
            return all(self.save(graph) for graph in unsaved)
        return answer == QMessageBox.StandardButton.Discard

    def _ask_to_save(self, text: str, details: str, save: QMessageBox.StandardButton) -> int:
        box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.Question)
        box.setText(text)
        box.setInformativeText(details)
        buttons = QMessageBox.StandardButton
        box.setStandardButtons(save | buttons.Discard | buttons.Cancel)
        box.setDefaultButton(save)
        if save == buttons.SaveAll:
            box.button(save).setText("Save all")
        return box.exec()

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


def why_unsaved(graph: OpenGraph) -> str:
    """What would be lost if a graph went as it is; empty where nothing would."""
    if graph.state_on_disk() == "gone":
        return f"{graph.title} is not in its folder any more."
    return f"{graph.title} has changes that are not saved." if graph.is_modified else ""
