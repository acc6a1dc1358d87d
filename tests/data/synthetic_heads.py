"""Made-up heads: what they attend to, how cleanly, and the patterns that follow from it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy import ndarray

from labeler.classes import Group
from labeler.describe import head_sentence
from labeler.labels import HeadLabel, Rule, Term

STORIES = (
    'One day, Tom asks Lily: "I am looking for a banana but I cannot find it." '
    'Lily says: "Don\'t worry, I saw it under the big tree."',
    "When Mary and John went to the pond, Mary gave the red boat to John. John put the red boat "
    'on the water, and the wind took it away.\n"Wait!" cried Mary. "John, catch the red boat!"',
    "Grandma put apples, pears, plums, and nuts in the basket. Ben ate the apples, the pears, and "
    "the plums, but he did not eat the nuts, because the squirrel loved them.",
)
HOSTILE = (
    "</script><img src=x onerror=window.pwned=1>",
    "\u202eright to left\u202c",
    "שלום",
    "nul\x00byte",
    "🦔👩‍👩‍👧",
    "x" * 10_000,
    "{{ 7*7 }}{% raw %}",
    "<!--<script>window.pwned=2</script>",
    "'\"`;window.pwned=3//",
    "\u2028\u2029\ufeff\t\r",
    "=cmd|' /C calc'!A1",
    "\ud7ff\U0010ffff e\u0301\u0301",
)
RELATIONS = (
    "previous token",
    "current token",
    "start of text",
    "nearest structural pivot",
    "opening speech mark",
    "two back",
    "previous token unigram",
    "every proper noun",
    "clause start",
    "nearby (8)",
    "anywhere",
    "duplicate token",
)
WORDING = {
    "previous token": "the previous token",
    "current token": "the current token",
    "start of text": "the start of text",
    "nearest structural pivot": "the nearest preceding structural pivot",
    "opening speech mark": "the opening speech mark of this turn of speech",
    "two back": "the token two back",
    "previous token unigram": "earlier copies of the current token",
    "every proper noun": "the current and previous proper nouns",
    "clause start": "the start of the current clause",
    "nearby (8)": "the last 8 or so tokens, the nearer the more",
    "anywhere": "all tokens alike",
    "duplicate token": "the last copy of the current token",
}
CLASSES = ("closing speech mark", "comma", 'word "but"', "proper noun")
COVERAGE = 0.98
NEURON_KINDS = ("token detector", "class", "mixed", "position", "dead", "always on", "unlabelled")


@dataclass(frozen=True)
class Size:
    """How big a run to make, and of what.

    A `wordy` run says as much as a run can: every head is labelled, with four predictions and three
    exceptions of three, every neuron label names a dozen tokens, all built-in heuristics took part.
    """

    n_layers: int = 1
    n_heads: int = 16
    d_mlp: int = 1024
    evidence: int = 3
    hostile: bool = False
    verified: bool = True
    wordy: bool = False


def tokenise(text: str) -> list[str]:
    """Rough pieces in the manner of byte-level BPE: a space belongs to the word behind it."""
    pieces = re.findall(r" ?[A-Za-z]+|\n| ?[^A-Za-z\s]+|\s", text)
    out: list[str] = []
    for piece in pieces:
        cut = 7 if len(piece.strip()) > 7 else len(piece)
        out += [part for part in (piece[:cut], piece[cut:]) if part]
    return ["<|bos|>", *out]


def targets(relation: str, tokens: list[str]) -> ndarray:
    """The target sets of one relation, `Bool[query key]`, causal."""
    n = len(tokens)
    query, key = np.mgrid[:n, :n]
    words = np.array(tokens, dtype=object)
    pivot = np.array([token.strip() in {",", ".", '."', "<|bos|>"} for token in tokens])
    mark = np.array([token.startswith(' "') or token == '"' for token in tokens])
    proper = np.array([bool(re.match(r" ?[A-Z]", token)) for token in tokens])
    same = words[:, None] == words[None, :]
    rules = {
        "previous token": key == query - 1,
        "current token": key == query,
        "start of text": key == 0,
        "nearest structural pivot": _nearest(np.broadcast_to(pivot, (n, n)), query, key),
        "opening speech mark": _nearest(np.broadcast_to(mark, (n, n)), query, key),
        "two back": key == query - 2,
        "previous token unigram": same & (key < query),
        "every proper noun": np.broadcast_to(proper, (n, n)) & (key > 0),
        "clause start": _nearest(np.broadcast_to(np.roll(pivot, 1), (n, n)), query, key),
        "nearby (8)": (key > query - 8) & (key > 0),
        "anywhere": key > 0,
        "duplicate token": _nearest(same & (key < query), query, key),
    }
    return rules[relation] & (key <= query)


def _nearest(mask: ndarray, query: ndarray, key: ndarray) -> ndarray:
    place = np.where(mask & (key <= query), key, -1)
    best = place.max(axis=1, keepdims=True)
    return (place == best) & (best >= 0)


def pattern(shares: dict[str, float], tokens: list[str]) -> ndarray:
    """The pattern that printed shares stand for, the remainder uniform over visible keys."""
    n = len(tokens)
    visible = np.tril(np.ones((n, n)))
    total = np.zeros((n, n))
    for relation, share in shares.items():
        mask = targets(relation, tokens).astype(float)
        total += share * mask / np.maximum(mask.sum(axis=1, keepdims=True), 1)
    rest = 1 - total.sum(axis=1, keepdims=True)
    return total + rest * visible / visible.sum(axis=1, keepdims=True)


def noisy(clean: ndarray, amount: float, rng: np.random.Generator) -> ndarray:
    """A pattern near `clean`: rows stay distributions."""
    noise = np.tril(rng.gamma(0.25, 1.0, clean.shape)) + np.eye(len(clean)) * 1e-9
    noise /= noise.sum(axis=1, keepdims=True)
    return (1 - amount) * clean + amount * noise


@dataclass(frozen=True)
class Head:
    """One made-up head: what it does, how cleanly, and on which classes it does something else."""

    name: str
    layer: int
    head: int
    shares: dict[str, float]
    noise: float
    exceptions: dict[str, dict[str, float]]

    @property
    def confidence(self) -> str:
        """The mark that this much noise would earn."""
        steps = ((0.35, "clear"), (0.6, "likely"), (0.85, "weak"))
        return next((name for bound, name in steps if self.noise < bound), "unlabelled")

    @property
    def label(self) -> str:
        """The sentence that a run would print of it."""
        if self.confidence == "unlabelled":
            return ""
        rules = [_rule(shares, name) for name, shares in self.exceptions.items()]
        said = HeadLabel(self.name, _rule(self.shares), tuple(rules))
        return head_sentence(said, [WORDING[name] for name in RELATIONS].__getitem__)


def _rule(shares: dict[str, float], query_class: str = "") -> Rule:
    terms = [Term(RELATIONS.index(name), share, COVERAGE) for name, share in shares.items()]
    group = Group(query_class, f"on a {query_class}", ()) if query_class else None
    return Rule(tuple(terms), (), group)


def make_heads(size: Size, rng: np.random.Generator) -> list[Head]:
    """Heads of every confidence, a third of them with an exception; wordy ones have all."""
    heads = []
    for index in range(size.n_layers * size.n_heads):
        layer, head = divmod(index, size.n_heads)
        count = 4 if size.wordy else int(rng.integers(1, 4))
        names = [RELATIONS[index % len(RELATIONS)]]
        names += [r for r in rng.permutation(RELATIONS[:10]) if r not in names][: count - 1]
        cut = np.sort(rng.dirichlet(np.ones(count + 1) * 1.5))[::-1].round(2)
        alone = index % 5 == 0 and not size.wordy
        cut = np.array([0.93]) if alone else np.maximum(cut[:count], 0.03)
        shares = dict(zip(names, cut.tolist(), strict=False))
        if size.wordy:
            others = {name: dict(zip(names[1:], (0.4, 0.2, 0.05), strict=True)) for name in CLASSES}
            exceptions = {name: others[name] for name in CLASSES if name != CLASSES[index % 4]}
        else:
            found = {CLASSES[index % 4]: {"opening speech mark": 0.61}}
            exceptions = found if index % 3 == 0 else {}
        noise = float(rng.uniform(0.1, 0.8 if size.wordy else 0.95))
        heads.append(Head(f"L{layer}H{head}", layer, head, shares, noise, exceptions))
    return heads
