"""What an engine is: it maps shards to statistics. In which order they come is its own affair."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Protocol

from labeler.corpus import Shard
from labeler.statistics import Statistics

Stopped = Callable[[], bool]
"""Whether no further shard is to be begun."""


class Engine(Protocol):
    """Scores shards; the same shard gives the same bits on every engine and in every order."""

    def map(
        self, shards: Sequence[Shard], stopped: Stopped
    ) -> Generator[tuple[Shard, Statistics], None, None]:
        """Each shard with its statistics, once it is done; those begun are ended when stopped."""
