"""A node: what a cell is and what it does, painted by us.

Setters store data only; the canvas repaints its viewport once for all nodes. Below 60 % zoom there is the name, the bar and
the marks, below 40 % the colour and the bar.
"""

from __future__ import annotations

import textwrap
from typing import Any, Literal

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath
from PySide6.QtWidgets import QGraphicsItem, QGraphicsSceneHoverEvent, QStyleOptionGraphicsItem, QWidget

from pypipeline_engine.numbers import count, duration, elapsed, rate, share
from pypipeline_studio.canvas.breakpoint_mark import BreakpointMark, paint_mark
from pypipeline_studio.canvas.far_node import FarNode, paint_middle, paint_small
from pypipeline_studio.canvas.node_preview import GAP, HEIGHT, NodePreview, paint_preview
from pypipeline_studio.canvas.nodegraphqt import NodeItem
from pypipeline_studio.canvas.painting import CENTRE, LEFT, RIGHT, outline, put_text, shortened, style, width_of
from pypipeline_studio.canvas.port_item import StudioPort
from pypipeline_studio.canvas.routing import Box
from pypipeline_studio.canvas.scene import StudioScene
from pypipeline_studio.document.views import NodeLive, NodeView
from pypipeline_studio.theme.colours import category_colour, category_icon, colour, heat, mark_colour, mix, theme
from pypipeline_studio.theme.icons import draw_icon
from pypipeline_studio.theme.shapes import paint_load_bar
from pypipeline_studio.theme.tokens import MARKS

WIDTH, HEAD, ROW, PARAMETER_ROW, FOOT, SHORT_FOOT, PAD, INSET, RADIUS = 204, 28, 20, 16, 44, 24, 8, 12, 6
FULL_SCALE, MIDDLE_SCALE = 0.6, 0.4
HEAT_OF_FOOT = 0.2
"""How much of the colour of its heat is in the foot of a node: no more, or its text could not be read."""
BADGE_HEIGHT, BADGE_ABOVE = 20, 16
"""Of badges: how high they are, and how far they stand out of the body."""
_BUTTON = 16
_MARK = 3
_MOST_COMMENT_LINES = 12
_TIP_CHARACTERS = 64
_SHADOW = 0.6
_NAME = style(12, 600)
_TITLE = style(11)
_PORT = style(11)
_VALUE = style(11, tabular=True)
_RATE = style(12, 600, tabular=True)
_STRONG = style(11, 600, tabular=True)
_BADGE = style(10, 600)
_NO_VIEW = NodeView("", "", "", "flow")
_MARGIN = QRectF(-14, -20, 28, 34)

Badge = Literal["error", "limit"]
Button = Literal["+", "-"]


class StudioNodeItem(NodeItem):  # type: ignore[misc]
    """The item of one cell."""

    def __init__(self, name: str = "node", parent: QGraphicsItem | None = None) -> None:
        self.node_view = _NO_VIEW
        self.live: NodeLive | None = None
        self.preview: NodePreview | None = None
        self.mark: BreakpointMark | None = None
        self._is_hovered = False
        self._scene: StudioScene | None = None
        super().__init__(name, parent)
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemSendsGeometryChanges)
        self.setCacheMode(QGraphicsItem.CacheMode.NoCache)
        self.setAcceptHoverEvents(True)
        self._hide_own_parts()

    def _hide_own_parts(self) -> None:
        """NodeGraphQt's texts, icon and cross; each of its redraws shows some of them again."""
        for part in (self._text_item, self._icon_item, self._x_item):
            part.setVisible(False)

    # ------------------------------------------------------------------ what it shows

    def show_view(self, view: NodeView) -> None:
        """Show a cell of the document. The ports are there already."""
        self.node_view = view
        self.name = view.name
        for items, ports in ((self.inputs, view.inputs), (self.outputs, view.outputs)):
            for item, port in zip(items, ports, strict=True):
                item.show_view(port)
        self.draw_node()

    def show_live(self, live: NodeLive | None) -> None:
        """Show what a run does with it; the caller repaints."""
        if live != self.live:
            self.live = live
            self._set_tool_tip()

    def show_preview(self, preview: NodePreview | None) -> None:
        """Show the latest value of an output, or no room for it; the caller repaints."""
        has_changed = (preview is None) != (self.preview is None)
        self.preview = preview
        if has_changed:
            self.draw_node()

    def show_mark(self, mark: BreakpointMark | None) -> None:
        """Show that a breakpoint is set here, or holds an item; the caller repaints."""
        if mark != self.mark:
            self.mark = mark
            self._set_tool_tip()

    def has_same_ports(self, view: NodeView) -> bool:
        """Whether a view has the ports that this item has."""
        names = [[port.name for port in ports] for ports in (view.inputs, view.outputs)]
        return names == [[item.name for item in items] for items in (self.inputs, self.outputs)]

    @property
    def is_dimmed(self) -> bool:
        """Whether it takes no part in a run."""
        return self.node_view.condition != "normal"

    @property
    def _is_edge(self) -> bool:
        """Whether it stands for the own ports of a nested pipeline."""
        return not self.node_view.type_name

    def _set_tool_tip(self) -> None:
        live, view = self.live, self.node_view
        lines = [
            f"{view.name}: {view.type_name}" if view.type_name else f"{view.title} of the pipeline (P to change them)"
        ]
        if view.comment:
            lines.extend(_wrapped(line) for line in view.comment.splitlines()[:_MOST_COMMENT_LINES])
        if view.note:
            lines.append(view.note)
        if self.mark is not None:
            lines.append(_wrapped(self.mark.tip))
        if view.mark in MARKS:
            lines.append(f"Marked in {MARKS[view.mark].name.lower()}")
        if live is not None:
            if live.limit_text:
                lines.append(_wrapped(live.limit_text))
            lines.append(f"busy {share(live.busy)}, starved {share(live.starved)}, blocked {share(live.blocked)}")
            if live.item_s is not None:
                lines.append(f"{duration(live.item_s)} of work for an item, on average")
            lines.extend(live.details)
            if live.working_s is not None:
                lines.append(f"at the same item for {elapsed(live.working_s)}")
        self.setToolTip("\n".join(lines))

    def badge_tip(self, badge: Badge) -> str:
        """What a badge means; empty where the tooltip of the node says it."""
        return _wrapped(self.live.limit_text) if badge == "limit" and self.live is not None else ""

    # ------------------------------------------------------------------ NodeGraphQt

    def add_input(self, name: str = "input", multi_port: bool = False, *_: Any, **__: Any) -> StudioPort:
        return self._add_own_port(name, multi_port, "in")

    def add_output(self, name: str = "output", multi_port: bool = False, *_: Any, **__: Any) -> StudioPort:
        return self._add_own_port(name, multi_port, "out")

    def _add_own_port(self, name: str, multi_port: bool, port_type: str) -> StudioPort:
        port = StudioPort(self)
        port.name = name
        port.port_type = port_type
        port.multi_connection = multi_port
        port.display_name = False
        self._add_port(port)
        return port

    def auto_switch_mode(self) -> None:
        """The level of detail is decided when painting."""

    def set_proxy_mode(self, mode: bool) -> None:
        """See `auto_switch_mode`."""

    @property
    def disabled(self) -> bool:
        """NodeGraphQt's own state, which shows a cross; ours is in the view."""
        return False

    @disabled.setter
    def disabled(self, state: bool) -> None:
        self._hide_own_parts()

    def draw_node(self) -> None:
        self.prepareGeometryChange()
        self._width, self._height = WIDTH, self._measured_height()
        self._hide_own_parts()
        for items, x in ((self._input_items, 0.0), (self._output_items, float(self._width))):
            y = HEAD + 4 + ROW / 2
            for port, text in items.items():
                box = port.boundingRect()
                port.setPos(x - box.width() / 2, y - box.height() / 2)
                text.setVisible(False)
                y += ROW
        self._set_tool_tip()
        self._tell_place()
        self.update()

    def box(self) -> Box:
        """Left, top, right and bottom of its body in the scene."""
        at = self.pos()
        return (at.x(), at.y(), at.x() + self._width, at.y() + self._height)

    def itemChange(self, change: QGraphicsItem.GraphicsItemChange, value: Any) -> Any:
        if change == QGraphicsItem.GraphicsItemChange.ItemSceneHasChanged:
            if self._scene is not None:
                self._scene.place_box(self, None)
            scene = self.scene()
            self._scene = scene if isinstance(scene, StudioScene) else None
            self._tell_place()
        elif change == QGraphicsItem.GraphicsItemChange.ItemPositionHasChanged:
            self._tell_place()
        return super().itemChange(change, value)

    def _tell_place(self) -> None:
        if self._scene is not None:
            self._scene.place_box(self, self.box())

    def _measured_height(self) -> int:
        view = self.node_view
        height = HEAD + 4 + self._nb_rows() * ROW + self._preview_height() + 8
        if view.parameters:
            height += 4 + PARAMETER_ROW * len(view.parameters)
        return height + self._foot_height()

    def _preview_height(self) -> int:
        return round(HEIGHT + GAP) if self.preview is not None else 0

    def _nb_rows(self) -> int:
        return max(len(self.node_view.inputs), len(self.node_view.outputs), 1)

    def _foot_height(self) -> int:
        return 0 if self._is_edge else SHORT_FOOT if self.is_dimmed else FOOT

    def boundingRect(self) -> QRectF:
        return QRectF(_MARGIN.x(), _MARGIN.y(), self._width + _MARGIN.width(), self._height + _MARGIN.height())

    def shape(self) -> QPainterPath:
        path = QPainterPath()
        path.addRect(QRectF(0, 0, self._width, self._height))
        return path

    def hoverEnterEvent(self, event: QGraphicsSceneHoverEvent) -> None:
        self._is_hovered = True
        self.update()

    def hoverLeaveEvent(self, event: QGraphicsSceneHoverEvent) -> None:
        self._is_hovered = False
        self.update()

    # ------------------------------------------------------------------ where what is

    def badge_at(self, at: QPointF) -> Badge | None:
        """The badge at a point of the item."""
        if self._nb_errors and self._error_badge().contains(at):
            return "error"
        if self._is_limit and self._limit_badge().contains(at):
            return "limit"
        return None

    def badge_box(self, badge: Badge) -> QRectF:
        """Where a badge is, or would be."""
        return self._error_badge() if badge == "error" else self._limit_badge()

    def clone_button_at(self, at: QPointF) -> Button | None:
        """The button for one clone more or less at a point of the item; they are there under the mouse, while it runs."""
        if not self._has_buttons:
            return None
        minus, plus = self._buttons()
        return "-" if minus.contains(at) else "+" if plus.contains(at) else None

    @property
    def _has_buttons(self) -> bool:
        return (
            self._is_hovered and self.live is not None and self.live.activity in ("running", "paused")
            and self.node_view.can_scale and not self.is_dimmed
        )  # fmt: skip

    def _buttons(self) -> tuple[QRectF, QRectF]:
        top = self._height - FOOT + 5
        right = self._width - INSET
        return (
            QRectF(right - 2 * _BUTTON - 4, top, _BUTTON, _BUTTON),
            QRectF(right - _BUTTON, top, _BUTTON, _BUTTON),
        )

    @property
    def _is_limit(self) -> bool:
        return self.live is not None and self.live.is_limit

    @property
    def _nb_errors(self) -> int:
        return self.node_view.nb_problems + (self.live.nb_errors if self.live is not None else 0)

    def _error_badge(self) -> QRectF:
        width = width_of(count(self._nb_errors), _STRONG) + 28
        return QRectF(self._width - width - 8, -BADGE_ABOVE, width, BADGE_HEIGHT)

    def _limit_badge(self) -> QRectF:
        return QRectF(8, -BADGE_ABOVE, width_of("BOTTLENECK", _BADGE) + 29, BADGE_HEIGHT)

    # ------------------------------------------------------------------ painting

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        scale = option.levelOfDetailFromTransform(painter.worldTransform())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_at(painter, scale)
        if self.mark is not None:
            paint_mark(painter, QPointF(0, min(HEAD / 2, self._height / 2)), self.mark.state, scale)

    def _paint_at(self, painter: QPainter, scale: float) -> None:
        if scale < MIDDLE_SCALE:
            paint_small(painter, self._far(), scale)
            return
        self._paint_body(painter, scale)
        if scale < FULL_SCALE:
            paint_middle(painter, self._far(), scale)
            return
        self._paint_head(painter)
        self._paint_rows(painter)
        self._paint_foot(painter)
        self._paint_badges(painter)

    def _far(self) -> FarNode:
        return FarNode(
            self.node_view,
            self.live,
            QRectF(0, 0, self._width, self._height),
            QRectF(10, HEAD + 2, self._width - 20, self._height - self._foot_height() - HEAD - 4),
            self._is_limit,
            self._nb_errors > 0,
            self.isSelected(),
            self._heat(),
        )

    def _body(self) -> QRectF:
        return QRectF(0, 0, self._width, self._height)

    def _category(self) -> QColor:
        return category_colour(self.node_view.category)

    def _text_colours(self) -> tuple[QColor, QColor, QColor]:
        quiet = colour("text3")
        return (quiet, quiet, quiet) if self.is_dimmed else (colour("text"), colour("text2"), quiet)

    def _paint_body(self, painter: QPainter, scale: float) -> None:
        body, view = self._body(), self.node_view
        is_missing = view.condition == "missing"
        if scale >= FULL_SCALE and not is_missing:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("node_shadow", _SHADOW * colour("node_shadow").alphaF()))
            painter.drawRoundedRect(body.adjusted(-2, 1, 2, 5), RADIUS + 2, RADIUS + 2)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour("canvas", 0.55) if is_missing else colour("node"))
        painter.drawRoundedRect(body, RADIUS, RADIUS)
        if not is_missing:
            strength = 0.1 if self.is_dimmed else 0.3 if theme.mode == "dark" else 0.16
            self._fill(painter, 0, HEAD, mix(colour("node"), self._category(), strength))
        if view.mark in MARKS and scale >= FULL_SCALE:
            painter.fillRect(QRectF(0, HEAD - _MARK, self._width, _MARK), mark_colour(view.mark))
        foot = self._foot_height()
        if foot:
            if not is_missing:
                hot = self._heat()
                shown = colour("foot") if hot is None else mix(colour("foot"), hot, HEAT_OF_FOOT)
                self._fill(painter, self._height - foot, foot, shown)
            painter.fillRect(QRectF(0, self._height - foot, self._width, 1), colour("line"))
        self._paint_outline(painter, body, is_missing)

    def _fill(self, painter: QPainter, top: float, height: float, shown: QColor) -> None:
        """Fill a part of the body from edge to edge; the top and the bottom one have its round corners."""
        path = QPainterPath()
        is_top = top == 0
        path.addRoundedRect(QRectF(0, top - (0 if is_top else RADIUS), self._width, height + RADIUS), RADIUS, RADIUS)
        painter.save()
        painter.setClipRect(QRectF(0, top, self._width, height), Qt.ClipOperation.IntersectClip)
        painter.fillPath(path, shown)
        painter.restore()

    def _paint_outline(self, painter: QPainter, body: QRectF, is_missing: bool) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self.mark is not None and self.mark.state == "held":
            painter.setPen(outline(colour("warn"), 2.0))
        elif self._is_limit:
            painter.setPen(outline(colour("neck_line"), 1.8))
        elif self._nb_errors:
            painter.setPen(outline(colour("error"), 1.6, dash=is_missing))
        elif is_missing:
            painter.setPen(outline(colour("text3"), 1.2, dash=True))
        else:
            painter.setPen(outline(colour("line" if self.is_dimmed else "node_line"), 1.0))
        painter.drawRoundedRect(body, RADIUS, RADIUS)
        if self.isSelected():
            painter.setPen(outline(colour("accent"), 2.0))
            painter.drawRoundedRect(body.adjusted(-4, -4, 4, 4), RADIUS + 4, RADIUS + 4)

    def _paint_head(self, painter: QPainter) -> None:
        view = self.node_view
        name_colour, title_colour, quiet = self._text_colours()
        shown = quiet if self.is_dimmed else mix(self._category(), colour("text"), 0.25)
        draw_icon(painter, QRectF(PAD, 6, 16, 16), category_icon(view.category), shown, 16)
        left, right = PAD + 22.0, WIDTH - PAD - 16
        if self._is_edge:
            put_text(painter, QRectF(left, 0, right - left, HEAD), view.title, _NAME, name_colour)
            return
        if view.comment:
            right -= 18
            draw_icon(painter, QRectF(right, 6, 16, 16), "note", title_colour, 13)
        name = shortened(view.name, _NAME, int(right - left))
        put_text(painter, QRectF(left, 0, right - left, HEAD), name, _NAME, name_colour)
        left += width_of(name, _NAME) + 6
        if right - left > 24:
            title = shortened(view.title, _TITLE, int(right - left))
            put_text(painter, QRectF(left, 0, right - left, HEAD), title, _TITLE, title_colour)
        self._paint_status(painter, QPointF(WIDTH - PAD - 5, HEAD / 2))

    def _paint_status(self, painter: QPainter, at: QPointF) -> None:
        box = QRectF(at.x() - 7, at.y() - 7, 14, 14)
        condition, activity = self.node_view.condition, self.live.activity if self.live is not None else "idle"
        if condition == "missing":
            draw_icon(painter, box, "question", colour("text3"), 13)
        elif condition != "normal":
            draw_icon(painter, box, "prohibit", colour("text3"), 13)
        elif self._nb_errors:
            draw_icon(painter, box, "warning-fill", colour("error"), 13)
        elif activity == "running":
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("ok"))
            painter.drawEllipse(at, 4, 4)
        else:
            painter.setPen(outline(colour("warn" if activity == "paused" else "text3"), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(at, 3.5, 3.5)

    def _paint_rows(self, painter: QPainter) -> None:
        view = self.node_view
        name_colour, port_colour, quiet = self._text_colours()
        for ports, alignment in ((view.inputs, LEFT), (view.outputs, RIGHT)):
            y = HEAD + 4.0
            for port in ports:
                text = shortened(port.name, _PORT, WIDTH // 2 if view.inputs and view.outputs else WIDTH - 2 * INSET)
                put_text(painter, QRectF(INSET, y, WIDTH - 2 * INSET, ROW), text, _PORT, port_colour, alignment)
                y += ROW
        if self._is_edge and not (view.inputs or view.outputs):
            put_text(painter, QRectF(INSET, HEAD + 4, WIDTH - 2 * INSET, ROW), "Drag a wire here", _PORT, quiet)
        y = HEAD + 8.0 + self._nb_rows() * ROW
        if self.preview is not None:
            paint_preview(painter, QRectF(INSET, y - 4, WIDTH - 2 * INSET, HEIGHT), self.preview)
            y += self._preview_height()
        for name, value in view.parameters:
            shown = shortened(value, _VALUE, round(0.62 * WIDTH))
            room = WIDTH - 2 * INSET - width_of(shown, _VALUE) - 8
            box = QRectF(INSET, y, WIDTH - 2 * INSET, PARAMETER_ROW)
            put_text(painter, box, shortened(name, _PORT, int(room)), _PORT, quiet)
            put_text(painter, box, shown, _VALUE, name_colour, RIGHT)
            y += PARAMETER_ROW

    def _paint_foot(self, painter: QPainter) -> None:
        if self._is_edge:
            return
        top, inner = self._height - self._foot_height(), WIDTH - 2 * INSET
        if self.is_dimmed:
            text = shortened(self.node_view.note, _VALUE, inner)
            put_text(painter, QRectF(INSET, top, inner, SHORT_FOOT), text, _VALUE, colour("text2"))
            return
        live = self.live
        bar = QRectF(INSET, self._height - 17, inner - 40, 8)
        if live is None or live.rate_hz is None:
            put_text(painter, QRectF(INSET, top + 2, inner, 22), self.no_figures, _VALUE, colour("text3"))
            workers = self.node_view.workers
            put_text(painter, QRectF(INSET, top + 2, inner, 22), workers, _STRONG, colour("text3"), RIGHT)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("track"))
            painter.drawRoundedRect(QRectF(INSET, self._height - 15, inner, 6), 2, 2)
            return
        self._paint_figures(painter, live, top + 4, inner)
        paint_load_bar(painter, bar, live.busy, live.starved, live.blocked, live.is_limit, self._heat())
        busy = QRectF(INSET, self._height - 20, inner, 14)
        put_text(painter, busy, share(live.busy), _STRONG, colour("text"), RIGHT)

    def _paint_figures(self, painter: QPainter, live: NodeLive, top: float, inner: float) -> None:
        """Rate, latency and workers, as much of it as there is room for."""
        main = rate(live.rate_hz)
        put_text(painter, QRectF(INSET, top, inner, 18), main, _RATE, colour("text"))
        left = INSET + width_of(main, _RATE) + 8
        workers = live.workers
        room = INSET + inner - left
        if self._has_buttons:
            self._paint_buttons(painter)
            workers, room = "", room - 2 * _BUTTON - 10
        if live.working_s is not None:
            latency, short = f"at one item for {elapsed(live.working_s)}", f"for {elapsed(live.working_s)}"
            workers = ""
        else:
            mean = duration(live.item_s) if live.item_s is not None else ""
            latency = f"{duration(live.latency_p95_s)} p95" if live.latency_p95_s is not None else mean
            short = latency.removesuffix(" p95")
        for shown, beside in ((latency, workers), (short, workers), (short, workers.partition(" ")[0])):
            if width_of(shown, _VALUE) + width_of(beside, _STRONG) + 6 <= room:
                break
        put_text(painter, QRectF(left, top, room, 18), shortened(shown, _VALUE, int(room)), _VALUE, colour("text2"))
        put_text(painter, QRectF(INSET, top, inner, 18), beside, _STRONG, colour("text"), RIGHT)

    def _paint_buttons(self, painter: QPainter) -> None:
        for box, text in zip(self._buttons(), ("\N{MINUS SIGN}", "+"), strict=True):
            painter.setPen(outline(colour("line_strong"), 1))
            painter.setBrush(colour("raised"))
            painter.drawRoundedRect(box, 3, 3)
            put_text(painter, box, text, _STRONG, colour("text"), CENTRE)

    def _paint_badges(self, painter: QPainter) -> None:
        if self._is_limit:
            box = self._limit_badge()
            self._paint_badge(painter, box, "flame-fill", "BOTTLENECK", "neck", "on_neck")
        if self._nb_errors:
            self._paint_badge(
                painter, self._error_badge(), "warning-circle-fill", count(self._nb_errors), "error_fill", "on_accent"
            )

    def _paint_badge(self, painter: QPainter, box: QRectF, icon: str, text: str, fill: str, on_fill: str) -> None:
        painter.setPen(outline(colour("canvas"), 2))
        painter.setBrush(colour(fill))
        painter.drawRoundedRect(box, 4, 4)
        draw_icon(painter, QRectF(box.x() + 5, box.y() + 3, 14, 14), icon, colour(on_fill), 13)
        chosen = _BADGE if text == "BOTTLENECK" else _STRONG
        put_text(painter, box.adjusted(21, 0, 0, 0), text, chosen, colour(on_fill))

    @property
    def no_figures(self) -> str:
        """What the foot says where there are no figures."""
        return self._scene.no_figures if self._scene is not None else ""

    def _heat(self) -> QColor | None:
        """The colour of its load, where the canvas shows heat."""
        live = self.live
        if live is None or live.rate_hz is None or self._scene is None or not self._scene.shows_heat or self.is_dimmed:
            return None
        return heat(live.busy, live.blocked)


def _wrapped(text: str) -> str:
    """A sentence in lines: tooltips do not break plain text."""
    return textwrap.fill(text, _TIP_CHARACTERS)
