"""Statistics of finished shards on disk: a file a shard, whole or not there."""

from __future__ import annotations

from pathlib import Path

from labeler.corpus import Shard
from labeler.engines.engine import Scored
from labeler.errors import RunFolderError
from labeler.results import write_atomic
from labeler.statistics import Statistics


class Store:
    """`statistics/` of a run folder; what is damaged in it counts as not done."""

    def __init__(self, out: Path) -> None:
        self.folder = out / "statistics"

    def path(self, shard: Shard) -> Path:
        """Where a shard's statistics are."""
        return self.folder / f"{shard.id}.bin"

    def write(self, scored: Scored) -> None:
        """Keep a shard; RunFolderError where the disk does not take it."""
        write_atomic(self.path(scored.shard), scored.packed)

    def read(self, shard: Shard) -> Statistics | None:
        """A finished shard; None if it is not done, or not as it was written."""
        path = self.path(shard)
        try:
            return Statistics.unpack(path.read_bytes())
        except (FileNotFoundError, RunFolderError):
            return None
        except OSError as error:
            raise RunFolderError(
                f"{path} cannot be read: {error.strerror}; mend that, or remove the file"
            ) from error
