"""A process a core, each a copy of this one: how a model on the CPU is run over shards."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from labeler.corpus import Shard
from labeler.engines.dispatch import Stopped
from labeler.engines.engine import Done, Pass
from labeler.engines.forked import forked
from labeler.engines.serial import Serial
from labeler.progress import Progress
from labeler.session import Session


class Processes:
    """The engine: a serial one in each of `workers` copies."""

    def __init__(self, session: Session, progress: Progress, workers: int) -> None:
        self.session, self.progress, self.workers = session, progress, workers

    def map(
        self, what: Pass, shards: Sequence[Shard], stopped: Stopped
    ) -> Generator[Done, None, None]:
        """Each shard when it is done; EngineError for one lost in three attempts."""
        by_id = {shard.id: shard for shard in shards}
        serial = Serial(self.session)

        def answer(name: str) -> bytes:
            return serial.one(what, by_id[name])

        threads = self.session.settings.threads or 1
        found = forked(answer, [*by_id], self.workers, self.progress.note, stopped, threads=threads)
        for name, packed in found:
            yield Done(by_id[name], packed)
