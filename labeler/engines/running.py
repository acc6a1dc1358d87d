"""The engine of a run, and shards taken through it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass

from labeler.corpus import Shard
from labeler.engines.engine import Done, Engine, Pass
from labeler.engines.processes import Processes
from labeler.engines.ray import Cluster
from labeler.engines.serial import Serial
from labeler.engines.stopping import stopping
from labeler.engines.threads import affordable, workers
from labeler.loading import WORKING
from labeler.progress import Progress
from labeler.session import Session


@dataclass(frozen=True)
class Room:
    """Bytes that a pass needs in every process, and those that this process holds beside."""

    each: int = 0
    beside: int = 0


def engine_of(session: Session, progress: Progress, room: Room) -> Engine:
    """The engine that the settings name, with as many processes as memory has room for."""
    settings = session.settings
    if settings.engine == "ray":
        return Cluster(session, progress)
    wanted = workers(settings)
    n = affordable(wanted, room.each + WORKING, beside=room.beside)
    if n < wanted:
        progress.note(f"memory has room for {n} of {wanted} processes")
    return Processes(session, progress, n) if n > 1 else Serial(session)


def taken_through(
    what: Pass, shards: Sequence[Shard], session: Session, progress: Progress, room: Room
) -> Generator[Done, None, None]:
    """Each shard when it is done; to be closed, since it listens for Ctrl-C.

    Raises KeyboardInterrupt where the user asked to stop, once the shards in work were given.
    """
    if not shards:
        return
    engine, given = engine_of(session, progress, room), 0
    with stopping(progress.note) as stopped, closing(engine.map(what, shards, stopped)) as found:
        for done in found:
            yield done
            given += 1
    if given < len(shards):
        raise KeyboardInterrupt
