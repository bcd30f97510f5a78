"""The address of a run that is watched, as people type and paste it, and those used last. Tokens are never kept."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pypipeline_engine.graph.problems import describe

MOST_RECENT: Final = 8
_LINE: Final = re.compile(r"(?:Monitor:\s*)?(?P<url>\S+?),\s*token in (?P<file>.+)")
"""What `pypipeline run --monitor` says where it can be watched."""
_ADDRESS: Final = re.compile(
    r"(?:(?P<scheme>https?)://)?(?:(?:\[(?P<six>[0-9a-fA-F:.%\w]+)\]|(?P<name>[^\s:\[\]/@?#]+)):)?(?P<port>\d{1,5})/?"
)


class WrongAddress(ValueError):
    """Not an address; the message says what is expected."""


@dataclass(frozen=True)
class Address:
    """Where a run is watched."""

    url: str
    """Such as `http://127.0.0.1:40213`."""
    token_file: str = ""
    """Where the token was written to, as far as the line that was pasted says it."""

    @property
    def is_secure(self) -> bool:
        """Whether TLS is spoken there."""
        return self.url.startswith("https:")

    @property
    def short(self) -> str:
        """Without `http://`."""
        return self.url.partition("://")[2]


def read_address(text: str) -> Address:
    """The address in a text: a URL, `HOST:PORT`, `PORT`, or the line that the run has written.

    :raises WrongAddress: where there is none.
    """
    pasted = text.strip()
    line = _LINE.fullmatch(pasted)
    found = _ADDRESS.fullmatch(line["url"] if line else pasted)
    if found is None or not 1 <= int(found["port"]) <= 65_535:
        raise WrongAddress(
            "The address that the run has written is expected, such as http://127.0.0.1:8421 or 127.0.0.1:8421, "
            f"not {describe(pasted)}"
        )
    name = f"[{found['six']}]" if found["six"] else found["name"] or "127.0.0.1"
    return Address(f"{found['scheme'] or 'http'}://{name}:{int(found['port'])}", line["file"].strip() if line else "")


def with_recent(urls: Sequence[str], url: str) -> tuple[str, ...]:
    """The list with an address at its beginning; what does not fit any more leaves it."""
    return (url, *(other for other in urls if other != url))[:MOST_RECENT]


def to_setting(urls: Sequence[str]) -> str:
    """The list as it is kept."""
    return json.dumps(list(urls))


def from_setting(text: object) -> tuple[str, ...]:
    """The list that was kept; empty where it cannot be read."""
    try:
        found = json.loads(text) if isinstance(text, str) else []
    except ValueError:
        found = []
    return tuple(url for url in found if isinstance(url, str))[:MOST_RECENT] if isinstance(found, list) else ()
