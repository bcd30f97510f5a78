"""The difference between a graph here and its file, for people to read."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Final

from pypipeline_engine.graph.model import Document
from pypipeline_engine.graph.problems import WrongGraphException
from pypipeline_engine.graph.reader import read, read_bytes
from pypipeline_engine.graph.writer import to_text

MOST_LINES: Final = 20_000
"""Of both texts together. Finding the difference takes some seconds from here on."""


def compare(document: Document, path: Path) -> str:
    """What saving the document would change in the file, as a unified diff, or a sentence where there is none.

    A file that holds a graph is compared by what it means: its layout is no difference.
    """
    try:
        content = read_bytes(path)
    except WrongGraphException as error:
        return f"{error}\n"
    try:
        theirs = to_text(read(content, str(path)))
        note = ""
    except WrongGraphException as error:
        theirs = content.decode("utf-8", "replace")
        note = f"The file cannot be opened as it is: {error}\n\n"
    mine = to_text(document)
    if mine == theirs:
        return "Both hold the same graph; they differ in their layout only.\n"
    before, after = theirs.splitlines(), mine.splitlines()
    if len(before) + len(after) > MOST_LINES:
        return f"{note}The graphs are too large to compare them here: {len(before)} and {len(after)} lines.\n"
    lines = difflib.unified_diff(before, after, "in the file", "in the studio", n=1, lineterm="")
    return note + "\n".join(lines) + "\n"
