"""Where clauses and sentences begin."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

from heuristics.contract import feature, relation
from heuristics.grammar import grammar
from heuristics.lookup import tagged_words
from heuristics.matching import at_keys, match
from heuristics.spans import previous_clause
from heuristics.targets import Targets
from heuristics.text import Text, per_text
from heuristics.wordlists import WH_WORDS

_LETTER = re.compile(r"[^\W_]")


@per_text
def clause_opening_words(text: Text) -> Bool[ndarray, " word"]:
    """The first word of every clause, speech marks and other punctuation skipped."""
    parse = text.parse
    return _first_words(text, zip(parse.sentence.tolist(), parse.clause_head.tolist(), strict=True))


@per_text
def sentence_opening_words(text: Text) -> Bool[ndarray, " word"]:
    """The first word of every sentence, speech marks and other punctuation skipped."""
    return _first_words(text, text.parse.sentence.tolist())


def _first_words(text: Text, stretches: Iterable[Hashable]) -> Bool[ndarray, " word"]:
    """The first word of every stretch of text that begins with a letter or a digit."""
    opens = np.zeros(len(text.parse), dtype=bool)
    seen: set[Hashable] = set()
    for word, (form, stretch) in enumerate(zip(text.parse.text.tolist(), stretches, strict=True)):
        if stretch not in seen and form[:1].isalnum():
            seen.add(stretch)
            opens[word] = True
    return opens


def _first_of(opens: Bool[ndarray, " word"], code: Int[ndarray, " word"]) -> Int[ndarray, " word"]:
    """For each code (a clause's head, a sentence's number) the word that opens it; −1."""
    found = np.full(int(code.max(initial=-1)) + 1, -1, dtype=np.int64)
    words = np.flatnonzero(opens)[::-1]
    found[code[words]] = words
    return found


@per_text
def clause_opener(text: Text) -> Int[ndarray, " pos"]:
    """For each position the first piece of the word that opens its clause; −1 for none."""
    return _opener_of(text, text.clause)


def _opener_of(text: Text, clause: Int[ndarray, " pos"]) -> Int[ndarray, " pos"]:
    table = _first_of(clause_opening_words(text), text.parse.clause_head)
    return np.append(text.first_position, -1)[np.append(table, -1)[clause]]


@per_text
def sentence_opener(text: Text) -> Int[ndarray, " sentence"]:
    """For each sentence the first piece of the word that opens it; −1 for none."""
    table = _first_of(sentence_opening_words(text), text.parse.sentence)
    return np.append(text.first_position, -1)[table]


@feature("clause start", lifts=("every",), query_class=True, parse=True)
def clause_start(text: Text) -> ndarray:
    """The first piece of the first word of a clause."""
    return text.on_words(clause_opening_words(text)) & (text.piece == 0)


@feature(
    "sentence start",
    lifts=("nearest", "every"),
    unit="word",
    query_class=True,
)
def sentence_start(text: Text) -> ndarray:
    """The first word of a sentence, all its pieces."""
    return text.on_words(sentence_opening_words(text))


@relation("start of the clause", phrase="the start of the clause", parse=True)
def own_clause_start(text: Text) -> Targets:
    """The first piece of the first word of the innermost clause."""
    return Targets.from_keys(clause_opener(text)).visible(first=1)


@relation("first word of the clause", phrase="the first word of the clause", parse=True)
def own_clause_first_word(text: Text) -> Targets:
    """The first word of the innermost clause, all its pieces so far."""
    return at_keys(text, clause_opener(text)).visible(first=1)


@relation("start of the previous clause", phrase="the start of the previous clause", parse=True)
def previous_clause_start(text: Text) -> Targets:
    """The first piece of the clause before the query's own."""
    return Targets.from_keys(_opener_of(text, previous_clause(text))).visible(first=1)


@relation("start of the sentence", phrase="the start of the sentence")
def own_sentence_start(text: Text) -> Targets:
    """The first piece of the first word of the sentence."""
    return Targets.from_keys(_sentence(text, 0)).visible(first=1)


@relation("start of the previous sentence", phrase="the start of the previous sentence")
def previous_sentence_start(text: Text) -> Targets:
    """The first word of the sentence before, all its pieces."""
    return at_keys(text, _sentence(text, 1)).visible(first=1)


def _sentence(text: Text, back: int) -> Int[ndarray, " pos"]:
    """The opener of the sentence some sentences back; −1 for none."""
    number = np.where(text.sentence >= back, text.sentence - back, -1)
    return np.append(sentence_opener(text), -1)[number]


@per_text
def _conjunction_opens(text: Text) -> Bool[ndarray, " word"]:
    return clause_opening_words(text) & tagged_words(text, "CCONJ")


@per_text
def _subordinator_opens(text: Text) -> Bool[ndarray, " word"]:
    """Among them "when" and its like where they open an adverbial clause: adverbs in treebanks."""
    found = grammar(text)
    opener = tagged_words(text, "SCONJ") | found.is_label("mark") & (text.parse.lower != "to")
    wh = text.parse.listed(WH_WORDS) & found.is_label("advmod")
    opener |= wh & found.is_label("advcl")[found.clause]
    return clause_opening_words(text) & opener


@feature(
    "coordinating start",
    noun="coordinating conjunction that opens a clause",
    plural="coordinating conjunctions that open clauses",
    lifts=("nearest",),
    parse=True,
)
def coordinating_start(text: Text) -> ndarray:
    """A coordinating conjunction as the first word of a clause."""
    return text.on_words(_conjunction_opens(text))


@feature(
    "subordinate start",
    noun="word that opens a subordinate clause",
    plural="words that open subordinate clauses",
    lifts=("nearest",),
    parse=True,
)
def subordinate_start(text: Text) -> ndarray:
    """A subordinating conjunction or another marker as the first word of a clause, "when" and its
    like before an adverbial clause among them; neither "to" nor a relative pronoun."""
    return text.on_words(_subordinator_opens(text))


@relation("conjunction of the clause", phrase="the conjunction that opens the clause", parse=True)
def own_conjunction(text: Text) -> Targets:
    """The coordinating or subordinating conjunction that opens the query's clause, if one does;
    all its pieces."""
    opens = text.on_words(_conjunction_opens(text) | _subordinator_opens(text))
    return at_keys(text, match(text.clause, marked=opens, limit=text.word_start).first())


@feature(
    "paragraph start",
    noun="first word of a paragraph",
    plural="first words of paragraphs",
    lifts=("every",),
    unit="word",
)
def paragraph_start(text: Text) -> ndarray:
    """The first word after a line break, or of the text."""
    opens, start = np.zeros(len(text.string), dtype=bool), 0
    for line in text.string.split("\n"):
        if found := _LETTER.search(line):
            opens[start + found.start()] = True
        start += len(line) + 1
    total = np.concatenate([[0], np.cumsum(opens)])
    return text.on_words(total[text.parse.end] > total[text.parse.start])
