"""The JSON schema of graph files, for editors and other programs. It follows from the models.

`python -m pypipeline_engine.graph.schema` writes it to the standard output.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from pypipeline_engine.graph.model import Document


def graph_schema() -> dict[str, Any]:
    """The schema (JSON Schema 2020-12) as data."""
    generated = Document.model_json_schema()
    # The model has defaults for these, so that code can leave them out; a file says what it is.
    generated["required"] = ["format", "version", "cells"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Graph of pypipeline",
        **{key: value for key, value in generated.items() if key != "title"},
    }


def schema_text() -> str:
    """The schema as it stands in `resources/schema/graph.schema.json`."""
    return json.dumps(graph_schema(), indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
