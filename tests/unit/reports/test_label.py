"""A label laid out is still the label."""

from __future__ import annotations

import pytest

from reports.label import lines_of

PLAIN = "Attends mostly to the previous token (62%), also to the current one (7.1%)."
LONG = (
    "Attends to the verbs so far (33%); the rest spread over all visible tokens (40%) "
    '(aside from most full stops (of no class): attends to "a; b" (26%), with more on the rest; '
    "the rest spread over all visible tokens (41%); on a question mark: attends to nouns (26%); "
    'on "the": spreads over all visible tokens (64%), with more on the start (of text) (10%)).'
)
ALONE = 'Attends to nouns (aside from "a": attends to verbs); on "but" and on "so", only to itself.'


def joined(label: str) -> str:
    return "".join(
        line.before + "".join(piece.text for piece in line.pieces) + line.after
        for line in lines_of(label)
    )


@pytest.mark.parametrize(
    "label", ["", "Attends to (this).", PLAIN, LONG, ALONE, "(aside from x", "a (aside from b"]
)
def test_the_pieces_joined_are_the_label(label: str) -> None:
    assert joined(label) == label


def test_each_exception_has_its_line() -> None:
    starts = ["".join(p.text for p in line.pieces)[:16] for line in lines_of(LONG)]
    assert starts == [
        "Attends to the v",
        "most full stops ",
        "on a question ma",
        'on "the": spread',
    ]


def test_where_it_keeps_to_itself_is_a_line_too() -> None:
    lines = ["".join(p.text for p in line.pieces) for line in lines_of(ALONE)]
    assert lines == [
        "Attends to nouns",
        '"a": attends to verbs',
        'on "but" and on "so", only to itself',
    ]


def test_figures_and_the_rest_are_quiet() -> None:
    quiet = [piece.text for piece in lines_of(LONG)[0].pieces if piece.quiet]
    assert quiet == [" (33%)", "; the rest spread over all visible tokens (40%)"]
