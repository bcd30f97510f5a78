"""Finding in the graph, by real keys in the window."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from pypipeline_engine.catalogue.discovery import Catalogue as Discovered
from pypipeline_engine.host.protocol import Catalogue
from pypipeline_engine.resources import get_examples

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
ENTER = Qt.Key.Key_Return


@pytest.fixture(scope="module")
def known() -> Catalogue:
    return Catalogue(types=tuple(Discovered(installed=False).get_types()))


@pytest.fixture
def window(qtbot, file_window, known):
    file_window.session.set_catalogue(known)
    file_window.session.open(get_examples()["nested"])
    file_window.activateWindow()
    qtbot.waitUntil(file_window.isActiveWindow)
    return file_window


@pytest.fixture
def field(qtbot, window):
    QTest.keyClick(window.canvas.viewer, Qt.Key.Key_F, CTRL)
    field = window.finding.bar.field
    qtbot.waitUntil(field.hasFocus)
    return field


def nested_of(document) -> tuple[str, str]:
    """A nested pipeline and a cell in it."""
    return next((name, next(iter(cell.cells))) for name, cell in document.cells.items() if cell.is_pipeline)


def test_typing_selects_the_first_one_here(window, field) -> None:
    name = next(iter(window.session.document.cells))
    QTest.keyClicks(field, name)
    assert window.canvas.selected() == (name,)
    assert window.finding.bar.count.text().startswith("1 of ")


def test_enter_opens_the_nested_pipeline_in_which_it_is(window, field) -> None:
    outer, inner = nested_of(window.session.document)
    kind = window.session.document.cells[outer].cells[inner].type.rpartition(".")[2]
    if any(cell.type.endswith(kind) for cell in window.session.document.cells.values()):
        pytest.skip("the example has that type outside as well")
    QTest.keyClicks(field, kind)
    assert window.canvas.path == ()
    assert outer in window.finding.bar.note.text()
    QTest.keyClick(field, ENTER)
    assert window.canvas.path == (outer,)
    assert window.canvas.selected() == (inner,)


def test_enter_and_shift_enter_and_f3_go_round(window, field) -> None:
    QTest.keyClicks(field, "e")
    bar = window.finding.bar
    total = int(bar.count.text().split()[-1])
    assert total > 2
    QTest.keyClick(field, ENTER, SHIFT)
    assert bar.count.text() == f"{total} of {total}"
    QTest.keyClick(field, ENTER)
    assert bar.count.text() == f"1 of {total}"
    QTest.keyClick(window, Qt.Key.Key_F3)
    assert bar.count.text() == f"2 of {total}"
    QTest.keyClick(window, Qt.Key.Key_F3, SHIFT)
    assert bar.count.text() == f"1 of {total}"


def test_escape_closes_and_gives_the_focus_back_and_f3_goes_on(window, field) -> None:
    QTest.keyClicks(field, "e")
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert not window.finding.bar.isVisible()
    assert window.canvas.viewer.hasFocus()
    QTest.keyClick(window, Qt.Key.Key_F3)
    assert window.finding.bar.isVisible()
    assert window.finding.bar.count.text().startswith("2 of ")


def test_nothing_found_is_said_and_nothing_moves(window, field) -> None:
    QTest.keyClicks(field, "xyzzy")
    assert window.finding.bar.count.text() == "Nothing found"
    before = window.canvas.selected()
    QTest.keyClick(field, ENTER)
    assert window.canvas.selected() == before
    assert not window.finding.bar.next.isEnabled()


def test_letters_typed_into_the_bar_do_nothing_on_the_canvas(window, field) -> None:
    before = window.session.document
    window.canvas.select_all()
    QTest.keyClicks(field, "dbf")
    QTest.keyClick(field, Qt.Key.Key_Backspace)
    assert window.session.document == before


def test_what_is_renamed_or_removed_meanwhile_is_looked_for_again(window, field) -> None:
    name = next(iter(window.session.document.cells))
    QTest.keyClicks(field, name)
    count = window.finding.bar.count.text()
    window.canvas.remove_selected()
    assert window.finding.bar.count.text() != count
    window.session.undo_stack.undo()
    QTest.keyClick(field, ENTER)
    assert window.canvas.selected() == (name,)
