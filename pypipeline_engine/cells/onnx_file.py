"""The names of the inputs and outputs of an ONNX file, without a package that can run it.

A cell has to know them before it is deployed, when `onnxruntime` may not be there, and without loading gigabytes of weights.
Source of the format: onnx.proto3 of https://github.com/onnx/onnx and the encoding of Protocol Buffers.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

# Numbers of fields in onnx.proto3.
_MODEL_GRAPH = 7
_GRAPH_INITIALIZER, _GRAPH_INPUT, _GRAPH_OUTPUT = 5, 11, 12
_TENSOR_NAME, _VALUE_INFO_NAME = 8, 1


class OnnxNames(NamedTuple):
    """What a model takes and gives, in its order."""

    inputs: list[str]
    outputs: list[str]


def read_onnx_names(path: Path) -> OnnxNames:
    """The names of inputs (constants left out) and outputs of the ONNX file `path`.

    :raises OSError: if it cannot be read.
    :raises ValueError: if it is not an ONNX file.
    """
    with path.open("rb") as file:
        if path.stat().st_size == 0:
            raise ValueError("the file is empty")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _read_model(data)


def _read_model(data: mmap.mmap) -> OnnxNames:
    inputs: list[str] = []
    outputs: list[str] = []
    constants: set[str] = set()
    for number, start, end in _fields(data, 0, len(data)):
        if number != _MODEL_GRAPH:
            continue
        for kind, first, last in _fields(data, start, end):
            if kind == _GRAPH_INPUT:
                inputs.append(_text(data, first, last, _VALUE_INFO_NAME))
            elif kind == _GRAPH_OUTPUT:
                outputs.append(_text(data, first, last, _VALUE_INFO_NAME))
            elif kind == _GRAPH_INITIALIZER:
                constants.add(_text(data, first, last, _TENSOR_NAME))
    if not outputs:
        raise ValueError("the file is not an ONNX model: there is no graph with outputs in it")
    # Old models list their weights among the inputs.
    return OnnxNames([name for name in inputs if name not in constants], outputs)


def _text(data: mmap.mmap, start: int, end: int, wanted: int) -> str:
    """The text in the field `wanted` of the message from `start` to `end`; empty where there is none."""
    for number, first, last in _fields(data, start, end):
        if number == wanted:
            return data[first:last].decode()
    return ""


def _fields(data: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The fields of the message from `start` to `end` that are texts, bytes or messages: number, first byte, end."""
    at = start
    while at < end:
        key, at = _varint(data, at, end)
        number, wire_type = key >> 3, key & 7
        if wire_type == 0:
            _, at = _varint(data, at, end)
            continue
        if wire_type == 2:
            length, at = _varint(data, at, end)
        elif wire_type in (1, 5):
            length = 8 if wire_type == 1 else 4
        else:
            raise ValueError("the file is not an ONNX model")
        if at + length > end:
            raise ValueError("the file is not an ONNX model, or it is cut off")
        if wire_type == 2:
            yield number, at, at + length
        at += length


def _varint(data: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    """A number of seven bits to a byte, least first, and where it ends."""
    value = 0
    for position in range(at, min(at + 10, end)):
        byte = data[position]
        value |= (byte & 0x7F) << 7 * (position - at)
        if byte < 0x80:
            return value, position + 1
    raise ValueError("the file is not an ONNX model, or it is cut off")
