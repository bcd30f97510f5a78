"""An error of another process says where in the code it was raised, for whoever wants to go there."""

import pytest

from pypipeline_engine.core.errors import get_places, sign
from pypipeline_engine.core.values import Outcome

pytest.importorskip("ray")
from pypipeline_engine.runtime.remote.messages import decode, encode


class Unpicklable(ValueError):
    def __reduce__(self):
        raise TypeError("not me")


@pytest.mark.parametrize("kind", [ValueError, Unpicklable])
def test_an_error_brings_its_places_along(kind):
    try:
        raise kind("no")
    except ValueError as raised:
        error = raised
    sign(error, "root.cell")
    places = get_places(error)
    arrived = decode(encode(Outcome(error))).get_error()
    assert arrived is not error
    assert get_places(arrived)[-len(places) :] == places
    assert get_places(arrived)[-1][0] == __file__
