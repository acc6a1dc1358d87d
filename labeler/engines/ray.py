"""Many processes and machines through Ray Core: an actor a core or GPU, each with the model.

Ray moves calls and their results; which shard goes where, and again after a death, is decided in
`dispatch`. An actor is a serial engine: it loads the model once and is sent shard ids.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from labeler.config import Settings
from labeler.corpus import Corpus, Shard
from labeler.engines.dispatch import Call, Dispatch, Lost, Stopped, Worker
from labeler.engines.engine import Done, Pass
from labeler.engines.identity import check_identity, identity
from labeler.engines.serial import Serial
from labeler.engines.texts import Places, laid_out
from labeler.engines.threads import cores, limited
from labeler.errors import EngineError, LabelerError
from labeler.progress import Progress
from labeler.session import Session

MISSING = "--engine ray needs Ray; install it with: pip install 'head-labeler[ray]'"


def load_ray() -> Any:
    """The module; EngineError with the command that installs it where it is not there."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent to anybody
    try:
        import ray
    except ImportError as error:
        raise EngineError(MISSING) from error
    return ray


@dataclass(frozen=True, eq=False)
class Asked:
    """What every actor is told when it starts. `sample` is what the vocabulary is resolved on."""

    what: Pass
    settings: Settings
    sample: Corpus
    places: Places
    identity: dict[str, str]


class Actor:
    """One process with the model in it."""

    def start(self, asked: Asked, texts: Any) -> str:
        """Load everything and compare it with the driver's; the name of the machine."""
        self.asked, self.texts = asked, texts
        with limited(asked.settings.threads or 1):
            self.session = Session(asked.settings, corpus=asked.sample)
            own = identity(self.session)
        check_identity(own, asked.identity, platform.node())
        return platform.node()

    def answer(self, shard: str) -> bytes:
        """What a shard comes to."""
        with limited(self.asked.settings.threads or 1):
            own = self.asked.places.shard(self.texts, shard)
            return Serial(self.session).one(self.asked.what, own)


class Cluster:
    """The engine: a Ray cluster, or this machine's cores and GPUs where no address is given."""

    def __init__(self, session: Session, progress: Progress) -> None:
        self.session, self.progress = session, progress
        self.ray = load_ray()

    def map(
        self, what: Pass, shards: Sequence[Shard], stopped: Stopped
    ) -> Generator[Done, None, None]:
        """Each shard when it is done; EngineError for one lost in three attempts."""
        by_id = {shard.id: shard for shard in shards}
        with _connected(self.ray, self.session.settings.address):
            pool = _Pool(self.ray, self._asked(what, shards), self.session.settings)
            dispatch = Dispatch([*by_id], pool, self.progress.note)
            try:
                for name, packed in dispatch.results(pool.size, stopped):
                    yield Done(by_id[name], packed)
            finally:
                pool.close()

    def _asked(self, what: Pass, shards: Sequence[Shard]) -> tuple[Asked, Any]:
        session = self.session
        texts, places = laid_out(shards)
        model = session.settings.model
        if Path(model).exists():
            model = str(Path(model).resolve())
        settings = replace(session.settings, model=model, prompts=(), corpus="-")
        asked = Asked(what, settings, session.sample, places, identity(session))
        return asked, self.ray.put(texts)


class _Pool:
    """Ray actors, as `dispatch` wants them."""

    def __init__(self, ray: Any, asked: tuple[Asked, Any], settings: Settings) -> None:
        self.ray, self.texts = ray, asked[1]
        self.hired: dict[Any, None] = {}
        threads = settings.threads or 1
        free = ray.cluster_resources()
        gpus = int(free.get("GPU", 0)) if settings.device.startswith(("auto", "cuda")) else 0
        here = max(gpus or int(free.get("CPU", 1)) // threads, 1)
        self.size = min(settings.workers or here, here)
        device = ("cuda" if gpus else "cpu") if settings.device != "mps" else "mps"
        own = replace(asked[0].settings, device=device)
        self.asked = ray.put(replace(asked[0], settings=own))
        needs = {"num_gpus": 1} if gpus else {"num_cpus": threads}
        self.kind = ray.remote(**needs, max_restarts=0, max_task_retries=0)(Actor)

    def hire(self) -> tuple[Worker, Call]:
        """An actor, pending until the cluster has room for it."""
        actor = self.kind.remote()
        self.hired[actor] = None
        return actor, actor.start.remote(self.asked, self.texts)

    def assign(self, worker: Worker, shard: str) -> Call:
        """Send a shard's id."""
        return worker.answer.remote(shard)

    def wait(self, calls: Sequence[Call], seconds: float) -> Sequence[Call]:
        """All calls that are done by the time that one is."""
        done, _ = self.ray.wait(list(calls), num_returns=1, timeout=seconds, fetch_local=False)
        if done and len(calls) > 1:
            done, _ = self.ray.wait(
                list(calls), num_returns=len(calls), timeout=0, fetch_local=False
            )
        return done

    def result(self, call: Call) -> Any:
        """What an actor gave. A death, a lost object and any error but the user's are Lost."""
        try:
            return self.ray.get(call)
        except self.ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, LabelerError):
                raise error.cause from None
            raise Lost(_line(error.cause)) from error
        except self.ray.exceptions.RayError as error:
            raise Lost(_line(error)) from error

    def dismiss(self, worker: Worker) -> None:
        """Kill an actor, which may be dead or cut off."""
        self.hired.pop(worker, None)
        self.ray.kill(worker)

    def close(self) -> None:
        """Kill all actors: another run may want their place."""
        for actor in list(self.hired):
            self.dismiss(actor)


def _line(error: BaseException) -> str:
    """The first line of an error of Ray's, which may run to pages, and its kind."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:160]}" if lines else type(error).__name__


@contextmanager
def _connected(ray: Any, address: str | None) -> Iterator[None]:
    """A cluster to work on; one that the caller is connected to already is used, and left so."""
    if ray.is_initialized():
        yield
        return
    quiet = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": False}
    own = {"num_cpus": cores(), "include_dashboard": False} if address is None else {}
    try:
        ray.init(address=address or "local", **own, **quiet)
    except Exception as error:
        where = f"the Ray cluster at {address}" if address else "Ray on this machine"
        raise EngineError(f"{where} cannot be used ({_line(error)})") from error
    try:
        yield
    finally:
        ray.shutdown()
