"""The graph document: what a graph file says, as data.

This is the one definition of the format; the JSON schema and the messages about wrong files follow from it. It knows no cell
types: whether a cell called `detection.HogPeople` exists and what it needs is checked by `pypipeline_engine.graph.check`.

Documents are immutable: to change one, make another with `model_copy(update=...)`. Do not change the lists and
dictionaries inside.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    WithJsonSchema,
    model_serializer,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError

from pypipeline_engine.graph.problems import describe

FORMAT: Final = "pypipeline.graph"
VERSION: Final = 1
PIPELINE = "Pipeline"
"""The type of a cell that is a pipeline itself, with its cells and connections in the document."""
UNREADABLE: Final = "?"
"""Stands for the type of a cell, or for the ends of a connection, that could not be read."""
MAX_CLONES = 1024
MAX_VALUE_DEPTH = 80


SomeModel = TypeVar("SomeModel", bound=BaseModel)


def refuse(message: str) -> PydanticCustomError:
    """The error by which a validator of these models refuses a value: what was expected and what came."""
    return PydanticCustomError("graph", "{message}", {"message": message})


def explain_name(name: str) -> str | None:
    """Why `name` cannot name a cell or a port; `None` where it can. The rule is that of the engine's cells."""
    if not name.strip():
        return "a name must not be empty"
    if "." in name:
        return f"the name {describe(name)} contains a dot; dots separate the parts of a full name"
    if not name.isprintable():
        return f"the name {describe(name)} contains a control character"
    return None


def _check_name(name: str) -> str:
    reason = explain_name(name)
    if reason is not None:
        raise refuse(reason)
    return name


def _check_distinct(names: list[str]) -> list[str]:
    twice = next((name for index, name in enumerate(names) if name in names[:index]), None)
    if twice is not None:
        raise refuse(f"the name {describe(twice)} is there twice")
    return names


def _check_text(text: str) -> str:
    if not text.isprintable():
        raise refuse(f"text without control characters is expected, not {describe(text)}")
    return text


def _check_json(value: Any, depth: int = 0) -> Any:
    """Refuse what a JSON text cannot hold, or not give back as it was."""
    if depth > MAX_VALUE_DEPTH:
        raise refuse(f"a value is nested more than {MAX_VALUE_DEPTH} deep")
    if isinstance(value, str):
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise refuse("text contains one half of a surrogate pair, which is no character")
    elif isinstance(value, bool) or value is None:
        pass
    elif type(value) in (int, float):
        try:
            finite = math.isfinite(value)
        except OverflowError:
            finite = False
        if not finite:
            raise refuse(f"a finite number is expected, not {describe(value)}")
    elif type(value) is dict:
        for key, inner in value.items():
            if not isinstance(key, str):
                raise refuse(f"the keys of an object must be text, not {describe(key)}")
            _check_json(key)
            _check_json(inner, depth + 1)
    elif type(value) is list:
        for inner in value:
            _check_json(inner, depth + 1)
    else:
        raise refuse(f"a JSON value is expected, not {type(value).__name__}")
    return value


def _check_amount(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise refuse(f"a number of at least 0 is expected, not {describe(value)}")
    return value


def _none_if_empty(value: SomeModel | None) -> SomeModel | None:
    """What says nothing is not there, so that a document has one form."""
    return None if value is None or value == type(value)() else value


_NAME_SCHEMA = {"type": "string", "pattern": r"^[^.\u0000-\u001f]+$"}

Json: TypeAlias = Annotated[Any, AfterValidator(_check_json), WithJsonSchema({})]
"""Anything that a JSON text can say, with finite numbers."""
Name: TypeAlias = Annotated[str, AfterValidator(_check_name), WithJsonSchema(_NAME_SCHEMA)]
Text: TypeAlias = Annotated[str, AfterValidator(_check_text)]
PortNames: TypeAlias = Annotated[list[Name], AfterValidator(_check_distinct)]
Amount: TypeAlias = Annotated[Any, BeforeValidator(_check_amount), WithJsonSchema({"type": "number", "minimum": 0})]
"""A number of at least 0; whole ones stay whole, so that they are written as they were read."""
Clones: TypeAlias = Annotated[int, Field(ge=0, le=MAX_CLONES)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class RayOptions(_Model):
    """What each Ray clone of a cell asks of the cluster."""

    num_cpus: Amount | None = None
    num_gpus: Amount | None = None
    resources: dict[Text, Amount] | None = None
    memory: Amount | None = Field(default=None, description="bytes")


class Scale(_Model):
    """How many clones a cell has, and of which kind."""

    thread: Clones = 0
    ray: Clones = 0
    queue_capacity: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        default=None, description="items that may be inside at once; by the number of clones where it is left out"
    )
    ray_options: Annotated[RayOptions | None, AfterValidator(_none_if_empty)] = None

    @property
    def clones(self) -> int:
        """How many there are of all kinds."""
        return self.thread + self.ray


class OnError(_Model):
    """What happens when a cell raises an error: how often the item is tried again, and what if it still fails."""

    retry: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    then: Literal["fail", "skip"] = "fail"

    @model_validator(mode="before")
    @classmethod
    def _from_word(cls, value: Any) -> Any:
        if value in ("fail", "skip") and isinstance(value, str):
            return {"then": value}
        if isinstance(value, dict | OnError):
            return value
        raise refuse(f'\'fail\', \'skip\' or {{"retry": 3, "then": "skip"}} is expected, not {describe(value)}')

    @model_serializer
    def _to_word(self) -> str | dict[str, Any]:
        return {"retry": self.retry, "then": self.then} if self.retry else self.then

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"enum": ["fail", "skip"]}, handler.resolve_ref_schema(handler(core_schema))]}


class ConnectionEntry(_Model):
    """From an output to an input; `["video.frame", "detect.image"]` in the text.

    An end is `cell.port`; a bare `port` is one of the pipeline in which the connection lies.
    """

    source: Text
    target: Text
    mark: Literal["recurrent"] | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, value: Any) -> Any:
        if isinstance(value, ConnectionEntry):
            return value
        if isinstance(value, dict) and set(value) <= {"source", "target", "mark"}:
            return value
        if not isinstance(value, list | tuple) or not 2 <= len(value) <= 3:
            raise refuse(f'["cell.output", "other.input"] is expected, not {describe(value)}{_length(value)}')
        for end in value[:2]:
            if not isinstance(end, str):
                raise refuse(f'both ends of a connection must be text such as "cell.port", not {describe(end)}')
        if len(value) == 3 and value[2] != "recurrent":
            raise refuse(f'a third element can only be "recurrent", not {describe(value[2])}')
        return dict(zip(("source", "target", "mark"), value, strict=False))

    @model_serializer
    def _to_list(self) -> list[str]:
        return [self.source, self.target, *([self.mark] if self.mark else [])]

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        end = {"type": "string"}
        return {
            "type": "array",
            "description": "source, target, and whether it is marked as recurrent",
            "prefixItems": [end, end, {"const": "recurrent"}],
            "minItems": 2,
            "maxItems": 3,
        }

    def __str__(self) -> str:
        return f"{self.source} -> {self.target}"


def _length(value: object) -> str:
    return f" of {len(value)}" if isinstance(value, list) and value else ""


class Body(_Model):
    """What a pipeline consists of: its own ports, its cells, the connections between them."""

    inputs: PortNames = []
    outputs: PortNames = []
    cells: dict[Name, CellEntry] = {}
    connections: list[ConnectionEntry] = []
    view: dict[str, Json] = Field(
        default={}, description="what tools remember, such as positions; the engine ignores it"
    )

    def walk(self, prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], CellEntry]]:
        """Every cell with the names that lead to it, those inside of nested pipelines too."""
        for name, cell in self.cells.items():
            yield (*prefix, name), cell
            yield from cell.walk((*prefix, name))


class CellEntry(Body):
    """One cell. `inputs` to `view` are there only where its type is `Pipeline`."""

    type: Annotated[Text, Field(min_length=1, description="category.Class, or Pipeline")]
    parameters: dict[Text, Json] = {}
    scale: Annotated[Scale | None, AfterValidator(_none_if_empty)] = None
    on_error: OnError | None = None
    initial_values: dict[Text, Json] = Field(default={}, description="by output; they make recurrence possible")
    disabled: bool = Field(default=False, description="leave out the cell and its connections")
    bypassed: bool = Field(default=False, description="pass to each output the first input of equal type")

    @property
    def is_pipeline(self) -> bool:
        """Whether the cells inside of it stand in the document."""
        return self.type == PIPELINE

    @model_validator(mode="after")
    def _has_body_only_as_pipeline(self) -> CellEntry:
        misplaced = [name for name in Body.model_fields if getattr(self, name)]
        if misplaced and self.type not in (PIPELINE, UNREADABLE):
            raise PydanticCustomError(
                "misplaced", "only a cell of type Pipeline has {keys}", {"keys": ", ".join(misplaced)}
            )
        return self


SomeBody = TypeVar("SomeBody", bound=Body)


class Document(Body):
    """A graph file."""

    format: Literal["pypipeline.graph"] = FORMAT
    version: Literal[1] = VERSION
    name: Name = "pipeline"
    libraries: list[Text] = Field(
        default=[], description="distributions and files that cells come from; for messages, loads nothing"
    )

    def find(self, names: tuple[str, ...]) -> CellEntry | None:
        """The cell at the end of these names."""
        body: Body = self
        for name in names:
            inner = body.cells.get(name)
            if inner is None:
                return None
            body = inner
        return body if isinstance(body, CellEntry) else None

    def with_cell(self, names: tuple[str, ...], cell: CellEntry) -> Document:
        """The same document with another cell at the end of these names."""
        return _with_cell(self, names, cell)


def _with_cell(body: SomeBody, names: tuple[str, ...], cell: CellEntry) -> SomeBody:
    first, rest = names[0], names[1:]
    inner = _with_cell(body.cells[first], rest, cell) if rest else cell
    return body.model_copy(update={"cells": {**body.cells, first: inner}})


def split_end(end: str) -> tuple[str | None, str]:
    """The cell and the port of one end of a connection; no cell for a port of the pipeline around it."""
    cell, dot, port = end.partition(".")
    return (cell, port) if dot else (None, cell)


def to_data(entry: Body) -> dict[str, Any]:
    """A document or a cell as JSON-serialisable data: what is at its default left out, keys in the order of the file."""
    data: dict[str, Any] = {}
    if isinstance(entry, Document):
        data = {
            "format": entry.format,
            "version": entry.version,
            "name": entry.name,
            "libraries": list(entry.libraries),
        }
    if isinstance(entry, CellEntry):
        data = {"type": entry.type, "parameters": entry.parameters}
    data |= {"inputs": entry.inputs, "outputs": entry.outputs}
    if isinstance(entry, CellEntry):
        data["scale"] = entry.scale.model_dump(exclude_defaults=True) if entry.scale else None
        data["on_error"] = entry.on_error.model_dump() if entry.on_error else None
        data["initial_values"] = entry.initial_values
        data["disabled"] = entry.disabled
        data["bypassed"] = entry.bypassed
    data["cells"] = {name: to_data(cell) for name, cell in entry.cells.items()}
    data["connections"] = [connection.model_dump() for connection in entry.connections]
    data["view"] = entry.view
    always = {"libraries"}
    if not isinstance(entry, CellEntry) or entry.is_pipeline:
        always |= {"cells", "connections"}
    return {key: value for key, value in data.items() if key in always or not _is_left_out(value)}


def _is_left_out(value: Any) -> bool:
    return value is None or value is False or (isinstance(value, dict | list) and not value)


Body.model_rebuild()
