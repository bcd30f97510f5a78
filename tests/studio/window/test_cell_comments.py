"""What a person writes about a cell, with real keys."""

import json

import pytest
from gestures import at_node, click
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from pypipeline_engine.graph.writer import to_text
from pypipeline_engine.resources import get_examples
from pypipeline_studio.document.cell_notes import comment_of, set_comment
from pypipeline_studio.document.finding import find

CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def people(file_window):
    file_window.session.open(get_examples()["people_tracking"])
    file_window.canvas.select(["detect"])
    return file_window


def write(window, text):
    field = window.inspector.comment.field
    field.setFocus()
    field.selectAll()
    for number, line in enumerate(text.split("\n")):
        if number:
            QTest.keyClick(field, Qt.Key.Key_Return)
        QTest.keyClicks(field, line)
    return field


def test_a_comment_is_kept_in_the_line_of_the_cell_and_found(people):
    before = people.session.document
    field = write(people, "Slow on 4K.\nAsk Ada.")
    QTest.keyClick(field, Qt.Key.Key_Return, CTRL)
    document = people.session.document
    assert comment_of(document, "detect") == "Slow on 4K.\nAsk Ada."
    (line,) = [line for line in to_text(document).splitlines() if "Ask Ada" in line]
    assert json.loads("{" + line.strip().rstrip(",") + "}")["detect"]["pos"] == before.view["detect"]["pos"]
    assert "Ask Ada." in people.canvas.node_item("detect").toolTip()
    assert [hit.name for hit in find(document, "ask ada")] == ["detect"]
    people.commands["undo"].trigger()
    assert people.session.document == before
    assert field.toPlainText() == ""


def test_a_click_on_another_cell_keeps_what_was_written_about_this_one(people):
    write(people, "mine")
    click(people.canvas, at_node(people.canvas, "track"))
    assert people.canvas.selected() == ("track",)
    assert comment_of(people.session.document, "detect") == "mine"
    assert comment_of(people.session.document, "track") == ""
    assert people.inspector.comment.field.toPlainText() == ""
    people.canvas.select(["detect"])
    assert people.inspector.comment.field.toPlainText() == "mine"


def test_no_comment_leaves_nothing_behind(people):
    document = people.session.document
    assert set_comment(document, (), "detect", "") is document
    written = set_comment(document, (), "detect", "x")
    assert set_comment(written, (), "detect", "") == document
    bare = document.model_copy(update={"view": {}})
    assert set_comment(set_comment(bare, (), "detect", "x"), (), "detect", "").view == {}
