"""What each Ray clone asks of the cluster, as rows of fields; and the way from the values to texts and back."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from pypipeline_engine.graph.model import RayOptions
from pypipeline_engine.graph.problems import describe
from pypipeline_studio.panels.parameter_fields import CheckedField
from pypipeline_studio.panels.parameter_rows import NAME_PX
from pypipeline_studio.panels.parameter_values import WrongText
from pypipeline_studio.panels.widgets import Label, column, row

_DECIMAL: Final = {"TB": 10**12, "GB": 10**9, "MB": 10**6, "kB": 10**3}
_BINARY: Final = {"TiB": 2**40, "GiB": 2**30, "MiB": 2**20, "KiB": 2**10}
_UNITS: Final = {"b": 1, **{unit.lower(): size for unit, size in (*_DECIMAL.items(), *_BINARY.items())}}
_SIZE: Final = re.compile(r"([0-9.]+(?:e[+-]?[0-9]+)?)\s*([a-z]*)", re.IGNORECASE)
_FIELD_PX: Final = 44


class RayOptionsRows(QWidget):
    """The options of the Ray clones of a cell. What is empty is left to Ray."""

    changed = Signal(object)
    """`RayOptions`, or `None` where nothing is asked any more."""

    def __init__(self) -> None:
        super().__init__()
        self._options = RayOptions()
        self.cpus = _field("CPUs of each Ray clone", lambda text: read_amount(text, "number of CPUs"), "0")
        self.cpus.setToolTip("CPUs that the cluster keeps free for each clone; more clones than that find no place")
        self.gpus = _field("GPUs of each Ray clone", lambda text: read_amount(text, "number of GPUs"), "–")
        self.gpus.setToolTip("GPUs for each clone, also parts of one; empty: as many as the cell says")
        self.memory = _field("Memory of each Ray clone", read_memory, "not limited")
        self.memory.setToolTip("Memory that has to be free where a clone is placed, such as 2 GB")
        self.resources = _field("Other resources of each Ray clone", read_resources, "none")
        self.resources.setToolTip("What the cluster's nodes were started with, such as camera: 1, licence: 0.5")
        for field in (self.cpus, self.gpus):
            field.setFixedWidth(_FIELD_PX)
        processors = [
            row(field, Label(unit, 11, 400, "text3"), spacing=4)
            for field, unit in ((self.cpus, "CPU"), (self.gpus, "GPU"))
        ]
        rows = column(
            row(_name("Each needs"), *processors, None),
            row(_name("Memory"), self.memory),
            row(_name("Resources"), self.resources),
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(rows)
        self.cpus.edited.connect(lambda value, is_finished: self._send(is_finished, num_cpus=value))
        self.gpus.edited.connect(lambda value, is_finished: self._send(is_finished, num_gpus=value))
        self.memory.edited.connect(lambda value, is_finished: self._send(is_finished, memory=value))
        self.resources.edited.connect(lambda value, is_finished: self._send(is_finished, resources=value))

    @property
    def fields(self) -> tuple[CheckedField, ...]:
        """All fields."""
        return self.cpus, self.gpus, self.memory, self.resources

    def show_options(self, options: RayOptions | None) -> None:
        """Show what the file says."""
        self._options = options or RayOptions()
        self.cpus.show_text(amount_text(self._options.num_cpus))
        self.gpus.show_text(amount_text(self._options.num_gpus))
        self.memory.show_text(memory_text(self._options.memory))
        self.resources.show_text(resources_text(self._options.resources))

    def _send(self, is_finished: bool, **changed: Any) -> None:
        options = self._options.model_copy(update=changed)
        if is_finished and options != self._options:
            self.changed.emit(None if options == RayOptions() else options)


def _name(text: str) -> Label:
    label = Label(text)
    label.setFixedWidth(NAME_PX)
    return label


def _field(name: str, read: Any, placeholder: str) -> CheckedField:
    field = CheckedField(name, read)
    field.setPlaceholderText(placeholder)
    return field


# ---------------------------------------------------------------------- texts


def amount_text(amount: float | None) -> str:
    """A number as it was written; empty for none."""
    return "" if amount is None else json.dumps(amount)


def read_amount(text: str, what: str) -> int | float | None:
    """The number in a text; `None` for an empty one.

    :raises WrongText: where it is none, or less than 0.
    """
    typed = text.strip()
    if not typed:
        return None
    amount = _number(typed)
    if amount is None:
        raise WrongText(f"the {what} must be a number of at least 0, not {describe(typed)}")
    return amount


def _number(text: str) -> int | float | None:
    try:
        value = json.loads(text if text[0] != "." else f"0{text}")
    except (ValueError, IndexError):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return value if 0 <= value < math.inf else None
    except OverflowError:
        return None


def memory_text(amount: float | None) -> str:
    """An amount of memory, exactly: `2 GB`, `1.5 GB`, `4 GiB`, `1234567 B`."""
    if amount is None:
        return ""
    for units in (_DECIMAL, _BINARY):
        unit, size = next(((unit, size) for unit, size in units.items() if amount >= size), ("B", 1))
        text = f"{amount / size:.3f}".rstrip("0").rstrip(".")
        if size > 1 and Decimal(text) * size == amount:
            return f"{text} {unit}"
    return f"{json.dumps(amount)} B"


def read_memory(text: str) -> int | float | None:
    """The number of bytes in a text such as `2 GB`, `500MB` or `1e9`; `None` for an empty one.

    :raises WrongText: where it is none.
    """
    typed = text.strip()
    if not typed:
        return None
    match = _SIZE.fullmatch(typed)
    unit = match.group(2).lower() if match is not None else ""
    amount = _number(match.group(1)) if match is not None else None
    if match is None or amount is None or (unit and unit not in _UNITS):
        raise WrongText(f"the memory must be an amount such as 500 MB or 2 GB, not {describe(typed)}")
    number = Decimal(match.group(1)) * _UNITS[unit or "b"]
    return int(number) if number == int(number) else float(number)


def resources_text(resources: Mapping[str, float] | None) -> str:
    """Resources by name: `camera: 1, licence: 0.5`; as JSON where names have commas."""
    if not resources:
        return ""
    if any("," in name or name != name.strip() or not name or name.startswith("{") for name in resources):
        return json.dumps(dict(resources), ensure_ascii=False)
    return ", ".join(f"{name}: {amount_text(amount)}" for name, amount in resources.items())


def read_resources(text: str) -> dict[str, int | float] | None:
    """Resources by name; `None` for an empty text.

    :raises WrongText: where it names none, or an amount is no number.
    """
    typed = text.strip()
    if not typed:
        return None
    pairs: list[tuple[str, str]] = []
    if typed.startswith("{"):
        try:
            pairs = [(name, json.dumps(amount)) for name, amount in json.loads(typed).items()]
        except ValueError as error:
            raise WrongText(f"the resources are no JSON object: {error}") from error
    else:
        for part in typed.split(","):
            # Ray's own resources of nodes have a colon in their names.
            name, colon, amount = part.rpartition(":")
            if not colon or not name.strip():
                raise WrongText(f"resources are given as in camera: 1, licence: 0.5, not {describe(part.strip())}")
            pairs.append((name.strip(), amount.strip()))
    found: dict[str, int | float] = {}
    for name, amount in pairs:
        number = _number(amount)
        if number is None:
            raise WrongText(f"the amount of {describe(name)} must be a number of at least 0, not {describe(amount)}")
        if name in found:
            raise WrongText(f"the resource {describe(name)} is there twice")
        if not name.isprintable():
            raise WrongText(f"the name {describe(name)} contains a control character")
        found[name] = number
    return found or None
