"""The types of values as they are written in the source of a cell: `self.image: Input[Image] = Input(self, "image")`.

Annotations of attributes inside a constructor are never evaluated, so the names in them may be there for the type checker
only. They are read from the syntax tree, and names are followed through imports and aliases without running anything.
"""

from __future__ import annotations

import ast
import inspect
import sys
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from types import ModuleType
from typing import Any

from pypipeline_engine.catalogue.model import ANY, TypeName, ValueType
from pypipeline_engine.catalogue.values import option_of

_IO_NAMES = frozenset(("Input", "Output", "InputPort", "OutputPort", "RuntimeParameter", "ConfigParameter"))

_NAMED: dict[str, TypeName] = {
    "bool": "bool",
    "int": "int",
    "float": "float",
    "complex": "any",
    "Number": "number",
    "str": "text",
    "Text": "text",
    "Path": "path",
    "PathLike": "path",
    "InputPath": "input_path",
    "OutputPath": "output_path",
    "None": "null",
    "NoneType": "null",
    "dict": "dict",
    "Dict": "dict",
    "Mapping": "dict",
    "Record": "dict",
    "list": "list",
    "List": "list",
    "Sequence": "list",
    "Image": "image",
    "Mask": "image",
    "Boxes": "boxes",
    "Tracks": "tracks",
    "Flow": "tensor",
    "Tensor": "tensor",
    "NDArray": "tensor",
    "ndarray": "tensor",
    "ArrayLike": "tensor",
    "Any": "any",
    "object": "any",
}
_TRANSPARENT = frozenset(("Annotated", "Final", "ClassVar"))
_MOST_ALIASES = 20


@dataclass(frozen=True)
class Written:
    """The type argument of an attribute: in the source's words, and as data."""

    text: str
    type: ValueType


def written_types(cell_class: type) -> dict[str, Written]:
    """By attribute, the types of values of the inputs, outputs and parameters that a class and its bases declare."""
    found: dict[str, Written] = {}
    for owner in reversed(cell_class.__mro__):
        module = sys.modules.get(owner.__module__)
        definition = class_definition(owner) if module is not None else None
        if module is None or definition is None:
            continue
        names = _Names(module)
        for attribute, node in _declarations(definition).items():
            found[attribute] = Written(ast.unparse(node), names.value_type(node))
    return found


def class_definition(owner: type) -> ast.ClassDef | None:
    """The syntax tree of a class; `None` where there is no source."""
    module = sys.modules.get(owner.__module__)
    tree = _module_tree(module) if module is not None else None
    if tree is None:
        return None
    candidates = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == owner.__name__]
    if len(candidates) <= 1:
        return candidates[0] if candidates else None
    # Two classes of one name, in different functions or branches: the one that the constructor's code lies in.
    code = getattr(vars(owner).get("__init__"), "__code__", None)
    line = code.co_firstlineno if code is not None else 0
    return next((node for node in candidates if node.lineno <= line <= (node.end_lineno or 0)), candidates[-1])


def _module_tree(module: ModuleType) -> ast.Module | None:
    return _parsed(module.__name__, id(module))


@lru_cache(maxsize=256)
def _parsed(module_name: str, _identity: int) -> ast.Module | None:
    module = sys.modules[module_name]
    loader = getattr(getattr(module, "__spec__", None), "loader", None)
    try:
        source = loader.get_source(module_name) if loader is not None else inspect.getsource(module)
        return ast.parse(source) if source is not None else None
    except (OSError, TypeError, ValueError, SyntaxError, ImportError, AttributeError, RecursionError):
        return None


def _declarations(definition: ast.ClassDef) -> dict[str, ast.expr]:
    """By attribute, the type argument that is written in its annotation or in the call that makes it."""
    found: dict[str, ast.expr] = {}
    for statement in definition.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            _add(found, statement.target.id, statement.annotation)
        elif isinstance(statement, ast.FunctionDef) and statement.args.args:
            own_name = statement.args.args[0].arg
            for node in ast.walk(statement):
                if isinstance(node, ast.AnnAssign) and (attribute := _attribute_of(node.target, own_name)):
                    _add(found, attribute, node.annotation)
                elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                    for target in node.targets:
                        if attribute := _attribute_of(target, own_name):
                            _add(found, attribute, node.value.func)
    return found


def _attribute_of(target: ast.expr, own_name: str) -> str:
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == own_name:
        return target.attr
    return ""


def _add(found: dict[str, ast.expr], attribute: str, annotation: ast.expr) -> None:
    annotation = _unquoted(annotation)
    if isinstance(annotation, ast.Subscript) and _last_name(annotation.value) in _IO_NAMES:
        found[attribute] = _unquoted(annotation.slice)


def _unquoted(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return ast.parse(node.value.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError):
            return node
    return node


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


class _Names:
    """What names mean in a module, those for the type checker only included."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self._imported: dict[str, tuple[str, str]] = {}
        self._aliases: dict[str, ast.expr] = {}
        tree = _module_tree(module)
        for node in ast.walk(tree) if tree is not None else ():
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    self._imported[alias.asname or alias.name] = (node.module, alias.name)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
                if _last_name(node.annotation) == "TypeAlias":
                    self._aliases[node.target.id] = node.value
            elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                if isinstance(node.value, ast.Subscript | ast.BinOp | ast.Name | ast.Attribute):
                    self._aliases[node.targets[0].id] = node.value
            elif type(node).__name__ == "TypeAlias":  # Python 3.12: type Frame = ...
                statement: Any = node
                self._aliases[statement.name.id] = statement.value

    def value_type(self, node: ast.expr, aliases: int = 0) -> ValueType:
        """The type that an expression stands for; any where that cannot be told."""
        node = _unquoted(node)
        if isinstance(node, ast.Constant) and node.value is None:
            return ValueType(name="null")
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return _union([self.value_type(node.left, aliases), self.value_type(node.right, aliases)])
        if isinstance(node, ast.Subscript):
            return self._generic(node, aliases)
        if isinstance(node, ast.Name | ast.Attribute):
            return self._named(node, aliases)
        return ANY

    def _generic(self, node: ast.Subscript, aliases: int) -> ValueType:
        name = self._original_name(node.value)
        arguments = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
        if name == "Optional":
            return _union([self.value_type(arguments[0], aliases), ValueType(name="null")])
        if name == "Union":
            return _union([self.value_type(argument, aliases) for argument in arguments])
        if name == "Literal":
            options = tuple(argument.value for argument in arguments if isinstance(argument, ast.Constant))
            return ValueType(name="choice", options=options) if _are_json(options) else ANY
        if name in _TRANSPARENT:
            return self.value_type(arguments[0], aliases)
        if name in ("tuple", "Tuple"):
            if len(arguments) == 2 and isinstance(arguments[1], ast.Constant) and arguments[1].value is Ellipsis:
                return ValueType(name="tuple_of", items=(self.value_type(arguments[0], aliases),))
            return ValueType(name="tuple", items=tuple(self.value_type(argument, aliases) for argument in arguments))
        found = _NAMED.get(name)
        if found in ("list", "dict"):
            return ValueType(name=found, items=(self.value_type(arguments[-1], aliases),))
        return ValueType(name=found) if found is not None else ANY

    def _original_name(self, node: ast.expr) -> str:
        """The last part of a name, as it is called where it comes from."""
        name = _last_name(node)
        if isinstance(node, ast.Name) and name in self._imported:
            return self._imported[name][1]
        return name

    def _named(self, node: ast.expr, aliases: int) -> ValueType:
        name = _last_name(node)
        original = self._original_name(node)
        if isinstance(node, ast.Name) and name in self._aliases and aliases < _MOST_ALIASES and name not in _NAMED:
            return self.value_type(self._aliases[name], aliases + 1)
        if original in ("tuple", "Tuple"):
            return ValueType(name="tuple_of", items=(ANY,))
        if original in _NAMED:
            return ValueType(name=_NAMED[original])
        if isinstance(node, ast.Name) and name in self._imported and aliases < _MOST_ALIASES:
            module = sys.modules.get(self._imported[name][0])
            if module is not None and module is not self._module:
                return _Names(module).value_type(ast.Name(original, ast.Load()), aliases + 1)
        return _of_class(self._value_of(node))

    def _value_of(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Name):
            return getattr(self._module, node.id, None)
        return getattr(self._value_of(node.value), node.attr, None) if isinstance(node, ast.Attribute) else None


def _union(types: list[ValueType]) -> ValueType:
    flat = [inner for item in types for inner in (item.items if item.name == "union" else (item,))]
    distinct = tuple(dict.fromkeys(flat))
    return distinct[0] if len(distinct) == 1 else ValueType(name="union", items=distinct)


def _are_json(options: tuple[Any, ...]) -> bool:
    return bool(options) and all(option is None or isinstance(option, str | int | float) for option in options)


def _of_class(found: Any) -> ValueType:
    """The type of values of a class that has no name of its own here."""
    if not isinstance(found, type):
        return ANY
    if issubclass(found, Enum):
        path = f"{found.__module__}:{found.__qualname__}"
        return ValueType(name="choice", options=tuple(option_of(member) for member in found), enum=path)
    bases = {base.__name__ for base in found.__mro__}
    if found.__module__ != "builtins" and "dict" in bases:
        return ValueType(name="dict")
    return ValueType(name="tensor") if "ndarray" in bases else ANY


def of_runtime_type(value_type: Any) -> Written | None:
    """The type in `Input[float](self, "x")`, which is there at run time; `None` where nothing was written."""
    if value_type is Any:
        return None
    if isinstance(value_type, type):
        named = _NAMED.get(value_type.__name__)
        return Written(value_type.__name__, ValueType(name=named) if named else _of_class(value_type))
    return Written(str(value_type), ANY)
