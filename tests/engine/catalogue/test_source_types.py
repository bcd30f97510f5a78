"""The types of values as they stand in the source of a cell."""

import textwrap
from pathlib import Path

import pytest

from pypipeline_engine.catalogue.discovery import Catalogue
from pypipeline_engine.catalogue.model import CellType, fits

HEAD = """
from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional, TypeAlias, TypedDict, Union

from pypipeline_engine.cell import ASingleCell, Pipeline
from pypipeline_engine.cellio import ConfigParameter, Input, InputPort, Output, OutputPort, RuntimeParameter

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from pypipeline_engine.cells.types import Boxes, Image, InputPath, OutputPath, Record, Tensor, Tracks
    from pypipeline_engine.cells.types import Image as Picture
    Frame: TypeAlias = "npt.NDArray[np.uint8]"
    Either = Union[Boxes, Tracks]


class Mode(enum.Enum):
    FAST = 1
    EXACT = 2


class Colour(str, enum.Enum):
    RED = "red"
    BLUE = "blue"


class Row(TypedDict):
    a: int

"""


def describe(tmp_path: Path, body: str) -> CellType:
    """The description of the class `Probe` in a file."""
    file = tmp_path / "library.py"
    file.write_text(HEAD + textwrap.dedent(body), encoding="utf-8")
    found = Catalogue([file]).find("library.Probe")
    assert found is not None
    assert found.problem == ""
    return found


def one(annotation: str, call: str = "Input(self, 'x')") -> str:
    """A cell with one attribute."""
    return f"""
    class Probe(ASingleCell):
        def __init__(self, parent_cell, name):
            super().__init__(parent_cell, name)
            self.x{": " + annotation if annotation else ""} = {call}
            self.y = Output(self, "y")

        def _on_pull(self) -> None:
            pass
    """


@pytest.mark.parametrize(
    ("annotation", "text", "kinds"),
    [
        ("Input[Image]", "Image", ("image",)),
        ("'Input[Image]'", "Image", ("image",)),
        ("Input['Image']", "Image", ("image",)),
        ("Input[Picture]", "Picture", ("image",)),
        ("Input[Boxes]", "Boxes", ("boxes",)),
        ("Input[Tracks | None]", "Tracks | None", ("tracks",)),
        ("Input[Optional[Tracks]]", "Optional[Tracks]", ("tracks",)),
        ("Input[Boxes | Tracks]", "Boxes | Tracks", ("boxes", "tracks")),
        ("Input[Either]", "Either", ("boxes", "tracks")),
        ("Input[np.ndarray]", "np.ndarray", ("tensor",)),
        ("Input[npt.NDArray[np.float32]]", "npt.NDArray[np.float32]", ("tensor",)),
        ("Input[Frame]", "Frame", ("tensor",)),
        ("Input[int]", "int", ("number",)),
        ("Input[int | float]", "int | float", ("number",)),
        ("Input[bool]", "bool", ("number",)),
        ("Input[str]", "str", ("text",)),
        ("Input[Path]", "Path", ("text",)),
        ("Input[Colour]", "Colour", ("text",)),
        ("Input[Literal['a', 'b']]", "Literal['a', 'b']", ("text",)),
        ("Input[Record]", "Record", ("record",)),
        ("Input[dict[str, int]]", "dict[str, int]", ("record",)),
        ("Input[Row]", "Row", ("record",)),
        ("Input[list[int]]", "list[int]", ("any",)),
        ("Input[Any]", "Any", ("any",)),
        ("Input[int | Any]", "int | Any", ("any",)),
        ("Input[Annotated[int, 'x']]", "Annotated[int, 'x']", ("number",)),
        ("Input[Unknown]", "Unknown", ("any",)),
        ("Input[lambda: 0]", "lambda: 0", ("any",)),
        ("Input", "", ("any",)),
        ("", "", ("any",)),
    ],
)
def test_kinds_of_ports(tmp_path: Path, annotation: str, text: str, kinds: tuple[str, ...]) -> None:
    port = describe(tmp_path, one(annotation)).inputs[0]
    assert (port.name, port.type_text, port.kinds, port.attribute) == ("x", text, kinds, "x")


def test_the_type_may_stand_in_the_call(tmp_path: Path) -> None:
    assert describe(tmp_path, one("", "Input[float](self, 'x')")).inputs[0].kinds == ("number",)
    assert describe(tmp_path, one("", "Output['Image'](self, 'x')")).outputs[0].kinds == ("image",)


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("int", "a whole number"),
        ("float", "a number"),
        ("bool", "true or false"),
        ("str", "text"),
        ("float | None", "a number or null"),
        ("Path", "a path as text"),
        ("InputPath", "the path of a file as text"),
        ("OutputPath | str", "the path of a file as text or text"),
        ("Mode", 'one of "FAST", "EXACT"'),
        ("Colour", 'one of "red", "blue"'),
        ("Literal['a', 2, None]", 'one of "a", 2, null'),
        ("tuple[int, str]", "a list of 2 (a whole number, text)"),
        ("tuple[int, ...]", "a list (each: a whole number)"),
        ("tuple", "a list"),
        ("list[float]", "a list (each: a number)"),
        ("list", "a list"),
        ("dict[str, int]", "an object"),
        ("set[int]", "any value"),
        ("Unknown", "any value"),
    ],
)
def test_types_of_parameters(tmp_path: Path, annotation: str, expected: str) -> None:
    body = one(f"ConfigParameter[{annotation}]", "ConfigParameter(self, 'x', default_value=None)")
    assert str(describe(tmp_path, body).parameters[0].type) == expected


def test_a_path_of_a_cell_that_only_writes_is_one_to_write(tmp_path: Path) -> None:
    body = one("ConfigParameter[Path]", "ConfigParameter(self, 'x')")
    assert describe(tmp_path, body).parameters[0].type.name == "path"
    sink = body.replace('self.y = Output(self, "y")', "pass")
    assert describe(tmp_path, sink).parameters[0].type.name == "output_path"


def test_attributes_of_base_classes_and_of_other_methods_count(tmp_path: Path) -> None:
    found = describe(
        tmp_path,
        """
        class Base(ASingleCell):
            late: Output[Boxes]

            def __init__(self, parent_cell, name):
                super().__init__(parent_cell, name)
                self.image: Input[Image] = Input(self, "image")
                self._make_rest()

            def _make_rest(self) -> None:
                self.late = Output(self, "late")
                self._hidden: Output[int] = Output(self, "other_name")

            def _on_pull(self) -> None:
                pass


        class Probe(Base):
            def __init__(this, parent_cell, name):
                super().__init__(parent_cell, name)
                this.more: Input[Tracks] = Input(this, "more")
        """,
    )
    assert [(port.name, port.kinds) for port in found.inputs] == [("image", ("image",)), ("more", ("tracks",))]
    outputs = [(port.name, port.kinds, port.attribute) for port in found.outputs]
    assert outputs == [("late", ("boxes",), "late"), ("other_name", ("number",), "")]


def test_ports_of_composites(tmp_path: Path) -> None:
    found = describe(
        tmp_path,
        """
        class Probe(Pipeline):
            def __init__(self, parent_cell, name):
                super().__init__(parent_cell, name)
                self.image: InputPort[Image] = InputPort(self, "image")
                self.boxes = OutputPort[int](self, "boxes")
        """,
    )
    assert found.is_composite
    assert [port.kinds for port in (*found.inputs, *found.outputs)] == [("image",), ("number",)]


def test_an_alias_that_means_itself_is_any_value(tmp_path: Path) -> None:
    body = "if TYPE_CHECKING:\n    A: TypeAlias = 'B'\n    B: TypeAlias = 'A'\n" + textwrap.dedent(one("Input[A]"))
    assert describe(tmp_path, body).inputs[0].kinds == ("any",)


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        (["image"], ["image"], True),
        (["image"], ["boxes"], False),
        (["image"], ["any"], True),
        (["any"], ["boxes"], True),
        (["boxes", "tracks"], ["tracks"], True),
        (["tensor"], ["image"], True),
        (["image"], ["tensor"], True),
        (["number"], ["tensor"], False),
        (["text"], ["number"], False),
        (["record"], ["text"], False),
    ],
)
def test_which_kinds_fit(source: list, target: list, expected: bool) -> None:
    assert fits(source, target) is expected
