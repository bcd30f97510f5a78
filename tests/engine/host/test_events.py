"""Event streams without HTTP, in an event loop of the test."""

import asyncio
import re

import pytest

from pypipeline_engine.host.events import MOST_LISTENERS, Events
from pypipeline_engine.host.journal import Journal
from pypipeline_engine.host.protocol import RunInfo, Snapshot
from pypipeline_engine.host.refusals import Refused

RUNNING = RunInfo(run=1, state="running")
ENDED = RunInfo(run=1, state="ended")
LAST = Snapshot(run=1, state="ended", elapsed_s=1, window_s=1, sink_items=5, sink_rate_hz=5, cells={})


def make_events():
    return Events(Journal(), lambda: RUNNING, lambda: LAST.model_copy(update={"state": "running"}))


def test_a_stream_that_is_closed_at_once_after_the_end_of_a_run_has_told_that_end():
    async def follow():
        events = make_events()
        events.open()
        stream = events.listen(4, None)
        texts = [await anext(stream)]
        events.publish(ENDED, LAST)
        events.close()
        texts.extend([text async for text in stream])
        return "".join(texts)

    text = asyncio.run(follow())
    assert re.findall("event: (.*)", text) == ["run", "snapshot", "run"]
    assert text.endswith(f"data: {ENDED.model_dump_json()}\n\n")


def test_so_many_may_listen_and_no_more_until_one_goes():
    async def crowd():
        events = make_events()
        events.open()
        streams = [events.listen(4, None) for _ in range(MOST_LISTENERS)]
        for stream in streams:
            await anext(stream)
        with pytest.raises(Refused, match="64 clients listen") as refused:
            events.listen(4, None)
        assert refused.value.status == 503
        await streams[0].aclose()
        events.listen(4, None)
        events.close()
        for stream in streams[1:]:
            async for _ in stream:
                pass

    asyncio.run(crowd())
