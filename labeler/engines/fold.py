"""Statistics of all shards, added up in the order of the shards whatever the order they come in."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from labeler.corpus import Shard
from labeler.engines.engine import Done
from labeler.engines.running import Room, taken_through
from labeler.engines.scoring import Scoring
from labeler.engines.store import Store
from labeler.errors import RunFolderError
from labeler.progress import Progress
from labeler.score import Size
from labeler.session import Session
from labeler.statistics import Statistics

COPIES = 3
"""Of a shard's statistics, that a process holds at its peak: as summed, as rounded, as packed."""


def fold_statistics(session: Session, progress: Progress) -> list[Statistics]:
    """Statistics by fold; finished shards are read where a run, or an earlier try, left them.

    Raises KeyboardInterrupt once the shards in work are kept, where the user asked to stop.
    """
    size = Size.of(session.model.shape, session.vocabulary)
    progress.stage("score", len(session.corpus), "prompts")
    folds = [Statistics(size.zeros()) for _ in range(max(session.n_folds, 1))]
    fold = Fold(session.shards, folds, Store(session.settings.out / "statistics"))
    missing = fold.begin(progress)
    own = sum(array.nbytes for array in folds[0].arrays.values())
    room = Room(COPIES * own, beside=len(folds) * own)
    with closing(taken_through(Scoring(), missing, session, progress, room)) as found:
        for done in found:
            fold.add(done)
            progress.advance(len(done.shard.prompts))
    return fold.folds


class Fold:
    """Adds shards in their order. One that comes early waits on disk, so memory stays flat."""

    def __init__(self, shards: Sequence[Shard], folds: list[Statistics], store: Store) -> None:
        self.shards, self.folds, self.store = shards, folds, store
        self.turn = 0
        self.early: set[str] = set()

    def begin(self, progress: Progress) -> list[Shard]:
        """Add what an earlier try left; the shards that are still to be scored."""
        missing: list[Shard] = []
        for shard in self.shards:
            statistics = self.store.read(shard)
            if statistics is not None:
                self._take(shard, statistics)
                progress.advance(len(shard.prompts))
                continue
            missing.append(shard)
            if self.store.path(shard).exists():
                progress.note(f"{self.store.path(shard)} is damaged; that shard is scored again")
        return missing

    def add(self, done: Done) -> None:
        """Keep a scored shard, and add it and those that waited for it when it is its turn."""
        self.store.write(done)
        self._take(done.shard, Statistics.unpack(done.packed))

    def _take(self, shard: Shard, statistics: Statistics) -> None:
        if shard.id != self.shards[self.turn].id:
            self.early.add(shard.id)
            return
        self._sum(shard, statistics)
        while self.turn < len(self.shards) and self.shards[self.turn].id in self.early:
            waited = self.shards[self.turn]
            kept = self.store.read(waited)
            if kept is None:
                raise RunFolderError(
                    f"{self.store.path(waited)} was damaged while the run went on; --resume scores "
                    "that shard again"
                )
            self._sum(waited, kept)

    def _sum(self, shard: Shard, statistics: Statistics) -> None:
        self.folds[shard.fold] = self.folds[shard.fold] + statistics
        self.turn += 1
