"""Cells that calculate each pixel from its surroundings. Their type names are `vision.GaussianBlur` and so on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypipeline_engine.cell import ASingleCell
from pypipeline_engine.cellio import Input, Output, RuntimeParameter
from pypipeline_engine.cells.checks import number, odd, pull_image, truth, whole
from pypipeline_engine.cells.opencv_io import import_cv2
from pypipeline_engine.exceptions import InvalidInputException

if TYPE_CHECKING:
    from pypipeline_engine.cell import ICompositeCell
    from pypipeline_engine.cells.types import Image, Mask

_OPERATIONS = {
    "erode": "MORPH_ERODE",
    "dilate": "MORPH_DILATE",
    "open": "MORPH_OPEN",
    "close": "MORPH_CLOSE",
    "gradient": "MORPH_GRADIENT",
    "tophat": "MORPH_TOPHAT",
    "blackhat": "MORPH_BLACKHAT",
}
_SHAPES = {"rect": "MORPH_RECT", "ellipse": "MORPH_ELLIPSE", "cross": "MORPH_CROSS"}


def _odd_or_zero(value: object) -> bool:
    """Accepts 0 or an odd whole number."""
    return (whole(value) and value == 0) or odd(value)


class GaussianBlur(ASingleCell):
    """Smooths an image with a Gaussian kernel. May be scaled."""

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.image: Input[Image] = Input(self, "image", doc="Image, grey or in colour.")
        self.ksize: RuntimeParameter[int] = RuntimeParameter(
            self,
            "ksize",
            _odd_or_zero,
            default_value=5,
            minimum=0,
            maximum=255,
            unit="px",
            doc="Side of the kernel: odd, or 0 to derive it from the sigmas.",
        )
        self.sigma_x: RuntimeParameter[float] = RuntimeParameter(
            self,
            "sigma_x",
            number,
            default_value=0.0,
            minimum=0.0,
            maximum=100.0,
            unit="px",
            doc="Standard deviation from left to right; 0 derives it from the kernel size.",
        )
        self.sigma_y: RuntimeParameter[float] = RuntimeParameter(
            self,
            "sigma_y",
            number,
            default_value=0.0,
            minimum=0.0,
            maximum=100.0,
            unit="px",
            doc="Standard deviation from top to bottom; 0 takes sigma_x.",
        )
        self.blurred: Output[Image] = Output(self, "image", doc="The smoothed image.")

    def _on_deploy(self) -> None:
        self._cv2 = import_cv2(self)

    def _on_pull(self) -> None:
        image = pull_image(self.image)
        side, sigma_x, sigma_y = self.ksize.pull(), self.sigma_x.pull(), self.sigma_y.pull()
        if side == 0 and sigma_x == 0:
            raise InvalidInputException(
                f"{self.get_full_name()} cannot derive ksize and sigma_x from each other while both are 0: set one of them"
            )
        self.blurred.set_value(self._cv2.GaussianBlur(image, (side, side), sigma_x, sigmaY=sigma_y))


class MedianBlur(ASingleCell):
    """Replaces each pixel by the median of its surroundings, which takes specks away and leaves edges. May be scaled."""

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.image: Input[Image | Mask] = Input(self, "image", doc="Image, grey or in colour, or a mask.")
        self.ksize: RuntimeParameter[int] = RuntimeParameter(
            self,
            "ksize",
            odd,
            default_value=5,
            minimum=1,
            maximum=255,
            unit="px",
            doc="Side of the square that the median is taken of: odd.",
        )
        self.blurred: Output[Image | Mask] = Output(self, "image", doc="The smoothed image.")

    def _on_deploy(self) -> None:
        self._cv2 = import_cv2(self)

    def _on_pull(self) -> None:
        image = pull_image(self.image)
        self.blurred.set_value(self._cv2.medianBlur(image, self.ksize.pull()))


class Morphology(ASingleCell):
    """Shrinks and grows the bright parts of an image or mask: `open` removes specks, `close` fills holes. May be scaled."""

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.image: Input[Image | Mask] = Input(self, "image", doc="Image, grey or in colour, or a mask.")
        self.operation: RuntimeParameter[str] = RuntimeParameter(
            self, "operation", default_value="open", choices=tuple(_OPERATIONS), doc="What is done."
        )
        self.ksize: RuntimeParameter[int] = RuntimeParameter(
            self,
            "ksize",
            whole,
            default_value=3,
            minimum=1,
            maximum=255,
            unit="px",
            doc="Side of the structuring element.",
        )
        self.shape: RuntimeParameter[str] = RuntimeParameter(
            self, "shape", default_value="rect", choices=tuple(_SHAPES), doc="Shape of the structuring element."
        )
        self.iterations: RuntimeParameter[int] = RuntimeParameter(
            self,
            "iterations",
            whole,
            default_value=1,
            minimum=1,
            maximum=100,
            doc="How often erosion and dilation are applied.",
        )
        self.result: Output[Image | Mask] = Output(self, "image", doc="As large as the image.")

    def _on_deploy(self) -> None:
        self._cv2 = import_cv2(self)

    def _on_pull(self) -> None:
        image = pull_image(self.image)
        operation = getattr(self._cv2, _OPERATIONS[self.operation.pull()])
        side = self.ksize.pull()
        shape = getattr(self._cv2, _SHAPES[self.shape.pull()])
        iterations = self.iterations.pull()
        element = self._cv2.getStructuringElement(shape, (side, side))
        self.result.set_value(self._cv2.morphologyEx(image, operation, element, iterations=iterations))


class Canny(ASingleCell):
    """Finds edges (J. Canny, "A Computational Approach to Edge Detection", 1986). May be scaled."""

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.image: Input[Image] = Input(self, "image", doc="Image, grey or in colour.")
        self.threshold1: RuntimeParameter[float] = RuntimeParameter(
            self,
            "threshold1",
            number,
            default_value=100.0,
            minimum=0.0,
            maximum=10000.0,
            doc="Gradient from which a pixel continues an edge.",
        )
        self.threshold2: RuntimeParameter[float] = RuntimeParameter(
            self,
            "threshold2",
            number,
            default_value=200.0,
            minimum=0.0,
            maximum=10000.0,
            doc="Gradient from which a pixel begins an edge.",
        )
        self.aperture_size: RuntimeParameter[int] = RuntimeParameter(
            self,
            "aperture_size",
            default_value=3,
            choices=(3, 5, 7),
            unit="px",
            doc="Side of the Sobel kernel that gives the gradient.",
        )
        self.l2_gradient: RuntimeParameter[bool] = RuntimeParameter(
            self,
            "l2_gradient",
            truth,
            default_value=False,
            doc="Whether the gradient is the root of the sum of squares instead of the sum of magnitudes.",
        )
        self.edges: Output[Image | Mask] = Output(self, "image", doc="Height x width: 255 on edges, 0 elsewhere.")

    def _on_deploy(self) -> None:
        self._cv2 = import_cv2(self)

    def _on_pull(self) -> None:
        edges = self._cv2.Canny(
            pull_image(self.image),
            self.threshold1.pull(),
            self.threshold2.pull(),
            apertureSize=self.aperture_size.pull(),
            L2gradient=self.l2_gradient.pull(),
        )
        self.edges.set_value(edges)
