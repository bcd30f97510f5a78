"""What processes of the engine have in common, with real ones."""

import subprocess
import sys

import pytest
from PySide6.QtCore import QObject, QProcess

from pypipeline_studio.engine.child_process import ENGINE_COMMAND, make_process

WAIT_MS = 60_000


class Told:
    """What a process has told."""

    def __init__(self) -> None:
        self.output, self.errors, self.codes, self.failures = b"", b"", [], []

    def make(self, owner: QObject, environment: dict[str, str] | None = None) -> QProcess:
        process = make_process(
            owner,
            environment,
            on_output=self._read_output,
            on_errors=self._read_errors,
            on_finished=lambda code, _: self.codes.append(code),
            on_failure=self.failures.append,
        )
        self.process = process
        return process

    def _read_output(self) -> None:
        self.output += self.process.readAllStandardOutput().data()

    def _read_errors(self) -> None:
        self.errors += self.process.readAllStandardError().data()


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def owner():
    return QObject()


def test_all_that_a_process_does_is_told(told, owner, qtbot):
    code = "import os, sys; print(os.environ['A'], 'PATH' in os.environ); print('no', file=sys.stderr); sys.exit(3)"
    told.make(owner, {"A": "b"}).start(sys.executable, ["-c", code])
    qtbot.waitUntil(lambda: told.codes == [3], timeout=WAIT_MS)
    assert (told.output.split(), told.errors.split(), told.failures) == ([b"b", b"True"], [b"no"], [])


def test_one_that_cannot_be_started_is_told(told, owner, qtbot):
    told.make(owner).start("/there/is/no/such/program", [])
    qtbot.waitUntil(lambda: told.failures == [QProcess.ProcessError.FailedToStart], timeout=WAIT_MS)


def test_a_module_in_the_current_folder_is_not_imported_in_place_of_the_real_one(tmp_path):
    (tmp_path / "json.py").write_text("raise SystemExit('not this one')")
    done = subprocess.run([*ENGINE_COMMAND, "--help"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
