"""What an engine is: it takes shards through a pass. In which order they come is its own affair."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

from labeler.corpus import Shard
from labeler.engines.dispatch import Stopped
from labeler.session import Session


class Pass(Protocol):
    """What is made of shards: for each the same bytes, wherever and beside whatever it is made.

    It is sent to other processes and machines, so it can be pickled.
    """

    def over(self, session: Session, shards: Sequence[Shard]) -> Generator[bytes, None, None]:
        """What each shard comes to, in their order; one may be begun before it is asked for."""


@dataclass(frozen=True, eq=False)
class Done:
    """A shard that is done, and the bytes that it came to."""

    shard: Shard
    packed: bytes


class Engine(Protocol):
    """Takes shards through a pass; a shard gives the same bits on every engine, in every order."""

    def map(
        self, what: Pass, shards: Sequence[Shard], stopped: Stopped
    ) -> Generator[Done, None, None]:
        """Each shard once it is done. After `stopped` none is begun; those in work are ended."""
