"""A run that is looked into, played: what a window asks of the engine, and what the engine tells it."""

import json

from panel_samples import FLOAT, INT, parameter, port, value_type
from PySide6.QtCore import QBuffer, QByteArray, QIODevice
from PySide6.QtGui import QColor, QImage

from pypipeline_engine.catalogue.model import CellType
from pypipeline_engine.host.looking import PreviewInfo, ValueSummary
from pypipeline_engine.host.protocol import Catalogue, RunInfo

GRAPH = {
    "format": "pypipeline.graph",
    "version": 1,
    "cells": {
        "count": {"type": "sources.Counter"},
        "paint": {"type": "looked_cells.Paint"},
        "find": {"type": "looked_cells.Find"},
        "end": {"type": "looked_cells.Ignore"},
    },
    "connections": [["count.value", "paint.item"], ["paint.image", "find.image"], ["find.boxes", "end.item"]],
}
IMAGE, BOXES, NUMBER = ("paint", "image"), ("find", "boxes"), ("count", "value")


def _type(name, inputs=(), outputs=(), parameters=()):
    category, _, class_name = name.rpartition(".")
    return CellType(
        name=name, category=category, class_name=class_name, inputs=inputs, outputs=outputs, parameters=parameters
    )


CATALOGUE = Catalogue(
    types=(
        _type("sources.Counter", outputs=(port("value", "number"),)),
        _type(
            "looked_cells.Paint",
            (port("item", "number"),),
            (port("image", "image"),),
            (
                parameter("gain", INT, 1),
                parameter("blur", FLOAT, 0.5, minimum=0, maximum=1),
                parameter("model", value_type("text"), "a", when="config"),
            ),
        ),
        _type("looked_cells.Find", (port("image", "image"),), (port("boxes", "boxes"),)),
        _type("looked_cells.Ignore", (port("item", "any"),)),
    )
)

IMAGE_VALUE = ValueSummary(
    type="ndarray",
    text="uint8 48x64x3",
    shape=(48, 64, 3),
    dtype="uint8",
    length=48,
    minimum=0,
    maximum=255,
    mean=70,
    has_picture=True,
    nb_bytes=9216,
)
BOXES_VALUE = ValueSummary(
    type="ndarray", text="float32 1x5", shape=(1, 5), dtype="float32", boxes=((0, 0, 32, 24, 1),), nb_bytes=20
)


def number_value(number) -> ValueSummary:
    return ValueSummary(type="int", text=str(number), minimum=number, maximum=number, mean=number)


def jpeg(grey=90) -> bytes:
    image = QImage(64, 48, QImage.Format.Format_RGB32)
    image.fill(QColor(grey, grey, grey))
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "JPG", 95)
    buffer.close()
    return bytes(content.data())


def open_graph(window, tmp_path, name="looked.json") -> None:
    path = tmp_path / name
    path.write_text(json.dumps(GRAPH))
    window.session.set_catalogue(CATALOGUE)
    window.session.open(path)
    window.resize(1400, 900)
    window.canvas.fit_all()


class PlayedRun:
    """Takes note of what is asked of the engine; `asked` has it in order."""

    def __init__(self, window, monkeypatch) -> None:
        self.window, self.looking, self.asked = window, window.engine.looking, []
        self.number = 0
        self.pictures = []
        self.with_pixels = []
        """Of each request for a picture of a preview, whether its pixels are to be kept."""
        self.answers = {}
        looking = self.looking
        monkeypatch.setattr(window.engine, "run_graph", self._run_graph)
        for name in ("resume", "pause"):
            monkeypatch.setattr(window.engine, name, lambda name=name: self.asked.append((name,)))
        monkeypatch.setattr(window.engine, "step", lambda items=1: self.asked.append(("step", items)))
        for name in (
            "preview",
            "stop_preview",
            "set_breakpoint",
            "remove_breakpoint",
            "replay",
            "get_held",
            "retain",
            "get_failed",
            "get_pixels",
            "replay_failed",
        ):
            monkeypatch.setattr(looking, name, lambda *values, name=name: self._take(name, values))
        monkeypatch.setattr(looking, "get_preview_picture", self._take_picture)
        for name in ("get_held_picture", "get_replayed_picture"):
            monkeypatch.setattr(looking, name, lambda *values, name=name: self.pictures.append((name, values)))

    def _run_graph(self, *_, paused=False, **__) -> None:
        self.asked.append(("run", paused))

    def _take_picture(self, place, done, refused=None, with_pixels=False) -> None:
        self.with_pixels.append(with_pixels)
        self.pictures.append(("get_preview_picture", (place, done, refused)))

    def _take(self, name, values) -> None:
        self.asked.append((name, *(value for value in values if not callable(value))))
        self.answers[name] = [value for value in values if callable(value)]

    def names(self, *wanted) -> list:
        return [asked for asked in self.asked if asked[0] in wanted]

    def start(self) -> None:
        self.number += 1
        self.window.run_control.start()
        self.tell("running")

    def tell(self, state, **more) -> None:
        self.window.engine.run = RunInfo(run=self.number, state=state, **more)
        self.window.engine.run_changed.emit(self.window.engine.run)

    def value(self, place, value, item=0) -> None:
        self.looking.preview_arrived.emit(PreviewInfo(cell=place[0], port=place[1], item=item, value=value))

    def answer_picture(self, content=None, item=0, picture=None) -> None:
        """Answer the request for a picture that is open the longest.

        :param picture: its number, where its pixels can be asked for.
        """
        _, values = self.pictures.pop(0)
        numbers = (item,) if picture is None else (item, picture)
        next(value for value in values if callable(value))(jpeg() if content is None else content, *numbers)
