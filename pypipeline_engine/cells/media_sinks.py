"""Sinks for pictures. Graphs know them as `sinks.VideoWriter` and so on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pypipeline_engine.cell import ASingleCell
from pypipeline_engine.cellio import ConfigParameter, Input
from pypipeline_engine.cells.checks import number, pull_image
from pypipeline_engine.cells.files import PartFile, describe_parameter, get_part_path, get_path
from pypipeline_engine.cells.opencv_io import import_cv2, quiet
from pypipeline_engine.cells.patterns import fill_pattern, parse_pattern
from pypipeline_engine.exceptions import InvalidInputException

if TYPE_CHECKING:
    from pypipeline_engine.cell import ICompositeCell
    from pypipeline_engine.cells.types import Image, OutputPath

# What a file of this kind is usually written with, of what OpenCV's packages on PyPI can write.
_CODECS = {".avi": "MJPG", ".m4v": "mp4v", ".mkv": "mp4v", ".mov": "mp4v", ".mp4": "mp4v"}


def _is_codec(codec: str | None) -> bool:
    if codec is not None and not (isinstance(codec, str) and len(codec) == 4 and codec.isascii()):
        raise InvalidInputException("a codec is named by four characters, such as mp4v or MJPG")
    return True


def _is_image_pattern(pattern: Path) -> bool:
    if all(spec is None for _, spec in parse_pattern(str(pattern), "index")):
        raise InvalidInputException("the pattern needs {index}, so that each image gets a name of its own")
    try:
        fill_pattern(str(pattern), 0, "index")
    except ValueError as error:
        raise InvalidInputException(f"the index cannot be shown like this: {error}") from error
    return True


class VideoWriter(ASingleCell):
    """Writes a video. The first frame decides the size; grey frames are written as colour. The file gets its name when
    the run has ended well; without any frame there is none. Keeps the order of the frames and cannot be scaled.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.frame: Input[Image] = Input(
            self, "frame", doc="The picture: uint8, height x width x 3 in BGR order, or height x width."
        )
        self.path: ConfigParameter[OutputPath] = ConfigParameter(
            self, "path", doc="The file to write; its ending, such as .mp4, decides the format."
        )
        self.fps: ConfigParameter[float] = ConfigParameter(
            self, "fps", number, default_value=25.0, minimum=0.01, maximum=1000, unit="Hz", doc="Frames per second."
        )
        self.codec: ConfigParameter[str | None] = ConfigParameter(
            self,
            "codec",
            _is_codec,
            default_value=None,
            doc="Four characters that name the codec; none: mp4v, or MJPG for .avi.",
        )
        self._part = PartFile(self.path)
        self._cv2: Any = None
        self._writer: Any = None
        self._size = (0, 0)

    def supports_scaling(self) -> bool:
        """Never: the order of the frames matters."""
        return False

    def _on_deploy(self) -> None:
        self._cv2 = import_cv2(self)
        self._get_codec()
        # Only to find out now whether it can be written; OpenCV opens the file by its name.
        self._part.open().close()

    def _on_reset(self) -> None:
        self._release()

    def _on_undeploy(self) -> None:
        self._release()
        self._part.finish(self.run_failed)

    def _on_pull(self) -> None:
        frame = pull_image(self.frame)
        height, width = frame.shape[:2]
        if self._writer is None:
            self._open(width, height)
        if (width, height) != self._size:
            raise InvalidInputException(
                f"{self.frame.get_full_name()}: all frames of a video have the same size; the first one was "
                f"{self._size[0]} x {self._size[1]}, this one is {width} x {height}: vision.Resize makes them equal"
            )
        if frame.ndim == 2:
            frame = self._cv2.cvtColor(frame, self._cv2.COLOR_GRAY2BGR)
        self._writer.write(np.ascontiguousarray(frame))

    def _open(self, width: int, height: int) -> None:
        codec, cv2 = self._get_codec(), self._cv2
        with quiet(cv2):
            writer = cv2.VideoWriter(
                str(self._part.part_path), cv2.VideoWriter_fourcc(*codec), float(self.fps.pull()), (width, height)
            )
        if not writer.isOpened():
            raise InvalidInputException(
                f"{describe_parameter(self.path)} names a file that this OpenCV cannot write with the codec {codec!r} in "
                f"{width} x {height}: {self.path.pull()}; MJPG in a file .avi works nearly everywhere"
            )
        self._writer, self._size = writer, (width, height)
        self._part.keep()

    def _get_codec(self) -> str:
        codec = self.codec.pull()
        if codec is not None:
            return codec
        path = get_path(self.path)
        if path.suffix.lower() not in _CODECS:
            raise InvalidInputException(
                f"{describe_parameter(self.path)} must end in {', '.join(_CODECS)}, or {self.codec.get_name()} must be "
                f"set: {path}"
            )
        return _CODECS[path.suffix.lower()]

    def _release(self) -> None:
        if self._writer is not None:
            self._writer.release()
            self._writer = None


class ImageWriter(ASingleCell):
    """Writes each image to a file of its own, in the format that the ending of the name says. Images are numbered from
    0 as they come. A file appears under its name when it is complete. Counts images and cannot be scaled.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.image: Input[Image] = Input(
            self, "image", doc="The picture: uint8, height x width x 3 in BGR order, or height x width."
        )
        self.pattern: ConfigParameter[OutputPath] = ConfigParameter(
            self,
            "pattern",
            _is_image_pattern,
            default_value=Path("{index:06d}.png"),
            doc="The name of a file, with {index} or {index:06d} (filled with zeros) for its number.",
        )
        self._cv2: Any = None
        self._index = 0

    def supports_scaling(self) -> bool:
        """Never: it counts images."""
        return False

    def _on_deploy(self) -> None:
        cv2 = self._cv2 = import_cv2(self)
        path = self._get_path()
        if not path.suffix or not cv2.haveImageWriter(f"image{path.suffix}"):
            raise InvalidInputException(
                f"{describe_parameter(self.pattern)} must end in a format that this OpenCV can write, such as .png or "
                f".jpg: {self.pattern.pull()}"
            )
        self._make_folder(path)
        self._index = 0

    def _on_reset(self) -> None:
        self._index = 0

    def _on_pull(self) -> None:
        image = pull_image(self.image)
        path = self._get_path()
        # Not cv2.imwrite, which knows no names beyond ASCII on Windows.
        is_encoded, content = self._cv2.imencode(path.suffix, image)
        if not is_encoded:
            raise InvalidInputException(f"{self.image.get_full_name()}: OpenCV cannot write this image to {path}")
        self._make_folder(path)
        part = get_part_path(path)
        part.write_bytes(content.tobytes())
        part.replace(path)
        self._index += 1

    def _get_path(self) -> Path:
        return Path(fill_pattern(str(get_path(self.pattern)), self._index, "index"))

    def _make_folder(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidInputException(
                f"{describe_parameter(self.pattern)} names a folder that cannot be made ({error.strerror}): {path.parent}"
            ) from error
