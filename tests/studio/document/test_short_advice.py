"""The advice of the engine in the few words of a box, from sentences as the engine makes them."""

import pytest

from pypipeline_engine.host.protocol import BottleneckInfo
from pypipeline_studio.document.short_advice import short_clones, short_text, short_title, trial_text, use_text
from pypipeline_studio.document.trial import Trial

SENTENCE = "detect limits the pipeline, computing without the GIL: 4 clones of detect would bring 16.1/s."
PARAGRAPH = (
    "detect limits the pipeline to 8.21/s: its 2 threads are busy 98 % of the time. An item takes it 251 ms, 99 % of that "
    "computing. The process uses 2.0 of 8 cores. 4 clones of detect would bring 16.1/s."
)


def limit(*cells, sentence=SENTENCE, paragraph=PARAGRAPH) -> BottleneckInfo:
    return BottleneckInfo(
        cells=cells or ("detect",), kind="station", utilisation=0.98, capacity_hz=8.21, sentence=sentence,
        paragraph=paragraph,
    )  # fmt: skip


def test_what_limits_and_why_without_what_the_button_says() -> None:
    assert short_title(limit()) == "detect limits the pipeline"
    assert short_text(limit(), has_action=True) == (
        "Its 2 threads are busy 98 % of the time, computing without the GIL."
    )


def test_where_nothing_is_offered_the_words_say_what_would_help() -> None:
    source = limit(
        sentence="video limits the pipeline, because it brings no more: only a faster source would help.",
        paragraph="video limits the pipeline to 25.0/s: its thread is busy 99 % of the time. Only one source would help.",
    )
    assert short_text(source, has_action=False) == (
        "Its thread is busy 99 % of the time, because it brings no more. Only a faster source would help."
    )


def test_a_tie_is_told_in_full() -> None:
    tie = limit("a", "b", "c")
    assert short_title(tie) == "a, b and c limit the pipeline"
    assert short_text(tie, has_action=True) == PARAGRAPH


def test_sentences_of_another_form_are_told_as_they_are() -> None:
    assert short_text(limit(paragraph="It is slow."), has_action=True) == "It is slow."


@pytest.mark.parametrize(
    ("clones", "bar", "button"),
    [
        ((4, 0), "4 threads", "Use 4 threads"),
        ((1, 0), "1 thread", "Use 1 thread"),
        ((0, 2), "2 Ray", "Use 2 Ray clones"),
        ((2, 3), "2 + 3 Ray", "Use 2 threads and 3 Ray clones"),
    ],
)
def test_the_words_for_clones(clones, bar, button) -> None:
    assert short_clones({("detect",): clones}) == bar
    assert use_text({("detect",): clones}) == button


def test_several_cells_at_once_are_predicted_together() -> None:
    both = {("a",): (1, 0), ("b",): (2, 0)}
    assert (short_clones(both), use_text(both)) == ("Predicted", "")


def tried(measured_hz, before_hz=10.0) -> Trial:
    trial = Trial({("detect",): (1, 0)}, {("detect",): (2, 0)}, before_hz, 19.0)
    trial.phase, trial.measured_hz = "measured", measured_hz
    return trial


@pytest.mark.parametrize(
    ("measured_hz", "cells", "text"),
    [
        (19.2, ("draw",), "The pipeline is 92 % faster. draw is the next limit, at 8.21/s."),
        (19.2, ("detect",), "The pipeline is 92 % faster. detect is still the limit, at 8.21/s."),
        (10.1, ("detect",), "It has brought nothing that can be told. detect is still the limit, at 8.21/s."),
        (7.0, ("draw",), "The pipeline is 30 % slower. draw is the next limit, at 8.21/s."),
    ],
)
def test_what_an_advice_has_brought(measured_hz, cells, text) -> None:
    assert trial_text(tried(measured_hz), limit(*cells)) == text


def test_nothing_is_told_of_a_limit_that_is_not_known() -> None:
    assert trial_text(tried(19.2), None) == "The pipeline is 92 % faster."


def test_until_it_is_measured_the_phase_is_told() -> None:
    trial = Trial({("detect",): (1, 0)}, {("detect",): (2, 0)}, 10.0, 19.0)
    assert trial_text(trial, None) == "The change takes effect …"
    trial.refuse("It keeps state.")
    assert trial_text(trial, None) == "It keeps state."
