"""How everything looks: dark or light, and the colours of heat. It is remembered."""

from __future__ import annotations

from PySide6.QtCore import QObject, QSettings
from PySide6.QtWidgets import QApplication

from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.theme.colours import theme
from pypipeline_studio.theme.style import apply
from pypipeline_studio.window.actions import Actions


class Appearance(QObject):
    """Does what the actions of the look say."""

    def __init__(self, commands: Actions, canvas: Canvas, parent: QObject) -> None:
        super().__init__(parent)
        self._commands = commands
        self._canvas = canvas
        commands["safe_heat"].setChecked(QSettings().value("safe_heat", False, bool))
        theme.safe_heat = commands["safe_heat"].isChecked()
        commands["dark"].setChecked(theme.mode == "dark")
        commands.on("heat", self._show_heat)
        commands.on("safe_heat", self._show_heat)
        commands.on("dark", self._show_theme)

    def _show_heat(self) -> None:
        theme.safe_heat = self._commands["safe_heat"].isChecked()
        QSettings().setValue("safe_heat", theme.safe_heat)
        self._canvas.show_heat(self._commands["heat"].isChecked())

    def _show_theme(self) -> None:
        mode = "dark" if self._commands["dark"].isChecked() else "light"
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        apply(application, "dark" if mode == "dark" else "light")
        QSettings().setValue("theme", mode)
