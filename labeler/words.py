"""Where words end in what spaCy's English tokenizer leaves whole: capitals, code, mark-up."""

from __future__ import annotations

import re
from typing import Any

from heuristics.wordlists import TITLE_ABBREVIATIONS

_DASH = r"(?:—|–|--)"
_INSIDE = (
    r'["“”«»()\[\]{}<>=|]',
    r"[。，、！？：；（）「」『』《》]",
    r"[.,!?](?=<)",
    rf'{_DASH}(?=["“‘])',
    rf'(?<=["”’]){_DASH}',
)
"""What parts words without a space: `print("a")`, `<b>Tom</b>`, `said—“not`."""
_BEHIND = (r"(?<=['’][DMST])\.",)
"""The full stop of "DON'T." and "TOM'S."; that of "T." by itself is an initial's."""


def part_words(nlp: Any) -> Any:
    """Make a pipeline of English part what is written together; addresses stay whole."""
    tokenizer = nlp.tokenizer
    suffixes, infixes = tokenizer.suffix_search.__self__, tokenizer.infix_finditer.__self__
    behind = (suffixes.pattern, *(f"{mark}$" for mark in _BEHIND))
    tokenizer.suffix_search = re.compile("|".join(behind)).search
    tokenizer.infix_finditer = re.compile("|".join((infixes.pattern, *_INSIDE))).finditer
    for title in sorted(TITLE_ABBREVIATIONS):
        for form in (f"{title.capitalize()}.", f"{title.upper()}."):
            if form not in tokenizer.rules:
                tokenizer.add_special_case(form, [{"ORTH": form, "NORM": form.lower()}])
    tokenizer.add_special_case("and/or", [{"ORTH": part} for part in ("and", "/", "or")])
    for form in list(tokenizer.rules):
        if form.islower() and ("'" in form or "’" in form) and form.upper() not in tokenizer.rules:
            parts = [{"ORTH": part.text.upper(), "NORM": part.norm_} for part in tokenizer(form)]
            tokenizer.add_special_case(form.upper(), parts)
    return nlp
