"""What stands in a pixel, in full and in few characters."""

import pytest

from pypipeline_studio.document.pixel_texts import pixel_text, short_text


@pytest.mark.parametrize(
    ("channels", "text"),
    [
        ((93,), "93"),
        ((31, 44, 120), "B 31 G 44 R 120"),
        ((31, 44, 120, 255), "B 31 G 44 R 120 A 255"),
        ((0.1,), "0.1"),
        ((2.0,), "2.0"),
        ((1e-20, "nan", "-inf"), "B 1e-20 G nan R -inf"),
        ((True,), "True"),
        ((-(2**40),), "-1099511627776"),
    ],
)
def test_a_pixel_is_told_in_full(channels, text) -> None:
    assert pixel_text(channels) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(255, "255"), (0.123456, "0.1235"), (2.0, "2"), (1e-20, "1e-20"), ("nan", "nan"), (True, "1"), (False, "0")],
)
def test_a_number_in_its_pixel_is_short(number, text) -> None:
    assert short_text(number) == text
