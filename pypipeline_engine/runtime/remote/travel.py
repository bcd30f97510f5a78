"""A clone as bytes that another process makes a cell of.

It is made here as any other clone, and travels as a whole: what is inside, connections, and values of parameters. A single
cell is made again there by its constructor, because what a constructor opens or loads is often not to be pickled; one that
overrides `clone` says that this is not enough, and travels with its state.

Classes that the other process cannot import, of a script or a file of cells, travel by value.
"""

from __future__ import annotations

import inspect
import io
import os
import sys
import sysconfig
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from pathlib import Path, PurePath
from types import ModuleType
from typing import Any, Self

from ray import cloudpickle

from pypipeline_engine.cell import ACell, ASingleCell, RayCloneCell, ScalableCell
from pypipeline_engine.cellio import IO, AParameter, Output, RuntimeParameter, SourceEnd
from pypipeline_engine.core.errors import describe_error
from pypipeline_engine.exceptions import NotDeployableException


@dataclass(frozen=True)
class Route:
    """What is different where a clone goes."""

    is_this_machine: bool = True
    """Whether the other process imports from the same folders."""
    paths: Mapping[str, str] = field(default_factory=dict)
    """What the start of a path is called there, by what it is called here."""

    def translate(self, value: Any) -> Any:
        """A value as it is to be there: a path may be another one."""
        if isinstance(value, PurePath):
            for here, there in sorted(self.paths.items(), key=lambda path: -len(path[0])):
                if value.is_relative_to(here):
                    return type(value)(there, value.relative_to(here))
        return value


def get_values(parameters: Iterable[AParameter[Any]]) -> list[tuple[Any, Any]]:
    """Value and default of each."""
    return [(parameter._box[0], parameter._box[1]) for parameter in parameters]


@dataclass(frozen=True)
class Home:
    """Where a process looks for what has no full path."""

    folder: str
    import_path: Sequence[str]

    @classmethod
    def of_this_process(cls) -> Self:
        """That of the process which asks."""
        return cls(str(Path.cwd()), tuple(sys.path))

    def settle(self) -> None:
        """Look there as well from now on."""
        os.chdir(self.folder)
        sys.path.extend(path for path in self.import_path if path not in sys.path)


def pack(original: ScalableCell, route: Route) -> bytes:
    """A copy of `original` without its clones, and with what is inside, as bytes.

    :raises NotDeployableException: where something of it cannot be pickled.
    """
    copy = original.clone(None)
    assert isinstance(copy, ScalableCell)
    copy._error_policy = original.get_error_policy()
    copy._nb_clones = {RayCloneCell: 1}
    buffer = io.BytesIO()
    try:
        _register_by_value(route.is_this_machine)
        _Packer(buffer, route).dump(copy)
    except Exception as error:
        raise NotDeployableException(
            f"{original.get_full_name()} cannot have Ray clones: it does not get into another process, "
            f"because of {describe_error(error)}. What its cells were constructed with must be possible to pickle; a cell "
            f"that overrides clone() also needs that of what it holds"
        ) from error
    return buffer.getvalue()


def unpack(packed: bytes) -> ScalableCell:
    """The cell that `pack` has packed."""
    cell = cloudpickle.loads(packed)
    assert isinstance(cell, ScalableCell)
    return cell


def get_parameters(cell: ACell) -> list[AParameter[Any]]:
    """The runtime parameters in a scaled cell that have a value of their own, in an order that its clones share."""
    return [
        io
        for inner in cell._get_cells_recursively()
        for io in inner._inputs.values()
        if isinstance(io, RuntimeParameter) and not io.get_nb_incoming_connections()
    ]


class _Packer(cloudpickle.Pickler):  # type: ignore[misc]  # it has no types
    def __init__(self, file: io.BytesIO, route: Route) -> None:
        super().__init__(file)
        self._route = route

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, ASingleCell) and _is_made_again(obj):
            return self._reduce_cell(obj)
        if isinstance(obj, IO) and _is_made_again(obj.get_cell()):
            state = {"_incoming": obj._incoming, "_outgoing": obj._outgoing}
            return _find_io, (obj.get_cell(), isinstance(obj, Output), obj.get_name()), state
        if isinstance(obj, PurePath):
            translated = self._route.translate(obj)
            return (type(obj), translated.parts) if translated is not obj else NotImplemented
        return super().reducer_override(obj)

    def _reduce_cell(self, cell: ASingleCell) -> Any:
        values = {name: list(io._box) for name, io in cell._inputs.items() if isinstance(io, AParameter)}
        initial = {
            name: io.get_initial_value()
            for name, io in cell._outputs.items()
            if isinstance(io, SourceEnd) and io.has_initial_value()
        }
        args, kwargs = cell._get_arguments_for(None)
        state = (cell._parent_cell, cell._error_policy, values, initial)
        return _make_cell, (type(cell), args, kwargs), state, None, None, _set_state


def _is_made_again(cell: ACell) -> bool:
    return isinstance(cell, ASingleCell) and type(cell).clone is ACell.clone


def _make_cell(cls: type[ACell], args: tuple[Any, ...], kwargs: dict[str, Any]) -> ACell:
    return cls(*args, **kwargs)


def _set_state(cell: ACell, state: tuple[Any, ...]) -> None:
    cell._parent_cell, cell._error_policy, values, initial = state
    for name, box in values.items():
        own = cell._inputs.get(name)
        if isinstance(own, AParameter):
            own._box[:] = box
    for name, value in initial.items():
        cell._outputs[name]._initial_value = value


def _find_io(cell: ACell, is_output: bool, name: str) -> Any:
    return cell.get_output(name) if is_output else cell.get_input(name)


# ---------------------------------------------------------------------- modules


_registry = threading.Lock()  # guards `_seen` and the registry of cloudpickle, which all threads share
_seen: set[tuple[str, bool]] = set()
"""The modules that were looked at, and whether for this machine."""


def _register_by_value(is_this_machine: bool) -> None:
    """Have what is defined in modules that the other process cannot import travel by value from now on: clones, and then
    their items, results, and parameters.
    """
    with _registry:
        for module in list(sys.modules.values()):
            if isinstance(module, ModuleType) and (module.__name__, is_this_machine) not in _seen:
                _seen.add((module.__name__, is_this_machine))
                if not _can_be_imported(module, is_this_machine):
                    with suppress(ValueError):  # it is known by another name than its own
                        cloudpickle.register_pickle_by_value(module)


_INSTALLED = tuple(
    {Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib", "stdlib", "platstdlib")}
)
_PACKAGE = Path(inspect.getfile(sys.modules["pypipeline_engine"])).resolve().parent


def _can_be_imported(module: ModuleType, is_this_machine: bool) -> bool:
    file = getattr(module, "__file__", None)
    if file is None or module.__name__ == "__main__":  # the latter travels by value in any case
        return True
    path = Path(file).resolve()
    if any(path.is_relative_to(folder) for folder in (*_INSTALLED, _PACKAGE)):
        return True
    if not is_this_machine:
        return False
    spec = _find(module.__name__)
    return spec is not None and spec.origin is not None and Path(spec.origin).resolve() == path


def _find(name: str) -> ModuleSpec | None:
    """Where another process would find a module. `importlib.util.find_spec` tells where this one has it from, which may
    be a file of cells that was loaded by its path.
    """
    package, _, _ = name.rpartition(".")
    try:
        path = sys.modules[package].__path__ if package else None
        found = (finder.find_spec(name, path) for finder in sys.meta_path)
        return next((spec for spec in found if spec is not None), None)
    except (ImportError, ValueError, AttributeError, KeyError):
        return None
