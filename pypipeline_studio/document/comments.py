"""Comment boxes: titles and notes behind the nodes, kept in the view of their pipeline.

Each is an entry of its own there, with a name that no cell can have because of its dot:

    "comment.1": {"box": [left, top, width, height], "title": "Crowd count", "text": "Runs less steadily.", "colour": "teal"}

What is at its default is left out. An entry that cannot be understood is not shown, and stays in the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from pypipeline_engine.graph.model import Body, Document
from pypipeline_engine.graph.problems import WrongGraphException
from pypipeline_engine.graph.reader import read
from pypipeline_engine.graph.writer import to_text
from pypipeline_studio.document.edits import (
    COPY_OFFSET,
    FARTHEST,
    Path,
    Position,
    body_at,
    copy_fragment,
    paste_fragment,
    position_of,
    with_body,
)

Rectangle: TypeAlias = tuple[float, float, float, float]
"""Left, top, width and height."""

PREFIX: Final = "comment."
DEFAULT_TITLE: Final = "Comment"
DEFAULT_COLOUR: Final = "sand"
SMALLEST: Final = (96.0, 48.0)
"""Width and height of a box at the least."""
MIDDLE_OF_TITLE: Final = (102.0, 14.0)
"""Where a node is, from its upper left corner, for the question in which box it lies."""
_PADDING: Final = 24.0
_HEAD: Final = 28.0


@dataclass(frozen=True)
class Comment:
    """One box."""

    key: str
    """Its name in the view of the pipeline."""
    box: Rectangle
    title: str = DEFAULT_TITLE
    text: str = ""
    colour: str = DEFAULT_COLOUR
    """As the file says it."""


def comments_of(body: Body) -> tuple[Comment, ...]:
    """The comment boxes of a pipeline, in the order of the file."""
    return tuple(found for key, value in body.view.items() if (found := _read(key, value)) is not None)


def _read(key: str, value: Any) -> Comment | None:
    if not key.startswith(PREFIX) or not isinstance(value, dict):
        return None
    box = value.get("box")
    if not isinstance(box, list) or len(box) != 4 or not all(_is_number(part) for part in box):
        return None
    left, top, width, height = (float(part) for part in box)
    return Comment(
        key,
        (left, top, max(width, SMALLEST[0]), max(height, SMALLEST[1])),
        _text(value.get("title"), DEFAULT_TITLE),
        _text(value.get("text"), ""),
        _text(value.get("colour"), DEFAULT_COLOUR),
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < FARTHEST


def _text(value: Any, default: str) -> str:
    return value if isinstance(value, str) else default


def _entry(comment: Comment, known: Any) -> dict[str, Any]:
    """What the file says of a box; what else it says of it already stays."""
    said = {"title": comment.title, "text": comment.text, "colour": comment.colour}
    defaults = {"title": DEFAULT_TITLE, "text": "", "colour": DEFAULT_COLOUR}
    entry: dict[str, Any] = {"box": [round(part) for part in comment.box]}
    entry |= {key: value for key, value in said.items() if value != defaults[key]}
    others = known if isinstance(known, dict) else {}
    return entry | {key: value for key, value in others.items() if key != "box" and key not in said}


# ---------------------------------------------------------------------- edits


def free_key(taken: Iterable[str]) -> str:
    """A name for another box."""
    names, number = set(taken), 1
    while f"{PREFIX}{number}" in names:
        number += 1
    return f"{PREFIX}{number}"


def add_comment(
    document: Document, path: Path, box: Rectangle, title: str = DEFAULT_TITLE, text: str = "", colour: str = ""
) -> tuple[Document, str]:
    """Add a box; the document, and the name of the box in the view."""
    body = body_at(document, path)
    key = free_key(body.view)
    comment = Comment(key, box, title, text, colour or DEFAULT_COLOUR)
    return with_body(document, path, view={**body.view, key: _entry(comment, None)}), key


def change_comment(document: Document, path: Path, comment: Comment) -> Document:
    """Take over what is said of a box; nothing where it is gone."""
    body = body_at(document, path)
    if comment.key not in body.view:
        return document
    entry = _entry(comment, body.view[comment.key])
    if entry == body.view[comment.key]:
        return document
    return with_body(document, path, view={**body.view, comment.key: entry})


def remove_comments(document: Document, path: Path, keys: Iterable[str]) -> Document:
    """Remove boxes; what lies in them stays."""
    body, gone = body_at(document, path), set(keys)
    view = {key: value for key, value in body.view.items() if key not in gone or not key.startswith(PREFIX)}
    return document if len(view) == len(body.view) else with_body(document, path, view=view)


def place_comments(document: Document, path: Path, boxes: Mapping[str, Rectangle]) -> Document:
    """Put boxes at other places, or give them other sizes."""
    for comment in comments_of(body_at(document, path)):
        if comment.key in boxes:
            moved = Comment(comment.key, boxes[comment.key], comment.title, comment.text, comment.colour)
            document = change_comment(document, path, moved)
    return document


# ---------------------------------------------------------------------- boxes and nodes


def box_around(nodes: Sequence[tuple[float, float, float, float]]) -> Rectangle:
    """A box around nodes, given by their left, top, right and bottom, with room for its title."""
    left, top = min(node[0] for node in nodes) - _PADDING, min(node[1] for node in nodes) - _PADDING - _HEAD
    right, bottom = max(node[2] for node in nodes) + _PADDING, max(node[3] for node in nodes) + _PADDING
    return (left, top, right - left, bottom - top)


def lies_in(place: Position, box: Rectangle) -> bool:
    """Whether a node with its upper left corner there lies in a box: the middle of its title does."""
    x, y = place[0] + MIDDLE_OF_TITLE[0], place[1] + MIDDLE_OF_TITLE[1]
    return box[0] <= x <= box[0] + box[2] and box[1] <= y <= box[1] + box[3]


def contains(outer: Rectangle, inner: Rectangle) -> bool:
    """Whether a box lies in another one with all of it."""
    return (
        outer != inner
        and outer[0] <= inner[0]
        and outer[1] <= inner[1]
        and outer[0] + outer[2] >= inner[0] + inner[2]
        and outer[1] + outer[3] >= inner[1] + inner[3]
    )


def follow_nodes(
    boxes: Mapping[str, Rectangle],
    before: Mapping[str, tuple[float, float, float, float]],
    after: Mapping[str, Position],
) -> dict[str, Rectangle]:
    """The boxes as they are when the nodes in them have moved: around the same nodes, with the same room beside
    them, or what is usual.

    :param before: left, top, right and bottom of all nodes as they were.
    :param after: where those are that have moved.
    """
    found = {}
    for key, box in boxes.items():
        inside = [name for name, node in before.items() if lies_in((node[0], node[1]), box)]
        if not any(name in after for name in inside):
            continue
        was, now = (
            _bounds([before[name] for name in inside]),
            _bounds([_moved(before[n], after.get(n)) for n in inside]),
        )
        room = (was[0] - box[0], was[1] - box[1], box[0] + box[2] - was[2], box[1] + box[3] - was[3])
        least = (_PADDING, _PADDING + _HEAD, _PADDING, _PADDING)
        beside = [max(pair) for pair in zip(room, least, strict=True)]
        left, top = now[0] - beside[0], now[1] - beside[1]
        found[key] = (left, top, now[2] + beside[2] - left, now[3] + beside[3] - top)
    return found


def _bounds(nodes: Sequence[tuple[float, float, float, float]]) -> tuple[float, float, float, float]:
    return (
        min(n[0] for n in nodes), min(n[1] for n in nodes), max(n[2] for n in nodes), max(n[3] for n in nodes),
    )  # fmt: skip


def _moved(node: tuple[float, float, float, float], place: Position | None) -> tuple[float, float, float, float]:
    if place is None:
        return node
    return (place[0], place[1], place[0] + node[2] - node[0], place[1] + node[3] - node[1])


# ---------------------------------------------------------------------- copies


def copy_with_comments(document: Document, path: Path, names: Sequence[str], keys: Sequence[str]) -> str:
    """Cells, what connects them, and comment boxes, as the text of a graph file."""
    text = copy_fragment(document, path, names)
    if not keys:
        return text
    fragment, view = read(text, "the selection"), body_at(document, path).view
    return to_text(fragment.model_copy(update={"view": {**fragment.view, **{key: view[key] for key in keys}}}))


def paste_with_comments(
    document: Document, path: Path, text: str, position: Position | None = None
) -> tuple[Document, tuple[str, ...], tuple[str, ...]]:
    """Add the cells and comment boxes of the text of a graph. See `edits.paste_fragment`.

    :returns: the document, the names that the cells got, and those of the boxes in the view.
    :raises GraphEditRefused: if the text is no graph.
    """
    comments = _comments_in(text)
    if not comments:
        return (*paste_fragment(document, path, text, position), ())
    fragment = read(text, "the clipboard")
    places = [position_of(fragment, name) for name in fragment.cells]
    corners = [*places, *((comment.box[0], comment.box[1]) for comment in comments)]
    if position is None:
        dx = dy = float(COPY_OFFSET)
    else:
        dx, dy = (position[axis] - min(corner[axis] for corner in corners) for axis in (0, 1))
        if places:  # `paste_fragment` wants to know where the cells go
            position = (min(x for x, _ in places) + dx, min(y for _, y in places) + dy)
    document, names = paste_fragment(document, path, text, position)
    keys = []
    for comment in comments:
        left, top, width, height = comment.box
        body = body_at(document, path)
        key = free_key(body.view)
        moved = Comment(key, (left + dx, top + dy, width, height), comment.title, comment.text, comment.colour)
        view = {**body.view, key: _entry(moved, fragment.view[comment.key])}
        document = with_body(document, path, view=view)
        keys.append(key)
    return document, names, tuple(keys)


def _comments_in(text: str) -> tuple[Comment, ...]:
    try:
        return comments_of(read(text, "the clipboard"))
    except WrongGraphException:
        return ()  # `paste_fragment` says what is wrong with it
