"""Gestures on a canvas: real events for the viewport, at the places where items are."""

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

LEFT = Qt.MouseButton.LeftButton
NONE = Qt.KeyboardModifier.NoModifier
STEPS = 8


def port_of(canvas, name, port, is_output=False):
    """The item of a port; an input where there is one of that name and nothing else is asked for."""
    item = canvas._nodes[name].view
    ports = item.outputs if is_output else (*item.inputs, *item.outputs)
    return next(found for found in ports if found.name == port)


def at_port(canvas, name, port, is_output=False) -> QPoint:
    return canvas.viewer.mapFromScene(port_of(canvas, name, port, is_output).sceneBoundingRect().center())


def at_node(canvas, name, dx=90, dy=14) -> QPoint:
    """A point of the title bar of a node."""
    return canvas.viewer.mapFromScene(canvas._nodes[name].view.scenePos() + QPointF(dx, dy))


def middle_of_wire(canvas, source, target) -> QPoint:
    pipe = next(p for wire, p in canvas._pipes.items() if (wire.source, wire.target) == (source, target))
    return canvas.viewer.mapFromScene(pipe.path().pointAtPercent(0.5))


def move(canvas, point, button=Qt.MouseButton.NoButton, modifiers=NONE) -> None:
    # QTest.mouseMove carries no pressed buttons without a screen.
    viewport = canvas.viewer.viewport()
    place = QPointF(point)
    event = QMouseEvent(
        QEvent.Type.MouseMove, place, QPointF(viewport.mapToGlobal(point)), Qt.MouseButton.NoButton, button, modifiers
    )
    QApplication.sendEvent(viewport, event)


def drag(canvas, start, end, button=LEFT, modifiers=NONE, release=True) -> None:
    viewport = canvas.viewer.viewport()
    move(canvas, start)
    QTest.mousePress(viewport, button, modifiers, start)
    for step in range(1, STEPS + 1):
        move(canvas, start + (end - start) * (step / STEPS), button, modifiers)
    if release:
        QTest.mouseRelease(viewport, button, modifiers, end)


def click(canvas, point, modifiers=NONE) -> None:
    move(canvas, point)
    QTest.mouseClick(canvas.viewer.viewport(), LEFT, modifiers, point)


def double_click(canvas, point) -> None:
    viewport = canvas.viewer.viewport()
    QTest.mouseClick(viewport, LEFT, NONE, point)
    QTest.mouseDClick(viewport, LEFT, NONE, point)
