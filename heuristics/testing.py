"""For the tests of a plugin: the contract checked on many kinds of text, and texts to ask about.

from heuristics.testing import attends, check, fires

def test_colour_word():
    check(colour_word)
    assert fires(colour_word, "A red ball.") == ["red"]
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import fields
from types import ModuleType
from typing import Any

import numpy as np
from numpy import ndarray

from heuristics.check import agrees_with_itself, evaluated, failure, feature_mask
from heuristics.contract import Family, Heuristic
from heuristics.errors import PluginError
from heuristics.lifts import lifted
from heuristics.parse import Parse
from heuristics.registry import classify
from heuristics.schemes import normalise
from heuristics.text import Text

_TOKEN = re.compile(r" ?\w+| ?[^\w\s]|\s")
_WORD = re.compile(r"\w+|[^\w\s]")

_DIALOGUE = """
One/NUM/nummod/2 day/NOUN/obl:tmod/5 ,/PUNCT/punct/5 Tom/PROPN/nsubj/5 saw/VERB/root/0 \
a/DET/det/8 red/ADJ/amod/8 ball/NOUN/obj/5 ./PUNCT/punct/5
"/PUNCT/punct/3 I/PRON/nsubj/3 want/VERB/ccomp/8 it/PRON/obj/3 ,/PUNCT/punct/3 \
"/PUNCT/punct/3 he/PRON/nsubj/8 said/VERB/root/0 ./PUNCT/punct/8
"""
_CLAUSES = """
The/DET/det/2 cat/NOUN/nsubj/6 that/PRON/obj/5 Lily/PROPN/nsubj/5 fed/VERB/acl:relcl/2 \
ran/VERB/root/0 home/ADV/advmod/6 because/SCONJ/mark/11 it/PRON/nsubj/11 was/AUX/cop/11 \
late/ADJ/advcl/6 ./PUNCT/punct/6
"""
PARSED = {
    "dialogue": ('One day, Tom saw a red ball. "I want it," he said.', _DIALOGUE),
    "clauses": ("The cat that Lily fed ran home because it was late.", _CLAUSES),
}
UNPARSED = {
    "a story": "Tom and Lily had a red ball. They threw the red ball to Tom!\n\nThen it rained.",
    "one word": "Hi",
    "nothing": "",
    "spaces and line breaks": " \n\n \t ",
    "open quotes": '"Run," said Tom. “No, «stop» it is ‘late',
    "emoji and accents": "Hi 🙂 cafe\u0301 — Zoë!",
    "right to left": "שלום עולם. أهلا",
    "no spaces": "a" * 200,
}


def text(string: str, parse: str | None = None, name: str = "text", pieces: int = 0) -> Text:
    """A Text of a string: words, punctuation marks and line breaks as tokens, after a BOS.

    With `pieces` tokens are cut after so many characters, so that words have several. `parse` holds
    a sentence a line and a word an item, `form/POS/label/head` with an optional `/lemma`; heads
    count from 1 within the sentence, 0 is the root. Without it the text is unparsed.
    """
    spans = [(0, 0)]
    for match in _TOKEN.finditer(string):
        start, end = match.span()
        step = pieces or end - start
        spans += [(at, min(at + step, end)) for at in range(start, end, step)]
    known: dict[str, int] = {}
    ids = [known.setdefault(string[a:b], len(known)) for a, b in spans]
    return Text(
        id=name,
        string=string,
        token_ids=np.array(ids, dtype=np.int64),
        offsets=np.array(spans, dtype=np.int64),
        has_bos=True,
        parse=_unparsed(string) if parse is None else _parsed(string, parse),
    )


def texts() -> list[Text]:
    """Texts of many kinds: parsed and not, words in pieces, and what breaks careless code."""
    found = [text(said, parse, name) for name, (said, parse) in PARSED.items()]
    found += [text(said, None, name) for name, said in UNPARSED.items()]
    said, parse = PARSED["dialogue"]
    return [*found, text(said, parse, "words in pieces", pieces=2)]


def check(heuristic: Any, on: Sequence[Text] | None = None) -> None:
    """PluginError unless heuristics keep the contract on all texts.

    Takes what `@feature` or `@relation` made, a list of such, or a module; lifts are checked too.
    A heuristic returns the right shape and type, finite weights, the same on every call, does not
    raise, and leaves the text alone. Texts are those of `texts()` unless given.
    """
    members = list(_members(heuristic))
    if not members:
        raise PluginError(
            "there is no heuristic in what was to be checked; expected what @feature or @relation "
            "made, or the module that declares it"
        )
    for item in members:
        for sample in texts() if on is None else on:
            before = _digest(sample)
            agrees_with_itself(item, sample)
            if _digest(sample) != before:
                raise failure(item, sample, "writes into an array of the Text")


def fires(feature: Heuristic, said: str | Text) -> list[str]:
    """The tokens on which a feature fires, spaces around them left out."""
    _expect(feature, "feature")
    sample = text(said) if isinstance(said, str) else said
    return [token.strip() for token in sample.tokens[feature_mask(feature, sample)]]


def attends(relation: Heuristic, said: str | Text) -> dict[str, list[str]]:
    """Query → its keys as tokens, for queries with visible keys; of equal queries the last."""
    _expect(relation, "relation")
    sample = text(said) if isinstance(said, str) else said
    query, key, weight = evaluated(relation, sample)
    seen = (key <= query) & (query > 0) & (weight > 0)
    found: dict[str, list[str]] = {}
    for at in np.unique(query[seen]):
        keys = key[seen & (query == at)]
        found[sample.tokens[at].strip()] = [sample.tokens[k].strip() for k in keys]
    return found


def _members(value: Any) -> Iterator[Heuristic]:
    if isinstance(value, ModuleType):
        yield from classify(value)
    elif isinstance(value, Heuristic):
        yield value
        yield from lifted(value)
    elif isinstance(value, Family | list | tuple):
        for item in value:
            yield from _members(item)
    else:
        raise TypeError(f"expected what @feature or @relation made, got {type(value).__name__}")


def _expect(value: Any, kind: str) -> None:
    if not isinstance(value, Heuristic):
        raise TypeError(f"expected what @{kind} made, got {type(value).__name__}")
    if value.kind != kind:
        other = "fires" if value.kind == "feature" else "attends"
        raise TypeError(f"expected a {kind}; {value.name!r} is a {value.kind}, take `{other}`")


def _digest(sample: Text) -> str:
    digest = hashlib.blake2b()
    for owner in (sample, sample.parse):
        for item in fields(owner):
            value = getattr(owner, item.name)
            if isinstance(value, ndarray):
                digest.update(repr(value.tolist()).encode())
    return digest.hexdigest()


def _parsed(string: str, parse: str) -> Parse:
    rows: list[tuple[Any, ...]] = []
    cursor = 0
    for number, line in enumerate(parse.strip().split("\n")):
        base = len(rows)
        for item in line.split():
            form, pos, dep, head, *lemma = item.split("/")
            start = string.index(form, cursor)
            cursor = start + len(form)
            to = base + int(head) - 1 if int(head) else len(rows)
            rows.append((start, cursor, form, *(lemma or [form.lower()]), pos, dep, to, number))
    columns: list[tuple[Any, ...]] = list(zip(*rows, strict=True))
    starts, ends, forms, lemmas, tags, deps, heads, sentences = columns
    return Parse(
        start=np.array(starts),
        end=np.array(ends),
        text=np.array(forms, dtype=object),
        lemma=np.array(lemmas, dtype=object),
        pos=np.array(tags, dtype=object),
        dep=np.array(normalise(list(deps)), dtype=object),
        head=np.array(heads),
        sentence=np.array(sentences),
        entity=np.full(len(rows), "", dtype=object),
    )


def _unparsed(string: str) -> Parse:
    found = list(_WORD.finditer(string))
    ended = np.cumsum([0, *(match.group() in ".!?" for match in found)])[: len(found)]
    none = np.full(len(found), "", dtype=object)
    return Parse(
        start=np.array([match.start() for match in found], dtype=np.int64),
        end=np.array([match.end() for match in found], dtype=np.int64),
        text=np.array([match.group() for match in found], dtype=object),
        lemma=none,
        pos=none,
        dep=none,
        head=np.arange(len(found)),
        sentence=ended.astype(np.int64),
        entity=none,
        parsed=False,
    )
