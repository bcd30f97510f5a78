"""File > Export: the graph as a picture, and as a Python program that runs without the studio."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMimeData, QObject, QSettings, Signal
from PySide6.QtGui import QGuiApplication, QImage, QImageWriter
from PySide6.QtWidgets import QFileDialog, QWidget

from pypipeline_engine.host.protocol import Refusal, Source
from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.canvas.picture import SCALES, picture_size
from pypipeline_studio.document.exports import ExportRefused, write_file
from pypipeline_studio.engine.engine import Engine
from pypipeline_studio.panels.picture_dialog import PictureDialog, PictureOptions
from pypipeline_studio.session import Session
from pypipeline_studio.theme.colours import theme
from pypipeline_studio.theme.tokens import Mode
from pypipeline_studio.window.actions import Actions

SETTINGS: Final = "export_picture"


class Exports(QObject):
    """Writes the graph as something else."""

    told = Signal(str)

    def __init__(
        self,
        session: Session,
        canvas: Canvas,
        engine: Engine,
        commands: Actions,
        output_folder: Path,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._canvas = canvas
        self._engine = engine
        self._output_folder = output_folder
        self._window = window
        commands.on("export_picture", self.ask_about_picture)
        commands.on("export_python", self.save_python)
        commands.on("copy_python", self.copy_python)

    # ------------------------------------------------------------------ pictures

    def ask_about_picture(self) -> None:
        """Ask how the graph is to be drawn, and draw it."""
        area = self._canvas.picture_area()
        dialog = PictureDialog(_options_chosen_last(), lambda scale: picture_size(area, scale), self._window)
        dialog.save_requested.connect(lambda options: self._save_picture(dialog, options))
        dialog.copy_requested.connect(lambda options: self._copy_picture(dialog, options))
        dialog.open()

    def _save_picture(self, dialog: PictureDialog, options: PictureOptions) -> None:
        name = self._ask_for_file(f".{options.format}", f"{options.format.upper()} pictures (*.{options.format})")
        if name is None:
            return
        with _shown_in(options.mode):
            if options.format == "svg":
                content = self._svg(options).encode()
            else:
                content = _png(self._canvas.picture(options.scale, is_transparent=options.is_transparent))
        self._end(dialog, options, _write(name, content) or f"Wrote {name}")

    def _copy_picture(self, dialog: PictureDialog, options: PictureOptions) -> None:
        with _shown_in(options.mode):
            if options.format == "svg":
                svg = self._svg(options)
                data = QMimeData()
                data.setData("image/svg+xml", QByteArray(svg.encode()))
                data.setText(svg)
                QGuiApplication.clipboard().setMimeData(data)
            else:
                picture = self._canvas.picture(options.scale, is_transparent=options.is_transparent)
                QGuiApplication.clipboard().setImage(picture)
        self._end(dialog, options, f"Copied the graph as {options.format.upper()}")

    def _svg(self, options: PictureOptions) -> str:
        return self._canvas.svg(self._session.document.name, is_transparent=options.is_transparent)

    def _end(self, dialog: PictureDialog, options: PictureOptions, words: str) -> None:
        settings = QSettings()
        for key, value in (
            ("format", options.format),
            ("scale", f"{options.scale:g}"),
            ("mode", options.mode if options.mode != theme.mode else ""),
            ("transparent", "yes" if options.is_transparent else ""),
        ):
            settings.setValue(f"{SETTINGS}/{key}", value)
        dialog.accept()
        self.told.emit(words)

    # ------------------------------------------------------------------ Python

    def save_python(self) -> None:
        """Ask for a name and write the graph as a Python program."""
        name = self._ask_for_file(".py", "Python programs (*.py)")
        if name is None:
            return

        def write(source: Source) -> None:
            self.told.emit(_write(name, source.text.encode()) or f"Wrote {name}; `python {name.name}` runs it")

        self._export(str(name.absolute()), write)

    def copy_python(self) -> None:
        """Put the graph as a Python program on the clipboard."""

        def copy(source: Source) -> None:
            QGuiApplication.clipboard().setText(source.text)
            self.told.emit("Copied the graph as a Python program")

        self._export("", copy)

    def _export(self, target: str, done: Callable[[Source], None]) -> None:
        def refuse(refusal: Refusal) -> None:
            problem = next((p for p in refusal.problems if p.severity == "error"), None)
            place = (
                f"{problem.cell or problem.path}: " if problem is not None and (problem.cell or problem.path) else ""
            )
            reason = f"{place}{problem.message}" if problem is not None else refusal.message
            self.told.emit(f"The graph cannot be written as Python: {reason}")

        document, folders = self._session.document, (str(self._session.folder), str(self._output_folder))
        if not self._engine.export(document, *folders, target, done, refuse):
            self.told.emit("The engine, which writes the program, does not run yet. Try again when it is ready.")

    def _ask_for_file(self, suffix: str, kinds: str) -> Path | None:
        proposed = (self._session.path or self._session.folder / self._session.title).with_suffix(suffix)
        name, _ = QFileDialog.getSaveFileName(self._window, "Export", str(proposed), kinds)
        if not name:
            return None
        path = Path(name)
        return path if path.suffix else path.with_suffix(suffix)


@contextmanager
def _shown_in(mode: Mode) -> Iterator[None]:
    """Paint in the colours of a theme for a while; nothing of it gets on the screen."""
    before = theme.mode
    theme.set_mode(mode)
    try:
        yield
    finally:
        theme.set_mode(before)


def _options_chosen_last() -> PictureOptions:
    settings = QSettings()
    scale, mode = str(settings.value(f"{SETTINGS}/scale", "2")), str(settings.value(f"{SETTINGS}/mode", ""))
    return PictureOptions(
        "svg" if settings.value(f"{SETTINGS}/format") == "svg" else "png",
        float(scale) if scale in [f"{known:g}" for known in SCALES] else 2.0,
        "dark" if mode == "dark" else "light" if mode == "light" else theme.mode,
        settings.value(f"{SETTINGS}/transparent") == "yes",
    )


def _write(path: Path, content: bytes) -> str:
    """Write a file; complete, or as it was. Returns why that cannot be done; empty where it was."""
    try:
        write_file(path, content)
    except ExportRefused as error:
        return str(error)
    return ""


def _png(picture: QImage) -> bytes:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    QImageWriter(buffer, QByteArray(b"png")).write(picture)
    return bytes(buffer.data().data())
