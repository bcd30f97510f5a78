"""Which outputs of the run are looked at, for whoever wants to, and the latest value of each.

Parts of the window say what they want to see; all of it together is what the engine is asked for, while a run goes on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from pypipeline_engine.host.looking import PreviewInfo
from pypipeline_engine.host.protocol import Refusal
from pypipeline_studio.document.watched import Place
from pypipeline_studio.engine.engine import Engine
from pypipeline_studio.window.run_control import RunControl

MOST_PLACES: Final = 16
"""The engine shows no more at once."""
OWNERS: Final = ("tab", "hover", "nodes")
"""Who wants to see something, the most important first."""
PIXELS_OWNER: Final = "tab"
"""Who asks what exactly stands in the pixels of what it shows."""

Size: TypeAlias = tuple[int, int]
"""The largest width and height of a picture; none is asked for where it is 0."""
NO_PICTURE: Final[Size] = (0, 0)
_LEAST_SIZE: Final[Size] = (16, 16)
MOST_IMAGES: Final = 12
"""Of one output, that are kept: three seconds at four a second."""
PAIRED_WITHIN: Final = 4
"""So many of the latest boxes may wait for their own image, or have none, before those are shown that have another one."""


@dataclass(frozen=True)
class SeenImage:
    """A picture of one value."""

    item: int
    image: QImage
    frame: tuple[int, int] | None
    """Width and height of the whole image, of which the picture may be a smaller copy."""
    picture: int = 0
    """By which number the engine tells its pixels; 0 where it does not."""


class Seen:
    """The latest value of one output."""

    def __init__(self) -> None:
        self.infos: deque[PreviewInfo] = deque(maxlen=MOST_IMAGES)
        """What was told of the latest ones."""
        self.images: deque[SeenImage] = deque(maxlen=MOST_IMAGES)
        """The latest pictures, the last one as the last; earlier ones for what came of the same items later."""
        self.problem = ""
        """Why it cannot be looked at, in words."""
        self.is_fetching = False
        self.is_late = False
        """Whether another value came while its picture was on the way."""

    @property
    def info(self) -> PreviewInfo | None:
        """What is told of it."""
        return self.infos[-1] if self.infos else None

    @property
    def shown(self) -> tuple[PreviewInfo, SeenImage | None] | None:
        """What is told of the value that can be shown, and its picture: that of a later one may still be on its way."""
        info = self.info
        if info is None or not info.value.has_picture or not self.images:
            return None if info is None else (info, None)
        image = self.images[-1]
        return self.info_of(image.item) or info, image

    def info_of(self, item: int) -> PreviewInfo | None:
        """What was told of an item; `None` where that is not known, or no more."""
        return next((info for info in reversed(self.infos) if info.item == item), None)

    @property
    def image(self) -> QImage | None:
        """The latest picture."""
        return self.images[-1].image if self.images else None

    def image_of(self, item: int) -> SeenImage | None:
        """The picture of an item, or of those that are there the nearest to it: not all of them are sent."""
        return min(self.images, key=lambda one: abs(one.item - item), default=None)


class Watching(QObject):
    """What is looked at. For the thread of the window only."""

    arrived = Signal(tuple)
    """A place: there is another value of it, a picture, or the reason why there is none."""

    asked_changed = Signal()
    """Something else is asked of the engine, or a run that can be looked at has begun or ended."""

    def __init__(self, run_control: RunControl, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._run_control = run_control
        self._looking = engine.looking
        self._wishes: dict[str, dict[Place, Size]] = {}
        self._asked: dict[Place, Size] = {}
        self._seen: dict[Place, Seen] = {}
        self._run = 0
        self._can_look = False
        self._looking.preview_arrived.connect(self._take_value)
        run_control.run_changed.connect(self._follow_run)

    # ------------------------------------------------------------------ what is wanted

    def want(self, owner: str, wishes: Mapping[Place, Size]) -> None:
        """Say what somebody wants to see from now on, in place of what he wanted before.

        :param owner: one of `OWNERS`.
        :param wishes: the outputs, with the sizes of their pictures.
        """
        assert owner in OWNERS
        if self._wishes.get(owner, {}) != dict(wishes):
            self._wishes[owner] = dict(wishes)
            self._ask()

    def seen(self, place: Place) -> Seen | None:
        """The latest value of an output in this run or, until the next one, in the last one."""
        return self._seen.get(place)

    def is_wanted_by_others(self, owner: str, place: Place) -> bool:
        """Whether somebody else is looking at it already."""
        return any(place in wishes for other, wishes in self._wishes.items() if other != owner)

    def is_left_out(self, place: Place) -> bool:
        """Whether somebody wants to see it, and the engine does not show that many."""
        return place not in self._asked and any(place in wishes for wishes in self._wishes.values())

    def boxes_on(self, place: Place, behind: Place | None) -> tuple[PreviewInfo, SeenImage] | None:
        """The latest boxes of an output, and the image to draw them on; `None` where there is none, or no boxes.

        That is the image of their own item. While boxes come fast, those that have none, or none yet, wait for others that
        do. In a pause, and where too many have none, as behind a filter, it is the image of the nearest item.

        :param behind: the output of the images.
        """
        boxes, images = self._seen.get(place), self._seen.get(behind) if behind is not None else None
        if boxes is None or boxes.info is None or boxes.info.value.boxes is None or images is None:
            return None
        most = 1 if self._run_control.run.state == "paused" else PAIRED_WITHIN
        for info in list(boxes.infos)[: -most - 1 : -1]:
            image = images.image_of(info.item)
            if image is not None and image.item == info.item and info.value.boxes is not None:
                return info, image
        nearest = images.image_of(boxes.info.item)
        return None if nearest is None else (boxes.info, nearest)

    @property
    def can_look(self) -> bool:
        """Whether there is a run to be looked at."""
        run = self._run_control.run
        return run.state in ("running", "paused") and not run.is_starting

    def forget(self) -> None:
        """Forget all values: they are of another graph."""
        self._seen.clear()

    # ------------------------------------------------------------------

    def _follow_run(self) -> None:
        if not self.can_look:
            had, self._can_look = self._can_look, False
            if self._run_control.is_busy:  # of a graph that is not in front any more
                for place in self._asked:
                    self._looking.stop_preview(place)
            self._asked.clear()
            for seen in self._seen.values():
                seen.is_fetching = seen.is_late = False
            if had:
                self.asked_changed.emit()
            return
        number = self._run_control.run.run
        if number != self._run:
            self._run = number
            self._asked.clear()
            self._seen.clear()
        had, self._can_look = self._can_look, True
        self._ask()
        if not had:
            self.asked_changed.emit()

    def _wanted(self) -> dict[Place, Size]:
        found: dict[Place, Size] = {}
        for owner in OWNERS:
            for place, size in self._wishes.get(owner, {}).items():
                if place in found:
                    known = found[place]
                    found[place] = (max(known[0], size[0]), max(known[1], size[1]))
                elif len(found) < MOST_PLACES:
                    found[place] = size
        return found

    def _ask(self) -> None:
        if not self.can_look:
            return
        before, wanted = set(self._asked), self._wanted()
        for place in [place for place in self._asked if place not in wanted]:
            del self._asked[place]
            self._looking.stop_preview(place)
        for place, size in wanted.items():
            if self._asked.get(place) != size:
                self._asked[place] = size
                width, height = size if size != NO_PICTURE else _LEAST_SIZE
                self._looking.preview(place, width, height, partial(self._refuse, place))
        if set(self._asked) != before:
            self.asked_changed.emit()

    def _refuse(self, place: Place, refusal: Refusal) -> None:
        if place in self._asked:
            self._seen.setdefault(place, Seen()).problem = refusal.message
            self.arrived.emit(place)

    def _take_value(self, info: PreviewInfo) -> None:
        place = (info.cell, info.port)
        if place not in self._asked:
            return
        seen = self._seen.setdefault(place, Seen())
        seen.infos.append(info)
        seen.problem = ""
        if not info.value.has_picture:
            seen.images.clear()
        elif self._asked[place] != NO_PICTURE:
            self._fetch(place, seen)
        self.arrived.emit(place)

    def _fetch(self, place: Place, seen: Seen) -> None:
        """Ask for the picture of the latest value; one after the other, however fast values come."""
        if seen.is_fetching:
            seen.is_late = True
            return
        seen.is_fetching = True

        def go_on() -> None:
            seen.is_fetching = False
            if seen.is_late:
                seen.is_late = False
                if place in self._asked and self._seen.get(place) is seen:
                    self._fetch(place, seen)

        def take(content: bytes, item: int, picture: int = 0) -> None:
            if self._seen.get(place) is seen and seen.info is not None and seen.info.value.has_picture:
                image = QImage.fromData(content)
                if not image.isNull():
                    shape = (seen.info_of(item) or seen.info).value.shape or ()
                    frame = (shape[1], shape[0]) if len(shape) >= 2 else None
                    seen.images.append(SeenImage(item, image, frame, picture))
                    self.arrived.emit(place)
            go_on()

        # Where there is none, the value has gone meanwhile; another one tells of itself.
        with_pixels = self._wishes.get(PIXELS_OWNER, {}).get(place, NO_PICTURE) != NO_PICTURE
        self._looking.get_preview_picture(place, take, lambda _: go_on(), with_pixels)
