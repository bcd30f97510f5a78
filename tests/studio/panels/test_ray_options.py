import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypipeline_studio.panels.parameter_values import WrongText
from pypipeline_studio.panels.ray_options import (
    amount_text,
    memory_text,
    read_amount,
    read_memory,
    read_resources,
    resources_text,
)

AMOUNTS = st.integers(0, 10**18) | st.floats(0, 1e15)


@pytest.mark.parametrize(
    ("text", "amount"),
    [("", None), ("2 GB", 2 * 10**9), ("1.5gb", 1_500_000_000), ("4 GiB", 4 * 2**30), ("1e9", 10**9), ("512", 512)],
)
def test_memory_is_read_with_its_unit(text, amount):
    assert read_memory(text) == amount


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, ""),
        (0, "0 B"),
        (2 * 10**9, "2 GB"),
        (1_500_000_000, "1.5 GB"),
        (4 * 2**30, "4 GiB"),
        (1_234_567, "1234567 B"),
        (12_345_000_000, "12.345 GB"),
        (9_999_999_999_500, "9999999999500 B"),
        (1023, "1.023 kB"),
    ],
)
def test_memory_is_written_exactly(amount, text):
    assert memory_text(amount) == text


@given(AMOUNTS)
def test_every_amount_comes_back(amount):
    assert read_amount(amount_text(amount), "number") == amount
    assert read_memory(memory_text(amount)) == amount


@given(st.dictionaries(st.text(st.characters(categories=("L", "N", "P", "S", "Zs"))), AMOUNTS, min_size=1, max_size=3))
def test_all_resources_come_back(resources):
    if all(name.isprintable() for name in resources):
        assert read_resources(resources_text(resources)) == resources


def test_resources_of_nodes_have_colons_in_their_names():
    assert read_resources("node:10.0.0.1: 0.01, camera:1") == {"node:10.0.0.1": 0.01, "camera": 1}
    assert read_resources(" ") is None


@pytest.mark.parametrize(
    ("read", "text", "reason"),
    [
        (lambda text: read_amount(text, "number of CPUs"), "two", "the number of CPUs must be a number of at least 0"),
        (lambda text: read_amount(text, "number of CPUs"), "NaN", "at least 0"),
        (lambda text: read_amount(text, "number of CPUs"), "true", "at least 0"),
        (read_memory, "2 GX", "such as 500 MB or 2 GB"),
        (read_memory, "-1", "such as 500 MB or 2 GB"),
        (read_memory, "1e999", "such as 500 MB or 2 GB"),
        (read_resources, "camera", "as in camera: 1"),
        (read_resources, "camera: x", 'the amount of "camera" must be a number'),
        (read_resources, "a: 1, a: 2", "is there twice"),
        (read_resources, "{", "no JSON object"),
    ],
)
def test_what_cannot_be_read_is_explained(read, text, reason):
    with pytest.raises(WrongText, match=reason):
        read(text)
