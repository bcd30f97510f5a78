"""What joins the items that breakpoints hold with the panel that shows them, the toolbar and the marks."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from pypipeline_engine.catalogue.model import Folders
from pypipeline_engine.host.looking import HeldInfo, HeldItems, ReplayInfo
from pypipeline_studio.document import edits
from pypipeline_studio.engine.engine import Engine
from pypipeline_studio.panels.held_panel import HeldPanel
from pypipeline_studio.session import Session
from pypipeline_studio.window.run_control import RunControl

SIDES: Final = ("input", "output")


class Holding(QObject):
    """The items that are held now. For the thread of the window only."""

    changed = Signal()
    """Others are held; `cells` has theirs."""
    told = Signal(str)
    """Something short for people."""
    began = Signal(str)
    """The run was paused by the first of them: the full name of its cell."""

    def __init__(self, session: Session, run_control: RunControl, engine: Engine, panel: HeldPanel) -> None:
        super().__init__(panel)
        self._session = session
        self._run_control = run_control
        self._engine = engine
        self._looking = engine.looking
        self._panel = panel
        self._held: HeldItems = HeldItems()
        self._number = 0
        self._waits: int = 0
        self._looking.held_arrived.connect(self._take)
        run_control.run_changed.connect(self._follow_run)
        run_control.went_on.connect(self._let_go)
        session.document_changed.connect(self._show_form)
        panel.resume_requested.connect(run_control.toggle_pause)
        panel.step_requested.connect(run_control.step)
        panel.item_chosen.connect(self._choose)
        panel.form.run_requested.connect(self._replay)
        panel.form.apply_requested.connect(self._apply)
        panel.show_nothing()

    @property
    def cells(self) -> tuple[str, ...]:
        """The full names of the cells at which an item is held, the first one first."""
        return tuple(dict.fromkeys(one.cell for one in self._held.items))

    # ------------------------------------------------------------------ what is held

    def _take(self, _: HeldInfo) -> None:
        """An item is held, or was: what the host holds now is asked for, since a step may have let go of it meanwhile."""
        self._waits += 1
        ticket = self._waits

        def show(held: HeldItems) -> None:
            if ticket == self._waits:
                self._show(held)

        self._looking.get_held(show)

    def _show(self, held: HeldItems) -> None:
        was_empty = not self._held.items
        self._held = held
        if not held.items:
            self._panel.show_nothing()
        else:
            numbers = [one.held for one in held.items]
            if self._number not in numbers:
                self._number = numbers[0]
            self._show_item()
        self.changed.emit()
        if was_empty and held.items:
            self.began.emit(held.items[0].cell)

    def _follow_run(self) -> None:
        if self._engine.run.state != "paused":
            self._let_go()

    def _let_go(self) -> None:
        self._waits += 1  # answers that are on their way are about what is gone
        if self._held.items:
            self._show(HeldItems())

    def _choose(self, number: int) -> None:
        self._number = number
        self._show_item()

    def _shown(self) -> HeldInfo | None:
        return next((one for one in self._held.items if one.held == self._number), None)

    def _show_item(self) -> None:
        shown = self._shown()
        if shown is None:
            return
        is_other = self._panel.info is None or self._panel.info.held != shown.held
        self._panel.show_items(self._held.items, shown, self._held.nb_missed)
        self._panel.form.set_busy(False)
        self._show_form()
        if not is_other:
            return
        for side, port, has_picture in (
            *((SIDES[0], port, bool(values) and values[0].has_picture) for port, values in shown.inputs.items()),
            *((SIDES[1], port, value.has_picture) for port, value in shown.outputs.items()),
        ):
            if has_picture:
                self._fetch(shown.held, side, port)

    def _fetch(self, held: int, side: str, port: str) -> None:
        def take(content: bytes, _: int) -> None:
            if self._panel.info is not None and self._panel.info.held == held:
                self._panel.show_picture(side, port, QImage.fromData(content))

        self._looking.get_held_picture(held, side, port, take)

    # ------------------------------------------------------------------ running it again

    def _show_form(self) -> None:
        shown = self._shown()
        if shown is None:
            return
        entry = self._session.document.find(tuple(shown.cell.split(".")))
        cell_type = self._session.types.find(entry.type) if entry is not None else None
        folders = Folders(self._session.folder, self._run_control.output_folder)
        values = entry.parameters if entry is not None else {}
        self._panel.form.show_cell(shown.cell, cell_type, values, folders, shown.inputs.keys())

    def _replay(self, parameters: dict[str, Any]) -> None:
        shown = self._shown()
        if shown is None:
            return
        self._panel.form.set_busy(True)
        held = shown.held

        def is_shown() -> bool:
            return self._panel.info is not None and self._panel.info.held == held

        def show(port: str, content: bytes, _: int) -> None:
            if is_shown():
                self._panel.show_picture("replay", port, QImage.fromData(content))

        def take(done: ReplayInfo) -> None:
            if not is_shown():
                return
            self._panel.form.set_busy(False)
            self._panel.show_replay(done)
            for port, value in done.outputs.items():
                if value.has_picture:
                    self._looking.get_replayed_picture(port, partial(show, port))

        def refuse(message: str) -> None:
            if is_shown():
                self._panel.form.set_busy(False)
                self._panel.show_refusal(message)

        self._looking.replay(held, parameters, take, lambda refusal: refuse(refusal.message))

    def _apply(self, parameters: dict[str, Any]) -> None:
        """Give the cell in the graph the parameters that were tried; one step to undo."""
        shown = self._shown()
        if shown is None or not parameters:
            return
        if not self._run_control.runs_front:
            self.told.emit(f"Show {self._run_control.running_elsewhere} first: the held item is of its run.")
            return
        *path, name = shown.cell.split(".")
        document = self._session.document
        for parameter, value in parameters.items():
            document = edits.set_parameter(document, tuple(path), name, parameter, value)
        self._session.edit(f"Set {', '.join(parameters)} of {shown.cell}", document)
