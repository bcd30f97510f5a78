"""Cells of the user in a window with a real engine: they follow their files, and graphs and runs are left alone."""

import os
import signal

import pytest
from PySide6.QtCore import QSettings, Qt

from pypipeline_engine.graph.model import CellEntry, Document
from pypipeline_studio.document import edits
from pypipeline_studio.document.cell_files import write_cell
from pypipeline_studio.document.cell_spec import CellSpec, PortSpec
from pypipeline_studio.panels.cell_rows import ENTRY_ROLE, FailureRow
from pypipeline_studio.window.main_window import MainWindow

WAIT_MS = 60_000
SPEC = CellSpec("Numbers", "mine", "Counts.", (), (PortSpec("value", "int"),))


def replace_file(path, text):
    """As many editors do it: another file takes the name."""
    other = path.with_suffix(".tmp")
    other.write_text(text)
    other.replace(path)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "own").mkdir()
    write_cell(tmp_path / "own", SPEC)
    return tmp_path / "own"


@pytest.fixture
def window(file_window, folder, make_engine, qtbot, tmp_path):
    QSettings().setValue("cells/folder", str(folder))
    window = MainWindow(tmp_path, engine=make_engine())
    window.start_engine()
    window.show()
    qtbot.waitUntil(lambda: window.engine.catalogue is not None, timeout=WAIT_MS)
    yield window
    window.session.undo_stack.setClean()
    window.hide()
    window.deleteLater()


def find(window, name="mine.Numbers"):
    return window.session.types.find(name)


def await_type(qtbot, window, is_right, name="mine.Numbers"):
    qtbot.waitUntil(lambda: is_right(find(window, name)), timeout=WAIT_MS)


def problems(window):
    return {key: row.title.text() for key, row in window.bottom.problems.rows.items() if key.startswith("cells:")}


def failures(window):
    tree = window.library.tree
    heads = [tree.topLevelItem(index) for index in range(tree.topLevelItemCount())]
    rows = [head.child(index) for head in heads for index in range(head.childCount())]
    return [item for item in rows if isinstance(item.data(0, ENTRY_ROLE), FailureRow)]


def test_cells_follow_their_files(window, folder, qtbot, monkeypatch):
    """One window for the whole story, since each start of an engine takes its time."""
    session, engine = window.session, window.engine
    opened = []
    monkeypatch.setattr(window.sources, "open", lambda file, line=1: opened.append((file, line)))
    assert find(window).outputs[0].name == "value"
    window.canvas.add_cell("mine.Numbers")
    before = session.document
    window.canvas.select(["numbers"])

    # Another output: the node that is there shows it, and the graph is the same.
    path = folder / "mine.py"
    good = path.read_text()
    replace_file(path, good.replace('"value"', '"count"'))
    await_type(qtbot, window, lambda found: found.outputs[0].name == "count")
    assert session.document is before
    node = window.canvas._nodes["numbers"].view
    assert [port.name for port in node.outputs] == ["count"]
    assert node.isSelected()
    assert engine.state == "ready"

    # An error: its place is told in the list of cells and among the problems; the node becomes a placeholder.
    path.write_text(good + "\nx = 1 / 0\n")
    await_type(qtbot, window, lambda found: found is None)
    assert problems(window) == {"cells:mine": "mine cannot be loaded"}
    line = len(good.splitlines()) + 2
    window.bottom.problems.row("cells:mine").button.click()
    window.library.tree.itemClicked.emit(failures(window)[0], 0)
    assert opened == [(str(path), line)] * 2
    assert session.document is before
    assert window.canvas.presentation.nodes["numbers"].condition == "missing"

    # A constructor that fails says where.
    path.write_text(good.replace("self._count = 0", "self._count = 1 / 0", 1))
    await_type(qtbot, window, lambda found: found is not None and bool(found.problem))
    assert "ZeroDivisionError" in find(window).problem
    window.bottom.problems.row("cells:mine.Numbers").button.click()
    assert "1 / 0" in path.read_text().splitlines()[opened[-1][1] - 1]

    # All right again, and another cell appears in another file; then both go.
    path.write_text(good)
    write_cell(folder, CellSpec("More", "others", "", (PortSpec("x", "any"),), ()))
    await_type(qtbot, window, lambda found: found is not None, "others.More")
    await_type(qtbot, window, lambda found: found is not None and not found.problem)
    assert problems(window) == {}
    (folder / "others.py").unlink()
    await_type(qtbot, window, lambda found: found is None, "others.More")
    assert find(window) is not None
    assert find(window, "sources.Counter") is not None


def test_a_run_keeps_its_code_and_the_next_one_has_the_new(window, folder, qtbot, tmp_path):
    session, engine, control = window.session, window.engine, window.run_control
    cells = {
        "numbers": CellEntry(type="mine.Numbers"),
        "slow": CellEntry(type="demo.Work", parameters={"milliseconds": 20}),
        "out": CellEntry(type="sinks.JsonLines", parameters={"path": "items.jsonl"}),
    }
    document = Document(name="g", cells=cells)
    for source, target in (("numbers.value", "slow.item"), ("slow.item", "out.item")):
        document = edits.connect(document, (), source, target, session.types)
    session.begin(document)
    window.commands["run"].trigger()
    qtbot.waitUntil(lambda: control.snapshot is not None and control.snapshot.sink_items > 2, timeout=WAIT_MS)
    running = engine.pid

    path = folder / "mine.py"
    changed = (
        path.read_text().replace("set_value(self._count)", "set_value(1000 + self._count)").replace("Counts.", "New.")
    )
    replace_file(path, changed)
    await_type(qtbot, window, lambda found: found.description == "New.")
    assert control.is_going_on
    assert engine.pid == running

    window.commands["stop"].trigger()
    qtbot.waitUntil(lambda: not control.is_going_on, timeout=WAIT_MS)
    old = (tmp_path / "items.jsonl").read_text().split()
    assert old[0] == "1"
    assert all(int(number) < 1000 for number in old)
    window.commands["run"].trigger()
    qtbot.waitUntil(lambda: control.snapshot is not None and control.snapshot.sink_items > 2, timeout=WAIT_MS)
    assert control.is_going_on
    assert engine.pid != running
    window.commands["stop"].trigger()
    qtbot.waitUntil(lambda: not control.is_going_on, timeout=WAIT_MS)
    assert (tmp_path / "items.jsonl").read_text().split()[0] == "1001"


def test_a_new_cell_is_in_the_list_and_runs(window, folder, qtbot, monkeypatch):
    from pypipeline_studio.panels.new_cell_dialog import NewCellDialog

    monkeypatch.setattr(window.sources, "open", lambda *_: True)
    window.commands["new_cell"].trigger()
    dialog = window.findChild(NewCellDialog)
    dialog.name.setText("Fresh")
    dialog.inputs.remove(dialog.inputs.lines[0])
    dialog.outputs.lines[0].name.setText("image")
    qtbot.mouseClick(dialog.create_button, Qt.MouseButton.LeftButton)
    await_type(qtbot, window, lambda found: found is not None, "mine.Fresh")
    window.canvas.add_cell("mine.Fresh")
    window.commands["run"].trigger()
    qtbot.waitUntil(lambda: window.run_control.run.state == "ended", timeout=WAIT_MS)
    assert window.run_control.run.error is None


def test_cells_that_end_the_process_are_told_and_the_engine_stays(window, folder, qtbot):
    pid, path = window.engine.pid, folder / "mine.py"
    good = path.read_text()
    replace_file(path, "import os\nos.kill(os.getpid(), 9)\n")
    qtbot.waitUntil(lambda: "engine:reload" in window.bottom.problems.rows, timeout=WAIT_MS)
    assert "SIGKILL" in window.bottom.problems.row("engine:reload").text.text()
    assert (window.engine.pid, window.engine.state) == (pid, "ready")
    assert find(window) is not None
    replace_file(path, good.replace("Counts.", "New."))
    await_type(qtbot, window, lambda found: found.description == "New.")
    assert "engine:reload" not in window.bottom.problems.rows
    assert window.engine.pid != pid


def test_where_the_engine_dies_the_one_that_waits_goes_on(window, folder, qtbot):
    session, engine, control = window.session, window.engine, window.run_control
    session.begin(Document(name="g", cells={"work": CellEntry(type="mine.Numbers")}))
    path = folder / "mine.py"
    endless = path.read_text().replace(">= 1000", ">= 10**12")
    replace_file(path, endless.replace("Counts.", "Endless."))
    await_type(qtbot, window, lambda found: found.description == "Endless.")
    window.commands["run"].trigger()
    qtbot.waitUntil(lambda: control.snapshot is not None and control.snapshot.sink_items > 0, timeout=WAIT_MS)
    first = engine.pid
    replace_file(path, endless.replace("Counts.", "Newer."))
    await_type(qtbot, window, lambda found: found.description == "Newer.")
    waiting = engine._successor.process.pid
    os.kill(first, signal.SIGKILL)
    qtbot.waitUntil(lambda: engine.state == "ended", timeout=WAIT_MS)
    window.commands["run"].trigger()
    qtbot.waitUntil(lambda: control.run.state == "running" and not control.run.is_starting, timeout=WAIT_MS)
    assert engine.pid == waiting
