"""Looking into a run over HTTP, at a real host."""

import httpx
import pytest

JSON = {"Accept": "application/json"}


@pytest.fixture
def host(looking_host):
    yield looking_host
    looking_host.stop()


@pytest.fixture
def image_graph():
    return {
        "format": "pypipeline.graph",
        "version": 1,
        "name": "graph",
        "cells": {
            "count": {"type": "sources.Counter"},
            "image": {"type": "looked_at.Image"},
            "write": {"type": "looked_at.Ignore"},
        },
        "connections": [["count.value", "image.item"], ["image.image", "write.item"]],
    }


def test_a_breakpoint_holds_an_item_that_can_be_seen_and_run_again(host, image_graph, tmp_path):
    host.run(image_graph, tmp_path, "/deploy")
    assert host.post("/preview", {"cell": "image", "port": "image", "max_width": 32}).status_code == 200
    answer = host.post("/breakpoint", {"cell": "image", "port": "image", "condition": "item == 5"})
    assert answer.json()["breakpoints"][0]["condition"] == "item == 5"
    assert host.get("/held") == {"items": [], "nb_missed": 0, "nb_bytes": 0}
    host.post("/resume")
    events = host.events(lambda name, data: name == "held")
    assert events[-1][2]["inputs"]["item"][0]["text"] == "5"
    host.events(lambda name, data: name == "preview" and data["item"] == 5)
    assert host.get("/run")["state"] == "paused"
    assert host.get("/held")["items"][0]["outputs"]["image"]["shape"] == [48, 64, 3]
    for path in ("/held?port=image", "/held?port=image&held=1&side=output", "/preview?cell=image&port=image"):
        picture = host.client.get(f"/v1{path}")
        assert picture.status_code == 200, picture.text
        assert picture.headers["content-type"] == "image/jpeg"
        assert picture.headers["x-item"] == "5"
        assert picture.content.startswith(b"\xff\xd8")
    shown = host.client.get("/v1/preview?cell=image&port=image", headers=JSON).json()
    assert shown["item"] == shown["value"]["mean"] == 5
    assert host.get("/held?port=item")["text"] == "5"
    again = host.post("/replay", {"parameters": {}})
    assert again.json()["outputs"]["image"]["mean"] == 5
    assert host.client.get("/v1/replay?port=image").headers["content-type"] == "image/jpeg"
    assert host.client.delete("/v1/breakpoint?cell=image&port=image").json()["breakpoints"] == []
    assert host.client.delete("/v1/preview").json()["previews"] == []
    assert host.post("/step", {"items": 1}).status_code == 200
    assert host.post("/replay").status_code == 409


def test_what_stands_in_the_array_of_a_picture_can_be_asked_for_as_long_as_it_is_kept(host, image_graph, tmp_path):
    host.run(image_graph, tmp_path, "/deploy")
    host.post("/preview", {"cell": "image", "port": "image", "max_width": 16, "max_height": 16})
    host.post("/step", {"items": 6})
    host.events(lambda name, data: name == "preview" and data["item"] == 5)
    place = "cell=image&port=image"
    shown = host.client.get(f"/v1/preview?{place}&pixels=true")
    assert shown.headers["x-item"] == "5"
    ask = f"/v1/pixels?{place}&picture={shown.headers['x-picture']}"
    told = host.client.get(f"{ask}&x=62&y=40&width=9&height=1").json()
    assert told["rows"] == [[[5, 5, 5], [5, 5, 5]]]
    assert (told["item"], told["shape"], told["dtype"], told["x"], told["y"]) == (5, [48, 64, 3], "uint8", 62, 40)
    host.post("/step", {"items": 1})
    host.events(lambda name, data: name == "preview" and data["item"] == 6)
    assert host.client.get(f"{ask}&x=0&y=0").json()["rows"] == [
        [[5, 5, 5]]
    ]  # of what is shown, and not of what came since
    assert httpx.get(f"{host.url}{ask}&x=0&y=0").status_code == 401
    host.stop()
    assert host.client.get(f"{ask}&x=0&y=0").json()["item"] == 5


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("GET", "/preview?cell=image&port=image&pixels=1", None, 422, "pixels: true or false is expected"),
        ("GET", "/pixels?cell=image&port=image&x=0&y=0", None, 422, "picture is missing"),
        ("GET", "/pixels?cell=image&port=image&picture=1&x=-1&y=0", None, 422, "x: a whole number is expected"),
        ("GET", "/pixels?cell=image&port=image&picutre=1", None, 422, "did you mean"),
        ("GET", "/pixels?cell=image&port=image&picture=1&x=0&y=0", None, 410, "picture 1 of image.image is not kept"),
        ("POST", "/preview", {"cell": "image"}, 422, "port is missing"),
        ("POST", "/preview", {"cell": "image", "port": "image", "max_hz": 40}, 422, "at most 4"),
        ("POST", "/preview", {"cell": "image", "port": "image", "max_width": 9999}, 422, "at most 1920"),
        ("POST", "/breakpoint", {"cell": "image", "port": "image", "condition": "1 +"}, 422, "not an expression"),
        ("GET", "/preview?cell=image", None, 422, "port is missing"),
        ("GET", "/preview?cell=image&port=image", None, 409, "not previewed"),
        ("GET", "/preview?cell=image&prot=image", None, 422, "did you mean"),
        ("DELETE", "/breakpoint?cell=image", None, 422, "port is missing"),
        ("GET", "/held?port=image", None, 409, "no item is held"),
        ("GET", "/held?port=image&held=x", None, 422, "number of a held item"),
        ("GET", "/held?port=image&side=left", None, 422, "one of input, output"),
        ("POST", "/replay", {"held": 7}, 409, "7 is not held"),
        ("GET", "/replay", None, 409, "no item was run again"),
        ("PUT", "/held", None, 405, "not PUT"),
    ],
)
def test_what_is_wrong_is_refused_in_words(host, image_graph, tmp_path, method, path, body, status, words):
    host.run(image_graph, tmp_path, "/deploy")
    answer = host.client.request(method, f"/v1{path}", json=body)
    assert answer.status_code == status, answer.text
    assert words in answer.json()["message"]


def test_without_a_run_and_without_the_token_nothing_is_shown(looking_host):
    if looking_host.get("/run")["run"]:
        looking_host.stop()
    answer = looking_host.post("/preview", {"cell": "image", "port": "image"})
    assert answer.status_code == 409
    for path in ("/held", "/preview?cell=image&port=image", "/watched", "/replay"):
        assert httpx.get(f"{looking_host.url}/v1{path}").status_code == 401


@pytest.fixture
def failing_graph():
    """Every item fails until `gain` is positive."""
    return {
        "format": "pypipeline.graph",
        "version": 1,
        "name": "graph",
        "cells": {
            "count": {"type": "sources.Counter"},
            "work": {"type": "looked_at.Gain", "parameters": {"gain": -1}, "on_error": "skip"},
            "write": {"type": "looked_at.Ignore"},
        },
        "connections": [["count.value", "work.item"], ["work.result", "write.item"]],
    }


def test_an_item_that_failed_is_kept_and_run_again_with_another_parameter(host, failing_graph, tmp_path):
    host.run(failing_graph, tmp_path, "/deploy")
    assert host.post("/retain", {"cells": ["work"]}).json() == {"items": [], "nb_missed": 0, "nb_bytes": 0}
    host.post("/step", {"items": 3})
    host.events(lambda name, data: name == "error")
    host.post("/parameter", {"cell": "work", "parameter": "gain", "value": 2})
    host.events(lambda name, data: name == "snapshot" and data["sink_items"] == 3)
    found = host.get("/failed")["items"][-1]
    item = found["item"]
    assert found["message"] == "ValueError: no gain is -1"
    assert found["inputs"]["item"][0]["text"] == str(item)
    assert host.post("/replay", {"cell": "work", "item": item}).json()["outputs"]["result"]["text"] == str(2 * item)
    again = host.post("/replay", {"cell": "work", "item": item, "parameters": {"gain": -3}}).json()
    assert again["error"]["message"] == "ValueError: no gain is -3"
    assert host.get("/replay")["item"] == item
    host.post("/retain", {"cells": []})
    assert host.get("/failed")["items"] == []
    assert host.post("/replay", {"cell": "work", "item": item}).status_code == 409


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/retain", {"cells": ["wrok"]}, "wrok"),
        ("/replay", {"cell": "work"}, "both 'cell' and 'item'"),
        ("/replay", {"cell": "work", "item": 3, "held": 1}, "either 'held'"),
        ("/replay", {"cell": "work", "item": 3}, "is not kept"),
    ],
)
def test_what_is_wrong_about_failed_items_is_refused_in_words(host, failing_graph, tmp_path, path, body, words):
    host.run(failing_graph, tmp_path, "/deploy")
    answer = host.post(path, body)
    assert answer.status_code in (409, 422)
    assert words in answer.json()["message"]


def test_a_condition_can_be_checked_without_a_run(looking_host):
    for condition in ("", "value > 3", "len(value) > 3 and item % 2 == 0"):
        assert looking_host.post("/condition", {"condition": condition}).json() == {"problem": ""}
    assert "not an expression" in looking_host.post("/condition", {"condition": "1 +"}).json()["problem"]
    assert "valeu" in looking_host.post("/condition", {"condition": "valeu > 3"}).json()["problem"]


def test_a_value_without_a_picture_says_so(host, image_graph, tmp_path):
    host.run(image_graph, tmp_path, "/deploy")
    host.post("/preview", {"cell": "count", "port": "value"})
    host.post("/step", {"items": 2})
    host.events(lambda name, data: name == "preview" and data["item"] == 1)
    path = "/v1/preview?cell=count&port=value"
    assert host.client.get(path).json()["value"]["text"] == "1"
    refused = host.client.get(path, headers={"Accept": "image/jpeg"})
    assert refused.status_code == 406
    assert "no picture of count.value" in refused.json()["message"]
