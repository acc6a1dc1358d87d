"""Which dots are full stops: those of abbreviations, initials and numbers end no sentence.

An abbreviation may end one all the same ("at 5 p.m. He left"). It does where its line ends, and
where a word of a closed class follows with a capital, which it has from a sentence's start alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from heuristics import wordlists

_CLOSED = (
    wordlists.PRONOUNS
    | wordlists.DETERMINERS
    | wordlists.PREPOSITIONS
    | wordlists.COORDINATING
    | wordlists.SUBORDINATING
    | wordlists.WH_WORDS
    | {"then", "now", "here"}
)
OPENER = rf"(?:{'|'.join(sorted(word.capitalize() for word in _CLOSED))})(?![\w.-])"
"""A word of a closed class with a capital, no initial."""


def _behind(words: Iterable[str]) -> str:
    """Right after one of these with its dot; a look behind takes one width at a time."""
    return "(?:" + "|".join(rf"(?<=\b{word}\.)" for word in words) + ")"


def _cased(words: Iterable[str]) -> list[str]:
    return [form for word in sorted(words) for form in (word.capitalize(), word.upper())]


_SPACED = r"(?<=\. \.)|(?<=\s\.) \."
_TITLE = _behind(_cased(wordlists.TITLE_ABBREVIATIONS - {"st"}))
_INNER = _behind([*_cased({"st"}), "vs", "approx"])
_LISTED = r"(?:(?<=(?m:^)\d\.)|(?<=(?m:^)\d\d\.))"
_INITIAL = r"(?<=(?<![\w'’])[A-HJ-Z]\.)"
_ENDS = rf"""(?=["”’']* ["“‘']?{OPENER}|["”’')\]]*[^\S\n]*(?:\n|\Z))"""
_SMALL = _behind([*sorted(wordlists.ABBREVIATIONS), *_cased(wordlists.ABBREVIATIONS)])
_FIGURE = _behind(sorted(wordlists.BEFORE_FIGURES))
FULL_STOP = (
    rf"\.(?<!\.\.)(?![.\da-z]|[A-Za-z]\.|\w+@)(?!{_SPACED}|{_TITLE}|{_LISTED})"
    rf"(?:(?!(?<=\.[A-Za-z]\.)|{_INNER}|{_INITIAL} [A-Z]|{_SMALL},? [a-z]|{_FIGURE} \d)|{_ENDS})"
    r"|[。۔।]"
)
