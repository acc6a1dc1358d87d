"""What finished shards came to, on disk: a file a shard, whole or not there."""

from __future__ import annotations

from pathlib import Path

from labeler.corpus import Shard
from labeler.engines.engine import Done
from labeler.errors import RunFolderError
from labeler.results import write_atomic
from labeler.statistics import Statistics


class Store:
    """A folder of a run with what one pass gave; what is damaged in it counts as not done.

    `key` is of what the pass depends on beside the run's plan: what was kept under another one is
    not done either.
    """

    def __init__(self, folder: Path, key: bytes = b"") -> None:
        self.folder, self.key = folder, key

    def path(self, shard: Shard) -> Path:
        """Where that of a shard is."""
        return self.folder / f"{shard.id}.bin"

    def write(self, done: Done) -> None:
        """Keep a shard; RunFolderError where the disk does not take it."""
        write_atomic(self.path(done.shard), self.key + done.packed)

    def read(self, shard: Shard) -> Statistics | None:
        """A finished shard; None if it is not done, or not as it was written."""
        path = self.path(shard)
        try:
            raw = path.read_bytes()
            return Statistics.unpack(raw[len(self.key) :]) if raw.startswith(self.key) else None
        except (FileNotFoundError, RunFolderError):
            return None
        except OSError as error:
            raise RunFolderError(
                f"{path} cannot be read: {error.strerror}; mend that, or remove the file"
            ) from error
