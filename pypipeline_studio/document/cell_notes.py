"""What a person has written about a cell: view data, which stands apart from the pipeline."""

from __future__ import annotations

from typing import Final

from pypipeline_engine.graph.model import Body, Document
from pypipeline_studio.document.edits import Path, body_at, with_body

_KEY: Final = "comment"


def comment_of(body: Body, name: str) -> str:
    """What is written about a cell; empty where nothing is."""
    view = body.view.get(name)
    comment = view.get(_KEY) if isinstance(view, dict) else None
    return comment if isinstance(comment, str) else ""


def set_comment(document: Document, path: Path, name: str, comment: str) -> Document:
    """Write something else about a cell; nothing where it is empty."""
    body = body_at(document, path)
    if comment == comment_of(body, name):
        return document
    known = body.view.get(name)
    own = {key: value for key, value in (known if isinstance(known, dict) else {}).items() if key != _KEY}
    view = {**body.view, name: own | ({_KEY: comment} if comment else {})}
    if not view[name]:
        del view[name]
    return with_body(document, path, view=view)
