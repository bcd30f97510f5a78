"""The plots beside the statistics, by real events."""

import subprocess
import sys

import pytest
from panel_samples import figures, snapshot
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from pypipeline_engine.host.protocol import ProcessFigures
from pypipeline_studio.panels.plots import EMPTY_TEXT, NONE_CHOSEN_TEXT
from pypipeline_studio.panels.statistics import StatisticsPanel
from pypipeline_studio.theme.colours import colour
from pypipeline_studio.theme.style import apply

PROCESS = ProcessFigures(cpu=1.5, memory_bytes=2_000_000, threads=3)


def at(elapsed_s, rates=None, **more):
    rates = {"video": 30.0, "detect": 8.0} if rates is None else rates
    cells = {name: figures(hz / 40, hz) for name, hz in rates.items()}
    update = {"elapsed_s": elapsed_s, "process": PROCESS, **more}
    return snapshot(cells, ("detect",)).model_copy(update=update)


@pytest.fixture
def panel(show):
    return show(StatisticsPanel(), 1300, 240)


@pytest.fixture
def plots(panel):
    """The plots of a run of ten seconds."""
    for number in range(41):
        panel.show_snapshot(at(number / 4))
    return panel.plots


def press(qtbot, button) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def place_of(view, sample, value) -> QPoint:
    """Where a value is in the viewport of a plot."""
    at_widget = view._on_widget(view.data.times[sample] - view.data.times[-1], value).toPoint()
    return view.plot.viewport().mapFrom(view, at_widget)


def test_what_draws_plots_is_not_imported_before_a_plot_is_seen() -> None:
    code = (
        "import sys; from PySide6.QtWidgets import QApplication; app = QApplication([]);"
        "from pypipeline_studio.panels.statistics import StatisticsPanel; panel = StatisticsPanel(); panel.show();"
        "assert 'pyqtgraph' not in sys.modules and 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_two_plots_are_shown_once_something_runs(panel) -> None:
    assert not panel.plots.isVisible()
    panel.show_snapshot(at(0.25))
    assert list(panel.plots.views) == ["rate", "load"]
    assert panel.plots.views["rate"].headline.text() == "8.00/s"
    panel.show_snapshot(None)
    assert not panel.plots.isVisible()
    assert len(panel.history) == 0


def test_plots_are_switched_on_and_off_and_it_is_told(plots, qtbot) -> None:
    with qtbot.waitSignal(plots.settings_changed):
        press(qtbot, plots.buttons["latency"])
    assert plots.views["latency"].isVisible()
    assert plots.views["latency"].title.text() == "Latency of detect"
    for key in ("rate", "load", "latency"):
        press(qtbot, plots.buttons[key])
    assert not plots.views["rate"].isVisible()
    assert plots._empty.text.text() == NONE_CHOSEN_TEXT
    assert plots.settings == "minute"


def test_plots_stay_in_their_order_whichever_is_made_first(plots, qtbot) -> None:
    press(qtbot, plots.buttons["memory"])
    press(qtbot, plots.buttons["queue"])
    row = [plots._row.itemAt(index).widget().key for index in range(plots._row.count())]
    assert row == ["rate", "load", "queue", "memory"]


def test_what_was_chosen_can_be_kept_and_what_cannot_be_read_changes_nothing(plots) -> None:
    plots.restore("ten,latency,cpu,unheard_of")
    assert plots.shown == ("latency", "cpu")
    assert plots.settings == "ten,latency,cpu"
    plots.restore("")
    assert plots.settings == "ten,latency,cpu"


def test_the_axis_of_time_grows_with_the_run_up_to_what_is_chosen(plots, panel, qtbot) -> None:
    def span_s() -> float:
        (left, right), _ = plots.views["rate"].plot.viewRange()
        assert right == 0
        return -left

    assert span_s() == pytest.approx(10)
    panel.show_snapshot(at(90.0))
    assert span_s() == pytest.approx(60)
    press(qtbot, plots.span._options["all"])
    assert span_s() == pytest.approx(90)


def test_the_pointer_tells_the_values_of_a_moment(plots, qtbot) -> None:
    view = plots.views["load"]
    QTest.mouseMove(view.plot.viewport(), place_of(view, 20, 0.5))
    qtbot.waitUntil(lambda: view.readout.isVisible())
    assert view.readout.when == "at 5.0 s"
    assert ("limit", "detect", "20 %") in view.readout.rows
    assert ("first", "video", "75 %") in view.readout.rows
    assert view.rect().contains(view.readout.geometry())


def test_the_keyboard_goes_through_the_samples(plots, qtbot) -> None:
    view = plots.views["rate"]
    view.plot.setFocus()
    qtbot.keyClick(view.plot, Qt.Key.Key_Left)
    qtbot.keyClick(view.plot, Qt.Key.Key_Left)
    assert view.readout.when == "at 9.8 s"
    qtbot.keyClick(view.plot, Qt.Key.Key_Escape)
    assert not view.readout.isVisible()


def test_a_click_on_a_line_tells_its_cell(plots, panel, qtbot) -> None:
    view = plots.views["rate"]
    with qtbot.waitSignal(panel.cell_activated) as asked:
        qtbot.mouseClick(view.plot.viewport(), Qt.MouseButton.LeftButton, pos=place_of(view, 20, 30.0))
    assert asked.args == ["video"]
    with qtbot.assertNotEmitted(panel.cell_activated):
        qtbot.mouseClick(view.plot.viewport(), Qt.MouseButton.LeftButton, pos=place_of(view, 20, 19.0))
    assert view.line_at(QPointF(place_of(view, 20, 19.0))) is None


def test_the_load_of_the_selected_cell_is_shown_in_layers(plots, panel) -> None:
    panel.select_cells(["video"])
    view = plots.views["load"]
    assert view.title.text() == "Load of video"
    assert [line.label for line in view._layers._lines] == ["busy", "starved", "blocked"]
    image = view.plot.grab().toImage()
    inside = place_of(view, 20, 0.4)
    ratio = image.devicePixelRatio()
    assert image.pixelColor(round(inside.x() * ratio), round(inside.y() * ratio)).name() == colour("busy").name()
    panel.select_cells([])
    assert view.title.text() == "Busy share"
    assert not view._layers._lines


def test_a_change_of_scaling_is_a_dotted_line_with_its_words(plots, panel) -> None:
    cells = {"detect": figures(0.5, 8.0, method="thread", workers=2)}
    panel.show_snapshot(at(10.5).model_copy(update={"cells": cells}))
    (mark,) = plots.views["rate"].marks
    assert mark.label.format == "inline → 2 threads"
    assert mark.value() == 0
    panel.show_snapshot(at(12.5).model_copy(update={"cells": cells}))
    assert mark.value() == -2


def test_of_a_run_that_goes_on_every_second_snapshot_is_drawn_and_each_one_kept(plots, panel) -> None:
    view = plots.views["rate"]
    assert view.data.times[-1] == 10
    panel.show_snapshot(at(10.25))
    assert view.data.times[-1] == 10
    panel.show_snapshot(at(10.5))
    assert list(view.data.times[-3:]) == [10, 10.25, 10.5]
    panel.show_snapshot(at(10.75, state="paused"))
    panel.show_snapshot(at(10.75, state="ended"))
    assert view.data.times[-1] == 10.75


def test_the_theme_changes_while_plots_are_shown(plots) -> None:
    view = plots.views["rate"]

    def corner() -> str:
        return view.plot.grab().toImage().pixelColor(2, 2).name()

    assert corner() == colour("panel").name()
    dark = corner()
    apply(QApplication.instance(), "light")
    assert corner() == colour("panel").name() != dark


def test_the_end_of_a_run_is_not_now(plots, panel) -> None:
    assert plots.views["rate"]._times.latest == "now"
    panel.show_snapshot(at(10.5, state="ended", window_s=10.5))
    assert plots.views["rate"]._times.latest == "end"
    assert panel.history.elapsed_s == 10.0


def test_a_run_too_short_for_plots_says_so(panel) -> None:
    panel.show_snapshot(at(0.1, state="ended"))
    assert plots_text(panel) == EMPTY_TEXT


def plots_text(panel) -> str:
    assert panel.plots._stack.currentWidget() is panel.plots._empty
    return panel.plots._empty.text.text()


def test_the_plots_are_a_picture(plots) -> None:
    image = plots.draw_picture()
    assert image.width() == 2 * plots._holder.width()
    plots.restore("minute")
    assert plots.draw_picture().isNull()
