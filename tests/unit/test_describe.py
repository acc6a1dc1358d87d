"""Golden sentences: every form that the source's head table uses, from hand-made rules."""

from __future__ import annotations

import math

import pytest

from labeler.classes import Group
from labeler.describe import head_sentence, listed, parked, percent, unlabelled_sentence
from labeler.gist import head_gist
from labeler.labels import HeadLabel, Rule, Term

PHRASES = (
    "the current token",
    "the previous token",
    "the nearest preceding structural pivot (start of text, comma, full stop)",
    "the opening speech mark",
    "the start of the clause",
    "the nearest preceding coordinating conjunction",
    "the current and previous proper nouns",
    "all tokens of the same clause, the nearer the more",
    "all structural pivots so far (start of text, commas, full stops)",
    "the start of the text",
    "all commas so far",
    "the subject of the sentence",
    "the previous token (on a word's first piece, itself)",
    "the latest comma, itself included (the start of the text until one has come)",
)
CURRENT, PREVIOUS, PIVOT, OPENING, CLAUSE, CONJUNCTION = range(6)
NAMES, SAME_CLAUSE, PIVOTS, START, COMMAS, SUBJECT, PREVIOUS_OR_ITSELF, COMMA = range(6, 14)
Given = tuple[float, ...]


def _rule(terms: dict[int, float | Given], where: str = "") -> Rule:
    """Relation → share, or (share, coverage); coverage is 1 unless given."""
    made = []
    for relation, given in terms.items():
        share, coverage = given if isinstance(given, tuple) else (given, 1.0)
        made.append(Term(relation, share, coverage))
    return Rule(tuple(made), (1,), Group(where, where, (1,)) if where else None)


def _label(general: dict, **exceptions: dict) -> HeadLabel:
    wheres = {"closing": "on the closing speech mark", "but": 'on "but"', "comma": "on a comma"}
    rules = tuple(_rule(terms, wheres[name]) for name, terms in exceptions.items())
    return HeadLabel("L0H0", _rule(general), rules)


def _say(general: dict, **exceptions: dict) -> str:
    return head_sentence(_label(general, **exceptions), PHRASES.__getitem__)


@pytest.mark.parametrize(
    ("sentence", "general", "exceptions"),
    [
        ("Attends to the previous token.", {PREVIOUS: 0.93}, {}),
        (
            "Attends mostly to the current token (62%), also to the previous token (20%); the rest "
            "spread over all visible tokens (18%).",
            {CURRENT: 0.62, PREVIOUS: 0.2},
            {},
        ),
        (
            "Attends mostly to the current token (88%), also sometimes to the previous token (7%).",
            {CURRENT: 0.88, PREVIOUS: 0.07},
            {},
        ),
        (
            "Attends almost only to the current token (92%), also sometimes to the previous token "
            "(7%).",
            {CURRENT: 0.92, PREVIOUS: 0.07},
            {},
        ),
        (
            "Attends to the previous token (aside from the closing speech mark: attends to the "
            "opening speech mark).",
            {PREVIOUS: 0.95},
            {"closing": {OPENING: 0.9}},
        ),
        (
            "Attends to the nearest preceding structural pivot (start of text, comma, full stop); "
            'on "but", only to itself.',
            {PIVOT: 0.94},
            {"but": {CURRENT: 0.97}},
        ),
        (
            "Attends to the previous token (aside from the closing speech mark: attends mostly to "
            'the opening speech mark (61%); the rest spread over all visible tokens (39%)); on "but"'
            " and on a comma, only to itself.",
            {PREVIOUS: 0.95},
            {"but": {CURRENT: 0.95}, "closing": {OPENING: 0.61}, "comma": {CURRENT: 0.9}},
        ),
        (
            "Attends to the previous token (aside from the closing speech mark: attends to the "
            'opening speech mark; on "but": spreads over all visible tokens).',
            {PREVIOUS: 0.95},
            {"closing": {OPENING: 0.9}, "but": {}},
        ),
        (
            "Attends to the current and previous proper nouns where it can (8%), else spreads over "
            "all visible tokens.",
            {NAMES: (0.08, 0.085)},
            {},
        ),
        (
            "Attends mostly to the subject of the sentence where it can (44%); the rest spread over "
            "all visible tokens (56%).",
            {SUBJECT: (0.44, 0.55)},
            {},
        ),
        (
            "Attends mostly to all tokens of the same clause, the nearer the more (71%); the rest "
            "spread over all visible tokens (29%).",
            {SAME_CLAUSE: 0.71},
            {},
        ),
        (
            "Attends mostly to the start of the clause (58%), also to the opening speech mark where "
            "it can (22%); the rest spread over all visible tokens (20%).",
            {CLAUSE: 0.58, OPENING: (0.22, 0.25)},
            {},
        ),
        (
            "Attends to the start of the clause (45%), also to the nearest preceding coordinating "
            "conjunction (34%); the rest spread over all visible tokens (21%).",
            {CLAUSE: 0.45, CONJUNCTION: 0.34},
            {},
        ),
        (
            "Attends to all structural pivots so far (start of text, commas, full stops).",
            {PIVOTS: 0.91},
            {},
        ),
        (
            "Attends to the start of the text (40%), also to all commas so far (30%), and sometimes "
            "to the opening speech mark (6%) and to the subject of the sentence (2.4%); the rest "
            "spread over all visible tokens (22%).",
            {START: 0.4, COMMAS: 0.3, OPENING: 0.06, SUBJECT: 0.024},
            {},
        ),
        (
            "Spreads over all visible tokens (65%), with more on the current token (20%), the "
            "previous token (10%) and the start of the text (5%).",
            {CURRENT: 0.2, PREVIOUS: 0.1, START: 0.05},
            {},
        ),
        ("Spreads over all visible tokens.", {}, {}),
        (
            "Spreads over all visible tokens (aside from the closing speech mark: attends to the "
            "opening speech mark).",
            {},
            {"closing": {OPENING: 0.95}},
        ),
    ],
)
def test_sentences(sentence: str, general: dict, exceptions: dict) -> None:
    assert _say(general, **exceptions) == sentence


@pytest.mark.parametrize(
    ("gist", "general", "exceptions"),
    [
        ("Attends to the previous token.", {PREVIOUS: 0.93}, {}),
        ("Attends mostly to the current token.", {CURRENT: 0.62, PREVIOUS: 0.2}, {}),
        (
            "Attends mostly to the current token and the previous token.",
            {CURRENT: 0.4, PREVIOUS: 0.2, START: 0.2},
            {},
        ),
        ("Attends partly to all tokens of the same clause.", {SAME_CLAUSE: 0.45, START: 0.1}, {}),
        (
            "Attends mostly to the subject of the sentence where it can.",
            {SUBJECT: (0.44, 0.55)},
            {},
        ),
        (
            "Spreads out, with more on the nearest preceding structural pivot.",
            {PIVOT: 0.2, CURRENT: 0.09},
            {},
        ),
        (
            "Attends to the previous token; on the closing speech mark, to the opening speech mark.",
            {PREVIOUS: 0.95},
            {"closing": {OPENING: 0.61, CURRENT: 0.2}},
        ),
        (
            'Attends to the previous token; on "but" and on a comma, to itself; differs on the '
            "closing speech mark.",
            {PREVIOUS: 0.95},
            {"but": {CURRENT: 0.97}, "comma": {CURRENT: 0.55}, "closing": {OPENING: 0.4}},
        ),
        ("Attends to the latest comma or the start of the text.", {COMMA: 0.95}, {}),
        (
            "Attends to the previous token; differs on a comma.",
            {PREVIOUS: 0.95},
            {"comma": {PREVIOUS: 0.6, START: 0.3}},
        ),
        (
            "Attends mostly to the previous token; differs on a comma.",
            {PREVIOUS: 0.5, PREVIOUS_OR_ITSELF: 0.3},
            {"comma": {PREVIOUS_OR_ITSELF: 0.6}},
        ),
        (
            'Spreads evenly; differs on the closing speech mark and on "but".',
            {},
            {"closing": {OPENING: (0.2, 0.25)}, "but": {}},
        ),
    ],
)
def test_gists(gist: str, general: dict, exceptions: dict) -> None:
    """What leads; an exception that says something else, most of the time, or where there is one.

    The opening mark at share 0.2 and coverage 0.25 gets 80% of the attention where it is, which is
    at one closing mark in four: too few to say so.
    """
    assert head_gist(_label(general, **exceptions), PHRASES.__getitem__) == gist


def test_shares_order_the_clauses() -> None:
    said = _say({PREVIOUS: 0.2, CURRENT: 0.3, START: 0.45})
    places = [said.index(PHRASES[relation]) for relation in (START, CURRENT, PREVIOUS)]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("share", "said"),
    [(1.0, "100%"), (0.61, "61%"), (0.1, "10%"), (0.05, "5%"), (0.024, "2.4%"), (0.001, "0.1%")],
)
def test_shares_are_percentages(share: float, said: str) -> None:
    assert percent(share) == said


def test_lists() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b"]) == "a and b"
    assert listed(["a", "b", "c"]) == "a, b and c"


@pytest.mark.parametrize(
    ("entropy", "first", "said"),
    [
        # An even spread over n tokens has an entropy of ln n.
        (
            math.log(53),
            0.02,
            "Unlabelled: diffuse, its attention as wide as an even spread over 53",
        ),
        (math.log(20), 0.31, "spread over 20 tokens, 31% of it on the start of the text."),
        (math.log(3), 0.0, "as narrow as on 3 tokens."),
        (0.0, 0.0, "as narrow as on one token."),
    ],
)
def test_a_head_without_a_label_says_how_widely_it_looks(
    entropy: float, first: float, said: str
) -> None:
    assert said in unlabelled_sentence(entropy, first, 100)
    assert unlabelled_sentence(entropy, first, 100, "so it is").endswith("; so it is.")


def test_an_even_spread_over_a_short_window_is_not_narrow() -> None:
    # Six keys are all that a query sees with a window of six.
    assert "diffuse" in unlabelled_sentence(math.log(5.9), 0.0, 5.9)
    assert "as narrow as on 3 tokens" in unlabelled_sentence(math.log(3), 0.0, 5.9)


def test_a_head_is_parked_where_it_attends_and_does_not_write() -> None:
    assert parked(0.6, 0.05)
    assert not parked(0.6, 0.5)  # it writes there what it attends to
    assert not parked(0.2, 0.0)  # too little attention there to be parked
