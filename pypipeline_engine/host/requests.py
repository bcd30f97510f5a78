"""Bodies of requests, and what is wrong with them in words."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from starlette.requests import Request

from pypipeline_engine.graph.problems import describe, path_text, suggestion
from pypipeline_engine.host.refusals import UNPROCESSABLE, Refused

Model = TypeVar("Model", bound=BaseModel)

MOST_BODY_BYTES = 16 * 1024**2
MOST_BYTES_DRAINED = 4 * MOST_BODY_BYTES
"""So much of a body that is too large is read all the same: who sends on while the connection closes may lose the answer."""

_EXPECTED = {
    "dict_type": "an object",
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "greater_than_equal": "a number of at least {ge}",
    "less_than_equal": "a number of at most {le}",
}


async def read_body(request: Request) -> bytes:
    """The body, as far as it is allowed.

    :raises Refused: if it is too large, or no JSON.
    """
    body = bytearray()
    nb_bytes = 0
    async for chunk in request.stream():
        nb_bytes += len(chunk)
        if nb_bytes <= MOST_BODY_BYTES:
            body += chunk
        elif nb_bytes > MOST_BYTES_DRAINED:
            break
    if nb_bytes > MOST_BODY_BYTES:
        raise Refused(413, f"a request may have at most {MOST_BODY_BYTES // 1024**2} MB")
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and media_type != "application/json":
        came = describe(media_type) if media_type else "none"
        raise Refused(415, f"the body must be JSON, with the header 'Content-Type: application/json', not {came}")
    return bytes(body)


def parse(model: type[Model], body: bytes) -> Model:
    """The request in a body; an empty one stands for an empty object.

    :raises Refused: with everything that is wrong with it.
    """
    try:
        return model.model_validate_json(body or b"{}", strict=True)
    except ValidationError as error:
        details = error.errors(include_url=False)
    except RecursionError:
        raise Refused(UNPROCESSABLE, "objects and lists lie too deep in each other in the request") from None
    raise Refused(UNPROCESSABLE, "; ".join(_explain(detail, model) for detail in details[:20]))


def _explain(detail: ErrorDetails, model: type[BaseModel]) -> str:
    kind, value = detail["type"], detail["input"]
    context: dict[str, Any] = detail.get("ctx", {})
    place = path_text(tuple(detail["loc"]))
    if kind == "json_invalid":
        return f"the body is no JSON: {context.get('error', detail['msg'])}"
    if kind == "missing":
        return f"{place} is missing"
    if kind == "extra_forbidden":
        return f"unknown key {describe(place)}{suggestion(place, list(model.model_fields))}"
    if kind in ("model_type", "model_attributes_type"):
        return f"the body must be an object, not {describe(value)}"
    expected = _EXPECTED.get(kind)
    if expected is None:
        return f"{place}: {detail['msg']}"
    return f"{place}: {expected.format(**context)} is expected, not {describe(value)}"
