"""What a person looks at in a run, as data: which outputs, which breakpoints, and the image that lies behind boxes.

None of it is a part of the graph: looking at a run makes no difference in its file.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from pypipeline_engine.catalogue.model import Kind
from pypipeline_engine.graph.model import Document, split_end
from pypipeline_engine.graph.ports import ports_of
from pypipeline_studio.document.edits import Path, body_at, has_body
from pypipeline_studio.document.types import StudioTypes
from pypipeline_studio.document.views import PortView

Place: TypeAlias = tuple[str, str]
"""The full name of a cell, and one of its outputs."""

BOX_KINDS: Final[tuple[Kind, ...]] = ("boxes", "tracks")
"""The kinds of values of which the rows begin with x, y, width and height in pixels of an image."""


@dataclass(frozen=True)
class Breakpoint:
    """Where a run is to pause."""

    cell: str
    """Its full name."""
    port: str
    condition: str = ""
    """An expression such as `value > 3`; empty for every item."""
    is_enabled: bool = True

    @property
    def place(self) -> Place:
        """The output at which it is."""
        return (self.cell, self.port)

    def to_data(self) -> dict[str, Any]:
        """As JSON values."""
        return {"cell": self.cell, "port": self.port, "condition": self.condition, "enabled": self.is_enabled}


def breakpoint_from_data(data: Any) -> Breakpoint | None:
    """What `to_data` gave; `None` for what is none."""
    if not isinstance(data, dict):
        return None
    texts = [data.get(key) for key in ("cell", "port", "condition")]
    if not all(isinstance(text, str) for text in texts) or not texts[0] or not texts[1]:
        return None
    cell, port, condition = texts
    return Breakpoint(str(cell), str(port), str(condition), data.get("enabled") is not False)


def port_to_look_at(outputs: Sequence[PortView]) -> str:
    """Which output of a cell is shown where nobody has said: the first one with images, then boxes, then any; or none."""
    for kinds in (("image",), BOX_KINDS):
        for port in outputs:
            if port.kind in kinds:
                return port.name
    return outputs[0].name if outputs else ""


def gives_images(outputs: Iterable[PortView]) -> bool:
    """Whether one of these outputs has images for certain."""
    return any(port.kind == "image" for port in outputs)


def image_behind(document: Document, types: StudioTypes, place: Place) -> Place | None:
    """The nearest output with images on the way to an output of boxes, on which these can be drawn; `None` without any."""
    *path, name = place[0].split(".")
    waiting: deque[tuple[Path, str]] = deque([(tuple(path), name)])
    seen = set(waiting)
    while waiting:
        inside, cell = waiting.popleft()
        for source_path, source, port in _sources(document, inside, cell):
            entry = body_at(document, source_path).cells.get(source)
            if entry is None:
                continue
            known = ports_of(entry, types).outputs.get(port)
            if known is not None and tuple(known.kinds) == ("image",):
                return (".".join((*source_path, source)), port)
            if (source_path, source) not in seen:
                seen.add((source_path, source))
                waiting.append((source_path, source))
    return None


def _sources(document: Document, path: Path, cell: str) -> list[tuple[Path, str, str]]:
    """The outputs that feed a cell: the pipeline in which they lie, cell and port."""
    if not has_body(document, path):
        return []
    found: list[tuple[Path, str, str]] = []
    for connection in body_at(document, path).connections:
        if split_end(connection.target)[0] != cell:
            continue
        source, port = split_end(connection.source)
        if source is not None:
            found.append((path, source, port))
        elif path:  # what feeds the input of the pipeline around
            for outer in body_at(document, path[:-1]).connections:
                around, outer_port = split_end(outer.source)
                if outer.target == f"{path[-1]}.{port}" and around is not None:
                    found.append((path[:-1], around, outer_port))
    return found


def renamed_cells(before: Document, after: Document) -> dict[str, str]:
    """By full name, the new full name of the cells that got another one from one document to the next.

    Renaming keeps the cell itself, and documents are immutable: the very same cell under another name was renamed.
    """
    if before.cells is after.cells:
        return {}
    old = {".".join(names): cell for names, cell in before.walk()}
    new = {".".join(names): cell for names, cell in after.walk()}
    gone = {id(cell): name for name, cell in old.items() if name not in new}
    return {gone[id(cell)]: name for name, cell in new.items() if name not in old and id(cell) in gone}
