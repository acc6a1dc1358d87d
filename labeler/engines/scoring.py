"""The first pass: shards → statistics."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass

from labeler.corpus import Shard
from labeler.engines.finite import check_finite
from labeler.score import Scorer, score_shards
from labeler.session import Session


@dataclass(frozen=True)
class Scoring:
    """A `Pass` whose bytes are packed statistics; ModelError where activations are not finite."""

    def over(self, session: Session, shards: Sequence[Shard]) -> Generator[bytes, None, None]:
        """Statistics of each shard; beside a GPU the next one's text is read meanwhile."""
        parts = ((Scorer(session.model, session.vocabulary), session.batches(s)) for s in shards)
        with closing(score_shards(parts, session.overlap)) as scored:
            for shard, scorer in zip(shards, scored, strict=True):
                statistics = scorer.statistics()
                check_finite(statistics, session, shard)
                yield statistics.pack()
