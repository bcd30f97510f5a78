"""The keys of actions as a person wants them: kept in the settings where they are not the usual ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QObject, QSettings, Signal
from PySide6.QtGui import QKeySequence

from pypipeline_studio.window.actions import ACTIONS, Actions

GROUP: Final = "shortcuts"
"""The group of the settings under which keys are kept, each action's as a JSON list."""
FIXED: Final = {
    "Space": "moves the canvas while the mouse is dragged",
    "Esc": "closes and cancels",
    "Up": "moves the selected cells",
    "Down": "moves the selected cells",
    "Left": "moves the selected cells",
    "Right": "moves the selected cells",
    "Ctrl+Up": "selects the neighbour above",
    "Ctrl+Down": "selects the neighbour below",
    "Ctrl+Left": "selects the neighbour on the left",
    "Ctrl+Right": "selects the neighbour on the right",
}
"""Keys that no action can have, each with what it does."""


class Keymap(QObject):
    """Gives actions their keys. No two actions have the same."""

    changed = Signal()

    def __init__(self, commands: Actions, parent: QObject | None = None) -> None:
        """Take the keys over that were chosen before."""
        super().__init__(parent)
        self._commands = commands
        settings = QSettings()
        for key in ACTIONS:
            kept = _from_setting(settings.value(f"{GROUP}/{key}"))
            if kept is not None:
                commands.set_keys(key, kept)

    def keys(self, key: str) -> tuple[str, ...]:
        """The keys of an action as portable text, such as `Ctrl+D`."""
        return self._commands.keys(key)

    def is_changed(self, key: str) -> bool:
        """Whether an action has other keys than the usual ones."""
        return self.keys(key) != _normal(ACTIONS[key].keys)

    def owner(self, keys: str) -> str | None:
        """The action that has these keys; `None` where they are free."""
        return next((key for key in ACTIONS if keys in self.keys(key)), None)

    def add(self, key: str, keys: str) -> None:
        """Give an action keys beside those that it has; who had them has them no longer."""
        self._set(key, (*self.keys(key), *_normal((keys,))))

    def remove(self, key: str, keys: str) -> None:
        """Take keys away from an action."""
        self._set(key, [other for other in self.keys(key) if other != keys])

    def reset(self, key: str) -> None:
        """Give an action its usual keys; who had them has them no longer."""
        self._set(key, _normal(ACTIONS[key].keys))

    def reset_all(self) -> None:
        """Give every action its usual keys."""
        QSettings().remove(GROUP)
        for key in ACTIONS:
            if self.is_changed(key):
                self._commands.set_keys(key, _normal(ACTIONS[key].keys))
        self.changed.emit()

    def _set(self, key: str, keys: Sequence[str]) -> None:
        wanted = tuple(dict.fromkeys(keys))
        for other in ACTIONS:
            taken = [own for own in self.keys(other) if own in wanted]
            if other != key and taken:
                self._keep(other, tuple(own for own in self.keys(other) if own not in taken))
        self._keep(key, wanted)
        self.changed.emit()

    def _keep(self, key: str, keys: tuple[str, ...]) -> None:
        self._commands.set_keys(key, keys)
        if self.is_changed(key):
            QSettings().setValue(f"{GROUP}/{key}", json.dumps(keys))
        else:
            QSettings().remove(f"{GROUP}/{key}")


def native(keys: str) -> str:
    """Keys as people read them on this system."""
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)


def _normal(keys: Sequence[str]) -> tuple[str, ...]:
    return tuple(QKeySequence(text).toString(QKeySequence.SequenceFormat.PortableText) for text in keys)


def _from_setting(kept: object) -> tuple[str, ...] | None:
    """What was kept; `None` where that is nothing, or cannot be understood."""
    try:
        keys = json.loads(kept) if isinstance(kept, str) else None
    except ValueError:
        return None
    if not isinstance(keys, list) or not all(isinstance(text, str) for text in keys):
        return None
    return tuple(text for text in _normal(keys) if text)
