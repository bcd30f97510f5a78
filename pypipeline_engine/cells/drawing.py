"""Cells that draw into images. Their type names are `vision.DrawBoxes` and so on."""

from __future__ import annotations

import colorsys
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from pypipeline_engine.cell import ASingleCell
from pypipeline_engine.cellio import Input, Output, RuntimeParameter
from pypipeline_engine.cells.checks import number, pull_boxes_or_tracks, pull_image, truth, whole
from pypipeline_engine.cells.opencv_io import import_cv2
from pypipeline_engine.exceptions import InvalidInputException

if TYPE_CHECKING:
    from pypipeline_engine.cell import ICompositeCell
    from pypipeline_engine.cells.types import Boxes, Image, Mask, Tracks

_BOX_COLOUR = (0, 200, 0)
_GOLDEN_RATIO = 0.618034
# OpenCV clips what it draws, in arithmetic that overflows far outside of the image.
_FARTHEST_PX = 32767


def track_colour(track_number: int) -> tuple[int, int, int]:
    """The colour of a track as blue, green, red. Numbers that follow each other get hues far apart."""
    red, green, blue = colorsys.hsv_to_rgb(track_number * _GOLDEN_RATIO % 1.0, 0.85, 0.95)
    return round(blue * 255), round(green * 255), round(red * 255)


def _canvas(cv2: Any, image: Image) -> Image:
    """A copy of the image with three channels, to draw into."""
    canvas: Image = image.copy() if image.ndim == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    return canvas


class DrawBoxes(ASingleCell):
    """Draws boxes or tracks into a copy of the image: boxes in green with their score, each track in a colour of its own
    with its number. May be scaled.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.image: Input[Image | Mask] = Input(self, "image", doc="Image, grey or in colour.")
        self.boxes: Input[Boxes | Tracks] = Input(self, "boxes", doc="Boxes (n x 5) or tracks (n x 6).")
        self.thickness: RuntimeParameter[int] = RuntimeParameter(
            self, "thickness", whole, default_value=2, minimum=1, maximum=50, unit="px", doc="Thickness of the lines."
        )
        self.labels: RuntimeParameter[bool] = RuntimeParameter(
            self, "labels", truth, default_value=True, doc="Whether score or track number is written at each box."
        )
        self.drawn: Output[Image] = Output(self, "image", doc="A new image, height x width x 3.")

    def _on_deploy(self) -> None:
        self._cv2 = import_cv2(self)

    def _on_pull(self) -> None:
        canvas = _canvas(self._cv2, pull_image(self.image))
        boxes = pull_boxes_or_tracks(self.boxes)
        thickness, labels = self.thickness.pull(), self.labels.pull()
        are_tracks = boxes.shape[1] == 6
        corners = np.column_stack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:4]])
        for row, box in zip(boxes, np.clip(corners, -_FARTHEST_PX, _FARTHEST_PX), strict=True):
            left, top, right, bottom = (round(float(edge)) for edge in box)
            colour = track_colour(int(row[5])) if are_tracks else _BOX_COLOUR
            self._cv2.rectangle(canvas, (left, top), (right, bottom), colour, thickness)
            if labels:
                self._draw_label(canvas, str(int(row[5])) if are_tracks else f"{row[4]:.2f}", left, top, colour)
        self.drawn.set_value(canvas)

    def _draw_label(self, canvas: Image, text: str, left: int, top: int, colour: tuple[int, int, int]) -> None:
        """Write on a ground of the box's colour, above the box, or inside where the image ends above it."""
        font, scale, margin = self._cv2.FONT_HERSHEY_SIMPLEX, 0.5, 3
        (width, height), _ = self._cv2.getTextSize(text, font, scale, 1)
        bottom = top if top >= height + 2 * margin else top + height + 2 * margin
        corner = (left + width + 2 * margin, bottom - height - 2 * margin)
        self._cv2.rectangle(canvas, (left, bottom), corner, colour, -1)
        origin = (left + margin, bottom - margin)
        # Black on light grounds and white on dark ones, by the weights of Rec. 601.
        luma = 0.114 * colour[0] + 0.587 * colour[1] + 0.299 * colour[2]
        ink = (0, 0, 0) if luma > 127 else (255, 255, 255)
        self._cv2.putText(canvas, text, origin, font, scale, ink, 1, self._cv2.LINE_AA)


class DrawText(ASingleCell):
    """Writes text into a copy of the image, one line for each line of the text. OpenCV's font knows ASCII; other characters
    become question marks. May be scaled.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.image: Input[Image | Mask] = Input(self, "image", doc="Image, grey or in colour.")
        self.text: RuntimeParameter[Any] = RuntimeParameter(
            self, "text", default_value="", doc="What is written; connect it to write a value of the stream."
        )
        self.x: RuntimeParameter[int] = RuntimeParameter(
            self,
            "x",
            whole,
            default_value=10,
            minimum=-32767,
            maximum=32767,
            unit="px",
            doc="Left end of the first line.",
        )
        self.y: RuntimeParameter[int] = RuntimeParameter(
            self, "y", whole, default_value=30, minimum=-32767, maximum=32767, unit="px", doc="Base of the first line."
        )
        self.font_scale: RuntimeParameter[float] = RuntimeParameter(
            self,
            "font_scale",
            number,
            default_value=1.0,
            minimum=0.1,
            maximum=50.0,
            doc="Size of the letters; at 1 a capital is about 21 px high.",
        )
        self.thickness: RuntimeParameter[int] = RuntimeParameter(
            self, "thickness", whole, default_value=2, minimum=1, maximum=50, unit="px", doc="Thickness of the strokes."
        )
        self.color: RuntimeParameter[str] = RuntimeParameter(
            self, "color", _is_colour, default_value="#ffffff", doc="Colour of the letters as #rrggbb."
        )
        self.drawn: Output[Image] = Output(self, "image", doc="A new image, height x width x 3.")

    def _on_deploy(self) -> None:
        self._cv2 = import_cv2(self)

    def _on_pull(self) -> None:
        canvas = _canvas(self._cv2, pull_image(self.image))
        text = str(self.text.pull())
        x, y = self.x.pull(), self.y.pull()
        scale, thickness, color = self.font_scale.pull(), self.thickness.pull(), self.color.pull()
        blue_green_red = tuple(bytes.fromhex(color[1:]))[::-1]
        font = self._cv2.FONT_HERSHEY_SIMPLEX
        (_, height), below = self._cv2.getTextSize("X", font, scale, thickness)
        for row, line in enumerate(text.splitlines()):
            origin = (x, y + row * (height + 2 * below))
            self._cv2.putText(canvas, line, origin, font, scale, blue_green_red, thickness, self._cv2.LINE_AA)
        self.drawn.set_value(canvas)


def _is_colour(value: object) -> bool:
    """Accepts a colour such as `#ff8000`."""
    if not isinstance(value, str) or not re.fullmatch("#[0-9a-fA-F]{6}", value):
        raise InvalidInputException("expected a colour as #rrggbb, such as #ff8000")
    return True
