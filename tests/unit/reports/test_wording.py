"""Every rounding and wording of the report, by hand."""

from __future__ import annotations

import math

import pytest

from reports import wording


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.714, "0.71"), (-0.2, "−0.20"), (-0.001, "0.00"), (None, "–"), (math.nan, "–"), (1, "1.00")],
)
def test_decimal(value: float | None, expected: str) -> None:
    assert wording.decimal(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.62, "62%"),
        (0.625, "63%"),
        (0.645, "65%"),
        (0.004, "<1%"),
        (0, "0%"),
        (1, "100%"),
        (None, "–"),
        (-0.1, "−10%"),
    ],
)
def test_percent_rounds_half_up(value: float | None, expected: str) -> None:
    assert wording.percent(value) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.68, 0.74, "0.68–0.74"),
        (-0.02, 0.03, "−0.02 to 0.03"),
        (None, 0.5, ""),
        (0.1, math.nan, ""),
    ],
)
def test_an_interval_never_reads_as_a_minus(low: float, high: float, expected: str) -> None:
    assert wording.span(low, high) == expected


def test_the_interval_of_a_small_share_is_not_rounded_to_nothing() -> None:
    assert wording.share_span(0.048, 0.0468, 0.0492) == "4.7–4.9%"
    assert wording.share_span(0.013, -0.001, 0.027) == "−0.1% to 2.7%"
    assert wording.share_span(0.53, 0.524, 0.534) == "52–53%"  # as "53%" itself is
    assert wording.share_span(0.048, None, 0.05) == ""


def test_percent_span() -> None:
    assert wording.percent_span(0.64, 0.75) == "64–75%"
    assert wording.percent_span(-0.05, 0.1) == "−5% to 10%"
    assert wording.percent_span(0.001, 0.1) == "<1% to 10%"


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.037, "+3.7%"), (1.01, "+101%"), (9.47, "+947%"), (12.1, "+1,210%"), (-0.002, "−0.2%")],
)
def test_a_rise_has_its_sign(value: float, expected: str) -> None:
    assert wording.rise(value) == expected


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (" the", "·the"),
        ("\n\n", "⏎⏎"),
        ("\t", "⇥"),
        ("\r", "␍"),
        ("a\x00b", "a␀b"),
        ("\u202eabc\u202c", "⟨U+202E⟩abc⟨U+202C⟩"),
        ("\u2028", "⟨U+2028⟩"),
        ("", "∅"),
        ("👩‍👧", "👩‍👧"),
        ("שלום", "שלום"),
        ("é", "é"),
        ("\ufeff", "⟨U+FEFF⟩"),
        ("\x7f", "⟨U+007F⟩"),
        ("\ud800", "⟨U+D800⟩"),
        ("<b>", "<b>"),
    ],
)
def test_visible_shows_what_cannot_be_seen(token: str, expected: str) -> None:
    assert wording.visible(token) == expected


def test_a_sentence_keeps_its_spaces() -> None:
    assert wording.sentence("on \u202e a\nb") == "on ⟨U+202E⟩ a⏎b"


def test_a_negative_figure_gets_a_true_minus_and_hyphens_stay() -> None:
    given = "re-initialised: -0.11 (-0.1% to 2.0%), layers 0-3, 1e-5"
    assert wording.minus(given) == "re-initialised: −0.11 (−0.1% to 2.0%), layers 0-3, 1e-5"
