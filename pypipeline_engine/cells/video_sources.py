"""Sources of pictures. Graphs know them as `sources.VideoFile` and so on."""

from __future__ import annotations

import re
import time
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pypipeline_engine.cell import ASingleCell
from pypipeline_engine.cellio import ConfigParameter, Output
from pypipeline_engine.cells.checks import truth, whole, whole_or_none
from pypipeline_engine.cells.files import describe_parameter, get_input_file, get_input_folder
from pypipeline_engine.cells.opencv_io import import_cv2, open_capture, quiet
from pypipeline_engine.exceptions import InvalidInputException

if TYPE_CHECKING:
    import numpy.typing as npt

    from pypipeline_engine.cell import ICompositeCell
    from pypipeline_engine.cells.types import Boxes, Image, InputPath

DEFAULT_FPS = 25.0


class VideoFile(ASingleCell):
    """Reads the frames of a video file, in every format that the installed OpenCV can read. The frames before `start`
    are read and dropped rather than jumped over, so that the number of a frame is exact in every format. Where the file
    is damaged, the stream ends with the last frame that can be read, and a warning is logged. Keeps its place in the
    file and cannot be scaled.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.path: ConfigParameter[InputPath] = ConfigParameter(self, "path", doc="The video file.")
        self.loop: ConfigParameter[bool] = ConfigParameter(
            self, "loop", truth, default_value=False, doc="Begin again at the end of the file, endlessly."
        )
        self.start: ConfigParameter[int] = ConfigParameter(
            self,
            "start",
            whole,
            default_value=0,
            minimum=0,
            unit="frames",
            doc="The number of the first frame, from 0.",
        )
        self.count: ConfigParameter[int | None] = ConfigParameter(
            self,
            "count",
            whole_or_none,
            default_value=None,
            minimum=0,
            unit="frames",
            doc="How many frames to give, over all rounds; none: all there are.",
        )
        self.frame: Output[Image] = Output(self, "frame", doc="The picture: uint8, height x width x 3, BGR.")
        self.index: Output[int] = Output(self, "index", doc="The number of the frame in the file, from 0.")
        self.time_s: Output[float] = Output(
            self,
            "time_s",
            doc="The number of the frame divided by the file's frame rate (25 where it has none), in seconds.",
        )
        self._cv2: Any = None
        self._capture: Any = None
        self._fps = DEFAULT_FPS
        self._nb_frames: int | None = None
        self._index = 0
        self._nb_given = 0
        self._has_ended = False

    def supports_scaling(self) -> bool:
        """Never: it keeps its place."""
        return False

    def get_nb_available_pulls(self) -> int | None:
        """What is left of `count` and of the file, as far as the file says how many frames it has."""
        if self._has_ended:
            return 0
        count = self.count.get_value()
        left = None if count is None else max(0, count - self._nb_given)
        if self._nb_frames is None or self.loop.get_value():
            return left
        left_in_file = max(0, self._nb_frames - self._index)
        return left_in_file if left is None else min(left, left_in_file)

    def _on_deploy(self) -> None:
        self._cv2 = import_cv2(self)
        self._on_reset()

    def _on_reset(self) -> None:
        self._open()
        self._nb_given = 0

    def _on_undeploy(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def _on_pull(self) -> None:
        count = self.count.pull()
        if self._has_ended or (count is not None and self._nb_given >= count):
            raise StopIteration
        has_frame, frame = self._capture.read()
        if not has_frame:
            self._note_end()
            if not self.loop.pull():
                self._has_ended = True
                raise StopIteration
            self._open()
            has_frame, frame = self._capture.read()
            if not has_frame:
                raise self._error("names a file whose frames can no longer be read")
        self.frame.set_value(frame)
        self.index.set_value(self._index)
        self.time_s.set_value(self._index / self._fps)
        self._index += 1
        self._nb_given += 1

    def _open(self) -> None:
        """Open the file, anew where it was open: seeking is not exact in every format."""
        if self._capture is not None:
            self._capture.release()
        path, cv2 = get_input_file(self.path), self._cv2
        self._capture = open_capture(cv2, str(path))
        if not self._capture.isOpened():
            raise self._error("names a file that is not a video, or one that this OpenCV cannot read")
        fps, nb_frames = self._capture.get(cv2.CAP_PROP_FPS), self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self._fps = fps if 0 < fps < float("inf") else DEFAULT_FPS
        self._nb_frames = int(nb_frames) if 0 < nb_frames < 2**53 else None
        self._has_ended = False
        start = self.start.pull()
        for index in range(start):
            if not self._capture.grab():
                raise InvalidInputException(
                    f"{describe_parameter(self.start)} is {start}, but the video has only {index} frames: {path}"
                )
        self._index = start

    def _note_end(self) -> None:
        """Judge whether the file has ended where it should."""
        if self._index == self.start.pull():
            raise self._error(f"names a video of which no frame from number {self._index} on can be read")
        if self._nb_frames is not None and self._index < self._nb_frames:
            self.logger.warning(
                "%s ends after %d of %d frames: the rest is missing or damaged",
                self.path.pull(),
                self._index,
                self._nb_frames,
            )

    def _error(self, what: str) -> InvalidInputException:
        return InvalidInputException(f"{describe_parameter(self.path)} {what}: {self.path.pull()}")


class Camera(ASingleCell):
    """Takes pictures with a camera, or from a stream that has an address. A pull waits for the next picture. A camera
    that does not have the size or rate that is asked for gives one near it. Keeps its place in the stream and cannot be
    scaled.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.device: ConfigParameter[int | str] = ConfigParameter(
            self, "device", default_value=0, doc="The number of the camera, or an address such as rtsp://host/stream."
        )
        self.width: ConfigParameter[int | None] = ConfigParameter(
            self, "width", whole_or_none, default_value=None, minimum=1, unit="px", doc="Width to ask the camera for."
        )
        self.height: ConfigParameter[int | None] = ConfigParameter(
            self, "height", whole_or_none, default_value=None, minimum=1, unit="px", doc="Height to ask the camera for."
        )
        self.fps: ConfigParameter[float | None] = ConfigParameter(
            self, "fps", default_value=None, minimum=0, unit="Hz", doc="Frame rate to ask the camera for."
        )
        self.frame: Output[Image] = Output(self, "frame", doc="The picture: uint8, height x width x 3, BGR.")
        self.time_s: Output[float] = Output(self, "time_s", doc="Seconds since the first picture.")
        self._capture: Any = None
        self._start_s: float | None = None

    def supports_scaling(self) -> bool:
        """Never: it keeps its place."""
        return False

    def _on_deploy(self) -> None:
        cv2 = import_cv2(self)
        device = self.device.pull()
        self._capture = open_capture(cv2, device)
        if not self._capture.isOpened():
            raise InvalidInputException(
                f"{describe_parameter(self.device)} is {device!r}, where no camera answers; is it plugged in, free, and "
                f"may this user read it?"
            )
        wishes = (
            (cv2.CAP_PROP_FRAME_WIDTH, self.width.pull()),
            (cv2.CAP_PROP_FRAME_HEIGHT, self.height.pull()),
            (cv2.CAP_PROP_FPS, self.fps.pull()),
        )
        for setting, wish in wishes:
            if wish is not None:
                self._capture.set(setting, wish)
        self._start_s = None

    def _on_reset(self) -> None:
        self._start_s = None

    def _on_undeploy(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def _on_pull(self) -> None:
        has_frame, frame = self._capture.read()
        now_s = time.monotonic()
        if not has_frame:
            raise RuntimeError(f"the camera {self.device.pull()!r} gives no more pictures; is it still connected?")
        if self._start_s is None:
            self._start_s = now_s
        self.frame.set_value(frame)
        self.time_s.set_value(now_s - self._start_s)


class ImageFolder(ASingleCell):
    """Reads the pictures in a folder, in the order of their names, in which numbers count as numbers: `2.png` comes
    before `10.png`. The list is made at deployment. Keeps its place in the list and cannot be scaled.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.path: ConfigParameter[InputPath] = ConfigParameter(self, "path", doc="The folder.")
        self.pattern: ConfigParameter[str] = ConfigParameter(
            self,
            "pattern",
            default_value="*.png;*.jpg",
            doc="Which files to read: names with * and ?, separated by semicolons; upper and lower case are the same.",
        )
        self.recursive: ConfigParameter[bool] = ConfigParameter(
            self, "recursive", truth, default_value=False, doc="Read the folders inside of the folder too."
        )
        self.image: Output[Image] = Output(self, "image", doc="The picture: uint8, height x width x 3, BGR.")
        self.image_path: Output[str] = Output(self, "path", doc="The file that the picture comes from.")
        self._cv2: Any = None
        self._files: list[Path] = []
        self._index = 0

    def supports_scaling(self) -> bool:
        """Never: it keeps its place."""
        return False

    def get_nb_available_pulls(self) -> int | None:
        """How many pictures are left; unknown before the deployment."""
        return len(self._files) - self._index if self._files else None

    def _on_deploy(self) -> None:
        self._cv2 = import_cv2(self)
        folder = get_input_folder(self.path)
        patterns = [pattern.strip().lower() for pattern in self.pattern.pull().split(";")]
        files = folder.rglob("*") if self.recursive.pull() else folder.iterdir()
        self._files = sorted(
            (
                file
                for file in files
                if any(fnmatchcase(file.name.lower(), pattern) for pattern in patterns) and file.is_file()
            ),
            key=lambda file: _natural_order(str(file)),
        )
        self._index = 0
        if not self._files:
            raise InvalidInputException(
                f"{describe_parameter(self.path)} names a folder without a file like {self.pattern.pull()!r}: {folder}"
            )

    def _on_reset(self) -> None:
        self._index = 0

    def _on_pull(self) -> None:
        if self._index >= len(self._files):
            raise StopIteration
        file = self._files[self._index]
        self._index += 1
        self.image.set_value(self._read(file))
        self.image_path.set_value(str(file))

    def _read(self, file: Path) -> Image:
        cv2 = self._cv2
        try:
            # Not cv2.imread, which knows no names beyond ASCII on Windows.
            content = np.frombuffer(file.read_bytes(), np.uint8)
        except OSError as error:
            raise InvalidInputException(
                f"{self.get_full_name()} cannot read the picture ({error.strerror}): {file}"
            ) from error
        with quiet(cv2):
            image: Image | None = cv2.imdecode(content, cv2.IMREAD_COLOR) if content.size else None
        if image is None:
            raise InvalidInputException(f"{self.get_full_name()}: this is not a picture that OpenCV can read: {file}")
        return image


def _natural_order(name: str) -> tuple[list[tuple[int, str]], str]:
    """A key that sorts numbers in names by their value."""
    parts = re.split(r"([0-9]+)", name)
    return [(int(part) if part.isdecimal() else 0, part) for part in parts], name


class _Object(NamedTuple):
    """A rectangle that moves to and fro. `speed` is in pixels per frame."""

    texture: npt.NDArray[np.uint8]
    start: npt.NDArray[np.float64]
    speed: npt.NDArray[np.float64]

    def position(self, index: int, room: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        """Where its upper left corner is in a frame: x and y, from 0 to `room`."""
        way = np.mod(self.start + self.speed * index, 2 * room)
        return np.rint(np.minimum(way, 2 * room - way)).astype(np.int64)


class SyntheticVideo(ASingleCell):
    """Draws coloured rectangles that move to and fro before a textured background, and says where they are: a video
    with known truth for trying detectors and trackers. Later rectangles cover earlier ones. The same seed gives the
    same video. Keeps its place in the stream and cannot be scaled.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.width: ConfigParameter[int] = ConfigParameter(
            self, "width", whole, default_value=640, minimum=32, maximum=16384, unit="px", doc="Width of the frames."
        )
        self.height: ConfigParameter[int] = ConfigParameter(
            self, "height", whole, default_value=480, minimum=32, maximum=16384, unit="px", doc="Height of the frames."
        )
        self.objects: ConfigParameter[int] = ConfigParameter(
            self, "objects", whole, default_value=5, minimum=0, maximum=1000, doc="How many rectangles move."
        )
        self.count: ConfigParameter[int | None] = ConfigParameter(
            self,
            "count",
            whole_or_none,
            default_value=None,
            minimum=0,
            unit="frames",
            doc="How many frames to give; none: no end.",
        )
        self.seed: ConfigParameter[int] = ConfigParameter(
            self, "seed", whole, default_value=0, minimum=0, doc="Decides sizes, colours, ways and texture."
        )
        self.frame: Output[Image] = Output(self, "frame", doc="The picture: uint8, height x width x 3, BGR.")
        self.boxes: Output[Boxes] = Output(
            self, "boxes", doc="Where the rectangles are, covered or not: float32, objects x 5 in pixels, score 1."
        )
        self._background: Image = np.zeros((0, 0, 3), np.uint8)
        self._objects: list[_Object] = []
        self._index = 0

    def supports_scaling(self) -> bool:
        """Never: it keeps its place."""
        return False

    def get_nb_available_pulls(self) -> int | None:
        """What is left of `count`."""
        count = self.count.get_value()
        return None if count is None else max(0, count - self._index)

    def _on_deploy(self) -> None:
        size = np.array([self.width.pull(), self.height.pull()])
        random = np.random.default_rng(self.seed.pull())
        # Coarse tiles with fine grain: something to hold on to for optical flow, on every scale.
        tiles = random.integers(50, 130, (*(size[::-1] // 16 + 1), 3))
        tiles = tiles.repeat(16, axis=0).repeat(16, axis=1)[: size[1], : size[0]]
        self._background = (tiles + random.integers(-15, 16, tiles.shape)).astype(np.uint8)
        self._objects = [self._make_object(random, size) for _ in range(self.objects.pull())]
        self._index = 0

    @staticmethod
    def _make_object(random: np.random.Generator, size: npt.NDArray[np.int64]) -> _Object:
        width, height = random.integers(size.min() // 10, size.min() // 4, 2, endpoint=True)
        colour = random.integers(40, 236, 3)
        colour[random.integers(3)] = 235  # brighter than any background
        texture = (colour + random.integers(-20, 21, (height, width, 3))).astype(np.uint8)
        start = random.uniform(0, size - (width, height))
        return _Object(texture, start, random.uniform(1, 4, 2) * random.choice((-1, 1), 2))

    def _on_reset(self) -> None:
        self._index = 0

    def _on_pull(self) -> None:
        if self.get_nb_available_pulls() == 0:
            raise StopIteration
        frame = self._background.copy()
        boxes = np.ones((len(self._objects), 5), np.float32)
        frame_height, frame_width = frame.shape[:2]
        for box, moving in zip(boxes, self._objects, strict=True):
            height, width = moving.texture.shape[:2]
            x, y = moving.position(self._index, np.array([frame_width - width, frame_height - height], np.float64))
            frame[y : y + height, x : x + width] = moving.texture
            box[:4] = x, y, width, height
        self.frame.set_value(frame)
        self.boxes.set_value(boxes)
        self._index += 1
