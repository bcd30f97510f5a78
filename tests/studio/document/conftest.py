"""Real types and real documents: the catalogue of the engine, and the examples that ship."""

from pathlib import Path

import pytest

from pypipeline_engine.catalogue.discovery import Catalogue
from pypipeline_engine.graph.reader import read_file
from pypipeline_engine.resources import get_examples
from pypipeline_studio.document.types import StudioTypes


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return Catalogue(installed=False)


@pytest.fixture(scope="session")
def types(catalogue) -> StudioTypes:
    # As they arrive: through JSON.
    described = [cell_type.model_validate_json(cell_type.model_dump_json()) for cell_type in catalogue.get_types()]
    return StudioTypes(described)


@pytest.fixture
def people():
    return read_file(get_examples()["people_tracking"])


@pytest.fixture
def nested():
    return read_file(get_examples()["nested"])


@pytest.fixture(params=sorted(get_examples()))
def example_path(request) -> Path:
    return get_examples()[request.param]
