"""The source of a cell that a person asked for: a file that works at once, and is there to be changed.

A file holds the cells of one category. A further cell is put behind those that are there; what is there stays as it is.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterable

from pypipeline_engine.graph.python_text import code, import_line
from pypipeline_studio.document.cell_spec import (
    PORT_KINDS,
    CellSpec,
    ParameterSpec,
    PortSpec,
    read_number,
    read_truth,
)

_ANNOTATIONS = {
    "int": "int",
    "float": "float",
    "str": "str",
    "bool": "bool",
    "choice": "str",
    "input_path": "InputPath",
    "output_path": "OutputPath",
}
_FEED = '''\
class _Feed(ASingleCell):
    """Stands in for what is upstream of a cell in the checks below. Cells with _ in front are no types of cells."""

    def __init__(self, parent_cell: ICompositeCell | None, name: str, value: object = None) -> None:
        super().__init__(parent_cell, name)
        self.value = value
        self.output: Output[Any] = Output(self, "output")

    def _on_pull(self) -> None:
        self.output.set_value(self.value)
'''
_MAIN = 'if __name__ == "__main__":'


class CannotAdd(ValueError):
    """A cell cannot be put into a file as it is; the message is one sentence for people."""


def new_source(spec: CellSpec) -> str:
    """The text of a file with this cell."""
    head = (
        f'"""Cells of the category {spec.category}.\n\n'
        "Change them as you like: when the file is saved, the studio reads it again, and the next run uses it.\n"
        f'`python {spec.category}.py` runs the checks at the bottom.\n"""\n\n'
        "from __future__ import annotations\n\n"
    )
    imports = _import_lines(_needed(spec))
    parts = [_class_text(spec), *([_FEED] if spec.inputs else []), _check_text(spec)]
    return head + imports + "\n\n" + "\n\n".join(parts) + f"\n\n{_MAIN}\n    {_check_name(spec)}()\n"


def extended_source(text: str, spec: CellSpec) -> str:
    """The text of a file with this cell behind those that are there.

    :raises CannotAdd: where the text is no Python, or has something of this name.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        line = f" in line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise CannotAdd(
            f"{spec.category}.py has an error{line}; mend that first, or choose another category."
        ) from error
    names = _defined(tree)
    for name in (spec.name, _check_name(spec)):
        if name in names:
            raise CannotAdd(f"{spec.category}.py has a {name} already: choose another name, or another category.")
    lines = text.splitlines()
    main = tree.body[-1] if tree.body and _is_main(tree.body[-1]) else None
    parts = [_class_text(spec), *([_FEED] if spec.inputs and "_Feed" not in names else []), _check_text(spec)]
    block = "\n\n".join(parts).splitlines()
    if main is not None:
        indent = " " * main.body[0].col_offset  # type: ignore[attr-defined]
        lines[main.lineno - 1 : main.end_lineno] = [
            *block, "", "", *lines[main.lineno - 1 : main.end_lineno], f"{indent}{_check_name(spec)}()",
        ]  # fmt: skip
    else:
        while lines and not lines[-1].strip():
            lines.pop()
        lines += ["", "", *block, "", "", _MAIN, f"    {_check_name(spec)}()"]
    missing = {(home, name) for home, name in _needed(spec) if name not in names}
    if missing:
        place = _end_of_imports(tree)
        lines[place:place] = [*([""] if place else []), *_import_lines(missing).rstrip("\n").splitlines()]
    return "\n".join(lines) + "\n"


def line_of_cell(text: str, name: str) -> int:
    """The line in which the class of a cell begins; 1 where there is none."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return 1
    return next((node.lineno for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name), 1)


# ---------------------------------------------------------------------- imports


def _needed(spec: CellSpec) -> set[tuple[str, str]]:
    """Module and name of everything that the cell and its check use; numpy as a whole."""
    needed = {("pypipeline_engine", name) for name in ("ASingleCell", "ICompositeCell", "Pipeline")}
    ports = (*spec.inputs, *spec.outputs)
    if spec.inputs:
        needed |= {("pypipeline_engine", name) for name in ("Connection", "Input", "Output")} | {("typing", "Any")}
    if spec.outputs:
        needed.add(("pypipeline_engine", "Output"))
    for port in ports:
        kind = PORT_KINDS[port.kind]
        if kind.home:
            needed.add((kind.home, kind.annotation))
    if any("np." in sample for sample in (*_samples(spec), *map(_result, [spec] * len(spec.outputs), spec.outputs))):
        needed.add(("", "np"))
    for parameter in spec.parameters:
        needed.add(("pypipeline_engine", "RuntimeParameter" if parameter.is_runtime else "ConfigParameter"))
        if parameter.kind in ("input_path", "output_path"):
            needed |= {("pypipeline_engine.cells.types", _ANNOTATIONS[parameter.kind]), ("pathlib", "Path")}
    return needed


def _import_lines(needed: Iterable[tuple[str, str]]) -> str:
    by_home: dict[str, list[str]] = {}
    for home, name in sorted(needed):
        by_home.setdefault(home, []).append(name)
    numpy = ["import numpy as np\n"] if by_home.pop("", None) else []
    own = {home: names for home, names in by_home.items() if home.startswith("pypipeline_engine")}
    standard = [f"{import_line(home, names)}\n" for home, names in by_home.items() if home not in own]
    engine = [f"{import_line(home, names)}\n" for home, names in own.items()]
    return "\n".join("".join(group) for group in (standard, numpy, engine) if group)


def _defined(tree: ast.Module) -> set[str]:
    """The names that a module has at its top."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names


def _is_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "__name__" in ast.unparse(node.test) and not node.orelse


def _end_of_imports(tree: ast.Module) -> int:
    """Behind how many lines further imports may stand: behind the last import at the top, or the docstring."""
    ends = [node.end_lineno or 0 for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    if not ends and tree.body and isinstance(tree.body[0], ast.Expr) and isinstance(tree.body[0].value, ast.Constant):
        ends = [tree.body[0].end_lineno or 0]
    return max(ends, default=0)


# ---------------------------------------------------------------------- the class


def _class_text(spec: CellSpec) -> str:
    lines = [
        f"class {spec.name}(ASingleCell):",
        f'    """{_sentence(spec)}"""',
        "",
        "    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:",
        "        super().__init__(parent_cell, name)",
        *(f"        {_port_line('input', port)}" for port in spec.inputs),
    ]
    for parameter in spec.parameters:
        lines += _parameter_lines(parameter)
    lines += [f"        {_port_line('output', port)}" for port in spec.outputs]
    if spec.keeps_state or not spec.inputs:
        lines += ["        self._count = 0", "", "    def _on_deploy(self) -> None:", "        self._on_reset()"]
        lines += ["", "    def _on_reset(self) -> None:"]
        lines += ['        """Go back to the start of the stream."""', "        self._count = 0"]
    if spec.is_ordered:
        lines += ["", "    def supports_scaling(self) -> bool:"]
        lines += ['        """Never: items have to come one after the other."""', "        return False"]
    return "\n".join([*lines, "", *_pull_lines(spec)]) + "\n"


def _sentence(spec: CellSpec) -> str:
    text = " ".join(spec.description.split())
    if not text:
        return f"Say here in a sentence what {spec.name} does; the studio shows it."
    text = (text if text[-1] in ".!?" else f"{text}.").replace("\\", "\\\\").replace('"', "'")
    return "\n    ".join(textwrap.wrap(text, 108, break_long_words=False)) + ("\n    " if len(text) > 108 else "")


def _port_line(direction: str, port: PortSpec) -> str:
    annotation, made = PORT_KINDS[port.kind].annotation, direction.capitalize()
    return f'self.{direction}_{port.name}: {made}[{annotation}] = {made}(self, "{port.name}", doc="")'


def _parameter_lines(parameter: ParameterSpec) -> list[str]:
    made = "RuntimeParameter" if parameter.is_runtime else "ConfigParameter"
    annotation = _ANNOTATIONS[parameter.kind]
    options = [f"default_value={default}"] if (default := _default(parameter)) else []
    if parameter.kind == "choice":
        options.append(f"choices=({', '.join(map(code, parameter.choices))})")
    if parameter.kind in ("int", "float"):
        for key, text in (("minimum", parameter.minimum), ("maximum", parameter.maximum)):
            number = read_number(text, parameter.kind)
            options += [f"{key}={number!r}"] if number is not None else []
    options.append('doc=""')
    head = f"        self.param_{parameter.name}: {made}[{annotation}] = {made}("
    one = f'{head}self, "{parameter.name}", {", ".join(options)})'
    if len(one) <= 120:
        return [one]
    return [head, f'            self, "{parameter.name}", {", ".join(options)}', "        )"]


def _default(parameter: ParameterSpec) -> str:
    """The code of the default; empty where the parameter has to be set."""
    if parameter.kind in ("int", "float"):
        number = read_number(parameter.default, parameter.kind)
        return "" if number is None else repr(number)
    if parameter.kind == "bool":
        return repr(read_truth(parameter.default))
    if parameter.kind == "choice":
        return code(parameter.choices[0])
    if parameter.kind == "str":
        return code(parameter.default)
    return f"Path({code(parameter.default.strip())})" if parameter.default.strip() else ""


def _pull_lines(spec: CellSpec) -> list[str]:
    lines = [
        "    def _on_pull(self) -> None:",
        '        """Run for each item: pull every input, and set every output."""',
    ]
    if not spec.inputs:
        lines += [
            "        if self._count >= 1000:  # the end of the stream; without these lines it has none",
            "            raise StopIteration",
        ]
    if spec.keeps_state or not spec.inputs:
        lines.append("        self._count += 1")
    lines += [f"        {port.name} = self.input_{port.name}.pull()" for port in spec.inputs]
    lines += [f"        {parameter.name} = self.param_{parameter.name}.pull()" for parameter in spec.parameters]
    if spec.inputs and spec.outputs:
        lines.append("        # The work goes here. Others read the same values: copy what you want to write into.")
    lines += [f"        self.output_{port.name}.set_value({_result(spec, port)})" for port in spec.outputs]
    if not spec.outputs:
        names = [port.name for port in spec.inputs]
        lines.append(f'        self.logger.info("{" ".join(["%s"] * len(names))}", {", ".join(names)})')
    return lines


def _result(spec: CellSpec, output: PortSpec) -> str:
    """What the cell gives as long as nobody has written what it shall do: an input of the same type, or a sample."""
    same = next((port.name for port in spec.inputs if port.kind == output.kind), None)
    if same is None and not spec.inputs and output.kind in ("int", "float", "any"):
        return "float(self._count)" if output.kind == "float" else "self._count"
    return same or PORT_KINDS[output.kind].sample


# ---------------------------------------------------------------------- the check


def _check_name(spec: CellSpec) -> str:
    return f"check_{spec.name}"


def _samples(spec: CellSpec) -> list[str]:
    return [PORT_KINDS[port.kind].sample for port in spec.inputs]


def _check_text(spec: CellSpec) -> str:
    lines = [
        f"def {_check_name(spec)}() -> None:",
        f'    """Let {spec.name} run on one item, and look at what it gives."""',
        '    pipeline = Pipeline(None, "check")',
        f'    cell = {spec.name}(pipeline, "cell")',
    ]
    for port, sample in zip(spec.inputs, _samples(spec), strict=True):
        lines.append(f'    Connection(_Feed(pipeline, "feed_{port.name}", {sample}).output, cell.input_{port.name})')
    lines += [
        f"    cell.param_{parameter.name}.set_value({_stand_in(parameter)})"
        for parameter in spec.parameters
        if not _default(parameter)
    ]
    lines += ["    pipeline.deploy()", "    try:", "        pipeline.pull()"]
    if spec.outputs:
        lines += [f"        print({_shown(port)})" for port in spec.outputs]
    return "\n".join([*lines, "    finally:", "        pipeline.undeploy()"]) + "\n"


def _shown(port: PortSpec) -> str:
    """The code of what the check prints: of an array its shape, which is enough to see that it is one."""
    shape = ".shape" if PORT_KINDS[port.kind].sample.startswith("np.") else ""
    return f'"{port.name}:", cell.output_{port.name}.get_value(){shape}'


def _stand_in(parameter: ParameterSpec) -> str:
    if parameter.kind in ("input_path", "output_path"):
        return "Path(__file__)" if parameter.kind == "input_path" else 'Path("check.out")'
    least = read_number(parameter.minimum, parameter.kind) if parameter.kind in ("int", "float") else None
    most = read_number(parameter.maximum, parameter.kind) if parameter.kind in ("int", "float") else None
    return repr(least if least is not None else most if most is not None else 0)
