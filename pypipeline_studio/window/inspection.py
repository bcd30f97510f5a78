"""What joins the inspector with the open graph: it shows the selection, and what is changed in it becomes an edit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu

from pypipeline_engine.graph.model import CellEntry, Document, OnError, RayOptions, Scale, split_end
from pypipeline_engine.numbers import counted
from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.document import edits
from pypipeline_studio.document.cell_notes import set_comment
from pypipeline_studio.document.scaling import Method, change_clones, method_of, move_clones
from pypipeline_studio.panels.inspector import InspectorPanel
from pypipeline_studio.panels.scaling_section import NO_RAY, NOT_KNOWN_YET
from pypipeline_studio.session import Session
from pypipeline_studio.window.run_control import RunControl
from pypipeline_studio.window.several import SeveralInspection

METHODS: Final[dict[Method, str]] = {"thread": "Threads", "ray": "Ray"}
"""What the menu of a node offers."""


class Inspection(QObject):
    """Keeps an inspector on the selection of a canvas."""

    refused = Signal(str)

    def __init__(
        self, session: Session, canvas: Canvas, run_control: RunControl, panel: InspectorPanel, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._canvas = canvas
        self._run_control = run_control
        self._panel = panel
        self.usual_method: Method = "thread"
        """On what the first clone of a cell is to run."""
        self._several = SeveralInspection(session, canvas, run_control, panel, lambda: self.usual_method, self)
        self._several.refused.connect(self.refused)
        self._several.method_wanted.connect(self._move_clones)
        canvas.selection_changed.connect(self.show_selection)
        session.types_changed.connect(self.show_selection)
        run_control.run_changed.connect(self.show_selection)
        run_control.errors_changed.connect(self.show_selection)
        panel.rename_requested.connect(self._rename)
        panel.parameter_changed.connect(self._set_parameter)
        panel.parameter_reset.connect(self._reset_parameter)
        panel.scale_changed.connect(self._set_scale)
        panel.ray_options_changed.connect(self._set_ray_options)
        panel.on_error_changed.connect(self._set_on_error)
        panel.input_shown_changed.connect(self._show_as_input)
        panel.comment_changed.connect(self._set_comment)
        panel.disabled_changed.connect(lambda value: self._set_flag("disabled", value))
        panel.bypassed_changed.connect(lambda value: self._set_flag("bypassed", value))
        session.file_changed.connect(self._set_folders)
        run_control.output_folder_changed.connect(self._set_folders)
        self._set_folders()
        self.show_selection()

    def show_selection(self) -> None:
        """Show what is selected now."""
        names = self._canvas.selected()
        if not names:
            self._panel.show_nothing()
        elif len(names) > 1:
            self._several.show()
        else:
            self._show(names[0])

    def _show(self, name: str) -> None:
        entry = self._entry(name)
        if entry is None:
            self._panel.show_nothing()
            return
        full_name = self._canvas.full_name(name)
        self._panel.show_cell(
            entry,
            self._canvas.presentation.nodes[name],
            self._session.types.find(entry.type),
            [problem for problem in self._session.problems if problem.cell == full_name],
            self._run_control.is_going_on,
            self._connected(name),
        )
        self._panel.show_errors([error for error in self._run_control.errors if error.cell == full_name])

    def _connected(self, name: str) -> list[str]:
        """The inputs of a cell at which a connection ends."""
        body = edits.body_at(self._session.document, self._canvas.path)
        ends = (split_end(connection.target) for connection in body.connections)
        return [port for cell, port in ends if cell == name]

    def _entry(self, name: str) -> CellEntry | None:
        return self._session.document.find((*self._canvas.path, name))

    def _selected(self) -> str | None:
        names = self._canvas.selected()
        return names[0] if len(names) == 1 else None

    def _edit(self, text: str, make: Callable[[Document], Document], merge_key: str = "") -> bool:
        """Change the document; where that is refused, say why and show what holds."""
        try:
            document = make(self._session.document)
        except edits.GraphEditRefused as error:
            self.refused.emit(str(error))
            self.show_selection()
            return False
        self._session.edit(text, document, merge_key)
        return True

    def _rename(self, new: str) -> None:
        old, path = self._selected(), self._canvas.path
        if old is None or new == old:
            return
        if self._edit(f"Rename {old}", lambda document: edits.rename_cell(document, path, old, new)):
            self._canvas.select([new])

    def _set_parameter(self, parameter: str, value: Any, is_final: bool) -> None:
        name, path = self._selected(), self._canvas.path
        if name is None:
            return
        self._edit(
            f"Set {name}.{parameter}",
            lambda document: edits.set_parameter(document, path, name, parameter, value),
            f"parameter {self._canvas.full_name(name)} {parameter}",
        )
        if is_final:
            self._session.end_merging()

    def _reset_parameter(self, parameter: str) -> None:
        name, path = self._selected(), self._canvas.path
        if name is not None:
            self._edit(
                f"Reset {name}.{parameter}",
                lambda document: edits.set_parameter(document, path, name, parameter, edits.DEFAULT),
            )

    def _set_scale(self, thread: int, ray: int, queue_capacity: object) -> None:
        name, path = self._selected(), self._canvas.path
        assert queue_capacity is None or isinstance(queue_capacity, int)
        if name is not None:
            self._edit(
                f"Scale {name}",
                lambda document: edits.set_scale(
                    document, path, name, thread=thread, ray=ray, queue_capacity=queue_capacity
                ),
            )

    def _set_ray_options(self, options: object) -> None:
        name, path = self._selected(), self._canvas.path
        assert options is None or isinstance(options, RayOptions)
        if name is not None:
            self._edit(
                f"Change what Ray clones of {name} need",
                lambda document: edits.set_ray_options(document, path, name, options),
            )

    def change_clones(self, cell: str, difference: int) -> None:
        """Give a cell, by its full name, so many more clones; fewer where it is negative."""
        *path, name = cell.split(".")
        entry = self._session.document.find((*path, name))
        if entry is not None:
            thread, ray = change_clones(entry.scale, difference, self.usual_method)
            self._edit(
                f"Scale {cell}",
                lambda document: edits.set_clones(document, tuple(path), {name: (thread, ray)}),
            )

    def fill_method_menu(self, menu: QMenu, names: Sequence[str]) -> None:
        """Offer what the clones of cells of the shown pipeline may run on.

        :param names: those cells; others than the selected ones where it is opened for others.
        """
        body = edits.body_at(self._session.document, self._canvas.path)
        entries = {name: body.cells[name] for name in names if name in body.cells}
        methods = {
            method_of(entry.scale) for entry in entries.values() if entry.scale is not None and entry.scale.clones
        }
        group = QActionGroup(menu)
        menu.setToolTipsVisible(True)
        has_ray = self._panel.scaling.has_ray
        for method, text in METHODS.items():
            action = menu.addAction(text)
            action.setCheckable(True)
            action.setChecked(methods == {method})
            group.addAction(action)
            if method == "ray" and not has_ray:
                action.setEnabled(False)
                action.setToolTip(NO_RAY if has_ray is False else NOT_KNOWN_YET)
            action.triggered.connect(lambda _checked=False, method=method: self.move_clones(tuple(entries), method))
        menu.setEnabled(bool(entries))

    def move_clones(self, names: Sequence[str], method: Method) -> None:
        """Let the clones of cells of the shown pipeline run on threads, or on Ray; it is one step to undo.

        Their numbers stay, and cells without clones stay as they are; where none has any, each gets its first one.
        """
        path = self._canvas.path
        cells = edits.body_at(self._session.document, path).cells
        scales = {name: cells[name].scale or Scale() for name in names}
        numbers = {name: move_clones(scale, method) for name, scale in scales.items() if scale.clones}
        if not numbers:
            numbers = dict.fromkeys(names, (1, 0) if method == "thread" else (0, 1))
        what = names[0] if len(names) == 1 else counted(len(names), "cell")
        self._edit(
            f"Run clones of {what} on {METHODS[method]}",
            lambda document: edits.set_clones(document, path, numbers),
        )

    def _move_clones(self, names: tuple[str, ...], method: str) -> None:
        self.move_clones(names, "ray" if method == "ray" else "thread")

    def _set_on_error(self, policy: object) -> None:
        name, path = self._selected(), self._canvas.path
        assert policy is None or isinstance(policy, OnError)
        if name is not None:
            self._edit(
                f"Change what happens when {name} fails",
                lambda document: edits.set_on_error(document, path, name, policy),
            )

    def _show_as_input(self, parameter: str, shown: bool) -> None:
        name, path = self._selected(), self._canvas.path
        if name is not None:
            self._edit(
                f"{'Show' if shown else 'Hide'} {parameter} at {name}",
                lambda document: edits.show_as_input(document, path, name, parameter, shown),
            )

    def _set_flag(self, flag: str, value: bool) -> None:
        name, path = self._selected(), self._canvas.path
        if name is not None:
            self._edit(f"Change {name}", lambda document: edits.set_flag(document, path, [name], flag, value))

    def _set_comment(self, comment: str) -> None:
        name, path = self._selected(), self._canvas.path
        if name is not None:
            self._edit(f"Comment on {name}", lambda document: set_comment(document, path, name, comment))

    def _set_folders(self) -> None:
        self._panel.set_folders(self._session.folder, self._run_control.output_folder)
