"""Offers what a studio did not save that was killed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QDateTime, QLocale, QObject, Qt, Signal
from PySide6.QtWidgets import QDialog, QMessageBox, QPushButton, QVBoxLayout, QWidget

from pypipeline_engine.numbers import counted
from pypipeline_studio.document.recovery import LeftBehind, explain_unreadable, take_left_behind
from pypipeline_studio.panels.widgets import Label, column, push_button, row
from pypipeline_studio.session import Session
from pypipeline_studio.window.autosave import Autosave

_MOST_SHOWN: Final = 6
_WIDTH_PX: Final = 560


class RecoveryDialog(QDialog):
    """Lists what was left behind, each with what can be done with it. What is not chosen is kept for another time."""

    recover_requested = Signal(LeftBehind)
    """What is wanted; it stays in the hands of the dialog until `forget` is called with it."""

    def __init__(self, left: Sequence[LeftBehind], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Recover edits")
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFixedWidth(_WIDTH_PX)
        self._left = list(left)
        self._problems = {id(one): explain_unreadable(one) for one in self._left}
        self._rows: dict[int, QWidget] = {}
        self.recover_buttons: list[QPushButton] = []
        self.discard_buttons: list[QPushButton] = []
        self.keep_button = push_button("Keep for later", tip="File > Recover edits and the next start offer them again")
        self.keep_button.clicked.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(12)
        layout.addWidget(Label("The studio ended before this was saved", 13, 600))
        for one in self._left[:_MOST_SHOWN]:
            shown = self._rows[id(one)] = self._make_row(one)
            layout.addWidget(shown)
        more = len(self._left) - _MOST_SHOWN
        if more > 0:
            layout.addWidget(Label(f"{counted(more, 'older graph')} will be offered after these.", 11, 400, "text3"))
        self.all_button = push_button(
            "Recover all", is_primary=True, tip="Go on with the edits of all these graphs, in a tab each"
        )
        self.all_button.clicked.connect(self._recover_all)
        layout.addWidget(row(None, self.keep_button, self.all_button))
        self.all_button.setVisible(len(self._readable()) > 1)
        self.finished.connect(self._keep_the_rest)
        self._focus()

    def forget(self, left: LeftBehind) -> None:
        """It is somebody else's now, or gone; the dialog closes with the last one."""
        self._left = [one for one in self._left if one is not left]
        shown = self._rows.pop(id(left), None)
        if shown is not None:
            shown.hide()
        if not self._rows:
            self.accept()
            return
        self.all_button.setVisible(len(self._readable()) > 1)
        self.adjustSize()
        self._focus()

    def _readable(self) -> list[LeftBehind]:
        return [one for one in self._left if self._problems[id(one)] is None]

    def _recover_all(self) -> None:
        for one in reversed(self._readable()):  # what was edited last is in front then
            self.recover_requested.emit(one)

    def _focus(self) -> None:
        """Give the focus to what a person wants most likely."""
        rows = list(self._rows.values())
        shown = [button for button in self.recover_buttons if button.parentWidget() in rows]
        several = [] if self.all_button.isHidden() else [self.all_button]
        (*several, *shown, self.keep_button)[0].setFocus()

    def _make_row(self, left: LeftBehind) -> QWidget:
        problem = self._problems[id(left)]
        name = left.unsaved.title if left.unsaved is not None else left.path.name
        lines = [Label(name, 12, 600)]
        if left.unsaved is not None:
            lines.append(Label(f"Edited {_time_text(left.unsaved.edited_at_s)}", 11, 400, "text2"))
            where = left.unsaved.path or "It was never saved to a file."
            lines.append(Label(where, 11, 400, "text3", wraps=True))
        if problem is not None:
            lines.append(Label(problem, 11, 400, "error", wraps=True))
        discard = push_button("Discard", tip="Delete these edits for good")
        discard.setAccessibleName(f"Discard {name}")
        discard.clicked.connect(lambda: self._discard(left, name))
        self.discard_buttons.append(discard)
        buttons: list[QWidget] = [discard]
        if problem is None:
            recover = push_button(
                "Recover", is_primary=len(self._readable()) == 1, tip="Go on with these edits in a tab of their own"
            )
            recover.setAccessibleName(f"Recover {name}")
            recover.clicked.connect(lambda: self.recover_requested.emit(left))
            self.recover_buttons.append(recover)
            buttons.append(recover)
        texts = column(*lines, spacing=2)
        texts.setFixedWidth(_WIDTH_PX - 220)
        return row(texts, None, *buttons)

    def _discard(self, left: LeftBehind, name: str) -> None:
        box = QMessageBox(self)
        box.setIcon(QMessageBox.Icon.Warning)
        box.setText(f"The edits of {name} will be deleted for good.")
        agree = box.addButton("Delete them", QMessageBox.ButtonRole.AcceptRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.exec()
        if box.clickedButton() is agree:
            left.discard()
            self.forget(left)

    def _keep_the_rest(self) -> None:
        for one in self._left:
            one.keep()
        self._left = []


class Recovery(QObject):
    """Looks for what was left behind, and takes it into the session when somebody wants it."""

    told = Signal(str)

    def __init__(self, session: Session, autosave: Autosave, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._autosave = autosave
        self._window = window
        self.dialog: RecoveryDialog | None = None
        """The dialog that is open."""

    def offer(self) -> bool:
        """Show what was left behind; whether there was something."""
        if self.dialog is not None:
            self.dialog.activateWindow()
            return True
        left = take_left_behind(self._autosave.folder)
        if not left:
            return False
        self.dialog = RecoveryDialog(left, self._window)
        self.dialog.recover_requested.connect(self._recover)
        self.dialog.finished.connect(self._on_finished)
        self.dialog.open()
        return True

    def offer_or_tell(self) -> None:
        """Show what was left behind, or say that there is nothing."""
        if not self.offer():
            self.told.emit("Nothing is left of an earlier session that was not saved.")

    def close(self) -> None:
        """Keep what is being offered for another time."""
        if self.dialog is not None:
            self.dialog.reject()

    def _on_finished(self) -> None:
        self.dialog = None

    def _recover(self, left: LeftBehind) -> None:
        dialog = self.dialog
        unsaved = left.unsaved
        if dialog is None or unsaved is None:
            return
        self._session.recover(unsaved.read_document(), unsaved.original, unsaved.sha256)
        # What was left behind goes when our own file holds the same, and not before.
        if self._autosave.flush():
            left.discard()
        else:
            left.keep()
        dialog.forget(left)
        self.told.emit(f"Recovered {self._session.title}; it is not saved yet.")


def _time_text(time_s: float) -> str:
    return QLocale().toString(QDateTime.fromSecsSinceEpoch(int(time_s)), QLocale.FormatType.ShortFormat)
