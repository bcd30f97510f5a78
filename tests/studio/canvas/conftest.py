"""A canvas on the screen that is not there, with the types of the engine."""

import pytest

from pypipeline_engine.catalogue.discovery import Catalogue
from pypipeline_engine.host import protocol
from pypipeline_engine.resources import get_examples
from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.session import Session
from pypipeline_studio.theme.fonts import load_fonts


@pytest.fixture(scope="session")
def known() -> protocol.Catalogue:
    return protocol.Catalogue(types=tuple(Catalogue(installed=False).get_types()))


@pytest.fixture
def session(qtbot, known):
    load_fonts()
    session = Session()
    session.set_catalogue(known)
    return session


@pytest.fixture
def canvas(qtbot, session):
    canvas = Canvas(session)
    qtbot.addWidget(canvas)
    canvas.resize(1400, 800)
    canvas.show()
    qtbot.waitExposed(canvas)
    return canvas


@pytest.fixture
def people(session, canvas):
    """The example with a video, opened."""
    session.open(get_examples()["people_tracking"])
    canvas.viewer.zoom_by(1 / canvas.viewer.get_scale())
    canvas.fit_all()
    return session
