"""Several clients of one real host: who controls it, and what else they ask of a run."""

import json
import threading

import pytest
from prometheus_client.parser import text_string_to_metric_families


def take(host, name, status=200, key=None, **more):
    headers = {} if key is None else {"Pypipeline-Control": key}
    response = host.client.post("/v1/control", json={"name": name, **more}, headers=headers)
    assert response.status_code == status, response.text
    return response.json()


def give_back(host, key, status=200):
    response = host.client.delete("/v1/control", headers={"Pypipeline-Control": key} if key else {})
    assert response.status_code == status, response.text
    return response.json()


@pytest.fixture
def key(host):
    grant = take(host, "anna")
    yield grant["key"]
    host.client.delete("/v1/control", headers={"Pypipeline-Control": grant["key"]})


def test_who_has_control_is_told_to_everybody(host, make_graph, tmp_path):
    host.run(make_graph(), tmp_path)
    assert host.get("/run")["controller"] is None
    seen = threading.Event()
    found = []

    def watch():
        found.extend(host.events(lambda name, data: name == "run" and (seen.set() or bool(data["controller"]))))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        assert seen.wait(20)
        grant = take(host, "anna")
    finally:
        watcher.join(20)
    assert found[-1][2]["controller"] == {"name": "anna", "since_s": grant["since_s"]}
    assert host.get("/run")["controller"]["name"] == "anna"
    info = host.get("")
    assert (info["controller"]["name"], info["is_monitor"]) == ("anna", False)
    assert give_back(host, grant["key"])["controller"] is None
    assert host.get("")["controller"] is None


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/run", {"graph": {}}),
        ("/deploy", {"graph": {}}),
        ("/undeploy", {}),
        ("/stop", {}),
        ("/pause", {}),
        ("/resume", {}),
        ("/step", {}),
        ("/scale", {"cell": "work"}),
        ("/parameter", {"cell": "work", "parameter": "milliseconds", "value": 1}),
        ("/error-policy", {"cell": "work", "on_error": "skip"}),
    ],
)
def test_nobody_else_changes_anything_while_somebody_has_control(host, key, path, body):
    for other in ({}, {"Pypipeline-Control": "x" * len(key)}):
        refused = host.client.post(f"/v1{path}", json=body, headers=other)
        assert refused.status_code == 409
        assert "anna has had control for" in refused.json()["message"]
    own = host.client.post(f"/v1{path}", json=body, headers={"Pypipeline-Control": key})
    assert "has had control" not in own.text


def test_watching_needs_no_control(host, key, make_graph):
    for path in ("", "/run", "/snapshot", "/errors", "/log", "/catalogue"):
        assert host.client.get(f"/v1{path}").status_code == 200
    assert host.post("/validate", {"graph": make_graph()}).status_code == 200
    assert host.events(lambda name, data: name == "run")
    assert host.client.get("/metrics").status_code == 200


def test_control_is_refused_taken_by_force_and_given_back(host):
    anna = take(host, "anna")
    assert "anna has had control" in take(host, "bert", 409)["message"]
    assert take(host, "anna", key=anna["key"])["key"] == anna["key"]
    bert = take(host, "bert", force=True)
    assert "bert has had control" in give_back(host, anna["key"], 409)["message"]
    give_back(host, bert["key"])
    assert "nobody has control" in give_back(host, None, 409)["message"]
    assert host.post("/stop").status_code == 200
    assert host.client.post("/v1/stop", headers={"Pypipeline-Control": ""}).status_code == 200
    words = [line["text"] for line in host.get("/log") if line["source"] == "host"]
    assert words[-3:] == ["anna has taken control", "bert has taken control from anna", "bert has given control back"]
    assert not any(secret in json.dumps(host.get("/log")) for secret in (anna["key"], bert["key"], host.hello["token"]))


@pytest.mark.parametrize(
    ("method", "body", "status", "words"),
    [
        ("POST", {}, 422, "name is missing"),
        ("POST", {"name": ""}, 422, "name: printable text"),
        ("POST", {"name": "x" * 101}, 422, "name"),
        ("POST", {"name": "anna", "froce": True}, 422, 'did you mean "force"'),
        ("POST", {"name": "anna", "force": "yes"}, 422, "force: true or false is expected"),
        ("PUT", {}, 405, "not PUT"),
    ],
)
def test_a_wrong_request_for_control_is_refused_in_words(host, method, body, status, words):
    response = host.client.request(method, "/v1/control", json=body)
    assert response.status_code == status
    assert words in response.json()["message"]


@pytest.mark.parametrize(
    ("on_error", "words"),
    [
        ("ignore", "'fail', 'skip' or"),
        (None, "'fail', 'skip' or"),
        ({"retry": -1}, "on_error.retry: a number of at least 0 is expected, not -1"),
        ({"retyr": 1}, "retyr"),
        ({"retry": 1, "then": "retry"}, "on_error.then"),
    ],
)
def test_a_wrong_error_policy_is_refused_in_words(host, on_error, words):
    response = host.post("/error-policy", {"cell": "work", "on_error": on_error})
    assert response.status_code == 422
    assert words in response.json()["message"]


def test_an_error_policy_holds_from_then_on(host, make_graph, tmp_path):
    host.run(make_graph(200, {"how": "fail", "at": 150}, "awkward.Awkward"), tmp_path, "/deploy")
    answer = host.post("/error-policy", {"cell": "work", "on_error": {"retry": 2, "then": "skip"}})
    assert (answer.status_code, answer.json()["state"]) == (200, "paused")
    host.post("/resume")
    assert host.wait_until_over()["state"] == "ended"
    assert host.get("/snapshot")["cells"]["work"]["skipped"] == 1


@pytest.mark.parametrize("path", ["/run", "/deploy"])
def test_undeploying_answers_when_it_is_done(host, make_graph, tmp_path, path):
    host.run(make_graph(), tmp_path, path)
    assert host.post("/undeploy").json()["state"] == "stopped"
    assert not list(tmp_path.glob("*.part*"))


def test_prometheus_can_read_the_metrics_while_a_run_goes_on_and_after_it(host, make_graph, tmp_path):
    def scrape():
        response = host.client.get("/metrics")
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        return {
            (sample.name, sample.labels.get("cell"), sample.labels.get("le")): (family.type, sample.value)
            for family in text_string_to_metric_families(response.text)
            for sample in family.samples
        }

    host.run(make_graph(None, {"milliseconds": 1}, scale={"thread": 2}), tmp_path)
    before = scrape()
    for thread in (0, 3, 1):
        host.post("/scale", {"cell": "work", "thread": thread})
        now = scrape()
        for key, (kind, value) in before.items():
            if kind in ("counter", "histogram"):
                assert now[key][1] >= value, key
        before = now
    assert before["pypipeline_cell_workers", "work", None][1] == 1
    host.stop()
    assert scrape()["pypipeline_cell_items_total", "write", None][1] == host.get("/snapshot")["cells"]["write"]["items"]
