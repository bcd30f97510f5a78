"""Small widgets that the panels are made of, in the colours of the tokens."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QKeyEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import (
    QCheckBox,
    QDockWidget,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from pypipeline_studio.theme.colours import category_colour, colour, mix, theme
from pypipeline_studio.theme.fonts import font
from pypipeline_studio.theme.icons import draw_icon, icon

PAD_PX = 12
CONTROL_PX = 28
HEAD_PX = 33
"""Of the heads of panels and the tab row, with the line below them."""
_BOX_PX = 16
_CENTRED_LEFT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft


def paint(widget: QWidget) -> QPainter:
    """An antialiasing painter on a widget; for a `paintEvent`, which ends it."""
    painter = QPainter(widget)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    return painter


def row(*parts: QWidget | int | None, spacing: int = 8, margins: tuple[int, int, int, int] = (0, 0, 0, 0)) -> QWidget:
    """Widgets beside each other; a number is a space in pixels, `None` takes what is left."""
    return _line(QHBoxLayout(), parts, spacing, margins)


def column(
    *parts: QWidget | int | None, spacing: int = 8, margins: tuple[int, int, int, int] = (0, 0, 0, 0)
) -> QWidget:
    """Widgets below each other; a number is a space in pixels, `None` takes what is left."""
    return _line(QVBoxLayout(), parts, spacing, margins)


def _line(
    layout: QHBoxLayout | QVBoxLayout,
    parts: Sequence[QWidget | int | None],
    spacing: int,
    margins: tuple[int, int, int, int],
) -> QWidget:
    holder = QWidget()
    holder.setLayout(layout)
    layout.setContentsMargins(*margins)
    layout.setSpacing(spacing)
    for part in parts:
        if part is None:
            layout.addStretch(1)
        elif isinstance(part, int):
            layout.addSpacing(part)
        else:
            layout.addWidget(part)
    return holder


def mark_wrong(field: QWidget, is_wrong: bool) -> None:
    """Give a field the colour of errors, or take it away."""
    if bool(field.property("wrong")) != is_wrong:
        set_look(field, "wrong", is_wrong)


def set_look(widget: QWidget, name: str, value: bool) -> None:
    """Set a property that the style sheet asks for, which looks at it again only when it is told to."""
    widget.setProperty(name, value)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def clear_layout(layout: QLayout) -> None:
    """Take everything out of a layout; the widgets are deleted when the event that is handled is over."""
    while layout.count():
        item = layout.takeAt(0)
        widget = item.widget() if item is not None else None
        if widget is not None:
            widget.hide()
            widget.deleteLater()


def tooltip(title: str, *lines: str) -> str:
    """A tooltip with a bold first line that wraps; texts of cells are shown as they are, never read as HTML."""
    parts = [f"<b>{html.escape(title)}</b>"] if title else []
    parts += [html.escape(line).replace("\n", "<br>") for line in lines if line]
    return f"<qt>{'<br>'.join(parts)}</qt>" if parts else ""


class Label(QLabel):
    """Text in the colour of a token. With `elides`, what does not fit is left out and shown in the tooltip."""

    def __init__(
        self,
        text: str = "",
        px: int = 12,
        weight: int = 400,
        colour: str = "text",
        *,
        fixed: bool = False,
        tabular: bool = False,
        wraps: bool = False,
        elides: bool = False,
    ) -> None:
        super().__init__(text)
        self._colour = colour
        self._elides = elides
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setFont(font(px, weight, fixed, tabular))
        self.setWordWrap(wraps)
        if elides:
            self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
            self.setToolTip(tooltip("", text))
        self._restyle()
        theme.changed.connect(self._restyle)

    def set_colour(self, name: str) -> None:
        """Take the colour of another token."""
        if name != self._colour:
            self._colour = name
            self._restyle()

    def set_font(self, shown: QFont) -> None:
        if shown != self.font():
            self.setFont(shown)

    def show_text(self, text: str) -> None:
        """Show another text; nothing happens where it is the same."""
        if text != self.text():
            self.setText(text)
            if self._elides:
                self.setToolTip(tooltip("", text))

    def minimumSizeHint(self) -> QSize:
        least = super().minimumSizeHint()
        return QSize(0, least.height()) if self._elides else least

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._elides:
            super().paintEvent(event)
            return
        painter = QPainter(self)
        painter.setFont(self.font())
        painter.setPen(colour(self._colour))
        place = self.rect().adjusted(max(0, self.indent()), 0, 0, 0)
        text = QFontMetrics(self.font()).elidedText(self.text(), Qt.TextElideMode.ElideRight, place.width())
        painter.drawText(place, int(self.alignment() | Qt.AlignmentFlag.AlignVCenter), text)
        painter.end()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        # A new style sheet brings back the palette that the widget had before the last one.
        if event.type() == QEvent.Type.StyleChange:
            self._restyle()

    def _restyle(self) -> None:
        palette = QPalette(self.palette())
        if palette.color(QPalette.ColorRole.WindowText) != colour(self._colour):
            palette.setColor(QPalette.ColorRole.WindowText, colour(self._colour))
            palette.setColor(QPalette.ColorRole.Text, colour(self._colour))
            self.setPalette(palette)
        self.update()


class IconView(QWidget):
    """An icon in the colour of a token."""

    def __init__(self, name: str, colour: str = "text2", px: int = 16, box_px: int | None = None) -> None:
        super().__init__()
        self._name = name
        self._colour = colour
        self._px = px
        self.setFixedSize(box_px or px, box_px or px)
        theme.changed.connect(self.update)

    def show_icon(self, name: str, colour: str) -> None:
        if (name, colour) != (self._name, self._colour):
            self._name, self._colour = name, colour
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = paint(self)
        draw_icon(painter, QRectF(self.rect()), self._name, colour(self._colour), self._px)
        painter.end()


class CountPill(QWidget):
    """A number beside a title; in the colour of errors where there are some."""

    _RIGHT_PX = 6
    """Room on its right: in a row of tabs, the next one begins there."""

    def __init__(self) -> None:
        super().__init__()
        self.shown = (0, False)
        """What it shows: the number, and whether there are errors."""
        theme.changed.connect(self.update)

    def show_count(self, number: int, has_errors: bool) -> None:
        self.shown = (number, has_errors)
        width = QFontMetrics(font(11, 600, tabular=True)).horizontalAdvance(str(number))
        self.setFixedSize(max(18, width + 10) + self._RIGHT_PX, 18)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = paint(self)
        number, has_errors = self.shown
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour("error_fill" if has_errors else "press"))
        pill = QRectF(self.rect()).adjusted(0, 0, -self._RIGHT_PX, 0)
        painter.drawRoundedRect(pill, 9, 9)
        painter.setFont(font(11, 600, tabular=True))
        painter.setPen(colour("on_accent" if has_errors else "text"))
        painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, str(number))
        painter.end()


class Rule(QFrame):
    """A line of one pixel between sections, or between groups of a row."""

    def __init__(self, is_vertical: bool = False) -> None:
        super().__init__()
        if is_vertical:
            self.setFixedWidth(1)
        else:
            self.setFixedHeight(1)
        theme.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), colour("line"))
        painter.end()


def tool_button(
    icon_name: str, tip: str, *, px: int = 16, text: str = "", icon_colour: str = "text2", is_checkable: bool = False
) -> QToolButton:
    """A flat button. Its accessible name is the tooltip without the keys in brackets."""
    button = QToolButton()
    button.setIcon(icon(icon_name, icon_colour))
    button.setIconSize(QSize(px, px))
    button.setToolTip(tip)
    button.setAccessibleName(text or tip.partition(" (")[0])
    button.setAutoRaise(True)
    button.setCheckable(is_checkable)
    button.setFont(font(12, 500))
    if text:
        button.setText(text)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    else:
        button.setProperty("icononly", True)
    return button


class _PushButton(QPushButton):
    """Enter presses the button that has the focus, and not the one that its dialog has for Enter elsewhere."""

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if event.type() == QEvent.Type.ShortcutOverride:  # on the first page it is a shortcut of the canvas, too
                event.accept()
                return True
            if event.type() == QEvent.Type.KeyPress:
                if not event.isAutoRepeat():
                    self.click()
                return True
        return super().event(event)


def push_button(text: str, *, is_primary: bool = False, tip: str = "") -> QPushButton:
    button = _PushButton(text)
    button.setFont(font(12, 600 if is_primary else 400))
    button.setProperty("primary", is_primary)
    button.setAutoDefault(False)
    button.setToolTip(tip)
    return button


class CheckBox(QCheckBox):
    """A check box with an outline that can be seen on panels, which that of Fusion cannot."""

    def __init__(self, text: str = "", tip: str = "") -> None:
        super().__init__(text)
        self.setFont(font(12))
        self.setToolTip(tip)
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        width = QFontMetrics(self.font()).horizontalAdvance(self.text())
        return QSize(_BOX_PX + (8 + width if self.text() else 0) + 2, 24)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def hitButton(self, point: QPoint) -> bool:
        return self.rect().contains(point)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = paint(self)
        box = QRectF(1.5, (self.height() - _BOX_PX) / 2 + 0.5, _BOX_PX - 1, _BOX_PX - 1)
        is_filled = self.isChecked() and self.isEnabled()
        outline = "line" if not self.isEnabled() else "accent_fill" if is_filled else "line_field"
        painter.setPen(QPen(colour("accent" if self.hasFocus() else outline), 1))
        painter.setBrush(colour("accent_fill" if is_filled else "field"))
        painter.drawRoundedRect(box, 4, 4)
        if self.isChecked():
            draw_icon(painter, box, "check-bold", colour("on_accent" if self.isEnabled() else "disabled"), 11)
        painter.setFont(self.font())
        painter.setPen(colour("text" if self.isEnabled() else "disabled"))
        painter.drawText(QRectF(_BOX_PX + 8, 0, self.width(), self.height()), _CENTRED_LEFT, self.text())
        painter.end()


class KeyCap(QWidget):
    """A key, such as `Ctrl+O`, in a frame of constant height."""

    def __init__(self, text: str, px: int = 10) -> None:
        super().__init__()
        self.text: Final = text
        self._font = font(px, 500)
        width = QFontMetrics(self._font).horizontalAdvance(text)
        self.setFixedSize(width + (10 if px <= 10 else 18), 16 if px <= 10 else 22)
        self.setAccessibleName(f"Key {text}")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        theme.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = paint(self)
        painter.setPen(QPen(colour("line_strong"), 1))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
        painter.setFont(self._font)
        painter.setPen(colour("text3" if self.height() <= 16 else "text2"))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.text)
        painter.end()


class Badge(QWidget):
    """A count on the fill of a token; nothing at 0."""

    def __init__(self, fill: str = "error_fill", text_colour: str = "on_accent") -> None:
        super().__init__()
        self._fill = fill
        self._text_colour = text_colour
        self._text = ""
        self.setFixedHeight(16)
        self.hide()
        theme.changed.connect(self.update)

    def show_count(self, count: int) -> None:
        self._text = str(count) if count < 1000 else "999+"
        self.setFixedWidth(max(16, QFontMetrics(font(10, 600, tabular=True)).horizontalAdvance(self._text) + 9))
        self.setAccessibleName(self._text)
        self.setVisible(count > 0)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = paint(self)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour(self._fill))
        painter.drawRoundedRect(self.rect(), 8, 8)
        painter.setFont(font(10, 600, tabular=True))
        painter.setPen(colour(self._text_colour))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._text)
        painter.end()


class Section(QWidget):
    """A part of a panel with a line above it, a title, and something small at the right of that."""

    def __init__(self, title: str, right: QWidget | None = None, spacing: int = 8) -> None:
        super().__init__()
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(PAD_PX, PAD_PX, PAD_PX, PAD_PX)
        self.body.setSpacing(spacing)
        self.setAccessibleName(title)
        self.body.addWidget(row(Label(title, 11, 600, "text2"), None, *([right] if right is not None else [])))
        theme.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(QRectF(0, 0, self.width(), 1), colour("line"))
        painter.end()


class DockHead(QWidget):
    """The title bar of a dock: title, what belongs to the panel, float, close.

    Without a size hint a dock gives its title bar no height.
    """

    def __init__(self, title: str, *extra: QWidget) -> None:
        super().__init__()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(PAD_PX, 0, 6, 1)
        layout.setSpacing(2)
        layout.addWidget(Label(title, 12, 600))
        layout.addStretch(1)
        for widget in extra:
            layout.addWidget(widget)
        self.float_button = tool_button("arrow-square-out", f"Float {title}", px=14)
        self.float_button.clicked.connect(self._float)
        self.close_button = tool_button("x", f"Close {title}", px=14)
        self.close_button.clicked.connect(self._close)
        layout.addWidget(self.float_button)
        layout.addWidget(self.close_button)
        self.setFixedHeight(HEAD_PX)
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), HEAD_PX)

    def minimumSizeHint(self) -> QSize:
        return QSize(super().minimumSizeHint().width(), HEAD_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), colour("panel"))
        painter.fillRect(QRectF(0, self.height() - 1, self.width(), 1), colour("line"))
        painter.end()

    def _float(self) -> None:
        dock = self.parentWidget()
        if isinstance(dock, QDockWidget):
            dock.setFloating(not dock.isFloating())

    def _close(self) -> None:
        dock = self.parentWidget()
        if isinstance(dock, QDockWidget):
            dock.close()


class EmptyState(QWidget):
    """What is shown in a panel that has nothing to show: in one line what will come."""

    def __init__(self, text: str, title: str = "", icon_name: str = "") -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, PAD_PX, 24, PAD_PX)
        layout.setSpacing(4)
        layout.addStretch(2)
        if icon_name:
            layout.addWidget(IconView(icon_name, "text3", 28), 0, Qt.AlignmentFlag.AlignHCenter)
            layout.addSpacing(4)
        self.title = Label(title, 13, 600, "text2", wraps=True)
        self.title.setVisible(bool(title))
        self.text = Label(text, 12, 400, "text3", wraps=True)
        for label in (self.title, self.text):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter)
            layout.addWidget(label)
        layout.addStretch(3)


def paint_focus(painter: QPainter, rect: QRectF, radius: float) -> None:
    """The line around what has the keyboard's focus."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(colour("accent"), 1))
    painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)


def paint_tile(painter: QPainter, rect: QRectF, icon_name: str, px: int, category: str, radius: float = 4.0) -> None:
    """The icon of a category on its colour, as rows of lists and the inspector show it."""
    shade = category_colour(category)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(mix(colour("panel"), shade, 0.25 if theme.mode == "dark" else 0.14))
    painter.drawRoundedRect(rect, radius, radius)
    draw_icon(painter, rect, icon_name, mix(shade, colour("text"), 0.2), px)
