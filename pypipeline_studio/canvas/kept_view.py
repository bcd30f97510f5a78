"""What a canvas keeps of a graph that is not in front: its items, off the scene, and where they were looked at.

Making 500 nodes takes a second and more; taking them off the scene and putting them back takes a few hundredths.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF

from pypipeline_studio.canvas.nodegraphqt import StudioNode
from pypipeline_studio.canvas.pipe_item import StudioPipe
from pypipeline_studio.canvas.scene import StudioScene
from pypipeline_studio.document.presentation import Presentation
from pypipeline_studio.document.views import WireView


@dataclass(frozen=True)
class KeptView:
    """One pipeline of one graph."""

    path: tuple[str, ...]
    presentation: Presentation
    nodes: dict[str, StudioNode]
    pipes: dict[WireView, StudioPipe]
    selected: tuple[str, ...]
    place: tuple[float, QPointF]
    """How large it was shown, and what was in the middle."""
    is_fitted: bool
    keeps_all_visible: bool

    def leave(self, scene: StudioScene) -> None:
        """Take the items off a scene; they stay as they are."""
        scene.route_wires()  # what has moved just before
        scene.clearSelection()
        for pipe in self.pipes.values():
            scene.removeItem(pipe)
        for node in self.nodes.values():
            scene.removeItem(node.view)
        scene.forget_moves()

    def enter(self, scene: StudioScene) -> None:
        """Put the items back where they were."""
        for node in self.nodes.values():
            scene.addItem(node.view)
        for pipe in self.pipes.values():
            scene.addItem(pipe)
        scene.forget_moves()
