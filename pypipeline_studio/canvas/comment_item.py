"""A comment box: a title and a note on a coloured ground behind the nodes.

It is taken at its title, and sized at its frame; what lies in it is the canvas, for the mouse as well. Below 60 % zoom there
is the title, in a size that can be read.
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from pypipeline_studio.canvas.painting import font_of, outline, put_text, shortened, style
from pypipeline_studio.document.comments import Comment, Rectangle
from pypipeline_studio.theme.colours import colour, mark_colour, mix, theme
from pypipeline_studio.theme.icons import draw_icon
from pypipeline_studio.theme.tokens import COMMENT_SHARE

Zone: TypeAlias = Literal["title", "l", "r", "t", "b", "tl", "tr", "bl", "br"]
"""The title, or which edges of the frame."""

HEAD: Final = 28.0
RADIUS: Final = 8.0
FULL_SCALE: Final = 0.6
FRAME_PX: Final = 5.0
"""How far to both sides of the frame a press still takes it, on the screen."""
_INSET = 12.0
_FAR_HEAD_PX = 14.0
_FAR_TITLE_PX = 11.5
_LEAST_TITLE_PX = 48.0
"""A narrower box has no title from far away: two letters say nothing."""
_LINE_SHARE = 0.42
_TITLE = style(12, 600)
_TEXT = style(11)
_REACH = 220.0
"""How far the title stands out above the box at the smallest zoom."""
_BEHIND = -100.0


class CommentItem(QGraphicsItem):
    """The item of one comment box. Its position is that of its upper left corner."""

    def __init__(self, comment: Comment) -> None:
        super().__init__()
        self.comment = comment
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIsSelectable)
        # Along with the nodes, when these are dragged; at its title it is moved by the layer of comments.
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIsMovable)
        self.setCacheMode(QGraphicsItem.CacheMode.NoCache)
        self._width = self._height = 0.0
        self.show_comment(comment)

    def show_comment(self, comment: Comment) -> None:
        """Show a box of the document, at its place."""
        self.comment = comment
        self.show_box(comment.box)
        lines = [
            comment.title,
            *([comment.text] if comment.text else []),
            "Double-click edits it; Alt and drag moves it alone",
        ]
        self.setToolTip("\n".join(lines))
        self.update()

    def show_box(self, box: Rectangle) -> None:
        """Show the box at a place, of a size."""
        self.prepareGeometryChange()
        self.setPos(box[0], box[1])
        self._width, self._height = box[2], box[3]
        # A smaller one lies on a larger one.
        self.setZValue(_BEHIND - min(50.0, box[2] * box[3] * 1e-8))

    def box(self) -> Rectangle:
        """Left, top, width and height, as it is shown."""
        return (self.pos().x(), self.pos().y(), self._width, self._height)

    @property
    def is_moved(self) -> bool:
        """Whether it is shown elsewhere than the document says."""
        return tuple(round(part) for part in self.box()) != tuple(round(part) for part in self.comment.box)

    # ------------------------------------------------------------------ where what is

    def _body(self) -> QRectF:
        return QRectF(0, 0, self._width, self._height)

    def _title_box(self, scale: float) -> QRectF:
        if scale >= FULL_SCALE:
            return QRectF(0, 0, self._width, min(HEAD, self._height))
        height = _FAR_HEAD_PX / scale
        # Where there is no room for it above the nodes, it stands on the box.
        top = 0.0 if height <= HEAD + 24 else -height
        return QRectF(0, top, self._width, height)

    def _scale(self) -> float:
        scene = self.scene()
        views = scene.views() if scene is not None else []
        return float(views[0].transform().m11()) if views else 1.0

    def zone_at(self, at: QPointF) -> Zone | None:
        """What of it is at a point of the item."""
        scale = self._scale()
        margin = FRAME_PX / scale
        reach = self._body().adjusted(-margin, -margin, margin, margin)
        if reach.contains(at):
            sides = ("t" if at.y() < margin else "b" if at.y() > self._height - margin else "") + (
                "l" if at.x() < margin else "r" if at.x() > self._width - margin else ""
            )
            if sides:
                return sides  # type: ignore[return-value]  # one of those that there are
        return "title" if self._title_box(scale).contains(at) else None

    def boundingRect(self) -> QRectF:
        return self._body().adjusted(-12, -_REACH, 12, 12)

    def shape(self) -> QPainterPath:
        """The title and the frame: a press within is one of the canvas."""
        scale = self._scale()
        margin = FRAME_PX / scale
        frame, inside, title = QPainterPath(), QPainterPath(), QPainterPath()
        frame.addRect(self._body().adjusted(-margin, -margin, margin, margin))
        inside.addRect(self._body().adjusted(margin, margin, -margin, -margin))
        title.addRect(self._title_box(scale))
        return frame.subtracted(inside).united(title)

    # ------------------------------------------------------------------ painting

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        scale = option.levelOfDetailFromTransform(painter.worldTransform())
        body, mark = self._body(), mark_colour(self.comment.colour)
        canvas = colour("canvas")
        radius = RADIUS if scale >= FULL_SCALE else min(RADIUS, 3 / scale)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(outline(mix(canvas, mark, _LINE_SHARE), 1 / scale))
        painter.setBrush(mix(canvas, mark, COMMENT_SHARE[theme.mode]))
        painter.drawRoundedRect(body, radius, radius)
        if self.isSelected():
            painter.setPen(outline(colour("accent"), 2 / scale))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(body, radius, radius)
        if scale < FULL_SCALE:
            self._paint_far_title(painter, scale)
            return
        draw_icon(painter, QRectF(_INSET - 1, 6, 16, 16), "note", mark, 15)
        room = QRectF(_INSET + 21, 0, self._width - 2 * _INSET - 21, HEAD)
        title = shortened(_one_line(self.comment.title), _TITLE, max(0, int(room.width())))
        put_text(painter, room, title, _TITLE, self._title_colour())
        if self.comment.text and self._height > HEAD + 14:
            self._paint_text(painter)

    def _title_colour(self) -> Any:
        return mix(colour("text"), mark_colour(self.comment.colour), 0.18)

    def _paint_far_title(self, painter: QPainter, scale: float) -> None:
        chosen = style(round(_FAR_TITLE_PX / scale), 600)
        if self._width * scale < _LEAST_TITLE_PX:
            return
        room = self._title_box(scale).adjusted(6 / scale, 0, -6 / scale, 0)
        title = shortened(_one_line(self.comment.title), chosen, max(0, int(room.width())))
        put_text(painter, room, title, chosen, self._title_colour())

    def _paint_text(self, painter: QPainter) -> None:
        room = QRectF(_INSET, HEAD - 2, self._width - 2 * _INSET, self._height - HEAD - 6)
        painter.save()
        painter.setClipRect(room, Qt.ClipOperation.IntersectClip)
        painter.setFont(font_of(_TEXT))
        painter.setPen(colour("text2"))
        flags = Qt.TextFlag.TextWordWrap.value | Qt.AlignmentFlag.AlignLeft.value | Qt.AlignmentFlag.AlignTop.value
        painter.drawText(room, flags, self.comment.text)
        painter.restore()


def _one_line(title: str) -> str:
    return " ".join(title.split())
