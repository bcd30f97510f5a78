"""A row of options of which one is chosen."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QHBoxLayout, QSizePolicy, QWidget

from pypipeline_studio.panels.widgets import CONTROL_PX, paint, paint_focus
from pypipeline_studio.theme.colours import colour, theme
from pypipeline_studio.theme.fonts import font

_STEPS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1}


class Segmented(QWidget):
    """A row of options of which one is chosen. Tab reaches the chosen one, the arrow keys choose another."""

    chosen = Signal(str)
    """The key of the option that a person chose; not emitted by `choose`."""

    def __init__(self, name: str, options: Sequence[tuple[str, str]], *, is_wide: bool = False) -> None:
        """Show options by key and text.

        :param name: what is chosen, for screen readers.
        :param is_wide: whether the options share all of the width.
        """
        super().__init__()
        self.setAccessibleName(name)
        self.setFixedHeight(CONTROL_PX)
        horizontal = QSizePolicy.Policy.Expanding if is_wide else QSizePolicy.Policy.Fixed
        self.setSizePolicy(horizontal, QSizePolicy.Policy.Fixed)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2, 2, 2, 2)
        layout.setSpacing(0)
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self._options: dict[str, _Option] = {}
        for key, text in options:
            option = _Option(text, self)
            option.setAccessibleName(f"{name}: {text}")
            option.clicked.connect(lambda _checked=False, key=key: self.chosen.emit(key))
            option.toggled.connect(self._follow_choice)
            self._group.addButton(option)
            self._options[key] = option
            layout.addWidget(option, 1 if is_wide else 0)
        self.choose(options[0][0])
        theme.changed.connect(self.update)

    @property
    def choice(self) -> str:
        """The key of the chosen option."""
        return next(key for key, option in self._options.items() if option.isChecked())

    def choose(self, key: str) -> None:
        """Choose an option without telling anybody."""
        self._options[key].setChecked(True)

    def set_option_enabled(self, key: str, is_enabled: bool, reason: str = "") -> None:
        """Allow an option, or say in its tooltip why it cannot be chosen."""
        self._options[key].setEnabled(is_enabled)
        self._options[key].setToolTip(reason)

    def option(self, key: str) -> QAbstractButton:
        """The button of an option."""
        return self._options[key]

    def step(self, direction: int) -> None:
        """Choose the next option that can be chosen, as the arrow keys do."""
        usable = [option for option in self._options.values() if option.isEnabled()]
        place = next((index for index, option in enumerate(usable) if option.isChecked()), 0) + direction
        if 0 <= place < len(usable):
            usable[place].setFocus(Qt.FocusReason.TabFocusReason)
            usable[place].click()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = paint(self)
        painter.setPen(QPen(colour("line_strong"), 1))
        painter.setBrush(colour("field"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 5, 5)
        painter.end()

    def _follow_choice(self) -> None:
        for option in self._options.values():
            option.setFocusPolicy(
                Qt.FocusPolicy.StrongFocus if option.isChecked() else Qt.FocusPolicy.ClickFocus,
            )


class _Option(QAbstractButton):
    def __init__(self, text: str, parent: Segmented) -> None:
        super().__init__(parent)
        self._segmented = parent
        self.setText(text)
        self.setCheckable(True)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        # By the bold font, so that nothing moves when another one is chosen.
        return QSize(QFontMetrics(font(12, 600)).horizontalAdvance(self.text()) + 18, CONTROL_PX - 4)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = _STEPS.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            self._segmented.step(step)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter: QPainter = paint(self)
        body = QRectF(self.rect())
        is_lit = self.isEnabled() and (self.isChecked() or self.underMouse())
        if is_lit:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("press" if self.isChecked() else "hover"))
            painter.drawRoundedRect(body, 4, 4)
        painter.setFont(font(12, 600 if self.isChecked() else 400))
        painter.setPen(colour("disabled" if not self.isEnabled() else "text" if self.isChecked() else "text2"))
        painter.drawText(body, Qt.AlignmentFlag.AlignCenter, self.text())
        if self.hasFocus():
            paint_focus(painter, body, 4)
        painter.end()
