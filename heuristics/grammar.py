"""Roles read off a parse: who is the subject, verb and object of a clause or a sentence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

from heuristics.lookup import tagged_words
from heuristics.occurrences import Occurrences
from heuristics.schemes import content_heads
from heuristics.text import Text, per_text

VERBAL = ("VERB", "AUX")


@dataclass(frozen=True, eq=False)
class Grammar:
    """Roles over words; −1 where there is none.

    `labels` are dependency labels without their subtypes, `head` the head as Universal Dependencies
    has it in either scheme. `subject` and `verb` are those of the clause that the word *heads*
    (−1 for words that head none); `root` is the first root of the word's sentence.
    """

    labels: Occurrences
    head: Int[ndarray, " word"]
    clause: Int[ndarray, " word"]
    subject: Int[ndarray, " word"]
    verb: Int[ndarray, " word"]
    root: Int[ndarray, " word"]

    def is_label(self, *labels: str) -> Bool[ndarray, " word"]:
        """Words with one of these labels, subtypes aside."""
        return self.labels.among(labels)

    @property
    def is_verb(self) -> Bool[ndarray, " word"]:
        """Words that are the verb of a clause."""
        found = np.zeros(len(self.verb), dtype=bool)
        found[self.verb[self.verb >= 0]] = True
        return found


@per_text
def grammar(text: Text) -> Grammar:
    """The roles of a text's words."""
    parse = text.parse
    label, clause = parse.label, parse.clause_head
    heads_clause = clause == np.arange(len(parse))
    if not parse.parsed:
        none = np.full(len(parse), -1, dtype=np.int64)
        return Grammar(Occurrences(label), parse.head, clause, none, none, none)
    return Grammar(
        labels=Occurrences(label),
        head=content_heads(parse.dep, parse.head),
        clause=clause,
        subject=_subjects(label, parse.head, heads_clause),
        verb=_verbs(label, tagged_words(text, *VERBAL), parse.head, heads_clause),
        root=_roots(parse.head, parse.sentence),
    )


def _first_child(
    mask: Bool[ndarray, " word"], head: Int[ndarray, " word"]
) -> Int[ndarray, " word"]:
    """For each word, its first dependent among the marked ones."""
    found = np.full(len(head), -1, dtype=np.int64)
    children = np.flatnonzero(mask)[::-1]
    found[head[children]] = children
    return found


def _subjects(
    label: ndarray, head: Int[ndarray, " word"], heads_clause: Bool[ndarray, " word"]
) -> Int[ndarray, " word"]:
    """A coordinated verb without a subject of its own has that of the verb it is joined to."""
    subject = _first_child((label == "nsubj") | (label == "csubj"), head)
    for word in np.flatnonzero((label == "conj") & (subject < 0)):
        subject[word] = subject[head[word]]
    return np.where(heads_clause, subject, -1)


def _verbs(
    label: ndarray,
    verbal: Bool[ndarray, " word"],
    head: Int[ndarray, " word"],
    heads_clause: Bool[ndarray, " word"],
) -> Int[ndarray, " word"]:
    """The clause's head if it is a verb, else its copula, else its auxiliary."""
    copula = _first_child(label == "cop", head)
    auxiliary = _first_child(label == "aux", head)
    other = np.where(copula >= 0, copula, auxiliary)
    verb = np.where(verbal, np.arange(len(verbal)), other)
    return np.where(heads_clause, verb, -1)


def _roots(head: Int[ndarray, " word"], sentence: Int[ndarray, " word"]) -> Int[ndarray, " word"]:
    """The first root of each word's sentence."""
    roots = np.flatnonzero(head == np.arange(len(head)))
    found = np.full(int(sentence.max(initial=-1)) + 1, -1, dtype=np.int64)
    found[sentence[roots][::-1]] = roots[::-1]
    return found[sentence]
