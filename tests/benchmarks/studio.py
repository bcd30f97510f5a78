"""How long the studio takes to be there, to open graphs, and what it costs to watch a run. Prints a table; no test.

    QT_QPA_PLATFORM=offscreen python tests/benchmarks/studio.py
    xvfb-run -a -s "-screen 0 1920x1200x24" python tests/benchmarks/studio.py  # what is painted goes to a screen

Times of the window are from the start of this file's imports. What is painted is painted by software, as on a machine
without a graphics card.
"""

import sys
import tempfile
import time
from collections.abc import Callable

BEGAN_S = time.perf_counter()

from math import cos, sin
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QPointF, QStandardPaths, Qt, QTimer
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget

from pypipeline_engine.graph.model import CellEntry, ConnectionEntry, Document
from pypipeline_engine.graph.writer import save
from pypipeline_studio.document import edits
from pypipeline_studio.document.views import NodeLive, WireLive
from pypipeline_studio.window.application import make_application
from pypipeline_studio.window.main_window import MainWindow

COLUMNS = 5
TYPES = ("sources.Counter", "math.Expression", "math.Multiply", "demo.Work", "sinks.JsonLines")
INPUTS = ("", "a", "a", "item", "item")
TICKS = 40
PAN_S = 4.0
HZ = 4


def report(what: str, figure: str) -> None:
    print(f"{what:<58} {figure:>10}")


def make_graph(nb_cells: int) -> Document:
    """Pipelines of five cells, one below the other, each with a wire that passes a cell."""
    cells, connections, view = {}, [], {}
    for index in range(nb_cells):
        row, column = divmod(index, COLUMNS)
        cells[f"c{index}"] = CellEntry(type=TYPES[column])
        view[f"c{index}"] = {"pos": [280 * column, 160 * row]}
        if column:
            output = "item" if column == COLUMNS - 1 else "value"
            connections.append(ConnectionEntry(source=f"c{index - 1}.{output}", target=f"c{index}.{INPUTS[column]}"))
        if column == 2:
            connections.append(ConnectionEntry(source=f"c{index - 2}.value", target=f"c{index}.b"))
    return Document(name="large", cells=cells, connections=connections, view=view)


def open_graph(window: MainWindow, nb_cells: int, folder: Path) -> float:
    """Seconds until a graph is opened and painted."""
    path = folder / f"{nb_cells}.json"
    save(make_graph(nb_cells), path)
    begin_s = time.perf_counter()
    window.session.open(path)
    QApplication.processEvents()
    window.canvas.grab()
    return time.perf_counter() - begin_s


def switch(window: MainWindow) -> float:
    """Seconds until the graph in front is painted again, when another one was in front meanwhile."""
    graph = window.session.front
    window.session.show(window.session.graphs[0])
    QApplication.processEvents()
    begin_s = time.perf_counter()
    window.session.show(graph)
    QApplication.processEvents()
    window.canvas.grab()
    return time.perf_counter() - begin_s


def time_painted(window: MainWindow, do: Callable[[], object]) -> float:
    """Seconds until something is done and painted."""
    begin_s = time.perf_counter()
    do()
    QApplication.processEvents()
    window.canvas.grab()
    return time.perf_counter() - begin_s


def watch(window: MainWindow, scale: float) -> float:
    """CPU seconds for one tick of live figures: all nodes get theirs, and those in view are painted."""
    canvas = window.canvas
    canvas.viewer.zoom_by(scale / canvas.viewer.get_scale())
    shares = [(0.1 * (tick % 9), 0.05) for tick in range(TICKS)]
    begin_s = time.process_time()
    for tick, (busy, blocked) in enumerate(shares):
        live = NodeLive("running", 8.0 + tick, 0.012, busy, 1 - busy - blocked, blocked, "×2 threads")
        canvas.show_live(
            dict.fromkeys(canvas.presentation.nodes, live),
            dict.fromkeys(canvas.presentation.wires, WireLive(8.0 + tick, tick % 9, 8)),
        )
        canvas.viewer.viewport().grab()
    return (time.process_time() - begin_s) / TICKS


class Frames(QObject):
    """Counts how often a widget is painted."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.number = 0
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.number += event.type() == QEvent.Type.Paint
        return False


def pan(window: MainWindow, scale: float) -> float:
    """Frames per second while the view is dragged by the mouse, and all nodes get other figures as often as in a run."""
    canvas = window.canvas
    viewport = canvas.viewer.viewport()
    canvas.viewer.zoom_by(scale / canvas.viewer.get_scale())
    tick = 0

    def show() -> None:
        nonlocal tick
        tick += 1
        live = NodeLive("running", 8.0 + tick, 0.012, 0.1 * (tick % 9), 0.05, 0.05, "×2 threads")
        canvas.show_live(
            dict.fromkeys(canvas.presentation.nodes, live),
            dict.fromkeys(canvas.presentation.wires, WireLive(8.0 + tick, tick % 9, 8)),
        )

    def send(kind: QEvent.Type, place: QPointF, button: Qt.MouseButton) -> None:
        at = QPointF(viewport.mapToGlobal(place))
        buttons = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else Qt.MouseButton.MiddleButton
        QApplication.sendEvent(viewport, QMouseEvent(kind, place, at, button, buttons, Qt.KeyboardModifier.NoModifier))

    timer = QTimer()
    timer.setInterval(1000 // HZ)
    timer.timeout.connect(show)
    timer.start()
    frames = Frames(viewport)
    middle, angle = QPointF(viewport.rect().center()), 0.0
    send(QEvent.Type.MouseButtonPress, middle, Qt.MouseButton.MiddleButton)
    begin_s = time.perf_counter()
    while time.perf_counter() - begin_s < PAN_S:
        angle += 0.05
        place = middle + QPointF(200 * sin(angle), 150 * (1 - cos(angle)))
        send(QEvent.Type.MouseMove, place, Qt.MouseButton.NoButton)
        QApplication.processEvents()
    passed_s = time.perf_counter() - begin_s
    send(QEvent.Type.MouseButtonRelease, middle, Qt.MouseButton.MiddleButton)
    viewport.removeEventFilter(frames)
    return frames.number / passed_s


def main() -> None:
    QStandardPaths.setTestModeEnabled(True)
    with tempfile.TemporaryDirectory() as output:
        folder = Path(output)
        application = make_application("dark")
        window = MainWindow(folder)
        window.resize(1600, 1000)
        window.show()
        application.processEvents()
        report("start to the window", f"{time.perf_counter() - BEGAN_S:.2f} s")
        window.start_engine()
        while window.engine.catalogue is None:
            application.processEvents()
        application.processEvents()
        report("start to the window with all types of cells", f"{time.perf_counter() - BEGAN_S:.2f} s")
        for nb_cells in (200, 500):
            report(f"open a graph of {nb_cells} cells", f"{open_graph(window, nb_cells, folder):.2f} s")
        report("back to it from another tab", f"{switch(window):.2f} s")
        begin_s = time.perf_counter()
        window.session.edit("Move", edits.move_cells(window.session.document, (), {"c7": (5, 5)}))
        report("one edit of a graph of 500 cells", f"{1e3 * (time.perf_counter() - begin_s):.1f} ms")
        window.canvas.select_all()
        text = window.canvas.copy_text()
        for what, do in {
            "lay out 500 cells": window.arranging.lay_out,
            "undo that": window.session.undo_stack.undo,
            "delete 500 cells": window.canvas.remove_selected,
            "paste 500 cells": lambda: window.canvas.paste_text(text),
            "undo that, too": window.session.undo_stack.undo,
        }.items():
            window.canvas.select_all()
            report(what, f"{time_painted(window, do):.2f} s")
        open_graph(window, 200, folder)
        for scale in (1.0, 0.5, 0.25):
            share = watch(window, scale) * HZ
            report(f"200 nodes live at {HZ} Hz, zoom {100 * scale:.0f} %: of one core", f"{100 * share:.0f} %")
        for scale in (1.0, 0.5, 0.25):
            report(f"the same, dragged by the mouse, zoom {100 * scale:.0f} %", f"{pan(window, scale):.0f} /s")
        window.engine.gone.connect(lambda: application.exit())  # `quit` asks what becomes of edits
        window.engine.shutdown()
        application.exec()
    sys.stdout.flush()


if __name__ == "__main__":
    main()
