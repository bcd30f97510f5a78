"""The event stream: what goes on, told to everybody who listens.

Everything here belongs to the thread of the event loop, but `notify`, `publish` and `close`, which any thread may call.

A listener that reads slowly is not waited for, and nothing piles up for it: of the snapshots it gets the latest, and of
errors and log lines those that are still kept when it comes to them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from pypipeline_engine.host.journal import Journal
from pypipeline_engine.host.protocol import OVER, SNAPSHOT_HZ, EventName, RunInfo, Snapshot
from pypipeline_engine.host.refusals import Refused

MOST_LISTENERS = 64
HEARTBEAT_S = 1.0
ENTRIES_AT_ONCE = 200
BREATH_S = 0.05
"""A stream rests for so long after it has sent something, so that what comes fast is sent in batches."""
_CHANGES_KEPT = 32


class _Listener:
    """One open event stream."""

    def __init__(self, interval_s: float, after: int) -> None:
        self.interval_s = interval_s
        self.after = after
        """The number of the last error or log line that it got."""
        self.changes: deque[str] = deque(maxlen=_CHANGES_KEPT)
        """What must arrive, in order."""
        self.snapshot: str | None = None
        self.latest: dict[str, str] = {}
        """Of what is told again and again, the latest, by what it is about."""
        self.next_s = 0.0
        """When it wants a snapshot next, by the clock of the event loop."""
        self.woken = asyncio.Event()


class Events:
    """All event streams of a host."""

    def __init__(self, journal: Journal, get_info: Callable[[], RunInfo], get_snapshot: Callable[[], Snapshot]) -> None:
        """Prepare; `open` makes it ready.

        :param get_info: the run now; does not wait.
        :param get_snapshot: its figures; does not wait.
        """
        self._journal = journal
        self._get_info = get_info
        self._get_snapshot = get_snapshot
        self._listeners: set[_Listener] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ticker: asyncio.Task[None] | None = None
        self._is_notified = False
        self._is_closed = False
        self.on_listener: Callable[[], None] = lambda: None
        """Is called when somebody begins to listen; must not wait."""

    def open(self) -> None:
        """Begin to tell, in the event loop that runs."""
        self._loop = asyncio.get_running_loop()

    def close(self) -> None:
        """End all streams, each when it has told what was published before. Any thread."""
        self._call(self._shut)

    def _shut(self) -> None:
        self._is_closed = True
        for listener in self._listeners:
            listener.woken.set()

    # ------------------------------------------------------------------ from any thread

    def notify(self) -> None:
        """There is something new in the journal."""
        if not self._is_notified:
            self._is_notified = True
            self._call(self._wake_all)

    def publish(self, info: RunInfo, final: Snapshot | None) -> None:
        """The run has changed; `final` is its last snapshot where it is over."""
        self._call(lambda: self._tell(info, final))

    def tell(self, name: EventName, data: str, about: str = "") -> None:
        """Tell everybody who listens something of a run.

        :param about: where only the latest counts, of what; empty for what must arrive.
        """
        self._call(lambda: self._pass_on(_encode(name, data), about))

    def has_listeners(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners)

    def _call(self, act: Callable[[], None]) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed: the process ends
                self._loop.call_soon_threadsafe(act)

    def _wake_all(self) -> None:
        self._is_notified = False
        for listener in self._listeners:
            listener.woken.set()

    def _tell(self, info: RunInfo, final: Snapshot | None) -> None:
        changes = [] if final is None else [_encode("snapshot", final.model_dump_json())]
        changes.append(_encode("run", info.model_dump_json()))
        for listener in self._listeners:
            if final is not None:
                listener.snapshot = None
            listener.changes.extend(changes)
            listener.woken.set()
        self._tick_if_needed(info)

    def _pass_on(self, text: str, about: str) -> None:
        for listener in self._listeners:
            if about:
                listener.latest[about] = text
            else:
                listener.changes.append(text)
            listener.woken.set()

    # ------------------------------------------------------------------ snapshots

    def _tick_if_needed(self, info: RunInfo) -> None:
        """Take snapshots while somebody listens and a run goes on, and only then."""
        if self._listeners and info.state not in OVER and (self._ticker is None or self._ticker.done()):
            self._ticker = asyncio.get_running_loop().create_task(self._tick())

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while self._listeners and not self._is_closed:
            snapshot = self._get_snapshot()
            if snapshot.state in OVER:
                return
            now_s = loop.time()
            due = [listener for listener in self._listeners if listener.next_s <= now_s]
            if due:
                text = _encode("snapshot", snapshot.model_dump_json())
                for listener in due:
                    listener.snapshot = text
                    listener.next_s = max(listener.next_s + listener.interval_s, now_s + listener.interval_s / 2)
                    listener.woken.set()
            await asyncio.sleep(1 / SNAPSHOT_HZ)

    # ------------------------------------------------------------------ a stream

    def listen(self, hz: float, after: int | None) -> AsyncIterator[str]:
        """The text of a stream of events.

        :param hz: how many snapshots it gets in a second at most.
        :param after: the number of the last error or log line that the client has.
        :raises Refused: where too many listen already.
        """
        if len(self._listeners) >= MOST_LISTENERS:
            raise Refused(503, f"{MOST_LISTENERS} clients listen to this host already, and more are not admitted")
        return self._stream(_Listener(1 / hz, after or 0))

    async def _stream(self, listener: _Listener) -> AsyncIterator[str]:
        self._listeners.add(listener)  # here, because a stream that was never begun is never ended
        try:
            info = self._get_info()
            self.on_listener()
            yield _encode("run", info.model_dump_json())
            if info.state in OVER:
                if info.run:
                    listener.changes.append(_encode("snapshot", self._get_snapshot().model_dump_json()))
            else:
                self._tick_if_needed(info)
            while not self._is_closed:
                listener.woken.clear()
                text, is_all = self._collect(listener)
                if text:
                    yield text
                    await asyncio.sleep(BREATH_S)
                if is_all:
                    try:
                        await asyncio.wait_for(listener.woken.wait(), HEARTBEAT_S)
                    except TimeoutError:
                        yield ": nothing new\n\n"
            text, _ = self._collect(listener)  # the end of a run, where the host ends with it
            if text:
                yield text
        finally:
            self._listeners.discard(listener)

    def _collect(self, listener: _Listener) -> tuple[str, bool]:
        """What the listener has not got yet, and whether that is all of it."""
        entries = self._journal.since(listener.after, ENTRIES_AT_ONCE)
        parts = [_encode(entry.kind, entry.content.model_dump_json(), entry.number) for entry in entries]
        if entries:
            listener.after = entries[-1].number
        while listener.changes:
            parts.append(listener.changes.popleft())
        if listener.snapshot is not None:
            parts.append(listener.snapshot)
            listener.snapshot = None
        parts.extend(listener.latest.values())
        listener.latest.clear()
        return "".join(parts), len(entries) < ENTRIES_AT_ONCE


def _encode(name: EventName, data: str, number: int | None = None) -> str:
    identity = "" if number is None else f"id: {number}\n"
    return f"{identity}event: {name}\ndata: {data}\n\n"
