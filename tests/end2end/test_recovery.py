"""A studio that is killed by the system, and the one that is started after it."""

import json
import os
import subprocess
import sys

import pytest

DRIVER = """
import json, os, sys, traceback
from pathlib import Path
from PySide6.QtCore import QTimer
from pypipeline_studio.document import edits
from pypipeline_studio.window import application
from pypipeline_studio.window.main_window import MainWindow

def end(*error):
    traceback.print_exception(*error)
    os._exit(1)

def tell(what):
    print(json.dumps(what), flush=True)

def edit(window):
    for number in range(3):
        document, _ = edits.add_cell(window.session.document, (), "demo.Work", (200 * number, 0))
        window.session.edit("Add", document)
        if number < 2:
            assert window.autosave.flush()
    tell(list(window.session.document.cells))

def edit_two(window):
    edit(window)
    window.session.new()
    for number in range(2):
        document, _ = edits.add_cell(window.session.document, (), "demo.Work", (200 * number, 0))
        window.session.edit("Add", document)
        if number < 1:
            assert window.autosave.flush()
    tell(list(window.session.document.cells))

def recover_all(window):
    dialog = window._recovery.dialog
    while window._recovery.dialog is not None:
        next(button for button in dialog.recover_buttons if button.isVisible()).click()
    tell([[graph.title, list(graph.document.cells), graph.is_modified] for graph in window.session.graphs])
    for graph in window.session.graphs:
        graph.undo_stack.setClean()
    window.close()

def recover(window):
    dialog = window._recovery.dialog
    if dialog is None:
        tell(None)
    else:
        dialog.recover_buttons[0].click()
        tell([window.session.title, list(window.session.document.cells), window.session.is_modified])
    window.session.undo_stack.setClean()
    window.close()

sys.excepthook = end
# No engine: what is edited and kept is none of its business.
MainWindow.start_engine = lambda self: QTimer.singleShot(0, lambda: globals()[sys.argv[1]](self))
sys.exit(application.run_application(sys.argv[2] if len(sys.argv) > 2 else None, Path(), (), "dark"))
"""


@pytest.fixture
def start(tmp_path):
    """Starts studios that do something by themselves, with one folder for what they keep."""
    started = []
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "HOME": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }

    def run(*arguments: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-c", DRIVER, *arguments], stdout=subprocess.PIPE, text=True, env=environment, cwd=tmp_path
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="where the state of a user is kept is set by XDG variables")
def test_a_killed_studio_costs_one_edit_at_most_and_the_next_start_offers_the_rest(start, tmp_path) -> None:
    graph = tmp_path / "mine.json"
    graph.write_text('{"format": "pypipeline.graph", "version": 1, "cells": {}, "connections": []}')
    killed = start("edit", str(graph))
    cells = json.loads(killed.stdout.readline())
    assert len(cells) == 3
    killed.kill()
    assert killed.wait() != 0
    assert len(list(tmp_path.glob("state/**/recovery/*.json"))) == 1

    title, recovered, is_modified = json.loads(start("recover").stdout.readline())
    assert title == "mine.json"
    assert recovered in (cells[:2], cells)
    assert is_modified

    clean = start("recover")
    assert json.loads(clean.stdout.readline()) is None
    assert clean.wait(60) == 0
    assert list(tmp_path.glob("state/**/recovery/*")) == []
    assert '"cells": {}' in graph.read_text()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="where the state of a user is kept is set by XDG variables")
def test_two_graphs_of_a_killed_studio_cost_one_edit_at_most_each_and_come_back_in_tabs(start, tmp_path) -> None:
    graph = tmp_path / "mine.json"
    graph.write_text('{"format": "pypipeline.graph", "version": 1, "cells": {}, "connections": []}')
    killed = start("edit_two", str(graph))
    mine, untitled = json.loads(killed.stdout.readline()), json.loads(killed.stdout.readline())
    killed.kill()
    assert killed.wait() != 0

    clean = start("recover_all")
    by_title = {title: (cells, is_modified) for title, cells, is_modified in json.loads(clean.stdout.readline())}
    assert by_title.keys() == {"mine.json", "untitled.json"}
    assert by_title["mine.json"] in ((mine[:2], True), (mine, True))
    assert by_title["untitled.json"] in ((untitled[:1], True), (untitled, True))
    assert clean.wait(60) == 0
    assert list(tmp_path.glob("state/**/recovery/*")) == []
