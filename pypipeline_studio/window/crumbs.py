"""Above the canvas: the file, and the way to the nested pipeline that is shown."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QWidget

from pypipeline_engine.numbers import counted
from pypipeline_studio.theme.colours import hex_of, theme
from pypipeline_studio.theme.fonts import font
from pypipeline_studio.theme.icons import icon


class Crumbs(QFrame):
    """The file and the path in it; a click on a part goes there."""

    path_chosen = Signal(tuple)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("crumbs")
        self.setFixedHeight(33)
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(8, 0, 12, 0)
        self._layout.setSpacing(2)
        self._parts: list[QWidget] = []
        self._layout.addStretch(1)
        self._count = QLabel(self)
        self._count.setFont(font(11))
        self._layout.addWidget(self._count)
        theme.changed.connect(self._restyle)
        self._restyle()

    def show_path(self, title: str, is_modified: bool, path: tuple[str, ...], nb_cells: int) -> None:
        """Show where the canvas is."""
        for part in self._parts:
            self._layout.removeWidget(part)
            part.hide()
            part.deleteLater()
        self._parts = []
        names = (title + (" ●" if is_modified else ""), *path)
        for depth, name in enumerate(names):
            if depth:
                self._add(QLabel("›", self))
            button = QToolButton(self)
            button.setText(name)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setFont(font(12, 600 if depth == len(names) - 1 else 400))
            if not depth:
                button.setIcon(icon("git-fork"))
                button.setToolTip("There are changes that are not saved" if is_modified else "Saved")
            target = path[:depth]
            button.clicked.connect(lambda _checked=False, target=target: self.path_chosen.emit(target))
            self._add(button)
        self._count.setText(counted(nb_cells, "cell"))

    def _add(self, part: QWidget) -> None:
        self._layout.insertWidget(len(self._parts), part)
        self._parts.append(part)

    def _restyle(self) -> None:
        self._count.setStyleSheet(f"color: {hex_of('text3')}")
