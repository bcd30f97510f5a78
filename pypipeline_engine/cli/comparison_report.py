"""A comparison of two runs for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pypipeline_engine.cli.display import workers_text
from pypipeline_engine.insight.comparison import CellComparison, Comparison, Figure, Unit
from pypipeline_engine.insight.records import Record
from pypipeline_engine.insight.steady import Steady
from pypipeline_engine.numbers import UNKNOWN, counted, duration, elapsed, rate, share, significant, size

_VERDICTS = {"real": "real", "doubtful": "doubtful", "noise": "within noise", "unknown": "too short to tell"}
_STYLES = {"real": "bold", "doubtful": "yellow", "noise": "dim", "unknown": "dim"}


def make_report(comparison: Comparison, before: Record, after: Record) -> RenderableType:
    """What is different, most important first: machines, the rate, versions and graph, then every figure."""
    lines: list[Text] = []
    if comparison.machine:
        lines.append(
            Text("The runs were on different machines, which the figures tell as much about:", style="bold red")
        )
        lines += _indented(comparison.machine)
    lines.append(Text(_sum_up(comparison), style="bold"))
    lines.append(Text(f"a  {_explain_run(before, comparison.before)}"))
    lines.append(Text(f"b  {_explain_run(after, comparison.after)}"))
    lines += [Text(doubt, style="yellow") for doubt in _doubts(comparison)]
    if comparison.versions:
        lines += [Text("other versions"), *_indented(comparison.versions)]
    if comparison.graph:
        lines += [Text("other graph"), *_indented(change.sentence for change in comparison.graph)]
    else:
        lines.append(Text("the same graph"))
    limits = [("a", comparison.before.bottleneck), ("b", comparison.after.bottleneck)]
    lines += [Text(f"{name}  {limit.sentence}") for name, limit in limits if limit is not None]
    return Group(*lines, Text(), _table(comparison))


def _indented(texts: Iterable[str]) -> Iterator[Text]:
    return (Text(f"   {text}") for text in texts)


def _sum_up(comparison: Comparison) -> str:
    figure = comparison.pipeline[0]
    word = "faster" if (figure.difference or 0) > 0 else "slower"
    first = {
        "real": f"b is {word}",
        "doubtful": f"b was {word}, on a machine that was busy with something else",
        "noise": "a and b do not differ in speed by more than noise",
        "unknown": "one of the runs is too short to tell which is faster",
    }[figure.verdict]
    figures = [*comparison.pipeline, *(figure for cell in comparison.cells for figure in cell.figures)]
    changed = [figure.verdict for figure in figures if figure.verdict in ("real", "doubtful")]
    return (
        f"{first}: {rate(figure.before)} → {rate(figure.after)}, {_change_text(figure)} (noise {_noise_text(figure)}). "
        f"{len(changed)} of {counted(len(figures), 'figure')} changed by more than noise."
    )


def _explain_run(record: Record, part: Steady) -> str:
    ending = "did not end, or was killed" if record.end is None else record.end.words
    if record.end is not None and record.end.error is not None:
        ending += f" ({record.end.error})"
    return (
        f"{record.path}: {record.name} {ending}; compared from {elapsed(part.begin_s)} to {elapsed(part.end_s)} of "
        f"{elapsed(record.samples[-1].elapsed_s)}"
    )


def _doubts(comparison: Comparison) -> Iterator[str]:
    """What makes the figures of a run doubtful."""
    for name, part in (("a", comparison.before), ("b", comparison.after)):
        if not part.is_quiet and part.others is not None:
            yield (
                f"{name}  other processes used {significant(part.others)} of {counted(part.cores, 'core')}: what got "
                f"slower there may be their doing"
            )


def _table(comparison: Comparison) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("cell", overflow="fold")
    table.add_column("", no_wrap=True)
    for heading in ("a", "b", "change", "noise"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    _add_rows(table, "(all)", "", comparison.pipeline)
    for cell in comparison.cells:
        _add_rows(table, cell.name, _clones_text(cell), cell.figures)
    return table


def _add_rows(table: Table, name: str, clones: str, figures: Iterable[Figure]) -> None:
    rows = list(figures)
    for number, figure in enumerate(rows):
        first = Text(name if number == 0 else clones if number == 1 else "", style="dim" if number else "bold")
        table.add_row(
            first,
            *(Text(text, style=_STYLES[figure.verdict]) for text in _row(figure)),
            end_section=number == len(rows) - 1,
        )


def _row(figure: Figure) -> tuple[str, ...]:
    return (
        figure.label,
        _value_text(figure.before, figure.unit),
        _value_text(figure.after, figure.unit),
        _change_text(figure),
        _noise_text(figure),
        _VERDICTS[figure.verdict],
    )


def _clones_text(cell: CellComparison) -> str:
    before, after = workers_text(cell.before), workers_text(cell.after)
    return before if before == after else f"{before} → {after}"


def _value_text(value: float | None, unit: Unit) -> str:
    if unit == "rate":
        return rate(value)
    if unit == "bytes":
        return size(value)
    return share(value) if unit.startswith("share") else duration(value)


def _change_text(figure: Figure) -> str:
    """`+12.3 %` of the first value, and points for what is a share itself."""
    return _relative(figure, figure.difference, "+")


def _noise_text(figure: Figure) -> str:
    return _relative(figure, figure.noise, "±")


def _relative(figure: Figure, amount: float | None, sign: str) -> str:
    if amount is None:
        return UNKNOWN
    if figure.unit.startswith("share"):
        number, unit = 100 * amount, "pts"
    elif figure.before:
        number, unit = 100 * amount / figure.before, "%"
    else:
        return UNKNOWN
    digits = f"{abs(number):.1f}" if abs(number) < 99.95 else f"{abs(number):,.0f}"
    return f"{'-' if number < 0 else sign}{digits} {unit}"
