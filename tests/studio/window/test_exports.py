"""The graph as pictures and as a Python program."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest
from PySide6.QtCore import QByteArray, QSettings, QSize, Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

from pypipeline_engine.catalogue.discovery import Catalogue as Discovered
from pypipeline_engine.graph.model import CellEntry, Document
from pypipeline_engine.host.protocol import Catalogue
from pypipeline_studio.document import edits
from pypipeline_studio.panels.picture_dialog import PictureDialog
from pypipeline_studio.theme.colours import colour, theme
from pypipeline_studio.window.main_window import MainWindow

WAIT_MS = 60_000
LEFT = Qt.MouseButton.LeftButton
TYPES = Catalogue(types=tuple(Discovered(installed=False).get_types()))


def fill(window, target="numbers.jsonl"):
    window.session.set_catalogue(TYPES)
    cells = {
        "count": CellEntry(type="sources.Counter", parameters={"count": 3}),
        "write": CellEntry(type="sinks.JsonLines", parameters={"path": target}),
    }
    view = {"count": {"pos": [0, 0]}, "write": {"pos": [320, 0]}}
    document = Document(name="three", cells=cells, view=view)
    window.session.begin(edits.connect(document, (), "count.value", "write.item", window.session.types))


@pytest.fixture
def window(file_window):
    fill(file_window)
    return file_window


@pytest.fixture
def choose(monkeypatch):
    """Chooses a file in place of the dialog of the system."""

    def choose(path) -> None:
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))

    return choose


def ask(window):
    window.commands["export_picture"].trigger()
    return window.findChild(PictureDialog)


def test_a_png_at_the_chosen_scale_and_theme_without_background(window, choose, tmp_path):
    choose(tmp_path / "graph")
    dialog = ask(window)
    QTest.mouseClick(dialog.scale.option("3"), LEFT)
    QTest.mouseClick(dialog.mode.option("light"), LEFT)
    dialog.transparent.setChecked(True)
    note = dialog.note.text()
    QTest.mouseClick(dialog.save_button, LEFT)
    picture = QImage(str(tmp_path / "graph.png"))
    assert note == f"{picture.width():,} × {picture.height():,} pixels"
    assert picture.width() == round(3 * window.canvas.picture_area().width())
    assert picture.pixelColor(2, 2).alpha() == 0
    assert picture.pixelColor(picture.width() // 4, picture.height() // 2).alpha() == 255
    assert theme.mode == "dark"
    assert "Wrote" in window.statusBar().currentMessage()


def test_a_png_with_background_has_that_of_its_theme(window, choose, tmp_path):
    choose(tmp_path / "graph.png")
    dialog = ask(window)
    QTest.mouseClick(dialog.save_button, LEFT)
    assert QImage(str(tmp_path / "graph.png")).pixelColor(2, 2) == colour("canvas")


def test_an_svg_has_outlines_for_texts_and_looks_like_the_png(window, choose, tmp_path):
    choose(tmp_path / "graph.svg")
    dialog = ask(window)
    QTest.mouseClick(dialog.format.option("svg"), LEFT)
    assert not dialog.scale.isEnabled()
    QTest.mouseClick(dialog.save_button, LEFT)
    text = (tmp_path / "graph.svg").read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    assert "<text" not in text
    assert root.find("{http://www.w3.org/2000/svg}title").text == "three"
    labels = re.findall(r'aria-label="([^"]*)"', text)
    assert {"count", "write", "Counter", "value", "item"} <= set(labels)
    assert "numbers.jsonl" in labels
    expected = window.canvas.picture(1.0)
    drawn = QImage(expected.size(), QImage.Format.Format_RGB32)
    painter = QPainter(drawn)
    QSvgRenderer(QByteArray(text.encode())).render(painter)
    painter.end()
    small = QSize(60, 30)
    one, other = (p.scaled(small, mode=Qt.TransformationMode.SmoothTransformation) for p in (expected, drawn))
    differences = [
        abs(one.pixelColor(x, y).lightness() - other.pixelColor(x, y).lightness()) for x in range(60) for y in range(30)
    ]
    assert max(differences) < 40
    assert sum(differences) / len(differences) < 3


def test_pictures_are_copied(window):
    QTest.mouseClick(ask(window).copy_button, LEFT)
    assert QGuiApplication.clipboard().image().width() == round(2 * window.canvas.picture_area().width())


def test_what_was_chosen_is_chosen_again(window, choose, tmp_path, qtbot):
    choose(tmp_path / "graph.svg")
    dialog = ask(window)
    dialog.format.option("svg").click()
    dialog.mode.option("light").click()
    dialog.save_button.click()
    qtbot.waitUntil(lambda: window.findChild(PictureDialog) is None)
    assert QSettings().value("export_picture/format") == "svg"
    assert ask(window).options.format == "svg"
    assert window.findChild(PictureDialog).options.mode == "light"


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_a_picture_that_cannot_be_written_is_told(window, choose, tmp_path, kind):
    choose(tmp_path / "no" / f"graph.{kind}")
    dialog = ask(window)
    dialog.format.option(kind).click()
    dialog.save_button.click()
    assert "cannot be written" in window.statusBar().currentMessage()


def test_python_without_an_engine_is_told(window):
    window.commands["copy_python"].trigger()
    assert "engine" in window.statusBar().currentMessage()


def test_a_program_that_runs_and_gives_what_the_graph_gives(file_window, make_engine, qtbot, choose, tmp_path):
    window = MainWindow(tmp_path, engine=make_engine())
    window.start_engine()
    qtbot.waitUntil(lambda: window.engine.catalogue is not None, timeout=WAIT_MS)
    fill(window)
    choose(tmp_path / "three.py")
    window.commands["export_python"].trigger()
    qtbot.waitUntil((tmp_path / "three.py").exists, timeout=WAIT_MS)
    done = subprocess.run(
        [sys.executable, tmp_path / "three.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "numbers.jsonl").read_text().split() == ["0", "1", "2"]
    window.commands["copy_python"].trigger()
    qtbot.waitUntil(lambda: "class Three(Pipeline)" in QGuiApplication.clipboard().text(), timeout=WAIT_MS)
    window.session.begin(Document(name="g", cells={"a": CellEntry(type="no.Such")}))
    window.commands["copy_python"].trigger()
    qtbot.waitUntil(lambda: "cannot be written as Python: a: " in window.statusBar().currentMessage(), timeout=WAIT_MS)
    window.deleteLater()
