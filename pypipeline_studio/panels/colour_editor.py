"""The editor of a colour: its value as text, and a swatch that opens a dialog."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QColorDialog

from pypipeline_engine.catalogue.model import ParameterType
from pypipeline_studio.panels.parameter_values import MISSING, colour_of
from pypipeline_studio.panels.text_editors import TextEditor
from pypipeline_studio.panels.widgets import CONTROL_PX, paint
from pypipeline_studio.theme.colours import colour, theme


class ColourEditor(TextEditor):
    """For a colour such as `#ff8000`. What is chosen in the dialog is shown at once, and is one edit when it is closed."""

    def __init__(self, parameter: ParameterType, cell: str) -> None:
        super().__init__(parameter, cell)
        self.swatch = _Swatch(parameter.name)
        self.swatch.clicked.connect(self.choose)
        self.line.setSpacing(4)
        self.line.insertWidget(0, self.swatch)
        self.field.textChanged.connect(lambda text: self.swatch.show_colour(colour_of(text)))
        self.takes_unit = False
        self._value: Any = MISSING
        self._before: Any = MISSING

    def show_value(self, value: Any) -> None:
        self._value = value
        super().show_value(value)
        self.swatch.show_colour(colour_of(self.field.text()))

    def choose(self) -> QColorDialog:
        """Open a dialog that does not keep the rest of the window from working; it is deleted when it closes."""
        dialog = QColorDialog(self)
        dialog.setObjectName("colour")
        dialog.setWindowTitle(f"{self.cell}: {self.parameter.name}")
        current = colour_of(self.field.text())
        if current:
            dialog.setCurrentColor(QColor(current))
        self._before = self._value
        # As in a drag: many values, of which the last one ends the edit.
        dialog.currentColorChanged.connect(lambda chosen: self._try(chosen.name(), False))
        dialog.colorSelected.connect(lambda chosen: self._try(chosen.name(), True))
        dialog.rejected.connect(self._take_back)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
        return dialog

    def _try(self, text: str, is_finished: bool) -> None:
        self._value = text
        self.field.show_text(text)
        self.edited.emit(text, is_finished)

    def _take_back(self) -> None:
        if self._before is not MISSING and self._before != self._value:
            self._try(str(self._before), True)


class _Swatch(QAbstractButton):
    """Shows a colour; crossed out where there is none."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._colour = ""
        self.setFixedSize(CONTROL_PX, CONTROL_PX)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip(f"Choose a colour for {name}")
        self.setAccessibleName(self.toolTip())
        theme.changed.connect(self.update)

    def show_colour(self, shown: str) -> None:
        """Show a colour as Qt reads it; empty for none."""
        self._colour = shown
        self.setAccessibleDescription(shown)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(CONTROL_PX, CONTROL_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = paint(self)
        body = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(colour("accent" if self.hasFocus() else "line_field"), 1))
        painter.setBrush(colour("field"))
        painter.drawRoundedRect(body, 4, 4)
        inside = body.adjusted(4, 4, -4, -4)
        painter.setPen(Qt.PenStyle.NoPen)
        if self._colour:
            painter.setOpacity(1.0 if self.isEnabled() else 0.5)
            painter.setBrush(QColor(self._colour))
            painter.drawRoundedRect(inside, 2, 2)
        else:
            painter.setPen(QPen(colour("text3"), 1))
            painter.drawLine(inside.bottomLeft(), inside.topRight())
        painter.end()
