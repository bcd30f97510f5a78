"""Asks for a name, and says what is wrong with one as it is typed."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QLineEdit, QVBoxLayout, QWidget

from pypipeline_studio.panels.widgets import Label, mark_wrong, push_button, row

_WIDTH_PX = 360


class NameDialog(QDialog):
    """A line for one name, which is taken when nothing speaks against it."""

    name_chosen = Signal(str)

    def __init__(
        self, title: str, name: str, action: str, explain: Callable[[str], str], parent: QWidget | None = None
    ) -> None:
        """:param explain: why a name cannot be; empty where it can."""
        super().__init__(parent)
        self._explain = explain
        self.setWindowTitle(title)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFixedWidth(_WIDTH_PX)
        self.name = QLineEdit(name)
        self.name.setAccessibleName(title)
        self.complaint = Label("", 11, 400, "error", wraps=True)
        self.complaint.hide()
        self.take_button = push_button(action, is_primary=True)
        cancel = push_button("Cancel")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(8)
        layout.addWidget(Label(title, 12, 600))
        layout.addWidget(self.name)
        layout.addWidget(self.complaint)
        layout.addSpacing(8)
        layout.addWidget(row(None, cancel, self.take_button))
        self.name.textChanged.connect(self._check)
        self.take_button.clicked.connect(self.accept)
        cancel.clicked.connect(self.reject)
        self.take_button.setDefault(True)
        self.name.setFocus()
        self.name.selectAll()

    def _check(self) -> str:
        reason = self._explain(self.name.text())
        self.complaint.show_text(reason)
        self.complaint.setVisible(bool(reason))
        mark_wrong(self.name, bool(reason))
        self.adjustSize()
        return reason

    def accept(self) -> None:
        """Take the name, where it can be one."""
        if not self._check():
            self.name_chosen.emit(self.name.text())
            super().accept()
