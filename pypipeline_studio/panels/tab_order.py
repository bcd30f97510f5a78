"""The order in which Tab goes through widgets that were made after others."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLineEdit, QPlainTextEdit, QSlider, QWidget

_PARTS = (QAbstractButton, QComboBox, QLineEdit, QPlainTextEdit, QSlider)


def chain_tabs(after: QWidget, holders: Iterable[QWidget]) -> None:
    """Have Tab go through what is in these widgets where they stand, and not after everything that was there before.

    :param after: the widget that comes before them; it need not take the focus itself.
    """
    parts = (part for holder in holders for part in (holder, *holder.findChildren(QWidget)))
    chain = [after, *(part for part in parts if isinstance(part, _PARTS))]
    policies = [widget.focusPolicy() for widget in chain]
    for widget, policy in zip(chain, policies, strict=True):
        if policy == Qt.FocusPolicy.NoFocus:  # Qt leaves them where they are, and some take the focus only now and then
            widget.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    for before, widget in pairwise(chain):
        QWidget.setTabOrder(before, widget)
    for widget, policy in zip(chain, policies, strict=True):
        widget.setFocusPolicy(policy)
