"""NodeGraphQt 0.6.44, with what has to be done differently. The only module that imports it.

What is used of it: the node, port and pipe items with their bookkeeping, and the view with its coordinates. Documents, undo,
gestures and painting are ours. Each change below names the fault that it mends.
"""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Any

# Qt.py takes the first binding that it finds, and looks for PyQt5 before PySide6.
os.environ.setdefault("QT_PREFERRED_BINDING", "PySide6")
with warnings.catch_warnings():
    # It uses distutils and names of enumerations that Qt 6 has deprecated; nothing that we could change.
    warnings.simplefilter("ignore")
    from NodeGraphQt import BaseNode, NodeGraph
    from NodeGraphQt.qgraphics.node_base import NodeItem
    from NodeGraphQt.qgraphics.pipe import PipeItem
    from NodeGraphQt.qgraphics.port import PortItem
    from NodeGraphQt.widgets import viewer as _viewer_module
    from NodeGraphQt.widgets.scene import NodeScene
    from NodeGraphQt.widgets.viewer import NodeViewer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QUndoStack

    from pypipeline_studio.canvas.node_item import StudioNodeItem
    from pypipeline_studio.canvas.pipe_item import StudioPipe
    from pypipeline_studio.canvas.port_item import StudioPort
    from pypipeline_studio.document.views import NodeView

__all__ = ["BareViewer", "NodeItem", "NodeScene", "PipeItem", "PortItem", "StudioGraph", "StudioNode", "install_items"]


def install_items(pipe: type[PipeItem], scene: type[NodeScene]) -> None:
    """Have views make our wires and scenes. They take both by name from their module, and no argument for either."""
    _viewer_module.PipeItem = pipe
    _viewer_module.NodeScene = scene


class BareViewer(NodeViewer):  # type: ignore[misc]
    """The view without menus of its own, which would bind keys and warn about distutils for each view."""

    def _build_context_menus(self) -> None:
        pass


class StudioNode(BaseNode):  # type: ignore[misc]
    """A node of NodeGraphQt's model, with an item of ours as its view."""

    __identifier__ = "pypipeline"
    NODE_NAME = "Cell"

    view: StudioNodeItem

    def __init__(self) -> None:
        from pypipeline_studio.canvas.node_item import StudioNodeItem

        super().__init__(qgraphics_item=StudioNodeItem)
        # Without it, ports that are added later are not written to copies of the node.
        self.set_port_deletion_allowed(True)


class StudioGraph(NodeGraph):  # type: ignore[misc]
    """The model and the items of one canvas. Nothing here touches the undo stack."""

    def __init__(self, undo_stack: QUndoStack, viewer: NodeViewer) -> None:
        super().__init__(undo_stack=undo_stack, viewer=viewer)
        self.register_node(StudioNode)
        # The view itself would refuse recurrence; what may be connected is decided with the document.
        self.set_acyclic(False)

    def _wire_signals(self) -> None:
        """Do not follow the view: NodeGraphQt would change its model and push commands of its own. The canvas follows it."""

    def add_studio_node(self, name: str, view: NodeView) -> StudioNode:
        """A node for a view, with its ports."""
        node = StudioNode()
        node.NODE_NAME = name
        node.model.name = name
        node.view.name = name
        for port in view.inputs:
            # `multi_input`: a single one drops its old wire without making the new one; the document keeps it single.
            node.add_input(port.name, multi_input=True, display_name=False)
        for port in view.outputs:
            node.add_output(port.name, multi_output=True, display_name=False)
        node.view.show_view(view)
        # `create_node` looks for a free name among all nodes, which takes quadratic time; ours are free.
        self.add_node(node, pos=list(view.position), selected=False, push_undo=False, inherite_graph_style=False)
        node.model.name = name
        # Adding it has set a name and a tool tip of its own.
        node.view.show_view(view)
        return node

    def remove_studio_node(self, node: StudioNode) -> None:
        """Take a node away; its wires are gone already."""
        del self.model.nodes[node.id]
        node.view.delete()

    def place(self, node: StudioNode, position: tuple[float, float]) -> None:
        """Put a node at another place."""
        node.model.pos = list(position)
        node.view.xy_pos = list(position)

    def connect_ports(self, source: StudioNode, output: str, target: StudioNode, input_name: str) -> StudioPipe | None:
        """A wire between two ports; `None` where one of them is not there."""
        start = _find(source.view.outputs, output)
        end = _find(target.view.inputs, input_name)
        if start is None or end is None:
            return None
        # `Port.connect_to` checks constraints of types that we do not have, and writes to the undo stack in some cases.
        pipe = _viewer_module.PipeItem(end, start)
        self.viewer().scene().addItem(pipe)
        pipe.set_connections(start, end)
        pipe.draw_path(pipe.input_port, pipe.output_port)
        return pipe  # type: ignore[no-any-return]

    def disconnect_pipe(self, pipe: StudioPipe) -> None:
        """Take a wire away."""
        pipe.delete()

    def restyle(self) -> None:
        """Paint everything again in the colours of the theme."""
        scene: Any = self.viewer().scene()
        scene.restyle()
        scene.update()


def _find(ports: Sequence[StudioPort], name: str) -> StudioPort | None:
    return next((port for port in ports if port.name == name), None)
