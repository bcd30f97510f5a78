from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from pypipeline_studio.canvas.painting import font_of, outline, put_text, shortened, style, width_of


def test_widths_are_measured_in_the_font_of_the_style(qapp) -> None:
    assert width_of("detect", style(12, 600)) > width_of("detect", style(11)) > 0
    assert width_of("1111", style(12, 600, tabular=True)) == width_of("8888", style(12, 600, tabular=True))
    assert font_of(style(12, 600)).weight() == 600


def test_a_text_that_fits_is_left_as_it_is(qapp) -> None:
    assert shortened("detect", style(12), 200) == "detect"


def test_a_text_that_does_not_fit_is_shortened(qapp) -> None:
    short = shortened("a_very_long_name_of_a_cell", style(12), 80)
    assert short.endswith("…")
    assert width_of(short, style(12)) <= 80


def test_what_is_measured_is_bounded(qapp) -> None:
    for number in range(9_000):
        width_of(str(number), style(11))
    assert width_of.cache_info().currsize <= 8192


def test_text_is_painted_in_its_colour(qapp) -> None:
    image = QImage(60, 30, QImage.Format.Format_RGB32)
    image.fill(QColor("black"))
    painter = QPainter(image)
    put_text(painter, QRectF(0, 0, 60, 30), "HHH", style(24, 600), QColor("#ff0000"))
    painter.end()
    found = {image.pixelColor(x, y).name() for x in range(60) for y in range(30)}
    assert "#ff0000" in found


def test_dashes(qapp) -> None:
    assert outline(QColor("red"), 1.0, dash=True).dashPattern() == [4, 3]
    assert outline(QColor("red"), 1.0).dashPattern() == []
