"""What is different in the graph of another run, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pypipeline_engine.graph.model import Body, CellEntry, Document, OnError, Scale
from pypipeline_engine.graph.problems import describe

_DEFAULT = "its default"


@dataclass(frozen=True)
class GraphChange:
    """One difference. `cell` is a name below the graph, empty for a connection of the graph itself."""

    cell: str
    what: str
    """`cell`, `type`, `parameters.stride`, `scale`, `on_error`, `initial_values.out`, `state`, `ports`, `connection`."""
    before: str | None
    """In words; `None` for what was not there."""
    after: str | None

    @property
    def sentence(self) -> str:
        """The difference in one line."""
        if self.what == "cell":
            return f"{self.cell} is new: {self.after}" if self.before is None else f"{self.cell} is gone: {self.before}"
        if self.what == "connection":
            return f"new connection {self.after}" if self.before is None else f"no connection {self.before}"
        return f"{self.cell}: {self.what.removeprefix('parameters.')} {self.before} → {self.after}"


def find_graph_changes(before: Document, after: Document) -> list[GraphChange]:
    """Every difference that may matter for a run. Names of graphs, and what tools remember, do not count."""
    return list(_compare(before, after, ()))


def _compare(before: Body, after: Body, path: tuple[str, ...]) -> Iterator[GraphChange]:
    for name in dict.fromkeys((*before.cells, *after.cells)):
        own, other = before.cells.get(name), after.cells.get(name)
        full_name = ".".join((*path, name))
        if own is not None and other is not None:
            yield from _compare_cells(own, other, (*path, name))
        else:
            yield GraphChange(full_name, "cell", _type_of(own), _type_of(other))
    kept = {str(connection) for connection in after.connections}
    had = {str(connection) for connection in before.connections}
    place = ".".join(path)
    inside = f" in {place}" if place else ""
    for connection in map(str, before.connections):
        if connection not in kept:
            yield GraphChange(place, "connection", f"{connection}{inside}", None)
    for connection in map(str, after.connections):
        if connection not in had:
            yield GraphChange(place, "connection", None, f"{connection}{inside}")


def _compare_cells(before: CellEntry, after: CellEntry, path: tuple[str, ...]) -> Iterator[GraphChange]:
    name = ".".join(path)
    for what, tell in (
        ("type", lambda cell: cell.type),
        ("scale", lambda cell: _scale_text(cell.scale)),
        ("on_error", lambda cell: _on_error_text(cell.on_error)),
        ("state", _state_text),
        ("ports", lambda cell: f"({', '.join(cell.inputs)}) -> ({', '.join(cell.outputs)})"),
    ):
        own, other = tell(before), tell(after)
        if own != other:
            yield GraphChange(name, what, own, other)
    yield from _compare_values(name, "parameters", before.parameters, after.parameters)
    yield from _compare_values(name, "initial_values", before.initial_values, after.initial_values)
    if before.is_pipeline and after.is_pipeline:
        yield from _compare(before, after, path)


def _compare_values(name: str, what: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[GraphChange]:
    for key in dict.fromkeys((*before, *after)):
        if key in before and key in after and _is_same(before[key], after[key]):
            continue
        own, other = (describe(values[key]) if key in values else _DEFAULT for values in (before, after))
        yield GraphChange(name, f"{what}.{key}", own, other)


def _type_of(cell: CellEntry | None) -> str | None:
    return None if cell is None else cell.type


def _is_same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same; `true` is not 1, which Python finds equal."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _scale_text(scale: Scale | None) -> str:
    """`2 on threads, 1 on ray`."""
    if scale is None:
        return "inline"
    parts = [f"{scale.thread} on threads"] if scale.thread else []
    parts += [f"{scale.ray} on ray"] if scale.ray else []
    text = ", ".join(parts) or "inline"
    if scale.queue_capacity is not None:
        text += f", queue of {scale.queue_capacity}"
    if scale.ray_options is not None:
        asked = scale.ray_options.model_dump(exclude_none=True)
        text += "".join(f", {key} {value}" for key, value in asked.items())
    return text


def _on_error_text(policy: OnError | None) -> str:
    policy = policy or OnError()
    return f"retry {policy.retry}, then {policy.then}" if policy.retry else policy.then


def _state_text(cell: CellEntry) -> str:
    return "disabled" if cell.disabled else "bypassed" if cell.bypassed else "active"
