"""Cells that change one image at a time with OpenCV: size, colour, contrast.

Images are `uint8`: height x width x 3 in BGR order, or height x width (grey). The parameters bear the names that OpenCV's
functions give them. The cells of `filters`, `motion` and `drawing` belong to this category too and are found here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pypipeline_engine.cell import ASingleCell
from pypipeline_engine.cellio import Input, Output, RuntimeParameter
from pypipeline_engine.cells.checks import number, pull_image, refuse, whole, whole_or_none
from pypipeline_engine.cells.drawing import DrawBoxes, DrawText
from pypipeline_engine.cells.filters import Canny, GaussianBlur, MedianBlur, Morphology
from pypipeline_engine.cells.motion import BackgroundSubtractor, OpticalFlow
from pypipeline_engine.cells.opencv_io import import_cv2
from pypipeline_engine.exceptions import InvalidInputException

if TYPE_CHECKING:
    from pypipeline_engine.cell import ICompositeCell
    from pypipeline_engine.cells.types import Image, Mask

__all__ = [
    "BackgroundSubtractor",
    "Canny",
    "Clahe",
    "ConvertColor",
    "Crop",
    "DrawBoxes",
    "DrawText",
    "GaussianBlur",
    "MedianBlur",
    "Morphology",
    "OpticalFlow",
    "Resize",
    "Threshold",
]

_INTERPOLATIONS = {
    "nearest": "INTER_NEAREST",
    "linear": "INTER_LINEAR",
    "area": "INTER_AREA",
    "cubic": "INTER_CUBIC",
    "lanczos4": "INTER_LANCZOS4",
}
# The number of channels that each conversion starts from.
_CONVERSIONS = {
    "BGR2GRAY": 3,
    "GRAY2BGR": 1,
    "BGR2RGB": 3,
    "RGB2BGR": 3,
    "BGR2HSV": 3,
    "HSV2BGR": 3,
    "BGR2HLS": 3,
    "HLS2BGR": 3,
    "BGR2LAB": 3,
    "LAB2BGR": 3,
    "BGR2LUV": 3,
    "LUV2BGR": 3,
    "BGR2YUV": 3,
    "YUV2BGR": 3,
    "BGR2YCrCb": 3,
    "YCrCb2BGR": 3,
}
_THRESHOLDS = {
    "binary": "THRESH_BINARY",
    "binary_inv": "THRESH_BINARY_INV",
    "trunc": "THRESH_TRUNC",
    "tozero": "THRESH_TOZERO",
    "tozero_inv": "THRESH_TOZERO_INV",
}
_AUTOMATIC_THRESHOLDS = {"none": None, "otsu": "THRESH_OTSU", "triangle": "THRESH_TRIANGLE"}


class Resize(ASingleCell):
    """Changes the size of an image: to `width` x `height` where both are set; where one is, the other follows from the
    proportions of the image; where none is, by the factor `scale`. May be scaled.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.image: Input[Image] = Input(self, "image", doc="Image of any size.")
        self.width: RuntimeParameter[int | None] = RuntimeParameter(
            self,
            "width",
            whole_or_none,
            default_value=None,
            minimum=1,
            maximum=32767,
            unit="px",
            doc="Width of the result; none: from the height, or by the scale.",
        )
        self.height: RuntimeParameter[int | None] = RuntimeParameter(
            self,
            "height",
            whole_or_none,
            default_value=None,
            minimum=1,
            maximum=32767,
            unit="px",
            doc="Height of the result; none: from the width, or by the scale.",
        )
        self.scale: RuntimeParameter[float] = RuntimeParameter(
            self,
            "scale",
            number,
            default_value=1.0,
            minimum=0.01,
            maximum=100.0,
            doc="Factor for both sides; only where neither width nor height is set.",
        )
        self.interpolation: RuntimeParameter[str] = RuntimeParameter(
            self,
            "interpolation",
            default_value="linear",
            choices=tuple(_INTERPOLATIONS),
            doc="How pixels between pixels are made up: area is best for shrinking, cubic for enlarging.",
        )
        self.resized: Output[Image] = Output(self, "image", doc="The image in its new size.")

    def _on_deploy(self) -> None:
        self._cv2 = import_cv2(self)

    def _on_pull(self) -> None:
        image = pull_image(self.image)
        width, height, scale = self.width.pull(), self.height.pull(), self.scale.pull()
        flag = getattr(self._cv2, _INTERPOLATIONS[self.interpolation.pull()])
        old_height, old_width = image.shape[:2]
        if width is None and height is None:
            width, height = round(old_width * scale), round(old_height * scale)
        elif width is None:
            assert height is not None
            width = round(old_width * height / old_height)
        elif height is None:
            height = round(old_height * width / old_width)
        assert height is not None
        size = (max(1, int(width)), max(1, int(height)))
        if max(size) > 32767:
            raise InvalidInputException(
                f"{self.get_full_name()} would make an image of {size[0]} x {size[1]} px; 32767 px a side is the limit: "
                f"choose a smaller width, height or scale"
            )
        self.resized.set_value(self._cv2.resize(image, size, interpolation=flag))


class Crop(ASingleCell):
    """Cuts a rectangle out of an image; what of it lies outside the image is left away. May be scaled."""

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.image: Input[Image] = Input(self, "image", doc="Image of any size.")
        self.x: RuntimeParameter[int] = RuntimeParameter(
            self, "x", whole, default_value=0, minimum=0, maximum=32767, unit="px", doc="Left edge of the rectangle."
        )
        self.y: RuntimeParameter[int] = RuntimeParameter(
            self, "y", whole, default_value=0, minimum=0, maximum=32767, unit="px", doc="Upper edge of the rectangle."
        )
        self.width: RuntimeParameter[int | None] = RuntimeParameter(
            self,
            "width",
            whole_or_none,
            default_value=None,
            minimum=1,
            maximum=32767,
            unit="px",
            doc="Width of the rectangle; none: up to the right edge of the image.",
        )
        self.height: RuntimeParameter[int | None] = RuntimeParameter(
            self,
            "height",
            whole_or_none,
            default_value=None,
            minimum=1,
            maximum=32767,
            unit="px",
            doc="Height of the rectangle; none: down to the lower edge of the image.",
        )
        self.cropped: Output[Image] = Output(self, "image", doc="What the rectangle shows.")

    def _on_pull(self) -> None:
        image = pull_image(self.image)
        x, y, width, height = self.x.pull(), self.y.pull(), self.width.pull(), self.height.pull()
        right = None if width is None else x + width
        lower = None if height is None else y + height
        cropped = image[y:lower, x:right]
        if cropped.size == 0:
            raise InvalidInputException(
                f"{self.get_full_name()} has nothing to cut out: x {x}, y {y} lies outside of the image of "
                f"{image.shape[1]} x {image.shape[0]} px"
            )
        # A copy rather than a view: a view would keep the whole image in memory as long as the rectangle lives.
        self.cropped.set_value(cropped.copy())


class ConvertColor(ASingleCell):
    """Changes the colour space of an image with OpenCV's `cvtColor`. May be scaled."""

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.image: Input[Image] = Input(self, "image", doc="Image in the colour space that the code starts from.")
        self.code: RuntimeParameter[str] = RuntimeParameter(
            self,
            "code",
            default_value="BGR2GRAY",
            choices=tuple(_CONVERSIONS),
            doc="From which colour space to which; hues go from 0 to 179.",
        )
        self.converted: Output[Image] = Output(self, "image", doc="The image in the new colour space.")

    def _on_deploy(self) -> None:
        self._cv2 = import_cv2(self)

    def _on_pull(self) -> None:
        image = pull_image(self.image)
        code = self.code.pull()
        if (1 if image.ndim == 2 else 3) != _CONVERSIONS[code]:
            expected = "height x width x 3" if _CONVERSIONS[code] == 3 else "height x width"
            refuse(self.image, f"an image of {expected} for the conversion {code}", image)
        self.converted.set_value(self._cv2.cvtColor(image, getattr(self._cv2, f"COLOR_{code}")))


class Threshold(ASingleCell):
    """Compares each pixel with a threshold, which is fixed or found from the histogram. May be scaled."""

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.image: Input[Image | Mask] = Input(
            self, "image", doc="Image; of height x width where the threshold is found automatically."
        )
        self.thresh: RuntimeParameter[float] = RuntimeParameter(
            self,
            "thresh",
            number,
            default_value=127.0,
            minimum=0.0,
            maximum=255.0,
            doc="The threshold; without effect where it is found automatically.",
        )
        self.maxval: RuntimeParameter[float] = RuntimeParameter(
            self,
            "maxval",
            number,
            default_value=255.0,
            minimum=0.0,
            maximum=255.0,
            doc="What the types binary and binary_inv give to the pixels that they choose.",
        )
        self.type: RuntimeParameter[str] = RuntimeParameter(
            self,
            "type",
            default_value="binary",
            choices=tuple(_THRESHOLDS),
            doc="What becomes of pixels above the threshold, and of the others.",
        )
        self.automatic: RuntimeParameter[str] = RuntimeParameter(
            self,
            "automatic",
            default_value="none",
            choices=tuple(_AUTOMATIC_THRESHOLDS),
            doc="How the threshold is found from the histogram of the image.",
        )
        self.result: Output[Image | Mask] = Output(self, "image", doc="As large as the image, with as many channels.")

    def _on_deploy(self) -> None:
        self._cv2 = import_cv2(self)

    def _on_pull(self) -> None:
        image = pull_image(self.image)
        thresh, maxval = self.thresh.pull(), self.maxval.pull()
        flags = getattr(self._cv2, _THRESHOLDS[self.type.pull()])
        automatic = self.automatic.pull()
        method = _AUTOMATIC_THRESHOLDS[automatic]
        if method is not None:
            if image.ndim == 3:
                refuse(
                    self.image,
                    f"a grey image, height x width, for the automatic threshold {automatic}",
                    image,
                    "put vision.ConvertColor with BGR2GRAY before it",
                )
            flags |= getattr(self._cv2, method)
        self.result.set_value(self._cv2.threshold(image, thresh, maxval, flags)[1])


class Clahe(ASingleCell):
    """Raises the contrast of each region of an image by itself (contrast limited adaptive histogram equalisation,
    K. Zuiderveld, Graphics Gems IV, 1994). Of a colour image only the lightness changes. May be scaled.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.image: Input[Image] = Input(self, "image", doc="Image, grey or in colour.")
        self.clip_limit: RuntimeParameter[float] = RuntimeParameter(
            self,
            "clip_limit",
            number,
            default_value=2.0,
            minimum=0.0,
            maximum=255.0,
            doc="How far contrast may be raised, which limits noise; 0 is without a limit.",
        )
        self.tile_grid_size: RuntimeParameter[int] = RuntimeParameter(
            self,
            "tile_grid_size",
            whole,
            default_value=8,
            minimum=1,
            maximum=64,
            doc="Number of regions along each side of the image.",
        )
        self.result: Output[Image] = Output(self, "image", doc="The image with more contrast.")

    def _on_deploy(self) -> None:
        self._cv2 = import_cv2(self)
        # One for each cell: OpenCV's object has buffers of its own and must not be used by two threads.
        self._clahe = self._cv2.createCLAHE()

    def _on_pull(self) -> None:
        image = pull_image(self.image)
        tiles = self.tile_grid_size.pull()
        self._clahe.setClipLimit(self.clip_limit.pull())
        self._clahe.setTilesGridSize((tiles, tiles))
        if image.ndim == 2:
            self.result.set_value(self._clahe.apply(image))
            return
        lab = self._cv2.cvtColor(image, self._cv2.COLOR_BGR2LAB)
        lab[..., 0] = self._clahe.apply(np.ascontiguousarray(lab[..., 0]))
        self.result.set_value(self._cv2.cvtColor(lab, self._cv2.COLOR_LAB2BGR))
