"""Clauses and sentences as stretches of text: the same one, the one before, what of it is over."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from heuristics.contract import relation
from heuristics.grammar import grammar
from heuristics.matching import at_words, match, merged
from heuristics.targets import Targets
from heuristics.text import Text, per_text
from heuristics.wordclasses import content_mask, tagged


@per_text
def previous_clause(text: Text) -> Int[ndarray, " pos"]:
    """The clause of the nearest word before that is not in the query's own; −1 for none."""
    clause = text.parse.clause_head
    word = np.arange(len(clause))
    begins = np.append(True, clause[1:] != clause[:-1])[: len(clause)]
    start = np.maximum.accumulate(np.where(begins, word, 0))
    return text.of_word(np.where(start > 0, clause[start - 1], -1), -1)


@relation("same clause", phrase="the clause so far", parse=True)
def same_clause(text: Text) -> Targets:
    """Every token of the query's innermost clause up to the query, alike."""
    return match(text.clause, limit=text.position + 1).every()


@relation("same clause fading", phrase="the clause so far, the nearer the more", parse=True)
def same_clause_recent(text: Text) -> Targets:
    """Earlier tokens of the innermost clause, the nearest weighted 1, the next 1/2, then 1/3, …"""
    return match(text.clause).recent()


@relation("previous clause", phrase="the previous clause", parse=True)
def last_clause(text: Text) -> Targets:
    """Every token of the clause before the query's own, alike."""
    return match(text.clause, previous_clause(text)).every()


@relation("same sentence", phrase="the sentence so far")
def same_sentence(text: Text) -> Targets:
    """Every token of the query's sentence up to the query, alike."""
    return match(text.sentence, limit=text.position + 1).every()


@relation("same sentence fading", phrase="the sentence so far, the nearer the more")
def same_sentence_recent(text: Text) -> Targets:
    """Earlier tokens of the sentence, the nearest weighted 1, the next 1/2, then 1/3, …"""
    return match(text.sentence).recent()


@relation("previous sentence", phrase="the previous sentence")
def previous_sentence(text: Text) -> Targets:
    """Every token of the sentence before the query's, alike."""
    return match(text.sentence, _sentence_before(text)).every()


def _sentence_before(text: Text) -> Int[ndarray, " pos"]:
    return np.where(text.sentence > 0, text.sentence - 1, -1)


@relation("content words of the sentence", phrase="the content words of the sentence", parse=True)
def sentence_content(text: Text) -> Targets:
    """Earlier nouns, names, verbs, adjectives and adverbs of the sentence, all pieces, alike."""
    return match(text.sentence, marked=content_mask(text), limit=text.word_start).every()


@relation("nouns of the sentence", phrase="the nouns and names of the sentence", parse=True)
def sentence_nouns(text: Text) -> Targets:
    """Earlier nouns and names of the sentence, all pieces, alike."""
    marked = tagged(text, "NOUN", "PROPN")
    return match(text.sentence, marked=marked, limit=text.word_start).every()


@relation("verbs of the sentence", phrase="the verbs of the sentence", parse=True)
def sentence_verbs(text: Text) -> Targets:
    """Earlier verbs and auxiliaries of the sentence, all pieces, alike."""
    marked = tagged(text, "VERB", "AUX")
    return match(text.sentence, marked=marked, limit=text.word_start).every()


@relation("first noun of the sentence", phrase="the first noun or name of the sentence", parse=True)
def first_noun(text: Text) -> Targets:
    """The first noun or name of the sentence, before the query's word."""
    marked = tagged(text, "NOUN", "PROPN")
    found = match(text.sentence, marked=marked, limit=text.word_start)
    start = found.first()
    return Targets.from_spans(
        np.where(start >= 0, start, 0), np.where(start >= 0, text.word_end[start] + 1, 0)
    )


@relation(
    "subject and verb of the clause", phrase="the subject and the verb of the clause", parse=True
)
def clause_core(text: Text) -> Targets:
    """The clause's subject, be it shared with the clause before, and its verb, where they stand
    before the query's word, all pieces, alike."""
    found = grammar(text)
    subject, verb = (
        at_words(text, text.of_word(role[found.clause], -1)) for role in (found.subject, found.verb)
    )
    return merged([subject, verb])
