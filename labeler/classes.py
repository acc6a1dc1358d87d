"""Query classes: a partition of positions, and the larger classes that its parts add up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

from heuristics.check import feature_mask
from heuristics.contract import Heuristic
from heuristics.text import Text

START = "start of text"
OTHER = "other token"
MIN_ROWS = 100
N_WORDS = 24
FOREMOST = frozenset({"opening speech mark", "closing speech mark"})
"""Classes that claim their tokens before rarer ones: `!"` closes speech, whatever else it does."""
FREE = 2
"""Positions at the start that belong to no class."""
PART = 0.005
"""The least part of a leaf, as a fraction of all positions."""
WHOLLY, MOSTLY = (0.98, 0.95), (0.9, 0.8)
"""What part of each leaf has a feature, and what part of the feature its leaves make up."""


@dataclass(frozen=True)
class Member:
    """One way of belonging: a feature, or being a particular word."""

    name: str
    wording: str
    feature: Heuristic | None = None
    word: str = ""
    plural: str = ""

    @property
    def most(self) -> str:
        """How a class is called that has most of its positions."""
        return f"on most {self.plural}"

    @property
    def some(self) -> str:
        """How a class is called that has the smaller part of its positions."""
        return f"on some {self.plural}"

    def mask(self, text: Text) -> Bool[ndarray, " pos"]:
        """The positions that belong."""
        if self.feature is not None:
            return feature_mask(self.feature, text)
        return text.on_words(text.parse.listed({self.word})) & (text.piece <= 0)


@dataclass(frozen=True)
class Group:
    """A class as a label names it: one leaf of the partition or several together."""

    name: str
    wording: str
    leaves: tuple[int, ...]


@dataclass(frozen=True)
class QueryClasses:
    """The partition: a position belongs to the rarest class that it has, counted on a sample.

    `members` are ordered from the rarest, speech marks before all; leaf 0 is the first two
    positions, the leaf after the members' is for what no member claims. A large leaf is divided by
    the next class that its positions have, `parts` from the rarest: adjectives into their first,
    second and third pieces. `groups` are all classes that an exception may name. The second
    position is of no class because it has no choice: it sees itself and the first. Where a corpus
    opens with few words ("One day"), "on a number, to the start of the text" would be a fact about
    the corpus.
    """

    members: tuple[Member, ...]
    groups: tuple[Group, ...]
    parts: tuple[tuple[int, Member], ...] = ()

    @property
    def leaves(self) -> tuple[str, ...]:
        """Names of the leaves, in order."""
        names = (START, *(member.name for member in self.members), OTHER)
        return (*names, *(f"{names[leaf]}, {member.name}" for leaf, member in self.parts))

    def __len__(self) -> int:
        return len(self.members) + 2 + len(self.parts)

    def assign(self, text: Text) -> Int[ndarray, " pos"]:
        """The leaf of every position."""
        leaf = np.full(len(text), len(self.members) + 1, dtype=np.int64)
        for index in range(len(self.members) - 1, -1, -1):
            leaf[self.members[index].mask(text)] = index + 1
        leaf[:FREE] = 0
        divided = leaf.copy()
        for index in range(len(self.parts) - 1, -1, -1):
            whole, member = self.parts[index]
            divided[(leaf == whole) & member.mask(text)] = len(self.members) + 2 + index
        return divided


def frequent_words(texts: Sequence[Text], n_words: int = N_WORDS) -> dict[str, str]:
    """The most frequent words, each with its most common spelling; ties by alphabet."""
    spellings = Counter(
        str(text.parse.text[word])
        for text in texts
        for word in text.word[text.piece == 0]
        if text.parse.text[word].isalpha()
    )
    counts: Counter[str] = Counter()
    for spelling, count in spellings.items():
        counts[spelling.lower()] += count
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    kept = [word for word, count in ranked[:n_words] if count >= MIN_ROWS]
    common = sorted(spellings.items(), key=lambda item: (item[1], item[0]))
    spelled = {spelling.lower(): spelling for spelling, _ in common}
    return {word: spelled[word] for word in kept}


def build_classes(features: Sequence[Heuristic], texts: Sequence[Text]) -> QueryClasses:
    """The partition by features marked `query_class` and by the frequent words of a sample."""
    candidates = [
        Member(item.name, f"on {_article(item.noun)}", feature=item, plural=item.phrase)
        for item in features
        if item.query_class
    ]
    candidates += [
        Member(f'word "{word}"', f'on "{spelling}"', word=word, plural=f'"{spelling}"')
        for word, spelling in frequent_words(texts).items()
    ]
    none = np.zeros((len(candidates), 0), dtype=bool)
    held = np.concatenate([none, *(_held(candidates, text) for text in texts)], axis=1)
    count = held.sum(axis=1)
    order = sorted(
        range(len(candidates)),
        key=lambda i: (candidates[i].name not in FOREMOST, count[i], candidates[i].name),
    )
    order = [index for index in order if count[index] >= MIN_ROWS]
    ordered = [candidates[i] for i in order]
    members, leaf_masks = _drop_empty(ordered, held[order])
    parts, masks = _divide(leaf_masks, ordered, held[order])
    groups = _groups(members, parts, masks, candidates, held)
    return QueryClasses(tuple(members), groups, tuple(parts))


def _held(members: Sequence[Member], text: Text) -> Bool[ndarray, "member row"]:
    rows = [member.mask(text)[FREE:] for member in members]
    return np.array(rows, dtype=bool).reshape(len(members), max(len(text) - FREE, 0))


def _drop_empty(
    members: list[Member], held: Bool[ndarray, "member row"]
) -> tuple[list[Member], Bool[ndarray, "member row"]]:
    """Keep members that have enough rows left once the rarer ones took theirs."""
    kept: list[Member] = []
    masks = []
    taken = np.zeros(held.shape[1], dtype=bool)
    for member, mask in zip(members, held, strict=True):
        own = mask & ~taken
        if own.sum() >= MIN_ROWS:
            kept.append(member)
            masks.append(own)
            taken |= own
    return kept, np.array(masks, dtype=bool).reshape(len(kept), held.shape[1])


def _divide(
    leaf_masks: Bool[ndarray, "leaf row"],
    candidates: list[Member],
    held: Bool[ndarray, "candidate row"],
) -> tuple[list[tuple[int, Member]], Bool[ndarray, "part row"]]:
    """Parts of the leaves, and the masks of what is left of the leaves, then of the parts."""
    least = max(MIN_ROWS, PART * held.shape[1])
    left = leaf_masks.copy()
    parts, masks = [], []
    for index, rest in enumerate(left):
        for member, mask in zip(candidates, held, strict=True):
            own = rest & mask
            if least <= own.sum() < rest.sum():
                parts.append((index + 1, member))
                masks.append(own)
                rest &= ~own
    divided = np.array(masks, dtype=bool).reshape(len(parts), held.shape[1])
    return parts, np.concatenate([left, divided])


def _groups(
    members: list[Member],
    parts: list[tuple[int, Member]],
    masks: Bool[ndarray, "leaf row"],
    candidates: list[Member],
    held: Bool[ndarray, "candidate row"],
) -> tuple[Group, ...]:
    """Candidates that are the union of leaves, then those that nearly are, then members.

    A member that others took rows from stands for the rows that it has left.
    """
    numbers = [*range(1, len(members) + 1), *(len(members) + 2 + i for i in range(len(parts)))]
    size, rows = masks.sum(axis=1), dict(zip(candidates, held.sum(axis=1), strict=True))
    overlap = masks.astype(np.float32) @ held.T.astype(np.float32)
    found: dict[tuple[int, ...], Group] = {}
    said: dict[str, str] = {}

    def add(name: str, wording: str, inside: Iterable[int]) -> None:
        leaves = tuple(numbers[row] for row in inside)
        if leaves not in found and name not in said:
            said[name] = wording
            found[leaves] = Group(name, wording, leaves)

    for pure, covered in (WHOLLY, MOSTLY):
        for column, candidate in enumerate(candidates):
            inside = np.flatnonzero(overlap[:, column] >= pure * size)
            if 0 < overlap[inside, column].sum() >= covered * rows[candidate]:
                exact = (pure, covered) == WHOLLY
                add(candidate.name, candidate.wording if exact else candidate.most, inside)
    for index, member in enumerate(members):
        own = [len(members) + i for i, (leaf, _) in enumerate(parts) if leaf == index + 1]
        few = size[[index, *own]].sum() < 0.5 * rows[member] or said.get(member.name) == member.most
        name = f"other {member.name}" if member.name in said else member.name
        add(name, member.some if few else member.most, [index, *own])
    return tuple(found.values())


def _article(noun: str) -> str:
    if noun.startswith(('"', "the ", "a ", "an ", "any ")):
        return noun
    if noun.endswith("speech mark"):
        return f"the {noun}"
    return f"an {noun}" if noun[:1].lower() in "aeiou" else f"a {noun}"
