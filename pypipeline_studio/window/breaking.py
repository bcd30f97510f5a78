"""Breakpoints: where they are, their marks on the canvas, and telling the engine before a run begins.

They are remembered for each file in the settings, and not in the graph: so they are no edits, and no steps to undo.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import partial
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

from pypipeline_engine.host.looking import WatchedInfo
from pypipeline_engine.host.protocol import LogLine, Refusal, RunInfo
from pypipeline_studio.canvas.breakpoint_mark import BreakpointMark, MarkState
from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.document.watched import Breakpoint, Place, breakpoint_from_data
from pypipeline_studio.engine.engine import Engine
from pypipeline_studio.panels.breakpoint_dialog import BreakpointDialog
from pypipeline_studio.panels.breakpoints import BreakpointRow
from pypipeline_studio.session import Session
from pypipeline_studio.window.actions import Actions
from pypipeline_studio.window.file_settings import FileSettings
from pypipeline_studio.window.run_control import RunControl
from pypipeline_studio.window.watched_session import ONLY_WATCHED

PATIENCE_MS: Final = 5_000
"""A run begins after so long also where the engine has not answered about each breakpoint."""


class Breaking(QObject):
    """The breakpoints of the open graph. For the thread of the window only."""

    changed = Signal()
    told = Signal(str)

    def __init__(
        self,
        session: Session,
        canvas: Canvas,
        run_control: RunControl,
        engine: Engine,
        commands: Actions,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._canvas = canvas
        self._run_control = run_control
        self._engine = engine
        self._looking = engine.looking
        self._window = window
        self._settings = FileSettings(session, "breakpoints", self)
        self._all: dict[Place, Breakpoint] = {}
        self._problems: dict[Place, str] = {}
        self._hits: dict[Place, int] = {}
        self._held: tuple[str, ...] = ()
        self._sent: dict[Place, str] = {}
        self._pending: set[Place] = set()
        self._run = 0
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(PATIENCE_MS)
        self._patience.timeout.connect(self._release)
        run_control.holds_back = lambda: any(one.is_enabled for one in self._present())
        commands.on("breakpoint", self.toggle_selected)
        commands.on("edit_breakpoint", self.edit_selected)
        engine.run_changed.connect(self._follow_run)
        engine.control_changed.connect(self._follow_control)
        engine.log_arrived.connect(self._take_line)
        self._looking.watched_changed.connect(self._take_watched)
        canvas.path_changed.connect(self._show_marks)
        session.document_changed.connect(self._follow_document)
        self._settings.file_opened.connect(self._read)
        self._read()

    # ------------------------------------------------------------------ what there is

    def rows(self) -> list[BreakpointRow]:
        """All breakpoints, for a list."""
        return [
            BreakpointRow(
                one, self._hits.get(place, 0), self._problem(one), any(_lies_in(cell, one.cell) for cell in self._held)
            )
            for place, one in self._all.items()
        ]

    def _problem(self, one: Breakpoint) -> str:
        if self._session.document.find(tuple(one.cell.split("."))) is None:
            return "There is no such cell in the graph any more."
        return self._problems.get(one.place, "")

    def _present(self) -> list[Breakpoint]:
        """Those of which the cell is in the graph."""
        return [
            one for one in self._all.values() if self._session.document.find(tuple(one.cell.split("."))) is not None
        ]

    # ------------------------------------------------------------------ what a person does

    def _may_change(self) -> bool:
        """Whether breakpoints may be set from here; says why not."""
        if not self._engine.has_control:
            self.told.emit(ONLY_WATCHED)
        return self._engine.has_control

    def toggle_selected(self) -> None:
        """Set a breakpoint at the first output of each selected cell, or remove those that there are."""
        if not self._may_change():
            return
        names = self._canvas.selected()
        if not names:
            self.told.emit("Select a cell to set a breakpoint at it.")
            return
        cells = {self._canvas.full_name(name): self._outputs(name) for name in names}
        known = [place for place in self._all if place[0] in cells]
        if known:
            for place in known:
                del self._all[place]
            self._change()
            return
        without = [cell for cell, outputs in cells.items() if not outputs]
        if without:
            self.told.emit(f"{without[0]} has no outputs to hold an item at: set the breakpoint at the cell before it.")
        for cell, outputs in cells.items():
            if outputs:
                self._all[cell, outputs[0]] = Breakpoint(cell, outputs[0])
        self._change()

    def edit_selected(self) -> None:
        """Let a person say where exactly, and when, the run is to pause at the selected cell."""
        if not self._may_change():
            return
        names = self._canvas.selected()
        if len(names) != 1:
            self.told.emit("Select one cell to set a breakpoint with a condition at it.")
            return
        cell, outputs = self._canvas.full_name(names[0]), self._outputs(names[0])
        if not outputs:
            self.told.emit(f"{cell} has no outputs to hold an item at: set the breakpoint at the cell before it.")
            return
        known = next((one for one in self._all.values() if one.cell == cell), None)
        self._open_dialog(known or Breakpoint(cell, outputs[0]), outputs, is_new=known is None)

    def edit(self, place: Place) -> None:
        """Let a person change a breakpoint."""
        one = self._all.get(place)
        if one is not None:
            *path, name = one.cell.split(".")
            outputs = self._outputs(name) if tuple(path) == self._canvas.path else []
            self._open_dialog(one, outputs or [one.port], is_new=False)

    def _open_dialog(self, one: Breakpoint, outputs: list[str], is_new: bool) -> None:
        dialog = BreakpointDialog(one, outputs, self._looking.check_condition, is_new, self._window)
        dialog.accepted_breakpoint.connect(lambda changed: self.put(changed, one.place))
        dialog.removed.connect(lambda: self.remove(one.place))
        dialog.open()

    def put(self, one: Breakpoint, instead_of: Place | None = None) -> None:
        """Set a breakpoint, perhaps in place of another one."""
        if instead_of is not None and instead_of != one.place:
            self._all.pop(instead_of, None)
        self._all[one.place] = one
        self._problems.pop(one.place, None)
        self._change()

    def remove(self, place: Place) -> None:
        """Forget a breakpoint."""
        if self._all.pop(place, None) is not None:
            self._change()

    def enable(self, place: Place, is_enabled: bool) -> None:
        """Let a breakpoint pause the run, or keep it for later."""
        if place in self._all:
            self.put(replace(self._all[place], is_enabled=is_enabled))

    def show_held(self, cells: Collection[str]) -> None:
        """Mark the cells at which an item is held."""
        if tuple(cells) != self._held:
            self._held = tuple(cells)
            self._looking.get_watched()  # how often each was met
            self._show_marks()
            self.changed.emit()

    def _outputs(self, name: str) -> list[str]:
        view = self._canvas.presentation.nodes.get(name)
        return [port.name for port in view.outputs] if view is not None else []

    # ------------------------------------------------------------------ what is remembered

    def _change(self) -> None:
        self._settings.write([one.to_data() for one in self._all.values()])
        self._send()
        self._show_marks()
        self.changed.emit()

    def _read(self) -> None:
        data = self._settings.read()
        found = [breakpoint_from_data(entry) for entry in data] if isinstance(data, list) else []
        self._all = {one.place: one for one in found if one is not None}
        self._problems.clear()
        self._hits.clear()
        self._send()
        self._show_marks()
        self.changed.emit()

    def _follow_document(self) -> None:
        renamed = self._settings.follow(self._session.document)
        if any(one.cell in renamed for one in self._all.values()):
            moved = [replace(one, cell=renamed.get(one.cell, one.cell)) for one in self._all.values()]
            self._all = {one.place: one for one in moved}
            self._settings.write([one.to_data() for one in moved])
        self._show_marks()
        self.changed.emit()

    # ------------------------------------------------------------------ the run

    def _follow_run(self, run: RunInfo) -> None:
        if run.state not in ("running", "paused") or run.is_starting:
            if run.is_over:
                self._sent.clear()
                self._pending.clear()
                self._run = 0
            return
        if run.run != self._run:
            self._run = run.run
            self._sent.clear()
            self._problems.clear()
            self._hits.clear()
            self._patience.start()
            self._send()
            if not self._pending:
                self._release()
            self.changed.emit()

    def _follow_control(self) -> None:
        self._sent.clear()  # who gives control back takes its breakpoints along
        self._send()

    def _send(self) -> None:
        """Bring the run in line with what there is."""
        if not self._run or not self._run_control.runs_front or not self._engine.has_control:
            return
        wanted = {one.place: one.condition for one in self._present() if one.is_enabled}
        for place in [place for place in self._sent if place not in wanted]:
            del self._sent[place]
            self._looking.remove_breakpoint(place)
        for place, condition in wanted.items():
            if self._sent.get(place) != condition:
                self._sent[place] = condition
                self._pending.add(place)
                self._looking.set_breakpoint(
                    place, condition, partial(self._refuse, place), partial(self._settle, place)
                )

    def _settle(self, place: Place, _: object = None) -> None:
        self._pending.discard(place)
        if not self._pending:
            self._release()

    def _refuse(self, place: Place, refusal: Refusal) -> None:
        self._problems[place] = refusal.message
        self._sent.pop(place, None)
        self.told.emit(f"The breakpoint at {'.'.join(place)} is not set: {refusal.message}")
        self.changed.emit()
        self._settle(place)

    def _release(self) -> None:
        self._patience.stop()
        self._run_control.release()

    def _take_watched(self, watched: WatchedInfo) -> None:
        for one in watched.breakpoints:
            self._hits[one.cell, one.port] = one.nb_hits
            if one.problem:
                self._problems[one.cell, one.port] = one.problem
        self.changed.emit()

    def _take_line(self, line: LogLine) -> None:
        # A condition that cannot be evaluated is told there.
        if line.source == "host" and line.level == "warning" and self._run and self._sent:
            self._looking.get_watched()

    # ------------------------------------------------------------------ the canvas

    def _show_marks(self) -> None:
        marks: dict[str, BreakpointMark] = {}
        held = self._held if self._run_control.runs_front else ()
        for name in self._canvas.presentation.nodes:
            full_name = self._canvas.full_name(name)
            here = [one for one in self._all.values() if _lies_in(one.cell, full_name)]
            is_held = any(_lies_in(cell, full_name) for cell in held)
            if here or is_held:
                marks[name] = BreakpointMark(_state_of(here, is_held), _tip_of(here, is_held))
        self._canvas.show_marks(marks)


def _lies_in(cell: str, around: str) -> bool:
    """Whether a cell is another one, or lies inside of it."""
    return cell == around or cell.startswith(f"{around}.")


def _state_of(here: Collection[Breakpoint], is_held: bool) -> MarkState:
    if is_held:
        return "held"
    enabled = [one for one in here if one.is_enabled]
    if not enabled:
        return "off"
    return "conditional" if all(one.condition for one in enabled) else "on"


def _tip_of(here: Collection[Breakpoint], is_held: bool) -> str:
    lines = ["An item is held here: F6 goes on, F10 steps."] if is_held else []
    for one in here:
        when = f" where {one.condition}" if one.condition else ""
        lines.append(f"Breakpoint at {one.cell}.{one.port}{when}{'' if one.is_enabled else ' (off)'}")
    return "\n".join(lines)
