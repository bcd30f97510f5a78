"""The value of one output, large: its picture, or all that is known of it in words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QPlainTextEdit,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from pypipeline_engine.host.looking import MOST_KEPT_BYTES, PreviewInfo, ValueSummary
from pypipeline_engine.numbers import count, size
from pypipeline_studio.document.pixel_texts import pixel_text
from pypipeline_studio.document.value_texts import describe, describe_boxes, describe_numbers, headline, table_text
from pypipeline_studio.panels.parameter_fields import CalmComboBox
from pypipeline_studio.panels.picture_view import PictureView
from pypipeline_studio.panels.pixel_grid import PixelGrid
from pypipeline_studio.panels.widgets import PAD_PX, EmptyState, Label, push_button, row, tool_button
from pypipeline_studio.theme.fonts import font

WIDEST_PX, HIGHEST_PX = 1280, 720
"""Of the pictures that are asked for."""
EMPTY_TITLE = "No preview"
EMPTY_TEXT = "Select a cell to see the values of its outputs while a graph runs."
_GREY_TOLERANCE = 3
"""How far the channels of a grey pixel may differ after JPEG."""


class PreviewsPanel(QWidget):
    """Shows what it is told. While it is paused, what comes is left out."""

    port_chosen = Signal(str)
    paused_changed = Signal(bool)
    told = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._info: PreviewInfo | None = None
        self._behind_item: int | None = None
        self._boxes_kind: str | None = None
        """Boxes or tracks, where such are drawn on the image of another output."""
        self._pointed: tuple[int, int, QColor] | None = None
        self._is_coming = False
        self.pixels: PixelGrid | None = None
        """The numbers that are shown."""
        self._cell = Label("", 12, 600, elides=True)
        self.ports = CalmComboBox("Output that is shown")
        self.ports.setFixedWidth(168)
        self.ports.activated.connect(lambda _: self.port_chosen.emit(self.ports.currentText()))
        self.pause_button = tool_button("pause", "Keep what is shown while the run goes on", px=16, is_checkable=True)
        self.pause_button.toggled.connect(self.paused_changed)
        self.fit_button = tool_button("corners-out", "Show all of the picture (0)", px=16)
        self.zoom_out_button = tool_button("magnifying-glass-minus", "Smaller (-)", px=16)
        self.zoom_in_button = tool_button("magnifying-glass-plus", "Larger (+)", px=16)
        self.pixels_button = push_button("100 %", tip="One pixel of the screen for each one of the image (1)")
        self.save_button = tool_button("floppy-disk", "Save the picture", px=16)
        self.view = PictureView()
        self.text = QPlainTextEdit()
        self.text.setAccessibleName("Value in words")
        self.text.setReadOnly(True)
        self.text.setFrameShape(QFrame.Shape.NoFrame)
        self.text.setFont(font(12, fixed=True))
        self.text.setTabChangesFocus(True)
        self.text.document().setDocumentMargin(12)
        self._about = Label("", 11, 400, "text2", tabular=True, elides=True)
        self._pixel = Label("", 11, 400, "text2", tabular=True)
        self._pixel.setToolTip(
            "What stands in the array itself in column x and row y; channels in its own order, blue first. Zoom in until "
            "the numbers stand in the pixels.\n"
            f"'about' is read from the JPEG that is shown, of at most {WIDEST_PX} × {HIGHEST_PX} pixels: the engine keeps "
            f"only the arrays of the latest images, until the next run, and none of more than {size(MOST_KEPT_BYTES)}."
        )
        self._zoom = Label("", 11, 400, "text3", tabular=True)
        self._empty = EmptyState(EMPTY_TEXT, EMPTY_TITLE, "eye")
        self._values = QStackedWidget()
        for widget in (self._empty, self.view, self.text):
            self._values.addWidget(widget)
        self._lay_out()
        self.fit_button.clicked.connect(self.view.fit)
        self.pixels_button.clicked.connect(self.view.show_pixels)
        self.zoom_in_button.clicked.connect(lambda: self.view.zoom_by(1.25))
        self.zoom_out_button.clicked.connect(lambda: self.view.zoom_by(0.8))
        self.save_button.clicked.connect(self.choose_file)
        self.view.pointed.connect(self._show_pixel)
        self.view.zoomed.connect(lambda scale: self._zoom.show_text(f"{100 * scale:.0f} %"))
        self.show_nothing()

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        bar.setContentsMargins(PAD_PX, 4, 8, 4)
        bar.setSpacing(8)
        bar.addWidget(self._cell)
        bar.addWidget(self.ports)
        bar.addStretch(1)
        for widget in (
            self.pause_button,
            self.zoom_out_button,
            self.zoom_in_button,
            self.fit_button,
            self.pixels_button,
            self.save_button,
        ):
            bar.addWidget(widget)
        foot = row(self._about, None, self._pixel, self._zoom, spacing=16, margins=(PAD_PX, 3, PAD_PX, 4))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(bar)
        layout.addWidget(self._values, 1)
        layout.addWidget(foot)

    def sizeHint(self) -> QSize:
        return QSize(900, 232)

    # ------------------------------------------------------------------ what is shown

    @property
    def is_paused(self) -> bool:
        """Whether what is shown is kept."""
        return self.pause_button.isChecked()

    def show_nothing(self, text: str = EMPTY_TEXT) -> None:
        """Say why there is nothing to show."""
        self._cell.show_text("")
        self.ports.clear()
        self.ports.hide()
        self.show_waiting(text, EMPTY_TITLE)

    def show_cell(self, cell: str, ports: Sequence[str], port: str) -> None:
        """Show which cell and which of its outputs this is about."""
        self._cell.show_text(cell)
        if [self.ports.itemText(index) for index in range(self.ports.count())] != list(ports):
            self.ports.clear()
            self.ports.addItems(list(ports))
        self.ports.setCurrentText(port)
        self.ports.show()

    def show_waiting(self, text: str, title: str = "") -> None:
        """Say why there is no value of the output."""
        self._info = None
        self._empty.title.show_text(title)
        self._empty.title.setVisible(bool(title))
        self._empty.text.show_text(text)
        self._show_value(self._empty)
        self.view.show_image(None)
        self._about.show_text("")
        self._pixel.show_text("")

    def show_pixels(self, pixels: PixelGrid | None, is_coming: bool) -> None:
        """Show what exactly stands in some pixels of the picture.

        :param is_coming: whether what is not told of it yet will be; otherwise the colours of the picture stand for it.
        """
        self.pixels, self._is_coming = pixels, is_coming
        self.view.show_values(pixels)
        self._show_pixel(self._pointed)

    def show_value(self, info: PreviewInfo, image: QImage | None) -> None:
        """Show a value.

        :param image: its picture, where there is one.
        """
        self._info, self._behind_item, self._boxes_kind = info, None, None
        if image is not None:
            shape = info.value.shape or ()
            self._show_picture(image, (shape[1], shape[0]) if len(shape) >= 2 else None, ())
        elif not info.value.has_picture:
            self._show_words(info.value)
        self._show_about()

    def show_boxes(self, info: PreviewInfo, image: QImage, item: int, frame: tuple[int, int] | None, kind: str) -> None:
        """Show boxes on the image that they are of.

        :param item: the number of the image, where another one was the nearest to be had.
        :param frame: width and height of the whole image.
        """
        self._info, self._behind_item, self._boxes_kind = info, item, kind
        self._show_picture(image, frame, info.value.boxes or (), kind)
        self._show_about()

    def _show_picture(
        self,
        image: QImage,
        frame: tuple[int, int] | None,
        boxes: Sequence[Sequence[float | None]],
        kind: str = "boxes",
    ) -> None:
        self.view.show_image(image, frame)
        self.view.show_boxes(boxes, kind)
        self._show_value(self.view)

    def _show_words(self, value: ValueSummary) -> None:
        lines = [headline(value) if value.shape else value.text]
        numbers = describe_numbers(value) if value.shape else ""
        if numbers:
            lines.append(numbers)
        if value.boxes is not None:
            lines += ["", table_text(value.boxes)]
        elif value.shape and value.text != lines[0]:
            lines += ["", value.text]
        text = "\n".join(lines)
        if text != self.text.toPlainText():  # else what is selected in it would be lost
            bar = self.text.verticalScrollBar()
            place = bar.value()
            self.text.setPlainText(text)
            bar.setValue(place)
        self._show_value(self.text)

    def _show_value(self, widget: QWidget) -> None:
        self._values.setCurrentWidget(widget)
        has_picture = widget is self.view
        for part in (self.fit_button, self.zoom_in_button, self.zoom_out_button, self.pixels_button, self.save_button):
            part.setEnabled(has_picture)
        self._zoom.setVisible(has_picture)
        self._pixel.setVisible(has_picture)

    def _show_about(self) -> None:
        if self._info is None:
            return
        value = self._info.value
        about = describe(value) if self._boxes_kind is None else describe_boxes(value, self._boxes_kind)
        text = f"Item {count(self._info.item)} · {about}"
        if self._behind_item is not None and self._behind_item != self._info.item:
            text += f" · drawn on the image of item {count(self._behind_item)}"
        self._about.show_text(text)

    def _show_pixel(self, found: object) -> None:
        self._pointed = found if isinstance(found, tuple) else None
        if self._pointed is None:
            self._pixel.show_text("")
            return
        x, y, shown = self._pointed
        channels = self.pixels.at(x, y) if self.pixels is not None else None
        if channels is not None:
            text = pixel_text(channels)
        else:
            text = "…" if self._is_coming else f"{colour_text(shown)} (read from the JPEG)"
        self._pixel.show_text(f"x {x}  y {y}   {text}")

    # ------------------------------------------------------------------ saving

    def choose_file(self) -> QFileDialog:
        """Let a person choose where the picture goes, without keeping the rest of the window from working."""
        picture = self.view.picture()
        dialog = QFileDialog(self, "Save the picture")
        dialog.setObjectName("save_picture")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters(["PNG (*.png)", "JPEG (*.jpg)"])
        dialog.setDefaultSuffix("png")
        if self._info is not None:
            dialog.selectFile(f"{self._info.cell}.{self._info.port}-{self._info.item}.png")
        dialog.fileSelected.connect(
            lambda path: self._save(picture, Path(path))
        )  # what was shown when it was asked for
        dialog.finished.connect(dialog.deleteLater)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
        return dialog

    def _save(self, picture: QImage | None, path: Path) -> None:
        if picture is None:
            return
        if picture.save(str(path)):
            self.told.emit(f"Saved {path.name}, {picture.width()} × {picture.height()} pixels")
        else:
            self.told.emit(
                f"{path} cannot be written: choose a folder that you may write to, and a name with .png or .jpg"
            )


def colour_text(shown: QColor) -> str:
    """The value of a pixel of a JPEG, which is near that of the image: `about 93`, `about R 120 G 44 B 31`."""
    channels = (shown.red(), shown.green(), shown.blue())
    if max(channels) - min(channels) <= _GREY_TOLERANCE:
        return f"about {round(sum(channels) / 3)}"
    return "about R {} G {} B {}".format(*channels)
