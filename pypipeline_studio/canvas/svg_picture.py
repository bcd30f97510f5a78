"""A scene as an SVG that looks the same everywhere: texts and icons are outlines, because few have our fonts."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree  # only of what Qt has written just now

from PySide6.QtCore import QBuffer, QIODevice, QRectF, QSize
from PySide6.QtGui import QFont, QPainter, QPainterPath
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QGraphicsScene

from pypipeline_studio.theme.colours import colour
from pypipeline_studio.theme.fonts import FAMILY, font

_NAMESPACE = "http://www.w3.org/2000/svg"
_DPI = 96
"""By which a pixel of the canvas is a pixel of the picture."""


def draw_svg(scene: QGraphicsScene, area: QRectF, title: str, *, is_transparent: bool = False) -> str:
    """A part of a scene as the text of an SVG file, without its grid.

    :param title: of the picture, for those who have it read to them.
    """
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setResolution(_DPI)
    place = QRectF(0, 0, round(area.width()), round(area.height()))
    generator.setSize(QSize(round(area.width()), round(area.height())))
    generator.setViewBox(place)
    generator.setTitle(title)
    generator.setDescription("A pipeline, drawn by PyPipeline Studio")
    painter = QPainter(generator)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if not is_transparent:
        painter.fillRect(place, colour("canvas"))
    scene.render(painter, place, area)
    painter.end()
    return with_outlines(bytes(buffer.data().data()).decode("utf-8"))


def with_outlines(svg: str) -> str:
    """An SVG of Qt in which texts are paths."""
    ElementTree.register_namespace("", _NAMESPACE)
    ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    root = ElementTree.fromstring(svg)
    for holder in root.iter(f"{{{_NAMESPACE}}}g"):
        for index, element in enumerate(holder):
            if element.tag == f"{{{_NAMESPACE}}}text":
                holder[index] = _outline(element)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _outline(element: ElementTree.Element) -> ElementTree.Element:
    text = "".join(element.itertext())
    path = QPainterPath()
    path.addText(float(element.get("x", "0")), float(element.get("y", "0")), _font_of(element, text), text)
    attributes = {
        "d": _data_of(path),
        "fill": element.get("fill", "#000000"),
        "fill-opacity": element.get("fill-opacity", "1"),
        "fill-rule": "nonzero",
        "stroke": "none",
    }
    if text.isprintable() and not any("\ue000" <= letter <= "\uf8ff" for letter in text):  # else an icon
        attributes |= {"role": "text", "aria-label": text}
    return ElementTree.Element(f"{{{_NAMESPACE}}}path", attributes)


def _font_of(element: ElementTree.Element, text: str) -> QFont:
    family, px = element.get("font-family", FAMILY), float(element.get("font-size", "12"))
    weight = element.get("font-weight")
    if family == FAMILY:
        # Qt does not write down that figures have one width; numbers are what that is used for.
        return font(round(px), int(weight or 400), tabular=text[:1].isdigit())
    found = QFont(family)
    found.setPixelSize(max(1, round(px)))
    found.setWeight(QFont.Weight(int(weight or 400)))
    found.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    return found


def _data_of(path: QPainterPath) -> str:
    """The `d` of a path, to a hundredth of a pixel."""
    parts = []
    kinds = QPainterPath.ElementType
    for index in range(path.elementCount()):
        element = path.elementAt(index)
        letter = {kinds.MoveToElement: "M", kinds.LineToElement: "L", kinds.CurveToElement: "C"}.get(element.type, "")
        parts.append(f"{letter}{element.x:.2f},{element.y:.2f}")
    return " ".join(parts)
