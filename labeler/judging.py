"""The second pass, over the judging shards: what printed labels are worth, shard by shard."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from heuristics.text import Text
from labeler.corpus import Shard
from labeler.engines.running import Room, taken_through
from labeler.engines.store import Store
from labeler.evidence import HeadEvidence, NeuronEvidence
from labeler.measure import Measured, measure
from labeler.predict import Rules
from labeler.profiles import Profiles
from labeler.progress import Progress
from labeler.score import ahead
from labeler.session import Session, judging_prompts
from labeler.statistics import Statistics, split_folds

FOLDER = "judged"
"""Of a run that is not finished: what shards were measured at."""


@dataclass(frozen=True, eq=False)
class Judging:
    """A `Pass` that measures labels on the texts of shards, but for those with some ids."""

    rules: Sequence[Rules]
    profiles: Profiles
    without: frozenset[str]

    @property
    def key(self) -> bytes:
        """A hash of what is measured, beside what the plan of a run fixes."""
        digest = hashlib.blake2b(digest_size=16)
        arrays = [array for rule in self.rules for array in (rule.relations, rule.weight)]
        for array in (*arrays, self.profiles.near.numpy(), self.profiles.first.numpy()):
            digest.update(repr((array.shape, array.dtype.str)).encode())
            digest.update(np.ascontiguousarray(array).data)
        digest.update("\0".join(sorted(self.without)).encode("utf-8", "surrogatepass"))
        return digest.digest()

    def over(self, session: Session, shards: Sequence[Shard]) -> Generator[bytes, None, None]:
        """Packed figures of each shard."""
        for shard in shards:
            texts = [text for text in session.texts(shard.prompts) if text.id not in self.without]
            found = Measured.empty(len(session.model.shape.heads))
            for part, _ in self.measured(session, texts):
                found += part
            yield found.statistics.pack()

    def measured(
        self,
        session: Session,
        texts: Sequence[Text],
        rows: HeadEvidence | None = None,
        neurons: NeuronEvidence | None = None,
    ) -> Iterator[tuple[Measured, int]]:
        """Some texts, batch by batch, with their number; evidence is shown every text."""
        budget, watchers = session.settings.token_budget, [rows] if rows else []
        with closing(ahead(session.prepared(texts), session.overlap)) as coming:
            for batch in coming:
                found = measure(
                    batch, session.model, self.rules, self.profiles, watchers, neurons, budget
                )
                yield found, len(batch)


def measured_by_fold(
    session: Session,
    rules: Sequence[Rules],
    profiles: Profiles,
    rows: HeadEvidence,
    neurons: NeuronEvidence,
    progress: Progress,
) -> list[Measured]:
    """What printed labels are worth, one entry a judging fold; fills the evidence.

    Texts that evidence is shown on are measured here. Shards with others go through the run's
    engine, and those that are done are read where a run left them; KeyboardInterrupt once the
    shards in work are kept, where the user asked to stop.
    """
    shards = list(judging_prompts(session))
    progress.stage("judge", sum(len(shard.prompts) for shard in shards), "prompts")
    judging = Judging(rules, profiles, frozenset(neurons.texts))
    _, folds, _, _ = split_folds(session.n_folds)
    by_fold = dict.fromkeys(folds, Measured.empty(len(session.model.shape.heads)))
    to_come = {shard.id: len(shard.prompts) for shard in shards}
    whole = 0
    for shard in shards:
        texts = session.texts(shard.prompts)
        inside = [text for text in texts if text.id in judging.without]
        for found, count in judging.measured(session, inside, rows, neurons):
            by_fold[shard.fold] += found
            progress.advance(count)
            to_come[shard.id] -= count
        if len(inside) < len(texts):
            break
        whole += 1
    rest = shards[whole:]
    store = Store(session.settings.out / FOLDER, judging.key)
    read = {shard.id: store.read(shard) for shard in rest}
    kept = {name: found for name, found in read.items() if found is not None}
    missing = [shard for shard in rest if shard.id not in kept]
    progress.advance(sum(to_come[name] for name in kept))
    with closing(taken_through(judging, missing, session, progress, Room())) as answers:
        for done in answers:
            store.write(done)
            kept[done.shard.id] = Statistics.unpack(done.packed)
            progress.advance(to_come[done.shard.id])
    for shard in rest:
        by_fold[shard.fold] += Measured.of(kept[shard.id])
    return [by_fold[fold] for fold in folds]
