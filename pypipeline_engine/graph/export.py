"""Graph document -> Python source that runs without the graph file, as a person would write it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pypipeline_engine.catalogue.discovery import Catalogue, Library
from pypipeline_engine.catalogue.loading import MODULE_PREFIX
from pypipeline_engine.catalogue.model import ANY, Folders, ParameterType, ValueType
from pypipeline_engine.catalogue.values import Hooks, to_member, transform
from pypipeline_engine.cell import Pipeline, ScalableCell
from pypipeline_engine.graph.check import check
from pypipeline_engine.graph.effective import without_inactive
from pypipeline_engine.graph.model import Body, CellEntry, ConnectionEntry, Document, split_end
from pypipeline_engine.graph.ports import Ports, ports_of
from pypipeline_engine.graph.problems import WrongGraphException, errors
from pypipeline_engine.graph.python_text import Code, Names, code, import_line, import_lines, in_docstring

_OTHER_NAMES = ("GRAPH_DIR", "HERE", "ModuleType", "Path", "annotations", "importlib", "load_cells", "np", "sys")
_NAMES_OF_CELLS = frozenset(dir(Pipeline) + dir(ScalableCell) + list(vars(ScalableCell(None, "x"))))
"""What an attribute of a pipeline must not be called, or it would hide a method."""
_ENGINE_NAMES = (
    "Connection",
    "ErrorPolicy",
    "ICompositeCell",
    "InputPort",
    "OutputPort",
    "Pipeline",
    "RayCloneCell",
    "ScalableCell",
    "ThreadCloneCell",
)
_CONSTRUCTOR = [
    "    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:",
    "        super().__init__(parent_cell, name)",
]
_LOAD_FILE = '''\
def load_cells(path: Path) -> ModuleType:
    """Import a file of cells by its path."""
    spec = importlib.util.spec_from_file_location(f"cells_in_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
'''


def export(
    document: Document,
    catalogue: Catalogue,
    folders: Folders | None = None,
    *,
    target: Path | None = None,
    source: str = "",
) -> str:
    """A Python program that runs a graph to the end of its stream, with the same result as the graph.

    Files that are read are named relative to the program where they lie beside or below it, and absolutely otherwise. Those
    that are written stay relative to the folder in which the program is started, as with a graph.

    :param folders: what relative paths in the document are relative to; by default the current folder.
    :param target: where the program will stand; without, all paths of files to be read are absolute.
    :param source: what the document was read from, to be named in the program.
    :raises WrongGraphException: with everything that is wrong with the document.
    """
    folders = folders or Folders(Path.cwd(), Path.cwd())
    problems = check(document, catalogue, folders)
    if errors(problems):
        raise WrongGraphException(problems, source or document.name)
    writer = _Writer(catalogue, folders, target.absolute().parent if target is not None else None)
    return writer.program(without_inactive(document, catalogue, folders), source)


@dataclass
class _Used:
    """What the program needs at its top."""

    names: set[str] = field(default_factory=lambda: {"Connection", "ICompositeCell", "Pipeline"})
    libraries: dict[str, Library] = field(default_factory=dict)  # by the name that stands for the module
    enums: set[str] = field(default_factory=set)
    numpy: bool = False
    graph_folder: bool = False
    path: bool = False


class _Writer:
    def __init__(self, catalogue: Catalogue, folders: Folders, home: Path | None) -> None:
        self.catalogue = catalogue
        self.folders = folders
        self.home = home
        self.used = _Used()
        self.classes: list[str] = []
        self.globals = Names({*_ENGINE_NAMES, *_OTHER_NAMES})
        self.aliases: dict[str, str] = {}  # of modules, by category

    def program(self, document: Document, source: str) -> str:
        for category in dict.fromkeys(_categories(document)):
            self.aliases[category] = self.globals.make(category)
        root = self.globals.make_class(document.name)
        self.write_pipeline(root, document, f"The pipeline {in_docstring(document.name)}.")
        origin = f", exported from {in_docstring(Path(source).name)}" if source else ""
        lines = [
            f'"""The pipeline {in_docstring(document.name)}{origin}."""',
            "",
            "from __future__ import annotations",
            "",
        ]
        body = "\n\n\n".join(self.classes)
        main = [
            'if __name__ == "__main__":',
            f"    {root}(None, {code(document.name)}).run().wait()",
        ]
        return "\n".join([*lines, *self.head(), "", body, "", "", *main]) + "\n"

    # ------------------------------------------------------------------ the top of the program

    def head(self) -> list[str]:
        files = {alias: library for alias, library in self.used.libraries.items() if library.file is not None}
        path_is_used = self.used.path or self.used.graph_folder or bool(files)
        standard = ["import importlib.util", "import sys"] if files else []
        standard += ["from pathlib import Path"] if path_is_used else []
        standard += ["from types import ModuleType"] if files else []
        modules = [
            self.import_of(alias, library) for alias, library in self.used.libraries.items() if library.file is None
        ]
        imports = [import_line("pypipeline_engine", sorted(self.used.names)), *import_lines(modules)]
        imports += [f"import {module}" for module in sorted({path.partition(":")[0] for path in self.used.enums})]
        lines = [*standard, ""] if standard else []
        lines += ["import numpy as np", ""] if self.used.numpy else []
        lines += [*imports, ""]
        lines += self.constants(files)
        return lines

    def import_of(self, alias: str, library: Library) -> tuple[str, str]:
        """Package and name of an import, such as `from package import name`."""
        package, _, module = library.module_name.rpartition(".")
        return package, module if module == alias else f"{module} as {alias}"

    def constants(self, files: dict[str, Library]) -> list[str]:
        graph_folder = self.place_of(self.folders.inputs) if self.used.graph_folder else ""
        places = {alias: self.place_of(library.file.path) for alias, library in files.items() if library.file}
        lines: list[str] = []
        if any(place.startswith("HERE") for place in (graph_folder, *places.values())):
            lines.append("HERE = Path(__file__).resolve().parent")
        if graph_folder:
            lines.append("# Where the graph stood: the paths of files to be read are relative to it.")
            lines.append(f"GRAPH_DIR = {graph_folder}")
        if places:
            lines += ["", "", *_LOAD_FILE.splitlines(), "", ""]
            lines += [f"{alias} = load_cells({place})" for alias, place in places.items()]
        return [*lines, ""] if lines else []

    def place_of(self, path: Path) -> str:
        """A file or folder as code: relative to the program where it lies beside or below it."""
        if self.home is not None and path.is_relative_to(self.home):
            rest = str(path.relative_to(self.home))
            return "HERE" if rest == "." else f"HERE / {code(rest)}"
        return f"Path({code(str(path))})"

    # ------------------------------------------------------------------ classes

    def write_pipeline(self, class_name: str, body: Body, doc: str) -> _Access:
        """Write a class for a pipeline, those for the cells inside of it first. Returns how its ports are reached."""
        names = Names(_NAMES_OF_CELLS)
        own_inputs = {port: names.make(port) for port in body.inputs}
        own_outputs = {port: names.make(port) for port in body.outputs}
        cells = {name: names.make(name) for name in body.cells}
        lines: list[str] = []
        if body.inputs:
            self.used.names.add("InputPort")
        if body.outputs:
            self.used.names.add("OutputPort")
        lines += [f"self.{attribute} = InputPort(self, {code(port)})" for port, attribute in own_inputs.items()]
        lines += [f"self.{attribute} = OutputPort(self, {code(port)})" for port, attribute in own_outputs.items()]
        ports: dict[str, _Access] = {}
        for name, cell in body.cells.items():
            connected = _connected_ports(name, body.connections)
            ports[name] = self.write_cell(f"self.{cells[name]}", name, cell, connected, lines)
        if body.connections:
            lines.append("")
        for connection in body.connections:
            ends = []
            for end, own, is_source in ((connection.source, own_inputs, True), (connection.target, own_outputs, False)):
                cell_name, port = split_end(end)
                ends.append(f"self.{own[port]}" if cell_name is None else ports[cell_name].code(port, is_source))
            mark = ", explicitly_mark_as_recurrent=True" if connection.mark else ""
            lines.append(f"Connection({', '.join(ends)}{mark})")
        self.add_class(class_name, "Pipeline", doc, lines)
        return _Access("self", own_inputs, own_outputs)

    def write_cell(
        self, attribute: str, name: str, cell: CellEntry, connected: tuple[set[str], set[str]], lines: list[str]
    ) -> _Access:
        """Write the lines that make a cell, and return how its ports are reached."""
        if cell.scale is not None and cell.scale.clones:
            class_name = self.globals.make_class(f"scaled {name}")
            access = self.write_scalable(class_name, name, cell, connected)
            lines.append(f"{attribute} = {class_name}(self, {code(name)})")
            return replace(access, cell=attribute)
        return self.write_single(attribute, f"self, {code(name)}", name, cell, lines)

    def write_single(self, attribute: str, arguments: str, name: str, cell: CellEntry, lines: list[str]) -> _Access:
        """Write the lines that make a cell without clones and set it up."""
        if cell.is_pipeline:
            class_name = self.globals.make_class(name)
            access = self.write_pipeline(class_name, cell, f"The nested pipeline {in_docstring(name)}.")
            access = replace(access, cell=attribute)
            types: dict[str, ValueType] = {}
        else:
            category, _, short = cell.type.rpartition(".")
            class_name = f"{self.module(category)}.{short}"
            ports = ports_of(cell, self.catalogue, self.folders)
            access = _access_of(attribute, ports)
            types = {port.name: port.type for port in ports.outputs.values()}
        lines.append(f"{attribute} = {class_name}({arguments})")
        self.write_parameters(attribute, cell, lines)
        for port, value in cell.initial_values.items():
            initial = self.value(value, types.get(port, ANY) if value is not None else ANY)
            lines.append(f"{access.code(port, True)}.set_initial_value({initial})")
        if cell.on_error is not None:
            self.used.names.add("ErrorPolicy")
            retries = f"retries={cell.on_error.retry}, " if cell.on_error.retry else ""
            lines.append(f"{attribute}.set_error_policy(ErrorPolicy({retries}then={code(cell.on_error.then)}))")
        return access

    def write_parameters(self, attribute: str, cell: CellEntry, lines: list[str]) -> None:
        cell_type = self.catalogue.find(cell.type) if not cell.is_pipeline else None
        for key, value in cell.parameters.items():
            declared = cell_type.find_parameter(key) if cell_type is not None else None
            assert isinstance(declared, ParameterType)
            reached = (
                f"{attribute}.{declared.attribute}" if declared.attribute else f"{attribute}.get_input({code(key)})"
            )
            lines.append(f"{reached}.set_value({self.value(value, declared.type)})")

    def write_scalable(
        self, class_name: str, name: str, cell: CellEntry, connected: tuple[set[str], set[str]]
    ) -> _Access:
        """Write a class for a scalable cell. Returns how its ports are reached."""
        self.used.names.add("ScalableCell")
        setup: list[str] = []
        inner = self.write_single("self.cell", "self, name", name, cell, setup)
        ports = ports_of(cell, self.catalogue, self.folders)
        names = Names({*_NAMES_OF_CELLS, "cell"})
        needed = [port for port in ports.inputs if port in connected[0] or port in ports.required()]
        inputs = {port: names.make(port) for port in needed}
        outputs = {port: names.make(port) for port in ports.outputs if port in connected[1]}
        lines = [f"self.{attribute} = InputPort(self, {code(port)})" for port, attribute in inputs.items()]
        lines += [f"self.{attribute} = OutputPort(self, {code(port)})" for port, attribute in outputs.items()]
        lines += setup
        lines += [f"Connection(self.{attribute}, {inner.code(port, False)})" for port, attribute in inputs.items()]
        for port, attribute in outputs.items():
            lines.append(f"Connection({inner.code(port, True)}, self.{attribute})")
            if ports.outputs[port].has_initial_value:
                initial = f"{inner.code(port, True)}.get_initial_value()"
                lines.append(f"self.{attribute}.set_initial_value({initial})")
        self.used.names |= {"InputPort"} if inputs else set()
        self.used.names |= {"OutputPort"} if outputs else set()
        what = "a pipeline" if cell.is_pipeline else in_docstring(cell.type)
        self.add_class(
            class_name, "ScalableCell", f"{in_docstring(name)} ({what}), scaled.", [*lines, *self.scaling(cell)]
        )
        return _Access("self", inputs, outputs)

    def scaling(self, cell: CellEntry) -> list[str]:
        scale = cell.scale
        assert scale is not None
        lines = []
        if scale.queue_capacity is not None:
            lines.append(f"self.config_queue_capacity.set_value({scale.queue_capacity})")
        if scale.ray_options is not None:
            lines.append(f"self.set_ray_options({code(scale.ray_options.model_dump(exclude_none=True))})")
        for count, method in ((scale.thread, "ThreadCloneCell"), (scale.ray, "RayCloneCell")):
            if count:
                self.used.names.add(method)
                lines.append(f"self.scale_up({count}, {method})")
        return lines

    def add_class(self, name: str, base: str, doc: str, lines: list[str]) -> None:
        head = [f"class {name}({base}):", f'    """{doc}"""', ""]
        separated = [""] if lines and lines[0] else []
        indented = [f"        {line}" if line else "" for line in [*separated, *lines]]
        self.classes.append("\n".join([*head, *_CONSTRUCTOR, *indented]))

    # ------------------------------------------------------------------ values

    def module(self, category: str) -> str:
        library = self.catalogue.get_library(category)
        assert library is not None
        self.used.libraries[self.aliases[category]] = library
        return self.aliases[category]

    def value(self, value: Any, value_type: ValueType) -> str:
        """The code of the Python value for a JSON value."""
        return code(transform(value, value_type, Hooks(self.path_code, self.member_code, self.array_code)))

    def path_code(self, kind: str, text: str) -> Any:
        self.used.path = True
        if Path(text).is_absolute():
            return Code(f"Path({code(text)})")
        if kind == "output_path":
            at_home = self.folders.outputs == Path.cwd()
            return Code(f"Path({code(text)})" if at_home else f"Path({code(str(self.folders.outputs / text))})")
        self.used.graph_folder = True
        return Code(f"GRAPH_DIR / {code(text)}")

    def member_code(self, value_type: ValueType, option: Any) -> Any:
        if not value_type.enum:
            return option
        module, _, name = value_type.enum.partition(":")
        member = f"{name}.{to_member(value_type, option).name}"
        if module.startswith(MODULE_PREFIX):
            for category, alias in self.aliases.items():
                library = self.catalogue.get_library(category)
                if library is not None and library.module_name == module:
                    self.module(category)
                    return Code(f"{alias}.{member}")
        self.used.enums.add(value_type.enum)
        return Code(f"{module}.{member}")

    def array_code(self, kind: str, value: Any) -> Any:
        self.used.numpy = True
        dtype = {"image": ", np.uint8", "boxes": ", np.float32", "tracks": ", np.float32"}.get(kind, "")
        columns = {"boxes": 5, "tracks": 6}.get(kind)
        if columns is not None and not value:
            return Code(f"np.empty((0, {columns}){dtype})")
        return Code(f"np.asarray({code(value)}{dtype})")


@dataclass(frozen=True)
class _Access:
    """How the code reaches the ports of a cell: by attribute where one is known."""

    cell: str
    inputs: dict[str, str]
    outputs: dict[str, str]

    def code(self, port: str, is_source: bool) -> str:
        attributes, method = (self.outputs, "get_output") if is_source else (self.inputs, "get_input")
        attribute = attributes.get(port)
        return f"{self.cell}.{attribute}" if attribute else f"{self.cell}.{method}({code(port)})"


def _access_of(attribute: str, ports: Ports) -> _Access:
    return _Access(
        attribute,
        {name: port.attribute for name, port in ports.inputs.items() if port.attribute},
        {name: port.attribute for name, port in ports.outputs.items() if port.attribute},
    )


def _categories(document: Document) -> Iterable[str]:
    for _, cell in document.walk():
        if not cell.is_pipeline:
            yield cell.type.rpartition(".")[0]


def _connected_ports(name: str, connections: Iterable[ConnectionEntry]) -> tuple[set[str], set[str]]:
    """The inputs and outputs of a cell that connections lead to and from."""
    inputs: set[str] = set()
    outputs: set[str] = set()
    for connection in connections:
        for end, found in ((connection.target, inputs), (connection.source, outputs)):
            cell, port = split_end(end)
            if cell == name:
                found.add(port)
    return inputs, outputs
