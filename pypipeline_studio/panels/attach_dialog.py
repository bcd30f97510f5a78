"""Asks where a run can be watched, and with which token. The token stays in memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCompleter, QDialog, QFileDialog, QLineEdit, QVBoxLayout, QWidget

from pypipeline_studio.engine.addresses import WrongAddress, read_address
from pypipeline_studio.panels.widgets import Label, column, mark_wrong, push_button, row
from pypipeline_studio.theme.fonts import font

_WIDTH_PX: Final = 520
_MOST_TOKEN_BYTES: Final = 4096
EXPLAINED: Final = (
    "A run that was started with pypipeline run GRAPH --monitor writes its address and the file of its token. You watch "
    "first, and nothing changes there until you take control. For a run on another machine, use a tunnel: "
    "ssh -L PORT:127.0.0.1:PORT MACHINE."
)


class AttachDialog(QDialog):
    """Stays open until there is an answer."""

    attach_requested = Signal(object, str, object)
    """An `Address`, the token, and the `Path` of a certificate or `None`."""

    def __init__(self, recent: Sequence[str], parent: QWidget | None = None) -> None:
        """:param recent: addresses that were used, the last one first."""
        super().__init__(parent)
        self.setWindowTitle("Attach to a running pipeline")
        self.setObjectName("panel")
        self.setFixedWidth(_WIDTH_PX)
        self.address = _field("Address of the run", "http://127.0.0.1:8421, or the line that the run has written")
        self.address.setText(recent[0] if recent else "")
        self._length = len(self.address.text())
        completer = QCompleter(list(recent), self)
        completer.setCompletionMode(QCompleter.CompletionMode.UnfilteredPopupCompletion)
        self.address.setCompleter(completer)
        self.token = _field("Token", "of this run; it is not kept")
        self.token.setEchoMode(QLineEdit.EchoMode.Password)
        self.token_file = _field("File of the token", "in place of the token itself")
        self.certificate = _field("Certificate", "where the run has one that the system does not know")
        self.token_button = push_button("Choose …", tip="Choose the file that the run has written its token to")
        self.certificate_button = push_button("Choose …", tip="Choose the file CERT of --monitor-tls")
        self.complaint = Label("", 12, 400, "error", wraps=True)
        self.complaint.hide()
        self.attach_button = push_button("Attach", is_primary=True)
        self.cancel_button = push_button("Cancel")
        self._tls_row = column(
            Label("Certificate (PEM)", 12, 600), row(self.certificate, self.certificate_button), spacing=4
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(12)
        layout.addWidget(column(Label("Address", 12, 600), self.address, spacing=4))
        layout.addWidget(column(Label("Token", 12, 600), self.token, spacing=4))
        layout.addWidget(column(Label("or its file", 12, 600), row(self.token_file, self.token_button), spacing=4))
        layout.addWidget(self._tls_row)
        layout.addWidget(self.complaint)
        layout.addWidget(Label(EXPLAINED, 11, 400, "text3", wraps=True))
        layout.addWidget(row(None, self.cancel_button, self.attach_button))
        self.address.textEdited.connect(self._follow_address)
        self.address.editingFinished.connect(self._split_line)
        self.token_button.clicked.connect(lambda: self._choose(self.token_file, "The file of the token"))
        self.certificate_button.clicked.connect(lambda: self._choose(self.certificate, "The certificate of the run"))
        self.attach_button.clicked.connect(self._attach)
        self.cancel_button.clicked.connect(self.reject)
        self.attach_button.setDefault(True)
        self._show_tls()
        self.address.setFocus()
        self.address.selectAll()

    def complain(self, words: str) -> None:
        """Say what is wrong, and let it be mended."""
        self.complaint.show_text(words)
        self.complaint.setVisible(bool(words))
        self.attach_button.setEnabled(True)
        self.attach_button.setText("Attach")
        self.adjustSize()

    def _follow_address(self, text: str) -> None:
        mark_wrong(self.address, False)
        # A line that is typed, letter by letter, is looked at when it is complete.
        if abs(len(text) - self._length) > 1:
            self._split_line()
        self._length = len(self.address.text())
        self._show_tls()

    def _split_line(self) -> None:
        """Take the file of the token from the line that the run has written."""
        try:
            address = read_address(self.address.text())
        except WrongAddress:
            return
        if address.token_file:
            self.address.setText(address.url)
            self.token_file.setText(address.token_file)
            self._show_tls()

    def _show_tls(self) -> None:
        self._tls_row.setVisible(self.address.text().strip().startswith("https:"))
        self.adjustSize()

    def _choose(self, field: QLineEdit, title: str) -> None:
        name, _ = QFileDialog.getOpenFileName(self, title, str(Path(field.text() or Path.home()).parent))
        if name:
            field.setText(name)

    def _attach(self) -> None:
        try:
            address = read_address(self.address.text())
        except WrongAddress as wrong:
            mark_wrong(self.address, True)
            self.complain(f"{wrong}.")
            return
        try:
            token = self.token.text().strip() or _read_token(self.token_file.text().strip())
        except OSError as error:
            self.complain(
                f"{self.token_file.text().strip()} cannot be read: {error.strerror or error}. A run on another machine has "
                f"written it there: give the token itself, or a copy of the file."
            )
            return
        if not token or not token.isascii() or not token.isprintable():
            self.complain("Give the token of the run, or the file that it has written it to.")
            return
        certificate = self.certificate.text().strip() if address.is_secure else ""
        self.complain("")
        self.attach_button.setEnabled(False)
        self.attach_button.setText("Attaching …")
        self.attach_requested.emit(address, token, Path(certificate) if certificate else None)

    def is_waiting(self) -> bool:
        """Whether there is no answer yet."""
        return not self.attach_button.isEnabled()


def _field(name: str, hint: str) -> QLineEdit:
    field = QLineEdit()
    field.setAccessibleName(name)
    field.setPlaceholderText(hint)
    field.setFont(font(12))
    return field


def _read_token(name: str) -> str:
    if not name:
        return ""
    with Path(name).expanduser().open("rb") as file:
        return file.read(_MOST_TOKEN_BYTES).decode("utf-8", "replace").strip()
