"""Cells that find what moves in a stream of images. Their type names are `vision.BackgroundSubtractor` and so on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pypipeline_engine.cell import ASingleCell
from pypipeline_engine.cellio import Input, Output, RuntimeParameter
from pypipeline_engine.cells.checks import number, pull_image, pull_image_or_none, refuse, truth, whole
from pypipeline_engine.cells.opencv_io import import_cv2

if TYPE_CHECKING:
    from pypipeline_engine.cell import ICompositeCell
    from pypipeline_engine.cells.types import Flow, Image, Mask


class BackgroundSubtractor(ASingleCell):
    """Tells what moves before a camera that stands still, by a mixture of Gaussians for each pixel (Z. Zivkovic, "Improved
    Adaptive Gaussian Mixture Model for Background Subtraction", ICPR 2004; OpenCV's MOG2). It learns from every image in
    turn and cannot be scaled; a reset, or an image of another size, makes it start anew.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.image: Input[Image] = Input(self, "image", doc="The next image of the camera, grey or in colour.")
        self.history: RuntimeParameter[int] = RuntimeParameter(
            self,
            "history",
            whole,
            default_value=500,
            minimum=1,
            maximum=100000,
            unit="images",
            doc="How many images the background is learnt from; fewer adapt faster.",
        )
        self.threshold: RuntimeParameter[float] = RuntimeParameter(
            self,
            "threshold",
            number,
            default_value=16.0,
            minimum=0.0,
            maximum=1000.0,
            doc="Squared Mahalanobis distance from the background at which a pixel is foreground; more finds less.",
        )
        self.shadows: RuntimeParameter[bool] = RuntimeParameter(
            self,
            "shadows",
            truth,
            default_value=True,
            doc="Whether shadows are told apart, as 127, instead of being foreground.",
        )
        self.mask: Output[Mask] = Output(self, "mask", doc="255 where something moves, 127 in its shadow, 0 elsewhere.")

    def supports_scaling(self) -> bool:
        """Never: it learns from every image in turn."""
        return False

    def _on_deploy(self) -> None:
        self._cv2 = import_cv2(self)
        self._on_reset()

    def _on_reset(self) -> None:
        self._subtractor: Any = self._cv2.createBackgroundSubtractorMOG2()

    def _on_pull(self) -> None:
        image = pull_image(self.image)
        self._subtractor.setHistory(self.history.pull())
        self._subtractor.setVarThreshold(self.threshold.pull())
        self._subtractor.setDetectShadows(self.shadows.pull())
        self.mask.set_value(self._subtractor.apply(image))


class OpticalFlow(ASingleCell):
    """Tells for each pixel of the previous image how far it has moved in this one (G. Farneback, "Two-Frame Motion
    Estimation Based on Polynomial Expansion", SCIA 2003). A `flow.Delay` provides the previous image. May be scaled.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.image: Input[Image] = Input(self, "image", doc="This image, grey or in colour.")
        self.previous: Input[Image | None] = Input(
            self, "previous", doc="The image before, of the same size; none where there is none, for a flow of zero."
        )
        self.scale: RuntimeParameter[float] = RuntimeParameter(
            self,
            "scale",
            number,
            default_value=1.0,
            minimum=0.05,
            maximum=1.0,
            doc="By which factor images are shrunk before: less is faster and coarser. The flow keeps size and unit.",
        )
        self.pyr_scale: RuntimeParameter[float] = RuntimeParameter(
            self,
            "pyr_scale",
            number,
            default_value=0.5,
            minimum=0.1,
            maximum=0.95,
            doc="Size of each level of the pyramid relative to the one below.",
        )
        self.levels: RuntimeParameter[int] = RuntimeParameter(
            self,
            "levels",
            whole,
            default_value=3,
            minimum=1,
            maximum=20,
            doc="Levels of the pyramid: more follow faster movements.",
        )
        self.winsize: RuntimeParameter[int] = RuntimeParameter(
            self,
            "winsize",
            whole,
            default_value=15,
            minimum=2,
            maximum=255,
            unit="px",
            doc="Side of the window that is averaged over: larger is steadier and more blurred.",
        )
        self.iterations: RuntimeParameter[int] = RuntimeParameter(
            self, "iterations", whole, default_value=3, minimum=1, maximum=100, doc="Iterations at each level."
        )
        self.poly_n: RuntimeParameter[int] = RuntimeParameter(
            self,
            "poly_n",
            whole,
            default_value=5,
            minimum=3,
            maximum=15,
            unit="px",
            doc="Size of the neighbourhood that a polynomial is fitted to, usually 5 or 7.",
        )
        self.poly_sigma: RuntimeParameter[float] = RuntimeParameter(
            self,
            "poly_sigma",
            number,
            default_value=1.2,
            minimum=0.1,
            maximum=10.0,
            unit="px",
            doc="Standard deviation of the weights for that fit: 1.1 suits a poly_n of 5, 1.5 one of 7.",
        )
        self.gaussian: RuntimeParameter[bool] = RuntimeParameter(
            self,
            "gaussian",
            truth,
            default_value=False,
            doc="Whether the window is a Gaussian instead of a box: more accurate and slower.",
        )
        self.flow: Output[Flow] = Output(self, "flow", doc="Movement to the right and down, in pixels of the image.")

    def _on_deploy(self) -> None:
        self._cv2 = import_cv2(self)

    def _on_pull(self) -> None:
        image, previous = pull_image(self.image), pull_image_or_none(self.previous)
        scale = self.scale.pull()
        parameters = {
            "pyr_scale": self.pyr_scale.pull(),
            "levels": self.levels.pull(),
            "winsize": self.winsize.pull(),
            "iterations": self.iterations.pull(),
            "poly_n": self.poly_n.pull(),
            "poly_sigma": self.poly_sigma.pull(),
            "flags": self._cv2.OPTFLOW_FARNEBACK_GAUSSIAN if self.gaussian.pull() else 0,
        }
        height, width = image.shape[:2]
        if previous is None:
            self.flow.set_value(np.zeros((height, width, 2), np.float32))
            return
        if previous.shape[:2] != (height, width):
            refuse(self.previous, f"an image as large as the other one, {height} x {width}", previous)
        before, now = self._prepare(previous, scale), self._prepare(image, scale)
        flow = self._cv2.calcOpticalFlowFarneback(before, now, None, **parameters)
        small_height, small_width = now.shape
        if (small_height, small_width) != (height, width):
            flow = self._cv2.resize(flow, (width, height), interpolation=self._cv2.INTER_LINEAR)
            # The sides are rounded to whole pixels, so that each has a factor of its own.
            flow *= np.array([width / small_width, height / small_height], np.float32)
        self.flow.set_value(flow)

    def _prepare(self, image: Image, scale: float) -> Image:
        """The image in grey and shrunk."""
        height, width = image.shape[:2]
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        grey = image if image.ndim == 2 else self._cv2.cvtColor(image, self._cv2.COLOR_BGR2GRAY)
        if size != (width, height):
            grey = self._cv2.resize(grey, size, interpolation=self._cv2.INTER_AREA)
        return grey
