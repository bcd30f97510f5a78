"""A bar that says something and offers what can be done about it, without keeping anybody from working."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from pypipeline_studio.panels.tab_order import chain_tabs
from pypipeline_studio.panels.widgets import IconView, Label, clear_layout, push_button

_HEIGHT_PX = 40


class NoticeBar(QWidget):
    """Hidden while there is nothing to say."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(_HEIGHT_PX)
        self.text = Label("", 12, 400, elides=True)
        self.buttons: list[QPushButton] = []
        self._button_row = QHBoxLayout()
        self._button_row.setSpacing(8)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 0, 12, 0)
        layout.setSpacing(8)
        layout.addWidget(IconView("warning-circle-fill", "warn", 16, 18))
        layout.addWidget(self.text, 1)
        layout.addLayout(self._button_row)
        self.hide()

    def show_notice(self, text: str, actions: Sequence[tuple[str, str, Callable[[], object]]]) -> None:
        """Say something.

        :param actions: the text of a button, its tooltip, and what it does.
        """
        clear_layout(self._button_row)
        self.buttons = []
        self.text.show_text(text)
        self.setAccessibleName(text)
        for name, tip, do in actions:
            button = push_button(name, tip=tip)
            button.clicked.connect(lambda _checked=False, do=do: do())
            self._button_row.addWidget(button)
            self.buttons.append(button)
        chain_tabs(self, self.buttons)
        self.show()
