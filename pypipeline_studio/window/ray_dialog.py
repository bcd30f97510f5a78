"""Where Ray clones run: on this machine, or in a cluster that runs already."""

from __future__ import annotations

import os
import re
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from pypipeline_engine.graph.problems import describe
from pypipeline_studio.panels.parameter_fields import CheckedField
from pypipeline_studio.panels.parameter_values import WrongText
from pypipeline_studio.panels.widgets import Label, push_button, row

SETTING: Final = "ray_address"
"""The key of the settings under which the address is kept."""
_HOST_AND_PORT: Final = re.compile(r"[^\s/:]+:([0-9]{1,5})|\[[0-9a-fA-F:.]+\]:([0-9]{1,5})")
_WIDTH_PX: Final = 440


def read_address(text: str) -> str:
    """The address of a cluster; empty for a Ray on this machine that is started when it is needed.

    :raises WrongText: where it is none.
    """
    address = text.strip()
    if address in ("", "auto"):
        return address
    match = _HOST_AND_PORT.fullmatch(address)
    if match is None or not 1 <= int(match.group(1) or match.group(2)) <= 65_535:
        raise WrongText(f"HOST:PORT as ray start --head prints it, or auto, is expected, not {describe(address)}")
    return address


def explain_address(address: str) -> str:
    """Where Ray clones run, after `Ray clones run`."""
    if address == "auto":
        return "in the Ray cluster that runs on this machine"
    return f"in the Ray cluster at {address}" if address else "on this machine"


class RayDialog(QDialog):
    """Asks for the address of a Ray cluster."""

    address_chosen = Signal(str)

    def __init__(self, address: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Ray cluster")
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFixedWidth(_WIDTH_PX)
        self.address = CheckedField("Address of the Ray cluster", read_address)
        self.address.show_text(address)
        self.address.setPlaceholderText("a Ray on this machine, started when it is needed")
        self._complaint = Label("", 11, 400, "error", wraps=True)
        self._complaint.hide()
        self.use_button = push_button("Use", is_primary=True)
        self.cancel_button = push_button("Cancel")
        explained = (
            "HOST:PORT of a cluster that runs, as ray start --head prints it; auto for the one on this machine. "
            "The machines of a cluster need the same cells installed, and the same versions of Python and Ray."
        )
        from_environment = os.environ.get("RAY_ADDRESS")
        if from_environment:
            explained += f"\nEmpty: {from_environment}, which the environment variable RAY_ADDRESS says."
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(8)
        layout.addWidget(Label("Ray clones run at", 12, 600))
        layout.addWidget(self.address)
        layout.addWidget(self._complaint)
        layout.addWidget(Label(explained, 11, 400, "text3", wraps=True))
        layout.addSpacing(8)
        layout.addWidget(row(None, self.cancel_button, self.use_button))
        self.address.complained.connect(self._complain)
        self.use_button.clicked.connect(self.accept)
        self.cancel_button.clicked.connect(self.reject)
        self.use_button.setDefault(True)
        self.address.setFocus()
        self.address.selectAll()

    def accept(self) -> None:
        """Take the address, where it is one."""
        try:
            address = read_address(self.address.text())
        except WrongText as wrong:
            self._complain(str(wrong))
            return
        self.address_chosen.emit(address)
        super().accept()

    def _complain(self, sentence: str) -> None:
        self._complaint.show_text(sentence)
        self._complaint.setVisible(bool(sentence))
        self.adjustSize()
