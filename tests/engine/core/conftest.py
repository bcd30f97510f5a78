from collections.abc import Iterator

import pytest
from core_rig import SensedMonitor, Starter


@pytest.fixture
def start() -> Iterator[Starter]:
    """Starts a call in a thread; the test ends when all of them have."""
    starter = Starter()
    yield starter
    starter.join()


@pytest.fixture
def monitor() -> SensedMonitor:
    return SensedMonitor()
