"""Icons: glyphs of the Phosphor font, which the package QtAwesome brings along.

Its own import takes a third of a second, reads every font that it has and goes through another binding layer; two of its
files are all that is needed here. Glyphs stay text until they are painted, and so are sharp at every scale.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QIconEngine, QPainter, QPixmap

from pypipeline_studio.theme.colours import colour

FONT_PATTERN = "phosphor-[0-9]*.ttf"
NAMES_PATTERN = "phosphor-charmap-[0-9]*.json"
_UNKNOWN_ICON = "question"


@cache
def icon(name: str, colour: str = "text2") -> QIcon:
    """An icon by its Phosphor name, such as `film-strip` or `play-fill`, in the colour of a token. The result is shared.

    It is shown in `disabled` where its widget is, and follows the theme: the token is looked up when it is painted.
    """
    return QIcon(_GlyphEngine(name, colour).clone())


def draw_icon(painter: QPainter, rect: QRectF, name: str, colour: QColor, px: float) -> None:
    """Paint an icon of `px` pixels in the middle of `rect`; changes the painter's font and pen."""
    painter.setFont(_icon_font(max(1, round(px))))
    painter.setPen(colour)
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, glyph(name))


def glyph(name: str) -> str:
    """The character of an icon in the icon font; a question mark where there is no such icon, nothing without the font."""
    characters = _icon_characters()
    return characters.get(name) or characters.get(_UNKNOWN_ICON, "")


class _GlyphEngine(QIconEngine):
    def __init__(self, name: str, token: str) -> None:
        super().__init__()
        self._name = name
        self._token = token

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        token = "disabled" if mode == QIcon.Mode.Disabled else self._token
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
        draw_icon(painter, QRectF(rect), self._name, colour(token), min(rect.width(), rect.height()))
        painter.restore()

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        return self.scaledPixmap(size, mode, state, 1.0)

    def scaledPixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State, scale: float) -> QPixmap:
        pixmap = QPixmap(size * scale)
        pixmap.setDevicePixelRatio(scale)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        self.paint(painter, QRect(QPoint(), size), mode, state)
        painter.end()
        return pixmap

    def clone(self) -> QIconEngine:
        engine = _GlyphEngine(self._name, self._token)
        # Qt takes the engine, but not the Python object that has its methods.
        _kept.append(engine)
        return engine


_kept: list[_GlyphEngine] = []


@cache
def _icon_font(px: int) -> QFont:
    found = QFont(_icon_family())
    found.setPixelSize(px)
    found.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    return found


@cache
def _icon_family() -> str:
    for path in sorted(_font_folder().glob(FONT_PATTERN)):
        families = QFontDatabase.applicationFontFamilies(QFontDatabase.addApplicationFont(str(path)))
        if families:
            return families[0]
    return ""


@cache
def _icon_characters() -> dict[str, str]:
    if not _icon_family():
        return {}
    for path in sorted(_font_folder().glob(NAMES_PATTERN)):
        return {name: chr(int(code, 16)) for name, code in json.loads(path.read_text(encoding="utf-8")).items()}
    return {}


def _font_folder() -> Path:
    # Finding a package does not import it.
    spec = find_spec("qtawesome")
    return (
        Path(spec.origin).parent / "fonts" if spec is not None and spec.origin else Path("qtawesome-is-not-installed")
    )
