"""On what the first clone of a cell runs where nobody says it: chosen in the toolbar, and remembered."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject, QSettings, Signal
from PySide6.QtWidgets import QWidget

from pypipeline_studio.document.scaling import Method
from pypipeline_studio.panels.scaling_section import NO_RAY, NOT_KNOWN_YET
from pypipeline_studio.panels.segmented import Segmented
from pypipeline_studio.panels.widgets import Label, row

SETTING: Final = "clones/method"
"""The key of the settings under which it is kept."""
OPTIONS: Final = (("thread", "Threads"), ("ray", "Ray"))
HELP: Final = "What the first clone of a cell runs on; those that it has stay where they are"


class CloneMethod(QObject):
    """Threads or Ray. While Ray is not installed, new clones run on threads whatever is chosen."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._chosen: Method = "ray" if QSettings().value(SETTING) == "ray" else "thread"
        self._has_ray: bool | None = None

    @property
    def chosen(self) -> Method:
        """What a person has chosen."""
        return self._chosen

    @property
    def usable(self) -> Method:
        """What can be used of that: threads while it is not known that Ray is installed."""
        return self._chosen if self._has_ray else "thread"

    @property
    def obstacle(self) -> str:
        """Why Ray cannot be chosen; empty where it can."""
        return "" if self._has_ray else NOT_KNOWN_YET if self._has_ray is None else NO_RAY

    def choose(self, method: str) -> None:
        """Choose `thread` or `ray`."""
        chosen: Method = "ray" if method == "ray" else "thread"
        if chosen != self._chosen:
            self._chosen = chosen
            QSettings().setValue(SETTING, chosen)
            self.changed.emit()

    def set_has_ray(self, has_ray: bool | None) -> None:
        """Whether the engine has Ray; `None` where that is not known."""
        if has_ray != self._has_ray:
            self._has_ray = has_ray
            self.changed.emit()

    def make_choice(self) -> Segmented:
        """A row of options that chooses it, and follows when it is chosen elsewhere."""
        return _Choice(self)

    def make_labelled_choice(self) -> QWidget:
        """The same with a word in front, for the toolbar."""
        return row(Label("New clones", 12, 400, "text2"), self.make_choice(), spacing=8, margins=(8, 0, 8, 0))


class _Choice(Segmented):
    def __init__(self, method: CloneMethod) -> None:
        super().__init__("New clones", OPTIONS)
        self._method = method
        self.setToolTip(HELP)
        self.chosen.connect(method.choose)
        method.changed.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        self.choose(self._method.chosen)
        obstacle = self._method.obstacle
        # What was chosen can be read whatever is installed.
        self.set_option_enabled("ray", not obstacle or self._method.chosen == "ray", obstacle or HELP)
        self.set_option_enabled("thread", True, HELP)
