"""How fast the people tracking example is with 1 and 2 clones of the detector, beside a plain loop that does the same.

    python tests/benchmarks/people_tracking.py [ITEMS] [ROUNDS]

The peers take turns, so that a machine whose speed drifts is fair to all; the medians of the rates and of the ratios to the
loop of the same round are printed. OpenCV uses one thread everywhere.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import cv2
import numpy as np

from pypipeline_engine.cells.sort import SortTracker
from pypipeline_engine.graph import load_pipeline

EXAMPLES = Path(__file__).parents[2] / "resources" / "examples"


def plain_loop(nb_items: int, folder: Path) -> float:
    """Read, detect, track, write tracks, draw, write the video; the seconds that it took."""
    hog = cv2.HOGDescriptor()
    hog.setSVMDetector(cv2.HOGDescriptor_getDefaultPeopleDetector())
    video = cv2.VideoCapture(str(EXAMPLES / "pedestrians.mp4"))
    tracker = SortTracker(max_age=5)
    writer: cv2.VideoWriter | None = None
    begin = perf_counter()
    with (folder / "tracks.txt").open("w") as lines:
        for frame_number in range(1, nb_items + 1):
            _, frame = video.read()
            large = cv2.resize(frame, (round(frame.shape[1] * 1.5), round(frame.shape[0] * 1.5)))
            found, scores = hog.detectMultiScale(large, winStride=(8, 8), scale=1.1)
            kept = cv2.dnn.NMSBoxes([list(map(int, box)) for box in found], [float(s) for s in scores], 0.0, 0.65)
            boxes = np.array([[*(found[i] / 1.5), scores[i]] for i in np.ravel(kept)], np.float32).reshape(-1, 5)
            tracks = tracker.update(boxes)
            picture = frame.copy()
            for x, y, width, height, score, number in tracks:
                lines.write(
                    f"{frame_number},{int(number)},{x:.2f},{y:.2f},{width:.2f},{height:.2f},{score:.4f},-1,-1,-1\n"
                )
                corner, opposite = (int(x), int(y)), (int(x + width), int(y + height))
                cv2.rectangle(picture, corner, opposite, (0, 255, 0), 2)
                cv2.putText(picture, str(int(number)), corner, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 255, 0))
            if writer is None:
                size = (frame.shape[1], frame.shape[0])
                writer = cv2.VideoWriter(str(folder / "people.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 10, size)
            writer.write(picture)
    assert writer is not None
    writer.release()
    return perf_counter() - begin


def example(nb_clones: int) -> Callable[[int, Path], float]:
    """The example with so many clones of the detector."""

    def run(nb_items: int, folder: Path) -> float:
        pipeline = load_pipeline(EXAMPLES / "people_tracking.json", output_dir=folder)
        detect = pipeline.get_internal_cell_with_name("detect")
        detect.scale_all_down()
        detect.scale_up(nb_clones)
        begin = perf_counter()
        pipeline.run(max_items=nb_items).wait()
        return perf_counter() - begin

    return run


def main(nb_items: int = 60, nb_rounds: int = 3) -> None:
    """Measure and print."""
    cv2.setNumThreads(1)
    peers = {"plain loop": plain_loop, "1 clone": example(1), "2 clones": example(2)}
    rates: dict[str, list[float]] = {name: [] for name in peers}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(nb_rounds):
            for name, run in peers.items():
                rates[name].append(nb_items / run(nb_items, Path(folder)))
    for name, measured in rates.items():
        ratio = statistics.median(a / b for a, b in zip(measured, rates["plain loop"], strict=True))
        print(f"{name:12} {statistics.median(measured):7.2f}/s {ratio:7.2f} x the loop")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
