"""Parts of speech that a tagger gives to what is no word: tabs, marks, figures, emoji."""

from __future__ import annotations

from heuristics.punctuation import is_punctuation

OF_WORDS = frozenset(("ADJ", "ADV", "AUX", "INTJ", "NOUN", "PRON", "PROPN", "VERB"))
"""Universal POS tags that only something with a letter can have."""


def mended_tag(form: str, tag: str) -> str:
    """The tag of a form; one of a word without a letter is that of a space, number or mark.

    A pipeline of English calls what it has not met a name or a noun, be it "|---|", a tab or "。".
    """
    if tag not in OF_WORDS or any(c.isalpha() for c in form):
        return tag
    if form.isspace():
        return "SPACE"
    if any(c.isnumeric() for c in form):
        return "NUM"
    return "PUNCT" if all(map(is_punctuation, form)) else "SYM"
