"""Parts of a panel that nobody may edit: they say why, and are as before afterwards."""

from PySide6.QtCore import QEvent, QPoint
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QLineEdit, QToolTip, QVBoxLayout, QWidget

from pypipeline_studio.panels.locked import Locked


def tip_of(widget) -> str:
    at = QPoint(3, 3)
    QApplication.sendEvent(widget, QHelpEvent(QEvent.Type.ToolTip, at, widget.mapToGlobal(at)))
    return QToolTip.text()


def make(show):
    part, free, never = QWidget(), QLineEdit(), QLineEdit()
    free.setToolTip("a number < 3")
    never.setEnabled(False)
    layout = QVBoxLayout(part)
    layout.addWidget(free)
    layout.addWidget(never)
    show(part)
    return part, free, never


def test_what_is_locked_says_why_and_what_it_is(show) -> None:
    part, free, never = make(show)
    locked = Locked([part], part)
    locked.set_reason("You only watch.")
    assert not free.isEnabled()
    assert tip_of(free) == "<qt>You only watch.<br><br>a number &lt; 3</qt>"
    assert tip_of(never) == "<qt>You only watch.</qt>"
    never.setToolTip("")
    part.setToolTip("what is around it")
    assert tip_of(never) == "<qt>You only watch.<br><br>what is around it</qt>"
    locked.set_reason("")
    assert free.isEnabled()
    assert not never.isEnabled()
    assert tip_of(free) == "a number < 3"


def test_what_is_made_later_is_locked_as_well(qtbot, show) -> None:
    part, _, _ = make(show)
    locked = Locked([part], part)
    locked.set_reason("You only watch.")
    late = QLineEdit()
    late.setToolTip("late")
    part.layout().addWidget(late)
    qtbot.waitExposed(late)
    qtbot.waitUntil(late.isVisible)
    assert not late.isEnabled()
    assert tip_of(late) == "<qt>You only watch.<br><br>late</qt>"
