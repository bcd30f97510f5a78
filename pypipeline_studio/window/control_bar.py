"""The bar above a run that is watched: where it is, who may change it, and the buttons for that."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout

from pypipeline_studio.engine.remote import RemoteEngine
from pypipeline_studio.panels.widgets import IconView, Label, push_button


class ControlBar(QFrame):
    """Where the run is, who may change it, and the buttons for that."""

    detach_requested = Signal()

    def __init__(self, engine: RemoteEngine) -> None:
        super().__init__()
        self.setObjectName("dockhead")
        self.setFixedHeight(41)
        self._engine = engine
        self._icon = IconView("eye", "text2", 16, 18)
        self.text = Label("", 12, 400)
        self.control_button = push_button("Take control")
        self.detach_button = push_button("Detach", tip="Close this window; the run goes on")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 0, 12, 0)
        layout.setSpacing(8)
        layout.addWidget(self._icon)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.control_button)
        layout.addWidget(self.detach_button)
        self.control_button.clicked.connect(self._toggle)
        self.detach_button.clicked.connect(self.detach_requested)
        self.show_state(True)

    def show_state(self, is_going_on: bool) -> None:
        """Show who may change the run."""
        engine = self._engine
        where = engine.address.short
        if not is_going_on:
            text = f"The run at {where} is over."
        elif engine.has_control:
            text = f"You have control of the run at {where}: parameters, clones, pause and stop."
        elif engine.controller is not None:
            text = f"Watching the run at {where}. {engine.controller.name} has control."
        else:
            text = f"Watching the run at {where}. Nobody has control."
        self.text.show_text(text)
        self._icon.show_icon("hand" if engine.has_control else "eye", "accent" if engine.has_control else "text2")
        self.control_button.setText("Give control back" if engine.has_control else "Take control")
        self.control_button.setToolTip(
            "Only watch from now on"
            if engine.has_control
            else "Be the one who may change parameters and clones, pause and stop"
        )
        self.control_button.setEnabled(is_going_on and engine.is_attached)

    def _toggle(self) -> None:
        if self._engine.has_control:
            self._engine.give_back()
        else:
            self._engine.take_control()
