"""What one run is looked at for: previews of values, breakpoints, and the items that these hold.

The threads of cells keep a value by reference, or evaluate a condition, and go on. What is told to clients is worked out in
a thread of its own, which lives while there is something to look at.

Locks: `_changed` guards everything here. It is taken after the lock of the session, and before those of the engine; no code
of cells and no method of a value runs while it is held.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from pypipeline_engine.core.values import size_of
from pypipeline_engine.exceptions import InvalidStateException
from pypipeline_engine.host.breakpoints import Condition
from pypipeline_engine.host.failed import FailedKept
from pypipeline_engine.host.held import Held
from pypipeline_engine.host.kept_pictures import KeptPictures, Key, copied, fits
from pypipeline_engine.host.looking import (
    BreakpointRequest,
    BreakpointSettings,
    HeldItems,
    PreviewInfo,
    PreviewRequest,
    PreviewSettings,
    WatchedInfo,
)
from pypipeline_engine.host.pictures import is_picture, make_jpeg
from pypipeline_engine.host.protocol import EventName
from pypipeline_engine.host.refusals import CONFLICT, Refused
from pypipeline_engine.host.sampling import Item, Sampling
from pypipeline_engine.host.summaries import summarize

if TYPE_CHECKING:
    from pypipeline_engine.host.ports import Place
    from pypipeline_engine.host.replay import Replayed
    from pypipeline_engine.runtime import RunHandle
    from pypipeline_engine.runtime.taps import TappedItem

MOST_PREVIEWS = 16
MOST_BREAKPOINTS = 32
MOST_HELD = 8
MOST_HELD_BYTES = 256 * 2**20
"""Of all held items together; the first one is held whatever it takes."""
IDLE_S = 10.0
"""For so long nobody has to listen, or to ask, for the values of previews to be let go."""
LOOKS_FOR_LISTENERS_EVERY_S = 1.0

Tell = Callable[[EventName, str, str], None]


class ShownPicture(NamedTuple):
    """A picture of a value."""

    item: int
    jpeg: bytes
    kept: int
    """Its number where its array is kept; 0 where it is not."""


class _Preview:
    """What is shown of one output. The values are written by the threads of the cell, without a lock."""

    def __init__(self, request: PreviewRequest, place: Place, sampling: Sampling) -> None:
        self.request = request
        self.place = place
        self.sampling = sampling
        self.picture: ShownPicture | None = None
        """The one that was made last."""
        self.made_s = 0.0

    def forget(self) -> None:
        self.sampling.forget()
        self.picture = None


class _Breakpoint:
    def __init__(self, request: BreakpointRequest, place: Place, condition: Condition) -> None:
        self.request = request
        self.place = place
        self.condition = condition
        self.nb_hits = 0
        self.problem = ""


class Watches:
    """Previews, breakpoints and held items of a run. Any thread may call everything; nothing waits for cells."""

    def __init__(
        self,
        handle: RunHandle,
        tell: Tell,
        warn: Callable[[str], None],
        on_hold: Callable[[], None],
        is_heard: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
        pictures: KeptPictures | None = None,
    ) -> None:
        """Look at nothing yet.

        :param tell: tells clients an event: its name, its data, and what it is about where only the latest counts.
        :param warn: writes a line into the log.
        :param on_hold: is told, in a thread of its own, that an item is held and the run is paused.
        :param is_heard: whether anybody listens to events.
        :param clock: seconds, from anywhere on.
        :param pictures: where the arrays of pictures go; it outlives this.
        """
        self._pictures = pictures if pictures is not None else KeptPictures()
        self._handle = handle
        self._tell = tell
        self._warn = warn
        self._on_hold = on_hold
        self._is_heard = is_heard
        self._clock = clock
        self._changed = threading.Condition()
        self._previews: dict[Key, _Preview] = {}
        self._breakpoints: dict[Key, _Breakpoint] = {}
        self._held: list[Held] = []
        self._nb_held_ever = 0
        self.failed = FailedKept()
        """The items that cells have failed at, where that is retained. It has a lock of its own."""
        self._retained: dict[str, str] = {}
        """By the full name of a cell of which failed items are retained, its name in the graph."""
        self._replayed: Replayed | None = None
        self._nb_missed = 0
        self._news: list[Held | str] = []
        """What is to be told: held items, and lines for the log."""
        self._again: list[Held] = []
        """Held items that were told before, to others."""
        self._wanted_s = clock()
        """When somebody listened or asked last."""
        self._is_dormant = False
        """Whether previews keep nothing, because nobody wants to know."""
        self._is_closed = False
        self._thread: threading.Thread | None = None

    # ------------------------------------------------------------------ what is looked at

    def get_info(self) -> WatchedInfo:
        """What is on."""
        with self._changed:
            previews = [(preview.request, preview.sampling.latest) for preview in self._previews.values()]
            breakpoints = [(one.request, one.nb_hits, one.problem) for one in self._breakpoints.values()]
            nb_held = len(self._held)
        return WatchedInfo(
            previews=tuple(
                PreviewSettings(
                    **request.model_dump(exclude={"enabled"}), nb_bytes=0 if latest is None else size_of(latest[1])
                )
                for request, latest in previews
            ),
            breakpoints=tuple(
                BreakpointSettings(**request.model_dump(exclude={"enabled"}), nb_hits=nb_hits, problem=problem)
                for request, nb_hits, problem in breakpoints
            ),
            nb_held=nb_held,
        )

    def preview(self, request: PreviewRequest, place: Place) -> None:
        """Show the values of an output from now on, as asked for.

        :raises Refused: where there are too many, or the run is over.
        """
        with self._changed:
            key = request.cell, request.port
            self._refuse_more(self._previews, key, MOST_PREVIEWS, "previews")
            before = self._previews.pop(key, None)
            sampling = before.sampling if before is not None else Sampling(request.max_hz)
            sampling.max_hz = request.max_hz
            sampling.tell_again()
            self._previews[key] = _Preview(request, place, sampling)
            self._want()
            self._tap(place.cell)

    def stop_preview(self, key: Key | None) -> None:
        """Show the values of an output no more, or of none where that is `None`."""
        with self._changed:
            for each in list(self._previews) if key is None else [key]:
                preview = self._previews.pop(each, None)
                if preview is not None:
                    self._tap(preview.place.cell)
                    preview.forget()
                    self._pictures.forget(each)

    def set_breakpoint(self, request: BreakpointRequest, place: Place) -> None:
        """Pause from now on where a value of an output fulfils a condition.

        :raises Refused: where the condition is wrong, there are too many, or the run is over.
        """
        condition = Condition(request.condition)
        with self._changed:
            key = request.cell, request.port
            self._refuse_more(self._breakpoints, key, MOST_BREAKPOINTS, "breakpoints")
            self._breakpoints[key] = _Breakpoint(request, place, condition)
            self._tap(place.cell)

    def remove_breakpoint(self, key: Key | None) -> None:
        """Forget the breakpoint at an output, or all of them; what is held stays until the run goes on."""
        with self._changed:
            for each in list(self._breakpoints) if key is None else [key]:
                one = self._breakpoints.pop(each, None)
                if one is not None:
                    self._tap(one.place.cell)

    def retain(self, cells: dict[str, str]) -> None:
        """Keep from now on the items that these cells fail at, and those of no others.

        :param cells: by full name, their names in the graph.
        """
        with self._changed:
            if self._is_closed:
                raise Refused(CONFLICT, "the run is over")
            before, self._retained = self._retained, dict(cells)
            for cell in {*before, *cells}:
                self._tap(cell)
        self.failed.keep_only(set(cells.values()))

    def tell_again(self) -> None:
        """Somebody has begun to listen, and knows nothing yet: the others hear of it once more."""
        with self._changed:
            self._again = list(self._held)
            for preview in self._previews.values():
                preview.sampling.tell_again()
            if self._again or self._previews:
                self._want()

    def close(self) -> None:
        """The run is over: let go of everything."""
        with self._changed:
            self._is_closed = True
            for preview in self._previews.values():
                preview.forget()
            self._previews.clear()
            self._pictures.close()
            self._breakpoints.clear()
            self._let_go()
            self._retained = {}
            self._news.clear()
            self._again.clear()
            self._changed.notify_all()
        self.failed.close()

    def _refuse_more(self, among: dict[Key, Any], key: Key, most: int, what: str) -> None:
        if self._is_closed:
            raise Refused(CONFLICT, "the run is over")
        if key not in among and len(among) >= most:
            raise Refused(CONFLICT, f"a run has at most {most} {what}: remove one first")

    def _want(self) -> None:
        """Somebody wants to see previews. `_changed` is held."""
        self._wanted_s = self._clock()
        if self._is_dormant:
            self._is_dormant = False
            for preview in self._previews.values():
                self._tap(preview.place.cell)
        self._begin()

    def _begin(self) -> None:
        """Have the thread look. `_changed` is held."""
        if self._thread is None and not self._is_closed:
            self._thread = threading.Thread(target=self._work, name="pypipeline looking", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _tap(self, cell: str) -> None:
        """Have the items of a cell looked at for what is on now. `_changed` is held."""
        awake = () if self._is_dormant else self._previews.values()
        previews = [preview for preview in awake if preview.place.cell == cell]
        breakpoints = [one for one in self._breakpoints.values() if one.place.cell == cell]
        look = partial(self._look, previews, breakpoints) if previews or breakpoints else None
        name = self._retained.get(cell)
        fail = partial(self.failed.add, name, cell) if name is not None else None
        self._handle.tap(cell, look, with_inputs=bool(breakpoints), on_error=fail)

    # ------------------------------------------------------------------ in the threads of cells

    def _look(self, previews: list[_Preview], breakpoints: list[_Breakpoint], item: TappedItem) -> None:
        # Of clones in other processes only those outputs come here that are read.
        for preview in previews:
            if preview.place.output in item.outputs:
                preview.sampling.take(item.number, item.outputs[preview.place.output])
        for one in breakpoints:
            if one.place.output not in item.outputs:
                continue
            try:
                is_met = one.condition.holds(item.number, item.outputs[one.place.output])
            except Exception as error:
                if not one.problem:
                    self._tell_problem(one, one.condition.explain(error))
                continue
            if is_met:
                self._hold(one, item)

    def _tell_problem(self, one: _Breakpoint, problem: str) -> None:
        with self._changed:
            if not one.problem:
                one.problem = problem
                self._news.append(f"{one.request.cell}.{one.request.port}: {problem}; such items do not pause the run")
                self._begin()

    def _hold(self, one: _Breakpoint, item: TappedItem) -> None:
        values = [*item.outputs.values(), *(value for pulled in item.inputs.values() for value in pulled)]
        nb_bytes = sum(map(size_of, values))
        with self._changed:
            if self._is_closed or self._breakpoints.get((one.request.cell, one.request.port)) is not one:
                return
            one.nb_hits += 1
            try:
                self._handle.pause()
            except InvalidStateException:  # it is over
                return
            in_use = sum(held.nb_bytes for held in self._held)
            if self._held and (len(self._held) >= MOST_HELD or in_use + nb_bytes > MOST_HELD_BYTES):
                self._nb_missed += 1
                return
            self._nb_held_ever += 1
            request = one.request
            held = Held(self._nb_held_ever, request.cell, request.port, request.condition, one.place, item, nb_bytes)
            self._held.append(held)
            self._news.append(held)
            self._begin()

    # ------------------------------------------------------------------ going on

    def go_on(self, act: Callable[[], None]) -> None:
        """Resume or step by `act`, and let go of what is held; nothing where that raises an error."""
        with self._changed:  # so that an item which comes to be held meanwhile pauses the run afterwards
            act()
            self._let_go()

    def _let_go(self) -> None:
        self._held.clear()
        self._nb_missed = 0
        self._replayed = None

    # ------------------------------------------------------------------ what is held

    def get_held(self, number: int | None = None) -> Held:
        """One of the held items, the first one without a number.

        :raises Refused: where there is none.
        """
        with self._changed:
            for held in self._held:
                if number in (None, held.number):
                    return held
        raise Refused(CONFLICT, "no item is held" if number is None else f"the item {number} is not held, or no more")

    def get_held_items(self) -> HeldItems:
        """What is told of all of them. Takes a while."""
        with self._changed:
            held, nb_missed = list(self._held), self._nb_missed
        return HeldItems(
            items=tuple(one.summarize() for one in held),
            nb_missed=nb_missed,
            nb_bytes=sum(one.nb_bytes for one in held),
        )

    def keep_replayed(self, held: Held, done: Replayed) -> None:
        """Keep what came of running a held item again, until another one is, or the run goes on."""
        with self._changed:
            if any(one is held for one in self._held) or self.failed.has(held):
                self._replayed = done

    def get_replayed(self) -> Replayed | None:
        """What was kept last."""
        with self._changed:
            return self._replayed

    # ------------------------------------------------------------------ what previews show

    def get_preview(self, key: Key) -> PreviewInfo:
        """The latest value of an output that was told, or where nobody listens the latest at all. Takes a while.

        :raises Refused: where it is not shown, or has brought nothing yet.
        """
        _, (number, value), _ = self._find_shown(key)
        return PreviewInfo(cell=key[0], port=key[1], item=number, value=summarize(value))

    def get_preview_picture(self, key: Key, with_pixels: bool = False) -> ShownPicture | None:
        """The picture of what `get_preview` tells, or of a value that is hardly older; `None` where there is none of it.

        :param with_pixels: whether its array is to be kept in the pictures.
        :raises Refused: where the output is not shown, or has brought nothing yet.
        """
        preview, (number, value), was_told = self._find_shown(key)
        request, now_s = preview.request, self._clock()
        made = preview.picture
        is_kept = with_pixels and fits(value)
        if made is not None and (made.kept or not is_kept):
            is_recent = not was_told and now_s - preview.made_s < 1 / request.max_hz
            if made.item == number or is_recent:
                return made
        if not is_picture(value):
            return None
        array = copied(value) if is_kept else value  # before the picture is made: both are of the same moment
        jpeg = make_jpeg(array, request.max_width, request.max_height)
        if jpeg is None:
            return None
        kept = self._pictures.keep(key, number, array) if is_kept else 0
        shown = ShownPicture(number, jpeg, kept)
        preview.made_s, preview.picture = now_s, shown
        with self._changed:
            if not self._is_closed and key not in self._previews:  # it was switched off meanwhile
                preview.forget()
                self._pictures.forget(key)
        return shown

    def _find_shown(self, key: Key) -> tuple[_Preview, Item, bool]:
        """With whether it was told: who was told of an item wants to see that one, and not the next."""
        with self._changed:
            preview = self._previews.get(key)
            if preview is None:
                raise Refused(CONFLICT, f"{'.'.join(key)} is not previewed: POST /v1/preview switches that on")
            self._want()
            told = preview.sampling.told if self._is_heard() else None
            shown = told or preview.sampling.latest
        if shown is None:
            raise Refused(CONFLICT, f"{'.'.join(key)} has brought no value since its preview was switched on")
        return preview, shown, told is not None

    # ------------------------------------------------------------------ the thread that tells

    def _work(self) -> None:
        while True:
            with self._changed:
                if not self._has_news():
                    self._changed.wait(self.get_wait_s())
                if self._is_closed or not (self._previews or self._has_news()):
                    self._thread = None
                    return
            self.look()

    def _has_news(self) -> bool:
        return bool(self._news or self._again)

    def get_wait_s(self) -> float:
        """For how long there will be nothing to do, if nothing happens."""
        with self._changed:
            if not self._previews or self._is_closed:
                return 0.0
            if self._is_dormant:
                return LOOKS_FOR_LISTENERS_EVERY_S
            now_s = self._clock()
            return max(0.0, min(preview.sampling.due_s for preview in self._previews.values()) - now_s)

    def look(self) -> None:
        """Tell what there is to tell."""
        with self._changed:
            now_s = self._clock()
            news, again = self._news, [held for held in self._again if held not in self._news]
            self._news, self._again = [], []
            due: list[tuple[Key, Item]] = []
            is_heard = self._is_heard()
            if is_heard:
                self._want()
            elif now_s - self._wanted_s > IDLE_S:
                self._fall_asleep()
            for key, preview in self._previews.items():
                chosen = preview.sampling.choose(now_s, is_heard)
                if chosen is not None:
                    due.append((key, chosen))
        for one in news:
            if isinstance(one, str):
                self._warn(one)
            else:
                self._on_hold()
                self._tell("held", one.summarize().model_dump_json(), "")
        for held in again:
            self._tell("held", held.summarize().model_dump_json(), "")
        for key, (number, value) in due:
            info = PreviewInfo(cell=key[0], port=key[1], item=number, value=summarize(value))
            self._tell("preview", info.model_dump_json(), ".".join(key))

    def _fall_asleep(self) -> None:
        was_dormant, self._is_dormant = self._is_dormant, True
        for preview in self._previews.values():
            if not was_dormant:
                self._tap(preview.place.cell)
            self._pictures.forget_unused()
            preview.forget()  # each time: a run of the cell that had begun before has brought a value since
