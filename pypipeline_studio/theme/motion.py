"""Whether things may move: some people get sick from it, and ask for less."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QMainWindow

_EFFECTS: Final = (
    Qt.UIEffect.UI_AnimateMenu,
    Qt.UIEffect.UI_FadeMenu,
    Qt.UIEffect.UI_AnimateCombo,
    Qt.UIEffect.UI_AnimateTooltip,
    Qt.UIEffect.UI_FadeTooltip,
    Qt.UIEffect.UI_AnimateToolBox,
)


class Motion:
    """What a person has chosen. Whoever lets something fade or slide asks `is_reduced` first."""

    def __init__(self) -> None:
        self.is_reduced = False


motion: Final = Motion()


def apply_motion(window: QMainWindow, is_reduced: bool) -> None:
    """Let menus, tooltips and docks appear at once, or as the system does it."""
    motion.is_reduced = is_reduced
    window.setAnimated(not is_reduced)
    if is_reduced:
        _kept.update({effect: QApplication.isEffectEnabled(effect) for effect in _EFFECTS if effect not in _kept})
        for effect in _EFFECTS:
            QApplication.setEffectEnabled(effect, False)
    else:
        while _kept:
            effect, was_on = _kept.popitem()
            QApplication.setEffectEnabled(effect, was_on)


_kept: dict[Qt.UIEffect, bool] = {}
"""What the system had before motion was reduced."""
