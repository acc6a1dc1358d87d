"""One shard after another in this process; beside a GPU, the text of the next batch is read."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing

from labeler.corpus import Shard
from labeler.engines.dispatch import Stopped
from labeler.engines.engine import Done, Pass
from labeler.session import Session


class Serial:
    """The engine of one process; the workers of the others run it too."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def map(
        self, what: Pass, shards: Sequence[Shard], stopped: Stopped
    ) -> Generator[Done, None, None]:
        """Each shard in the order given."""
        with closing(what.over(self.session, shards)) as found:
            for shard in shards:
                if stopped():
                    return
                yield Done(shard, next(found))

    def one(self, what: Pass, shard: Shard) -> bytes:
        """What a single shard comes to."""
        return next(self.map(what, [shard], lambda: False)).packed
