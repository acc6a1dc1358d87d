"""Features three ways: by a list of words, by a regular expression, by the type of an entity."""

import numpy as np

from heuristics import Text, feature

FAMILY = frozenset(
    {"mom", "mother", "dad", "father", "brother", "sister", "baby", "grandma", "grandpa"}
)
PLACES = frozenset({"GPE", "LOC", "FAC"})  # spaCy's types; Universal NER says LOC
DIRECTIONS = frozenset({"in", "at", "to", "from", "near"})


@feature(
    "family word",
    lifts=("nearest", "every"),
    unit="word",  # a word is one instance, in however many pieces the model reads it
    query_class=True,  # labels may say "on a family word: …"
)
def family_word(text: Text):
    """A word for a member of the family, from a list, case aside."""
    return text.matches(FAMILY)


@feature("shouted word", lifts=("nearest",), unit="word")
def shouted_word(text: Text):
    """Two capitals or more in a row ("STOP"), found on characters and carried to the tokens."""
    return text.regex(r"\b[A-Z]{2,}\b")


@feature("place name", lifts=("nearest",), unit="word", parse=True)
def place_name(text: Text):
    """A name of a place: by its entity type where the pipeline has entities; without, a proper
    noun right after "in", "at", "to", "from" or "near"."""
    parse = text.parse
    if (parse.entity != "").any():
        return text.on_words(np.isin(parse.entity, list(PLACES)))
    after = np.append(False, np.isin(parse.lower, list(DIRECTIONS)))[: len(parse)]
    return text.on_words((parse.pos == "PROPN") & after)
