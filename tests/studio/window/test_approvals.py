"""Cells that a graph names run only when a person has said so, and only as they were then."""

import hashlib
import json

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from pypipeline_engine.graph.model import CellEntry, Document
from pypipeline_engine.graph.writer import save
from pypipeline_studio.document.cell_files import write_cell
from pypipeline_studio.document.cell_spec import CellSpec, PortSpec
from pypipeline_studio.document.libraries import (
    cells_options,
    from_setting,
    library_of,
    requests_of,
    to_setting,
    with_libraries,
)
from pypipeline_studio.document.types import StudioTypes
from pypipeline_studio.window import approvals
from pypipeline_studio.window.main_window import MainWindow

WAIT_MS = 60_000
SPEC = CellSpec("Numbers", "theirs", "Counts.", (), (PortSpec("value", "int"),))


def graph(*libraries, **types):
    cells = {name: CellEntry(type=known) for name, known in types.items()}
    return Document(name="g", libraries=list(libraries), cells=cells)


def button(window, text):
    return next(found for found in window.approvals.bar.buttons if found.text() == text)


def press(window, text):
    QTest.mouseClick(button(window, text), Qt.MouseButton.LeftButton)


@pytest.fixture
def project(tmp_path):
    """A graph with cells beside it that leave a mark when their code runs."""
    folder = tmp_path / "project"
    path, _ = write_cell(folder, SPEC)
    path.write_text(f"{path.read_text()}\nfrom pathlib import Path\nPath({str(tmp_path / 'ran')!r}).touch()\n")
    save(graph("theirs.py", numbers="theirs.Numbers"), folder / "graph.json")
    return folder


def test_a_graph_asks_for_what_it_names_and_needs(project):
    document = graph("theirs.py", "gone.py", "other.py", "pypipeline-studio", a="theirs.Numbers", b="gone.X")
    (found,) = requests_of(document, project)
    assert found.path == project / "theirs.py"
    assert found.item == str(found.path)
    assert found.sha256 == hashlib.sha256(found.path.read_bytes()).hexdigest()
    assert requests_of(document, project, {found.path}) == ()


def test_a_module_is_found_without_running_its_packages(tmp_path, monkeypatch):
    package = tmp_path / "somebodys"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('it ran')")
    (package / "filters.py").write_text("x = 1")
    monkeypatch.syspath_prepend(str(tmp_path))
    (found,) = requests_of(graph("somebodys.filters", a="filters.Blur"), tmp_path)
    assert (found.item, found.path) == ("somebodys.filters", package / "filters.py")
    assert requests_of(graph("no.such.module", a="module.X"), tmp_path) == ()


def test_an_edit_that_brings_cells_names_where_they_come_from(tmp_path):
    from pypipeline_engine.catalogue.model import CellType

    types = StudioTypes(
        [
            CellType(name="a.X", library=str(tmp_path / "sub" / "a.py")),
            CellType(name="b.X", library="the approved modules", module="my.b"),
            CellType(name="c.X", library="somebodys-cells"),
            CellType(name="math.Add", library="pypipeline-studio"),
        ]
    )
    before, after = graph(), graph(a="a.X", b="b.X", c="c.X", d="math.Add", e="not.There")
    assert with_libraries(before, after, types, tmp_path).libraries == ["sub/a.py", "my.b", "somebodys-cells"]
    assert with_libraries(before, after, types, None).libraries[0] == str(tmp_path / "sub" / "a.py")
    assert with_libraries(after, after, types, tmp_path) is after
    assert library_of(types.find("math.Add")) == ""
    assert cells_options(after, types) == [str(tmp_path / "sub" / "a.py"), "my.b"]


@pytest.mark.parametrize("text", [None, "", "[", "[]", "3", '{"a": 1}'])
def test_a_setting_that_cannot_be_read_allows_nothing(text):
    assert from_setting(text) == {}
    assert from_setting(to_setting({"/a.py": "12"})) == {"/a.py": "12"}


def test_opening_asks_and_not_now_leaves_placeholders(file_window, project, tmp_path):
    window = file_window
    assert window.files.open(project / "graph.json")
    bar = window.approvals.bar
    sha256 = hashlib.sha256((project / "theirs.py").read_bytes()).hexdigest()
    assert bar.isVisible()
    assert bar.text.text() == f"graph.json asks for cells in theirs.py beside it (SHA-256 {sha256[:8]}…)"
    assert sha256 in button(window, "Always allow").toolTip()
    press(window, "Not now")
    assert not bar.isVisible()
    assert window.engine.cell_sources.approved == ()
    assert QSettings().value(approvals.SETTING) is None
    graph = window.session.front
    window.session.new()
    window.session.show(graph)
    assert not bar.isVisible()
    window.session.close(graph)
    window.files.open(project / "graph.json")
    assert bar.isVisible()
    assert not (tmp_path / "ran").exists()


def test_allow_once_is_for_this_window_and_always_is_kept(file_window, project):
    window = file_window
    window.files.open(project / "graph.json")
    press(window, "Allow once")
    ((sha256, item),) = window.engine.cell_sources.approved
    assert item == str(project / "theirs.py")
    assert QSettings().value(approvals.SETTING) is None
    window.session.new()  # in another tab
    assert window.engine.cell_sources.approved == ((sha256, item),)
    window.session.close(window.session.find(project / "graph.json"))
    assert window.engine.cell_sources.approved == ()
    window.files.open(project / "graph.json")
    assert not window.approvals.bar.isVisible()
    window.approvals._once.clear()
    window.approvals.look()
    press(window, "Always allow")
    assert json.loads(QSettings().value(approvals.SETTING)) == {item: sha256}
    window.session.new()
    window.files.open(project / "graph.json")
    assert not window.approvals.bar.isVisible()
    assert window.engine.cell_sources.approved == ((sha256, item),)


def test_a_file_that_has_changed_is_asked_about_again(file_window, project, qtbot):
    window, path = file_window, project / "theirs.py"
    window.files.open(project / "graph.json")
    press(window, "Always allow")
    before = window.engine.cell_sources.approved
    path.write_text(path.read_text() + "# another line\n")
    qtbot.waitUntil(window.approvals.bar.isVisible, timeout=WAIT_MS)
    assert "asks again, since it has changed, for cells in theirs.py" in window.approvals.bar.text.text()
    assert window.engine.cell_sources.approved == before
    press(window, "Allow once")
    assert window.engine.cell_sources.approved != before
    assert not window.approvals.bar.isVisible()


def test_cells_of_the_own_folder_are_not_asked_about(file_window, project, tmp_path):
    window = file_window
    window.cells.folder = project
    window.files.open(project / "graph.json")
    assert not window.approvals.bar.isVisible()


def test_what_was_allowed_is_used_and_nothing_else(file_window, project, make_engine, qtbot, tmp_path):
    QSettings().setValue("cells/folder", str(tmp_path / "own"))
    window = MainWindow(tmp_path, engine=make_engine())
    window.files.open(project / "graph.json")
    window.start_engine()
    window.show()
    qtbot.waitUntil(lambda: window.engine.catalogue is not None, timeout=WAIT_MS)
    assert window.canvas.presentation.nodes["numbers"].condition == "missing"
    assert not (tmp_path / "ran").exists()
    press(window, "Allow once")
    qtbot.waitUntil(lambda: window.canvas.presentation.nodes["numbers"].condition == "normal", timeout=WAIT_MS)
    assert (tmp_path / "ran").exists()
    assert window.session.document.libraries == ["theirs.py"]
    window.commands["copy_command"].trigger()
    assert f"--cells {project / 'theirs.py'}" in QGuiApplication.clipboard().text()
    window.hide()
    window.deleteLater()


def test_a_file_that_changes_between_question_and_answer_does_not_run(
    file_window, project, make_engine, qtbot, tmp_path
):
    QSettings().setValue("cells/folder", str(tmp_path / "own"))
    window = MainWindow(tmp_path, engine=make_engine())
    window.start_engine()
    qtbot.waitUntil(lambda: window.engine.catalogue is not None, timeout=WAIT_MS)
    path = project / "theirs.py"
    seen = hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_text(path.read_text() + "# of somebody else\n")
    window.cells.approve(((seen, str(path)),))
    qtbot.waitUntil(lambda: bool(window.engine.catalogue.failures), timeout=WAIT_MS)
    assert "has changed since it was approved" in window.engine.catalogue.failures[str(path)]
    assert not (tmp_path / "ran").exists()
    window.deleteLater()
