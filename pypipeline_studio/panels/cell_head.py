"""The head of the inspector: which cell it is, what it does, what it takes and gives."""

from __future__ import annotations

import re

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QMouseEvent, QPaintEvent
from PySide6.QtWidgets import QLineEdit, QPushButton, QSizePolicy, QStackedWidget, QToolTip, QVBoxLayout, QWidget

from pypipeline_engine.catalogue.model import CellType
from pypipeline_engine.graph.model import explain_name
from pypipeline_studio.document.views import NodeView, PortView
from pypipeline_studio.panels.widgets import (
    PAD_PX,
    Label,
    column,
    mark_wrong,
    paint,
    paint_tile,
    row,
    tool_button,
    tooltip,
)
from pypipeline_studio.theme.colours import category_icon, colour, hex_of, theme
from pypipeline_studio.theme.fonts import font
from pypipeline_studio.theme.shapes import paint_kind

_ROW_PX = 20
_NAME_COLUMN_PX = 76
_LEFT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft


class CellHead(QWidget):
    """Icon, name, type, description and ports of a cell. The name is edited in its place."""

    rename_requested = Signal(str)
    help_requested = Signal(str)
    """The type of the cell."""

    def __init__(self) -> None:
        super().__init__()
        self._view: NodeView | None = None
        self._tile = _Tile()
        self.name = NameField()
        self._type = Label("", 11, 400, "text3", fixed=True, elides=True)
        self._type.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.pencil = tool_button("pencil-simple", "Rename (F2)", px=14)
        self.pencil.clicked.connect(self.name.begin)
        self.question = tool_button("question", "Documentation (F1)", px=14)
        self.question.clicked.connect(lambda: self.help_requested.emit(self._view.type_name if self._view else ""))
        self.description = Description()
        self._ports = _Ports()
        title = column(self.name, self._type, spacing=2)
        top = row(self._tile, title, self.pencil, self.question, spacing=2, margins=(PAD_PX, PAD_PX, 8, 8))
        layout = top.layout()
        assert layout is not None
        title.setContentsMargins(6, 0, 0, 0)
        self._type.setIndent(4)
        title.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, PAD_PX)
        outer.setSpacing(0)
        outer.addWidget(top)
        outer.addWidget(column(self.description, margins=(PAD_PX, 0, PAD_PX, 8)))
        outer.addWidget(row(self._ports, margins=(PAD_PX, 0, PAD_PX, 0)))
        self.name.renamed.connect(self.rename_requested)

    def show_cell(self, view: NodeView, cell_type: CellType | None) -> None:
        """Show a cell; `None` where its type is not installed."""
        self._view = view
        self.name.show_name(view.name)
        self._type.show_text(view.type_name)
        self._tile.show_category(view.category)
        text = cell_type.description if cell_type is not None else ""
        if view.category == "pipeline":
            text = "A pipeline in this pipeline. Enter it with a double click."
        elif view.condition == "missing":
            problem = cell_type.problem if cell_type is not None else ""
            text = (
                f"This type cannot be used: {problem}"
                if problem
                else (
                    "This type is not installed. The cell keeps its connections and parameters as they are saved; "
                    "it cannot run before the library that it comes from is installed."
                )
            )
        self.description.set_colour("warn" if view.condition == "missing" else "text2")
        self.description.show_text(view.name, text, can_fold=view.condition != "missing")
        self._ports.show_ports(view.inputs, view.outputs)
        self.question.setEnabled(cell_type is not None)


class Description(QWidget):
    """What a cell does: the first sentence, and the rest when it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self._owner = ""
        self._text = ""
        self._can_fold = True
        self._label = Label("", 12, 400, "text2", wraps=True)
        self._label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.more = QPushButton()
        self.more.setFont(font(11, 500))
        self.more.setProperty("link", True)
        self.more.setFlat(True)
        self.more.setCursor(Qt.CursorShape.PointingHandCursor)
        self.more.setCheckable(True)
        self.more.toggled.connect(self._show)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self._label)
        layout.addWidget(self.more, 0, Qt.AlignmentFlag.AlignLeft)
        theme.changed.connect(self._restyle)
        self._restyle()

    @property
    def text(self) -> str:
        """What is shown of it."""
        return self._label.text()

    def set_colour(self, name: str) -> None:
        self._label.set_colour(name)

    def show_text(self, owner: str, text: str, can_fold: bool = True) -> None:
        """Show a text; of another cell, its first sentence where it may be folded."""
        plain = reflowed(text)
        if (owner, plain) != (self._owner, self._text):
            self._owner, self._text, self._can_fold = owner, plain, can_fold
            self.more.setChecked(False)
            self._show()

    def _show(self) -> None:
        first = first_sentence(self._text) if self._can_fold else self._text
        is_open = self.more.isChecked()
        self._label.show_text(self._text if is_open else first)
        self.more.setText("Less" if is_open else "More")
        self.more.setVisible(first != self._text)
        self.setVisible(bool(self._text))

    def _restyle(self) -> None:
        self.more.setStyleSheet(
            f"QPushButton {{ border: 0; padding: 0; min-height: 18px; background: transparent; color: {hex_of('accent')}; }}"
            f"QPushButton:focus, QPushButton:hover {{ text-decoration: underline; }}"
        )


def reflowed(text: str) -> str:
    """A docstring as running text: lines are joined, paragraphs stay, the marks of code go."""
    paragraphs = re.split(r"\n\s*\n", text.strip())
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs).replace("`", "")


def first_sentence(text: str) -> str:
    """The first sentence of a text. A full stop ends it only where a capital letter begins the next word."""
    found = re.search(r"(?<!\b[A-Z])[.](?= [A-Z])|\n\n", re.sub(r"\([^)]*\)", lambda match: "_" * len(match[0]), text))
    if found is None:
        return text
    return text[: found.start()].rstrip() + "."


class NameField(QStackedWidget):
    """A name that turns into a line edit when it is to be changed: by F2, a double click, or `begin`."""

    renamed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.label = Label("", 15, 600, elides=True)
        self.label.setIndent(4)
        self.edit = _NameEdit()
        self.addWidget(self.label)
        self.addWidget(self.edit)
        self.setFixedHeight(24)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.edit.done.connect(self._finish)
        theme.changed.connect(self.update)

    def show_name(self, name: str) -> None:
        """Show a name. While that of the same cell is being edited, the edit goes on."""
        if name != self.label.text():
            self.label.show_text(name)
            self.setAccessibleName(f"Cell {name}")
            self.setCurrentWidget(self.label)

    def begin(self) -> None:
        """Turn into a line edit, with all of the name selected."""
        self.edit.begin(self.label.text())
        self.setCurrentWidget(self.edit)
        self.edit.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_F2, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.begin()
        else:
            super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.begin()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.hasFocus():
            painter = paint(self)
            painter.setPen(colour("accent"))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
            painter.end()

    def _finish(self, name: str) -> None:
        had_focus = self.edit.hasFocus()
        self.setCurrentWidget(self.label)
        if had_focus:
            self.setFocus()
        if name and name != self.label.text():
            self.renamed.emit(name)


class _NameEdit(QLineEdit):
    done = Signal(str)
    """The new name; empty where there is none."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Name of the cell")
        self.setFont(font(13, 600))
        self.setStyleSheet("min-height: 20px; padding: 0 4px;")
        self.textEdited.connect(self._check)
        self.editingFinished.connect(self._finish)
        self._is_open = False

    def begin(self, name: str) -> None:
        self._is_open = True
        self.setText(name)
        self.selectAll()
        self._check(name)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._close("")
        else:
            super().keyPressEvent(event)
            # A line edit passes Enter on, and what is around this one would begin to edit again.
            event.accept()

    def _check(self, text: str) -> None:
        reason = explain_name(text) or ""
        self.setToolTip(reason)
        self.setAccessibleDescription(reason)
        is_wrong = bool(reason)
        mark_wrong(self, is_wrong)
        if is_wrong:
            QToolTip.showText(self.mapToGlobal(self.rect().bottomLeft()), reason, self)

    def _finish(self) -> None:
        self._close("" if explain_name(self.text()) else self.text())

    def _close(self, name: str) -> None:
        # Leaving the field by Enter takes its focus, which finishes the edit once more.
        if self._is_open:
            self._is_open = False
            self.done.emit(name)


class _Tile(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self._category = "flow"
        self.setFixedSize(36, 36)
        theme.changed.connect(self.update)

    def show_category(self, category: str) -> None:
        self._category = category
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = paint(self)
        paint_tile(painter, QRectF(self.rect()), category_icon(self._category), 20, self._category, 6)
        painter.end()


class _Ports(QWidget):
    """The ports of a cell: shape, name, and what is known about them."""

    def __init__(self) -> None:
        super().__init__()
        self._ports: tuple[PortView, ...] = ()
        self._nb_inputs = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_ports(self, inputs: tuple[PortView, ...], outputs: tuple[PortView, ...]) -> None:
        self._ports = (*inputs, *outputs)
        self._nb_inputs = len(inputs)
        self.setFixedHeight(_ROW_PX * len(self._ports))
        spoken = [f"{self._side(index)} {port.name}: {_about(port)}" for index, port in enumerate(self._ports)]
        self.setAccessibleName("; ".join(spoken))
        self.setToolTip(tooltip("", *spoken))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, _ROW_PX * len(self._ports))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = paint(self)
        metrics, small = QFontMetricsF(font(12)), QFontMetricsF(font(11))
        widest = max((metrics.horizontalAdvance(port.name) for port in self._ports), default=0.0)
        text_x = max(_NAME_COLUMN_PX, min(20 + widest + 12, 0.5 * self.width()))
        for index, port in enumerate(self._ports):
            line = QRectF(0, _ROW_PX * index, self.width(), _ROW_PX)
            paint_kind(painter, port.kind, 6, line.center().y(), 4.4, True, colour("panel"))
            painter.setFont(font(12))
            painter.setPen(colour("text"))
            name = metrics.elidedText(port.name, Qt.TextElideMode.ElideRight, text_x - 24)
            painter.drawText(line.adjusted(20, 0, 0, 0), _LEFT, name)
            painter.setFont(font(11))
            painter.setPen(colour("text3"))
            about = f"{self._side(index)} · {port.doc or ' or '.join(port.kinds)}"
            about = small.elidedText(about, Qt.TextElideMode.ElideRight, line.width() - text_x)
            painter.drawText(line.adjusted(text_x, 0, 0, 0), _LEFT, about)
        painter.end()

    def _side(self, index: int) -> str:
        return "in" if index < self._nb_inputs else "out"


def _about(port: PortView) -> str:
    kind = " or ".join(port.kinds)
    return f"{kind}, {port.doc}" if port.doc else kind
