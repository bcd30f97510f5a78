"""The fonts of the studio: Inter, which ships, and the system's fixed font for code."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

from PySide6.QtGui import QFont, QFontDatabase

FAMILY = "Inter"
FILES = ("Inter-Regular.otf", "Inter-Medium.otf", "Inter-SemiBold.otf")
_SOURCE_TREE = Path(__file__).parents[2] / "resources"
_TABULAR = "tnum"


@cache
def load_fonts() -> bool:
    """Make the fonts that ship known to Qt; needs a QGuiApplication.

    :return: whether Inter can be used. Without it `font` gives the system's own font: the studio works, and looks plainer.
    """
    folder = _resources() / "fonts"
    for name in FILES:
        path = folder / name
        if path.is_file():
            QFontDatabase.addApplicationFont(str(path))
    return FAMILY in QFontDatabase.families()


@cache
def font(px: int = 12, weight: int = 400, fixed: bool = False, tabular: bool = False) -> QFont:
    """A font of the studio by its size in pixels. The result is shared: do not modify it.

    :param tabular: figures of one width, so that numbers do not move when they change.
    """
    if fixed:
        found = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    elif load_fonts():
        found = QFont(FAMILY)
    else:
        found = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    found.setPixelSize(max(1, px))
    found.setWeight(QFont.Weight(weight))
    # Hinting moves letters to whole pixels, and text would change its width with the zoom.
    found.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    if tabular and not fixed:
        found.setFeature(QFont.Tag(_TABULAR), 1)
    return found


def _resources() -> Path:
    try:
        return Path(str(files("pypipeline_resources")))
    except ModuleNotFoundError:  # run from a source tree that is not installed
        return _SOURCE_TREE
