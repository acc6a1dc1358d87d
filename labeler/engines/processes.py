"""A process a core, each a copy of this one: how a model on the CPU is scored."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from labeler.corpus import Shard
from labeler.engines.engine import Scored, Stopped
from labeler.engines.forked import forked
from labeler.engines.serial import Serial
from labeler.progress import Progress
from labeler.session import Session
from labeler.statistics import Statistics


class Processes:
    """The engine: a serial one in each of `workers` copies."""

    def __init__(self, session: Session, progress: Progress, workers: int) -> None:
        self.session, self.progress, self.workers = session, progress, workers

    def map(self, shards: Sequence[Shard], stopped: Stopped) -> Generator[Scored, None, None]:
        """Each shard when it is done; EngineError for one lost in three attempts."""
        by_id = {shard.id: shard for shard in shards}
        serial = Serial(self.session)

        def score(name: str) -> bytes:
            return next(serial.map([by_id[name]], lambda: False)).packed

        threads = self.session.settings.threads or 1
        scored = forked(score, [*by_id], self.workers, self.progress.note, stopped, threads=threads)
        for name, packed in scored:
            yield Scored(by_id[name], Statistics.unpack(packed), packed)
