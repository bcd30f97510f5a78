"""Keeping control of a run elsewhere, also where the network does not bring every renewal across."""

import pytest

from pypipeline_engine.host.protocol import ControlGrant, Controller, Refusal, RunInfo
from pypipeline_studio.engine.addresses import read_address
from pypipeline_studio.engine.client import NoAnswer
from pypipeline_studio.engine.remote import RemoteEngine


class Silent:
    """Keeps what is asked, and answers when the test does."""

    control_key = ""

    def __init__(self) -> None:
        self.asked = []

    def post(self, path, body, model, done=None, refused=None) -> None:
        self.asked.append((path, done, refused))

    def get(self, path, model, done) -> None:
        pass


@pytest.fixture
def client():
    return Silent()


@pytest.fixture
def engine(qtbot, client):
    engine = RemoteEngine(read_address("127.0.0.1:1"), "token")
    engine._client = client
    engine.take_control()
    client.asked.pop()[1](granted("first", 1.0))
    assert engine.has_control
    yield engine
    engine._client = None
    engine.deleteLater()


def granted(key: str, since_s: float) -> ControlGrant:
    return ControlGrant(key=key, expires_s=30, name="me", since_s=since_s)


def test_a_renewal_that_nobody_answers_keeps_control(engine, client) -> None:
    engine._renew()
    client.asked.pop()[2](NoAnswer(message="The engine did not answer: Operation canceled"))
    assert engine.has_control
    engine._renew()
    client.asked.pop()[2](Refusal(message="somebody has control"))
    assert not engine.has_control
    assert not engine._renewal.isActive()


def test_control_that_had_ended_and_is_granted_anew_goes_on_with_the_new_key(engine, client) -> None:
    engine._renew()
    client.asked.pop()[1](granted("second", 2.0))
    assert client.control_key == "second"
    engine.run_changed.emit(RunInfo(controller=Controller(name="me", since_s=2.0)))
    assert engine.has_control


def test_no_answer_is_told_from_a_refusal(qtbot) -> None:
    engine = RemoteEngine(read_address("127.0.0.1:1"), "token")
    engine._on_hello(engine._hello_there)
    refusals = []
    engine._client.post("/control", None, ControlGrant, None, refusals.append)
    qtbot.waitUntil(lambda: bool(refusals))
    assert isinstance(refusals[0], NoAnswer)
    engine._drop()
    engine.deleteLater()
