import pytest

from pypipeline_studio.canvas.node_item import HEAT_OF_FOOT
from pypipeline_studio.theme.tokens import (
    BAND_SHARE,
    CATEGORIES,
    COMMENT_SHARE,
    DARK,
    KINDS,
    LIGHT,
    MARKS,
    RAMPS,
    TABLES,
)

SURFACES = (
    *("window", "panel", "raised", "field", "popover", "hover", "pill"),
    *("canvas", "node", "foot", "accent_soft", "warn_soft", "error_soft", "neck_soft"),
)
TEXTS = ("text", "text2", "text3")
PAIRS = [
    ("accent", "panel"),
    ("accent", "accent_soft"),
    ("on_accent", "accent_fill"),
    ("on_accent", "error_fill"),
    ("on_accent", "ok_fill"),
    ("on_neck", "neck"),
    ("error", "panel"),
    ("warn", "panel"),
    ("ok", "panel"),
]
BARS = ("busy", "starved", "blocked", "neck_line", "q_low", "q_mid", "q_high")
MODES = sorted(TABLES)


def channels(written):
    return [int(written[start : start + 2], 16) for start in (1, 3, 5)]


def luminance(written):
    parts = [value / 255 for value in channels(written)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first, second):
    """By WCAG 2: from 1 for the same to 21 for black on white."""
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def mixed(first, second, share):
    parts = [round(a + (b - a) * share) for a, b in zip(channels(first), channels(second), strict=True)]
    return "#" + "".join(f"{part:02X}" for part in parts)


def test_contrast_of_known_colours():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


def test_both_modes_have_the_same_tokens():
    assert DARK.keys() == LIGHT.keys()
    assert all(len(value) in (7, 9) and value.startswith("#") for table in TABLES.values() for value in table.values())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("surface", SURFACES)
def test_text_can_be_read_on_every_surface(mode, text, surface):
    assert contrast(TABLES[mode][text], TABLES[mode][surface]) >= 4.5


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("text", "surface"), PAIRS)
def test_coloured_text_can_be_read(mode, text, surface):
    assert contrast(TABLES[mode][text], TABLES[mode][surface]) >= 4.5


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("category", CATEGORIES)
@pytest.mark.parametrize("text", ["text", "text2"])
def test_titles_can_be_read_on_the_band_of_every_category(mode, category, text):
    band = mixed(TABLES[mode]["node"], getattr(CATEGORIES[category], mode), BAND_SHARE[mode])
    assert contrast(TABLES[mode][text], band) >= 4.5


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", KINDS)
def test_ports_can_be_told_from_the_canvas(mode, kind):
    assert contrast(getattr(KINDS[kind], mode), TABLES[mode]["canvas"]) >= 3


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("bar", BARS)
def test_bars_can_be_told_from_their_track(mode, bar):
    assert contrast(TABLES[mode][bar], TABLES[mode]["track"]) >= 3


@pytest.mark.parametrize("mode", MODES)
def test_outlines_of_inputs_can_be_told_from_panels(mode):
    assert contrast(TABLES[mode]["line_field"], TABLES[mode]["panel"]) >= 3


def test_every_kind_has_a_shape_of_its_own():
    assert len({look.shape for look in KINDS.values()}) == len(KINDS)


def test_the_lightness_of_the_safe_ramp_goes_one_way():
    dark = [luminance(stop) for stop in RAMPS["safe"]["dark"]]
    light = [luminance(stop) for stop in RAMPS["safe"]["light"]]
    assert dark == sorted(dark)
    assert light == sorted(light, reverse=True)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("mark", MARKS)
def test_marks_can_be_seen_on_nodes_and_the_canvas(mode, mark):
    shown = MARKS[mark].dark if mode == "dark" else MARKS[mark].light
    assert contrast(shown, TABLES[mode]["node"]) >= 3
    assert contrast(shown, TABLES[mode]["canvas"]) >= 3


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("text", ["text", "text2"])
def test_text_can_be_read_in_comment_boxes(mode, mark, text):
    shown = MARKS[mark].dark if mode == "dark" else MARKS[mark].light
    assert contrast(TABLES[mode][text], mixed(TABLES[mode]["canvas"], shown, COMMENT_SHARE[mode])) >= 4.5


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("ramp", RAMPS)
@pytest.mark.parametrize("text", ["text", "text2"])
def test_figures_can_be_read_on_the_foot_of_a_node_in_any_heat(mode, ramp, text):
    table = TABLES[mode]
    for stop in RAMPS[ramp][mode]:
        for shown in (stop, mixed(stop, table["text3"], 0.85)):
            assert contrast(table[text], mixed(table["foot"], shown, HEAT_OF_FOOT)) >= 4.5
