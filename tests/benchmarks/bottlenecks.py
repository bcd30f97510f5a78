"""Whether the engine names what limits a pipeline, and foretells what another clone brings: pipelines whose truth is known.

    python tests/benchmarks/bottlenecks.py [PIPELINES] [SEED] [SECONDS]

Each is run and explained, given one clone more where it limits, and measured again. Prints a row for each, and the totals.
A machine that others use makes it slower than its truth says.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "engine" / "insight"))

from known_pipelines import CORES, KnownPipeline, generate

from pypipeline_engine.cell import ACell, Pipeline, ScalableCell, ThreadCloneCell
from pypipeline_engine.core.counters import Statistics
from pypipeline_engine.graph import load_pipeline
from pypipeline_engine.insight.advice import Advice, Cause, advise
from pypipeline_engine.insight.gil import GilProbe
from pypipeline_engine.insight.machine import read_process
from pypipeline_engine.insight.model import Model, Prediction, Resources
from pypipeline_engine.insight.naming import without_root
from pypipeline_engine.insight.structure import get_structure
from pypipeline_engine.runtime import RunHandle
from pypipeline_engine.runtime.working import WorkingThread

WARM_S = 0.6
NEAR = 0.15


@dataclass(frozen=True)
class Found:
    """What came of one pipeline."""

    known: KnownPipeline
    advice: Advice
    measured_hz: float
    prediction: Prediction | None
    """For one clone more of the culprit; `None` where it cannot have one."""
    then_hz: float | None
    """What was measured with it."""
    notes: str = ""

    @property
    def is_right(self) -> bool:
        """Whether the culprit was named first."""
        return self.advice.bottleneck.cells[:1] == (self.known.culprit_name,)

    @property
    def deviation(self) -> float | None:
        """How far the prediction is from what came, in parts of that."""
        if self.prediction is None or not self.then_hz:
            return None
        return abs(self.prediction.hz - self.then_hz) / self.then_hz

    @property
    def knows_the_gil(self) -> bool:
        """Whether threads are advised exactly where the cell does not hold the GIL."""
        best = self.advice.best
        advises_threads = best is not None and any(change.method == "thread" for change in best.changes)
        if self.known.culprit.mode == "python":
            # A thread of its own still takes away what the others of its thread do.
            return not advises_threads or self.known.culprit.clones == 0
        return self.advice.cause is not Cause.PYTHON


def examine(known: KnownPipeline, seconds: float, folder: Path) -> Found:
    """Run a pipeline, explain it, scale it, and measure it again."""
    path = folder / "known.json"
    path.write_text(json.dumps(known.document))
    pipeline = load_pipeline(path)
    structure = get_structure(pipeline)
    with pipeline.run() as handle, GilProbe(lambda: find_threads(handle)) as probe:
        window, machine = measure(pipeline, handle, seconds, probe)
        gil = probe.get_shares(window)
        advice = advise(window, structure, machine, gil)
        assert advice is not None, "no cell ran"
        model = Model(window, machine, gil)
        change = model.make_change(known.culprit_name, "thread")
        then = None
        prediction = model.predict([change])
        find_scalable(pipeline, known.culprit_name).scale_up(1, ThreadCloneCell)
        then = measure(pipeline, handle, seconds, probe)[0].sink_rate_hz
    held = "–" if gil.held is None else f"{gil.held:.2f}"
    notes = (
        f"GIL {held} {gil.by_cell.get(known.culprit_name, -1):.2f}, CPU {machine.cpu:.2f} + {machine.others_cpu:.2f}"
    )
    return Found(known, advice, window.sink_rate_hz, prediction, then, notes)


def find_threads(handle: RunHandle) -> list[WorkingThread]:
    """The threads at work, by the names that cells have in the graph."""
    return [thread._replace(name=thread.name.removeprefix("known.")) for thread in handle.find_working_threads()]


def measure(pipeline: Pipeline, handle: RunHandle, seconds: float, probe: GilProbe) -> tuple[Statistics, Resources]:
    """What happened in so many seconds, and what was used of the machine."""
    time.sleep(WARM_S)
    probe.forget()
    before, begin = handle.statistics(), read_process()
    time.sleep(seconds)
    after, end = handle.statistics(), read_process()
    window = without_root(after.since(before), pipeline.get_name())
    cpu = (end.cpu_s - begin.cpu_s) / window.elapsed_s
    all_cpu = ((end.machine_busy_s or 0) - (begin.machine_busy_s or 0)) / window.elapsed_s
    return window, Resources(CORES, cpu, has_ray=True, others_cpu=max(0.0, all_cpu - cpu))


def find_scalable(pipeline: ACell, name: str) -> ScalableCell:
    """The scalable cell around a cell of the graph."""
    for cell in pipeline._get_cells_recursively():
        if isinstance(cell, ScalableCell) and cell.get_full_name() == f"known.{name}":
            return cell
    raise KeyError(name)


def main(nb_pipelines: int = 60, seed: int = 0, seconds: float = 2.0) -> None:
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for known in generate(nb_pipelines, seed):
            one = examine(known, seconds, Path(folder))
            found.append(one)
            deviation = f"{one.deviation:6.1%}" if one.deviation is not None else "     –"
            print(
                f"{known.name:22} k={known.culprit.clones} truth {known.rate_hz:6.1f}/s got {one.measured_hz:6.1f}/s "
                f"{'right' if one.is_right else 'WRONG: ' + ', '.join(one.advice.bottleneck.cells)} "
                f"+1: {one.prediction.hz if one.prediction else 0:6.1f} measured {one.then_hz or 0:6.1f} {deviation} "
                f"{one.advice.cause}{'' if one.knows_the_gil else ' (WRONG)'} {one.notes}",
                flush=True,
            )
    right = sum(one.is_right for one in found)
    gil = sum(one.knows_the_gil for one in found)
    deviations = [one.deviation for one in found if one.deviation is not None]
    near = sum(deviation <= NEAR for deviation in deviations)
    print(f"culprit right: {right} of {len(found)} ({right / len(found):.0%}; goal 95 %)")
    print(f"GIL told right: {gil} of {len(found)} ({gil / len(found):.0%})")
    median = statistics.median(deviations)
    print(f"prediction: median deviation {median:.1%} (goal 15 %); {near} of {len(deviations)} within 15 %")


if __name__ == "__main__":
    main(*(float(text) if "." in text else int(text) for text in sys.argv[1:]))  # type: ignore[arg-type]
