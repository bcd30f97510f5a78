"""How numbers are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypipeline_engine import numbers


@pytest.mark.parametrize(
    ("hz", "text"),
    [
        (None, "–"),
        (0, "0/s"),
        (0.0412, "0.0412/s"),
        (8.2123, "8.21/s"),
        (9.996, "10.0/s"),
        (30.2, "30.2/s"),
        (99.96, "100/s"),
        (795, "795/s"),
        (999.4, "999/s"),
        (999.6, "1,000/s"),
        (1234, "1,234/s"),
        (9_999, "9,999/s"),
        (12_000, "12.0k/s"),
        (999_700, "1.00M/s"),
        (2_340_000, "2.34M/s"),
    ],
)
def test_rate(hz: float | None, text: str) -> None:
    assert numbers.rate(hz) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0, "0 s"),
        (4.2e-7, "420 ns"),
        (62e-6, "62.0 µs"),
        (999.7e-6, "1.00 ms"),
        (0.00312, "3.12 ms"),
        (0.9994, "999 ms"),
        (1.24, "1.24 s"),
        (75.2, "75.2 s"),
    ],
)
def test_duration(seconds: float | None, text: str) -> None:
    assert numbers.duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0, "0.0 s"),
        (0.000581, "581 µs"),
        (0.94, "940 ms"),
        (0.96, "1.0 s"),
        (8.24, "8.2 s"),
        (59.97, "1 min 00 s"),
        (97, "1 min 37 s"),
        (3599.6, "1 h 00 min"),
        (7500, "2 h 05 min"),
    ],
)
def test_elapsed(seconds: float | None, text: str) -> None:
    assert numbers.elapsed(seconds) == text


@pytest.mark.parametrize(
    ("fraction", "text"), [(None, "–"), (0, "0 %"), (0.0001, "<1 %"), (0.006, "1 %"), (0.984, "98 %"), (1, "100 %")]
)
def test_share(fraction: float | None, text: str) -> None:
    assert numbers.share(fraction) == text


@pytest.mark.parametrize(("number", "text"), [(None, "–"), (0, "0"), (12480, "12,480")])
def test_count(number: int | None, text: str) -> None:
    assert numbers.count(number) == text


@pytest.mark.parametrize(("number", "text"), [(0, "0 items"), (1, "1 item"), (12480, "12,480 items")])
def test_counted(number: int, text: str) -> None:
    assert numbers.counted(number, "item") == text


@pytest.mark.parametrize(
    ("size", "text"), [(None, "–"), (512, "512 B"), (1000, "1.00 kB"), (6_220_800, "6.22 MB"), (2.1e9, "2.10 GB")]
)
def test_size(size: float | None, text: str) -> None:
    assert numbers.size(size) == text


@given(st.floats(min_value=1e-6, max_value=1e12))
def test_significant_keeps_three_digits_and_the_value(value: float) -> None:
    text = numbers.significant(value)
    assert "e" not in text
    assert float(text) == pytest.approx(value, rel=0.005)
    assert len(text.replace(".", "").lstrip("0").rstrip("0")) <= 3
