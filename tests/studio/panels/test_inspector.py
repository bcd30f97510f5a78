import pytest
from panel_samples import error
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QPushButton, QStyle, QStyleOptionSlider

from pypipeline_engine.graph.model import CellEntry, OnError, RayOptions, Scale
from pypipeline_engine.host.protocol import GraphProblem
from pypipeline_studio.document.views import NodeView, PortView
from pypipeline_studio.panels.cell_head import first_sentence, reflowed
from pypipeline_studio.panels.inspector import InspectorPanel
from pypipeline_studio.panels.parameter_rows import READ_AT_START
from pypipeline_studio.panels.scaling_section import NO_RAY, NOT_KNOWN_YET


class Shown:
    """An inspector that shows one cell, and shows it again after each edit, as the window does."""

    def __init__(self, panel, cell_type, **entry):
        self.panel = panel
        self.cell_type = cell_type
        self.entry = CellEntry(type=cell_type.name if cell_type else "acme.Gone", **entry)
        self.changes = []
        self.is_running = False
        self.connected = ()
        self.inputs = (PortView("image", ("image",)),)
        panel.parameter_changed.connect(self._change)
        panel.parameter_reset.connect(self._reset)
        self.again()

    def again(self, problems=()):
        is_missing = self.cell_type is None
        view = NodeView(
            "detect",
            self.entry.type,
            self.entry.type,
            "missing" if is_missing else "detection",
            "missing" if is_missing else "normal",
            inputs=self.inputs,
        )
        self.panel.show_cell(self.entry, view, self.cell_type, problems, self.is_running, self.connected)

    def _set(self, parameters):
        self.entry = self.entry.model_copy(update={"parameters": parameters})
        self.again()

    def _change(self, name, value, is_final):
        self.changes.append((name, value, is_final))
        self._set({**self.entry.parameters, name: value})

    def _reset(self, name):
        self.changes.append((name, "reset", True))
        self._set({known: value for known, value in self.entry.parameters.items() if known != name})

    def row(self, name):
        return self.panel.parameters.rows[name]

    def field(self, name):
        return self.row(name).editor.field


@pytest.fixture
def panel(show):
    return show(InspectorPanel(), 292, 1200)


@pytest.fixture
def shown(panel, types):
    return Shown(panel, types[0], parameters={"model": "a.xml"})


def type_into(qtbot, field, text):
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, text)


# ------------------------------------------------------------------ parameters


def test_a_typed_number_is_sent_once_by_enter(shown, qtbot):
    type_into(qtbot, shown.field("stride"), "16")
    assert shown.changes == []
    qtbot.keyClick(shown.field("stride"), Qt.Key.Key_Return)
    shown.panel.setFocus()
    assert shown.changes == [("stride", 16, True)]


def test_leaving_a_field_sends_what_was_typed(shown, qtbot):
    type_into(qtbot, shown.field("title"), "people")
    qtbot.keyClick(shown.field("title"), Qt.Key.Key_Tab)
    assert shown.changes == [("title", "people", True)]


def test_wrong_text_is_explained_and_never_sent(shown, qtbot):
    field = shown.field("mean")
    type_into(qtbot, field, "[1, ")
    assert field.property("wrong") is True
    assert shown.row("mean").complaint.isVisible()
    assert "no JSON" in shown.row("mean").complaint.text()
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert shown.changes == []
    qtbot.keyClicks(field, "2]")
    assert not shown.row("mean").complaint.isVisible()
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert shown.changes == [("mean", [1, 2], True)]


def test_a_number_outside_of_the_range_is_refused(shown, qtbot):
    type_into(qtbot, shown.field("stride"), "65")
    qtbot.keyClick(shown.field("stride"), Qt.Key.Key_Return)
    assert shown.row("stride").complaint.text() == "detect.stride must be from 1 to 64 px, not 65"
    assert shown.changes == []


def test_escape_takes_back_what_was_typed(shown, qtbot):
    field = shown.field("stride")
    type_into(qtbot, field, "junk")
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert field.text() == "8"
    assert not shown.row("stride").complaint.isVisible()
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert shown.changes == []


def test_an_empty_field_is_null_where_the_type_allows_that(shown, qtbot):
    type_into(qtbot, shown.field("width"), "320\r")
    type_into(qtbot, shown.field("width"), " \r")
    assert shown.changes == [("width", 320, True), ("width", None, True)]


def test_what_is_being_typed_stays_when_the_cell_is_shown_again(shown, qtbot):
    type_into(qtbot, shown.field("title"), "half")
    shown.again()
    assert shown.field("title").text() == "half"
    assert shown.field("title").hasFocus()


def test_a_value_that_was_undone_is_shown(shown, qtbot):
    type_into(qtbot, shown.field("stride"), "16\r")
    shown.entry = shown.entry.model_copy(update={"parameters": {}})
    shown.again()
    assert shown.field("stride").text() == "8"
    assert shown.row("stride").editor.slider.value() == 7


def test_arrow_keys_step_and_the_release_of_the_key_ends_the_edit(shown):
    field = shown.field("hit_threshold")
    field.setFocus()
    QTest.keyPress(field, Qt.Key.Key_Up)
    QTest.keyPress(field, Qt.Key.Key_Up)
    QTest.keyRelease(field, Qt.Key.Key_Up)
    assert shown.changes == [
        ("hit_threshold", 0.1, False),
        ("hit_threshold", 0.2, False),
        ("hit_threshold", 0.2, True),
    ]


def send_mouse(widget, kind, x, buttons):
    place = QPointF(x, widget.height() / 2)
    button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else Qt.MouseButton.LeftButton
    event = QMouseEvent(kind, place, widget.mapToGlobal(place), button, buttons, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(widget, event)


def test_dragging_a_slider_gives_values_all_the_time_and_one_last_one(shown):
    slider = shown.row("stride").editor.slider
    option = QStyleOptionSlider()
    slider.initStyleOption(option)
    handle = slider.style().subControlRect(
        QStyle.ComplexControl.CC_Slider, option, QStyle.SubControl.SC_SliderHandle, slider
    )
    start = handle.center().x()
    send_mouse(slider, QEvent.Type.MouseButtonPress, start, Qt.MouseButton.LeftButton)
    for x in range(start + 5, slider.width(), 5):
        send_mouse(slider, QEvent.Type.MouseMove, x, Qt.MouseButton.LeftButton)
    send_mouse(slider, QEvent.Type.MouseButtonRelease, slider.width() - 1, Qt.MouseButton.NoButton)
    assert len(shown.changes) > 3
    assert {name for name, _, _ in shown.changes} == {"stride"}
    assert [is_final for _, _, is_final in shown.changes] == [False] * (len(shown.changes) - 1) + [True]
    assert shown.changes[-1][1] == shown.changes[-2][1] > 50
    assert isinstance(shown.changes[-1][1], int)
    assert shown.field("stride").text() == str(shown.changes[-1][1])


def test_a_slider_does_not_round_a_value_by_showing_it(panel, types):
    shown = Shown(panel, types[0], parameters={"hit_threshold": 0.123456})
    assert shown.field("hit_threshold").text() == "0.123456"
    assert shown.changes == []


def test_the_wheel_does_not_change_a_slider_without_the_focus(shown, qtbot):
    from PySide6.QtCore import QPoint
    from PySide6.QtGui import QWheelEvent

    slider = shown.row("stride").editor.slider
    shown.panel.setFocus()
    place = QPointF(slider.rect().center())
    event = QWheelEvent(
        place,
        slider.mapToGlobal(place),
        QPoint(),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(slider, event)
    assert shown.changes == []


def test_a_check_box_and_a_choice_send_their_value(shown, qtbot):
    qtbot.mouseClick(shown.row("labels").editor.box, Qt.MouseButton.LeftButton)
    combo = shown.row("mode").editor.combo
    combo.setFocus()
    qtbot.keyClick(combo, Qt.Key.Key_Down)
    assert shown.changes == [("labels", False, True), ("mode", "good", True)]


def test_a_choice_shows_a_value_of_the_file_that_is_not_allowed(panel, types):
    shown = Shown(panel, types[0], parameters={"mode": "turbo"})
    assert shown.row("mode").editor.combo.currentText() == "turbo – not allowed"


def test_what_is_not_the_default_has_a_dot_that_resets_it(panel, types, qtbot):
    shown = Shown(panel, types[0], parameters={"stride": 16, "title": ""})
    dot = shown.row("stride").dot
    assert dot.focusPolicy() == Qt.FocusPolicy.TabFocus
    assert shown.row("title").dot.focusPolicy() == Qt.FocusPolicy.NoFocus
    qtbot.mouseClick(dot, Qt.MouseButton.LeftButton)
    assert shown.changes == [("stride", "reset", True)]
    assert shown.field("stride").text() == "8"


def test_config_parameters_are_locked_while_running(shown):
    assert shown.row("model").editor.isEnabled()
    shown.is_running = True
    shown.again()
    assert not shown.row("model").editor.isEnabled()
    assert READ_AT_START in shown.row("model").editor.toolTip()
    assert shown.row("stride").editor.isEnabled()


def test_a_connected_parameter_says_so(shown):
    shown.inputs = (PortView("stride", ("number",), is_parameter=True),)
    shown.connected = ("stride",)
    shown.again()
    assert shown.row("stride").connected.isVisible()
    assert not shown.row("stride").editor.isVisible()


def test_a_runtime_parameter_can_be_shown_as_an_input(shown, qtbot):
    with qtbot.waitSignal(shown.panel.input_shown_changed) as asked:
        shown.row("stride").input_action.trigger()
    assert asked.args == ["stride", True]
    assert shown.row("model").input_action not in shown.field("model").more_actions


def test_a_chosen_file_is_written_relative_to_the_folder_of_the_graph(shown, qtbot, tmp_path):
    (tmp_path / "models").mkdir()
    chosen = tmp_path / "models" / "b.xml"
    chosen.touch()
    shown.panel.set_folders(tmp_path, tmp_path)
    shown.again()
    qtbot.mouseClick(shown.row("model").editor.button, Qt.MouseButton.LeftButton)
    dialog = shown.row("model").editor.findChild(QFileDialog)
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
    dialog.selectFile(str(chosen))
    dialog.accept()
    assert shown.changes == [("model", "models/b.xml", True)]


def test_another_cell_gets_nothing_of_what_was_typed_for_the_one_before(shown, types, qtbot):
    type_into(qtbot, shown.field("title"), "half")
    other = CellEntry(type="tracking.Sort")
    shown.panel.show_cell(other, NodeView("track", "tracking.Sort", "Sort", "tracking"), types[1], (), False)
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert shown.changes == []
    assert list(shown.panel.parameters.rows) == ["max_age"]


# ------------------------------------------------------------------ the head


def test_the_name_is_edited_in_its_place(shown, qtbot):
    shown.panel.begin_rename()
    edit = shown.panel.head.name.edit
    assert edit.hasFocus()
    qtbot.keyClicks(edit, "people")
    with qtbot.waitSignal(shown.panel.rename_requested) as asked:
        qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert asked.args == ["people"]
    assert not edit.isVisible()


def test_a_name_that_cannot_be_one_is_not_asked_for(shown, qtbot):
    shown.panel.begin_rename()
    edit = shown.panel.head.name.edit
    qtbot.keyClicks(edit, "a.b")
    assert edit.property("wrong") is True
    assert "dots separate" in edit.toolTip()
    with qtbot.assertNotEmitted(shown.panel.rename_requested):
        qtbot.keyClick(edit, Qt.Key.Key_Return)


def test_showing_the_cell_again_does_not_end_renaming_and_escape_does(shown, qtbot):
    shown.panel.begin_rename()
    shown.again()
    edit = shown.panel.head.name.edit
    assert edit.isVisible()
    qtbot.keyClicks(edit, "other")
    with qtbot.assertNotEmitted(shown.panel.rename_requested):
        qtbot.keyClick(edit, Qt.Key.Key_Escape)
    assert not edit.isVisible()


def test_descriptions_begin_with_their_first_sentence():
    text = reflowed("Follows boxes by SORT (A. Bewley\n  et al. ICIP), by `IoU`. Gives\ntracks.\n\nMore.")
    assert text == "Follows boxes by SORT (A. Bewley et al. ICIP), by IoU. Gives tracks.\n\nMore."
    assert first_sentence(text) == "Follows boxes by SORT (A. Bewley et al. ICIP), by IoU."


# ------------------------------------------------------------------ states


def test_says_what_to_select(panel):
    panel.show_nothing()
    texts = [label.text() for label in panel.findChildren(QLabel) if label.isVisible()]
    assert "Nothing selected" in texts


def test_a_placeholder_shows_its_parameters_as_they_are_kept(panel):
    shown = Shown(panel, None, parameters={"model": "osnet.onnx", "size": [128, 256]})
    assert {name: row.value.text() for name, row in panel.parameters.kept.items()} == {
        "model": "osnet.onnx",
        "size": "128, 256",
    }
    assert "not installed" in panel.head.description.text
    assert not panel.scaling.isVisible()
    assert shown.changes == []


def test_a_parameter_that_the_type_does_not_know_can_be_removed(panel, types, qtbot):
    shown = Shown(panel, types[0], parameters={"bogus": 1})
    qtbot.mouseClick(panel.parameters.kept["bogus"].findChildren(type(panel.head.pencil))[0], Qt.MouseButton.LeftButton)
    assert shown.changes == [("bogus", "reset", True)]


def test_problems_of_the_graph_are_shown_at_the_cell(shown):
    shown.again([GraphProblem(message="detect.image is not connected", cell="detect")])
    texts = [label.text() for label in shown.panel.problems.findChildren(QLabel)]
    assert "detect.image is not connected" in texts
    shown.again()
    assert not shown.panel.problems.isVisible()


def test_errors_that_are_alike_are_one_with_a_traceback_and_a_source(shown, qtbot):
    shown.panel.show_errors([error(3), error(5), error(7, "KeyError: 'x'", line=9)])
    labels = [label.text() for label in shown.panel.errors.findChildren(QLabel)]
    assert {"Items 3, 5", "Item 7", "3 errors"} <= set(labels)
    buttons = shown.panel.errors.findChildren(QPushButton)
    with qtbot.waitSignal(shown.panel.traceback_requested) as asked:
        qtbot.mouseClick(buttons[0], Qt.MouseButton.LeftButton)
    assert asked.args[0].item == 7
    with qtbot.waitSignal(shown.panel.source_requested) as asked:
        qtbot.mouseClick(buttons[1], Qt.MouseButton.LeftButton)
    assert asked.args == ["/lib/detect.py", 9]


# ------------------------------------------------------------------ scaling and errors


def click(qtbot, button):
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def changes_of(signal):
    seen = []
    signal.connect(lambda *values: seen.append(values))
    return seen


def test_clones_are_added_and_taken_away(panel, types, qtbot):
    shown = Shown(panel, types[0], scale=Scale(thread=2))
    seen = changes_of(panel.scale_changed)
    click(qtbot, panel.scaling.more)
    click(qtbot, panel.scaling.fewer)
    type_into(qtbot, panel.scaling.number, "6\r")
    assert seen == [(3, 0, None), (1, 0, None), (6, 0, None)]
    shown.again()
    assert panel.scaling.number.text() == "2"


def test_the_queue_has_a_capacity_or_none(panel, types, qtbot):
    Shown(panel, types[0], scale=Scale(thread=2, queue_capacity=8))
    seen = changes_of(panel.scale_changed)
    type_into(qtbot, panel.scaling.capacity, "0\r")
    assert seen == []
    assert "must be from 1" in panel.scaling.capacity.complaint
    type_into(qtbot, panel.scaling.capacity, "auto\r")
    assert seen == [(2, 0, None)]


@pytest.mark.parametrize(("has_ray", "reason"), [(False, NO_RAY), (None, NOT_KNOWN_YET)])
def test_ray_cannot_be_chosen_where_it_is_not_installed_and_says_why(shown, qtbot, has_ray, reason):
    scaling = shown.panel.scaling
    shown.panel.set_has_ray(has_ray)
    seen = changes_of(shown.panel.scale_changed)
    for method in ("ray", "both"):
        click(qtbot, scaling.method.option(method))
        assert scaling.method.option(method).toolTip() == reason
    assert seen == []
    assert scaling.method.choice == "thread"
    assert not scaling._no_ray.isVisible()


def test_a_graph_with_ray_clones_can_be_read_and_changed_to_threads_where_ray_is_not_installed(panel, types, qtbot):
    Shown(panel, types[0], scale=Scale(ray=2))
    panel.set_has_ray(False)
    seen = changes_of(panel.scale_changed)
    assert panel.scaling.method.choice == "ray"
    assert panel.scaling.number.text() == "2"
    assert panel.scaling._no_ray.isVisible()
    click(qtbot, panel.scaling.method.option("thread"))
    assert seen == [(2, 0, None)]


def test_the_method_changes_and_the_number_of_clones_stays(panel, types, qtbot):
    panel.set_has_ray(True)
    seen = changes_of(panel.scale_changed)
    for scale, method in [
        (Scale(thread=3, queue_capacity=9), "ray"),
        (Scale(ray=3), "thread"),
        (Scale(thread=3), "both"),
        (Scale(thread=2, ray=1), "ray"),
        (Scale(), "ray"),
    ]:
        Shown(panel, types[0], scale=scale)
        click(qtbot, panel.scaling.method.option(method))
    assert seen == [(0, 3, 9), (3, 0, None), (2, 1, None), (0, 3, None), (0, 1, None)]


def test_clones_of_both_kinds_are_shown_and_edited_each(panel, types, qtbot):
    Shown(panel, types[0], scale=Scale(thread=1, ray=2))
    panel.set_has_ray(True)
    scaling = panel.scaling
    assert scaling.method.choice == "both"
    assert (scaling.number.text(), scaling.ray_clones.number.text()) == ("1", "2")
    assert scaling._clones_name.text() == "Threads"
    seen = changes_of(panel.scale_changed)
    click(qtbot, scaling.more)
    click(qtbot, scaling.ray_clones.fewer)
    type_into(qtbot, scaling.ray_clones.number, "5\r")
    assert seen == [(2, 2, None), (1, 1, None), (1, 5, None)]
    Shown(panel, types[0], scale=Scale(ray=2))
    assert not scaling.ray_clones.isVisible()
    assert scaling._clones_name.text() == "Clones"


def test_what_ray_clones_need_is_edited_where_there_are_any(panel, types, qtbot):
    Shown(panel, types[0], scale=Scale(thread=1))
    options = panel.scaling.ray_options
    assert not options.isVisible()
    Shown(panel, types[0], scale=Scale(ray=1, ray_options=RayOptions(num_cpus=2)))
    assert options.isVisible()
    assert options.cpus.text() == "2"
    seen = changes_of(panel.ray_options_changed)
    type_into(qtbot, options.gpus, "0.5\r")
    type_into(qtbot, options.memory, "2 GB\r")
    type_into(qtbot, options.resources, "camera: 1\r")
    type_into(qtbot, options.cpus, " \r")
    assert seen == [
        (RayOptions(num_cpus=2, num_gpus=0.5),),
        (RayOptions(num_cpus=2, memory=2_000_000_000),),
        (RayOptions(num_cpus=2, resources={"camera": 1}),),
        (None,),
    ]


def test_wrong_needs_of_ray_clones_are_explained_and_never_sent(panel, types, qtbot):
    Shown(panel, types[0], scale=Scale(ray=1))
    scaling = panel.scaling
    seen = changes_of(panel.ray_options_changed)
    type_into(qtbot, scaling.ray_options.cpus, "-1\r")
    assert scaling._complaint.text() == 'the number of CPUs must be a number of at least 0, not "-1"'
    assert scaling._complaint.isVisible()
    type_into(qtbot, scaling.ray_options.cpus, "1")
    assert not scaling._complaint.isVisible()
    assert seen == []


def test_what_was_typed_wrongly_for_a_cell_is_not_left_at_the_next_one(panel, types, qtbot):
    Shown(panel, types[0], scale=Scale(ray=1))
    type_into(qtbot, panel.scaling.ray_options.cpus, "many\r")
    other = CellEntry(type="vision.DrawBoxes", scale=Scale(ray=1))
    panel.show_cell(other, NodeView("draw", "vision.DrawBoxes", "DrawBoxes", "vision"), types[2], (), False)
    assert panel.scaling.ray_options.cpus.text() == ""
    assert not panel.scaling._complaint.isVisible()


def test_a_cell_with_a_state_has_one_clone_at_most(panel, types, qtbot):
    panel.show_cell(
        CellEntry(type="tracking.Sort", scale=Scale(thread=1)),
        NodeView("track", "tracking.Sort", "Sort", "tracking"),
        types[1],
        (),
        False,
    )
    seen = changes_of(panel.scale_changed)
    panel.set_has_ray(True)
    assert not panel.scaling.method.option("both").isEnabled()
    assert "one clone at most" in panel.scaling.method.option("both").toolTip()
    assert not panel.scaling.more.isEnabled()
    assert "one clone at most" in panel.scaling.more.toolTip()
    type_into(qtbot, panel.scaling.number, "2\r")
    assert seen == []
    assert "one clone at most" in panel.scaling.number.complaint
    click(qtbot, panel.scaling.method.option("ray"))
    assert seen == [(0, 1, None)]


def test_what_happens_when_an_item_fails_is_chosen_by_mouse_and_keyboard(shown, qtbot):
    policy = shown.panel.policy
    seen = changes_of(shown.panel.on_error_changed)
    qtbot.mouseClick(policy.choice.option("skip"), Qt.MouseButton.LeftButton)
    policy.show_policy(OnError(then="skip"))
    policy.choice.option("skip").setFocus()
    qtbot.keyClick(policy.choice.option("skip"), Qt.Key.Key_Right)
    policy.show_policy(OnError(retry=3, then="skip"))
    type_into(qtbot, policy.retries, "0\r")
    type_into(qtbot, policy.retries, "5\r")
    policy.show_policy(OnError(retry=5, then="skip"))
    qtbot.mouseClick(policy.then.option("fail"), Qt.MouseButton.LeftButton)
    qtbot.mouseClick(policy.choice.option("fail"), Qt.MouseButton.LeftButton)
    assert [policy for (policy,) in seen] == [
        OnError(then="skip"),
        OnError(retry=3, then="skip"),
        OnError(retry=5, then="skip"),
        OnError(retry=5, then="fail"),
        None,
    ]


def test_a_cell_is_disabled_and_bypassed(shown, qtbot):
    disabled, bypassed = changes_of(shown.panel.disabled_changed), changes_of(shown.panel.bypassed_changed)
    qtbot.mouseClick(shown.panel.state.disabled, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(shown.panel.state.bypassed, Qt.MouseButton.LeftButton)
    assert (disabled, bypassed) == ([(True,)], [(True,)])


@pytest.mark.parametrize("key", [QKeySequence.StandardKey.Undo, QKeySequence.StandardKey.Redo])
def test_undo_is_that_of_the_window_unless_something_is_being_typed(shown, key):
    field = shown.field("hit_threshold")
    combination = QKeySequence(key)[0]

    def takes_it():
        event = QKeyEvent(QEvent.Type.ShortcutOverride, combination.key(), combination.keyboardModifiers())
        event.ignore()
        QApplication.sendEvent(field, event)
        return event.isAccepted()

    field.setFocus()
    assert not takes_it()
    field.selectAll()
    QTest.keyClicks(field, "3")
    assert takes_it()
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert not takes_it()


def test_parameters_of_a_run_and_of_its_start_are_told_apart(shown, panel, types):
    layout = shown.panel.parameters._rows_layout
    parts = [layout.itemAt(index).widget() for index in range(layout.count())]
    texts = [part.text() if isinstance(part, QLabel) else part.parameter.name for part in parts]
    assert texts[0] == "Live while running"
    assert texts[-2:] == ["Read at the start", "model"]
    alone = Shown(panel, types[1])
    assert alone.panel.parameters._note.text() == "live while running"
