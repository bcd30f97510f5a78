"""`pypipeline run --monitor` as a user and the clients meet it: real processes over real HTTP."""

import json
import re
import shutil
import signal
import ssl
import stat
import subprocess
from pathlib import Path

import httpx
import pytest
from cli_support import PROBE, TIMEOUT_S

ENDLESS = {"type": "sources.Counter"}
SLOW = {"type": "demo.Work", "parameters": {"milliseconds": 50}}
WRITE = {"type": "sinks.JsonLines", "parameters": {"path": "items.jsonl"}}


class Watched:
    """A run that goes on, and a client for it."""

    def __init__(self, process, verify=True):
        self.process = process
        self.before = []
        while not (line := process.stderr.readline()).startswith("Monitor: "):
            assert line, self.before
            self.before.append(line)
        found = re.fullmatch(r"Monitor: (\S+), token in (.*)\n", line)
        self.url, self.token_file = found[1], Path(found[2])
        self.token = self.token_file.read_text().strip()
        self.headers = {"Authorization": f"Bearer {self.token}"}
        self.client = httpx.Client(base_url=self.url, headers=self.headers, timeout=TIMEOUT_S, verify=verify)

    def get(self, path):
        response = self.client.get(f"/v1{path}")
        assert response.status_code == 200, response.text
        return response.json()

    def post(self, path, **body):
        return self.client.post(f"/v1{path}", json=body)

    def take_control(self):
        self.client.headers["Pypipeline-Control"] = self.post("/control", name="test").json()["key"]

    def hurry(self):
        assert self.post("/parameter", cell="work", parameter="milliseconds", value=0).status_code == 200

    def events(self):
        """The events until the stream ends: name and data."""
        with self.client.stream("GET", "/v1/events") as response:
            name = ""
            for line in response.iter_lines():
                key, _, value = line.partition(": ")
                if key == "event":
                    name = value
                elif key == "data":
                    yield name, json.loads(value)

    def end(self, number=None):
        """The exit code, and the rest of the standard error."""
        self.client.close()
        if number is not None:
            self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=TIMEOUT_S)
        return self.process.returncode, errors


@pytest.fixture
def watch(pypipeline, write_graph):
    started, watched = [], []

    def start(*options, graph=None, verify=True):
        if graph is None:
            cells = {"count": ENDLESS, "work": SLOW, "write": WRITE}
            write_graph(cells, "count.value > work.item", "work.item > write.item")
        arguments = ("run", "graph.json", *(options if "--monitor" in options else ("--monitor", *options)))
        started.append(pypipeline.start(*arguments, stdin=subprocess.DEVNULL))
        watched.append(Watched(started[-1], verify))
        return watched[-1]

    yield start
    for run in watched:
        run.client.close()
    for process in started:
        process.kill()
        process.communicate()


def items(folder: Path) -> list[int]:
    return [json.loads(line) for line in (folder / "items.jsonl").read_text().splitlines()]


def test_a_run_can_be_watched_and_ends_as_without_clients(watch, tmp_path):
    run = watch("--max-items", "300")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", run.url)
    assert stat.S_IMODE(run.token_file.stat().st_mode) == 0o600
    assert run.get("")["is_monitor"] is True
    run.take_control()
    stream = run.events()
    assert next(stream)[0] == "run"
    run.hurry()  # it would take long without
    events = list(stream)
    assert (events[-1][0], events[-1][1]["state"], events[-1][1]["run"]) == ("run", "ended", 1)
    last = [data for name, data in events if name == "snapshot"][-1]
    assert (last["state"], last["sink_items"]) == ("ended", 300)
    code, errors = run.end()
    assert code == 0
    assert errors.startswith("graph stopped after 300 items as asked: 300 items in")
    assert items(tmp_path) == list(range(300))
    assert not run.token_file.exists()
    assert run.token not in errors


def test_a_client_s_stop_is_a_clean_stop(watch, tmp_path):
    run = watch()
    run.take_control()
    assert run.post("/stop").json()["state"] in ("stopping", "stopped")
    code, errors = run.end()
    assert code == 0
    assert errors.startswith("graph stopped by a client: ")
    assert items(tmp_path) == list(range(len(items(tmp_path))))
    assert not run.token_file.exists()


def test_a_client_changes_a_run_and_only_with_control(watch, tmp_path):
    run = watch()
    for path in ("/stop", "/pause", "/scale", "/run"):
        refused = run.post(path)
        assert refused.status_code == 409
        assert "nobody has control: POST /v1/control" in refused.json()["message"]
    run.take_control()
    assert run.post("/pause").json()["state"] == "paused"
    assert run.post("/scale", cell="work", thread=2).status_code == 200
    assert run.post("/parameter", cell="work", parameter="milliseconds", value=0).status_code == 200
    assert run.post("/error-policy", cell="work", on_error="skip").status_code == 200
    assert run.get("/snapshot")["cells"]["work"]["workers"] == 2
    assert 'pypipeline_cell_workers{cell="work"} 2\n' in run.client.get("/metrics").text
    refused = run.post("/run", graph={})
    assert (refused.status_code, "takes no other graph" in refused.json()["message"]) == (409, True)
    assert run.post("/resume").json()["state"] == "running"
    assert run.post("/undeploy").json()["state"] == "stopped"
    assert run.end()[0] == 0
    assert items(tmp_path) == list(range(len(items(tmp_path))))


@pytest.mark.parametrize(("number", "words"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")])
def test_a_signal_ends_a_watched_run_as_any_other_and_clients_are_told(watch, number, words):
    run = watch()
    events = run.events()
    next(events)
    run.process.send_signal(number)
    assert list(events)[-1][1]["state"] == "stopped"
    code, errors = run.end()
    assert code == 128 + number
    assert f"graph stopped by {words}: " in errors


def test_a_second_signal_leaves_no_token_behind(watch, write_graph):
    write_graph({"count": ENDLESS, "hang": "probe.Hang"}, "count.value > hang.item")
    run = watch("--cells", PROBE, graph="written")
    assert run.process.stdout.readline() == "hanging\n"
    run.process.send_signal(signal.SIGINT)
    events = run.events()
    while next(events)[1].get("state") != "stopping":
        pass
    run.process.send_signal(signal.SIGINT)
    assert run.process.wait(TIMEOUT_S) == 130
    events.close()
    run.client.close()
    assert not run.token_file.exists()


def test_a_run_that_fails_fails_for_clients_as_well(watch, write_graph):
    never = {"type": "probe.Fail", "parameters": {"bad": -1}}
    write_graph({"count": ENDLESS, "own": never, "work": SLOW}, "count.value > own.taken", "own.given > work.item")
    run = watch("--cells", PROBE, graph="written")
    run.take_control()
    events = run.events()
    run.post("/pause")
    done = run.get("/snapshot")["cells"]["own"]["items"]
    run.post("/parameter", cell="own", parameter="bad", value=done + 5)
    run.post("/resume")
    last = list(events)[-1][1]
    assert (last["state"], last["error"]["cell"]) == ("failed", "own")
    code, errors = run.end()
    assert code == 1
    item = last["error"]["item"]
    assert item >= done
    assert f"Error: graph failed in the cell graph.own at item {item}: ValueError" in errors


def test_what_cannot_be_deployed_is_said_as_without_clients(pypipeline, write_graph):
    write_graph({"count": ENDLESS, "own": "probe.FailAtDeployment"}, "count.value > own.item")
    plain = pypipeline("run", "graph.json", "--cells", PROBE)
    watched = pypipeline("run", "graph.json", "--cells", PROBE, "--monitor")
    assert plain.returncode == watched.returncode == 1
    assert watched.stderr.splitlines()[1:] == plain.stderr.splitlines()


def test_the_token_is_in_no_log_line_and_no_url_takes_it(watch):
    run = watch()
    response = httpx.get(f"{run.url}/v1?token={run.token}", timeout=TIMEOUT_S)
    assert response.status_code == 401
    assert httpx.get(f"{run.url}/metrics", timeout=TIMEOUT_S).status_code == 401
    assert run.client.get("/metrics", headers={"Host": "evil.example"}).status_code == 403
    assert run.client.get("/metrics", headers={"Origin": "http://evil.example"}).status_code == 403
    run.take_control()
    assert run.token not in json.dumps(run.get("/log"))
    run.post("/stop")
    _, errors = run.end()
    assert run.token not in errors


def test_an_address_that_others_reach_is_warned_of_and_admits_what_they_call_it(watch):
    run = watch("--monitor", "0.0.0.0:0", "--monitor-remote")
    assert len(run.before) == 1
    assert "the token is as good as this machine" in run.before[0]
    assert "clear text" in run.before[0]
    port = run.url.rpartition(":")[2]
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=run.headers, timeout=TIMEOUT_S)
    with client:
        assert client.get("/v1").status_code == 200
        assert client.get("/v1", headers={"Host": f"192.0.2.7:{port}"}).status_code == 200
        assert client.get("/v1", headers={"Host": run.url.removeprefix("http://")}).status_code == 200
        assert client.get("/v1", headers={"Host": f"rebound.example:{port}"}).status_code == 403
    assert run.end(signal.SIGINT)[0] == 130


@pytest.fixture
def certificate(tmp_path):
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")
    paths = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-out", str(paths[0]), "-keyout", str(paths[1]), "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run(
        [*command, "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True, timeout=TIMEOUT_S
    )
    return paths


def test_it_speaks_tls(watch, certificate):
    verify = ssl.create_default_context(cafile=str(certificate[0]))
    run = watch("--monitor-tls", *certificate, verify=verify)
    assert run.url.startswith("https://127.0.0.1:")
    assert run.get("/run")["state"] == "running"
    assert run.client.get("/v1", headers={"Origin": run.url}).status_code == 200
    assert run.client.get("/v1", headers={"Origin": run.url.replace("https", "http")}).status_code == 403
    with pytest.raises(httpx.TransportError):
        httpx.get(run.url.replace("https", "http"), timeout=TIMEOUT_S)
    run.take_control()
    run.post("/stop")
    code, errors = run.end()
    assert (code, errors.partition(":")[0]) == (0, "graph stopped by a client")


def test_certificate_and_key_must_fit(pypipeline, write_graph, certificate):
    write_graph({"count": ENDLESS, "print": "sinks.Console"}, "count.value > print.item")
    for files, words in (
        ((certificate[0], "none.pem"), "none.pem cannot be read: No such file"),
        ((certificate[0], "graph.json"), "are no certificate and its key, both in PEM format"),
    ):
        done = pypipeline("run", "graph.json", "--monitor", "--monitor-tls", *files)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"Error: --monitor-tls: {files[0]}" in done.stderr or words in done.stderr
        assert words in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--monitor", "somewhere"), "--monitor expects [HOST:]PORT, such as 8421 or 127.0.0.1:8421, not 'somewhere'"),
        (("--monitor", "127.0.0.1:70000"), "not '127.0.0.1:70000'"),
        (("--monitor", "::1:8421"), "not '::1:8421'"),
        (("--monitor", "graph.json"), "where it has no value, put it behind GRAPH"),
        (("--monitor", "0.0.0.0:0"), "Say --monitor-remote if that is what you want"),
        (("--monitor", "--monitor-remote"), "no other machine can reach 127.0.0.1"),
        (("--monitor", "192.0.2.1:0", "--monitor-remote"), "192.0.2.1:0 cannot be had: "),
        (("--monitor-remote",), "--monitor-remote says something about --monitor, which is not there"),
        (("--monitor-token-file", "token"), "--monitor-token-file says something about --monitor"),
        (("--monitor", "0", "--monitor-token-file", "none/token"), "the folder none does not exist"),
        (
            ("--monitor", "0", "--monitor-token-file", "graph.json"),
            "holds something that is no token, and stays as it is",
        ),
    ],
)
def test_a_wrong_monitor_is_refused_in_one_message(pypipeline, write_graph, tmp_path, options, message):
    write_graph({"count": ENDLESS, "print": "sinks.Console"}, "count.value > print.item")
    before = (tmp_path / "graph.json").read_text()
    done = pypipeline("run", "graph.json", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert (tmp_path / "graph.json").read_text() == before
