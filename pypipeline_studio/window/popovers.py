"""The box at a node: what the badge means, and what can be done about it, with what that has brought.

A click on a badge opens it until it is closed; while the mouse rests on a badge, it is there until the mouse leaves both.
One is open at a time. It follows its node, and leaves where nodes are shown so small that badges are only marks.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from PySide6.QtCore import QEvent, QObject, QPointF, QRect, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, Qt

from pypipeline_engine.host.protocol import CellError
from pypipeline_engine.numbers import count, counted
from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.canvas.node_item import BADGE_ABOVE, FULL_SCALE, StudioNodeItem
from pypipeline_studio.document.advice import advised_clones
from pypipeline_studio.document.moments import moment_text
from pypipeline_studio.document.short_advice import short_clones, short_text, short_title, trial_text, use_text
from pypipeline_studio.document.trial import Trial
from pypipeline_studio.panels.popover import Popover, PopoverContent
from pypipeline_studio.panels.rate_bars import RateBar, gain_text
from pypipeline_studio.session import Session
from pypipeline_studio.window.actions import Actions
from pypipeline_studio.window.advising import LIMIT, Advising
from pypipeline_studio.window.error_words import error_title
from pypipeline_studio.window.run_control import RunControl

Kind: TypeAlias = Literal["limit", "trial", "error"]

LEAVE_MS: Final = 300
"""How long the mouse may be between the badge and the box, which was opened by hovering, before it closes."""
_DETAILS_TIP: Final = "Show it in the list of problems, with all figures"


class Popovers(QObject):
    """Keeps at most one box open on a canvas. For the thread of the window only."""

    details_requested = Signal()
    """The list of problems is to be shown."""
    traceback_requested = Signal(object)
    """A `CellError`."""
    source_requested = Signal(str, int)
    """A file and a line in it."""
    told = Signal(str)

    def __init__(
        self,
        session: Session,
        canvas: Canvas,
        run_control: RunControl,
        advising: Advising,
        commands: Actions,
        parent: QObject,
    ) -> None:
        """Listen to the canvas. `advising` has looked at a snapshot before this does."""
        super().__init__(parent)
        self._session = session
        self._canvas = canvas
        self._run_control = run_control
        self._advising = advising
        self._cell = ""
        self._kind: Kind = "limit"
        self._is_pinned = False
        viewport = canvas.viewer.viewport()
        self.box = Popover(viewport)
        self._placing = QTimer(self)
        self._placing.setSingleShot(True)
        self._placing.setInterval(0)
        self._placing.timeout.connect(self._place)
        self._leaving = QTimer(self)
        self._leaving.setSingleShot(True)
        self._leaving.setInterval(LEAVE_MS)
        self._leaving.timeout.connect(self.close)
        self.box.acted.connect(self._act)
        self.box.acted_second.connect(self._act_second)
        self.box.left.connect(self.close)
        self.box.hovered.connect(self._on_box_hovered)
        viewport.installEventFilter(self)
        canvas.viewer.installEventFilter(self)
        canvas.explain_badge = self._explain_badge
        canvas.path_changed.connect(self.close)
        session.graph_replaced.connect(self.close)
        commands.on("show_limit", self.open_limit)
        for changed in (
            run_control.live_changed,
            run_control.errors_changed,
            session.problems_changed,
            session.document_changed,
            advising.changed,
        ):
            changed.connect(self._refresh)

    @property
    def cell(self) -> str:
        """The full name of the cell at which a box is open; empty where none is."""
        return self._cell

    # ------------------------------------------------------------------ open and close

    def open(self, cell: str, badge: str, *, is_pinned: bool = True) -> bool:
        """Open the box of a badge; whether there is one.

        :param cell: its full name.
        :param badge: `limit` or `error`.
        :param is_pinned: whether it stays when the mouse leaves. One that stays is not replaced by one that does not.
        """
        if not is_pinned and self._cell and self._is_pinned:
            return False
        kind: Kind = "error" if badge == "error" else "limit"
        if kind == "limit" and self._has_open_trial(cell):
            kind = "trial"
        if self._item_of(cell) is None or self._canvas.viewer.get_scale() < FULL_SCALE:
            return False
        content = self._content(cell, kind)
        if content is None:
            return False
        self._cell, self._kind = cell, kind
        self._is_pinned = is_pinned
        self._leaving.stop()
        self.box.show_content(content)
        self._place()
        return True

    def _explain_badge(self, cell: str, badge: str) -> bool:
        return cell == self._cell or self.open(cell, badge, is_pinned=False)

    def open_limit(self) -> None:
        """Go to the cell that limits the run, and open its box with the keyboard in it."""
        limit = self._advising.limit
        if limit is None or not limit.cells:
            self.told.emit("Nothing is known to limit a run of this graph")
            return
        *path, name = limit.cells[0].split(".")
        self._canvas.open_path(tuple(path))
        if self._canvas.viewer.get_scale() < FULL_SCALE:
            self._canvas.viewer.zoom_by(1 / self._canvas.viewer.get_scale())
        self._canvas.reveal(name)
        if self.open(limit.cells[0], "limit"):
            button = self.box.action_button if self.box.content and self.box.content.action else self.box.second_button
            button.setFocus(Qt.FocusReason.OtherFocusReason)

    def close(self) -> None:
        """Close the box, if one is open."""
        if not self._cell:
            return
        had_focus = self.box.isAncestorOf(self.box.window().focusWidget()) or self.box.hasFocus()
        self._cell = ""
        self._leaving.stop()
        self._placing.stop()
        self.box.hide()
        if had_focus:
            self._canvas.setFocus()

    def _refresh(self) -> None:
        """Say what is known now; what there was to be told may be over."""
        if not self._cell:
            return
        if self._kind == "trial" and self._advising.trial is None:
            self._kind = "limit"
        content = self._content(self._cell, self._kind) if self._item_of(self._cell) is not None else None
        if content is None:
            self.close()
            return
        if content != self.box.content:
            self.box.show_content(content)
            self._place()

    # ------------------------------------------------------------------ where it is

    def _item_of(self, cell: str) -> StudioNodeItem | None:
        *path, name = cell.split(".")
        return self._canvas.node_item(name) if tuple(path) == self._canvas.path else None

    def _place(self) -> None:
        item = self._item_of(self._cell) if self._cell else None
        viewer = self._canvas.viewer
        if item is None or viewer.get_scale() < FULL_SCALE:
            self.close()
            return
        left, top, right, bottom = item.box()
        corners = QPointF(left, top - BADGE_ABOVE), QPointF(right, bottom)
        self.box.show_at(QRect(viewer.mapFromScene(corners[0]), viewer.mapFromScene(corners[1])))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if not self._cell:
            return False
        kind = event.type()
        if isinstance(event, QKeyEvent):
            if kind == QEvent.Type.KeyPress and event.key() == Qt.Key.Key_Escape:
                self.close()
                return True
        elif watched is self._canvas.viewer.viewport():
            if kind in (QEvent.Type.Paint, QEvent.Type.Resize):
                # Whatever moves a node has the viewport painted; what is being painted is not moved meanwhile.
                self._placing.start()
            elif isinstance(event, QMouseEvent):
                self._follow_mouse(kind, event)
        return False

    def _follow_mouse(self, kind: QEvent.Type, event: QMouseEvent) -> None:
        viewer, point = self._canvas.viewer, event.position().toPoint()
        if kind == QEvent.Type.MouseButtonPress:
            is_left = event.button() == Qt.MouseButton.LeftButton
            if is_left and viewer.badge_at(point) is None and viewer.node_at(point) is None:
                self.close()
        elif kind == QEvent.Type.MouseMove and not self._is_pinned:
            found = viewer.badge_at(point)
            if found is not None and self._canvas.full_name(found[0].name) == self._cell:
                self._leaving.stop()
            elif not self._leaving.isActive():
                self._leaving.start()

    def _on_box_hovered(self, is_inside: bool) -> None:
        if is_inside or self._is_pinned:
            self._leaving.stop()
        elif self._cell:
            self._leaving.start()

    # ------------------------------------------------------------------ what it says

    def _content(self, cell: str, kind: Kind) -> PopoverContent | None:
        if kind == "error":
            return self._error_content(cell)
        return self._trial_content() if kind == "trial" else self._limit_content(cell)

    def _limit_content(self, cell: str) -> PopoverContent | None:
        limit, snapshot = self._advising.limit, self._run_control.snapshot
        if limit is None or snapshot is None or not any(_is_within(name, cell) for name in limit.cells):
            return None
        action = self._advising.action_text
        clones = advised_clones(self._session.document, limit) if action else {}
        now_hz = snapshot.sink_rate_hz
        bars = [RateBar("Now", now_hz, "limit")]
        if clones and limit.predicted_hz is not None:
            gain = gain_text(limit.predicted_hz, now_hz)
            bars.append(RateBar(short_clones(clones), limit.predicted_hz, "predicted", gain))
        row = next((row for row in self._advising.rows() if row.key.startswith(LIMIT)), None)
        return PopoverContent(
            "flame-fill",
            "neck_line",
            short_title(limit),
            short_text(limit, bool(action)),
            tuple(bars) if len(bars) > 1 else (),
            # A pipeline around the cell that limits is named: it is another one that gets the clones.
            (use_text(clones) if set(limit.cells) == {".".join(path) for path in clones} else "") or action,
            row is not None and row.is_primary,
            "Why?",
            f"{action}: one step to undo" if action else "",
            _DETAILS_TIP,
        )

    def _has_open_trial(self, cell: str) -> bool:
        """Whether what was tried at a cell is still being measured."""
        trial = self._advising.trial
        names = [".".join(path) for path in trial.after] if trial is not None and not trial.is_over else []
        return any(_is_within(name, cell) or _is_within(cell, name) for name in names)

    def _trial_content(self) -> PopoverContent | None:
        trial = self._advising.trial
        if trial is None:
            return None
        outcome = trial.tell()
        icon, colour = {
            True: ("check-circle-fill", "ok"),
            False: ("warning-fill", "warn"),
            None: ("hourglass", "text2"),
        }[outcome.is_good]
        return PopoverContent(
            icon,
            colour,
            outcome.title,
            trial_text(trial, self._advising.limit),
            () if trial.phase == "refused" else _trial_bars(trial, outcome.is_good),
            "Keep",
            outcome.is_good is not False,
            "Undo",
            "Close this, and leave the change as it is",
            "Take the change back, in the run and in the graph",
        )

    def _errors_of(self, cell: str) -> list[CellError]:
        """The latest errors of a cell, or of those inside of it."""
        found = [error for error in self._run_control.errors if _is_within(error.cell, cell)]
        ending = self._run_control.run.error
        if ending is not None and _is_within(ending.cell, cell) and ending not in found:
            found.append(ending)
        return found

    def _error_content(self, cell: str) -> PopoverContent | None:
        errors = self._errors_of(cell)
        if errors:
            latest, snapshot = errors[-1], self._run_control.snapshot
            cells = snapshot.cells if snapshot is not None else {}
            counts = {cell: sum(figures.skipped for name, figures in cells.items() if _is_within(name, cell))}
            text = latest.message if latest.message.endswith((".", "!", "?")) else f"{latest.message}."
            if latest.item is not None:
                when = f" at {moment_text(latest.time_s)}" if latest.time_s is not None else ""
                which = (
                    f"Item {count(latest.item)} ended the run"
                    if latest.is_fatal
                    else f"Last: item {count(latest.item)}"
                )
                text += f" {which}{when}."
            elif latest.time_s is not None:
                text += f" At {moment_text(latest.time_s)}."
            has_source = bool(latest.file) and latest.line is not None
            return PopoverContent(
                "warning-circle-fill",
                "error",
                error_title(cell, errors, counts),
                text,
                (),
                "Show traceback",
                False,
                "Open source" if has_source else "",
                "Where in the code it was raised",
                f"{latest.file}:{latest.line}" if has_source else "",
            )
        problems = [problem for problem in self._session.problems if _is_within(problem.cell, cell)]
        problems = [problem for problem in problems if problem.severity == "error"]
        if not problems:
            return None
        title = f"{cell} cannot run" if len(problems) == 1 else f"{cell} has {counted(len(problems), 'problem')}"
        return PopoverContent(
            "warning-circle-fill", "error", title, problems[0].message, (), "", False, "Show all", "", _DETAILS_TIP
        )

    # ------------------------------------------------------------------ what a person does

    def _act(self) -> None:
        self._is_pinned = True
        if self._kind == "error":
            errors = self._errors_of(self._cell)
            if errors:
                self.traceback_requested.emit(errors[-1])
        elif self._kind == "trial":
            self.close()
        else:
            self._kind = "trial"
            self._advising.apply()
            if self._advising.trial is None:  # it counts from the next run on
                self.close()
            else:
                self._refresh()

    def _act_second(self) -> None:
        self._is_pinned = True
        if self._kind == "trial":
            self._advising.undo()
        elif self._kind == "error" and self._errors_of(self._cell):
            error = self._errors_of(self._cell)[-1]
            if error.line is not None:
                self.source_requested.emit(error.file, error.line)
        else:
            self.details_requested.emit()


def _trial_bars(trial: Trial, is_good: bool | None) -> tuple[RateBar, ...]:
    before_hz = trial.before_hz
    bars = [RateBar("Before", before_hz, "before")]
    if trial.predicted_hz is not None:
        bars.append(RateBar("Predicted", trial.predicted_hz, "predicted", gain_text(trial.predicted_hz, before_hz)))
    measured = gain_text(trial.measured_hz, before_hz)
    bars.append(RateBar("Measured", trial.measured_hz, "bad" if is_good is False else "good", measured))
    return tuple(bars)


def _is_within(name: str, cell: str) -> bool:
    """Whether a cell is another one, or inside of it."""
    return name == cell or name.startswith(f"{cell}.")
