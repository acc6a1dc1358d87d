"""What a plugin's heuristics say of the embedded corpus, beside what the built-ins say."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from heuristics.check import agrees_with_itself, evaluated, feature_mask
from heuristics.contract import Heuristic
from heuristics.parse import Parse
from heuristics.registry import declared, load_heuristics
from heuristics.text import Text
from labeler.config import Settings
from labeler.corpus import embedded_showcase
from labeler.errors import PluginError
from labeler.plugins import TRIED
from labeler.prepare import relation_pairs
from labeler.progress import Progress, Silent

PROMPTS = 40
TIMED = 10
"""Texts on which built-ins are timed."""
NEAREST = 3
CUTS = 2
"""Texts that are cut short at every word, or read without their parse."""


@dataclass(frozen=True)
class Checked:
    """What was found about one heuristic; `error` is empty where it kept its contract.

    `rate` is the fraction of tokens on which a feature fires, or of the visible keys that a
    relation names (what uniform attention would put there); `coverage` the fraction of queries at
    which a relation names a key. `cost` is in milliseconds per 1,000 tokens, `usual` the median of
    the built-ins of its kind. `ahead` is the fraction of a relation's pairs whose key comes after
    the query, which the labeler drops; `only_start` says that it names the first position, which
    is left out, and nothing else. `nearest` has the built-ins that say most nearly the same,
    with the overlap: of two features the tokens of both by the tokens of either; of two relations
    Σ min(U, U′) a query, over the queries where either names a key.
    """

    item: Heuristic
    error: str = ""
    rate: float = 0.0
    coverage: float = 0.0
    cost: float = 0.0
    usual: float = 0.0
    ahead: float = 0.0
    reads_on: bool = False
    only_start: bool = False
    undeclared_parse: bool = False
    nearest: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class CheckedPlugin:
    """All heuristics of a plugin, the corpus that they were asked about, and texts to show."""

    found: list[Checked]
    n_prompts: int
    n_tokens: int
    showcase: list[Text] = field(default_factory=list)


def check_plugin(plugin: str, progress: Progress | None = None) -> CheckedPlugin:
    """Check a plugin file or module; PluginError if it cannot be loaded or a name clashes."""
    progress = progress or Silent()
    own = declared(plugin)
    known = load_heuristics([plugin])
    from labeler.session import Session

    session = Session(Settings(max_prompts=PROMPTS))
    texts = [text for shard in session.shards for text in session.texts(shard.prompts)]
    built_in = [item for item in known if item.built_in]
    cut = sum(len(_stops(text)) for text in texts[:CUTS])
    progress.stage("check", len(own) * (len(texts) + cut), "texts, whole or cut short")
    checked = [_check(item, texts, progress) for item in own]
    for kind in ("feature", "relation"):
        checked = _beside(checked, [item for item in built_in if item.kind == kind], texts)
    tokens = sum(len(text) - text.has_bos for text in texts)
    return CheckedPlugin(checked, len(texts), tokens, session.texts(embedded_showcase()))


def _check(item: Heuristic, texts: Sequence[Text], progress: Progress) -> Checked:
    held, keys, covered, ahead, pairs, queries = 0, 0.0, 0, 0, 0, 0
    try:
        for text in texts[:TRIED]:
            agrees_with_itself(item, text)
        for text in texts:
            said = evaluated(item, text)
            progress.advance()
            queries += len(text) - 1
            if item.kind == "feature":
                held += int(said[0][1:].sum())
                continue
            query, key, weight = said
            seen = (key <= query) & (query > 0) & (weight > 0)
            ahead, pairs = ahead + int((key > query).sum()), pairs + len(query)
            keys += float((1 / (query[seen] + 1)).sum())
            covered += len(np.unique(query[seen]))
        reads_on = any(_reads_on(item, text, progress) for text in texts[:CUTS])
        only_start = item.kind == "relation" and not covered and _names_start(item, texts)
        undeclared = any(_needs_parse(item, text) for text in texts[:CUTS])
    except PluginError as error:
        where = f"prompt {error.prompt!r}: " if error.prompt else ""
        return Checked(item, where + error.reason)
    return Checked(
        item,
        rate=(held if item.kind == "feature" else keys) / max(queries, 1),
        coverage=covered / max(queries, 1),
        cost=_cost([item], texts),
        ahead=ahead / max(pairs, 1),
        reads_on=reads_on,
        only_start=only_start,
        undeclared_parse=undeclared,
    )


def _cost(items: Sequence[Heuristic], texts: Sequence[Text]) -> float:
    """The median heuristic's milliseconds per 1,000 tokens; what texts keep is made before."""
    tokens = max(sum(len(text) for text in texts), 1)
    costs = []
    for item in items:
        began = time.perf_counter()
        for text in texts:
            item.compute(text)
        costs.append((time.perf_counter() - began) / tokens * 1e6)
    return float(np.median(costs)) if costs else 0.0


def _names_start(item: Heuristic, texts: Sequence[Text]) -> bool:
    return any((evaluated(replace(item, start=True), text)[1] == 0).any() for text in texts[:CUTS])


def _reads_on(item: Heuristic, text: Text, progress: Progress) -> bool:
    """Whether it says something else of a text's beginning when the rest is not there.

    What uses the parse is not asked: a parse is made of the whole text.
    """
    if item.parse:
        return False
    whole = evaluated(item, text)
    for stop in _stops(text):
        progress.advance()
        if _differs(item, whole, _cut(text, stop)):
            return True
    return False


def _stops(text: Text) -> list[int]:
    """Where a text is cut short: before every word but the first."""
    stops = np.unique(text.word_start)
    return [int(stop) for stop in stops[stops > 1]]


def _differs(item: Heuristic, whole: tuple[ndarray, ...], part: Text) -> bool:
    said = evaluated(item, part)
    if item.kind == "feature":
        return not np.array_equal(whole[0][: len(part)], said[0])
    inside = (whole[0] < len(part)) & (whole[1] <= whole[0])
    seen = said[1] <= said[0]
    pairs = zip(whole[:2], said[:2], strict=True)
    return not all(np.array_equal(a[inside], b[seen]) for a, b in pairs)


def _cut(text: Text, stop: int) -> Text:
    end = int(text.offsets[stop - 1, 1])
    kept = text.parse.end <= end
    n = int(kept.sum())
    words = {
        name: getattr(text.parse, name)[kept]
        for name in ("start", "end", "text", "lemma", "pos", "dep", "sentence", "entity")
    }
    head = text.parse.head[kept]
    parse = Parse(**words, head=np.where(head < n, head, np.arange(n)), parsed=text.parse.parsed)
    return replace(
        text,
        id=f"{text.id}, its first {stop} tokens",
        string=text.string[:end],
        token_ids=text.token_ids[:stop],
        offsets=text.offsets[:stop],
        parse=parse,
    )


def without_parse(text: Text) -> Text:
    """The same text as a pipeline leaves it that only finds words and sentences."""
    empty = np.full(len(text.parse), "", dtype=object)
    bare = replace(
        text.parse,
        **dict.fromkeys(("lemma", "pos", "dep", "entity"), empty),
        head=np.arange(len(text.parse)),
        parsed=False,
    )
    return replace(text, parse=bare, doc=lambda: None)


def _needs_parse(item: Heuristic, text: Text) -> bool:
    """Whether it uses the parse and does not say so."""
    if item.parse:
        return False
    try:
        bare = evaluated(item, without_parse(text))
    except PluginError:
        return True
    same = zip(evaluated(item, text), bare, strict=True)
    return not all(np.array_equal(a, b) for a, b in same)


def _beside(
    checked: list[Checked], built_in: Sequence[Heuristic], texts: Sequence[Text]
) -> list[Checked]:
    """Those of the kind of `built_in`, with the nearest of them and what they cost."""
    kind = built_in[0].kind
    fine = [row.item for row in checked if row.item.kind == kind and not row.error]
    if not fine:
        return checked
    overlap = (_feature_overlap if kind == "feature" else _relation_overlap)(fine, built_in, texts)
    usual = _cost(built_in, texts[:TIMED])
    place = {item.name: index for index, item in enumerate(fine)}
    found = []
    for row in checked:
        if row.item.kind == kind and not row.error:
            mine = overlap[place[row.item.name]]
            order = np.argsort(-mine, kind="stable")[:NEAREST]
            nearest = tuple((built_in[i].name, float(mine[i])) for i in order if mine[i] > 0)
            row = replace(row, nearest=nearest, usual=usual)
        found.append(row)
    return found


def _feature_overlap(
    own: Sequence[Heuristic], built_in: Sequence[Heuristic], texts: Sequence[Text]
) -> Float[ndarray, "own built_in"]:
    both = np.zeros((len(own), len(built_in)))
    mine, theirs = np.zeros(len(own)), np.zeros(len(built_in))
    for text in texts:
        a = np.array([feature_mask(item, text)[1:] for item in own], dtype=float)
        b = np.array([feature_mask(item, text)[1:] for item in built_in], dtype=float)
        both += a @ b.T
        mine, theirs = mine + a.sum(axis=1), theirs + b.sum(axis=1)
    return np.asarray(both / np.maximum(mine[:, None] + theirs - both, 1))


def _relation_overlap(
    own: Sequence[Heuristic], built_in: Sequence[Heuristic], texts: Sequence[Text]
) -> Float[ndarray, "own built_in"]:
    shared = np.zeros((len(own), len(built_in)))
    either = np.zeros((len(own), len(built_in)))
    for text in texts:
        [mine] = relation_pairs(text, own, [None])
        [theirs] = relation_pairs(text, built_in, [None])
        dense = np.zeros((len(own), len(text), len(text)))
        dense[mine.relation, mine.query, mine.key] = mine.weight
        for index in range(len(own)):
            least = np.minimum(theirs.weight, dense[index, theirs.query, theirs.key])
            shared[index] += np.bincount(theirs.relation, least, minlength=len(built_in))
            either[index] += (theirs.present | mine.present[index]).sum(axis=1)
    return np.asarray(shared / np.maximum(either, 1))
