"""What joins the advice of the engine with the open graph: taking it is an edit, and what it brought is measured.

The edit reaches the run as every other one does, through the document; so undo takes back both.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from pypipeline_engine.graph.model import Document
from pypipeline_engine.host.protocol import BottleneckInfo
from pypipeline_studio.document import edits
from pypipeline_studio.document.advice import (
    advised_capacity,
    advised_clones,
    clones_of,
    describe_scaling,
    text_of,
    title_of,
    with_capacity,
    with_clones,
)
from pypipeline_studio.document.changes import changes_between
from pypipeline_studio.document.trial import Trial
from pypipeline_studio.panels.problems import ProblemRow
from pypipeline_studio.session import Session
from pypipeline_studio.window.run_control import RunControl

LIMIT, TRIAL = "limit", "trial"
"""Of the rows: that of a limit is `limit:CELL`."""


class Advising(QObject):
    """Advice about the graph in front, as rows of the list of problems. For the thread of the window only."""

    changed = Signal()
    """Something that no snapshot brings: the document has changed, or an advice was taken or refused."""

    def __init__(self, session: Session, run_control: RunControl, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._run_control = run_control
        self._step = ""
        self._tried: Document | None = None
        self._trial: Trial | None = None
        self._tried_in = session.front
        run_control.live_changed.connect(self._follow_run)
        run_control.scale_refused.connect(self._take_refusal)
        session.document_changed.connect(self._follow_document)

    # ------------------------------------------------------------------ what is told

    @property
    def trial(self) -> Trial | None:
        """What the latest advice that was taken has brought, where that was for the graph in front."""
        return self._trial if self._tried_in is self._session.front else None

    @trial.setter
    def trial(self, trial: Trial | None) -> None:
        self._trial, self._tried_in = trial, self._session.front

    @property
    def limit(self) -> BottleneckInfo | None:
        """What limits the current or the latest run; `None` where nothing does."""
        snapshot = self._run_control.snapshot
        found = snapshot.bottleneck if snapshot is not None else None
        return found if found is not None and (found.cells or found.queue_capacity is not None) else None

    @property
    def action_text(self) -> str:
        """What `apply` would do now; empty where it would do nothing."""
        limit, trial = self.limit, self.trial
        if limit is None or (trial is not None and not trial.is_over) or self._run_control.is_lost:
            # While a change takes effect, an advice may still be that from before; and what is lost follows none.
            return ""
        document = self._session.document
        clones = advised_clones(document, limit)
        if clones:
            return describe_scaling(clones)
        queue = self._find_queue(limit)
        return f"Set its queue to {queue[1]}" if queue is not None else ""

    def _find_queue(self, limit: BottleneckInfo) -> tuple[edits.Path, int] | None:
        snapshot = self._run_control.snapshot
        return None if snapshot is None else advised_capacity(self._session.document, limit, snapshot.cells)

    def rows(self) -> list[ProblemRow]:
        """What was tried, and what limits the run."""
        return self._trial_rows() + self._limit_rows()

    def _trial_rows(self) -> list[ProblemRow]:
        if self.trial is None:
            return []
        outcome = self.trial.tell()
        icon, colour = {
            True: ("check-circle-fill", "ok"),
            False: ("warning-fill", "warn"),
            None: ("hourglass", "text2"),
        }[outcome.is_good]
        return [ProblemRow(TRIAL, icon, colour, outcome.title, outcome.text, "Undo")]

    def _limit_rows(self) -> list[ProblemRow]:
        limit = self.limit
        if limit is None:
            return []
        cell, action = (limit.cells[0] if limit.cells else ""), self.action_text
        text = text_of(limit)
        if limit.queue_capacity is not None:
            text += " The length of a queue is part of how a pipeline is started: it counts from the next run on."
        return [
            ProblemRow(
                f"{LIMIT}:{cell}",
                "flame-fill",
                "neck_line",
                title_of(limit),
                text,
                action or ("Show" if cell else ""),
                bool(action) and not self._has_failed(limit),
            )
        ]

    def _has_failed(self, limit: BottleneckInfo) -> bool:
        """Whether the same cells were scaled just now, and it was not worth it: more of it is offered, not urged."""
        trial = self.trial
        if trial is None or trial.tell().is_good is not False:
            return False
        return {tuple(change.cell.split(".")) for change in limit.changes} == set(trial.after)

    # ------------------------------------------------------------------ what a person does

    def apply(self) -> None:
        """Do what is advised: one step to undo, which a run that goes on follows."""
        limit, snapshot, document = self.limit, self._run_control.snapshot, self._session.document
        text = self.action_text
        if limit is None or snapshot is None or not text:
            return
        clones = advised_clones(document, limit)
        if not clones:
            queue = self._find_queue(limit)
            assert queue is not None
            self._edit(f"{text}: {'.'.join(queue[0])}", lambda document: with_capacity(document, *queue))
            return
        self.trial = None
        if self._run_control.is_going_on:
            self.trial = Trial(clones_of(document, clones), clones, snapshot.sink_rate_hz, limit.predicted_hz)
        self._step = text
        self._tried = None
        self._edit(text, lambda document: with_clones(document, clones))
        self._tried = self._session.document

    def undo(self) -> None:
        """Take the latest advice back: the step itself where it is the last one, else by another one."""
        trial, stack = self.trial, self._session.undo_stack
        if trial is None:
            return
        if stack.canUndo() and stack.undoText() == self._step:
            stack.undo()
        else:
            self._edit(f"Take back: {self._step}", lambda document: with_clones(document, trial.before))

    def _edit(self, text: str, make: Callable[[Document], Document]) -> None:
        try:
            document = make(self._session.document)
        except edits.GraphEditRefused as error:
            self.trial = None
            self._run_control.refused.emit(str(error))
            self.changed.emit()
            return
        self._session.edit(text, document)

    # ------------------------------------------------------------------ what happens

    def _follow_run(self) -> None:
        snapshot = self._run_control.snapshot
        if self.trial is None:
            return  # also while another graph is in front than the one that it is about
        if snapshot is None:
            self.trial = None
        else:
            self.trial.take(snapshot, self._run_control.is_scaling)

    def _follow_document(self) -> None:
        trial = self.trial
        if trial is not None and clones_of(self._session.document, trial.after) != trial.after:
            self.trial = None  # undone, or scaled otherwise meanwhile
        elif trial is not None and self._tried is not None:
            changes = changes_between(self._tried, self._session.document, self._session.types)
            if changes.parameters or changes.scales:
                trial.disturb()
        self.changed.emit()

    def _take_refusal(self, cell: str, message: str) -> None:
        trial = self.trial
        if trial is not None and tuple(cell.split(".")) in trial.after:
            trial.refuse(message)
            self.changed.emit()
