"""Run and Step in a tab while the graph of another one runs: the engine runs one at a time."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMessageBox, QWidget

from pypipeline_studio.session import Session
from pypipeline_studio.window.run_control import RunControl


class RunHere(QObject):
    """Asks before another run is stopped."""

    def __init__(self, session: Session, run_control: RunControl, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._run_control = run_control
        self._window = window

    def run(self) -> None:
        """Run the graph in front."""
        if self._may_run():
            self._run_control.start()

    def step(self) -> None:
        """Let one item through; starts the graph in front where it does not run."""
        if self._may_run():
            self._run_control.step()

    def _may_run(self) -> bool:
        other = self._run_control.running_elsewhere
        if not other or self._run_control.is_next:
            return True
        graph = self._run_control.running_graph
        box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.Question)
        box.setText(f"{other} is running.")
        box.setInformativeText(f"The engine runs one graph at a time. Stop {other} and run {self._session.title}?")
        agree = box.addButton("Stop it and run this one", QMessageBox.ButtonRole.AcceptRole)
        show = box.addButton("Show it", QMessageBox.ButtonRole.ActionRole) if graph is not None else None
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(agree)
        box.exec()
        if graph is not None and box.clickedButton() is show:
            self._session.show(graph)
            return False
        # It may have ended by itself while the question stood there.
        return box.clickedButton() is agree
