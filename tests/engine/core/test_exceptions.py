"""What callers rely on when they catch the engine's exceptions."""

import copy
import pickle

import pytest

from pypipeline_engine import exceptions
from pypipeline_engine.exceptions import (
    IndeterminableTopologyException,
    InternalError,
    NonCriticalException,
    NotDeployableException,
    PipelineException,
)

ALL = [kind for kind in vars(exceptions).values() if isinstance(kind, type) and kind.__module__ == exceptions.__name__]
NAMES_OF_THE_API = [
    "NonCriticalException",
    "InvalidInputException",
    "NotDeployableException",
    "IndeterminableTopologyException",
    "NotDeployedException",
    "AlreadyDeployedException",
    "UnconnectedException",
    "NoInputProvidedException",
    "NoOutputProvidedException",
    "UnsetRecurrentConnectionException",
    "CannotBeDeletedException",
    "InvalidStateException",
    "ScalingNotSupportedException",
    "TimeoutException",
    "InactiveException",
    "DeadlockException",
    "ItemSkipped",
    "GraphException",
]


@pytest.mark.parametrize("name", NAMES_OF_THE_API)
def test_it_is_there(name: str) -> None:
    assert issubclass(getattr(exceptions, name), Exception)


def test_one_base_class_catches_what_the_engine_says_and_nothing_of_the_cells() -> None:
    assert [kind for kind in ALL if not issubclass(kind, PipelineException)] == [NonCriticalException]
    assert not [kind for kind in ALL if kind is not NonCriticalException and issubclass(kind, NonCriticalException)]


def test_a_topology_that_cannot_be_ordered_cannot_be_deployed() -> None:
    assert issubclass(IndeterminableTopologyException, NotDeployableException)


def test_a_fault_of_the_engine_asks_for_a_report() -> None:
    assert str(InternalError("a output is both set and unset")).endswith("please report it together with this message.")


@pytest.mark.parametrize("kind", ALL)
def test_the_message_survives_the_way_between_processes(kind: type[Exception]) -> None:
    error = kind("why")
    error.add_note("in the cell pipe.a")
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert (type(twin), str(twin), twin.__notes__) == (kind, str(error), ["in the cell pipe.a"])
