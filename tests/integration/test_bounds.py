"""The options that bound memory and shards: what they leave out, and what a resumed run may change."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from labeler.errors import RunFolderError
from labeler.results import RunFolder
from labeler.run import run_labels
from labeler.session import Session
from labeler.statistics import Statistics
from tests.torture.small import asked, contents, small_run


def shards(out: Path) -> list[Statistics]:
    return [Statistics.unpack(path.read_bytes()) for path in (out / "statistics").glob("*.bin")]


def top(run: Path) -> pd.Series:
    """How many of the strongest activations are shown, by neuron."""
    rows = RunFolder(run).evidence_neurons
    return rows[rows["kind"].eq("top")].groupby("name").size()


def test_frequent_tokens_bound_the_columns_and_the_bytes_of_a_shard(made: Path, tmp_path: Path):
    settings = asked(made, tmp_path, frequent_tokens=4)
    run_labels(settings)
    before = Session(small_run(made)).vocabulary.neurons
    now = Session(settings).vocabulary.neurons
    # 4 tokens, half as many one back, three quarters as words so far, a quarter as words before.
    sizes = [len(family) for family in now.families]
    assert sizes[:2] == [4, 2]
    assert sizes[2] <= 3
    assert sizes[3] <= 1
    assert now.tokens == before.tokens[:4]
    n_neurons = 8
    wanted = (len(before) - sum(len(family) for family in before.families) + sum(sizes), n_neurons)
    for statistics in shards(settings.out):
        assert statistics["predictor_moment"].shape == wanted
    bytes_of = {
        out: sum(path.stat().st_size for path in (out / "statistics").glob("*.bin"))
        for out in (made / "out", settings.out)
    }
    assert bytes_of[settings.out] < bytes_of[made / "out"]


def test_a_run_is_not_gone_on_with_under_another_number_of_tokens(made: Path, tmp_path: Path):
    settings = asked(made, tmp_path)
    run_labels(settings)
    before = contents(settings.out)
    with pytest.raises(RunFolderError, match=r"begun with another frequent_tokens.*--overwrite"):
        run_labels(asked(made, tmp_path, resume=True, frequent_tokens=255))
    assert contents(settings.out) == before


def test_without_frequent_tokens_no_label_names_one(made: Path, tmp_path: Path):
    settings = asked(made, tmp_path, frequent_tokens=0, reinitialised=True)
    run = run_labels(settings)
    assert [len(family) for family in Session(settings).vocabulary.neurons.families] == [0] * 4
    assert len(run.neurons) == 8
    assert not run.neurons["kind"].eq("token detector").any()
    assert not run.predictions["prediction"].str.contains('"').any()


def test_evidence_is_bounded_and_may_be_bounded_later(made: Path, tmp_path: Path):
    """Shards do not depend on it: who runs out of memory after scoring resumes with less."""
    bounded = {"top_activations": 1, "reservoir_tokens": 20}
    undisturbed = small_run(made, out=tmp_path / "undisturbed", **bounded)
    run_labels(undisturbed)
    assert set(top(made / "out")) == {3}
    assert set(top(undisturbed.out)) == {1}
    # A histogram of the reservoir counts each of its tokens once.
    assert {int(sum(row)) for row in RunFolder(undisturbed.out).neurons["counts"]} == {20}
    run_labels(asked(made, tmp_path))
    run_labels(asked(made, tmp_path, resume=True, **bounded))
    assert contents(tmp_path / "run") == contents(undisturbed.out)


def test_no_strongest_activation_need_be_kept(made: Path, tmp_path: Path):
    settings = asked(made, tmp_path, top_activations=0)
    run_labels(settings)
    assert len(top(settings.out)) == 0
