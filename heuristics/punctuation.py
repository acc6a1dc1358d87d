"""Punctuation, decided on characters: a token that touches a mark has it, and may have more."""

from __future__ import annotations

import re
import string
import unicodedata
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from heuristics import full_stops
from heuristics.contract import feature, relation
from heuristics.lifts import every, latest, nearest
from heuristics.targets import Targets
from heuristics.text import Text, per_text


class Mark(NamedTuple):
    """A punctuation mark: its name, the pattern that finds it in the string, what is none."""

    name: str
    pattern: str
    but: str = ""


COMMA = Mark("comma", r"[,，、،](?:(?<!,)|(?<!\d,)|(?!\d))", "one inside a number")
FULL_STOP = Mark(
    "full stop",
    full_stops.FULL_STOP,
    "one in a number or after that of a list's item, an ellipsis, an abbreviation inside a "
    'sentence ("Mr. Fox", "U.S. law", "J. Smith", "No. 5") or a name ("a.txt")',
)
MAIN_MARKS = (COMMA, FULL_STOP)
OTHER_MARKS = (
    Mark("exclamation mark", r"[!！]"),
    Mark("question mark", r"[?？؟]"),
)
LINE_BREAK = Mark("line break", r"\n")
RARE_MARKS = (
    Mark("semicolon", r"[;；؛]"),
    Mark("colon", r"[:：]"),
    Mark("dash", r"[–—]|(?<![-|:])-{2,3}(?![-|:])|(?<!\S)-(?!\S)"),
    Mark("ellipsis", r"…|\.\.+|(?<=\s)\.(?: \.)+"),
)


def has(text: Text, *marks: Mark) -> Bool[ndarray, " pos"]:
    """Positions that touch one of the marks."""
    found = np.zeros(text.n_pos, dtype=bool)
    for mark in marks:
        found |= text.regex(mark.pattern)
    return found


@feature(
    "{mark.name}",
    lifts=("nearest", "every"),
    query_class=True,
    mark=MAIN_MARKS,
)
def main_mark(text: Text, mark: Mark) -> ndarray:
    """A {mark.name}; {mark.but} does not count."""
    return has(text, mark)


@feature("{mark.name}", lifts=("nearest",), query_class=True, mark=OTHER_MARKS)
def other_mark(text: Text, mark: Mark) -> ndarray:
    """A token that holds the mark: {mark.name}."""
    return has(text, mark)


@feature("line break", lifts=("nearest", "every"), query_class=True)
def line_break(text: Text) -> ndarray:
    """A line break."""
    return has(text, LINE_BREAK)


@feature("{mark.name}", mark=RARE_MARKS[:2])
def rare_mark(text: Text, mark: Mark) -> ndarray:
    """A token that holds the mark: {mark.name}."""
    return has(text, mark)


@feature("dash", plural="dashes")
def dash(text: Text) -> ndarray:
    """A dash, or a hyphen between spaces."""
    return has(text, RARE_MARKS[2])


@feature("ellipsis", plural="ellipses")
def ellipsis(text: Text) -> ndarray:
    """Two dots or more, with spaces between or without, or the single character (…)."""
    return has(text, RARE_MARKS[3])


@per_text
def sentence_end_mask(text: Text) -> Bool[ndarray, " pos"]:
    """Positions that touch a full stop, exclamation or question mark."""
    return has(text, FULL_STOP, *OTHER_MARKS)


@feature(
    "sentence-ending mark",
    lifts=("nearest", "recent", "after"),
)
def sentence_end(text: Text) -> ndarray:
    """A full stop, an exclamation mark or a question mark."""
    return sentence_end_mask(text)


@feature(
    "strong mark",
    noun="strong mark (! ? ; :)",
    plural="strong marks (! ? ; :)",
    lifts=("every",),
)
def strong_mark(text: Text) -> ndarray:
    """An exclamation mark, a question mark, a semicolon or a colon."""
    return has(text, *OTHER_MARKS, *RARE_MARKS[:2])


@per_text
def punctuation_mask(text: Text) -> Bool[ndarray, " pos"]:
    """Positions that touch a punctuation mark; those inside words left out (don't, re-do, a_b)."""
    odd = {c for c in set(text.string) if not (c.isalnum() or c.isspace() or is_punctuation(c))}
    marks = rf"[^\w\s'’\-{re.escape(''.join(sorted(odd)))}]"
    inner = r"(?<![^\W_])['’\-_]|['’\-_](?![^\W_])"
    return text.regex(rf"{marks}|{inner}")


def is_punctuation(character: str) -> bool:
    """Whether Unicode has it as punctuation, or ASCII as what is no letter, digit or space."""
    return character in string.punctuation or unicodedata.category(character).startswith("P")


@feature(
    "punctuation mark",
    lifts=("nearest", "every", "recent", "after"),
    query_class=True,
)
def punctuation_mark(text: Text) -> ndarray:
    """Any punctuation mark (in Unicode, or of ASCII), speech marks among them; an apostrophe, a
    hyphen or an underscore inside a word is none."""
    return punctuation_mask(text)


@feature("other punctuation", noun="rarer punctuation mark", plural="rarer marks", query_class=True)
def other_punctuation(text: Text) -> ndarray:
    """A mark other than a comma, a full stop, ! or ?, and a speech mark; the dot in "Mr." is."""
    speech = text.on_characters(text.speech.opening | text.speech.closing)
    return punctuation_mask(text) & ~has(text, *MAIN_MARKS, *OTHER_MARKS) & ~speech


@per_text
def pivot_mask(text: Text) -> Bool[ndarray, " pos"]:
    """Positions that touch a comma or a full stop."""
    return has(text, *MAIN_MARKS)


@feature(
    "structural pivot",
    noun="structural pivot (start of text, comma, full stop)",
    plural="structural pivots (start of text, commas, full stops)",
)
def structural_pivot(text: Text) -> ndarray:
    """The start of the text, a comma or a full stop."""
    return pivot_mask(text) | text.is_start


def _or_start(text: Text, found: Targets) -> Targets:
    """The start of the text for every query that found nothing."""
    empty = np.ones(text.n_pos, dtype=bool)
    empty[found.query] = False
    query = np.concatenate([found.query, np.flatnonzero(empty)])
    key = np.concatenate([found.key, np.zeros(empty.sum(), dtype=np.int64)])
    weight = np.concatenate([found.weight, np.ones(empty.sum())])
    order = np.argsort(query, kind="stable")
    return Targets(query[order], key[order], weight[order])


@relation(
    "nearest structural pivot",
    start=True,
    phrase="the nearest preceding structural pivot (start of text, comma, full stop)",
)
def nearest_pivot(text: Text) -> Targets:
    """The nearest comma or full stop before the query; the start of the text where none is."""
    return _or_start(text, nearest(text, pivot_mask(text) & ~text.is_start, False))


@relation(
    "latest structural pivot",
    start=True,
    phrase="the latest structural pivot (start of text, comma, full stop), itself included",
)
def latest_pivot(text: Text) -> Targets:
    """The nearest comma or full stop, the query included; the start of the text where none is."""
    return _or_start(text, latest(text, pivot_mask(text) & ~text.is_start, False))


@relation(
    "latest {mark.name}, or start",
    start=True,
    phrase="the latest {mark.name}, itself included (the start of the text until one has come)",
    mark=MAIN_MARKS,
)
def latest_mark(text: Text, mark: Mark) -> Targets:
    """The nearest {mark.name}, the query included; the start of the text where none is."""
    return _or_start(text, latest(text, has(text, mark) & ~text.is_start, False))


@relation(
    "every structural pivot",
    start=True,
    phrase="all structural pivots so far (start of text, commas, full stops)",
)
def every_pivot(text: Text) -> Targets:
    """The start of the text and every comma and full stop up to the query, alike."""
    return every(text, pivot_mask(text) | text.is_start, False)


@feature("apostrophe")
def apostrophe(text: Text) -> ndarray:
    """An apostrophe inside or at the end of a word; a mark that closes speech is none."""
    found = np.zeros(len(text.string), dtype=bool)
    found[[match.start() for match in re.finditer(r"(?<=\w)['’]", text.string)]] = True
    return text.on_characters(found & ~text.speech.closing)


@feature("hyphen")
def hyphen(text: Text) -> ndarray:
    """A hyphen inside a word."""
    return text.regex(r"(?<=\w)-(?=\w)")


def follows(mask: Bool[ndarray, " pos"]) -> Bool[ndarray, " pos"]:
    """Positions whose predecessor is marked."""
    return np.concatenate([[False], mask[:-1]])
