"""Tables for spaCy's rule lemmatizer: what the treebanks attest, and the regular endings."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from english_treebank import Sentence
from spacy.lookups import Lookups

DOUBLED = "bdgmnprt"
SILENT_E = (
    *("at", "iz", "is", "uc", "nc", "rc", "ac", "ic", "rs", "ns", "us", "as", "os", "v", "rg"),
    *("ng", "ag", "dg", "bl", "dl", "gl", "kl", "pl", "tl", "zl", "mil", "ur", "ak", "ok", "ik"),
)
# Of the rules that fit, the first one counts for a word whose lemma the treebanks do not have,
# the last one where they have several.
NOUN_RULES = (
    *(("ss", "ss"), ("us", "us"), ("is", "is"), ("ies", "y"), ("ches", "ch"), ("shes", "sh")),
    *(("sses", "ss"), ("xes", "x"), ("lves", "lf"), ("wives", "wife"), ("nives", "nife")),
    *(("eaves", "eaf"), ("women", "woman"), ("men", "man"), ("s", "")),
)
VERB_RULES = (
    *(("ies", "y"), ("ches", "ch"), ("shes", "sh"), ("sses", "ss"), ("xes", "x"), ("zzes", "zz")),
    *(("oes", "o"), ("s", ""), ("ied", "y")),
    *((c + c + ending, c) for c in DOUBLED for ending in ("ed", "ing")),
    *((end + ending, end + "e") for end in SILENT_E for ending in ("ed", "ing")),
    *(("ed", ""), ("ing", ""), ("ed", "e"), ("ing", "e")),
)


def lemma_tables(*treebanks: Iterable[Sentence]) -> Lookups:
    """The commonest lemma of each word as a part of speech, and rules for nouns and verbs.

    Where treebanks disagree, the one given first counts.
    """
    exceptions: dict[str, dict[str, list[str]]] = defaultdict(dict)
    seen: Counter[tuple[str, str]] = Counter()
    for treebank in treebanks:
        for (upos, form), lemmas in _attested(treebank).items():
            lemma = lemmas.most_common(1)[0][0]
            exceptions[upos].setdefault(form, [lemma])
            seen[upos, lemma] += lemmas.total()
    # Slips of the pen are short and rare: "bu", seen once, would become the lemma of "bus".
    index = {
        upos: sorted(
            lemma for (u, lemma), n in seen.items() if u == upos and n > 1 and len(lemma) > 2
        )
        for upos in ("noun", "verb", "adj")
    }
    for adjective in index["adj"]:
        for form in _compared(adjective):
            exceptions["adj"].setdefault(form, [adjective])
    rules = {"noun": [*map(list, NOUN_RULES)], "verb": [*map(list, VERB_RULES)]}
    tables = Lookups()
    tables.add_table("lemma_exc", dict(exceptions))
    tables.add_table("lemma_index", index)
    tables.add_table("lemma_rules", rules)
    return tables


def _attested(treebank: Iterable[Sentence]) -> dict[tuple[str, str], Counter[str]]:
    found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for sentence in treebank:
        for token in sentence.tokens:
            if token.upos != "PROPN" and token.relation != "goeswith":
                found[token.upos.lower(), token.form.lower()][token.lemma] += 1
    return found


def _compared(adjective: str) -> Iterator[str]:
    if not adjective.isalpha() or not 3 <= len(adjective) <= 7:
        return
    stem = adjective
    if adjective.endswith("e"):
        stem = adjective[:-1]
    elif adjective.endswith("y") and adjective[-2] not in "aeo":
        stem = adjective[:-1] + "i"
    elif adjective[-1] in DOUBLED and adjective[-2] in "aeiou" and adjective[-3] not in "aeiou":
        stem = adjective + adjective[-1]
    yield from (stem + "er", stem + "est")
