"""From selected predictions to a sentence: a small grammar, thresholds in one place."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from labeler.fit_heads import HeadLabel, Rule, Term

ALL = 0.9
MOSTLY = 0.5
SOMETIMES = 0.1
REST = 0.1
DIFFUSE = 0.5

Phrase = Callable[[int], str]


def percent(share: float) -> str:
    """61%, and 2.4% below ten."""
    return f"{share * 100:.0f}%" if share >= 0.1 else f"{share * 100:.1f}%".replace(".0%", "%")


def listed(items: Sequence[str]) -> str:
    """a; a and b; a, b and c."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def head_sentence(label: HeadLabel, phrase: Phrase) -> str:
    """The label of a head: the general rule, then its exceptions, the strongest first."""
    said = _rule(label.general, phrase)
    if label.exceptions:
        parts = [_exception(rule, phrase, i == 0) for i, rule in enumerate(label.exceptions)]
        said += f" ({'; '.join(parts)})"
    return f"{said[0].upper()}{said[1:]}."


def _exception(rule: Rule, phrase: Phrase, first: bool) -> str:
    where = rule.group.wording if rule.group else ""
    lead = f"aside from {where.removeprefix('on ')}" if first else where
    return f"{lead}: {_rule(rule, phrase)}"


def _rule(rule: Rule, phrase: Phrase) -> str:
    terms = sorted(rule.terms, key=lambda term: -term.share)
    if not terms:
        return "spreads over all visible tokens"
    if rule.remainder >= DIFFUSE:
        return _diffuse(terms, rule.remainder, phrase)
    lead, *others = terms
    if lead.share >= ALL:
        said = f"attends {_to(lead, phrase, only=rule.group is not None)}"
    else:
        mostly = "mostly " if lead.share >= MOSTLY else ""
        said = f"attends {mostly}{_to(lead, phrase)} ({percent(lead.share)})"
    said += _others(others, phrase)
    if rule.remainder >= REST:
        said += f"; the rest spread over all visible tokens ({percent(rule.remainder)})"
    return said


def _diffuse(terms: Sequence[Term], remainder: float, phrase: Phrase) -> str:
    named = listed([f"{_to(term, phrase)} ({percent(term.share)})" for term in terms])
    return f"spreads over all visible tokens ({percent(remainder)}), with more {named}"


def _others(terms: Sequence[Term], phrase: Phrase) -> str:
    also = [term for term in terms if term.share >= SOMETIMES]
    sometimes = [term for term in terms if term.share < SOMETIMES]
    said = ""
    if also:
        said += f", also {listed([f'{_to(t, phrase)} ({percent(t.share)})' for t in also])}"
    if sometimes:
        named = listed([f"{_to(t, phrase)} ({percent(t.share)})" for t in sometimes])
        said += f", {'and ' if also else 'also '}sometimes {named}"
    return said


def _to(term: Term, phrase: Phrase, only: bool = False) -> str:
    words = phrase(term.relation)
    if only and words == "the current token":
        return "only to itself"
    return f"to {words}"
