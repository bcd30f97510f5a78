"""Showing a recorded run on the canvas and in the statistics, instead of what goes on."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import Final

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from pypipeline_studio.document.live import LiveView
from pypipeline_studio.document.replay import Replay
from pypipeline_studio.document.run_record import RecordRefused, read_figures
from pypipeline_studio.panels.replay_bar import ReplayBar
from pypipeline_studio.panels.statistics import StatisticsPanel
from pypipeline_studio.session import Session
from pypipeline_studio.window.run_control import RunControl

TICK_MS: Final = 250
"""Between two moments while it plays; the display is not faster either."""


class Replaying(QObject):
    """The replay of a window: none, or one. A run that begins ends it."""

    changed = Signal()
    """Another moment is shown, or none any more."""
    told = Signal(str)
    graph_requested = Signal(Path)
    """The graph of a record is wanted."""

    def __init__(self, session: Session, run_control: RunControl, statistics: StatisticsPanel, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._run_control = run_control
        self._statistics = statistics
        self.bar = ReplayBar()
        self.replay: Replay | None = None
        """What is shown; `None` where that is what goes on."""
        self.live: LiveView | None = None
        """The moment beside the graph that is open."""
        self._path = Path()
        self._was_going_on = False
        self._ticked_s = 0.0
        self._playing = QTimer(self)
        self._playing.setInterval(TICK_MS)
        self._playing.timeout.connect(self._tick)
        self._escape = QShortcut(QKeySequence(Qt.Key.Key_Escape), window)
        self._escape.setEnabled(False)
        self._escape.activated.connect(self.stop)
        self.bar.sought.connect(self._seek)
        self.bar.stepped.connect(self._step)
        self.bar.play_pressed.connect(self.toggle_play)
        self.bar.closed.connect(self.stop)
        self.bar.graph_requested.connect(lambda: self.graph_requested.emit(self._path))
        session.document_changed.connect(self._follow_document)
        run_control.run_changed.connect(self._follow_run)

    @property
    def is_playing(self) -> bool:
        """Whether it goes on by itself."""
        return self._playing.isActive()

    def start(self, path: Path, title: str) -> None:
        """Show a recorded run from its first moment on.

        :param title: what it is called.
        """
        try:
            figures = read_figures(path)
        except RecordRefused as error:
            self.told.emit(str(error))
            return
        self._playing.stop()
        self._path = path
        self.replay = Replay(figures, title)
        self._escape.setEnabled(True)
        self.bar.show()
        self.bar.slider.setFocus()
        self._follow_document()

    def stop(self) -> None:
        """Show again what goes on."""
        if self.replay is None:
            return
        self._playing.stop()
        self._escape.setEnabled(False)
        self.replay = self.live = None
        self.bar.hide()
        self._statistics.show_replay(None)
        self.changed.emit()

    def toggle_play(self) -> None:
        """Play, from the start where the end is shown, or pause."""
        replay = self.replay
        if replay is None:
            return
        if self._playing.isActive():
            self._playing.stop()
        else:
            if replay.is_at_end:
                replay.seek(replay.begin_s)
            self._ticked_s = monotonic()
            self._playing.start()
        self._show()

    def _tick(self) -> None:
        now_s = monotonic()
        passed_s, self._ticked_s = now_s - self._ticked_s, now_s
        if self.replay is not None:
            self.replay.advance(passed_s * self.bar.speed)
            if self.replay.is_at_end:
                self._playing.stop()
            self._show()

    def _seek(self, part: float) -> None:
        if self.replay is not None:
            self.replay.seek(self.replay.begin_s + part * (self.replay.end_s - self.replay.begin_s))
            self._show()

    def _step(self, number: int) -> None:
        if self.replay is not None:
            self._playing.stop()
            self.replay.step(number)
            self._show()

    def _follow_document(self) -> None:
        if self.replay is not None:
            about, is_same = self.replay.describe_graph(self._session.document)
            self.bar.show_run(self.replay.title, about, is_same)
            self.live = LiveView(self._session.document)
            self._show()

    def _follow_run(self) -> None:
        is_going_on = self._run_control.is_going_on
        if is_going_on and not self._was_going_on:
            self.stop()
        self._was_going_on = is_going_on

    def _show(self) -> None:
        replay = self.replay
        assert replay is not None
        assert self.live is not None
        self.live.update(replay.frame)
        self.bar.show_moment(replay.elapsed_s, replay.begin_s, replay.end_s, self.is_playing)
        types = {".".join(names): cell.type for names, cell in self._session.document.walk()}
        self._statistics.show_replay(replay.frame, replay.history, types)
        self.changed.emit()
