"""The commands of the page about the host, run as they stand there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "resources" / "docs" / "host.md"


@pytest.mark.skipif(shutil.which("curl") is None or shutil.which("bash") is None, reason="needs curl and bash")
def test_the_commands_of_the_page_work(tmp_path: Path) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) == 5
    script = "set -e -o pipefail\ntrap 'kill %1 2>/dev/null || true' ERR\n" + "".join(blocks)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"protocol":1' in done.stdout
    assert '"state":"running"' in done.stdout
    assert "event: run" in done.stdout
    assert '"state":"stopped"' in done.stdout
    assert (tmp_path / "items.jsonl").is_file()
    assert 'pypipeline_cell_items_total{cell="work"}' in done.stdout
    assert "demo stopped by a client: " in done.stdout
    assert not (tmp_path / "token").exists()
