"""Shards in any order give the bits of shards in order; what waits, waits on disk."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from labeler.corpus import Prompt, Shard
from labeler.engines.engine import Done
from labeler.engines.fold import Fold
from labeler.engines.store import Store
from labeler.errors import RunFolderError
from labeler.progress import Silent
from labeler.statistics import Statistics

SHARDS = tuple(Shard(f"{n:032x}", n % 2, (Prompt(str(n), str(n)),)) for n in range(4))
# Sums that depend on their order in double precision: 1e16 + 1 is 1e16.
VALUES = (1e16, 1.0, -1e16, 1.0)


class Noting(Silent):
    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, text: str) -> None:
        self.said.append(text)


def scored(n: int) -> Done:
    return Done(SHARDS[n], Statistics({"tokens": np.array([VALUES[n]])}).pack())


def folding(out: Path, shards: tuple[Shard, ...] = SHARDS, n_folds: int = 1) -> Fold:
    same = tuple(Shard(shard.id, shard.fold % n_folds, shard.prompts) for shard in shards)
    empty = [Statistics({"tokens": np.zeros(1)}) for _ in range(n_folds)]
    return Fold(same, empty, Store(out))


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_any_order_gives_the_sum_in_shard_order(order: tuple[int, ...], tmp_path: Path):
    fold = folding(tmp_path)
    assert fold.begin(Silent()) == list(fold.shards)
    for n in order:
        fold.add(Done(fold.shards[n], scored(n).packed))
    assert fold.turn == 4
    assert fold.folds[0]["tokens"].tolist() == [((1e16 + 1.0) - 1e16) + 1.0]


def test_what_is_done_is_read_and_the_rest_is_missing(tmp_path: Path):
    before = folding(tmp_path, n_folds=2)
    before.add(scored(2))
    before.add(scored(0))
    fold = folding(tmp_path, n_folds=2)
    assert [shard.id for shard in fold.begin(Silent())] == [SHARDS[1].id, SHARDS[3].id]
    assert fold.turn == 1  # the third waits for the second
    for n in (3, 1):
        fold.add(scored(n))
    assert [part["tokens"].tolist() for part in fold.folds] == [[0.0], [2.0]]


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied", "foreign"])
def test_a_damaged_shard_is_scored_again_and_named(damage: str, tmp_path: Path):
    folding(tmp_path).add(scored(0))
    path = Store(tmp_path).path(SHARDS[0])
    raw = path.read_bytes()
    path.write_bytes(
        {
            "cut": raw[:-3],
            "flipped": raw[:-1] + bytes([raw[-1] ^ 1]),
            "emptied": b"",
            "foreign": b"PK\x03\x04 not ours",
        }[damage]
    )
    noting = Noting()
    fold = folding(tmp_path)
    assert SHARDS[0].id in [shard.id for shard in fold.begin(noting)]
    [said] = noting.said
    assert path.name in said
    fold.add(scored(0))
    assert path.read_bytes() == raw


def test_damage_while_the_run_goes_on_is_an_error(tmp_path: Path):
    fold = folding(tmp_path)
    fold.add(scored(1))
    Store(tmp_path).path(SHARDS[1]).write_bytes(b"")
    with pytest.raises(RunFolderError, match="damaged while the run went on; --resume"):
        fold.add(scored(0))
