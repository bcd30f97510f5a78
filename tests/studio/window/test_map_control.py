"""The map in the window."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from pypipeline_engine.resources import get_examples
from pypipeline_studio.window.main_window import MainWindow


def test_the_map_is_switched_by_its_key_and_remembered(qtbot, file_window, tmp_path) -> None:
    file_window.session.open(get_examples()["multiply"])
    file_window.activateWindow()
    qtbot.waitUntil(file_window.isActiveWindow)
    file_window.canvas.setFocus()
    shown = file_window.map_control.map
    assert not shown.isVisible()
    QTest.keyClick(file_window.canvas.viewer, Qt.Key.Key_M)
    assert shown.isVisible()
    corner = shown.geometry().bottomRight()
    assert file_window.canvas.rect().contains(corner)
    assert corner.x() > file_window.canvas.width() - 20
    another = MainWindow(tmp_path)
    assert another.commands["minimap"].isChecked()
    another.close()
    another.deleteLater()
    file_window.session.new()
    assert not shown.isVisible()
    QTest.keyClick(file_window.canvas.viewer, Qt.Key.Key_M)
    assert not file_window.commands["minimap"].isChecked()
