"""What is done with the statistics of a run: exports, and what is remembered of how they are shown."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QBuffer, QObject, QSettings, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from pypipeline_studio.document.exports import ExportRefused, history_text, table_text, write_file
from pypipeline_studio.panels.statistics import StatisticsPanel
from pypipeline_studio.panels.statistics_tools import StatisticsTools
from pypipeline_studio.session import Session
from pypipeline_studio.window.actions import Actions
from pypipeline_studio.window.menus import STATISTICS_EXPORTS

TABLE_FILTER: Final = "Tables (*.csv)"
PICTURE_FILTER: Final = "Pictures (*.png)"
_COLUMNS, _PLOTS, _HAS_PLOTS = "statistics/hidden_columns", "statistics/plots", "statistics/has_plots"


class StatisticsCommands(QObject):
    """Acts on the statistics of a window."""

    told = Signal(str)
    """Something short for people, such as that a file was written."""

    def __init__(
        self, session: Session, panel: StatisticsPanel, tools: StatisticsTools, commands: Actions, window: QWidget
    ) -> None:
        super().__init__(window)
        self._session = session
        self._panel = panel
        self._tools = tools
        self._window = window
        commands.on("export_table", self.export_table)
        commands.on("export_history", self.export_history)
        commands.on("export_plots", self.export_plots)
        for key in STATISTICS_EXPORTS:
            tools.export_menu.addAction(commands[key])
        self._restore()
        panel.table.columns.changed.connect(self._keep)
        panel.plots.settings_changed.connect(self._keep)
        tools.plots_button.toggled.connect(self._keep)

    def _restore(self) -> None:
        settings = QSettings()
        columns, plots = settings.value(_COLUMNS), settings.value(_PLOTS)
        if isinstance(columns, str):
            self._panel.table.columns.restore(columns)
        if isinstance(plots, str):
            self._panel.plots.restore(plots)
        self._tools.plots_button.setChecked(bool(settings.value(_HAS_PLOTS, True, bool)))

    def _keep(self) -> None:
        settings = QSettings()
        settings.setValue(_COLUMNS, self._panel.table.columns.settings)
        settings.setValue(_PLOTS, self._panel.plots.settings)
        settings.setValue(_HAS_PLOTS, self._tools.plots_button.isChecked())

    # ------------------------------------------------------------------ exports

    def export_table(self) -> None:
        """Ask for a name and write the table as it is shown, with all figures, as CSV."""
        rows = self._panel.model.rows
        if not rows:
            self.told.emit("There are no statistics yet: run the graph first.")
            return
        path = self._ask("Export the statistics", "statistics.csv", TABLE_FILTER)
        if path is not None:
            lines = [(row.name, row.clone, row.type_name, row.is_limit, row.figures) for row in rows]
            self._write(path, table_text(lines).encode())

    def export_history(self) -> None:
        """Ask for a name and write the figures over time as CSV."""
        if not len(self._panel.history):
            self.told.emit("There are no figures over time yet: run the graph first.")
            return
        path = self._ask("Export the figures over time", "history.csv", TABLE_FILTER)
        if path is not None:
            self._write(path, history_text(self._panel.history).encode())

    def export_plots(self) -> None:
        """Ask for a name and write the plots, as they are shown, as a picture."""
        picture = self._panel.plots.draw_picture()
        if picture.isNull():
            self.told.emit("There are no plots to export: run the graph, and show the plots beside the statistics.")
            return
        path = self._ask("Export the plots", "plots.png", PICTURE_FILTER)
        if path is not None:
            self._write(path, _to_png(picture))

    def _ask(self, title: str, ending: str, kinds: str) -> Path | None:
        proposed = self._session.folder / f"{Path(self._session.title).stem}_{ending}"
        name, _ = QFileDialog.getSaveFileName(self._window, title, str(proposed), kinds)
        if not name:
            return None
        path = Path(name)
        if path.suffix:
            return path
        path = path.with_suffix(Path(ending).suffix)
        # The dialog has asked about the name without the suffix only.
        if path.exists() and not self._may_overwrite(path):
            return None
        return path

    def _may_overwrite(self, path: Path) -> bool:
        box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.Warning)
        box.setText(f"There is a {path.name} already.")
        agree = box.addButton("Overwrite it", QMessageBox.ButtonRole.AcceptRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.exec()
        return box.clickedButton() is agree

    def _write(self, path: Path, content: bytes) -> None:
        try:
            write_file(path, content)
        except ExportRefused as error:
            box = QMessageBox(self._window)
            box.setIcon(QMessageBox.Icon.Warning)
            box.setWindowTitle("This cannot be exported")
            box.setText(f"{path.name} cannot be written.")
            box.setInformativeText(f"{error}. Choose another folder or name.")
            box.addButton(QMessageBox.StandardButton.Ok)
            box.exec()
            return
        self.told.emit(f"Wrote {path}")


def _to_png(picture: QImage) -> bytes:
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    picture.save(buffer, "PNG")  # type: ignore[call-overload]  # its stubs want the format as bytes
    return bytes(buffer.data().data())
