from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication, QDockWidget, QMainWindow, QWidget

from pypipeline_studio.panels.segmented import Segmented
from pypipeline_studio.panels.widgets import Badge, DockHead, Label, row, tooltip
from pypipeline_studio.theme.colours import colour, theme
from pypipeline_studio.theme.shapes import kind_path, paint_kind, paint_load_bar
from pypipeline_studio.theme.style import apply
from pypipeline_studio.theme.tokens import KINDS


def segmented(show):
    made = Segmented("Method", (("a", "First"), ("b", "Second"), ("c", "Third")))
    show(row(made, None), 300, 40)
    return made


def test_the_arrow_keys_choose_and_leave_out_what_cannot_be_chosen(show, qtbot):
    made = segmented(show)
    made.set_option_enabled("b", False, "not now")
    made.option("a").setFocus()
    with qtbot.waitSignal(made.chosen) as chosen:
        qtbot.keyClick(made.option("a"), Qt.Key.Key_Right)
    assert chosen.args == ["c"]
    assert made.option("c").hasFocus()
    with qtbot.assertNotEmitted(made.chosen):
        qtbot.keyClick(made.option("c"), Qt.Key.Key_Right)


def test_only_the_chosen_option_is_reached_by_tab(show):
    made = segmented(show)
    made.choose("b")
    tabbed = [key for key in "abc" if made.option(key).focusPolicy() & Qt.FocusPolicy.TabFocus]
    assert tabbed == ["b"]


def test_choosing_from_outside_tells_nobody(show, qtbot):
    made = segmented(show)
    with qtbot.assertNotEmitted(made.chosen):
        made.choose("c")
    assert made.choice == "c"


def test_labels_take_the_colour_of_their_token_in_both_themes(qtbot, show):
    label = show(Label("detect", colour="text2"))
    application = QApplication.instance()
    for mode in ("light", "dark"):
        apply(application, mode)
        assert theme.mode == mode
        assert label.palette().color(label.foregroundRole()) == colour("text2")


def test_labels_never_read_a_name_as_html(qtbot):
    label = Label("<b>detect</b>")
    qtbot.addWidget(label)
    assert label.textFormat() == Qt.TextFormat.PlainText
    assert tooltip("<i>") == "<qt><b>&lt;i&gt;</b></qt>"


def test_a_dock_has_a_title_bar_whose_buttons_work(show, qtbot):
    window = QMainWindow()
    dock = QDockWidget("Cells")
    head = DockHead("Cells")
    dock.setTitleBarWidget(head)
    dock.setWidget(QWidget())
    window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, dock)
    show(window)
    assert head.height() == 33
    qtbot.mouseClick(head.float_button, Qt.MouseButton.LeftButton)
    assert dock.isFloating()
    qtbot.mouseClick(head.float_button, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(head.close_button, Qt.MouseButton.LeftButton)
    assert not dock.isVisible()


def test_a_badge_without_a_count_is_not_there(show):
    badge = Badge()
    show(row(badge, None), 100, 30)
    badge.show_count(4)
    assert badge.isVisible()
    badge.show_count(0)
    assert not badge.isVisible()


# ------------------------------------------------------------------ shapes


def painted(paint, width=100, height=10):
    image = QImage(width, height, QImage.Format.Format_ARGB32)
    image.fill(QColor("black"))
    painter = QPainter(image)
    paint(painter)
    painter.end()
    return image


def test_every_kind_of_value_has_a_shape_of_its_own(qapp):
    outlines = {
        kind: tuple((point.x(), point.y()) for point in kind_path(kind, QPointF(), 5).toFillPolygon().toList())
        for kind in KINDS
        if kind != "any"
    }
    assert len(set(outlines.values())) == len(outlines)


def test_any_value_is_a_ring(qapp):
    def filled_in_the_middle(kind):
        image = painted(lambda painter: paint_kind(painter, kind, 5, 5, 4, True, QColor("black")), 10, 10)
        return image.pixelColor(5, 5) != QColor("black")

    assert [filled_in_the_middle(kind) for kind in ("number", "any")] == [True, False]


def test_the_bar_shows_shares_and_the_limit(qapp):
    bar = QRectF(0, 0, 100, 10)
    half = painted(lambda painter: paint_load_bar(painter, bar, 0.5, 0, 0))
    assert half.pixelColor(25, 5) == colour("busy")
    assert half.pixelColor(75, 5) == colour("track")
    limit = painted(lambda painter: paint_load_bar(painter, bar, 0.5, 0, 0, is_limit=True))
    assert limit.pixelColor(25, 5) == colour("neck_line")


def test_what_ran_is_seen_however_little_it_was(qapp):
    image = painted(lambda painter: paint_load_bar(painter, QRectF(0, 0, 100, 10), 0.0001, 0, 0))
    assert image.pixelColor(1, 5) == colour("busy")


def test_the_patterns_follow_the_theme(qapp):
    def shades():
        image = painted(lambda painter: paint_load_bar(painter, QRectF(0, 0, 100, 10), 0, 0, 1))
        return {image.pixelColor(x, 5).name() for x in range(100)}

    apply(qapp, "dark")
    dark = shades()
    apply(qapp, "light")
    light = shades()
    apply(qapp, "dark")
    assert len(dark) > 2
    assert dark != light
