"""A sheet of nodes in all their states, with wires, in both themes and at all levels of detail.

`python tests/studio/canvas_sheet.py FOLDER` writes the pictures, for eyes.
"""

import sys
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter, QUndoStack
from PySide6.QtWidgets import QApplication

from pypipeline_studio.canvas.nodegraphqt import StudioGraph, install_items
from pypipeline_studio.canvas.pipe_item import StudioPipe
from pypipeline_studio.canvas.scene import StudioScene
from pypipeline_studio.canvas.viewer import StudioViewer
from pypipeline_studio.canvas.wire_labels import WireLabels
from pypipeline_studio.document.views import NodeLive, NodeView, PortView, WireLive
from pypipeline_studio.theme.colours import theme
from pypipeline_studio.theme.fonts import load_fonts

DETECT = NodeView(
    "detect",
    "detection.HogPeople",
    "HogPeople",
    "detection",
    inputs=(PortView("image", ("image",)),),
    outputs=(PortView("boxes", ("boxes",)),),
    parameters=(("hit_threshold", "0.20"), ("stride", "8 px")),
)
MISSING = replace(
    DETECT,
    name="reid",
    type_name="acme_reid.Embedder",
    title="acme_reid.Embedder",
    category="missing",
    condition="missing",
    outputs=(PortView("embedding", ("tensor",)),),
    parameters=(("model", "osnet_x1.onnx"),),
    note="Not installed – kept as saved",
)
NESTED = replace(
    DETECT,
    name="crowd",
    type_name="pipeline",
    title="Pipeline · 3 cells",
    category="pipeline",
    inputs=(PortView("boxes", ("boxes",)), PortView("embedding", ("tensor",))),
    outputs=(PortView("count", ("number",)),),
    parameters=(),
)
RUNNING = NodeLive("running", 30.2, 0.0124, 0.42, 0.50, 0.08, "×2 threads")
STATES = {
    "idle": (DETECT, None),
    "running": (DETECT, RUNNING),
    "limit": (DETECT, NodeLive("running", 8.21, 0.251, 0.98, 0.01, 0.01, "×2 threads", is_limit=True)),
    "selected": (DETECT, NodeLive("running", 30.2, 0.0124, 0.31, 0.09, 0.60, "×2 Ray")),
    "error": (DETECT, NodeLive("running", 8.21, 0.0034, 0.12, 0.88, 0.0, nb_errors=12)),
    "disabled": (replace(DETECT, condition="disabled", note="Disabled"), None),
    "missing": (MISSING, None),
    "nested": (NESTED, NodeLive("running", 8.21, 0.00402, 0.03, 0.97, 0.0)),
    "paused": (DETECT, replace(RUNNING, activity="paused")),
    "over": (DETECT, replace(RUNNING, activity="over")),
    "bypassed": (replace(DETECT, condition="bypassed", note="Bypassed: image passes"), None),
    "problem": (replace(DETECT, nb_problems=2, workers="×2 threads"), None),
    "working": (DETECT, replace(RUNNING, working_s=12.0)),
    "limit and error": (DETECT, replace(RUNNING, is_limit=True, nb_errors=3)),
    "long": (
        replace(DETECT, name="a_very_long_name_of_a_cell", title="BackgroundSubtractor"),
        NodeLive("running", 12345.0, 0.000251, 0.004, 0.9, 0.0, "×12 threads"),
    ),
    "slow": (DETECT, NodeLive("running", 0.0412, 12.3, 0.004, 0.99, 0.0, "×16 threads")),
}
COLUMNS, STEP_X, STEP_Y = 4, 244, 200


class Sheet:
    """A graph of nodes in all states, by the name of the state. Stands for itself until `close`."""

    def __init__(self) -> None:
        load_fonts()
        install_items(StudioPipe, StudioScene)
        self.stack = QUndoStack()
        self.viewer = StudioViewer(self.stack, lambda port: {}, lambda name, pipe: False)
        self.graph = StudioGraph(self.stack, self.viewer)
        self.labels = WireLabels(self.viewer)
        self.viewer.scene().addItem(self.labels)
        self.nodes = {}

    def add_states(self) -> None:
        """One node for each state."""
        for index, (state, (view, live)) in enumerate(STATES.items()):
            row, column = divmod(index, COLUMNS)
            node = self.add(state, replace(view, position=(column * STEP_X, row * STEP_Y)), live)
            node.setSelected(state == "selected")

    def add(self, key, view, live=None):
        """One node; gives its item."""
        node = self.graph.add_studio_node(view.name, view)
        node.view.show_live(live)
        self.nodes[key] = node
        return node.view

    def wire(self, source, output, target, input_name, live=None, is_recurrent=False) -> StudioPipe:
        pipe = self.graph.connect_ports(self.nodes[source], output, self.nodes[target], input_name)
        pipe.is_recurrent = is_recurrent
        pipe.show_live(live)
        return pipe

    def add_wires(self) -> None:
        """Wires of every kind beside and below each other: crossing, running back, passing nodes, full and empty queues."""

        def view(name, x, y, inputs=("image",), outputs=("image",), **changes):
            return NodeView(
                name,
                "vision.Blur",
                "Blur",
                "vision",
                inputs=tuple(PortView(f"in{number}", (kind,)) for number, kind in enumerate(inputs)),
                outputs=tuple(PortView(f"out{number}", (kind,)) for number, kind in enumerate(outputs)),
                position=(x, y),
                **changes,
            )

        self.add("source", view("source", 0, 900, (), ("image", "number")))
        self.add("middle", view("middle", 304, 900))
        self.add("sink", view("sink", 624, 900, ("image", "image", "number"), ("boxes",)))
        self.add("under", view("under", 304, 1080, ("boxes",), ("boxes",)))
        self.add("off", view("off", 624, 1120, condition="disabled", note="Disabled"))
        self.wire("source", "out0", "middle", "in0", WireLive(8.21, 8, 8))
        self.wire("middle", "out0", "sink", "in0", WireLive(8.21, 0, 8))
        self.wire("source", "out0", "sink", "in1", WireLive(8.20, 5, 8))
        self.wire("source", "out1", "sink", "in2")
        self.wire("sink", "out0", "under", "in0", WireLive(8.2, 6, 8), is_recurrent=True)
        self.wire("under", "out0", "under", "in0", is_recurrent=True)
        self.wire("source", "out0", "off", "in0")

    def picture(self, zoom=1.0, scale=1.0, area=None) -> QImage:
        """What is shown of `area` at a zoom, on a screen with `scale` pixels to the pixel."""
        if area is None:
            area = QRectF()
            for node in self.nodes.values():
                area = area.united(node.view.sceneBoundingRect())
        image = QImage(
            round(area.width() * zoom * scale), round(area.height() * zoom * scale), QImage.Format.Format_RGB32
        )
        image.setDevicePixelRatio(scale)
        painter = QPainter(image)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
        self.viewer.scene().render(painter, QRectF(0, 0, area.width() * zoom, area.height() * zoom), area)
        painter.end()
        return image

    def area(self, key) -> QRectF:
        """A node with its badges, in the scene."""
        return self.nodes[key].view.sceneBoundingRect()

    def close(self) -> None:
        self.viewer.close()
        self.graph.deleteLater()
        self.viewer.deleteLater()


def main(folder: Path) -> None:
    application = QApplication.instance() or QApplication([])
    folder.mkdir(parents=True, exist_ok=True)
    sheet = Sheet()
    sheet.add_states()
    sheet.add_wires()
    for mode in ("dark", "light"):
        theme.set_mode(mode)
        sheet.graph.restyle()
        for zoom, scale in ((1.0, 2.0), (1.0, 1.0), (0.5, 2.0), (0.25, 2.0)):
            area = QRectF(-40, -50, 1010, 1330)
            sheet.picture(zoom, scale, area).save(str(folder / f"{mode}-{round(100 * zoom)}-{scale:.0f}x.png"))
    sheet.close()
    application.processEvents()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
