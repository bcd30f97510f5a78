"""Server-sent events: bytes in, events out."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pypipeline_studio.engine.sse import EventParser, ServerEvent

STREAM = (
    b"\xef\xbb\xbf: hello\n\nevent: run\nid: 7\ndata: {\ndata: }\n\nevent: nothing\n\ndata:no space\r\n\r\n"
    b"id\ndata: x\r\rretry: 10\ndata: gr\xc3\xbc\xc3\x9fe\nunknown: y\n\nid: with\0null\ndata\n\n"
)
EVENTS = [
    ServerEvent("run", "{\n}", "7"),
    ServerEvent("message", "no space", "7"),
    ServerEvent("message", "x", ""),
    ServerEvent("message", "grüße", ""),
    ServerEvent("message", "", ""),
]


def test_the_whole_stream_at_once() -> None:
    assert list(EventParser().feed(STREAM)) == EVENTS


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_bytes_may_be_cut_anywhere(cuts) -> None:
    parser, found, places = EventParser(), [], sorted({0, len(STREAM), *cuts})
    for start, end in pairwise(places):
        found += parser.feed(STREAM[start:end])
    assert found == EVENTS


def test_an_event_that_is_not_complete_waits() -> None:
    parser = EventParser()
    assert list(parser.feed(b"data: 1\n")) == []
    assert list(parser.feed(b"\n")) == [ServerEvent("message", "1")]


def test_an_id_counts_when_its_event_is_complete() -> None:
    """A connection that breaks in the middle of an event must get that event again."""
    parser = EventParser("6")
    assert list(parser.feed(b"id: 7\ndata: a\n")) == []
    assert parser.last_id == "6"
    assert list(parser.feed(b"\n")) == [ServerEvent("message", "a", "7")]
    assert parser.last_id == "7"
