"""The command `pypipeline-studio`."""

import os
import subprocess
import sys

import pytest

from pypipeline_studio.app import NO_DISPLAY


def start(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {
        key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    }
    command = [sys.executable, "-m", "pypipeline_studio", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env={**kept, **environment})


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="there is always a display")
def test_without_a_display_it_says_so_and_does_not_abort() -> None:
    done = start("people_tracking")
    assert done.returncode == NO_DISPLAY
    assert "there is no display" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_graph_that_is_not_there_is_told(tmp_path) -> None:
    done = start(str(tmp_path / "none.json"), QT_QPA_PLATFORM="offscreen", HOME=str(tmp_path))
    assert done.returncode == 2
    assert "none.json" in done.stderr
    assert "Traceback" not in done.stderr
