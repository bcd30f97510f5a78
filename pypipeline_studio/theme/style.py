"""How widgets look: Fusion, a palette, and one style sheet for borders, radii and hover, all made of tokens.

Names and properties that the style sheet knows: `#panel`, `#dockhead`, `#toolbar`, `#crumbs`, `#seg`, `#rule`, `#card`;
`#field`; `icononly` on tool buttons; `primary`, `run` and `step` on push buttons; `wrong` on fields.
"""

from __future__ import annotations

from string import Template
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QApplication

from pypipeline_studio.theme.colours import colour, theme
from pypipeline_studio.theme.fonts import font
from pypipeline_studio.theme.tokens import TABLES, Mode

_ROLES: Final = {
    QPalette.ColorRole.Window: "panel",
    QPalette.ColorRole.WindowText: "text",
    QPalette.ColorRole.Base: "field",
    QPalette.ColorRole.AlternateBase: "panel",
    QPalette.ColorRole.Text: "text",
    QPalette.ColorRole.Button: "raised",
    QPalette.ColorRole.ButtonText: "text",
    QPalette.ColorRole.BrightText: "text",
    QPalette.ColorRole.ToolTipBase: "raised",
    QPalette.ColorRole.ToolTipText: "text",
    QPalette.ColorRole.PlaceholderText: "text3",
    QPalette.ColorRole.Highlight: "accent_fill",
    QPalette.ColorRole.HighlightedText: "on_accent",
    QPalette.ColorRole.Accent: "accent_fill",
    QPalette.ColorRole.Link: "accent",
    QPalette.ColorRole.Mid: "line",
    QPalette.ColorRole.Dark: "line",
    QPalette.ColorRole.Light: "raised",
    QPalette.ColorRole.Midlight: "raised",
    QPalette.ColorRole.Shadow: "line",
}

_SHEET: Final = Template("""
* { outline: 0; }
QMainWindow { background: $window; }
QDockWidget > QWidget { background: $panel; }
QMainWindow::separator { background: $line; width: 1px; height: 1px; }
QSplitter::handle { background: $line; }
QToolBar { background: $window; border: 0; padding: 0; spacing: 0; }
QMenuBar { background: $window; padding: 2px 4px; border: 0; }
QMenuBar::item { padding: 4px 8px; border-radius: 4px; background: transparent; color: $text2; }
QMenuBar::item:selected { background: $hover; color: $text; }
QMenu { background: $popover; border: 1px solid $line_strong; padding: 4px; color: $text; }
QMenu::item { padding: 5px 24px 5px 12px; border-radius: 4px; }
QMenu::item:selected { background: $hover; }
QMenu::item:disabled { color: $disabled; }
QMenu::separator { height: 1px; background: $line; margin: 4px 8px; }
#toolbar { background: $window; border-bottom: 1px solid $line; }
#crumbs, #dockhead { background: $panel; border-bottom: 1px solid $line; }
#panel, QScrollArea, QScrollArea > QWidget > QWidget { background: $panel; border: 0; }
#rule { color: $line; background: $line; border: 0; }
#card { background: $panel; border: 1px solid $line_strong; border-radius: 6px; }
#card:hover, #card:focus { border-color: $accent; }
QToolButton { border: 1px solid transparent; border-radius: 4px; padding: 0 8px; min-height: 26px; color: $text2;
    background: transparent; }
QToolButton:hover { background: $hover; color: $text; }
QToolButton:pressed { background: $press; }
QToolButton:checked { background: $accent_soft; color: $accent; }
QToolButton:disabled { color: $disabled; }
QToolButton:focus, QPushButton:focus { border-color: $accent; }
QToolButton[icononly="true"] { padding: 0; min-width: 26px; max-width: 26px; }
QPushButton { border: 1px solid $line_strong; border-radius: 4px; padding: 0 12px; min-height: 26px; background: $raised;
    color: $text; }
QPushButton:hover { background: $hover; }
QPushButton:pressed { background: $press; }
QPushButton:disabled { color: $disabled; }
QPushButton[primary="true"] { background: $accent_fill; border-color: $accent_fill; color: $on_accent; font-weight: 600; }
QPushButton[run="true"] { background: $ok_fill; border-color: $ok_fill; color: $on_accent; font-weight: 600; }
QPushButton[primary="true"]:disabled, QPushButton[run="true"]:disabled { background: $raised; border-color: $line;
    color: $disabled; }
QPushButton[step="true"] { padding: 0; min-width: 26px; max-width: 26px; }
#seg { border: 1px solid $line_strong; border-radius: 5px; background: $field; }
#seg QPushButton { border: 0; border-radius: 4px; background: transparent; color: $text2; min-height: 22px; padding: 0 8px;
    margin: 1px; }
#seg QPushButton:checked { background: $press; color: $text; font-weight: 600; }
#seg QPushButton:disabled { color: $disabled; }
QLineEdit, QAbstractSpinBox, QComboBox { border: 1px solid $line_field; border-radius: 4px; background: $field;
    min-height: 26px; padding: 0 7px; selection-background-color: $accent_fill; color: $text; }
QLineEdit:focus, QAbstractSpinBox:focus, QComboBox:focus { border-color: $accent; }
QLineEdit:disabled, QAbstractSpinBox:disabled, QComboBox:disabled { color: $disabled; border-color: $line; }
QLineEdit[wrong="true"], QAbstractSpinBox[wrong="true"] { border-color: $error; }
QComboBox::drop-down { border: 0; width: 18px; }
QComboBox QAbstractItemView { background: $popover; border: 1px solid $line_strong; color: $text; }
QPlainTextEdit { border: 0; background: $field; color: $text; selection-background-color: $accent_fill; }
QPlainTextEdit#field { border: 1px solid $line_field; border-radius: 4px; padding: 3px; }
QPlainTextEdit#field:focus { border-color: $accent; }
QPlainTextEdit#field:disabled { color: $disabled; border-color: $line; }
QPlainTextEdit#field[wrong="true"] { border-color: $error; }
QTabBar { qproperty-drawBase: 0; background: $panel; }
QTabBar::tab { padding: 0 12px; min-height: 32px; border: 0; border-bottom: 2px solid transparent; color: $text2;
    background: transparent; }
QTabBar::tab:selected { color: $text; border-bottom: 2px solid $accent; }
QTabBar::tab:hover { color: $text; }
QTreeView, QTableView, QListView { border: 0; background: $panel; color: $text; }
QHeaderView { background: $panel; border: 0; }
QHeaderView::section { background: $panel; border: 0; border-bottom: 1px solid $line; padding: 0 8px; color: $text3; }
QSplitter::handle { background: $line; }
QSlider { min-height: 20px; }
QSlider::groove:horizontal { height: 4px; border-radius: 2px; background: $press; }
QSlider::sub-page:horizontal { height: 4px; border-radius: 2px; background: $busy; }
QSlider::handle:horizontal { width: 12px; height: 12px; margin: -5px 0; border-radius: 6px; background: $handle;
    border: 1px solid $line_strong; }
QSlider::sub-page:horizontal:disabled, QSlider::handle:horizontal:disabled { background: $disabled; }
QScrollBar:vertical { width: 8px; background: transparent; margin: 0; }
QScrollBar:horizontal { height: 8px; background: transparent; margin: 0; }
QScrollBar::handle:vertical { background: $line_strong; border-radius: 3px; min-height: 24px; margin: 1px; }
QScrollBar::handle:horizontal { background: $line_strong; border-radius: 3px; min-width: 24px; margin: 1px; }
QScrollBar::add-line, QScrollBar::sub-line { height: 0; width: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QProgressBar { border: 0; border-radius: 2px; background: $track; }
QProgressBar::chunk { border-radius: 2px; background: $accent_fill; }
QStatusBar { background: $window; border-top: 1px solid $line; color: $text2; }
QStatusBar::item { border: 0; }
QDialogButtonBox { dialogbuttonbox-buttons-have-icons: 0; }
QToolTip { background: $raised; color: $text; border: 1px solid $line_strong; padding: 2px 4px; }
QRubberBand { background: $accent_soft; border: 1px solid $accent; }
""")


def apply(application: QApplication, mode: Mode) -> None:
    """Have the application look like this from now on, whatever the system does."""
    _followers.clear()
    _apply(application, mode)


def follow_system(application: QApplication) -> None:
    """Look dark or light as the system does, also when that changes; until `apply` is called."""
    hints = application.styleHints()
    if not _is_connected:
        hints.colorSchemeChanged.connect(_follow)
        _is_connected.append(True)
    _followers[:] = [application]
    _follow(hints.colorScheme())


_followers: list[QApplication] = []
_is_connected: list[bool] = []


def _follow(scheme: Qt.ColorScheme) -> None:
    for application in _followers:
        _apply(application, "light" if scheme == Qt.ColorScheme.Light else "dark")


def _apply(application: QApplication, mode: Mode) -> None:
    theme.set_mode(mode)
    application.setStyle("Fusion")
    application.setPalette(_palette())
    application.setFont(font(12))
    application.setStyleSheet(_SHEET.substitute(TABLES[mode]))


def _palette() -> QPalette:
    palette = QPalette()
    for role, name in _ROLES.items():
        palette.setColor(role, colour(name))
    for role in (QPalette.ColorRole.Text, QPalette.ColorRole.WindowText, QPalette.ColorRole.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, colour("disabled"))
    return palette
