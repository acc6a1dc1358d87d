"""Some of a run's texts, of prompts from all folds in turn."""

from __future__ import annotations

from collections import Counter
from itertools import groupby

from heuristics.text import Text
from labeler.session import Session


def texts_in_turn(session: Session, judging: bool, limit: int) -> list[tuple[int, Text]]:
    """At most so many texts with their folds, in the order of the prompts' digests.

    So they are of any length. Of prompts that were split the first pieces come first, all others
    where there are too few of these.
    """
    half = [shard for shard in session.shards if (shard.fold % 2 == 1) == judging]
    ranked: list[tuple[int, int, str]] = []
    for fold, shards in groupby(sorted(half, key=lambda shard: shard.fold), lambda s: s.fold):
        prompts = [prompt for shard in shards for prompt in shard.prompts]
        ranked += [(rank, fold, prompt.text) for rank, prompt in enumerate(prompts)]
    turn = {text: number for number, (_, _, text) in enumerate(sorted(ranked)[:limit])}
    found: list[tuple[int, int, int, Text]] = []
    for shard in half:
        if turn.keys().isdisjoint(prompt.text for prompt in shard.prompts):
            continue
        pieces: Counter[str] = Counter()
        for text in session.texts(shard.prompts):
            if text.string in turn:
                found.append((pieces[text.string], turn[text.string], shard.fold, text))
                pieces[text.string] += 1
    found.sort(key=lambda item: item[:2])
    return [(fold, text) for _, _, fold, text in found[:limit]]
