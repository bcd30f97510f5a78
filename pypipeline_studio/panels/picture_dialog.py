"""Asks how a graph is to be drawn: as PNG or SVG, how large, in which theme, with or without a background."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from pypipeline_studio.panels.segmented import Segmented
from pypipeline_studio.panels.widgets import CheckBox, Label, push_button, row
from pypipeline_studio.theme.tokens import Mode

_WIDTH_PX: Final = 400
_LABEL_PX: Final = 88


@dataclass(frozen=True)
class PictureOptions:
    """How a graph is drawn."""

    format: Literal["png", "svg"] = "png"
    scale: float = 2.0
    """Of a PNG; an SVG has none."""
    mode: Mode = "dark"
    is_transparent: bool = False


class PictureDialog(QDialog):
    """Asks for `PictureOptions`."""

    save_requested = Signal(PictureOptions)
    copy_requested = Signal(PictureOptions)

    def __init__(
        self, options: PictureOptions, size_of: Callable[[float], QSize], parent: QWidget | None = None
    ) -> None:
        """:param options: what is chosen at first.
        :param size_of: the pixels of a picture at a scale.
        """
        super().__init__(parent)
        self.setWindowTitle("Export a picture")
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFixedWidth(_WIDTH_PX)
        self._size_of = size_of
        self.format = Segmented("Format", (("png", "PNG"), ("svg", "SVG")), is_wide=True)
        self.scale = Segmented("Scale", tuple((str(n), f"{n}00 %") for n in range(1, 5)), is_wide=True)
        self.mode = Segmented("Theme", (("dark", "Dark"), ("light", "Light")), is_wide=True)
        self.transparent = CheckBox(
            "Transparent background", "Without the dots of the canvas, and nothing behind the nodes"
        )
        self.note = Label("", 11, 400, "text3")
        self.save_button = push_button("Save …", is_primary=True)
        self.copy_button = push_button("Copy", tip="Put the picture on the clipboard")
        self.cancel_button = push_button("Cancel")
        self.format.choose(options.format)
        self.scale.choose(f"{options.scale:g}")
        self.mode.choose(options.mode)
        self.transparent.setChecked(options.is_transparent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(8)
        for title, field in (("Format", self.format), ("Scale", self.scale), ("Theme", self.mode)):
            label = Label(title, 12, 400, "text2")
            label.setFixedWidth(_LABEL_PX)
            layout.addWidget(row(label, field))
        layout.addWidget(row(_LABEL_PX + 8, self.transparent, None))
        layout.addWidget(row(_LABEL_PX + 8, self.note, None))
        layout.addSpacing(8)
        layout.addWidget(row(self.copy_button, None, self.cancel_button, self.save_button))
        for part in (self.format, self.scale, self.mode):
            part.chosen.connect(self._follow)
        self.save_button.clicked.connect(lambda: self.save_requested.emit(self.options))
        self.copy_button.clicked.connect(lambda: self.copy_requested.emit(self.options))
        self.cancel_button.clicked.connect(self.reject)
        self.save_button.setDefault(True)
        self._follow()
        self.save_button.setFocus()

    @property
    def options(self) -> PictureOptions:
        """What is chosen by now."""
        return PictureOptions(
            "svg" if self.format.choice == "svg" else "png",
            float(self.scale.choice),
            "dark" if self.mode.choice == "dark" else "light",
            self.transparent.isChecked(),
        )

    def _follow(self) -> None:
        is_svg = self.format.choice == "svg"
        self.scale.setEnabled(not is_svg)
        size = self._size_of(float(self.scale.choice))
        self.note.show_text(
            "Sharp at every size; texts are outlines" if is_svg else f"{size.width():,} × {size.height():,} pixels"
        )
