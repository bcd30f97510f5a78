"""Watching a headless run, against a real one; what goes wrong is told in words with what to do."""

import shutil
import socket
import subprocess

import pytest
from watched_run import WatchedRun

from pypipeline_engine.host.protocol import HostInfo
from pypipeline_studio.engine import remote
from pypipeline_studio.engine.addresses import read_address
from pypipeline_studio.engine.engine import Timing
from pypipeline_studio.engine.remote import RemoteEngine, WrongCertificate, load_trust

LONG_MS = 60_000


@pytest.fixture
def watched(tmp_path):
    """Starts runs, and ends them with the test."""
    started = []

    def start(*options) -> WatchedRun:
        folder = tmp_path / f"run{len(started)}"
        folder.mkdir()
        started.append(WatchedRun(folder, *options))
        return started[-1]

    yield start
    for run in started:
        run.end()


@pytest.fixture
def attach(qtbot):
    """Makes engines for runs, and drops them with the test."""
    made = []

    def make(url, token, **options) -> RemoteEngine:
        engine = RemoteEngine(read_address(url), token, **options)
        made.append(engine)
        return engine

    yield make
    for engine in made:
        engine._drop()
        engine.deleteLater()


def refusal_of(qtbot, engine) -> str:
    with qtbot.waitSignal(engine.not_attached, timeout=LONG_MS) as told:
        engine.start()
    assert engine.state == "off"
    return told.args[0]


def follow(qtbot, engine):
    with qtbot.waitSignal(engine.attached, timeout=LONG_MS) as told:
        engine.start()
    qtbot.waitUntil(lambda: engine.run.state == "running" and engine.snapshot is not None, timeout=LONG_MS)
    return told.args[0]


def control(qtbot, engine, **options) -> None:
    with qtbot.waitSignal(engine.graph_arrived, timeout=LONG_MS):
        engine.take_control(**options)
    assert engine.has_control


def test_a_run_is_watched_and_goes_on_when_it_is_watched_no_more(qtbot, watched, attach) -> None:
    run = watched()
    engine = attach(run.url, run.token)
    graph = follow(qtbot, engine)
    assert (graph.graph["name"], graph.folder) == ("headless", str(run.folder))
    assert "work" in engine.snapshot.cells
    refused = []
    engine.refused.connect(refused.append)
    engine.pause()
    qtbot.waitUntil(lambda: bool(refused), timeout=LONG_MS)
    assert "nobody has control" in refused[0]
    engine.detach()
    again = attach(run.url, run.token)
    follow(qtbot, again)
    items = again.snapshot.sink_items
    qtbot.waitUntil(lambda: again.snapshot.sink_items > items, timeout=LONG_MS)
    assert run.process.poll() is None


def test_with_control_it_is_changed_and_others_see_what_it_became(qtbot, watched, attach) -> None:
    run = watched()
    engine, other = attach(run.url, run.token), attach(run.url, run.token)
    follow(qtbot, engine)
    control(qtbot, engine)
    engine.scale("work", 2, 0)
    engine.set_parameter("work", "milliseconds", 20.0)
    qtbot.waitUntil(lambda: engine.snapshot.cells["work"].workers == 2, timeout=LONG_MS)
    qtbot.waitUntil(lambda: not engine._sending, timeout=LONG_MS)
    work = follow(qtbot, other).graph["cells"]["work"]
    assert (work["scale"], work["parameters"]["milliseconds"]) == ({"thread": 2}, 20.0)
    qtbot.waitUntil(lambda: other.controller is not None, timeout=LONG_MS)
    with qtbot.waitSignal(other.taken_by_other, timeout=LONG_MS):
        other.take_control()
    control(qtbot, other, force=True)
    qtbot.waitUntil(lambda: not engine.has_control, timeout=LONG_MS)
    other.give_back()
    qtbot.waitUntil(lambda: engine.controller is None, timeout=LONG_MS)
    control(qtbot, engine)
    engine.stop()
    qtbot.waitUntil(lambda: engine.run.state == "stopped", timeout=LONG_MS)
    assert run.wait() == 0


def test_control_is_taken_again_right_after_it_was_given_back(qtbot, watched, attach) -> None:
    run = watched()
    engine = attach(run.url, run.token)
    follow(qtbot, engine)
    control(qtbot, engine)
    others = []
    engine.taken_by_other.connect(others.append)
    engine.give_back()
    assert not engine.has_control
    control(qtbot, engine)
    engine.give_back()
    qtbot.waitUntil(lambda: engine.controller is None, timeout=LONG_MS)
    assert others == []


def test_a_process_that_is_gone_is_told(qtbot, watched, attach) -> None:
    run = watched()
    engine = attach(run.url, run.token, timing=Timing(silence_ms=300))
    follow(qtbot, engine)
    with qtbot.waitSignal(engine.failed, timeout=LONG_MS) as told:
        run.process.kill()
    assert "the process of the run has ended there" in told.args[0]
    assert engine.state == "ended"


@pytest.fixture
def without_graph(monkeypatch):
    """Has so many questions for a graph be asked at a path that is not there."""

    def hide(number: float) -> list[str]:
        make_request, asked = remote.make_request, []

        def ask(hello, path, *more):
            if path == "/graph":
                asked.append(path)
                path = "/nothing" if len(asked) <= number else path
            return make_request(hello, path, *more)

        monkeypatch.setattr(remote, "make_request", ask)
        return asked

    return hide


def test_a_run_that_is_about_to_begin_is_waited_for(qtbot, watched, attach, without_graph) -> None:
    run, asked = watched(), without_graph(2)
    follow(qtbot, attach(run.url, run.token))
    assert len(asked) >= 3


def test_one_that_does_not_begin_is_told(qtbot, watched, attach, without_graph, monkeypatch) -> None:
    monkeypatch.setattr(remote, "MOST_ASKED", 3)
    run, asked = watched(), without_graph(float("inf"))
    assert refusal_of(qtbot, attach(run.url, run.token)).startswith(f"Nothing runs at {read_address(run.url).short}: ")
    assert len(asked) == 3


def test_a_wrong_token(qtbot, watched, attach) -> None:
    run = watched()
    words = refusal_of(qtbot, attach(run.url, "wrong"))
    assert words.startswith("The token is not that of this run.")


def test_nothing_listens_there(qtbot, attach) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        words = refusal_of(qtbot, attach(f"127.0.0.1:{taken.getsockname()[1]}", "t"))
    assert words.startswith("Nothing listens at 127.0.0.1:")


def test_nobody_answers(qtbot, attach, monkeypatch) -> None:
    monkeypatch.setattr(remote, "QUICK_MS", 200)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        words = refusal_of(qtbot, attach(f"127.0.0.1:{mute.getsockname()[1]}", "t"))
    assert "did not answer within 0.2 s" in words


def test_another_version_of_the_protocol(qtbot, watched, attach) -> None:
    run = watched()
    engine = attach(run.url, run.token)
    told = []
    engine.not_attached.connect(told.append)
    info = HostInfo(protocol=99, engine_version="7.0", python_version="3", pid=1, nb_cpus=1)
    engine._take_host(info.model_dump_json().encode())
    assert "version 99 of the protocol" in told[0]
    assert "(7.0 runs there)" in told[0]
    engine._take_host(b"<html>")
    assert "is no PyPipeline run" in told[1]


@pytest.fixture
def certificate(tmp_path):
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")
    paths = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-out", str(paths[0]), "-keyout", str(paths[1]), "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run([*command, "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True, timeout=60)
    return paths


def test_tls_with_a_certificate_of_its_own(qtbot, watched, attach, certificate, tmp_path) -> None:
    run = watched("--monitor-tls", *map(str, certificate))
    words = refusal_of(qtbot, attach(run.url, run.token))
    assert "cannot prove who it is" in words
    assert "--monitor-tls" in words
    words = refusal_of(qtbot, attach(run.url.replace("https", "http"), run.token))
    assert "https://" in words
    follow(qtbot, attach(run.url, run.token, trust=load_trust(certificate[0])))
    with pytest.raises(WrongCertificate, match="holds no certificate"):
        load_trust(certificate[1])
    with pytest.raises(WrongCertificate, match="cannot be read"):
        load_trust(tmp_path / "none.pem")


def test_tls_where_none_is_spoken(qtbot, watched, attach) -> None:
    run = watched()
    words = refusal_of(qtbot, attach(run.url.replace("http", "https"), run.token))
    assert "does not speak TLS" in words
