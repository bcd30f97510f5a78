"""SORT, simple online and real-time tracking, without anything of a pipeline.

Source: A. Bewley, Z. Ge, L. Ott, F. Ramos, B. Upcroft, "Simple Online and Realtime Tracking", ICIP 2016, arXiv:1602.00763.
The figures for the noise of the filter are those that the authors published with the paper.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pypipeline_engine.cells.boxes import areas, match

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The state of a track is [u, v, s, r, u', v', s']: the centre, the area ("scale"), the aspect ratio width / height, and
# the change of the first three per frame. The aspect ratio has no velocity: the paper takes it as constant.
_STATE, _MEASURED = 7, 4

_TRANSITION = np.eye(_STATE)
_TRANSITION[[0, 1, 2], [4, 5, 6]] = 1.0

# A new track knows where it is but not how fast it moves.
_INITIAL_COVARIANCE = np.diag([10.0, 10.0, 10.0, 10.0, 1e4, 1e4, 1e4])
_PROCESS_NOISE = np.diag([1.0, 1.0, 1.0, 1.0, 1e-2, 1e-2, 1e-4])
_MEASUREMENT_NOISE = np.diag([1.0, 1.0, 10.0, 10.0])


def _to_measurements(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    width, height = boxes[:, 2], boxes[:, 3]
    return np.stack([boxes[:, 0] + width / 2, boxes[:, 1] + height / 2, width * height, width / height], axis=1)


def _to_boxes(states: NDArray[np.float64]) -> NDArray[np.float64]:
    # Area and aspect ratio stay positive: see _predict, and a correction lands between two positive values.
    width = np.sqrt(states[:, 2] * states[:, 3])
    height = states[:, 2] / width
    return np.stack([states[:, 0] - width / 2, states[:, 1] - height / 2, width, height], axis=1)


class SortTracker:
    """Gives boxes of successive frames the numbers of the objects that they show.

    Each track has a Kalman filter of constant velocity. In each frame, detections are assigned to the predicted boxes so
    that the sum of IoU is largest. All filters are advanced together, as arrays with one row for each track.

    One thread at a time may use a tracker. `max_age`, `min_hits` and `iou` may be changed between two frames.
    """

    def __init__(self, max_age: int = 1, min_hits: int = 3, iou: float = 0.3) -> None:
        """A tracker that has seen nothing.

        :param max_age: in frames; a track that was missed in more frames than these in a row ends.
        :param min_hits: how many frames in a row, after the one in which it began, a track has to be detected before it is
            reported. It has no effect in the first `min_hits` frames of the stream.
        :param iou: the least IoU, from 0 to 1, of a detection with the predicted box of its track.
        """
        self.max_age = max_age
        self.min_hits = min_hits
        self.iou = iou
        self.reset()

    def reset(self) -> None:
        """Forget every track; the next one is number 1 again."""
        self._nb_frames = 0
        self._next_number = 1
        self._states = np.empty((0, _STATE))
        self._covariances = np.empty((0, _STATE, _STATE))
        self._scores = np.empty(0)
        self._numbers = np.empty(0, np.int64)
        self._hit_streaks = np.empty(0, np.int64)
        self._missed = np.empty(0, np.int64)

    def update(self, boxes: NDArray[np.floating]) -> NDArray[np.float32]:
        """Go on by one frame; to be called for every frame, also where nothing was detected.

        :param boxes: n x 5: x, y, width, height in pixels, score. Boxes without area are ignored.
        :return: the tracks that were detected in this frame and have been for long enough, float32, m x 6: x, y, width,
            height as the filter estimates them, the score of the detection, and the number of the track, in the order of
            the numbers. Numbers start at 1 and are not used again.
        :raises ValueError: if `boxes` is not n x 5, or holds NaN or infinity; the tracker stays as it was.
        """
        detections = np.asarray(boxes, np.float64)
        if detections.ndim != 2 or detections.shape[1] != 5:
            raise ValueError(f"expected boxes of shape n x 5, not {'x'.join(map(str, detections.shape))}")
        if not np.isfinite(detections).all():
            raise ValueError("expected finite numbers in the boxes, not NaN or infinity")
        detections = detections[areas(detections) > 0]

        self._nb_frames += 1
        self._predict()
        matched, detected = match(_to_boxes(self._states), detections, self.iou)
        self._correct(matched, _to_measurements(detections[detected]))
        self._scores[matched] = detections[detected, 4]
        self._missed[matched] = 0
        self._hit_streaks[matched] += 1
        self._begin(np.delete(detections, detected, axis=0))
        self._keep(self._missed <= self.max_age)

        reported = (self._missed == 0) & ((self._hit_streaks >= self.min_hits) | (self._nb_frames <= self.min_hits))
        return np.column_stack(
            [_to_boxes(self._states[reported]), self._scores[reported], self._numbers[reported]]
        ).astype(np.float32)

    def _predict(self) -> None:
        """Move every track on by one frame, taking it as missed until a detection says otherwise."""
        vanishing = self._states[:, 2] + self._states[:, 6] <= 0
        self._states[vanishing, 6] = 0.0  # an area stays positive
        self._states = self._states @ _TRANSITION.T
        self._covariances = _TRANSITION @ self._covariances @ _TRANSITION.T + _PROCESS_NOISE
        self._hit_streaks[self._missed > 0] = 0
        self._missed += 1

    def _correct(self, tracks: NDArray[np.intp], measurements: NDArray[np.float64]) -> None:
        """The Kalman update of these tracks. The measurement is the first four elements of the state."""
        states, covariances = self._states[tracks], self._covariances[tracks]
        innovation = measurements - states[:, :_MEASURED]
        innovation_covariance = covariances[:, :_MEASURED, :_MEASURED] + _MEASUREMENT_NOISE
        gain = covariances[:, :, :_MEASURED] @ np.linalg.inv(innovation_covariance)
        remaining = np.tile(np.eye(_STATE), (len(tracks), 1, 1))
        remaining[:, :, :_MEASURED] -= gain
        self._states[tracks] = states + (gain @ innovation[..., None])[..., 0]
        # Joseph's form: stays symmetric and positive whatever the rounding.
        self._covariances[tracks] = remaining @ covariances @ remaining.transpose(
            0, 2, 1
        ) + gain @ _MEASUREMENT_NOISE @ gain.transpose(0, 2, 1)

    def _begin(self, detections: NDArray[np.float64]) -> None:
        """Start a track for each detection."""
        number = len(detections)
        states = np.zeros((number, _STATE))
        states[:, :_MEASURED] = _to_measurements(detections)
        self._states = np.concatenate([self._states, states])
        self._covariances = np.concatenate([self._covariances, np.tile(_INITIAL_COVARIANCE, (number, 1, 1))])
        self._scores = np.concatenate([self._scores, detections[:, 4]])
        self._numbers = np.concatenate([self._numbers, self._next_number + np.arange(number)])
        self._hit_streaks = np.concatenate([self._hit_streaks, np.zeros(number, np.int64)])
        self._missed = np.concatenate([self._missed, np.zeros(number, np.int64)])
        self._next_number += number

    def _keep(self, chosen: NDArray[np.bool_]) -> None:
        """End every track but the chosen ones."""
        self._states = self._states[chosen]
        self._covariances = self._covariances[chosen]
        self._scores = self._scores[chosen]
        self._numbers = self._numbers[chosen]
        self._hit_streaks = self._hit_streaks[chosen]
        self._missed = self._missed[chosen]
