"""Cells that find objects. Their results are boxes: `float32`, n x 5: x, y, width, height in pixels, score."""

from __future__ import annotations

import io
import math
import operator
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pypipeline_engine.cell import ASingleCell
from pypipeline_engine.cellio import ConfigParameter, Input, Output, RuntimeParameter
from pypipeline_engine.cells.boxes import suppress_non_maxima
from pypipeline_engine.cells.checks import number, number_or_none, pull_image, pull_mask, refuse, whole
from pypipeline_engine.cells.files import describe_parameter, get_input_file, get_path, open_input_file
from pypipeline_engine.cells.opencv_io import import_cv2, quiet
from pypipeline_engine.exceptions import InvalidInputException

if TYPE_CHECKING:
    from pypipeline_engine.cell import ICompositeCell
    from pypipeline_engine.cells.types import Boxes, Image, InputPath, Mask


def _to_boxes(rectangles: Any, scores: Any) -> Boxes:
    """What OpenCV returns, an empty tuple where there is nothing, as boxes."""
    left_part = np.asarray(rectangles, np.float32).reshape(-1, 4)
    return np.column_stack([left_part, np.asarray(scores, np.float32).reshape(-1)])


class ForegroundBoxes(ASingleCell):
    """Puts a box round each connected area of foreground in a mask, shadows (127) left out. The score is the share of the
    box that is foreground, from 0 to 1. May be scaled.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.mask: Input[Mask] = Input(self, "mask", doc="Mask; foreground is what is above 127.")
        self.min_area: RuntimeParameter[float] = RuntimeParameter(
            self,
            "min_area",
            number,
            default_value=500.0,
            minimum=0.0,
            maximum=1e9,
            unit="px²",
            doc="The least number of foreground pixels.",
        )
        self.max_area: RuntimeParameter[float | None] = RuntimeParameter(
            self,
            "max_area",
            number_or_none,
            default_value=None,
            minimum=0.0,
            maximum=1e9,
            unit="px²",
            doc="The largest number of foreground pixels; none: any.",
        )
        self.boxes: Output[Boxes] = Output(self, "boxes", doc="A box for each area, from top to bottom.")

    def _on_deploy(self) -> None:
        self._cv2 = import_cv2(self)

    def _on_pull(self) -> None:
        mask = pull_mask(self.mask)
        least, most = self.min_area.pull(), self.max_area.pull()
        foreground = self._cv2.threshold(mask, 127, 255, self._cv2.THRESH_BINARY)[1]
        _, _, statistics, _ = self._cv2.connectedComponentsWithStats(foreground, connectivity=8)
        components = statistics[1:]  # the first one is the background
        areas = components[:, self._cv2.CC_STAT_AREA]
        chosen = components[(areas >= least) & (areas <= (math.inf if most is None else most))]
        # The columns are left, top, width, height, area.
        self.boxes.set_value(_to_boxes(chosen[:, :4], chosen[:, 4] / (chosen[:, 2] * chosen[:, 3])))


class HogPeople(ASingleCell):
    """Finds standing people of at least 64 x 128 pixels (N. Dalal, B. Triggs, "Histograms of Oriented Gradients for Human
    Detection", CVPR 2005), with the support vector machine that OpenCV ships. Hits that lie close together become one box;
    of boxes that overlap, the best remains. The score is the distance from the hyperplane of the machine: above
    `hit_threshold`, a sure hit has 1 or more. An image smaller than the 64 x 128 window gives no boxes; smaller people are
    found in an image that `magnify` makes larger. May be scaled.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.image: Input[Image] = Input(self, "image", doc="Image, grey or in colour.")
        self.hit_threshold: RuntimeParameter[float] = RuntimeParameter(
            self,
            "hit_threshold",
            number,
            default_value=0.0,
            minimum=-10.0,
            maximum=10.0,
            doc="The least distance from the hyperplane of the support vector machine; more finds less.",
        )
        self.stride: RuntimeParameter[int] = RuntimeParameter(
            self,
            "stride",
            whole,
            default_value=8,
            minimum=1,
            maximum=64,
            unit="px",
            doc="Step of the window; a smaller one finds more and takes longer. Multiples of 8 are fastest.",
        )
        self.scale: RuntimeParameter[float] = RuntimeParameter(
            self,
            "scale",
            number,
            default_value=1.05,
            minimum=1.01,
            maximum=10.0,
            doc="By which factor the image is shrunk for each next size of people; nearer to 1 finds more, more slowly.",
        )
        self.nms: RuntimeParameter[float] = RuntimeParameter(
            self,
            "nms",
            number,
            default_value=0.65,
            minimum=0.0,
            maximum=1.0,
            doc="Non-maximum suppression: of two boxes whose IoU is above this, the one with the lower score goes.",
        )
        self.magnify: RuntimeParameter[float] = RuntimeParameter(
            self,
            "magnify",
            number,
            default_value=1.0,
            minimum=0.1,
            maximum=4.0,
            doc="Search in an image that is this many times as wide and high; the time grows with its square.",
        )
        self.boxes: Output[Boxes] = Output(self, "boxes", doc="A box for each person, best score first.")

    def _on_deploy(self) -> None:
        cv2 = self._cv2 = import_cv2(self)
        # One for each cell: OpenCV's object must not be used by two threads.
        self._hog = cv2.HOGDescriptor()
        self._hog.setSVMDetector(cv2.HOGDescriptor.getDefaultPeopleDetector())

    def _on_pull(self) -> None:
        image = pull_image(self.image)
        hit_threshold, stride = self.hit_threshold.pull(), self.stride.pull()
        scale, overlap, magnify = self.scale.pull(), self.nms.pull(), self.magnify.pull()
        if magnify != 1.0:
            size = (max(1, round(image.shape[1] * magnify)), max(1, round(image.shape[0] * magnify)))
            image = self._cv2.resize(image, size)
        width, height = self._hog.winSize
        if image.shape[0] < height or image.shape[1] < width:
            # OpenCV reads beyond the end of an image that is smaller than its window.
            self.boxes.set_value(np.empty((0, 5), np.float32))
            return
        rectangles, weights = self._hog.detectMultiScale(
            image, hitThreshold=hit_threshold, winStride=(stride, stride), scale=scale
        )
        boxes = _to_boxes(rectangles, weights)
        boxes[:, :4] /= magnify
        self.boxes.set_value(boxes[suppress_non_maxima(boxes, boxes[:, 4], overlap)])


class Cascade(ASingleCell):
    """Finds what a cascade of classifiers was trained for, such as faces (P. Viola, M. Jones, "Rapid Object Detection
    using a Boosted Cascade of Simple Features", CVPR 2001). The score is the weight that the last stage of the cascade
    gives, which compares boxes of one model only. May be scaled.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.image: Input[Image] = Input(self, "image", doc="Image, grey or in colour.")
        # Not an InputPath: where there is no such file, the name may be one that OpenCV ships.
        self.model: ConfigParameter[Path] = ConfigParameter(
            self,
            "model",
            default_value=Path("haarcascade_frontalface_default.xml"),
            doc="A file, or else the name of one that comes with OpenCV.",
        )
        self.scale: RuntimeParameter[float] = RuntimeParameter(
            self,
            "scale",
            number,
            default_value=1.1,
            minimum=1.01,
            maximum=10.0,
            doc="By which factor the image is shrunk for each next size; nearer to 1 finds more, more slowly.",
        )
        self.min_neighbours: RuntimeParameter[int] = RuntimeParameter(
            self,
            "min_neighbours",
            whole,
            default_value=3,
            minimum=0,
            maximum=100,
            doc="How many hits close together make a box; 0 gives every hit.",
        )
        self.boxes: Output[Boxes] = Output(self, "boxes", doc="A box for each object.")

    def _on_deploy(self) -> None:
        cv2 = import_cv2(self)
        path = self._find_model(Path(cv2.data.haarcascades))
        with quiet(cv2):
            try:
                # One for each cell: OpenCV's object must not be used by two threads.
                self._classifier = cv2.CascadeClassifier(str(path))
                usable = not self._classifier.empty()
            except (cv2.error, SystemError):
                usable = False
        if not usable:
            raise InvalidInputException(
                f"{describe_parameter(self.model)} must name a cascade of classifiers as OpenCV saves it, and this is not "
                f"one that it can read: {path}"
            )

    def _find_model(self, shipped: Path) -> Path:
        """The file that is meant: the one of this path, or else one of that name which comes with OpenCV."""
        path = get_path(self.model)
        if not path.exists():
            for candidate in (shipped / path.name, shipped / f"{path.name}.xml"):
                if candidate.is_file():
                    return candidate
            names = ", ".join(sorted(file.stem for file in shipped.glob("*.xml")))
            raise InvalidInputException(
                f"{describe_parameter(self.model)} names a file that does not exist: {path}; OpenCV brings {names}"
            )
        return get_input_file(self.model)

    def _on_pull(self) -> None:
        image = pull_image(self.image)
        rectangles, _, weights = self._classifier.detectMultiScale3(
            image,
            scaleFactor=self.scale.pull(),
            minNeighbors=self.min_neighbours.pull(),
            outputRejectLevels=True,
        )
        self.boxes.set_value(_to_boxes(rectangles, weights))


class MotFile(ASingleCell):
    """Gives the detections that stand in a file of the MOTChallenge (https://motchallenge.net), a det.txt, in place of a
    detector. Coordinates are taken as they stand in the file, which is read once, at deployment. May be scaled.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.index: Input[int] = Input(self, "index", doc="Number of the image, from 0: 0 is frame 1 of the file.")
        self.path: ConfigParameter[InputPath] = ConfigParameter(
            self, "path", doc="A text file with the lines frame, id, left, top, width, height, score, ..."
        )
        self.min_score: RuntimeParameter[float | None] = RuntimeParameter(
            self,
            "min_score",
            number_or_none,
            default_value=None,
            doc="The least score of a detection; none: any.",
        )
        self.boxes: Output[Boxes] = Output(self, "boxes", doc="The detections in that image, in the order of the file.")

    def _on_deploy(self) -> None:
        with io.TextIOWrapper(open_input_file(self.path), encoding="utf-8-sig") as lines:
            try:
                self._frames = read_mot_detections(lines)
            except ValueError as error:  # a wrong line, or bytes that are not text
                raise InvalidInputException(
                    f"{describe_parameter(self.path)} names a file that is not a det.txt of the MOTChallenge: "
                    f"{get_path(self.path)}: {error}"
                ) from None

    def _on_pull(self) -> None:
        index = self.index.pull()
        try:
            frame = operator.index(index) + 1
        except TypeError:
            refuse(self.index, "a whole number", index)
        if frame < 1:
            refuse(self.index, "a number of at least 0", index)
        least = self.min_score.pull()
        boxes = self._frames.get(frame)
        if boxes is None:
            boxes = np.empty((0, 5), np.float32)
        self.boxes.set_value(boxes if least is None else boxes[boxes[:, 4] >= least])


def read_mot_detections(lines: Iterable[str]) -> dict[int, Boxes]:
    """Read detections as the MOTChallenge writes them: frame (from 1), id, left, top, width, height, score, and more.

    :return: the boxes of each frame that has some; lines for one frame need not stand together.
    :raises ValueError: at the first line that is malformed, with its number. Empty lines are passed over.
    """
    frames: dict[int, list[list[float]]] = {}
    for line_number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        fields = line.split(",")
        if len(fields) < 7:
            raise ValueError(
                f"line {line_number}: expected at least 7 numbers separated by commas (frame, id, left, top, width, height, "
                f"score), not {len(fields)}: {line.strip()[:80]!r}"
            )
        try:
            values = [float(field) for field in fields[:7]]
        except ValueError as error:
            raise ValueError(f"line {line_number}: {error}") from None
        if not all(map(math.isfinite, values)):
            raise ValueError(f"line {line_number}: expected finite numbers, not {line.strip()[:80]!r}")
        if values[0] < 1 or not values[0].is_integer():
            raise ValueError(
                f"line {line_number}: expected a whole frame number of at least 1, not {fields[0].strip()!r}"
            )
        frames.setdefault(int(values[0]), []).append(values[2:])
    return {frame: np.array(rows, np.float32) for frame, rows in frames.items()}
