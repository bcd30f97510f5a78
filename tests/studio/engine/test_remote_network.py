"""Watching a run across a network that comes and goes, which a relay between the two plays."""

import pytest
from PySide6.QtCore import QObject
from PySide6.QtNetwork import QHostAddress, QTcpServer, QTcpSocket
from watched_run import WatchedRun

from pypipeline_studio.engine import remote
from pypipeline_studio.engine.addresses import read_address
from pypipeline_studio.engine.engine import Timing
from pypipeline_studio.engine.remote import RemoteEngine

LONG_MS = 60_000


class Relay(QObject):
    """Hands bytes on between who connects and a port of this machine, as long as it is let."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port
        self.is_away = False
        self.pairs = []
        self.dead = []
        self._server = QTcpServer(self)
        self._server.newConnection.connect(self._take)
        assert self._server.listen(QHostAddress.SpecialAddress.LocalHost)
        self._host = f"127.0.0.1:{self._server.serverPort()}".encode()
        self.url = f"http://127.0.0.1:{self._server.serverPort()}"

    def break_without_a_sign(self) -> None:
        """Nothing comes over the connections that there are, and nobody is told; others can be made."""
        self.dead, self.pairs = [*self.dead, *self.pairs], []

    def _take(self) -> None:
        here, there = self._server.nextPendingConnection(), QTcpSocket(self)
        self.pairs.append((here, there))
        there.connectToHost("127.0.0.1", self.port)
        for source, target in ((here, there), (there, here)):
            source.readyRead.connect(lambda source=source, target=target: self._hand_on(source, target))
            source.disconnected.connect(target.disconnectFromHost)
        there.connected.connect(lambda: self._hand_on(here, there))

    def _hand_on(self, source: QTcpSocket, target: QTcpSocket) -> None:
        is_alive = any(source in pair for pair in self.pairs)
        if is_alive and not self.is_away and target.state() == QTcpSocket.SocketState.ConnectedState:
            # A run answers to its own port only.
            content = source.readAll().data()
            target.write(content.replace(self._host, f"127.0.0.1:{self.port}".encode()))


@pytest.fixture
def start(tmp_path):
    """Starts runs, and ends them with the test."""
    started = []

    def start() -> WatchedRun:
        folder = tmp_path / f"run{len(started)}"
        folder.mkdir()
        started.append(WatchedRun(folder))
        return started[-1]

    yield start
    for run in started:
        run.end()


@pytest.fixture
def relay(qapp, start):
    run = start()
    relay = Relay(port_of(run))
    relay.run = run
    return relay


@pytest.fixture
def engine(qtbot, relay, monkeypatch):
    monkeypatch.setattr(remote, "QUICK_MS", 200)
    engine = RemoteEngine(read_address(relay.url), relay.run.token, timing=Timing(silence_ms=2_000))
    with qtbot.waitSignal(engine.attached, timeout=LONG_MS):
        engine.start()
    qtbot.waitUntil(lambda: engine.snapshot is not None, timeout=LONG_MS)
    yield engine
    engine._drop()
    engine.deleteLater()


def port_of(run: WatchedRun) -> int:
    return int(run.url.rpartition(":")[2])


def test_a_connection_that_broke_without_a_sign_is_made_anew(qtbot, relay, engine) -> None:
    relay.break_without_a_sign()
    qtbot.waitUntil(lambda: engine.state == "silent", timeout=LONG_MS)
    qtbot.waitUntil(lambda: engine.state == "ready", timeout=LONG_MS)
    items = engine.snapshot.sink_items
    qtbot.waitUntil(lambda: engine.snapshot.sink_items > items, timeout=LONG_MS)


def test_a_network_that_is_away_is_waited_for(qtbot, relay, engine, monkeypatch) -> None:
    ends, asked = [], []
    engine.failed.connect(ends.append)
    make_request = remote.make_request
    monkeypatch.setattr(remote, "make_request", lambda *given: (asked.append(given[1]), make_request(*given))[1])
    relay.is_away = True
    qtbot.waitUntil(lambda: asked.count("/run") > 2, timeout=LONG_MS)  # the first ones were not answered in time
    assert engine.state == "silent"
    relay.break_without_a_sign()
    relay.is_away = False
    qtbot.waitUntil(lambda: engine.state == "ready", timeout=LONG_MS)
    assert not ends


def test_another_run_at_the_same_address_is_not_taken_for_it(qtbot, relay, engine, start) -> None:
    relay.port = port_of(start())
    relay.run.process.kill()
    with qtbot.waitSignal(engine.failed, timeout=LONG_MS) as told:
        pass
    assert "another one answers" in told.args[0]
    assert engine.state == "ended"
