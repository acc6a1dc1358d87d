"""Statistics of all shards, added up in the order of the shards whatever the order they come in."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from labeler.corpus import Shard
from labeler.engines.engine import Engine
from labeler.engines.serial import Serial
from labeler.engines.store import Store
from labeler.errors import RunFolderError
from labeler.progress import Progress
from labeler.score import Size
from labeler.statistics import Statistics

if TYPE_CHECKING:
    from labeler.run import Session


def engine_of(session: Session) -> Engine:
    """The engine that the settings name."""
    return Serial(session)


def fold_statistics(session: Session, progress: Progress) -> list[Statistics]:
    """Statistics by fold; finished shards are read where a run, or an earlier try, left them."""
    size = Size.of(session.model.shape, session.vocabulary)
    progress.stage("score", len(session.corpus), "prompts")
    folds = [Statistics(size.zeros()) for _ in range(max(session.n_folds, 1))]
    fold = Fold(session.shards, folds, Store(session.settings.out))
    missing = fold.begin(progress)
    with closing(engine_of(session).map(missing, lambda: False)) as done:
        for shard, statistics in done:
            fold.add(shard, statistics)
            progress.advance(len(shard.prompts))
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
            if statistics is None:
                missing.append(shard)
                continue
            self._take(shard, statistics)
            progress.advance(len(shard.prompts))
        return missing

    def add(self, shard: Shard, statistics: Statistics) -> None:
        """Keep a scored shard, and add it and those that waited for it when it is its turn."""
        self.store.write(shard, statistics)
        self._take(shard, statistics)

    def _take(self, shard: Shard, statistics: Statistics) -> None:
        if shard is not self.shards[self.turn]:
            self.early.add(shard.id)
            return
        self._sum(shard, statistics)
        while self.turn < len(self.shards) and self.shards[self.turn].id in self.early:
            early = self.shards[self.turn]
            kept = self.store.read(early)
            if kept is None:
                raise RunFolderError(
                    f"{self.store.path(early)} was changed while the run went on; --resume scores "
                    "that shard again"
                )
            self._sum(early, kept)

    def _sum(self, shard: Shard, statistics: Statistics) -> None:
        self.folds[shard.fold] = self.folds[shard.fold] + statistics
        self.turn += 1
