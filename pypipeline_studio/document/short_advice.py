"""The advice of the engine in so few words that they fit into a box at a node."""

from __future__ import annotations

from collections.abc import Mapping

from pypipeline_engine.host.protocol import BottleneckInfo
from pypipeline_engine.numbers import counted, rate
from pypipeline_studio.document.advice import Clones, text_of
from pypipeline_studio.document.edits import Path
from pypipeline_studio.document.trial import Trial

_NO_RESULT = {
    "changing": "The change takes effect …",
    "settling": "Measuring, when the rate has settled …",
    "unmeasured": "The run ended before the rate had settled.",
    "disturbed": "Something else was changed before the rate had settled.",
}
"""What is told of a trial without a measured rate, by its phase."""


def short_title(limit: BottleneckInfo) -> str:
    """Such as `detect limits the pipeline`."""
    *front, last = limit.cells or ("Nothing",)
    if not front:
        return f"{last} limits the pipeline"
    return f"{', '.join(front)} and {last} limit the pipeline"


def short_text(limit: BottleneckInfo, has_action: bool) -> str:
    """Why, and where nothing is offered that would help, why not.

    :param has_action: whether a button beside it says what to do.
    """
    load = limit.paragraph.partition(". ")[0].partition(": ")[2].rstrip(".")
    head, has_advice, advice = limit.sentence.partition(": ")
    if len(limit.cells) != 1 or not load or not has_advice:
        return text_of(limit)
    cause = head.partition("limits the pipeline")[2]  # begins with a comma
    text = f"{load[:1].upper()}{load[1:]}{cause}."
    return text if has_action else f"{text} {advice[:1].upper()}{advice[1:]}"


def short_clones(clones: Mapping[Path, Clones]) -> str:
    """The name of a bar: `4 threads`, `2 Ray`; what is predicted where several cells are scaled."""
    if len(clones) != 1:
        return "Predicted"
    ((thread, ray),) = clones.values()
    if thread and ray:
        return f"{thread} + {ray} Ray"
    return f"{ray} Ray" if ray else counted(thread, "thread")


def use_text(clones: Mapping[Path, Clones]) -> str:
    """The text of the button: `Use 4 threads`, `Use 2 Ray clones`; empty where several cells are scaled."""
    if len(clones) != 1:
        return ""
    ((thread, ray),) = clones.values()
    parts = [counted(thread, "thread")] if thread or not ray else []
    parts += [counted(ray, "Ray clone")] if ray else []
    return f"Use {' and '.join(parts)}"


def trial_text(trial: Trial, limit: BottleneckInfo | None) -> str:
    """What an advice that was taken has brought, and what limits the run now.

    :param limit: what limits it now, as far as that is known.
    """
    if trial.phase == "refused":
        return trial.tell().text
    if trial.measured_hz is None:
        return _NO_RESULT[trial.phase]
    gain = trial.measured_hz / trial.before_hz - 1 if trial.before_hz > 0 else 0.0
    if trial.tell().is_good is False:
        text = (
            f"The pipeline is {-100 * gain:.0f} % slower."
            if gain < -0.05
            else "It has brought nothing that can be told."
        )
    else:
        text = f"The pipeline is {100 * gain:,.0f} % faster." if trial.before_hz > 0 else ""
    if limit is None or not limit.cells:
        return text
    names = limit.cells
    is_same = any(names[0] == ".".join(path) or names[0].startswith(f"{'.'.join(path)}.") for path in trial.after)
    at = f", at {rate(limit.capacity_hz)}" if limit.capacity_hz is not None else ""
    return f"{text} {names[0]} is {'still the' if is_same else 'the next'} limit{at}.".strip()
