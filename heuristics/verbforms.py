"""Forms of verbs: the past, the form in -ing, the base form, and what looks like several.

"Put" is a past or a base form, "come" a base form or a participle. What governs the verb decides:
"to", "do" and the modals govern base forms, "have" and the passive's "be" participles (Huddleston &
Pullum, The Cambridge Grammar of the English Language, 2002, ch. 3).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from heuristics import wordlists
from heuristics.clauses import climb
from heuristics.contract import feature
from heuristics.grammar import grammar
from heuristics.lookup import lower_lemma
from heuristics.text import Text, per_text
from heuristics.wordclasses import tagged


def _governed(text: Text, governors: Bool[ndarray, " word"]) -> Bool[ndarray, " word"]:
    """Verbs with one of these, and those joined to such a verb without a subject or auxiliary."""
    found, head = grammar(text), text.parse.head
    governed, stops = np.zeros((2, len(head)), dtype=bool)
    governed[head[governors]] = True
    stops[head[found.is_label("nsubj", "aux", "mark")]] = True
    return governed[climb(head, stops | ~found.is_label("conj"))]


@per_text
def participle_places(text: Text) -> Bool[ndarray, " word"]:
    """Verbs after "have" or the passive's "be"."""
    have = grammar(text).is_label("aux") & text.parse.listed(wordlists.HAVE)
    return _governed(text, have | (text.parse.dep == "aux:pass"))


@per_text
def base_places(text: Text) -> Bool[ndarray, " word"]:
    """Verbs after "to", "do", a modal or "let", and orders: verbs of a clause without a subject."""
    found, listed = grammar(text), text.parse.listed
    governors = found.is_label("mark") & listed({"to"})
    governors |= found.is_label("aux") & listed(wordlists.MODALS | wordlists.DO)
    after_let = found.is_label("xcomp", "ccomp") & listed({"let", "let's"})[found.head]
    orders = found.is_label("root", "ccomp", "parataxis") & (found.subject < 0)
    return _governed(text, governors) | after_let | (orders & ~participle_places(text))


@feature(
    "past tense",
    noun="verb in the past",
    plural="verbs in the past",
    lifts=("nearest",),
    unit="word",
    parse=True,
)
def past_tense(text: Text) -> ndarray:
    """A past form of a verb or an auxiliary, participles among them, by its form: "put", "read" and
    their like unless "to", "do", a modal or "let" governs them or they are orders, "come" and "run"
    after "have" or "be", "let" never."""
    listed = text.parse.listed
    past = _inflected(text, "ed") | listed(wordlists.IRREGULAR_PASTS)
    past |= listed(wordlists.BASE_AND_PAST) & ~base_places(text)
    past |= listed(wordlists.BASE_AND_PARTICIPLE) & participle_places(text)
    return tagged(text, "VERB", "AUX") & text.on_words(past)


def _inflected(text: Text, ending: str) -> Bool[ndarray, " word"]:
    """Words with an ending that is not their lemma's too ("need", "bring")."""
    ends = np.array([word.endswith(ending) for word in text.parse.lower.tolist()], dtype=bool)
    return ends & (text.parse.lower != lower_lemma(text))


@feature("ing-form", plural="verbs in -ing", parse=True)
def ing_form(text: Text) -> ndarray:
    """A verb in -ing."""
    return tagged(text, "VERB") & text.on_words(_inflected(text, "ing"))


@feature("base form", noun="verb in its base form", plural="verbs in the base form", parse=True)
def base_form(text: Text) -> ndarray:
    """A verb that is its own lemma ("go", "play"), and no irregular past ("drank") or participle
    ("has come", "was put")."""
    same = text.parse.lower == lower_lemma(text)
    only_past = text.parse.listed(wordlists.IRREGULAR_PASTS - {"lay", "found", "wound", "bound"})
    either = wordlists.BASE_AND_PAST | wordlists.BASE_AND_PARTICIPLE
    only_past |= text.parse.listed(either) & participle_places(text)
    return tagged(text, "VERB") & text.on_words(same & ~only_past)
