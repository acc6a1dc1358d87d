"""One shard after another in this process, the text of the next one read meanwhile."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from labeler.corpus import Shard
from labeler.engines.engine import Stopped
from labeler.score import Scorer, score_shards
from labeler.statistics import Statistics

if TYPE_CHECKING:
    from labeler.run import Session


class Serial:
    """The engine of one process; a worker of the others runs it too."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def map(
        self, shards: Sequence[Shard], stopped: Stopped
    ) -> Generator[tuple[Shard, Statistics], None, None]:
        """Each shard with its statistics, in the order given."""
        session = self.session
        parts = ((Scorer(session.model, session.vocabulary), session.batches(s)) for s in shards)
        with closing(score_shards(parts)) as scored:
            for shard in shards:
                if stopped():
                    return
                yield shard, next(scored).statistics()
