"""A window on the screen, with settings and a state folder of its own."""

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QSettings, QStandardPaths
from PySide6.QtWidgets import QApplication, QMessageBox

from pypipeline_studio.window.application import make_application
from pypipeline_studio.window.main_window import MainWindow


@pytest.fixture(autouse=True)
def leaves_unasked(request, monkeypatch):
    """Windows of tests close while something runs; nobody would answer. What is asked then is tested in `test_leaving`."""
    if request.path.stem != "test_leaving":
        monkeypatch.setattr("pypipeline_studio.window.main_window.may_leave", lambda *_: True)


@pytest.fixture
def file_window(qapp, qtbot, tmp_path, monkeypatch):
    """A window without an engine; what it keeps of edits is in `tmp_path/recovery`."""
    QStandardPaths.setTestModeEnabled(True)
    QSettings.setPath(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, str(tmp_path / "settings"))
    make_application("dark")
    QSettings().clear()
    monkeypatch.setattr(QApplication, "quit", lambda: None)
    monkeypatch.setattr("pypipeline_studio.window.autosave.recovery_folder", lambda: tmp_path / "recovery")
    window = MainWindow(tmp_path)
    window.show()
    qtbot.waitExposed(window)
    yield window
    # Nobody is there to answer what becomes of graphs that are not saved.
    monkeypatch.setattr(QMessageBox, "exec", lambda _: QMessageBox.StandardButton.Discard)
    window.close()
    window.deleteLater()
    # At once: without a loop of events it would be styled again with every window after it.
    QCoreApplication.sendPostedEvents(window, QEvent.Type.DeferredDelete)


@pytest.fixture
def answer(monkeypatch):
    """Answers questions by the text of a button, and keeps what was asked."""
    asked = []

    def answer(text) -> list[str]:
        def press(box) -> int:
            asked.append(f"{box.text()} {box.informativeText()}")
            button = next((b for b in box.buttons() if b.text().replace("&", "") == text), None)
            if button is None:
                return 0
            button.click()
            return box.result()

        monkeypatch.setattr(QMessageBox, "exec", press)
        return asked

    return answer
