"""How everything looks: dark or light, and the colours of heat. It is remembered."""

from __future__ import annotations

from PySide6.QtCore import QObject, QSettings
from PySide6.QtWidgets import QApplication, QMainWindow

from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.canvas.heat_legend import HeatLegend
from pypipeline_studio.theme.colours import theme
from pypipeline_studio.theme.motion import apply_motion, motion
from pypipeline_studio.theme.style import apply, follow_system
from pypipeline_studio.window.actions import Actions


class Appearance(QObject):
    """Does what the actions of the look say."""

    def __init__(self, commands: Actions, canvas: Canvas, parent: QMainWindow) -> None:
        super().__init__(parent)
        self._window = parent
        self._commands = commands
        self._canvas = canvas
        self.legend = HeatLegend(canvas)
        commands["safe_heat"].setChecked(QSettings().value("safe_heat", False, bool))
        theme.safe_heat = commands["safe_heat"].isChecked()
        commands["dark"].setChecked(theme.mode == "dark")
        theme.changed.connect(self._follow_theme)
        apply_motion(parent, QSettings().value("reduced_motion", False, bool))
        commands.on("heat", self._show_heat)
        commands.on("safe_heat", self._show_heat)
        commands.on("dark", self._show_theme)

    def _show_heat(self) -> None:
        theme.safe_heat = self._commands["safe_heat"].isChecked()
        QSettings().setValue("safe_heat", theme.safe_heat)
        self._canvas.show_heat(self._commands["heat"].isChecked())
        self.legend.setVisible(self._commands["heat"].isChecked())
        self.legend.update()

    def _show_theme(self) -> None:
        self.set_theme("dark" if self._commands["dark"].isChecked() else "light")

    def _follow_theme(self) -> None:
        self._commands["dark"].setChecked(theme.mode == "dark")

    @property
    def theme_choice(self) -> str:
        """`dark`, `light`, or `system`."""
        kept = str(QSettings().value("theme", "system"))
        return kept if kept in ("dark", "light") else "system"

    def set_theme(self, choice: str) -> None:
        """Look `dark` or `light`, or follow the `system` whenever that changes."""
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        QSettings().setValue("theme", choice)
        if choice in ("dark", "light"):
            apply(application, "dark" if choice == "dark" else "light")
        else:
            follow_system(application)

    @property
    def reduces_motion(self) -> bool:
        """Whether nothing fades or slides."""
        return motion.is_reduced

    def set_reduced_motion(self, is_reduced: bool) -> None:
        """Let nothing fade or slide, or do as the system does."""
        QSettings().setValue("reduced_motion", is_reduced)
        apply_motion(self._window, is_reduced)
