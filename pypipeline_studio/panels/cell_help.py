"""What is known about a type of cells, to be read: what it does, its ports and its parameters."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtWidgets import QDialog, QFrame, QTextBrowser, QVBoxLayout, QWidget

from pypipeline_engine.catalogue.model import CellType, ParameterType, PortType
from pypipeline_studio.panels.widgets import push_button, row
from pypipeline_studio.theme.colours import hex_of, theme
from pypipeline_studio.theme.fonts import font

_SOURCE = "source:"
_WIDTH_PX = 600
_HEIGHT_PX = 560


class CellHelp(QDialog):
    """Shows one type of cells."""

    source_requested = Signal(str, int)

    def __init__(self, cell_type: CellType, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Help on {cell_type.name}")
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._cell_type = cell_type
        self.text = QTextBrowser()
        self.text.setFrameShape(QFrame.Shape.NoFrame)
        self.text.setAccessibleName(f"Help on {cell_type.name}")
        self.text.setFont(font(12))
        self.text.setOpenLinks(False)
        self.text.anchorClicked.connect(self._follow)
        self.source_button = push_button("Open the source")
        self.source_button.setEnabled(bool(cell_type.file))
        self.source_button.clicked.connect(self._open)
        self.close_button = push_button("Close", is_primary=True)
        self.close_button.clicked.connect(self.accept)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(12)
        layout.addWidget(self.text, 1)
        layout.addWidget(row(self.source_button, None, self.close_button))
        self._restyle()
        theme.changed.connect(self._restyle)
        self.close_button.setFocus()
        self.resize(_WIDTH_PX, _HEIGHT_PX)

    def _restyle(self) -> None:
        self.text.setStyleSheet(f"QTextBrowser {{ background: {hex_of('panel')}; border: 0; }}")
        self.text.setHtml(help_text(self._cell_type))

    def _follow(self, _url: QUrl) -> None:
        self._open()

    def _open(self) -> None:
        self.source_requested.emit(self._cell_type.file, self._cell_type.problem_line or self._cell_type.line or 1)


def help_text(cell_type: CellType) -> str:
    """The help as HTML that Qt can show; texts of cells stay as they are written."""
    parts = [
        f"<h2 style='margin-bottom:0;font-weight:600'>{html.escape(cell_type.class_name or cell_type.name)}</h2>",
        f"<p style='margin-top:2px;color:{hex_of('text3')}'>{html.escape(cell_type.name)}</p>",
    ]
    if cell_type.problem:
        parts.append(f"<p style='color:{hex_of('error')}'>It cannot be used: {html.escape(cell_type.problem)}</p>")
    paragraphs = (" ".join(text.split()) for text in cell_type.description.split("\n\n"))
    parts += [f"<p>{_marked_up(text)}</p>" for text in paragraphs if text]
    parts += _table("Inputs", ((port, _kind(port)) for port in cell_type.inputs))
    parts += _table("Outputs", ((port, _kind(port)) for port in cell_type.outputs))
    parts += _table("Parameters", ((parameter, _facts(parameter)) for parameter in cell_type.parameters))
    scaling = (
        "any number of clones" if cell_type.supports_scaling else "one clone at most: it depends on the order of items"
    )
    parts.append(f"<p><span style='font-weight:600'>Scaling</span>&nbsp;&nbsp;{scaling}</p>")
    if cell_type.file:
        place = f"{cell_type.file}, line {cell_type.line}" if cell_type.line else cell_type.file
        link = f"<a style='color:{hex_of('accent')}' href='{_SOURCE}'>{html.escape(place)}</a>"
        parts.append(f"<p style='color:{hex_of('text3')}'>From {html.escape(cell_type.library)}<br>{link}</p>")
    return f"<div style='color:{hex_of('text')}'>{''.join(parts)}</div>"


def _table(title: str, ports: Iterable[tuple[PortType, str]]) -> list[str]:
    rows = [
        f"<tr><td style='padding:3px 16px 3px 0;font-weight:600'>{html.escape(port.name)}</td>"
        f"<td style='padding:3px 0'>{_marked_up(port.doc)}"
        f"<div style='color:{hex_of('text3')}'>{html.escape(facts)}</div></td></tr>"
        for port, facts in ports
    ]
    return [f"<h3 style='margin-bottom:2px;font-weight:600'>{title}</h3><table>{''.join(rows)}</table>"] if rows else []


def _marked_up(text: str) -> str:
    """Text as it is written, with what stands between backquotes as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def _kind(port: PortType) -> str:
    return port.type_text or " or ".join(port.kinds)


def _facts(parameter: ParameterType) -> str:
    facts = [parameter.type_text] if parameter.type_text else []
    facts.append("has to be set" if parameter.required else f"default {parameter.default_text}")
    unit = f" {parameter.unit}" if parameter.unit else ""
    if parameter.minimum is not None and parameter.maximum is not None:
        facts.append(f"from {parameter.minimum:g} to {parameter.maximum:g}{unit}")
    elif parameter.minimum is not None or parameter.maximum is not None:
        at = f"at least {parameter.minimum:g}" if parameter.minimum is not None else f"at most {parameter.maximum:g}"
        facts.append(at + unit)
    elif unit:
        facts.append(f"in{unit}")
    if parameter.choices is not None:
        facts.append(f"one of {', '.join(map(str, parameter.choices))}")
    facts.append("may change while running" if parameter.is_connectable else "read when a run starts")
    return "; ".join(facts)
