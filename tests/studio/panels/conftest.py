"""Types of cells as an engine sends them, and widgets on a screen that is not there."""

import pytest
from panel_samples import FLOAT, INT, NULL, TEXT, parameter, port, value_type
from PySide6.QtWidgets import QApplication

from pypipeline_engine.catalogue.model import CellType
from pypipeline_studio.theme.style import apply


@pytest.fixture
def types():
    detect = CellType(
        name="detection.HogPeople",
        category="detection",
        class_name="HogPeople",
        description="Finds people.",
        inputs=(port("image", "image"),),
        outputs=(port("boxes", "boxes"),),
        parameters=(
            parameter("hit_threshold", FLOAT, 0.0, minimum=-10, maximum=10),
            parameter("stride", INT, 8, minimum=1, maximum=64, unit="px"),
            parameter("width", value_type("union", INT, NULL), None, minimum=1, unit="px"),
            parameter("labels", value_type("bool"), True),
            parameter("mode", TEXT, "fast", choices=("fast", "good")),
            parameter("title", TEXT, ""),
            parameter("mean", value_type("list", FLOAT), [0.0]),
            parameter("model", value_type("input_path"), when="config", required=True),
        ),
    )
    sort = CellType(
        name="tracking.Sort",
        category="tracking",
        class_name="Sort",
        inputs=(port("boxes", "boxes"),),
        outputs=(port("tracks", "tracks"),),
        parameters=(parameter("max_age", INT, 1, minimum=0),),
        supports_scaling=False,
    )
    draw = CellType(
        name="vision.DrawBoxes",
        category="vision",
        class_name="DrawBoxes",
        inputs=(port("image", "image"), port("boxes", "boxes")),
        outputs=(port("image", "image"),),
    )
    return detect, sort, draw


@pytest.fixture
def show(qtbot):
    """Puts a widget on the screen, styled, and active, so that it can have the focus."""
    apply(QApplication.instance(), "dark")
    # What is around a widget is deleted with the last reference to it.
    kept = []

    def put(widget, width=400, height=600):
        qtbot.addWidget(widget)
        kept.append(widget)
        widget.resize(width, height)
        widget.show()
        qtbot.waitExposed(widget)
        widget.activateWindow()
        qtbot.waitUntil(widget.isActiveWindow)
        return widget

    yield put
    kept.clear()
