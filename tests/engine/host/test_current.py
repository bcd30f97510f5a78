"""The graph of a run as it is by now, told by a real host."""


def test_the_graph_has_what_clients_have_changed(host, make_graph, tmp_path):
    graph = make_graph()
    host.run(graph, tmp_path)
    told = host.get("/graph")
    assert list(told["graph"]["cells"]) == list(graph["cells"])
    assert told["graph"]["connections"] == graph["connections"]
    assert told["output_folder"] == str(tmp_path)
    name = next(name for name, cell in graph["cells"].items() if cell["type"] == "demo.Work")
    for path, body in {
        "/scale": {"thread": 2},
        "/parameter": {"parameter": "milliseconds", "value": 3},
        "/error-policy": {"on_error": "skip"},
    }.items():
        assert host.post(path, {"cell": name, **body}).status_code == 200
    cell = host.get("/graph")["graph"]["cells"][name]
    assert (cell["scale"], cell["parameters"]["milliseconds"], cell["on_error"]) == ({"thread": 2}, 3, "skip")
    assert host.post("/scale", {"cell": "none", "thread": 2}).status_code == 422
    host.stop()
    assert host.get("/graph")["graph"]["cells"][name] == cell


def test_before_the_first_run_there_is_none(own_host):
    response = own_host.client.get("/v1/graph")
    assert (response.status_code, response.json()["message"]) == (404, "nothing was run yet")
