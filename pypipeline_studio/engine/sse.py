"""Server-sent events: bytes in, events out.

The algorithm is that of the HTML standard, "Interpreting an event stream" (https://html.spec.whatwg.org, section 9.2.6).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

_END_OF_LINE = re.compile("\r\n|\r|\n")


@dataclass(frozen=True)
class ServerEvent:
    """One event."""

    name: str
    data: str
    last_id: str = ""
    """The latest id that the stream has given until then."""


class EventParser:
    """Parses one stream. Bytes may be cut anywhere."""

    def __init__(self, last_id: str = "") -> None:
        """Begin a stream.

        :param last_id: that of the connection before, which holds on until the stream gives another.
        """
        self.last_id = last_id
        """The id to go on from: that of an event counts when the event is complete, or it would be lost at a cut."""
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._parts: list[str] = []
        self._after_cr = False
        self._name = ""
        self._data: list[str] = []
        self._id = last_id

    def feed(self, chunk: bytes) -> Iterator[ServerEvent]:
        """The events that are complete with these bytes."""
        text = self._decoder.decode(chunk)
        if not text:
            return
        start = 1 if self._after_cr and text[0] == "\n" else 0
        self._after_cr = text[-1] == "\r"
        for end in _END_OF_LINE.finditer(text, start):
            line = "".join([*self._parts, text[start : end.start()]])
            self._parts.clear()
            start = end.end()
            event = self._take(line)
            if event is not None:
                yield event
        if start < len(text):
            self._parts.append(text[start:])

    def _take(self, line: str) -> ServerEvent | None:
        if not line:
            self.last_id = self._id
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
            self._id = value
        return None
