"""The preferences: what is chosen holds at once, and at the next start."""

from pathlib import Path

import pytest
from panel_samples import figures, snapshot
from PySide6.QtCore import QSettings, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from pypipeline_engine.host.protocol import HostInfo, RunInfo
from pypipeline_engine.resources import get_examples
from pypipeline_studio.theme import style
from pypipeline_studio.theme.colours import theme
from pypipeline_studio.window.live_pace import SETTING as RATE
from pypipeline_studio.window.main_window import MainWindow
from pypipeline_studio.window.output_folder import output_folder
from pypipeline_studio.window.preferences import CELLS_SETTING, EDITOR_SETTING, PreferencesDialog

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def window(qtbot, file_window):
    file_window.session.open(get_examples()["multiply"])
    file_window.activateWindow()
    qtbot.waitUntil(file_window.isActiveWindow)
    yield file_window
    theme.safe_heat = False
    style.apply(QApplication.instance(), "dark")


@pytest.fixture
def dialog(qtbot, window):
    QTest.keyClick(window, Qt.Key.Key_Comma, Qt.KeyboardModifier.ControlModifier)
    dialog = window.findChildren(PreferencesDialog)[-1]
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow)
    yield dialog
    dialog.close()


@pytest.fixture
def another(window, tmp_path):
    """Opens another window with the same settings."""
    made = []

    def make() -> MainWindow:
        made.append(MainWindow(tmp_path))
        return made[-1]

    yield make
    for other in made:
        other.close()
        other.deleteLater()


def run_at(window, *seconds) -> list[float]:
    """Let an engine tell what a run does at these times; at which the canvas showed it."""
    shown = []
    window.live_pace.due.connect(lambda: shown.append(window.run_control.snapshot.elapsed_s))
    for elapsed_s in seconds:
        told = snapshot({name: figures(0.5) for name in window.session.document.cells})
        window.engine.snapshot_arrived.emit(told.model_copy(update={"elapsed_s": elapsed_s, "state": "running"}))
    return shown


def start(window, monkeypatch) -> None:
    monkeypatch.setattr(window.engine, "run_graph", lambda *_, **__: None)
    window.run_control.start()
    window.engine.run = RunInfo(run=1, state="running")
    window.engine.run_changed.emit(window.engine.run)


# ------------------------------------------------------------------ appearance


def test_the_theme_is_chosen_and_the_system_is_followed_again(window, dialog) -> None:
    QTest.mouseClick(dialog.theme.option("light"), LEFT)
    assert theme.mode == "light"
    assert not window.commands["dark"].isChecked()
    assert QSettings().value("theme") == "light"
    QTest.mouseClick(dialog.theme.option("system"), LEFT)
    style._follow(Qt.ColorScheme.Dark)
    assert theme.mode == "dark"
    assert window.commands["dark"].isChecked()
    style._follow(Qt.ColorScheme.Light)
    assert theme.mode == "light"
    assert window.appearance.theme_choice == "system"


def test_heat_for_colour_blind_people_is_the_same_setting_as_in_the_menu(window, dialog) -> None:
    QTest.mouseClick(dialog.safe_heat, LEFT)
    assert theme.safe_heat
    assert window.commands["safe_heat"].isChecked()
    window.commands["safe_heat"].trigger()
    assert not dialog.safe_heat.isChecked()


def test_less_motion_is_remembered_and_taken_back(window, dialog, another) -> None:
    before = QApplication.isEffectEnabled(Qt.UIEffect.UI_AnimateMenu)
    QTest.mouseClick(dialog.motion, LEFT)
    assert not window.isAnimated()
    assert not QApplication.isEffectEnabled(Qt.UIEffect.UI_AnimateMenu)
    assert not another().isAnimated()
    QTest.mouseClick(dialog.motion, LEFT)
    assert window.isAnimated()
    assert QApplication.isEffectEnabled(Qt.UIEffect.UI_AnimateMenu) == before


# ------------------------------------------------------------------ running


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        ("4", [0.0, 0.25, 0.5, 0.75, 1.0, 1.26, 1.5]),
        ("2", [0.0, 0.5, 1.0, 1.5]),
        ("1", [0.0, 1.0]),
    ],
)
def test_figures_are_shown_as_often_as_it_was_chosen(window, dialog, monkeypatch, rate, expected) -> None:
    QTest.mouseClick(dialog.rate.option(rate), LEFT)
    start(window, monkeypatch)
    assert run_at(window, 0.0, 0.25, 0.5, 0.75, 1.0, 1.26, 1.5) == expected


def test_the_end_of_a_run_is_shown_whatever_the_rate_is(window, monkeypatch) -> None:
    window.live_pace.set_rate(1)
    start(window, monkeypatch)
    shown = run_at(window, 0.0, 0.25)
    told = window.run_control.snapshot.model_copy(update={"elapsed_s": 0.5, "state": "ended"})
    window.engine.snapshot_arrived.emit(told)
    assert shown == [0.0, 0.5]


def test_off_is_remembered_and_the_toolbar_switches_it_on_again(window, dialog, another) -> None:
    QTest.mouseClick(dialog.rate.option("0"), LEFT)
    assert not window.commands["live"].isChecked()
    other = another()
    assert not other.commands["live"].isChecked()
    assert not other._shows_live
    window.commands["live"].trigger()
    assert window.live_pace.rate_hz in (0, 4)
    QTest.mouseClick(dialog.rate.option("2"), LEFT)
    assert window.commands["live"].isChecked()
    assert another().live_pace.rate_hz == 2


def test_a_rate_that_nobody_can_choose_is_the_usual_one(window, another) -> None:
    QSettings().setValue(RATE, "often")
    assert another().live_pace.rate_hz == 4


def test_the_first_clone_runs_on_what_was_chosen_where_it_is_installed(window, dialog) -> None:
    name = next(iter(window.session.document.cells))
    window.clone_method.choose("ray")
    window._inspection.change_clones(name, 1)
    assert window.session.document.cells[name].scale.thread == 1  # nobody knows about Ray yet
    window.session.undo_stack.undo()
    info = HostInfo(protocol=1, engine_version="1", python_version="3", pid=1, nb_cpus=2, has_ray=True)
    window.engine.info_arrived.emit(info)
    assert dialog.clone_method.choice == "ray"
    window._inspection.change_clones(name, 1)
    assert window.session.document.cells[name].scale.ray == 1
    window.session.undo_stack.undo()
    window.canvas.select([name])
    window.inspector.scaling.more.click()
    assert window.session.document.cells[name].scale.ray == 1
    window._inspection.change_clones(name, 1)
    assert window.session.document.cells[name].scale.ray == 2


def test_the_toolbar_and_the_dialog_choose_the_same_method(window, dialog, another) -> None:
    info = HostInfo(protocol=1, engine_version="1", python_version="3", pid=1, nb_cpus=2, has_ray=True)
    window.engine.info_arrived.emit(info)
    QTest.mouseClick(dialog.clone_method.option("ray"), LEFT)
    assert window.clone_method.usable == "ray"
    assert another().clone_method.chosen == "ray"
    dialog.hide()
    window.clone_method.choose("thread")
    assert window.inspector.scaling.method.choice == "thread"


# ------------------------------------------------------------------ files


def test_outputs_go_to_the_folder_that_was_chosen_unless_the_command_line_says_another(
    window, dialog, tmp_path
) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    dialog.output_folder.field.setFocus()
    QTest.keyClicks(dialog.output_folder.field, str(folder))
    QTest.keyClick(dialog.output_folder.field, Qt.Key.Key_Return)
    assert window.run_control.output_folder == folder
    assert window.files._output_folder == folder
    assert output_folder(None) == folder
    assert output_folder(tmp_path) == tmp_path
    dialog.output_folder.take("")
    assert output_folder(None) == Path.cwd()


def test_a_folder_that_is_not_there_is_not_taken(window, dialog, tmp_path) -> None:
    before = window.run_control.output_folder
    dialog.output_folder.field.setFocus()
    QTest.keyClicks(dialog.output_folder.field, str(tmp_path / "none"))
    QTest.keyClick(dialog.output_folder.field, Qt.Key.Key_Return)
    assert "there is no folder" in dialog.output_folder.complaint.text()
    assert window.run_control.output_folder == before


def test_the_folder_of_cells_and_the_editor_are_kept(window, dialog, tmp_path) -> None:
    dialog.cell_folder.take(str(tmp_path))
    assert QSettings().value(CELLS_SETTING) == str(tmp_path)
    dialog.editor.setFocus()
    QTest.keyClicks(dialog.editor, "code -g '{file}")
    QTest.keyClick(dialog.editor, Qt.Key.Key_Return)
    assert QSettings().value(EDITOR_SETTING) is None
    QTest.keyClicks(dialog.editor, "'")
    QTest.keyClick(dialog.editor, Qt.Key.Key_Return)
    assert QSettings().value(EDITOR_SETTING) == "code -g '{file}'"
    dialog.cell_folder.take("")
    assert QSettings().value(CELLS_SETTING) is None
