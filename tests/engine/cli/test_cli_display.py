"""What the displays show, on invented statistics; the live one on a real pseudo-terminal."""

import os
import pty
import re
import sys

import pytest
from cli_support import read_until, without_escapes

from pypipeline_engine.cli.display import Moment, SlidingWindow, queue_text, workers_text
from pypipeline_engine.cli.live import LiveDisplay
from pypipeline_engine.cli.plain import PlainDisplay
from pypipeline_engine.cli.summary import print_summary
from pypipeline_engine.core.counters import CellStatistics, DeadLetter, Statistics, bucket_of
from pypipeline_engine.insight import Advice, advise
from pypipeline_engine.insight.model import Resources
from pypipeline_engine.insight.structure import CellRole


def explain(window: Statistics) -> Advice | None:
    return advise(window, {"video": CellRole(is_source=True)}, Resources(cores=4))


def make_cell(name: str, seconds: float, busy: float, workers: int = 1, method: str = "inline") -> CellStatistics:
    runs = int(seconds * 8)
    return CellStatistics(
        name=name,
        station=name if method != "inline" else "main",
        method=method,
        workers=workers,
        runs=runs,
        lost=1,
        skipped=0,
        errors=1 if name == "detect" else 0,
        wall_s=seconds * workers,
        busy_s=busy * seconds * workers,
        starved_s=0.01 * seconds * workers,
        cpu_s=0.0,
        queued=7 if workers > 1 else None,
        queue_capacity=8 if workers > 1 else None,
        latencies={bucket_of(0.232): runs},
    )


def make_statistics(seconds: float, nb_cells: int = 0) -> Statistics:
    return Statistics(
        elapsed_s=seconds,
        sink_items=int(seconds * 8),
        cells=(
            make_cell("video", seconds, 0.002),
            make_cell("detect", seconds, 0.98, 2, "thread"),
            *(make_cell(f"cell {number}", seconds, 0.01 * (number % 10)) for number in range(nb_cells)),
        ),
        dead_letters=(
            DeadLetter("detect", 7, "ValueError: no\nluck", ""),
            DeadLetter("detect", 9, "ValueError: no\nluck", ""),
        ),
    )


def make_moment(seconds: float, nb_items: int | None = 795, nb_cells: int = 0) -> Moment:
    return Moment("people", "running", make_statistics(seconds, nb_cells), nb_items)


def test_a_fast_pipeline_is_shown_over_a_second() -> None:
    window = SlidingWindow()
    shown = [window.add(Statistics(0.25 * tick, 250 * tick, ())) for tick in range(1, 20)]
    assert shown[0].elapsed_s == pytest.approx(0.25)
    assert [round(one.elapsed_s, 2) for one in shown[8:]] == [1.0] * 11
    assert shown[-1].sink_rate_hz == pytest.approx(1000)


def test_a_slow_pipeline_is_shown_over_ten_items_and_ten_seconds_at_most() -> None:
    window = SlidingWindow()
    shown = [window.add(Statistics(0.25 * tick, tick // 2, ())) for tick in range(1, 100)]
    assert shown[-1].sink_items == 10
    window = SlidingWindow()
    shown = [window.add(Statistics(0.25 * tick, 0, ())) for tick in range(1, 100)]
    assert shown[-1].elapsed_s == pytest.approx(10)


@pytest.mark.parametrize(
    ("method", "workers", "text"),
    [("inline", 1, "inline"), ("thread", 1, "1 thread"), ("ray", 2, "2 processes"), ("mixed", 3, "3 clones")],
)
def test_how_a_cell_runs(method: str, workers: int, text: str) -> None:
    assert workers_text(make_cell("x", 1.0, 0.5, workers, method)) == text


def test_queue() -> None:
    assert queue_text(make_cell("x", 1.0, 0.5, 2, "thread")) == "7/8"
    assert queue_text(make_cell("x", 1.0, 0.5)) == "–"


def test_a_plain_line_tells_of_the_time_since_the_last_one(capsys: pytest.CaptureFixture[str]) -> None:
    display = PlainDisplay(explain)
    display.show(make_moment(5.0))
    display.show(make_moment(10.0, nb_items=None))
    display.close()
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "people running  5.0 s  40 of 795 items  8.00/s  1 error  limit: detect, busy 98 %",
        "people running  10.0 s  80 items  8.00/s  1 error  limit: detect, busy 98 %",
    ]


def test_the_summary_is_not_folded_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    moment = make_moment(100.0)
    print_summary(moment, "ended", explain(moment.statistics))
    out, err = capsys.readouterr()
    lines = [line.rstrip() for line in err.splitlines()]
    assert out == ""
    assert lines[0] == "people ended: 800 items in 1 min 40 s, 8.00/s"
    assert lines[3].split() == ["▶", "detect", "2", "threads", "799", "0", "1", "7.99/s", "98", "%", *["236", "ms"] * 2]
    assert lines[4].startswith("detect limits the pipeline to 8.16/s: its 2 threads are busy 98 % of the time. An item")
    assert lines[4].endswith(" It cannot have more clones, so only less work for an item would help.")
    assert lines[5] == "detect skipped 2 items, the last one number 9: ValueError: no luck"
    assert "\x1b" not in err


class Screen:
    """A pseudo-terminal of a given size in the place of the standard streams."""

    END = "<end>"

    def __init__(self, monkeypatch: pytest.MonkeyPatch, columns: int, lines: int) -> None:
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("LINES", str(lines))
        monkeypatch.setenv("TERM", "xterm-256color")
        self.master, self.slave = pty.openpty()
        self.stream = os.fdopen(os.dup(self.slave), "w", encoding="utf-8")
        monkeypatch.setattr(sys, "stderr", self.stream)
        monkeypatch.setattr(sys, "stdout", self.stream)

    def read(self) -> str:
        """What was written so far."""
        os.write(self.slave, self.END.encode())
        return read_until(self.master, self.END).removesuffix(self.END)

    def read_text(self) -> str:
        """The same without colours and movements of the cursor."""
        return without_escapes(self.read())

    def close(self) -> None:
        self.stream.close()
        os.close(self.slave)
        os.close(self.master)


@pytest.fixture
def make_screen(monkeypatch: pytest.MonkeyPatch):
    screens: list[Screen] = []

    def make(columns: int = 120, lines: int = 40) -> Screen:
        screens.append(Screen(monkeypatch, columns, lines))
        return screens[-1]

    yield make
    for screen in screens:
        screen.close()


def test_the_live_table_shows_each_cell_and_the_limit(make_screen) -> None:
    screen = make_screen()
    display = LiveDisplay(explain)
    display.show(make_moment(10.0))
    text = screen.read_text()
    display.close()
    assert re.search(r"people\s+running\s+10\.0 s\s+8\.00/s", text)
    assert re.search(r"▶\s+detect\s+2 threads\s+7\.90/s\s+█{16}\s+98 %\s+7/8\s+236 ms\s+1", text)
    assert re.search(r"video\s+inline\s+7\.90/s\s+/{16}\s+<1 %\s+–\s+236 ms\s+0", text)
    assert "detect limits the pipeline, waiting for something outside: it cannot have more clones" in text
    assert re.search(r"80 of 795 items\s+10 %\s+1 min 29 s left", text)


def test_what_others_print_stands_above_the_table(make_screen) -> None:
    screen = make_screen()
    display = LiveDisplay(explain)
    display.show(make_moment(10.0))
    screen.read()
    os.write(screen.stream.fileno(), b"[h264 @ 0x1] error while decoding\n")
    display.close()
    text = screen.read_text()
    lines = [line.strip() for line in text.splitlines()]
    assert "[h264 @ 0x1] error while decoding" in lines


def test_a_table_larger_than_the_terminal_shows_the_busiest_cells(make_screen) -> None:
    screen = make_screen(lines=12)
    display = LiveDisplay(explain)
    display.show(make_moment(10.0, nb_cells=50))
    text = screen.read_text()
    display.close()
    assert "detect" in text
    assert "less busy ones" in text
    assert "10 % " in text, "the progress at the bottom must be visible"
    assert len(text.splitlines()) <= 12


@pytest.mark.parametrize("columns", [20, 40, 60, 80])
def test_the_table_is_never_wider_than_the_terminal(make_screen, columns: int) -> None:
    screen = make_screen(columns=columns)
    display = LiveDisplay(explain)
    display.show(make_moment(10.0, nb_cells=3))
    text = screen.read_text()
    display.close()
    assert max(map(len, text.splitlines())) <= columns
    assert "detect" in text


def test_the_cursor_is_given_back(make_screen) -> None:
    screen = make_screen()
    display = LiveDisplay(explain)
    display.show(make_moment(1.0))
    display.close()
    display.close()
    assert screen.read().rfind("\x1b[?25h") > 0
    assert not screen.stream.closed
