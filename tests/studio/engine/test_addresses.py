"""Addresses of runs that are watched, as people type and paste them."""

import pytest

from pypipeline_studio.engine.addresses import (
    MOST_RECENT,
    WrongAddress,
    from_setting,
    read_address,
    to_setting,
    with_recent,
)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (" http://127.0.0.1:8421/ ", "http://127.0.0.1:8421"),
        ("8421", "http://127.0.0.1:8421"),
        ("camera.local:8421", "http://camera.local:8421"),
        ("https://camera.local:8421", "https://camera.local:8421"),
        ("[fe80::1]:80", "http://[fe80::1]:80"),
    ],
)
def test_an_address_may_be_short(text, url) -> None:
    assert read_address(text).url == url


def test_the_line_of_a_run_can_be_pasted() -> None:
    found = read_address("Monitor: https://127.0.0.1:40213, token in /run/user/1000/a b.token\n")
    assert (found.url, found.token_file, found.is_secure) == (
        "https://127.0.0.1:40213", "/run/user/1000/a b.token", True,
    )  # fmt: skip
    assert found.short == "127.0.0.1:40213"


@pytest.mark.parametrize(
    "text", ["", "here", "http://127.0.0.1", "ftp://a:1", "a:0", "a:70000", "http://user@a:1", "a:1/path", "a b:1"]
)
def test_what_is_no_address_is_named(text) -> None:
    with pytest.raises(WrongAddress, match=r"such as http://127\.0\.0\.1:8421"):
        read_address(text)


def test_the_last_ones_are_kept_without_tokens() -> None:
    kept = ()
    for port in range(1, 20):
        kept = with_recent(kept, f"http://127.0.0.1:{port}")
    kept = with_recent(kept, "http://127.0.0.1:15")
    assert len(kept) == MOST_RECENT
    assert kept[0] == "http://127.0.0.1:15"
    assert len(set(kept)) == MOST_RECENT
    assert from_setting(to_setting(kept)) == kept
    assert from_setting("no json") == from_setting('{"a": 1}') == from_setting(None) == ()
