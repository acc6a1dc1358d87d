"""However a run is cut up, its figures are the same: by processes bit for bit, else but rounding."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from labeler import judge, judging
from labeler.engines import processes, running, threads
from labeler.engines.engine import Done
from labeler.engines.processes import Processes
from labeler.engines.serial import Serial
from labeler.engines.store import Store
from labeler.loading import WORKING
from labeler.measure import Measured, measure
from labeler.predict import Rules
from labeler.profiles import Profiles
from labeler.progress import Silent
from labeler.run import run_labels
from labeler.score import Size
from labeler.session import Session
from labeler.statistics import Statistics
from tests.oracles.prompts import prompts
from tests.torture.small import contents, small_run


def test_processes_agree_with_one_process_whatever_dies(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    options = {"threads": 1, "reinitialised": True, "choose_by": "effect"}
    one = run_labels(small_run(made, out=tmp_path / "serial", engine="serial", **options))
    many = small_run(made, out=tmp_path / "processes", engine="processes", workers=3, **options)
    assert contents(run_labels(many).path) == contents(one.path)

    class Dying(Serial):
        """The first process that scores anything is killed."""

        def map(self, *arguments):
            if not (tmp_path / "died").exists():
                (tmp_path / "died").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return super().map(*arguments)

    monkeypatch.setattr(processes, "Serial", Dying)
    again = small_run(made, out=tmp_path / "again", engine="processes", workers=2, **options)
    assert contents(run_labels(again).path) == contents(one.path)
    assert (tmp_path / "died").exists()


def test_texts_without_evidence_are_judged_by_processes_to_the_same_figures(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    options = {"threads": 1, "reinitialised": False}
    whole = run_labels(small_run(made, out=tmp_path / "whole", engine="serial", **options))
    here = os.getpid()
    measured = []

    def counted(texts, model, rules, profiles, watchers, hook, budget):
        measured.append((os.getpid() == here, bool(watchers), len(texts)))
        return measure(texts, model, rules, profiles, watchers, hook, budget)

    monkeypatch.setattr(judge, "EVIDENCE_PROMPTS", 3)
    monkeypatch.setattr(judging, "measure", counted)
    one = run_labels(small_run(made, out=tmp_path / "one", engine="serial", **options))
    assert sum(n for _, watched, n in measured if watched) == 3
    assert sum(n for _, watched, n in measured if not watched) > 3
    measured.clear()
    many = small_run(made, out=tmp_path / "many", engine="processes", workers=2, **options)
    assert contents(run_labels(many).path) == contents(one.path)
    assert {watched for _, watched, _ in measured} == {True}, "the others were measured elsewhere"
    figures = ["r2", "r2_low", "r2_high", "first_position_share"]
    np.testing.assert_allclose(one.heads[figures], whole.heads[figures], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("engine", ["serial", "processes"])
def test_judging_goes_on_where_it_was_stopped(
    engine: str, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """What judged shards were measured at is kept, and counts for the same labels alone."""
    monkeypatch.setattr(judge, "EVIDENCE_PROMPTS", 3)
    options = {"threads": 1, "reinitialised": False, "engine": engine, "workers": 2}
    whole = run_labels(small_run(made, out=tmp_path / "whole", **options))
    assert not (whole.path / "judged").exists(), "a finished run needs it no more"
    written = Store.write
    judged: list[str] = []

    def stopped(store: Store, done: Done) -> None:
        if store.folder.name == "judged" and len(judged) == 2:
            raise KeyboardInterrupt
        judged.extend([done.shard.id] if store.folder.name == "judged" else [])
        written(store, done)

    out = tmp_path / "stopped"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Store, "write", stopped)
        run_labels(small_run(made, out=out, **options))
    assert {path.stem for path in (out / "judged").iterdir()} == set(judged)
    measured: list[str] = []

    def counted(store: Store, done: Done) -> None:
        measured.append(done.shard.id)
        written(store, done)

    monkeypatch.setattr(Store, "write", counted)
    again = run_labels(small_run(made, out=out, resume=True, **options))
    assert measured
    assert not set(measured) & set(judged), "what was judged was not judged again"
    assert contents(again.path) == contents(whole.path)


def test_what_was_judged_counts_for_the_same_labels_alone(made: Path, tmp_path: Path):
    session = Session(small_run(made, out=tmp_path / "run"))
    shape, n_classes = session.model.shape, len(session.vocabulary.classes)
    rules = [Rules(np.array([0]), np.full((shape.n_heads, n_classes, 1), w)) for w in (0.5, 0.25)]
    folds = [Statistics(Size.of(shape, session.vocabulary).zeros())]
    profiles = Profiles.of(folds, shape)
    keys = [judging.Judging([rule], profiles, frozenset()).key for rule in rules]
    assert keys[0] != keys[1]
    assert keys[0] == judging.Judging([rules[0]], profiles, frozenset()).key
    done = Done(session.shards[0], Measured.empty(len(shape.heads)).statistics.pack())
    Store(tmp_path / "judged", keys[0]).write(done)
    assert Store(tmp_path / "judged", keys[0]).read(done.shard) is not None
    assert Store(tmp_path / "judged", keys[1]).read(done.shard) is None


def test_a_run_begun_by_processes_goes_on_in_one(made: Path, tmp_path: Path):
    out = tmp_path / "run"
    run = run_labels(small_run(made, out=out, engine="processes", workers=2))
    wanted = contents(run.path)
    shards = sorted((out / "statistics").iterdir())
    (out / "run.json").unlink()
    for path in shards[1:]:
        path.unlink()
    before = shards[0].stat().st_mtime_ns
    again = run_labels(small_run(made, out=out, engine="serial", resume=True))
    assert contents(again.path) == wanted
    assert shards[0].stat().st_mtime_ns == before
    assert json.loads((out / "run.json").read_text())["settings"]["engine"] == "serial"


def test_a_shuffled_corpus_in_other_shards_and_batches_has_the_same_labels(
    made: Path, tmp_path: Path
):
    texts = prompts(32)
    runs = {}
    for name, order, options in (
        ("as it was", texts, {}),
        ("otherwise", texts[::-1], {"prompts_per_shard": 5, "token_budget": 100}),
    ):
        corpus = tmp_path / f"{name}.txt"
        corpus.write_text("\n\n".join(order), encoding="utf-8")
        settings = small_run(made, corpus=str(corpus), out=tmp_path / name, **options)
        runs[name] = run_labels(settings)
    one, other = runs.values()
    for table in ("heads", "neurons"):
        first, second = getattr(one, table), getattr(other, table)
        assert len(first) == len(second) > 0
        for column in ("name", "label", "confidence"):
            assert list(first[column]) == list(second[column])
        for column in first.select_dtypes("number"):
            np.testing.assert_allclose(
                first[column], second[column], rtol=1e-5, atol=1e-5, err_msg=column
            )


@pytest.mark.parametrize(("spare", "kind"), [(1, Serial), (2, Processes), (100, Processes)])
def test_no_more_processes_than_memory_has_room_for(
    spare: int, kind: type, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    settings = small_run(made, out=tmp_path / "run", engine="processes", workers=4)
    session, progress = Session(settings), Told()
    folds = [Statistics(Size.of(session.model.shape, session.vocabulary).zeros())] * 3
    one = sum(array.nbytes for array in folds[0].arrays.values())
    free = 3 * one + spare * (3 * one + WORKING) + 1
    monkeypatch.setattr(threads, "free_memory", lambda _: free)
    engine = running.engine_of(session, progress, running.Room(3 * one, beside=3 * one))
    assert type(engine) is kind
    if isinstance(engine, Processes):
        assert engine.workers == min(spare, 4)
    assert progress.said == ([f"memory has room for {spare} of 4 processes"] if spare < 4 else [])


class Told(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, text: str) -> None:
        self.said.append(text)
