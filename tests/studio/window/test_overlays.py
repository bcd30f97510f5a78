"""What nodes show of their load in the window: heat with its legend, and figures that are switched off."""

from panel_samples import figures, snapshot

from pypipeline_engine.resources import get_examples
from pypipeline_studio.theme.colours import heat, theme


def are_near(one, other) -> bool:
    return sum(abs(a - b) for a, b in zip(one.getRgb(), other.getRgb(), strict=True)) < 16


def test_a_legend_says_what_the_colours_mean_while_heat_is_on(file_window) -> None:
    legend = file_window.appearance.legend
    assert not legend.isVisible()
    file_window.commands["heat"].trigger()
    assert legend.isVisible()
    assert file_window.canvas.rect().contains(legend.geometry())
    assert "busy" in legend.accessibleName()
    busiest = legend.grab().toImage().pixelColor(162, 16)
    assert are_near(busiest, heat(1.0, 0.0))
    file_window.commands["safe_heat"].trigger()
    try:
        safe = legend.grab().toImage().pixelColor(162, 16)
        assert are_near(safe, heat(1.0, 0.0))
        assert not are_near(safe, busiest)
    finally:
        theme.safe_heat = False
    file_window.commands["heat"].trigger()
    assert not legend.isVisible()


def test_nodes_of_a_run_do_not_say_that_it_was_not_run_when_figures_are_switched_off(file_window) -> None:
    file_window.files.new_from(get_examples()["multiply"])
    file_window.run_control.follow(file_window.session.document)
    names = tuple(file_window.session.document.cells)
    item = file_window.canvas.node_item(names[0])
    assert item.no_figures == "Not run yet"
    file_window.engine.snapshot_arrived.emit(snapshot({name: figures(0.9) for name in names}))
    assert item.live is not None
    file_window.commands["live"].trigger()
    assert item.live is None
    assert item.no_figures == "Live figures are off"
    file_window.commands["live"].trigger()
    assert item.live is not None


def test_the_foot_of_a_node_takes_the_colour_of_its_load(file_window) -> None:
    file_window.files.new_from(get_examples()["multiply"])
    file_window.canvas.viewer.zoom_by(1 / file_window.canvas.viewer.get_scale())
    file_window.canvas.reveal(next(iter(file_window.session.document.cells)))
    control = file_window.run_control
    control.follow(file_window.session.document)
    busy = {name: figures(0.9) for name in file_window.session.document.cells}
    file_window.engine.snapshot_arrived.emit(snapshot(busy))
    item = file_window.canvas.node_item(next(iter(busy)))

    def foot():
        left, _, _, bottom = item.box()
        corner = file_window.canvas.viewer.mapFromScene(left + 4, bottom - 30)
        return file_window.canvas.viewer.viewport().grab().toImage().pixelColor(corner)

    before = foot()
    file_window.commands["heat"].trigger()
    assert foot() != before
    file_window.commands["heat"].trigger()
    assert foot() == before
