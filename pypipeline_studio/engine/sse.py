"""Server-sent events: bytes in, events out.

The algorithm is that of the HTML standard, "Interpreting an event stream" (https://html.spec.whatwg.org, section 9.2.6).
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class ServerEvent:
    """One event."""

    name: str
    data: str
    last_id: str = ""
    """The latest id that the stream has given until then."""


class EventParser:
    """Parses one stream. Bytes may be cut anywhere."""

    def __init__(self) -> None:
        self.last_id = ""
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._line = ""
        self._after_cr = False
        self._name = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> Iterator[ServerEvent]:
        """The events that are complete with these bytes."""
        text = self._decoder.decode(chunk)
        start = 0
        for place, character in enumerate(text):
            if self._after_cr:
                self._after_cr = False
                if character == "\n":
                    start = place + 1
                    continue
            if character in "\r\n":
                line = self._line + text[start:place]
                self._line = ""
                start = place + 1
                self._after_cr = character == "\r"
                event = self._take(line)
                if event is not None:
                    yield event
        self._line += text[start:]

    def _take(self, line: str) -> ServerEvent | None:
        if not line:
            event = ServerEvent(self._name or "message", "\n".join(self._data), self.last_id) if self._data else None
            self._name, self._data = "", []
            return event
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            self._name = value
        elif field == "data":
            self._data.append(value)
        elif field == "id" and "\0" not in value:
            self.last_id = value
        return None
