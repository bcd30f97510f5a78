import subprocess
import sys

import pytest
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontInfo, QFontMetricsF, QGuiApplication, QIcon, QImage, QPainter
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QScrollBar,
    QSlider,
    QSpinBox,
    QTabBar,
    QTableView,
    QToolButton,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from pypipeline_studio.theme import fonts, style
from pypipeline_studio.theme.colours import (
    category_colour,
    category_icon,
    colour,
    heat,
    hex_of,
    kind_colour,
    mix,
    queue_colour,
    theme,
)
from pypipeline_studio.theme.icons import draw_icon, glyph, icon
from pypipeline_studio.theme.tokens import CATEGORIES, DARK, KINDS, LIGHT, RAMPS


@pytest.fixture(autouse=True)
def restored_theme(qapp):
    yield
    style.apply(qapp, "dark")
    theme.safe_heat = False
    qapp.setStyleSheet("")


def test_colours_are_those_of_the_mode(qtbot):
    theme.set_mode("dark")
    assert colour("canvas").name().upper() == DARK["canvas"]
    with qtbot.waitSignal(theme.changed):
        theme.set_mode("light")
    assert colour("canvas").name().upper() == LIGHT["canvas"] == hex_of("canvas")
    assert kind_colour("image").name().upper() == KINDS["image"].light
    assert category_colour("ai").name().upper() == CATEGORIES["ai"].light


def test_setting_the_same_mode_changes_nothing(qtbot):
    theme.set_mode("dark")
    with qtbot.assertNotEmitted(theme.changed):
        theme.set_mode("dark")


def test_opacity():
    assert colour("node_shadow").alpha() == 0x59
    assert colour("accent", 0.5).alphaF() == pytest.approx(0.5, abs=0.01)
    assert colour("accent").alpha() == 255


def test_what_is_not_known_looks_like_something():
    assert category_colour("made up") == category_colour("flow")
    assert category_icon("made up") == "funnel"
    assert kind_colour("made up") == kind_colour("any")


def test_heat_goes_from_blue_to_red_and_to_grey_where_blocked():
    assert heat(0.0, 0.0).name().upper() == RAMPS["normal"]["dark"][0]
    assert heat(1.0, 0.0).name().upper() == RAMPS["normal"]["dark"][-1]
    assert heat(0.5, 0.0).name().upper() == RAMPS["normal"]["dark"][2]
    assert heat(2.0, -1.0) == heat(1.0, 0.0)
    assert heat(0.0, 1.0) == mix(heat(0.0, 0.0), colour("text3"), 0.85)


def test_the_safe_ramp_is_taken_at_once(qtbot):
    normal = heat(1.0, 0.0).name()
    with qtbot.waitSignal(theme.changed):
        theme.safe_heat = True
    assert heat(1.0, 0.0).name() != normal
    assert heat(1.0, 0.0).name().upper() == RAMPS["safe"]["dark"][-1]


@pytest.mark.parametrize(
    ("fill", "token"), [(0.0, "q_low"), (0.6, "q_low"), (0.7, "q_mid"), (0.85, "q_mid"), (0.9, "q_high")]
)
def test_queue_colours(fill, token):
    assert queue_colour(fill) == colour(token)


def test_inter_ships_in_all_weights(qapp):
    assert fonts.load_fonts()
    for weight in (400, 500, 600):
        info = QFontInfo(fonts.font(12, weight))
        assert (info.family(), info.weight()) == ("Inter", weight)
    assert (fonts._resources() / "fonts" / "Inter-OFL.txt").is_file()


def test_tabular_figures_have_one_width(qapp):
    tabular = QFontMetricsF(fonts.font(12, tabular=True))
    assert tabular.horizontalAdvance("1111") == pytest.approx(tabular.horizontalAdvance("8888"))
    plain = QFontMetricsF(fonts.font(12))
    assert plain.horizontalAdvance("1111") != pytest.approx(plain.horizontalAdvance("8888"))


def test_code_is_in_a_fixed_font(qapp):
    metrics = QFontMetricsF(fonts.font(12, fixed=True))
    assert metrics.horizontalAdvance("iii") == pytest.approx(metrics.horizontalAdvance("mmm"))


def test_without_inter_the_font_of_the_system_is_taken(qapp, monkeypatch):
    monkeypatch.setattr(fonts, "FAMILY", "No such family")
    fonts.load_fonts.cache_clear()
    fonts.font.cache_clear()
    try:
        assert not fonts.load_fonts()
        assert fonts.font(13).pixelSize() == 13
    finally:
        monkeypatch.undo()
        fonts.load_fonts.cache_clear()
        fonts.font.cache_clear()
    assert fonts.load_fonts()


def colours_of(image):
    return {
        image.pixelColor(x, y).name()
        for x in range(image.width())
        for y in range(image.height())
        if image.pixelColor(x, y).alpha() == 255
    }


def test_icons_are_painted_in_the_colour_of_their_token(qapp):
    picture = icon("play-fill", "error").pixmap(QSize(32, 32)).toImage()
    assert colour("error").name() in colours_of(picture)


def test_a_disabled_icon_is_dim(qapp):
    picture = icon("play-fill", "error").pixmap(QSize(32, 32), QIcon.Mode.Disabled).toImage()
    assert colour("disabled").name() in colours_of(picture)
    assert colour("error").name() not in colours_of(picture)


def test_icons_follow_the_theme(qapp):
    theme.set_mode("dark")
    play = icon("play-fill")
    dark = play.pixmap(QSize(32, 32)).toImage()
    theme.set_mode("light")
    assert play.pixmap(QSize(32, 32)).toImage() != dark


def test_icons_are_sharp_at_twice_the_scale(qapp):
    pixmap = icon("stack").pixmap(QSize(16, 16), 2.0)
    assert pixmap.size() == QSize(32, 32)
    assert pixmap.devicePixelRatio() == 2.0


@pytest.mark.parametrize(
    "name", sorted({category.icon for category in CATEGORIES.values()} | {"flame-fill", "warning-fill"})
)
def test_every_icon_of_the_studio_exists(qapp, name):
    assert glyph(name) not in ("", glyph("question"))


def test_an_unknown_icon_is_a_question_mark(qapp):
    assert glyph("no such icon") == glyph("question")


def test_an_icon_is_painted_in_the_middle(qapp):
    image = QImage(40, 40, QImage.Format.Format_ARGB32)
    image.fill(QColor("black"))
    painter = QPainter(image)
    draw_icon(painter, QRectF(0, 0, 40, 40), "circle-fill", QColor("white"), 20)
    painter.end()
    assert image.pixelColor(20, 20).name() == "#ffffff"
    assert image.pixelColor(3, 3).name() == "#000000"


def test_icons_do_not_import_qtawesome(qapp):
    script = "import sys; from pypipeline_studio.theme import icons, style; sys.exit('qtawesome' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=60).returncode == 0


def gallery():
    """One of every widget that the style sheet is about."""
    window = QWidget()
    window.setObjectName("panel")
    window.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    layout = QVBoxLayout(window)
    primary = QPushButton("Use 4 threads")
    primary.setProperty("primary", True)
    seg = QFrame()
    seg.setObjectName("seg")
    row = QHBoxLayout(seg)
    for text in ("Threads", "Ray"):
        row.addWidget(QPushButton(text, checkable=True, checked=text == "Ray"))
    tool = QToolButton(text="Tune")
    combo = QComboBox()
    combo.addItems(["one", "two"])
    tabs = QTabBar()
    tabs.addTab("Statistics")
    everything = [
        primary,
        seg,
        tool,
        combo,
        QCheckBox("Live", checked=True),
        QSpinBox(),
        QSlider(Qt.Orientation.Horizontal),
    ]
    everything += [
        tabs,
        QTableView(),
        QTreeView(),
        QPlainTextEdit("text"),
        QScrollBar(),
        QScrollBar(Qt.Orientation.Horizontal),
    ]
    for widget in everything:
        layout.addWidget(widget)
    return window, primary


@pytest.mark.parametrize("mode", ["dark", "light"])
def test_the_style_sheet_is_understood_and_paints_tokens(qapp, qtbot, mode, capfd):
    style.apply(qapp, mode)
    window, primary = gallery()
    qtbot.addWidget(window)
    window.resize(320, 800)
    picture = window.grab().toImage()
    assert picture.pixelColor(2, 2) == colour("panel")
    at = primary.mapTo(window, primary.rect().center())
    assert picture.pixelColor(at.x() - primary.width() // 2 + 6, at.y()) == colour("accent_fill")
    assert "parse" not in capfd.readouterr().err.lower()
    assert "$" not in qapp.styleSheet()


def test_switching_the_theme_live(qapp, qtbot):
    style.apply(qapp, "dark")
    window, _ = gallery()
    qtbot.addWidget(window)
    assert window.grab().toImage().pixelColor(2, 2) == QColor(DARK["panel"])
    style.apply(qapp, "light")
    assert window.grab().toImage().pixelColor(2, 2) == QColor(LIGHT["panel"])
    assert qapp.palette().text().color() == QColor(LIGHT["text"])


def test_the_system_is_followed_until_a_mode_is_chosen(qapp):
    hints = QGuiApplication.styleHints()
    style.apply(qapp, "dark")
    style.follow_system(qapp)
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Light)
    assert theme.mode == "light"
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    assert theme.mode == "dark"
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Light)
    style.apply(qapp, "dark")
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Light)
    assert theme.mode == "dark"
    assert qapp.palette().text().color() == QColor(DARK["text"])
