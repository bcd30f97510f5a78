"""What joins the inspector with several selected cells: what is changed in it becomes one edit of all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Signal

from pypipeline_engine.catalogue.model import Folders
from pypipeline_engine.graph.model import Document, OnError
from pypipeline_engine.numbers import counted
from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.document import edits
from pypipeline_studio.document import several as of_several
from pypipeline_studio.document.scaling import Method
from pypipeline_studio.panels.inspector import InspectorPanel
from pypipeline_studio.session import Session
from pypipeline_studio.window.run_control import RunControl


class SeveralInspection(QObject):
    """Shows what the selected cells of a canvas have in common, and changes it."""

    refused = Signal(str)
    method_wanted = Signal(tuple, str)
    """The names of cells, and what their clones are to run on."""

    def __init__(
        self,
        session: Session,
        canvas: Canvas,
        run_control: RunControl,
        panel: InspectorPanel,
        usual_method: Callable[[], Method],
        parent: QObject,
    ) -> None:
        """:param usual_method: what the first clone of a cell runs on."""
        super().__init__(parent)
        self._session = session
        self._canvas = canvas
        self._run_control = run_control
        self._panel = panel
        self._usual_method = usual_method
        shown = panel.several
        shown.parameter_changed.connect(self._set_parameter)
        shown.parameter_reset.connect(self._reset_parameter)
        shown.clones_changed.connect(self._set_clones)
        shown.clones_added.connect(self._add_clones)
        shown.method_changed.connect(lambda method: self.method_wanted.emit(canvas.selected(), method))
        shown.capacity_changed.connect(self._set_capacity)
        shown.policy_changed.connect(self._set_policy)
        shown.flag_changed.connect(self._set_flag)

    def show(self) -> None:
        """Show the cells that are selected now."""
        document, path = self._session.document, self._canvas.path
        cells = edits.body_at(document, path).cells if edits.has_body(document, path) else {}
        # While another graph is opened, the canvas still has the nodes of the one before.
        names = [name for name in self._canvas.selected() if name in cells]
        if not names:
            self._panel.show_nothing()
            return
        shown = of_several.several(document, path, names, self._session.types)
        self._panel.show_several(
            shown,
            self._run_control.is_going_on,
            Folders(self._session.folder, self._run_control.output_folder),
        )

    # ------------------------------------------------------------------ edits

    def _edit(
        self, text: str, make: Callable[[Document, edits.Path, tuple[str, ...]], Document], merge_key: str = ""
    ) -> None:
        names, path = self._canvas.selected(), self._canvas.path
        if len(names) < 2:
            return  # a field that gives its text when it loses the focus, because other cells were selected
        key = f"{merge_key} {'.'.join(path)} {' '.join(names)}" if merge_key else ""
        try:
            document = make(self._session.document, path, names)
        except edits.GraphEditRefused as error:
            self.refused.emit(str(error))
            self.show()
            return
        self._session.edit(f"{text} {counted(len(names), 'cell')}", document, key)

    def _set_parameter(self, parameter: str, value: Any, is_final: bool) -> None:
        self._edit(
            f"Set {parameter} of",
            lambda document, path, names: of_several.set_parameter(document, path, names, parameter, value),
            f"parameter {parameter}",
        )
        if is_final:
            self._session.end_merging()

    def _reset_parameter(self, parameter: str) -> None:
        self._edit(
            f"Reset {parameter} of",
            lambda document, path, names: of_several.set_parameter(document, path, names, parameter, edits.DEFAULT),
        )

    def _set_clones(self, count: int) -> None:
        def make(document: Document, path: edits.Path, names: tuple[str, ...]) -> Document:
            fitting, left = self._fitting(names, count)
            self._tell_left(left, count)
            return of_several.set_clones(document, path, fitting, count, self._usual_method())

        self._edit("Scale", make)
        self.show()  # what was not taken is not to stay in the field

    def _add_clones(self, difference: int) -> None:
        def make(document: Document, path: edits.Path, names: tuple[str, ...]) -> Document:
            cells = edits.body_at(document, path).cells
            limited = set(self._fitting(names, 2)[1]) if difference > 0 else set()
            full = [name for name in names if name in limited and (scale := cells[name].scale) and scale.clones]
            self._tell_left(full, 2)
            rest = [name for name in names if name not in full]
            return of_several.add_clones(document, path, rest, difference, self._usual_method())

        self._edit("Scale", make)

    def _fitting(self, names: tuple[str, ...], count: int) -> tuple[list[str], list[str]]:
        """The cells that can have so many clones, and those that cannot."""
        single = of_several.several(self._session.document, self._canvas.path, names, self._session.types).single
        left = [name for name in names if count > 1 and name in single]
        return [name for name in names if name not in left], left

    def _tell_left(self, left: list[str], count: int) -> None:
        if left:
            verb = "keeps its state and stays" if len(left) == 1 else "keep their states and stay"
            self.refused.emit(f"{', '.join(left)} {verb} as before: {count} clones are not possible there.")

    def _set_capacity(self, capacity: object) -> None:
        assert capacity is None or isinstance(capacity, int)
        self._edit(
            "Change the queues of",
            lambda document, path, names: of_several.set_capacity(document, path, names, capacity),
        )

    def _set_policy(self, policy: object) -> None:
        assert isinstance(policy, OnError)
        self._edit(
            "Change what happens when an item fails at",
            lambda document, path, names: of_several.set_policy(document, path, names, policy),
        )

    def _set_flag(self, flag: str, value: bool) -> None:
        verb = {"disabled": ("Enable", "Disable"), "bypassed": ("Use", "Bypass")}[flag][value]
        self._edit(verb, lambda document, path, names: edits.set_flag(document, path, names, flag, value))
