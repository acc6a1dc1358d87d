"""Texts by hand: tokens between bars, a parse of a word an item."""

import re

import numpy as np

from heuristics import Parse, Text, load_heuristics
from heuristics.check import feature_mask, relation_targets
from heuristics.contract import Heuristic
from heuristics.schemes import normalise

HEURISTICS = load_heuristics()
RELATIONS = {item.name: item for item in HEURISTICS if item.kind == "relation"}
FEATURES = {item.name: item for item in HEURISTICS if item.kind == "feature"}


def make_text(tokens: str, parse: str | None = None, bos: bool = True) -> Text:
    """A Text of `tokens|between|bars`; `“×3` is one character in three byte pieces.

    `parse` holds a sentence a line and a word an item, `form/POS/label/head` with an optional
    `/lemma`; heads count from 1 within the sentence, 0 is the root. None is unparsed.
    """
    string, offsets, ids = "", [(0, 0)] if bos else [], [0] if bos else []
    vocabulary: dict[str, int] = {}
    for token in tokens.split("|"):
        piece, _, times = token.partition("×")
        start = len(string)
        string += piece
        for number in range(int(times or 1)):
            offsets.append((start, len(string)))
            name = f"{piece} {number}" if times else piece
            ids.append(vocabulary.setdefault(name, len(vocabulary) + 1))
    return Text(
        id="made",
        string=string,
        token_ids=np.array(ids),
        offsets=np.array(offsets).reshape(-1, 2),
        has_bos=bos,
        parse=_unparsed(string) if parse is None else _parsed(string, parse),
    )


def _parsed(string: str, parse: str) -> Parse:
    rows: list[tuple[int, int, str, str, str, str, int, int]] = []
    cursor = 0
    for number, line in enumerate(line.strip() for line in parse.strip().split("\n")):
        base = len(rows)
        for item in line.split():
            form, pos, dep, head, *lemma = item.split("/")
            start = string.index(form, cursor)
            cursor = start + len(form)
            target = base + int(head) - 1 if int(head) else len(rows)
            rows.append((start, cursor, form, *(lemma or [form.lower()]), pos, dep, target, number))
    start, end, form, lemma, pos, dep, head, sentence = zip(*rows, strict=True)
    return Parse(
        start=np.array(start),
        end=np.array(end),
        text=_strings(form),
        lemma=_strings(lemma),
        pos=_strings(pos),
        dep=_strings(normalise(dep)),
        head=np.array(head),
        sentence=np.array(sentence),
        entity=_strings([""] * len(form)),
    )


def _unparsed(string: str) -> Parse:
    found = list(re.finditer(r"\w+|[^\w\s]", string))
    ended = np.cumsum([0, *(match.group() in ".!?" for match in found)])[: len(found)]
    return Parse(
        start=np.array([match.start() for match in found], dtype=np.int64),
        end=np.array([match.end() for match in found], dtype=np.int64),
        text=_strings([match.group() for match in found]),
        lemma=_strings([""] * len(found)),
        pos=_strings([""] * len(found)),
        dep=_strings([""] * len(found)),
        head=np.arange(len(found)),
        sentence=ended.astype(np.int64),
        entity=_strings([""] * len(found)),
        parsed=False,
    )


def _strings(values) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = list(values)
    return array


def keys(name: str, text: Text, query: int) -> list[int]:
    """The keys of a relation at one query."""
    targets = relation_targets(RELATIONS[name], text)
    return sorted(targets.key[targets.query == query].tolist())


def weights(name: str, text: Text, query: int) -> dict[int, float]:
    """The weights of a relation at one query."""
    targets = relation_targets(RELATIONS[name], text)
    here = targets.query == query
    return dict(zip(targets.key[here].tolist(), targets.weight[here].tolist(), strict=True))


def fires(name: str, text: Text) -> list[int]:
    """The positions of a feature."""
    return np.flatnonzero(feature_mask(FEATURES[name], text)).tolist()


def evaluate(heuristic: Heuristic, text: Text) -> tuple[np.ndarray, ...]:
    """What a heuristic says, as arrays to compare."""
    if heuristic.kind == "feature":
        return (feature_mask(heuristic, text),)
    targets = relation_targets(heuristic, text)
    return targets.query, targets.key, targets.weight


def words(name: str, text: Text) -> list[str]:
    """The tokens of a feature, spaces around them left out."""
    return [text.tokens[position].strip() for position in fires(name, text)]


def targets(name: str, text: Text, word: str) -> list[str]:
    """The keys of a relation at the first token that reads so, as tokens."""
    return [text.tokens[key].strip() for key in keys(name, text, place(text, word))]


def place(text: Text, word: str) -> int:
    """The first position whose token reads so, spaces around it left out."""
    return int(np.flatnonzero([token.strip() == word for token in text.tokens])[0])
