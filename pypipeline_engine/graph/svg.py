"""Graph document -> a picture as SVG, laid out from sources on the left to sinks on the right."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from pypipeline_engine.catalogue.model import KnownTypes, Types
from pypipeline_engine.graph.diagram import recurrent_connections, settings_of
from pypipeline_engine.graph.model import Body, CellEntry, Document, split_end

_CHARACTER = 7.0  # the width of a character of the font, in pixels; near enough for names
_LINE = 18.0
_PAD = 10.0
_GAP_X = 70.0
_GAP_Y = 24.0
_BEND = 30.0
_MARGIN = 25.0
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#1c2430}.title{font-weight:600}.small{fill:#5a6675;font-size:11px}"
    ".cell{fill:#ffffff;stroke:#8a96a6}.nest{fill:#f3f6fa;stroke:#8a96a6}.off{stroke-dasharray:4 3;opacity:.55}"
    ".wire{fill:none;stroke:#4a7ab5;stroke-width:1.6}.back{stroke-dasharray:6 4}.port{fill:#4a7ab5}"
)


@dataclass
class _Box:
    """A cell in the picture. Positions are those of the upper left corner, relative to the pipeline around."""

    width: float
    height: float
    shapes: list[str]
    """What is drawn inside, relative to the corner."""
    inputs: dict[str, tuple[float, float]] = field(default_factory=dict)
    outputs: dict[str, tuple[float, float]] = field(default_factory=dict)
    x: float = 0.0
    y: float = 0.0


def to_svg(document: Document, types: Types | None = None) -> str:
    """The picture of a graph. Recurrent connections are dashed, disabled and bypassed cells are pale.

    :param types: to know of initial values that do not stand in the document.
    """
    width, height, shapes = _draw_body(document, types if types is not None else KnownTypes([]))
    width, height = width + 2 * _MARGIN, height + 2 * _MARGIN
    return (
        "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
                f'height="{height:g}">',
                f"<title>{escape(document.name)}</title>",
                f"<style>{_STYLE}</style>",
                f'<g transform="translate({_MARGIN:g} {_MARGIN:g})">',
                *shapes,
                "</g>",
                "</svg>",
            ]
        )
        + "\n"
    )


def _draw_body(body: Body, types: Types) -> tuple[float, float, list[str]]:
    """Width, height and shapes of the cells and connections of a pipeline."""
    boxes = {name: _draw_cell(name, cell, _used_ports(name, body), types) for name, cell in body.cells.items()}
    starts = {port: _own_port(port) for port in body.inputs}
    stops = {port: _own_port(port) for port in body.outputs}
    recurrent = recurrent_connections(body, types)
    columns: list[list[_Box]] = [list(starts.values())] if starts else []
    columns += [[boxes[name] for name in layer] for layer in _layers(body, recurrent)]
    columns += [list(stops.values())] if stops else []
    width, height = _place(columns)
    wires = []
    for index, connection in enumerate(body.connections):
        source, output = split_end(connection.source)
        target, entry = split_end(connection.target)
        start = starts.get(output) if source is None else boxes.get(source)
        stop = stops.get(entry) if target is None else boxes.get(target)
        if start is not None and stop is not None:
            x1, y1 = _port_at(start, start.outputs, output, start.width)
            x2, y2 = _port_at(stop, stop.inputs, entry, 0.0)
            if x2 > x1:
                bend = max(_BEND, (x2 - x1) / 2)
                way = f"M{x1:g} {y1:g} C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}"
            else:
                low = max(start.y + start.height, stop.y + stop.height) + _BEND / 2
                height = max(height, low + _PAD)
                way = (
                    f"M{x1:g} {y1:g} C{x1 + _BEND:g} {y1:g} {x1 + _BEND:g} {low:g} {x1:g} {low:g} "
                    f"L{x2:g} {low:g} C{x2 - _BEND:g} {low:g} {x2 - _BEND:g} {y2:g} {x2:g} {y2:g}"
                )
            kind = "wire back" if index in recurrent else "wire"
            wires.append(f'<path class="{kind}" d="{way}"/>')
    drawn = []
    for box in [*starts.values(), *boxes.values(), *stops.values()]:
        drawn += [f'<g transform="translate({box.x:g} {box.y:g})">', *box.shapes, "</g>"]
    return width, height, [*drawn, *wires]


def _port_at(box: _Box, ports: dict[str, tuple[float, float]], name: str, side: float) -> tuple[float, float]:
    x, y = ports.get(name, (side, box.height / 2))
    return box.x + x, box.y + y


def _used_ports(name: str, body: Body) -> tuple[list[str], list[str]]:
    """The inputs and outputs of a cell that are connected, or declared where it is a pipeline."""
    cell = body.cells[name]
    inputs, outputs = list(cell.inputs), list(cell.outputs)
    for connection in body.connections:
        source, output = split_end(connection.source)
        target, entry = split_end(connection.target)
        if source == name and output not in outputs:
            outputs.append(output)
        if target == name and entry not in inputs:
            inputs.append(entry)
    return inputs, outputs


def _own_port(name: str) -> _Box:
    width = len(name) * _CHARACTER + 2 * _PAD
    middle = _LINE / 2
    shapes = [
        f'<rect class="nest" width="{width:g}" height="{_LINE:g}" rx="{middle:g}"/>',
        f'<text class="small" x="{_PAD:g}" y="{_LINE - 5:g}">{escape(name)}</text>',
    ]
    return _Box(width, _LINE, shapes, {name: (0.0, middle)}, {name: (width, middle)})


def _draw_cell(name: str, cell: CellEntry, ports: tuple[list[str], list[str]], types: Types) -> _Box:
    inputs, outputs = ports
    head = [
        name,
        *([] if cell.is_pipeline else [cell.type]),
        *([", ".join(settings_of(cell))] if settings_of(cell) else []),
    ]
    rows = max(len(inputs), len(outputs))
    pairs = zip([*inputs, *[""] * rows], [*outputs, *[""] * rows], strict=False)
    width = max([*map(len, head), *(len(left) + len(right) + 3 for left, right in pairs)]) * _CHARACTER + 2 * _PAD
    top = len(head) * _LINE + _PAD
    height = top + rows * _LINE + _PAD / 2
    inside: list[str] = []
    if cell.is_pipeline:
        inner_width, inner_height, shapes = _draw_body(cell, types)
        inside = [f'<g transform="translate({_PAD:g} {height:g})">', *shapes, "</g>"]
        width, height = max(width, inner_width + 2 * _PAD), height + inner_height + _PAD
    kind = "nest" if cell.is_pipeline else "cell"
    off = " off" if cell.disabled or cell.bypassed else ""
    box = _Box(width, height, [f'<rect class="{kind}{off}" width="{width:g}" height="{height:g}" rx="6"/>'])
    for number, text in enumerate(head):
        box.shapes.append(
            f'<text class="{"small" if number else "title"}" x="{_PAD:g}" y="{(number + 1) * _LINE:g}">{escape(text)}</text>'
        )
    for row, port in enumerate(inputs):
        box.inputs[port] = (0.0, top + (row + 0.5) * _LINE)
        box.shapes += _draw_port(port, 0.0, box.inputs[port][1], _PAD, "start")
    for row, port in enumerate(outputs):
        box.outputs[port] = (width, top + (row + 0.5) * _LINE)
        box.shapes += _draw_port(port, width, box.outputs[port][1], width - _PAD, "end")
    box.shapes += inside
    return box


def _draw_port(name: str, x: float, y: float, text_x: float, anchor: str) -> list[str]:
    return [
        f'<circle class="port" cx="{x:g}" cy="{y:g}" r="3.5"/>',
        f'<text class="small" x="{text_x:g}" y="{y + 4:g}" text-anchor="{anchor}">{escape(name)}</text>',
    ]


def _layers(body: Body, recurrent: set[int]) -> list[list[str]]:
    """The cells by the length of the longest way that leads to them; cycles count once."""
    upstream: dict[str, set[str]] = {name: set() for name in body.cells}
    for index, connection in enumerate(body.connections):
        source, target = split_end(connection.source)[0], split_end(connection.target)[0]
        if index not in recurrent and source in body.cells and target in body.cells and source != target:
            assert source is not None
            assert target is not None
            upstream[target].add(source)
    depth = dict.fromkeys(body.cells, 0)
    for _ in body.cells:
        deeper = {name: max((depth[other] + 1 for other in upstream[name]), default=0) for name in body.cells}
        if deeper == depth:
            break
        depth = {name: min(number, len(body.cells) - 1) for name, number in deeper.items()}
    return [[name for name in body.cells if depth[name] == number] for number in sorted(set(depth.values()))]


def _place(columns: list[list[_Box]]) -> tuple[float, float]:
    """Give every box its position, the columns centred; returns the size of the whole."""
    heights = [sum(box.height for box in column) + _GAP_Y * (len(column) - 1) for column in columns]
    total = max(heights, default=0.0)
    x = 0.0
    for column, height in zip(columns, heights, strict=True):
        y = (total - height) / 2
        for box in column:
            box.x, box.y = x, y
            y += box.height + _GAP_Y
        x += max(box.width for box in column) + _GAP_X
    return max(x - _GAP_X, 0.0), total
