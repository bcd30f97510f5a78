"""The colour tables of both themes, without Qt. No other module has a colour written out.

Colours are `#RRGGBB`, or `#RRGGBBAA` with their opacity. Text has a contrast of at least 4.5:1 on every surface, ports
and bars at least 3:1; a test over these tables checks that.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from pypipeline_engine.catalogue.model import Kind

Mode: TypeAlias = Literal["dark", "light"]
Shape: TypeAlias = Literal["square", "diamond", "triangle", "hexagon", "disc", "pill", "pentagon", "ring"]


class Category(NamedTuple):
    """The colour of a category's title bands, and its icon."""

    dark: str
    light: str
    icon: str


class KindLook(NamedTuple):
    """How ports and wires for one kind of value look."""

    dark: str
    light: str
    shape: Shape


DARK: dict[str, str] = {
    # surfaces
    "window": "#15181C",
    "panel": "#1A1D22",
    "raised": "#22262C",
    "popover": "#262B32",
    "field": "#131619",
    "hover": "#282D34",
    "press": "#30363E",
    "canvas": "#111317",
    "grid": "#23272D",
    "node": "#1E2227",
    "node_shadow": "#00000059",
    "foot": "#191C21",
    "track": "#12151A",
    "pill": "#1A1D22",
    "accent_soft": "#1D2A45",
    "warn_soft": "#2E2617",
    "error_soft": "#33201F",
    "neck_soft": "#2F2618",
    # lines
    "line": "#2A2F36",
    "line_strong": "#414852",
    "line_field": "#666E7A",
    "node_line": "#3A414A",
    # text
    "text": "#E8EBEF",
    "text2": "#B0B8C2",
    "text3": "#8B95A1",
    "disabled": "#5C6570",
    # action
    "accent": "#6A9BF4",
    "accent_fill": "#3467D6",
    "on_accent": "#FFFFFF",
    # state
    "ok": "#55B88B",
    "ok_fill": "#237A55",
    "warn": "#E5B454",
    "error": "#F47C6C",
    "error_fill": "#C43D33",
    "neck": "#F2A63B",
    "on_neck": "#201400",
    "neck_line": "#F2A63B",
    # load
    "busy": "#5B97DB",
    "starved": "#77818D",
    "blocked": "#C98BC4",
    "q_low": "#55B88B",
    "q_mid": "#E5C158",
    "q_high": "#F0705F",
    "comment": "#C9A94E",
    "handle": "#E8EBEF",
}

LIGHT: dict[str, str] = {
    # surfaces
    "window": "#ECEEF1",
    "panel": "#F8F9FA",
    "raised": "#FFFFFF",
    "popover": "#FFFFFF",
    "field": "#FFFFFF",
    "hover": "#EBEEF2",
    "press": "#DFE3E9",
    "canvas": "#F1F3F5",
    "grid": "#D5DAE0",
    "node": "#FFFFFF",
    "node_shadow": "#1A203026",
    "foot": "#F8F9FA",
    "track": "#E6E9ED",
    "pill": "#FFFFFF",
    "accent_soft": "#E2EAFB",
    "warn_soft": "#FBF1DC",
    "error_soft": "#FBE7E4",
    "neck_soft": "#FDF1DD",
    # lines
    "line": "#DCE0E5",
    "line_strong": "#B4BBC5",
    "line_field": "#858E9A",
    "node_line": "#BFC6CF",
    # text
    "text": "#181C21",
    "text2": "#434C57",
    "text3": "#5D6773",
    "disabled": "#9AA3AE",
    # action
    "accent": "#2659C7",
    "accent_fill": "#2F62D0",
    "on_accent": "#FFFFFF",
    # state
    "ok": "#1B7A4E",
    "ok_fill": "#1F7F53",
    "warn": "#8A5B00",
    "error": "#B72D22",
    "error_fill": "#BE3428",
    "neck": "#F0A030",
    "on_neck": "#201400",
    "neck_line": "#BE6C00",
    # load
    "busy": "#2F6FC0",
    "starved": "#78828E",
    "blocked": "#A2509B",
    "q_low": "#2C8F61",
    "q_mid": "#A67600",
    "q_high": "#C63B2E",
    "comment": "#A57F10",
    "handle": "#FFFFFF",
}

TABLES: dict[Mode, dict[str, str]] = {"dark": DARK, "light": LIGHT}

CATEGORIES: dict[str, Category] = {
    "sources": Category("#3FA39B", "#0F766E", "film-strip"),
    "flow": Category("#7D8896", "#566170", "funnel"),
    "math": Category("#7D8896", "#566170", "hash"),
    "series": Category("#9A9350", "#6D6510", "trend-up"),
    "vision": Category("#5C8FD6", "#2A61B0", "image"),
    "detection": Category("#9079D9", "#6445B8", "bounding-box"),
    "tracking": Category("#C274AE", "#97407F", "path"),
    "ai": Category("#7186E8", "#3F51B5", "brain"),
    "sinks": Category("#7DA05A", "#4B6E22", "export"),
    "pipeline": Category("#8794A5", "#4C5A6B", "stack"),
    "missing": Category("#8B95A1", "#626C78", "puzzle-piece"),
}

KINDS: dict[Kind, KindLook] = {
    "image": KindLook("#5DB5E8", "#0072A8", "square"),
    "boxes": KindLook("#F0A44A", "#A85F00", "diamond"),
    "tracks": KindLook("#E08FC0", "#A23C7C", "triangle"),
    "tensor": KindLook("#A99CF7", "#5847C2", "hexagon"),
    "number": KindLook("#4FC3A0", "#00755A", "disc"),
    "text": KindLook("#DCCB5E", "#756400", "pill"),
    "record": KindLook("#E58A73", "#A8432B", "pentagon"),
    "any": KindLook("#AAB3BE", "#59636F", "ring"),
}


class MarkLook(NamedTuple):
    """A colour that a person gives to a cell or a comment box."""

    dark: str
    light: str
    name: str


MARKS: dict[str, MarkLook] = {
    "sand": MarkLook("#C9A94E", "#A57F10", "Sand"),
    "clay": MarkLook("#B98A70", "#93583A", "Clay"),
    "rose": MarkLook("#C4849F", "#9C4870", "Rose"),
    "violet": MarkLook("#9C8BCC", "#6C56AC", "Violet"),
    "blue": MarkLook("#7299C4", "#3C6CA3", "Blue"),
    "teal": MarkLook("#5FA39C", "#287770", "Teal"),
    "green": MarkLook("#86A870", "#527836", "Green"),
    "grey": MarkLook("#8B95A1", "#5D6773", "Grey"),
}
"""By what the file says. Less saturated than anything that tells a state, so that a marked node looks like no alarm."""

BAND_SHARE: dict[Mode, float] = {"dark": 0.30, "light": 0.16}
"""How much of a category's colour the title band of a node has, over `node`."""

COMMENT_SHARE: dict[Mode, float] = {"dark": 0.09, "light": 0.13}
"""How much of its colour a comment box has, over `canvas`."""

RAMPS: dict[Literal["normal", "safe"], dict[Mode, tuple[str, ...]]] = {
    "normal": {
        "dark": ("#3A5F94", "#4F93AE", "#CDB95C", "#E68B42", "#E2564B"),
        "light": ("#9DB8E0", "#6FB0BD", "#DDBF45", "#DE7B2C", "#C9372C"),
    },
    "safe": {
        "dark": ("#2F4A78", "#55709A", "#8C929B", "#CDB868", "#FFE25C"),
        "light": ("#C9D6EA", "#8FA6C8", "#6B7486", "#7B5A1E", "#4A2C00"),
    },
}
"""Colours of the heat display at a busy share of 0, 25, 50, 75 and 100 %; in `safe` the lightness goes one way only, so that
it can be read with a colour vision deficiency."""
