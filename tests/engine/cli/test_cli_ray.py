"""`pypipeline run` with clones in other processes, as a user meets it."""

import http.server
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from cli_support import read_until

from pypipeline_engine.runtime.remote.address import NoClusterThere, require_cluster

pytest.importorskip("ray")

COUNT = {"type": "sources.Counter", "parameters": {"count": 5}}
TRACKS = ("run", "people_tracking", "--set", "video.count=12")


@pytest.fixture
def adding(write_graph):
    """A graph with a cell that may have clones."""
    cells = {"count": COUNT, "add": "math.Add", "print": "sinks.Console"}
    return write_graph(cells, "count.value > add.a", "count.value > add.b", "add.value > print.item")


# ---------------------------------------------------------------------- refused in words


@pytest.fixture
def taken_port():
    """The port of something that is no Ray."""
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        server.RequestHandlerClass.log_message = lambda *_: None
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.mark.slow
def test_a_wrong_address_is_told_in_words_within_seconds(pypipeline, adding, free_port) -> None:
    address = f"127.0.0.1:{free_port}"
    done = pypipeline("run", adding, "--scale", "add=2:ray", "--ray-address", address)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        f"Ray: joining the cluster at {address} ...",
        f"Error: {adding} cannot be run: the Ray cluster at {address!r} cannot be joined: nobody answers there (Connection "
        "refused). An address is HOST:PORT as `ray start --head` prints it, or 'auto' for the one that runs on this machine",
    ]


@pytest.mark.slow
def test_what_answers_and_is_no_ray_is_told(taken_port, monkeypatch) -> None:
    monkeypatch.setattr("pypipeline_engine.runtime.remote.address.ANSWERS_WITHIN_S", 3.0)
    with pytest.raises(NoClusterThere, match="what answers there is no Ray cluster"):
        require_cluster(f"127.0.0.1:{taken_port}")


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("localhost", "it is no address"),
        (":6379", "it is no address"),
        ("localhost:0", "it is no address"),
        ("ray://localhost:10001", "Ray clients, with `://` in the address, cannot be used: name the head node itself"),
    ],
)
def test_what_is_no_address_is_told_without_asking(address: str, reason: str) -> None:
    with pytest.raises(NoClusterThere, match=re.escape(reason)):
        require_cluster(address)


@pytest.mark.parametrize("option", ["here", "=there", "here="])
def test_a_wrong_path_map_is_bad_usage(pypipeline, adding, option: str) -> None:
    done = pypipeline("run", adding, "--ray-path", option)
    assert done.returncode == 2
    assert done.stderr == f"Error: --ray-path expects HERE=THERE, such as /home/me/data=/mnt/data, not {option!r}\n"


def test_ray_does_not_start_where_nothing_asks_for_it(pypipeline, adding) -> None:
    done = pypipeline("run", adding, "--ray-address", "127.0.0.1:1")
    assert done.returncode == 0
    assert "Ray" not in done.stderr


WITHOUT_RAY = """
import importlib.util
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "ray" else find_spec(name, *rest)
"""


@pytest.fixture
def without_ray(pypipeline, tmp_path: Path):
    """Commands in an environment where Ray is not installed."""
    folder = tmp_path / "without_ray"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(WITHOUT_RAY)
    pypipeline.environment["PYTHONPATH"] = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    return pypipeline


def test_without_ray_the_command_that_installs_it_is_told(without_ray, write_graph) -> None:
    cells = {
        "count": COUNT,
        "add": {"type": "math.Add", "scale": {"ray": 2}},
        "off": {"type": "math.Add", "scale": {"ray": 2}, "disabled": True},
        "print": "sinks.Console",
    }
    write_graph(cells, "count.value > add.a", "count.value > add.b", "add.value > print.item")
    message = (
        '"add" asks for Ray clones, but Ray is not installed here: pip install "pypipeline-studio[ray]", or give it '
        "thread clones\n"
    )
    for command in ("validate", "run"):
        done = without_ray(command, "graph.json")
        assert (done.returncode, done.stdout) == (2, "")
        assert re.fullmatch(r"Error: graph\.json: line \d+, cells\.add\.scale: " + re.escape(message), done.stderr)
    on_threads = without_ray("run", "graph.json", "--scale", "add=2")
    assert (on_threads.returncode, on_threads.stdout) == (0, "0\n2\n4\n6\n8\n")
    done = without_ray("run", "graph.json", "--scale", "add=3:ray")
    assert (done.returncode, done.stdout) == (2, "")
    assert 'pip install "pypipeline-studio[ray]"' in done.stderr
    assert without_ray("show", "graph.json").returncode == 0


def test_ray_is_imported_before_cells_are_deployed() -> None:
    """Beside the import of OpenCV in an `_on_deploy`, Ray lost its folder of libraries: `No module named 'psutil'`."""
    code = (
        "import sys\n"
        "from pypipeline_engine.runtime.remote import cluster\n"
        "cluster._keeper.begin = lambda: print('ray' in sys.modules)\n"
        "cluster.start_in_background()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "True\n", done.stderr


# ---------------------------------------------------------------------- results, and processes that die


def find_descendants(pid: int) -> dict[int, str]:
    """The processes that a process has started, and those that they have, by what they call themselves."""
    found: dict[int, str] = {}
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
        children.setdefault(parent, []).append(int(path.name))
    waiting = [pid]
    while waiting:
        for child in children.get(waiting.pop(), ()):
            waiting.append(child)
            try:
                found[child] = (Path("/proc") / str(child) / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
    return found


def is_alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds processes in /proc")
def test_a_run_is_the_same_where_a_process_of_it_is_killed(pypipeline, write_graph, tmp_path: Path) -> None:
    cells = {
        "count": {"type": "sources.Counter", "parameters": {"count": 300}},
        "work": {"type": "demo.Work", "parameters": {"milliseconds": 10}},
        "write": {"type": "sinks.JsonLines", "parameters": {"path": "items.jsonl"}},
        "print": "sinks.Console",
    }
    write_graph(cells, "count.value > work.item", "work.item > write.item", "work.item > print.item")
    process = pypipeline.start("run", "graph.json", "--scale", "work=2:ray", "--stats-json", "stats.json")
    with process:
        printed = read_until(process.stdout.fileno(), "\n20\n")
        started = find_descendants(process.pid)
        clones = [pid for pid, name in started.items() if "Servant" in name]
        assert len(clones) == 2, started
        os.kill(clones[0], signal.SIGKILL)
        rest, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    expected = [str(number) for number in range(300)]
    assert (printed + rest).split() == expected
    assert (tmp_path / "items.jsonl").read_text().split() == expected
    assert "the process of a clone of graph.work died" in err
    assert "Traceback" not in err
    for pid, name in started.items():
        assert not is_alive(pid), f"{name} is left"


@pytest.mark.slow
def test_people_are_tracked_as_on_threads(pypipeline, tmp_path: Path) -> None:
    pytest.importorskip("cv2")
    on_threads = pypipeline(*TRACKS, "--output-dir", "threads")
    on_ray = pypipeline(*TRACKS, "--output-dir", "ray", "--scale", "detect=2:ray")
    assert (on_threads.returncode, on_ray.returncode) == (0, 0), on_threads.stderr + on_ray.stderr
    assert (tmp_path / "ray/tracks.txt").read_bytes() == (tmp_path / "threads/tracks.txt").read_bytes()
    assert (tmp_path / "ray/tracks.txt").stat().st_size > 100
    lines = on_ray.stderr.splitlines()
    start = lines.index("Ray: starting on this machine ...")
    assert re.fullmatch(r"Ray: ready with \d+ CPUs after \d+\.\d s", lines[start + 1])
    assert "2 processes" in on_ray.stderr
