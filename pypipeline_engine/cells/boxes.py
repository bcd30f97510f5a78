"""Geometry of boxes: overlap, non-maximum suppression, and the assignment of boxes to each other.

A box is a row that begins with x, y, width and height in pixels, (x, y) being its upper left corner. Every function is pure
and may be called from any thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.floating]
    IndexArray = NDArray[np.intp]


def to_corners(boxes: FloatArray) -> FloatArray:
    """Boxes as x, y of the upper left and x, y of the lower right corner: n x 4, of the dtype that came."""
    corners: FloatArray = boxes[:, :4].copy()
    corners[:, 2:] += corners[:, :2]
    return corners


def areas(boxes: FloatArray) -> FloatArray:
    """The area of each box in square pixels; zero where width or height is not positive."""
    area: FloatArray = np.maximum(boxes[:, 2], 0) * np.maximum(boxes[:, 3], 0)
    return area


def iou_matrix(boxes: FloatArray, others: FloatArray) -> NDArray[np.float64]:
    """Intersection over union of each of n boxes with each of m others: n x m, from 0 to 1.

    A box without area has no overlap with anything, itself included. Columns beyond the fourth are ignored.
    """
    # In double precision: the union of two large boxes is a difference of large numbers.
    mine, theirs = np.asarray(boxes, np.float64), np.asarray(others, np.float64)
    a, b = to_corners(mine)[:, None], to_corners(theirs)[None]
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    intersection = np.prod(np.maximum(sides, 0), axis=-1)
    union = areas(mine)[:, None] + areas(theirs)[None] - intersection
    overlap: NDArray[np.float64] = np.divide(intersection, union, out=np.zeros_like(union), where=union > 0)
    return overlap


def suppress_non_maxima(boxes: FloatArray, scores: FloatArray, overlap: float) -> IndexArray:
    """The indices of the boxes that remain, best score first, when each box that overlaps a better one is taken away.

    :param scores: any finite numbers, negative ones too; more is better.
    :param overlap: the IoU, from 0 to 1, above which the lesser of two boxes goes.
    """
    import cv2

    if len(boxes) == 0:
        return np.empty(0, np.intp)
    # OpenCV refuses a negative score threshold and drops the scores under it, but only the order of scores matters.
    positive = np.asarray(scores, np.float64) - np.min(scores) + 1.0
    kept = cv2.dnn.NMSBoxes(np.asarray(boxes, np.float64)[:, :4].tolist(), positive.tolist(), 0.0, overlap)
    return np.asarray(kept, np.intp).reshape(-1)


def match(boxes: FloatArray, others: FloatArray, least_iou: float) -> tuple[IndexArray, IndexArray]:
    """Pairs of one box and one other with the largest possible sum of IoU, without the pairs below `least_iou`.

    :return: the indices of the boxes and those of the others, pair by pair, in the order of the boxes. Boxes that do not
        touch are never a pair.
    """
    from scipy.optimize import linear_sum_assignment

    overlap = iou_matrix(boxes, others)
    rows, columns = linear_sum_assignment(overlap, maximize=True)
    pair = overlap[rows, columns]
    good = (pair >= least_iou) & (pair > 0)
    return rows[good], columns[good]
