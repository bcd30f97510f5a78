"""Cells that follow objects. Their results are tracks: `float32`, n x 6: x, y, width, height in pixels, score, number.

Numbers stand in `float32` like the rest, which tells them apart up to 16,777,216.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pypipeline_engine.cell import ASingleCell
from pypipeline_engine.cellio import Input, Output, RuntimeParameter
from pypipeline_engine.cells.boxes import areas, match
from pypipeline_engine.cells.checks import number, pull_boxes, pull_flow, pull_tracks_or_none, refuse, whole
from pypipeline_engine.cells.sort import SortTracker

if TYPE_CHECKING:
    from pypipeline_engine.cell import ICompositeCell
    from pypipeline_engine.cells.types import Boxes, Flow, Tracks


class Sort(ASingleCell):
    """Follows boxes from image to image by SORT (A. Bewley et al., "Simple Online and Realtime Tracking", ICIP 2016): a
    Kalman filter of constant velocity for each track, and the assignment with the largest sum of IoU. Gives the tracks that
    were detected in this image. It remembers and cannot be scaled; a reset makes it start anew with number 1.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.boxes: Input[Boxes] = Input(
            self, "boxes", doc="Detections in the next image; those without area are ignored."
        )
        self.max_age: RuntimeParameter[int] = RuntimeParameter(
            self,
            "max_age",
            whole,
            default_value=1,
            minimum=0,
            maximum=10000,
            unit="images",
            doc="In how many images in a row a track may be missed and still go on.",
        )
        self.min_hits: RuntimeParameter[int] = RuntimeParameter(
            self,
            "min_hits",
            whole,
            default_value=3,
            minimum=0,
            maximum=10000,
            unit="images",
            doc="In how many images in a row after its first a track has to be detected before it is given out.",
        )
        self.iou: RuntimeParameter[float] = RuntimeParameter(
            self,
            "iou",
            number,
            default_value=0.3,
            minimum=0.0,
            maximum=1.0,
            doc="The least IoU of a detection with the box that its track predicts.",
        )
        self.tracks: Output[Tracks] = Output(
            self,
            "tracks",
            doc="Filtered box, score of the detection and number of each track, in the order of numbers.",
        )

    def supports_scaling(self) -> bool:
        """Never: a track goes from one image to the next."""
        return False

    def _on_deploy(self) -> None:
        import scipy.optimize  # noqa: F401  # the first import takes a while, which is not to fall on the first item

        self._tracker = SortTracker()

    def _on_reset(self) -> None:
        self._tracker.reset()

    def _on_pull(self) -> None:
        boxes = pull_boxes(self.boxes)
        self._tracker.max_age = self.max_age.pull()
        self._tracker.min_hits = self.min_hits.pull()
        self._tracker.iou = self.iou.pull()
        self.tracks.set_value(self._tracker.update(boxes))


class FlowTracker(ASingleCell):
    """Follows boxes by optical flow: moves the last tracks by the mean flow inside each of them, and assigns the boxes to
    them with the largest sum of IoU. A box without a track starts one. A track without a box goes on with the flow, under
    its last score, for `max_age` images. Connect the output `tracks` to `previous`. It remembers the ages of the tracks and
    cannot be scaled; a reset makes it start anew with number 1.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.boxes: Input[Boxes] = Input(self, "boxes", doc="Detections in this image; those without area are ignored.")
        self.flow: Input[Flow] = Input(self, "flow", doc="Flow from the previous image to this one.")
        self.previous: Input[Tracks | None] = Input(
            self, "previous", doc="The tracks in the previous image; none or an empty list at the start."
        )
        self.iou: RuntimeParameter[float] = RuntimeParameter(
            self,
            "iou",
            number,
            default_value=0.3,
            minimum=0.0,
            maximum=1.0,
            doc="The least IoU of a box with the track that it is assigned to.",
        )
        self.max_age: RuntimeParameter[int] = RuntimeParameter(
            self,
            "max_age",
            whole,
            default_value=5,
            minimum=0,
            maximum=10000,
            unit="images",
            doc="In how many images in a row a track may be missed and still go on.",
        )
        self.tracks: Output[Tracks] = Output(
            self,
            "tracks",
            initial_value=np.empty((0, 6), np.float32),
            doc="The tracks in this image, in the order of their numbers.",
        )

    def supports_scaling(self) -> bool:
        """Never: a track goes from one image to the next."""
        return False

    def _on_deploy(self) -> None:
        self._on_reset()

    def _on_reset(self) -> None:
        self._next_number = 1
        self._missed: dict[int, int] = {}
        """In how many images in a row each track was missed, by its number."""

    def _on_pull(self) -> None:
        boxes, flow, previous = pull_boxes(self.boxes), pull_flow(self.flow), pull_tracks_or_none(self.previous)
        least_iou, max_age = self.iou.pull(), self.max_age.pull()
        boxes = boxes[areas(boxes) > 0]

        tracks = move_by_flow(previous, flow)
        if not np.isfinite(tracks).all():
            refuse(self.flow, "optical flow of finite numbers", flow, "it holds NaN or infinity")
        numbers = [int(value) for value in tracks[:, 5]]
        matched, detected = match(tracks, boxes, least_iou)
        tracks[matched, :5] = boxes[detected]
        missed = {track: self._missed.get(track, 0) + 1 for track in numbers}
        missed.update((numbers[row], 0) for row in matched)
        alive = np.array([missed[track] <= max_age for track in numbers], bool)

        new = np.delete(boxes, detected, axis=0)
        # Tracks from elsewhere may stand in the initial value: their numbers are taken, too.
        first = max([self._next_number, *(track + 1 for track in numbers)])
        new_numbers = np.arange(first, first + len(new))
        result = np.concatenate([tracks[alive], np.column_stack([new, new_numbers])]).astype(np.float32)

        self._next_number = first + len(new)
        self._missed = {track: missed[track] for track, lives in zip(numbers, alive, strict=True) if lives}
        self.tracks.set_value(result[np.argsort(result[:, 5], kind="stable")])


def move_by_flow(tracks: Tracks, flow: Flow) -> Tracks:
    """The tracks, each moved by the mean flow of the pixels inside its box; what lies outside of the image stays.

    :param tracks: n x 6, or any rows that begin with x, y, width, height in pixels; they are not changed.
    :param flow: height x width x 2, in pixels, as large as the image.
    """
    moved = tracks.copy()
    height, width = flow.shape[:2]
    for row in moved:
        left, right = np.clip([np.floor(row[0]), np.ceil(row[0] + row[2])], 0, width).astype(int)
        top, bottom = np.clip([np.floor(row[1]), np.ceil(row[1] + row[3])], 0, height).astype(int)
        inside = flow[top:bottom, left:right]
        if inside.size:
            row[:2] += inside.mean(axis=(0, 1), dtype=np.float64)
    return moved
