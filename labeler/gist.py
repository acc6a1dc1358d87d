"""A head's label in a few words, for tables: what leads, without shares."""

from __future__ import annotations

import re
from collections.abc import Sequence

from labeler.describe import ALL, ITSELF, MOSTLY, Phrase, listed, mostly, spreads, where_it_can
from labeler.labels import HeadLabel, Rule, Term

LEADS = 0.5
"""The part of the leading share from which on a second prediction is named, too."""
ASIDE = re.compile(r" \([^()]*\)|(?<!all tokens so far), the nearer the more|, itself included")
"""What is left out of a phrase, unless it is all that the phrase says."""
UNTIL = ", itself included (the start of the text until one has come)"
"""On short texts that is most of what such a phrase says, and stays in short."""


def head_gist(label: HeadLabel, phrase: Phrase) -> str:
    """The general rule's leading prediction, and the next where it has half as much or more.

    Of an exception its leading prediction where most attention goes there and the general rule is
    not said to lead with it, queries that do alike together; of the others only the queries are
    named: `differs on a comma`.
    """
    general = _leading(label.general)
    named = list(dict.fromkeys(_brief(term, phrase) for term in general))
    told: dict[str, list[str]] = {}
    untold = []
    for rule in label.exceptions:
        lead = next(iter(_leading(rule)), None)
        if lead and _most_goes(lead) and _brief(lead, phrase) not in named:
            told.setdefault(_brief(lead, phrase), []).append(rule.where)
        else:
            untold.append(rule.where)
    parts = [_general(label.general, general, named)]
    for said, queries in told.items():
        parts.append(f"{listed(queries)}, to {'itself' if said == ITSELF else said}")
    if untold:
        parts.append(f"differs {listed(untold)}")
    gist = "; ".join(parts)
    return f"{gist[0].upper()}{gist[1:]}."


def _general(rule: Rule, leading: Sequence[Term], named: Sequence[str]) -> str:
    if not leading:
        return "spreads evenly"
    if spreads(rule, leading[0]):
        return f"spreads out, with more on {listed(named)}"
    if len(leading) == 1 and where_it_can(leading[0]):
        return f"attends {mostly(leading[0])}to {named[0]} where it can"
    attention = sum(term.share for term in leading)
    degree = "" if attention >= ALL else "mostly " if attention >= MOSTLY else "partly "
    return f"attends {degree}to {listed(named)}"


def _most_goes(term: Term) -> bool:
    return term.weight >= MOSTLY and term.coverage >= MOSTLY


def _leading(rule: Rule) -> list[Term]:
    """The first prediction, and the second if it is not far behind."""
    terms = sorted(rule.terms, key=lambda term: -term.share)[:2]
    return [term for term in terms if term.share >= LEADS * terms[0].share]


def _brief(term: Term, phrase: Phrase) -> str:
    """A prediction without its asides: "the last 4 or so tokens"."""
    return ASIDE.sub("", phrase(term.relation).replace(UNTIL, " or the start of the text"))
