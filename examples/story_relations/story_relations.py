"""Relations: who is meant by a name said again, and the other items of a list."""

import re

import numpy as np

from heuristics import Targets, Text, builtin, relation

_LIST = re.compile(r"\w+(?:, (?:an? |the )?\w+)+,? (?:and|or) (?:an? |the )?\w+")
_ITEM = re.compile(r"\b(?!(?:and|or|an?|the)\b)\w+")


@relation("earlier mention", phrase="the earlier mentions of the same name")
def earlier_mention(text: Text):
    """From a name, every earlier mention of it, all pieces: coreference by repeated name."""
    name = builtin("proper noun")(text)  # Bool[pos]
    same = text.words[:, None] == text.words[None, :]  # Bool[query key]
    return same & name[:, None] & name[None, :] & (text.word[:, None] != text.word[None, :])


@relation("earlier item", phrase="the earlier items of the list")
def earlier_item(text: Text):
    """From an item of a list ("apples, pears and plums"), the items before it, the nearer the more:
    weights 1, 1/2, 1/3, …"""
    query, key, weight = [], [], []
    for found in _LIST.finditer(text.string):
        spans = [item.span() for item in _ITEM.finditer(text.string, *found.span())]
        items = [_positions(text, *span) for span in spans]
        for later, here in enumerate(items):
            for earlier, there in enumerate(items[:later]):
                for q in here:
                    query += [q] * len(there)
                    key += there
                    weight += [1 / (later - earlier)] * len(there)
    return Targets(np.array(query, dtype=int), np.array(key, dtype=int), np.array(weight))


def _positions(text: Text, start: int, end: int) -> list[int]:
    inside = (text.offsets[:, 0] < end) & (text.offsets[:, 1] > start)
    return np.flatnonzero(inside).tolist()


# Composed of what is there: from a pronoun to the nearest name.
name_of_pronoun = builtin("pronoun").to(builtin("proper noun")).named("name for the pronoun")
