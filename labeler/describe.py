"""From selected predictions to a sentence: a small grammar, thresholds in one place."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from labeler.labels import HeadLabel, Rule, Term

ALL = 0.9
"""From this share on, a prediction is what the head attends to, and the figure is left out."""
MOSTLY = 0.5
SOMETIMES = 0.1
REST = 0.1
DIFFUSE = 0.5
ALWAYS = 0.97
"""Coverage below which a prediction is said to hold "where it can"."""
ITSELF = "the current token"
SPREAD = "over all visible tokens"
FEW, EVEN = 8, 0.8
"""A head whose patterns have the entropy of more tokens than this, or of such a part of those that
it sees, is said to be diffuse."""
PARKED, NOTHING = 0.3, 0.1
"""From this share on the first position, and up to this part of it in what the head writes."""

Phrase = Callable[[int], str]


def percent(share: float) -> str:
    """61%, and 2.4% below ten."""
    return f"{share * 100:.0f}%" if share >= 0.1 else f"{share * 100:.1f}%".replace(".0%", "%")


def listed(items: Sequence[str], word: str = "and") -> str:
    """a; a and b; a, b and c."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {word} {items[-1]}"


def head_sentence(label: HeadLabel, phrase: Phrase) -> str:
    """The label of a head: the general rule, then its exceptions, the strongest first.

    Exceptions in which a token attends to itself and nothing else come last: `on "but", only to
    itself`.
    """
    said = _rule(label.general, phrase)
    alone = [rule for rule in label.exceptions if _only_itself(rule, phrase)]
    others = [rule for rule in label.exceptions if not _only_itself(rule, phrase)]
    if others:
        parts = [_exception(rule, phrase, i == 0) for i, rule in enumerate(others)]
        said += f" ({'; '.join(parts)})"
    if alone:
        said += f"; {listed([rule.where for rule in alone])}, only to itself"
    return f"{said[0].upper()}{said[1:]}."


def unlabelled_sentence(entropy: float, first: float, visible: float, why: str = "") -> str:
    """What was measured of a head that no label holds for, and why none does.

    `entropy` of its patterns in nats, mean over queries, said as the number of tokens that an even
    spread would need for it; `first`, its attention to the first position, from 0 to 1; `visible`,
    how many tokens a query sees, the harmonic mean.
    """
    tokens = math.exp(entropy)
    number = "one token" if tokens < 1.5 else f"{tokens:.0f} tokens"
    if tokens > FEW or tokens >= EVEN * visible:
        said = f"diffuse, its attention as wide as an even spread over {number}"
    else:
        said = f"its attention is as narrow as on {number}"
    if first >= SOMETIMES:
        said += f", {percent(first)} of it on the start of the text"
    return f"Unlabelled: {said}{'; ' if why else ''}{why}."


def parked(first: float, written: float) -> bool:
    """Whether a head parks attention on the first position and writes next to nothing there.

    `first` is the share of its attention there, `written` the same of its value-weighted pattern.
    """
    return first >= PARKED and written <= NOTHING * first


def _only_itself(rule: Rule, phrase: Phrase) -> bool:
    terms = rule.terms
    return len(terms) == 1 and terms[0].share >= ALL and phrase(terms[0].relation) == ITSELF


def _exception(rule: Rule, phrase: Phrase, first: bool) -> str:
    lead = f"aside from {rule.where.removeprefix('on ')}" if first else rule.where
    return f"{lead}: {_rule(rule, phrase)}"


def _rule(rule: Rule, phrase: Phrase) -> str:
    terms = sorted(rule.terms, key=lambda term: -term.share)
    if not terms:
        return f"spreads {SPREAD}"
    lead, *others = terms
    if not others and lead.share >= ALL:
        return f"attends to {phrase(lead.relation)}"
    if not others and lead.weight >= ALL and lead.coverage + rule.remainder >= ALWAYS:
        return f"attends to {_said(lead, phrase)}, else spreads {SPREAD}"
    if spreads(rule, lead):
        named = listed([_said(term, phrase) for term in terms])
        return f"spreads {SPREAD} ({percent(rule.remainder)}), with more on {named}"
    said = f"attends {_how(lead)}to {_said(lead, phrase)}{_others(others, phrase)}"
    if rule.remainder >= REST:
        said += f"; the rest spread {SPREAD} ({percent(rule.remainder)})"
    return said


def _how(lead: Term) -> str:
    if lead.share >= ALL:
        return "almost only "
    if where_it_can(lead):
        return mostly(lead)
    return "mostly " if lead.share >= MOSTLY else ""


def mostly(term: Term) -> str:
    """How much of a query's attention goes there where it can."""
    return "mostly " if term.weight < ALL else ""


def spreads(rule: Rule, lead: Term) -> bool:
    """Half of the attention or more is remainder, and not for want of targets of what leads."""
    return rule.remainder >= DIFFUSE and not where_it_can(lead)


def where_it_can(term: Term) -> bool:
    """Most of a query's attention goes there, but not every query has a target."""
    return term.weight >= MOSTLY and term.coverage < ALWAYS


def _said(term: Term, phrase: Phrase) -> str:
    where = " where it can" if where_it_can(term) else ""
    return f"{phrase(term.relation)}{where} ({percent(term.share)})"


def _others(terms: Sequence[Term], phrase: Phrase) -> str:
    also = [f"to {_said(term, phrase)}" for term in terms if term.share >= SOMETIMES]
    sometimes = [f"to {_said(term, phrase)}" for term in terms if term.share < SOMETIMES]
    said = f", also {listed(also)}" if also else ""
    if sometimes:
        said += f", {'and' if also else 'also'} sometimes {listed(sometimes)}"
    return said
