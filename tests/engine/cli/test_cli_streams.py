"""Capturing the standard streams of a process, on its real file descriptors."""

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from pypipeline_engine.cli.streams import CapturedStreams


@pytest.fixture
def descriptor(tmp_path) -> Iterator[int]:
    """A file descriptor of our own, so that the test runner's streams stay out of it."""
    descriptor = os.open(tmp_path / "stream", os.O_RDWR | os.O_CREAT)
    yield descriptor
    os.close(descriptor)


def content(descriptor: int) -> bytes:
    os.lseek(descriptor, 0, os.SEEK_SET)
    return os.read(descriptor, 10_000)


def test_lines_arrive_in_order_and_none_reaches_the_original(descriptor: int) -> None:
    lines: list[str] = []
    with CapturedStreams([descriptor], lines.append):
        os.write(descriptor, b"one\ntw")
        os.write(descriptor, b"o\r\nthree\rfour")
    assert lines == ["one", "two", "three", "four"]
    assert content(descriptor) == b""


def test_what_is_written_below_python_is_captured_too(descriptor: int) -> None:
    lines: list[str] = []
    with CapturedStreams([descriptor], lines.append):
        ctypes.CDLL(None).dprintf(descriptor, b"[h264] from C\n")
    assert lines == ["[h264] from C"]


def test_afterwards_the_descriptor_is_as_before(descriptor: int) -> None:
    lines: list[str] = []
    captured = CapturedStreams([descriptor], lines.append)
    captured.close()
    captured.close()
    os.write(descriptor, b"after\n")
    assert content(descriptor) == b"after\n"
    assert lines == []


def test_a_child_that_outlives_the_capture_does_not_hold_it_up(descriptor: int) -> None:
    captured = CapturedStreams([descriptor], lambda line: None)
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=descriptor)
    captured.close()
    assert child.poll() is None
    child.communicate(b"\n")


def test_many_lines_at_once_are_all_there(descriptor: int) -> None:
    lines: list[str] = []
    with CapturedStreams([descriptor], lines.append):
        for number in range(20_000):
            os.write(descriptor, b"%d\n" % number)
    assert lines == [str(number) for number in range(20_000)]
