"""The boundary: a real host process, over HTTP."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest

from pypipeline_engine.host.graphs import Workshop
from pypipeline_engine.host.protocol import GraphRequest
from pypipeline_engine.host.refusals import Refused


def is_run(state):
    return lambda name, data: name == "run" and data["state"] == state


def items(folder: Path) -> list[int]:
    return [json.loads(line) for line in (folder / "items.jsonl").read_text().splitlines()]


def test_it_says_what_it_is(host):
    info = host.get("")
    assert info["protocol"] == host.hello["protocol"] == 1
    assert info["pid"] == host.hello["pid"] == host.process.pid
    assert info["nb_cpus"] >= 1
    assert info["has_ray"] is (find_spec("ray") is not None)


def test_the_catalogue_has_the_cells_that_ship_and_the_approved_ones(host):
    catalogue = host.get("/catalogue")
    names = {cell["name"] for cell in catalogue["types"]}
    assert {"sources.Counter", "demo.Work", "awkward.Awkward"} <= names
    assert catalogue["failures"] == {}


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status", "words"),
    [
        ("GET", "/v1", {"Authorization": ""}, None, 401, "Authorization: Bearer"),
        ("GET", "/v1", {"Authorization": "Bearer wrong"}, None, 401, "token"),
        ("POST", "/v1/stop", {"Authorization": "Bearer wrong"}, {}, 401, "token"),
        ("GET", "/nothing", {"Authorization": "Bearer wrong"}, None, 401, "token"),
        ("GET", "/v1", {"Host": "evil.example:80"}, None, 403, "Host"),
        ("GET", "/v1", {"Host": "127.0.0.1"}, None, 403, "Host"),
        ("GET", "/v1", {"Origin": "https://evil.example"}, None, 403, "web pages"),
        ("GET", "/v1", {"Origin": "null"}, None, 403, "web pages"),
        ("GET", "/v1/nothing", {}, None, 404, "/v1/nothing"),
        ("GET", "/v1/", {}, None, 404, "/v1/"),
        ("GET", "/v1/stop", {}, None, 405, "POST"),
        ("OPTIONS", "/v1/run", {}, None, 405, "OPTIONS"),
        ("POST", "/v1/stop", {"Content-Type": "text/plain"}, b"{}", 415, "JSON"),
        ("POST", "/v1/stop", {"Content-Type": "application/json"}, b"{", 422, "no JSON"),
        ("POST", "/v1/stop", {"Content-Type": "application/json"}, b"[]", 422, "must be an object"),
        ("POST", "/v1/stop", {"Content-Type": "application/json"}, b"[" * 100_000, 422, "JSON"),
        ("POST", "/v1/stop", {"Content-Type": "application/json"}, b" " * (17 * 2**20), 413, "16 MB"),
        ("POST", "/v1/stop", {}, {"nwo": 1}, 422, "unknown key"),
        ("POST", "/v1/run", {}, {}, 422, "graph is missing"),
        ("POST", "/v1/run", {}, {"graph": {}, "max_items": 0}, 422, "max_items: a number of at least 1"),
        ("POST", "/v1/run", {}, {"graph": {}, "pausd": True}, 422, 'did you mean "paused"'),
        ("POST", "/v1/validate", {}, {"graph": {}, "folder": "here"}, 422, "absolute path"),
        ("POST", "/v1/step", {}, {"items": "2"}, 422, 'items: a whole number is expected, not "2"'),
        ("POST", "/v1/pause", {}, {}, 409, "no run goes on"),
        ("POST", "/v1/scale", {}, {"cell": "work"}, 409, "no run goes on"),
        ("GET", "/v1/events?hz=100", {}, None, 422, "hz"),
    ],
)
def test_what_is_refused_is_refused_in_words(host, method, path, headers, body, status, words):
    content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    kind = {} if content is None else {"Content-Type": "application/json"}
    response = httpx.request(
        method, host.url + path, headers={**host.authorization, **kind, **headers}, content=content, timeout=60
    )
    assert response.status_code == status
    assert words in response.json()["message"]
    assert "Traceback" not in response.text
    assert "access-control-allow-origin" not in response.headers


def test_a_body_of_unknown_length_is_bounded(host):
    def chunks():
        for _ in range(20):
            yield b" " * 2**20

    headers = {**host.authorization, "Content-Type": "application/json"}
    response = httpx.post(f"{host.url}/v1/stop", headers=headers, content=chunks(), timeout=60)
    assert response.status_code == 413


def test_a_wrong_graph_is_refused_with_all_problems(host, make_graph):
    graph = make_graph(work={"milliseconds": "soon"})
    graph["cells"]["count"]["type"] = "sources.Countr"
    graph["surplus"] = 1
    problems = host.post("/validate", {"graph": graph}).json()["problems"]
    assert {problem["path"] for problem in problems} == {
        "surplus",
        "cells.count.type",
        "cells.work.parameters.milliseconds",
    }
    response = host.post("/run", {"graph": graph})
    assert response.status_code == 422
    assert response.json()["problems"] == problems
    assert "3 problems" in response.json()["message"]


def test_a_run_from_its_start_to_its_end(host, make_graph, tmp_path):
    begun = host.run(make_graph(50, {"milliseconds": 1}, scale={"thread": 2}), tmp_path)
    assert begun["nb_items"] == 50
    over = host.wait_until_over()
    assert over["run"] == begun["run"]
    assert over["state"] == "ended"
    assert items(tmp_path) == list(range(50))
    snapshot = host.get("/snapshot")
    assert snapshot["state"] == "ended"
    assert snapshot["sink_items"] == 50
    assert snapshot["window_s"] == snapshot["elapsed_s"]
    assert {name: cell["items"] for name, cell in snapshot["cells"].items()} == dict.fromkeys(
        ("count", "work", "write"), 50
    )


def test_nothing_is_lost_while_parameters_and_clones_change(host, make_graph, tmp_path):
    host.run(make_graph(None, {"milliseconds": 3}), tmp_path)
    for thread, milliseconds in ((1, 2), (4, 1), (2, 1.5), (0, 1), (3, 0)):
        assert host.post("/scale", {"cell": "work", "thread": thread}).status_code == 200
        change = {"cell": "work", "parameter": "milliseconds", "value": milliseconds}
        assert host.post("/parameter", change).status_code == 200
        before = host.get("/snapshot")["sink_items"]
        host.events(lambda name, data: name == "snapshot" and data["sink_items"] > before + 20)  # noqa: B023
    assert host.get("/snapshot")["cells"]["work"]["workers"] == 3
    assert host.stop()["state"] == "stopped"
    found = items(tmp_path)
    assert found == list(range(len(found)))
    assert len(found) > 100


def test_pause_step_and_resume(host, make_graph, tmp_path):
    info = host.run(make_graph(10, {"milliseconds": 0}), tmp_path, "/deploy")
    assert info["state"] == "paused"
    assert host.get("/snapshot")["sink_items"] == 0
    assert host.post("/step", {"items": 3}).json()["state"] == "paused"
    host.events(lambda name, data: name == "snapshot" and data["sink_items"] == 3)
    assert host.post("/run", {"graph": make_graph()}).status_code == 409
    assert host.post("/resume").json()["state"] == "running"
    assert host.wait_until_over()["state"] == "ended"
    assert items(tmp_path) == list(range(10))


def test_a_stream_that_connects_again_gets_what_it_missed_and_nothing_twice(host, make_graph, tmp_path):
    host.run(make_graph(20, {"how": "fail", "at": 5}, "awkward.Awkward", on_error="skip"), tmp_path)
    host.wait_until_over()
    first = host.events(lambda name, data: name == "error")
    assert first[0][1] == "run"
    number, _, error = first[-1]
    assert (error["cell"], error["item"], error["is_fatal"]) == ("work", 5, False)
    assert error["message"] == "ValueError: this item is bad"
    assert error["file"].endswith("awkward.py")
    assert error["line"] > 0
    host.run(make_graph(5, {"how": "speak", "at": 3}, "awkward.Awkward"), tmp_path)
    again = host.events(lambda name, data: data.get("text") == "from C", **{"Last-Event-ID": number})
    assert "error" not in [name for _, name, _ in again]
    assert all(int(identity) > int(number) for identity, name, _ in again if name == "log")


def test_what_cells_print_goes_into_the_log(host, make_graph, tmp_path):
    host.run(make_graph(5, {"how": "speak", "at": 3}, "awkward.Awkward"), tmp_path)
    wanted = {("stdout", "from Python"), ("stderr", "to the standard error"), ("stdout", "from C")}
    seen = set()

    def is_all(name, data):
        seen.add((data.get("source"), data.get("text")))
        return wanted <= seen

    host.events(is_all)


@pytest.mark.parametrize(("how", "last"), [("print", "the last line"), ("log", "the last record")])
def test_a_talkative_cell_does_not_keep_the_host_from_answering(host, make_graph, tmp_path, how, last):
    host.run(make_graph(5, {"how": how, "at": 3}, "awkward.Awkward"), tmp_path)
    host.get("/run")
    host.events(lambda name, data: data.get("text") == last)
    assert host.wait_until_over()["state"] == "ended"
    assert len(host.get("/log")) <= 2000


@pytest.mark.parametrize(
    ("how", "message"), [("fail", "ValueError: this item is bad"), ("raise_exit", "SystemExit(3)")]
)
def test_a_run_that_fails_says_which_cell_and_where(host, make_graph, tmp_path, how, message):
    host.run(make_graph(None, {"how": how}, "awkward.Awkward"), tmp_path)
    over = host.wait_until_over()
    assert over["state"] == "failed"
    error = over["error"]
    assert (error["cell"], error["item"]) == ("work", None if how == "raise_exit" else 3)
    assert message in error["message"]
    assert error["file"].endswith("awkward.py")
    assert f"_{how}" in error["traceback"]
    assert over["unfinished_files"] == [str(tmp_path / "items.part.jsonl")]
    assert host.get("/errors")[-1] == error


def test_a_deployment_that_fails_is_a_run_that_failed(host, make_graph, tmp_path):
    info = host.run(make_graph(None, {"at_deployment": "fail"}, "awkward.Awkward"), tmp_path)
    assert info["state"] == "failed"
    assert info["error"]["cell"] == "work"
    assert info["error"]["file"].endswith("awkward.py")


def test_errors_that_cost_one_item_are_told(host, make_graph, tmp_path):
    host.run(make_graph(20, {"how": "excuse"}, "awkward.Awkward"), tmp_path)
    assert host.wait_until_over()["state"] == "ended"
    (error,) = host.get("/errors")
    assert (error["cell"], error["is_fatal"]) == ("work", False)


@pytest.mark.parametrize("how", ["sleep", "lock"])
@pytest.mark.parametrize("clones", [0, 2])
def test_a_cell_that_hangs_leaves_the_host_answering(own_host, make_graph, tmp_path, how, clones):
    own_host.run(make_graph(None, {"how": how}, "awkward.Awkward", scale={"thread": clones}), tmp_path)
    seen = own_host.events(lambda name, data: name == "snapshot" and data["cells"]["work"]["working_s"] is not None)
    assert seen[-1][2]["cells"]["work"]["working_s"] > 1
    assert seen[-1][2]["cells"]["write"]["working_s"] is None
    assert own_host.post("/stop").json()["state"] == "stopping"
    assert own_host.post("/stop").json()["state"] == "stopping"
    assert own_host.get("/run")["state"] == "stopping"
    assert own_host.post("/run", {"graph": make_graph()}).status_code == 409
    assert own_host.post("/validate", {"graph": make_graph()}).status_code == 200


def test_a_stop_during_a_deployment_that_hangs(own_host, make_graph, tmp_path):
    graph = make_graph(None, {"at_deployment": "sleep"}, "awkward.Awkward")
    with pytest.raises(httpx.ReadTimeout):
        own_host.client.post("/v1/run", json={"graph": graph}, timeout=0.7)
    info = own_host.events(lambda name, data: name == "run" and data["is_starting"])[-1][2]
    assert info["state"] == "running"
    assert own_host.post("/stop").json()["state"] == "stopping"
    assert own_host.get("/run")["state"] == "stopping"


def test_a_cell_that_ends_the_process_ends_it(own_host, make_graph, tmp_path):
    own_host.run(make_graph(None, {"how": "exit"}, "awkward.Awkward"), tmp_path, "/deploy")
    with contextlib.suppress(httpx.TransportError):  # it may end before it answers
        own_host.post("/resume")
    assert own_host.process.wait(60) == 7


def test_nothing_but_the_first_line_comes_out(own_host, make_graph, tmp_path):
    own_host.run(make_graph(5, {"how": "speak", "at": 3}, "awkward.Awkward"), tmp_path)
    own_host.wait_until_over()
    output, errors = own_host.process.communicate(timeout=60)
    assert output == ""
    assert errors == "to the standard error\n"
    assert own_host.process.returncode == 0


def test_the_files_of_a_run_are_finished_when_the_parent_goes(own_host, make_graph, tmp_path):
    own_host.run(make_graph(None, {"milliseconds": 1}), tmp_path)
    own_host.events(lambda name, data: name == "snapshot" and data["sink_items"] > 3)
    assert own_host.end() == 0
    found = items(tmp_path)
    assert found == list(range(len(found)))
    assert found


def test_it_ends_with_a_parent_that_is_killed(make_graph, tmp_path):
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import subprocess, sys; p = subprocess.Popen([sys.executable, '-P', '-m', 'pypipeline_engine', 'host'], "
            "stdin=subprocess.PIPE); p.wait()",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    hello = json.loads(parent.stdout.readline())
    response = httpx.post(
        f"{hello['url']}/v1/run",
        headers={"Authorization": f"Bearer {hello['token']}"},
        json={"graph": make_graph(), "output_folder": str(tmp_path)},
        timeout=60,
    )
    assert response.json()["state"] == "running"
    parent.send_signal(signal.SIGKILL)
    parent.wait(20)
    # The host has the other end: that it closes says that the host is gone.
    assert parent.stdout.read() == ""
    parent.stdout.close()
    assert items(tmp_path)


def test_it_leaves_within_the_grace_where_a_cell_hangs(own_host, make_graph, tmp_path):
    own_host.run(make_graph(None, {"how": "lock"}, "awkward.Awkward"), tmp_path)
    own_host.events(lambda name, data: name == "snapshot" and data["cells"]["work"]["working_s"] is not None)
    assert own_host.process.poll() is None
    assert own_host.end() in (0, 1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_run_cleanly(own_host, make_graph, tmp_path, number):
    own_host.run(make_graph(None, {"milliseconds": 1}), tmp_path)
    own_host.events(lambda name, data: name == "snapshot" and data["sink_items"] > 3)
    os.kill(own_host.process.pid, number)
    assert own_host.process.wait(60) == 128 + number
    assert items(tmp_path)


def test_a_wrong_cells_file_is_said_at_once(tmp_path):
    command = [sys.executable, "-m", "pypipeline_engine", "host", "--cells", str(tmp_path / "none.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "cannot be read" in done.stderr


@pytest.mark.slow
def test_a_ray_cluster_that_is_not_there_is_told_in_words_and_in_the_log(make_graph, tmp_path):
    pytest.importorskip("ray")
    command = [sys.executable, "-P", "-m", "pypipeline_engine", "host", "--ray-address", "127.0.0.1:1"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        hello = json.loads(process.stdout.readline())
        with httpx.Client(headers={"Authorization": f"Bearer {hello['token']}"}, timeout=60) as client:
            request = {"graph": make_graph(5, scale={"ray": 1}), "output_folder": str(tmp_path)}
            refused = client.post(f"{hello['url']}/v1/run", json=request)
            lines = client.get(f"{hello['url']}/v1/log").json()
        process.communicate(timeout=60)
    assert refused.status_code == 422
    assert "the Ray cluster at '127.0.0.1:1' cannot be joined: nobody answers there" in refused.json()["message"]
    (begin,) = [line for line in lines if line["source"] == "pypipeline.ray"]
    assert (begin["level"], begin["text"]) == ("info", "Ray: joining the cluster at 127.0.0.1:1 ...")
    assert process.returncode == 0


def test_a_graph_that_needs_ray_is_refused_where_it_is_not_installed(make_graph, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *rest: None)
    request = GraphRequest(graph=make_graph(5, scale={"ray": 1}))
    (problem,) = Workshop().validate(request).problems
    assert (problem.cell, problem.path, problem.severity) == ("work", "cells.work.scale", "error")
    assert 'pip install "pypipeline-studio[ray]"' in problem.message
    with pytest.raises(Refused, match="Ray is not installed here"):
        Workshop().build(request)


def test_the_protocol_loads_no_server_and_no_cell():
    code = (
        "import sys, pypipeline_engine.host.protocol; "
        "print([name for name in ('numpy', 'starlette', 'uvicorn', 'cv2', 'pypipeline_engine.cell', "
        "'pypipeline_engine.runtime') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]"
