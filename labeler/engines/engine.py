"""What an engine is: it maps shards to statistics. In which order they come is its own affair."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

from labeler.corpus import Shard
from labeler.statistics import Statistics

Stopped = Callable[[], bool]
"""Whether no further shard is to be begun."""


@dataclass(frozen=True, eq=False)
class Scored:
    """A shard that is done: its statistics, and the bytes that keep them."""

    shard: Shard
    statistics: Statistics
    packed: bytes


class Engine(Protocol):
    """Scores shards; the same shard gives the same bits on every engine and in every order."""

    def map(self, shards: Sequence[Shard], stopped: Stopped) -> Generator[Scored, None, None]:
        """Each shard once it is done. After `stopped` none is begun; those in work are ended."""
