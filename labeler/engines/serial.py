"""One shard after another in this process; beside a GPU, the text of the next batch is read."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing

from labeler.corpus import Shard
from labeler.engines.engine import Scored, Stopped
from labeler.engines.finite import check_finite
from labeler.score import Scorer, score_shards
from labeler.session import Session


class Serial:
    """The engine of one process; the workers of the others run it too."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def map(self, shards: Sequence[Shard], stopped: Stopped) -> Generator[Scored, None, None]:
        """Each shard in the order given; ModelError where activations are not finite."""
        session = self.session
        parts = ((Scorer(session.model, session.vocabulary), session.batches(s)) for s in shards)
        with closing(score_shards(parts, session.overlap)) as scored:
            for shard in shards:
                if stopped():
                    return
                statistics = next(scored).statistics()
                check_finite(statistics, session, shard)
                yield Scored(shard, statistics, statistics.pack())
