"""The part of a recorded run that says how it goes on, cut into blocks.

That is the longest stretch without a pause, from the first delivered item on, without the warm-up (see `noise.find_warm_up`,
on the rate of delivered items) and without the end, when the sources have nothing left and the rest runs empty. Of a run
that is too short to tell these from the rest it is all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pypipeline_engine.core.counters import Statistics
from pypipeline_engine.exceptions import RecordException
from pypipeline_engine.insight.bottleneck import Bottleneck, find_bottleneck
from pypipeline_engine.insight.noise import cut_into_blocks, find_warm_up
from pypipeline_engine.insight.records import Record, Sample
from pypipeline_engine.numbers import elapsed

QUIET = 0.1
"""Where other processes use no more than this share of the cores, a run has its machine for itself."""


@dataclass(frozen=True)
class Block:
    """A piece of a run."""

    window: Statistics
    cpu_s: float
    """Of the process."""
    memory_bytes: int | None
    """Of the process, at its end."""


@dataclass(frozen=True)
class Steady:
    """The part of a run that is compared."""

    whole: Block
    blocks: tuple[Block, ...]
    begin_s: float
    end_s: float
    """Both since the start of the run."""
    bottleneck: Bottleneck | None
    cores: int
    others: float | None
    """How many of them other processes of the machine used meanwhile; `None` where that is not known."""

    @property
    def is_quiet(self) -> bool:
        """Whether the run had the machine for itself, as far as is known."""
        return self.others is None or self.others <= QUIET * self.cores


def find_steady(record: Record, warm_up_s: float | None = None) -> Steady:
    """The steady part of a run.

    :param warm_up_s: what to leave out at the start, instead of what looks unlike the rest.
    :raises RecordException: where the record is damaged, or holds too little for that.
    """
    samples = _select(record, warm_up_s)
    first, last = samples[0], samples[-1]
    whole = _take_block(record, first, last)
    return Steady(
        whole=whole,
        blocks=tuple(_take_block(record, samples[a], samples[b]) for a, b in cut_into_blocks(len(samples))),
        begin_s=first.elapsed_s,
        end_s=last.elapsed_s,
        bottleneck=find_bottleneck(whole.window, record.sources),
        cores=record.machine.cores,
        others=_find_others(whole, first, last),
    )


def _select(record: Record, warm_up_s: float | None) -> Sequence[Sample]:
    """The samples of the steady part; all of them where there are too few to tell it from the rest."""
    if len(record.samples) < 2 or record.samples[-1].elapsed_s <= record.samples[0].elapsed_s:
        raise RecordException(f"{record.path} holds no figures: the run was over before its second sample")
    stretches: list[list[int]] = [[]]
    for number, sample in enumerate(record.samples):
        if sample.state != "running":
            stretches.append([])
        elif sample.sink_items > 0:
            stretches[-1].append(number)
    chosen = max(stretches, key=len)
    runs = record.count_source_runs()
    while len(chosen) > 1 and runs[chosen[-1]] == runs[chosen[-2]] and runs[-1] > 0:
        chosen.pop()
    samples = [record.samples[number] for number in chosen]
    if warm_up_s is not None:
        samples = [sample for sample in samples if sample.elapsed_s >= warm_up_s]
        if len(samples) < 2:
            raise RecordException(
                f"{record.path} has fewer than two samples of its steady part after {elapsed(warm_up_s)}"
            )
        return samples
    rates = [
        (now.sink_items - then.sink_items) / max(now.elapsed_s - then.elapsed_s, 1e-9)
        for then, now in pairwise(samples)
    ]
    samples = samples[find_warm_up(rates) :]
    return samples if len(samples) > 1 else record.samples


def _take_block(record: Record, first: Sample, last: Sample) -> Block:
    return Block(
        record.between(first, last),
        last.process.cpu_s - first.process.cpu_s,
        last.process.memory_bytes,
    )


def _find_others(whole: Block, first: Sample, last: Sample) -> float | None:
    """Unknown, too, where clones in other processes belong to the run."""
    began_s, ended_s = first.process.machine_busy_s, last.process.machine_busy_s
    is_alone = all(cell.method in ("inline", "thread") for cell in whole.window.cells)
    if began_s is None or ended_s is None or not is_alone:
        return None
    return max(0.0, ended_s - began_s - whole.cpu_s) / whole.window.elapsed_s
