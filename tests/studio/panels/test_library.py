from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from pypipeline_studio.panels.cell_rows import (
    CELL_MIME_TYPE,
    ENTRY_ROLE,
    ROW_PX,
    category_title,
    cell_tooltip,
    mime_data,
)
from pypipeline_studio.panels.library import LibraryPanel
from pypipeline_studio.panels.search_popup import CellSearchPopup


def names_in(tree):
    """What a person sees, line by line: the cells of open categories below these."""
    found, item = [], tree.topLevelItem(0)
    while item is not None:
        found.append(item.text(0))
        item = tree.itemBelow(item)
    return found


def test_cells_are_listed_by_category_with_their_number(show, types):
    panel = show(LibraryPanel())
    panel.show_types(types)
    assert panel.search_field.placeholderText() == "Search 3 cells"
    assert names_in(panel.tree) == ["Detection", "HogPeople", "Tracking", "Sort", "Vision", "DrawBoxes"]
    assert panel.tree.topLevelItem(0).data(0, ENTRY_ROLE).count == 1


def test_says_what_will_come_before_the_engine_has_started(show, types):
    panel = show(LibraryPanel())
    assert not panel.tree.isVisible()
    panel.show_types(types)
    assert panel.tree.isVisible()
    panel.show_waiting("The engine is being restarted.")
    assert not panel.tree.isVisible()


def test_a_category_that_cannot_be_imported_says_why(show, types):
    panel = show(LibraryPanel())
    panel.show_types(types, {"acme": "No module named 'acme'"})
    assert names_in(panel.tree)[-2:] == ["Acme", "No module named 'acme'"]


def test_typing_searches_and_enter_adds_the_best(show, types, qtbot):
    panel = show(LibraryPanel())
    panel.show_types(types)
    panel.focus_search()
    qtbot.keyClicks(panel.search_field, "so")
    assert names_in(panel.tree) == ["Sort"]
    with qtbot.waitSignal(panel.add_requested) as asked:
        qtbot.keyClick(panel.search_field, Qt.Key.Key_Return)
    assert asked.args == ["tracking.Sort"]


def test_enter_in_an_empty_field_adds_nothing(show, types, qtbot):
    panel = show(LibraryPanel())
    panel.show_types(types)
    panel.focus_search()
    with qtbot.assertNotEmitted(panel.add_requested):
        qtbot.keyClick(panel.search_field, Qt.Key.Key_Return)


def test_down_enters_the_list_and_up_leads_back(show, types, qtbot):
    panel = show(LibraryPanel())
    panel.show_types(types)
    panel.focus_search()
    qtbot.keyClick(panel.search_field, Qt.Key.Key_Down)
    assert panel.tree.hasFocus()
    qtbot.keyClick(panel.tree, Qt.Key.Key_Down)
    with qtbot.waitSignal(panel.add_requested) as asked:
        qtbot.keyClick(panel.tree, Qt.Key.Key_Return)
    assert asked.args == ["detection.HogPeople"]
    qtbot.keyClick(panel.tree, Qt.Key.Key_Up)
    qtbot.keyClick(panel.tree, Qt.Key.Key_Up)
    assert panel.search_field.hasFocus()


def test_escape_empties_the_search_and_says_when_nothing_matches(show, types, qtbot):
    panel = show(LibraryPanel())
    panel.show_types(types)
    panel.focus_search()
    qtbot.keyClicks(panel.search_field, "zzz")
    assert not panel.tree.isVisible()
    qtbot.keyClick(panel.search_field, Qt.Key.Key_Escape)
    assert panel.search_field.text() == ""
    assert len(names_in(panel.tree)) == 6


def test_a_click_closes_a_category_which_stays_closed_after_a_search(show, types, qtbot):
    panel = show(LibraryPanel())
    panel.show_types(types)
    head = panel.tree.topLevelItem(0)
    qtbot.mouseClick(panel.tree.viewport(), Qt.MouseButton.LeftButton, pos=panel.tree.visualItemRect(head).center())
    assert names_in(panel.tree) == ["Detection", "Tracking", "Sort", "Vision", "DrawBoxes"]
    panel.search_field.setText("sort")
    panel.search_field.clear()
    assert names_in(panel.tree) == ["Detection", "Tracking", "Sort", "Vision", "DrawBoxes"]


def test_a_double_click_adds(show, types, qtbot):
    panel = show(LibraryPanel())
    panel.show_types(types)
    item = panel.tree.topLevelItem(1).child(0)
    place = panel.tree.visualItemRect(item).center()
    with qtbot.waitSignal(panel.add_requested) as asked:
        qtbot.mouseClick(panel.tree.viewport(), Qt.MouseButton.LeftButton, pos=place)
        QTest.mouseDClick(panel.tree.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert asked.args == ["tracking.Sort"]


def test_a_drag_carries_the_name_of_the_type_as_text():
    assert mime_data("tracking.Sort").data(CELL_MIME_TYPE).data() == b"tracking.Sort"


def test_tooltips_show_texts_of_cells_as_they_are(types):
    cell_type = types[0].model_copy(update={"description": "Needs <b> & more"})
    assert "Needs &lt;b&gt; &amp; more" in cell_tooltip(cell_type)
    assert "image (image)" in cell_tooltip(cell_type)


def test_categories_have_titles_for_people():
    assert [category_title(name) for name in ("ai", "my_cells")] == ["AI", "My cells"]


def open_popup(qtbot, show, types, note=""):
    around = show(QWidget())
    popup = CellSearchPopup(around)
    qtbot.addWidget(popup)
    popup.open_at(around, QPoint(10, 10), types, note)
    return popup


def test_the_popup_chooses_with_the_keyboard_alone(show, types, qtbot):
    popup = open_popup(qtbot, show, types)
    qtbot.keyClick(popup.search_field, Qt.Key.Key_Down)
    with qtbot.waitSignal(popup.chosen) as chosen:
        qtbot.keyClick(popup.search_field, Qt.Key.Key_Return)
    assert chosen.args == ["tracking.Sort"]
    assert not popup.isVisible()


def test_the_popup_goes_round_at_its_ends(show, types, qtbot):
    popup = open_popup(qtbot, show, types)
    qtbot.keyClick(popup.search_field, Qt.Key.Key_Up)
    with qtbot.waitSignal(popup.chosen) as chosen:
        qtbot.keyClick(popup.search_field, Qt.Key.Key_Return)
    assert chosen.args == ["vision.DrawBoxes"]


def test_the_popup_filters_while_one_types_and_escape_closes_it(show, types, qtbot):
    popup = open_popup(qtbot, show, types)
    qtbot.keyClicks(popup.search_field, "hog")
    assert [popup.list.item(row).text() for row in range(popup.list.count())] == ["HogPeople"]
    qtbot.keyClicks(popup.search_field, "zz")
    with qtbot.assertNotEmitted(popup.chosen):
        qtbot.keyClick(popup.search_field, Qt.Key.Key_Return)
    qtbot.keyClick(popup.search_field, Qt.Key.Key_Escape)
    assert popup.isVisible()
    qtbot.keyClick(popup.search_field, Qt.Key.Key_Escape)
    assert not popup.isVisible()


def test_a_click_in_the_popup_chooses(show, types, qtbot):
    popup = open_popup(qtbot, show, types)
    place = popup.list.visualItemRect(popup.list.item(1)).center()
    with qtbot.waitSignal(popup.chosen) as chosen:
        qtbot.mouseClick(popup.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert chosen.args == ["tracking.Sort"]


def test_the_popup_is_as_high_as_what_it_found(show, types, qtbot):
    more = [types[1].model_copy(update={"class_name": f"Sort{number}"}) for number in range(10)]
    popup = open_popup(qtbot, show, [*types, *more])
    highest, at = popup.height(), popup.pos()
    assert popup.list.height() == 9 * ROW_PX
    qtbot.keyClicks(popup.search_field, "hog")
    assert popup.list.height() == ROW_PX
    assert popup.height() == highest - 8 * ROW_PX
    qtbot.keyClicks(popup.search_field, "zz")
    assert popup.list.isHidden()
    assert popup.note.height() >= popup.note.heightForWidth(popup.note.width())
    assert popup.height() < highest
    popup.search_field.clear()
    assert (popup.height(), popup.pos()) == (highest, at)
