"""Looking into the run of an engine: previews of values, breakpoints, the items that these hold, and running them again.

What is looked at ends with the run; see `pypipeline_engine.host.looking`. For the thread of the window; nothing waits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import urlencode

from PySide6.QtCore import QObject, Signal

from pypipeline_engine.host.looking import (
    BreakpointRequest,
    ConditionInfo,
    ConditionRequest,
    FailedItems,
    HeldInfo,
    HeldItems,
    PixelsInfo,
    PreviewInfo,
    PreviewRequest,
    ReplayInfo,
    ReplayRequest,
    RetainRequest,
    ValueSummary,
    WatchedInfo,
)
from pypipeline_engine.host.protocol import Refusal
from pypipeline_studio.engine.client import Client, Refused

Place: TypeAlias = tuple[str, str]
"""The full name of a cell, and one of its outputs."""
TakePicture: TypeAlias = Callable[[bytes, int], None]
"""Gets a JPEG, and the number of the item that it is of."""
TakeShown: TypeAlias = Callable[[bytes, int, int], None]
"""Gets the number of the picture as well, by which its pixels are asked for; 0 where they cannot be."""
Rectangle: TypeAlias = tuple[int, int, int, int]
"""The first column and row of some pixels, and how many columns and rows there are."""
_Change: TypeAlias = PreviewRequest | BreakpointRequest
_Waiting: TypeAlias = tuple[_Change, Refused | None, Callable[[WatchedInfo], None] | None]


class Looking(QObject):
    """Asks a host to look into its run, and tells what comes of it. Where there is no host, nothing happens."""

    preview_arrived = Signal(PreviewInfo)
    """The latest value of an output that is looked at."""
    held_arrived = Signal(HeldInfo)
    """An item that a breakpoint holds."""
    watched_changed = Signal(WatchedInfo)
    """What the run is looked at for, as the answer to a change."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client: Client | None = None
        self._sending: dict[tuple[str, Place], _Waiting | None] = {}

    def use(self, client: Client | None) -> None:
        """Ask this one from now on."""
        self._client = client
        self._sending.clear()

    def take_event(self, value: object) -> None:
        """Pass an event of the host on."""
        if isinstance(value, PreviewInfo):
            self.preview_arrived.emit(value)
        elif isinstance(value, HeldInfo):
            self.held_arrived.emit(value)

    # ------------------------------------------------------------------ previews

    def preview(self, place: Place, width: int, height: int, refused: Refused | None = None) -> None:
        """Have the values of an output told, with pictures not larger than that."""
        cell, port = place
        request = PreviewRequest(cell=cell, port=port, max_width=width, max_height=height)
        self._send("/preview", place, request, refused)

    def stop_preview(self, place: Place) -> None:
        """Have the values of an output told no more."""
        self._send("/preview", place, PreviewRequest(cell=place[0], port=place[1], enabled=False), None)

    def get_preview_picture(
        self, place: Place, done: TakeShown, refused: Refused | None = None, with_pixels: bool = False
    ) -> None:
        """The picture of the latest value of an output that is looked at.

        :param with_pixels: whether its array is to be kept, for `get_pixels`.
        """
        if self._client is not None:
            query = {"cell": place[0], "port": place[1], **({"pixels": "true"} if with_pixels else {})}
            self._client.get_picture(f"/preview?{urlencode(query)}", done, refused)

    def get_pixels(
        self,
        place: Place,
        picture: int,
        rectangle: Rectangle,
        done: Callable[[PixelsInfo], None],
        refused: Refused | None = None,
    ) -> None:
        """What stands in a part of the array of a picture."""
        if self._client is not None:
            x, y, width, height = rectangle
            query = {"cell": place[0], "port": place[1], "picture": picture, "x": x, "y": y}
            query |= {"width": width, "height": height}
            self._client.get(f"/pixels?{urlencode(query)}", PixelsInfo, done, refused)

    # ------------------------------------------------------------------ breakpoints

    def set_breakpoint(
        self,
        place: Place,
        condition: str,
        refused: Refused | None = None,
        done: Callable[[WatchedInfo], None] | None = None,
    ) -> None:
        """Hold an item, and pause, where the value of an output fulfils a condition."""
        request = BreakpointRequest(cell=place[0], port=place[1], condition=condition)
        self._send("/breakpoint", place, request, refused, done)

    def remove_breakpoint(self, place: Place) -> None:
        """Forget a breakpoint."""
        self._send("/breakpoint", place, BreakpointRequest(cell=place[0], port=place[1], enabled=False), None)

    def check_condition(self, text: str, done: Callable[[str], None]) -> bool:
        """Have the host look at a condition.

        :param done: is told what is wrong with it; empty where nothing is.
        :return: whether there is a host.
        """
        if self._client is None:
            return False
        request = ConditionRequest(condition=text)
        self._client.post("/condition", request, ConditionInfo, lambda answer: done(answer.problem))
        return True

    def get_watched(self) -> None:
        """Ask what the run is looked at for; `watched_changed` tells it."""
        if self._client is not None:
            self._client.get("/watched", WatchedInfo, self.watched_changed.emit)

    # ------------------------------------------------------------------ held items

    def get_held(self, done: Callable[[HeldItems], None], refused: Refused | None = None) -> None:
        """All items that are held."""
        if self._client is not None:
            self._client.get("/held", HeldItems, done, refused)

    def get_held_picture(
        self, held: int, side: str, port: str, done: TakePicture, refused: Refused | None = None
    ) -> None:
        """The picture of a value of a held item.

        :param side: `input` or `output`.
        """
        self._get_picture("/held", {"held": str(held), "side": side, "port": port}, done, refused)

    def get_held_value(self, held: int, side: str, port: str, done: Callable[[ValueSummary], None]) -> None:
        """A value of a held item in words."""
        if self._client is not None:
            query = urlencode({"held": held, "side": side, "port": port})
            self._client.get(f"/held?{query}", ValueSummary, done)

    def replay(
        self,
        held: int,
        parameters: Mapping[str, Any],
        done: Callable[[ReplayInfo], None],
        refused: Refused | None = None,
    ) -> None:
        """Run the cell of a held item again beside the pipeline, which takes as long as the cell takes.

        :param parameters: JSON values in place of its own.
        """
        if self._client is not None:
            request = ReplayRequest(held=held, parameters=dict(parameters))
            self._client.post("/replay", request, ReplayInfo, done, refused, quick=False)

    def replay_failed(
        self,
        cell: str,
        item: int,
        parameters: Mapping[str, Any],
        done: Callable[[ReplayInfo], None],
        refused: Refused | None = None,
    ) -> None:
        """The same with an item that a cell failed at, and that was retained."""
        if self._client is not None:
            request = ReplayRequest(cell=cell, item=item, parameters=dict(parameters))
            self._client.post("/replay", request, ReplayInfo, done, refused, quick=False)

    def retain(
        self, cells: tuple[str, ...], done: Callable[[FailedItems], None], refused: Refused | None = None
    ) -> None:
        """Have what these cells fail at kept from now on, and what others do no longer."""
        if self._client is not None:
            self._client.post("/retain", RetainRequest(cells=cells), FailedItems, done, refused)

    def get_failed(self, done: Callable[[FailedItems], None]) -> None:
        """The items that are kept."""
        if self._client is not None:
            self._client.get("/failed", FailedItems, done)

    def get_replayed_picture(self, port: str, done: TakePicture, refused: Refused | None = None) -> None:
        """The picture of an output of what was run again last."""
        self._get_picture("/replay", {"port": port}, done, refused)

    # ------------------------------------------------------------------

    def _get_picture(self, path: str, query: Mapping[str, str], done: TakePicture, refused: Refused | None) -> None:
        if self._client is not None:
            self._client.get_picture(
                f"{path}?{urlencode(query)}", lambda content, item, _: done(content, item), refused
            )

    def _send(
        self,
        path: str,
        place: Place,
        request: _Change,
        refused: Refused | None,
        done: Callable[[WatchedInfo], None] | None = None,
    ) -> None:
        """Send one after the other what is about the same output: the host may serve requests in another order than they
        came in. Of those that come while it has not answered, the latest counts.
        """
        client, key = self._client, (path, place)
        if client is None:
            return
        if key in self._sending:
            self._sending[key] = (request, refused, done)
            return
        self._sending[key] = None

        def go_on() -> None:
            later = self._sending.pop(key, None)
            if later is not None:
                self._send(path, place, *later)

        def on_done(watched: WatchedInfo) -> None:
            self.watched_changed.emit(watched)
            if done is not None:
                done(watched)
            go_on()

        def on_refused(refusal: Refusal) -> None:
            if refused is not None:
                refused(refusal)
            go_on()

        client.post(path, request, WatchedInfo, on_done, on_refused)
