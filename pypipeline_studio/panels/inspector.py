"""The inspector: everything about the cell that is selected, and what of it can be changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from pypipeline_engine.catalogue.model import CellType, Folders
from pypipeline_engine.graph.model import CellEntry
from pypipeline_engine.host.protocol import CellError, GraphProblem
from pypipeline_studio.document.several import Several
from pypipeline_studio.document.views import NodeView
from pypipeline_studio.panels.cell_head import CellHead
from pypipeline_studio.panels.comment_section import CommentSection
from pypipeline_studio.panels.errors_section import ErrorsSection, ProblemsSection
from pypipeline_studio.panels.locked import Locked
from pypipeline_studio.panels.parameter_rows import ParametersSection
from pypipeline_studio.panels.policy_section import PolicySection, StateSection
from pypipeline_studio.panels.scaling_section import ScalingSection
from pypipeline_studio.panels.scrolled import scrolled
from pypipeline_studio.panels.several_panel import SeveralPanel
from pypipeline_studio.panels.widgets import PAD_PX, EmptyState, IconView, Label, row

_WIDTH_PX = 292


class InspectorPanel(QWidget):
    """The selected cell. It may be told about the same cell as often as one likes: what is being typed or dragged stays."""

    rename_requested = Signal(str)
    help_requested = Signal(str)
    """The type of the cell."""
    parameter_changed = Signal(str, object, bool)
    """Parameter, JSON value, and whether the edit is finished: a drag gives many values before its last one."""
    parameter_reset = Signal(str)
    input_shown_changed = Signal(str, bool)
    """A parameter, and whether it is to be shown as an input of the node."""
    scale_changed = Signal(int, int, object)
    """Thread clones, Ray clones, and the queue capacity or `None`."""
    ray_options_changed = Signal(object)
    """`RayOptions`, or `None` where nothing is asked of the cluster."""
    on_error_changed = Signal(object)
    """An `OnError`, or `None` for what is usual."""
    comment_changed = Signal(str)
    disabled_changed = Signal(bool)
    bypassed_changed = Signal(bool)
    traceback_requested = Signal(object)
    """A `CellError`."""
    source_requested = Signal(str, int)
    """A file and a line in it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._folders = Folders(Path.cwd(), Path.cwd())
        self._cell = ""
        self._locked: tuple[Locked, Locked] | None = None
        self.head = CellHead()
        self.problems = ProblemsSection()
        self.parameters = ParametersSection()
        self.scaling = ScalingSection()
        self.policy = PolicySection()
        self.state = StateSection()
        self.comment = CommentSection()
        self.errors = ErrorsSection()
        self._empty = EmptyState(
            "Select a cell to see its documentation, parameters, scaling and error policy.",
            "Nothing selected",
            "cursor",
        )
        self._scroll = scrolled(self._make_body())
        self._stack = QStackedWidget(self)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self._scroll)
        self.several = SeveralPanel()
        self._stack.addWidget(self.several)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self._why_locked = Label("", 11, 400, "text2", wraps=True)
        self._note = row(IconView("eye", "text2", 14, 16), self._why_locked, margins=(PAD_PX, 8, PAD_PX, 8))
        self._note.hide()
        layout.addWidget(self._note)
        layout.addWidget(self._stack)
        self.setMinimumWidth(_WIDTH_PX)
        self._connect()

    def _make_body(self) -> QWidget:
        body = QWidget()
        body.setObjectName("panel")
        layout = QVBoxLayout(body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.head)
        for section in (
            self.problems,
            self.errors,
            self.parameters,
            self.scaling,
            self.policy,
            self.state,
            self.comment,
        ):
            layout.addWidget(section)
        layout.addStretch(1)
        return body

    def _connect(self) -> None:
        self.head.rename_requested.connect(self.rename_requested)
        self.head.help_requested.connect(self.help_requested)
        self.parameters.edited.connect(self.parameter_changed)
        self.parameters.reset.connect(self.parameter_reset)
        self.parameters.shown_as_input.connect(self.input_shown_changed)
        self.scaling.scale_changed.connect(self.scale_changed)
        self.scaling.ray_options_changed.connect(self.ray_options_changed)
        self.policy.on_error_changed.connect(self.on_error_changed)
        self.state.disabled_changed.connect(self.disabled_changed)
        self.state.bypassed_changed.connect(self.bypassed_changed)
        self.comment.comment_changed.connect(self.comment_changed)
        self.errors.traceback_requested.connect(self.traceback_requested)
        self.errors.source_requested.connect(self.source_requested)

    def sizeHint(self) -> QSize:
        return QSize(_WIDTH_PX, 600)

    # ------------------------------------------------------------------ what is shown

    @property
    def cell(self) -> str:
        """The name of the cell that is shown; empty where none is."""
        return self._cell

    def set_folders(self, inputs: Path, outputs: Path) -> None:
        """What relative paths of files to be read, and to be written, are relative to."""
        self._folders = Folders(inputs, outputs)

    def set_nb_cpus(self, nb_cpus: int | None) -> None:
        """How many cores the engine may use."""
        self.scaling.set_nb_cpus(nb_cpus)

    def set_has_ray(self, has_ray: bool | None) -> None:
        """Whether the engine has Ray; `None` where that is not known."""
        self.scaling.set_has_ray(has_ray)

    def lock(self, run: str, graph: str) -> None:
        """Keep what is shown from being edited, and say why; empty where it may be.

        :param run: about what a run can follow: parameters, clones and error policies.
        :param graph: about all that makes another graph: names, and which cells take part.
        """
        if self._locked is None:
            parts = (self.parameters, self.scaling, self.policy, self.several)
            self._locked = Locked(parts, self), Locked((self.head.name, self.head.pencil, self.state), self)
        for locked, reason in zip(self._locked, (run, graph), strict=True):
            locked.set_reason(reason)
        self._why_locked.show_text(run)
        self._note.setVisible(bool(run))

    def show_nothing(self) -> None:
        self._show_empty(
            "Nothing selected", "Select a cell to see its documentation, parameters, scaling and error policy."
        )

    def show_several(self, shown: Several, is_running: bool, folders: Folders) -> None:
        """Show what several cells have in common."""
        self._cell = ""
        self.several.show_several(shown, is_running, self.scaling.has_ray, folders)
        self._stack.setCurrentWidget(self.several)

    def show_cell(
        self,
        entry: CellEntry,
        view: NodeView,
        cell_type: CellType | None,
        problems: Sequence[GraphProblem],
        is_running: bool,
        connected: Iterable[str] = (),
    ) -> None:
        """Show a cell.

        :param cell_type: `None` where it is not known, and for nested pipelines.
        :param problems: those of this cell.
        :param connected: the inputs of the cell at which a connection ends.
        """
        usable = cell_type if cell_type is not None and not cell_type.problem else None
        is_other = view.name != self._cell
        self._cell = view.name
        self.head.show_cell(view, cell_type)
        self.problems.show_problems(problems)
        inputs = frozenset(port.name for port in view.inputs if port.is_parameter)
        self.parameters.show_parameters(
            view.name, usable, entry.parameters, inputs, inputs & frozenset(connected), is_running, self._folders
        )
        can_run = entry.is_pipeline or usable is not None
        most, reason = None, ""
        if usable is not None and not usable.supports_scaling:
            most, reason = 1, f"{usable.class_name} keeps a state from item to item: it can have one clone at most."
            if is_running:
                reason += " Its state does not move between a thread and Ray."
        if is_other:
            self.scaling.forget_typed()
        self.scaling.show_scale(entry.scale, most, reason)
        self.policy.show_policy(entry.on_error)
        self.state.show_state(entry)
        self.comment.show_comment(view.name, view.comment)
        self.scaling.setVisible(can_run)
        self.policy.setVisible(can_run)
        if is_other:
            self.errors.show_errors(())
            self._scroll.verticalScrollBar().setValue(0)
        self._stack.setCurrentWidget(self._scroll)

    def show_errors(self, errors: Sequence[CellError]) -> None:
        """Show the errors of the cell that is shown, in the order in which they were raised."""
        self.errors.show_errors(errors)

    def begin_rename(self) -> None:
        """Let the name of the shown cell be edited, as F2 does."""
        if self._cell and self.head.name.isEnabled():
            self.head.name.begin()

    def _show_empty(self, title: str, text: str) -> None:
        self._cell = ""
        self._empty.title.show_text(title)
        self._empty.text.show_text(text)
        self._stack.setCurrentWidget(self._empty)
