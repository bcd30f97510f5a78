"""Room for a cell that a connection was led through: what follows on it moves to the right where it would be covered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pypipeline_engine.graph.model import Body, Document, split_end
from pypipeline_studio.document.comments import comments_of, follow_nodes, place_comments
from pypipeline_studio.document.edits import Path, body_at, move_cells
from pypipeline_studio.document.neighbours import Box
from pypipeline_studio.document.presentation import INPUTS, OUTPUTS

_GAP_X: Final = 48.0
"""So far nodes stand apart afterwards, where one had to move."""
_GAP_Y: Final = 16.0
"""Nodes that are so far below each other do not disturb; badges stand out above them."""


def make_room(document: Document, path: Path, name: str, wire: tuple[str, str], boxes: Mapping[str, Box]) -> Document:
    """The document with a cell put where it covers none of its neighbours, and they do not cover it.

    The cell goes to the right of what is left of it; what is right of it moves further that way, with all that follows on it
    and is in the way of that, and with the comment boxes around it. What has room stays where it is.

    :param wire: source and target of the connection that leads through the cell, as they stood in the document.
    :param boxes: left, top, right and bottom of all nodes of the pipeline, also of the cell where it is wanted.
    """
    room = _Room(body_at(document, path), name, wire, boxes)
    places = {moved: (box[0], box[1]) for moved, box in room.find().items()}
    comments = {comment.key: comment.box for comment in comments_of(body_at(document, path))}
    document = place_comments(document, path, follow_nodes(comments, boxes, places))
    return move_cells(document, path, {name: (boxes[name][0], boxes[name][1]), **places})


class _Room:
    """The search for the places of one insertion."""

    def __init__(self, body: Body, name: str, wire: tuple[str, str], boxes: Mapping[str, Box]) -> None:
        self._name = name
        self._boxes = boxes
        self._source = split_end(wire[0])[0] or INPUTS
        self._target = split_end(wire[1])[0] or OUTPUTS
        self._following: dict[str, list[str]] = {}
        for connection in body.connections:
            if connection.mark != "recurrent":
                start, end = split_end(connection.source)[0] or INPUTS, split_end(connection.target)[0] or OUTPUTS
                self._following.setdefault(start, []).append(end)

    def find(self) -> dict[str, Box]:
        """Where the nodes are that have to move."""
        wanted = self._boxes[self._name]
        left = self._left_of(wanted)
        own = _right_of_all(wanted, [self._boxes[other] for other in left])
        in_way = [
            other
            for other, box in self._boxes.items()
            if other not in left and other != self._name and _are_close(own, box)
        ]
        distance = max((own[2] + _GAP_X - self._boxes[other][0] for other in in_way), default=0.0)
        found = {other: _shifted(self._boxes[other], distance) for other in self._pushed(in_way, distance)}
        return found if own == wanted else {self._name: own, **found}

    def _left_of(self, wanted: Box) -> set[str]:
        """What stays where it is, and the cell has to go past."""
        boxes, source, target = self._boxes, self._source, self._target
        fixed, behind = {source}, set()
        if boxes[source][0] <= boxes[target][0]:
            behind = self._with_followers(target)
        else:  # it would run into the source
            fixed.add(target)
        middle = wanted[0] + wanted[2]
        return {
            other
            for other, box in boxes.items()
            if other not in behind and other != self._name and (other in fixed or box[0] + box[2] < middle)
        }

    def _with_followers(self, first: str) -> set[str]:
        """A node and what follows on it, without what is left of it: a graph may go on in a row below."""
        found, todo = {first}, [first]
        for node in todo:  # grows meanwhile
            for other in self._following.get(node, ()):
                if other not in found and other in self._boxes and other not in (self._source, self._name):
                    found.add(other)
                    todo.append(other)
        return {node for node in found if self._boxes[node][0] >= self._boxes[first][0]}

    def _pushed(self, in_way: list[str], distance: float) -> set[str]:
        """What moves with the nodes that are in the way: all that follows on them, and what they would run into."""
        found: set[str] = set()
        todo = list(in_way)
        while todo:
            joined = self._with_followers(todo.pop()) - found
            found |= joined
            for node in joined:
                before, after = self._boxes[node], _shifted(self._boxes[node], distance)
                todo.extend(
                    other
                    for other, box in self._boxes.items()
                    if other not in found
                    and other not in (self._source, self._name)
                    and _are_close(after, box)
                    and not _are_close(before, box)
                )
        return found


def _right_of_all(box: Box, others: list[Box]) -> Box:
    """A box, moved to the right until it is close to none of the others."""
    while over := next((other for other in others if _are_close(box, other)), None):
        box = _shifted(box, over[2] + _GAP_X - box[0])
    return box


def _shifted(box: Box, distance: float) -> Box:
    return (box[0] + distance, box[1], box[2] + distance, box[3])


def _are_close(one: Box, other: Box) -> bool:
    """Whether two boxes cover each other, or are nearer than nodes should be."""
    return (
        one[0] < other[2] + _GAP_X
        and other[0] < one[2] + _GAP_X
        and one[1] < other[3] + _GAP_Y
        and other[1] < one[3] + _GAP_Y
    )
