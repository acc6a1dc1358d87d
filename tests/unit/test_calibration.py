"""What the calibration campaign takes for the truth, and what it takes for random weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from benchmarks.calibration import ARCHITECTURES, random_model, summed_up
from benchmarks.coverage import Intervals, Labelled, drawn, intervals, true_shares
from labeler.config import Settings
from labeler.corpus import Corpus, read_corpus
from labeler.results import open_run
from labeler.run import run_labels
from labeler.session import Session
from labeler.statistics import Statistics, merge, split_folds


@pytest.fixture(scope="module")
def stories() -> Corpus:
    return read_corpus("stories")


@pytest.fixture(scope="module")
def labelled(stories: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Labelled:
    out = tmp_path_factory.mktemp("calibration") / "run"
    own = drawn(stories, 40, seed=0)
    settings = Settings(prompts=own, max_tokens=64, out=out, reinitialised=False)
    run = open_run(run_labels(settings).path)
    return Labelled(Session(settings), run)


def choosing(labelled: Labelled) -> Statistics:
    return merge(labelled.folds[i] for i in split_folds(len(labelled.folds))[0])


def own_texts(labelled: Labelled) -> set[str]:
    return {prompt.text for prompt in labelled.session.corpus.prompts}


def of_texts(corpus: Corpus, texts: set[str]) -> Corpus:
    return replace(corpus, prompts=tuple(p for p in corpus.prompts if p.text in texts))


def test_of_a_runs_own_prompts_the_truth_is_what_it_printed(
    labelled: Labelled, stories: Corpus
) -> None:
    """Those that it was chosen on left out, they are those that judged it."""
    found = intervals(labelled, of_texts(stories, own_texts(labelled)))
    assert set(found) == {"R² of heads", "shares", "lifts", "R² of neurons"}
    for kind in ("R² of heads", "lifts", "R² of neurons"):
        own = found[kind]
        assert len(own.printed) > 0, kind
        assert own.truth == pytest.approx(own.printed, rel=1e-4, abs=1e-5), kind
        assert own.room == 0.0  # a truth of the same prompts cannot be missed
    # Shares are of the prompts that chose: on these the truth is what was printed, before rounding.
    shares = labelled.said()["share"]
    truth = true_shares(labelled, choosing(labelled))
    assert [truth[said] for said in shares.index] == pytest.approx(shares.tolist(), abs=0.0051)
    assert len(shares) > 0


def test_of_other_prompts_it_is_not(labelled: Labelled, stories: Corpus) -> None:
    others = {prompt.text for prompt in stories.prompts[:30]}
    found = intervals(labelled, of_texts(stories, own_texts(labelled) | others))
    for kind, own in found.items():
        assert own.truth != pytest.approx(own.printed, abs=1e-3), kind
        assert own.room > 1 if kind == "shares" else own.room < 1


def test_an_interval_holds_what_is_within_it() -> None:
    printed, low, high = (np.array([value] * 3) for value in (0.2, 0.1, 0.3))
    own = Intervals(printed, low, high, np.array([0.11, 0.31, 0.2]))
    assert own.held.tolist() == [True, False, True]
    assert replace(own, room=0.5).held.tolist() == [False, False, True]
    # A share is no less than 0: what its interval loses there it has above.
    cut = Intervals(*(np.array([value]) for value in (0.05, 0.0, 0.15, 0.14)))
    assert cut.held.all()
    assert summed_up([own]) == (
        "66.7% of 3 intervals held the truth; figures were off by -0.0067 on average"
    )


def test_draws_hold_prompts_once_and_differ(stories: Corpus) -> None:
    first, second = (drawn(stories, 50, seed) for seed in (0, 1))
    assert len(set(first)) == len(set(second)) == 50
    assert set(first) != set(second)
    assert first == drawn(stories, 50, 0)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_random_weights_have_the_deviation_asked_for(architecture: str, tmp_path: Path) -> None:
    for deviation in (0.02, 1.0):
        folder = random_model(architecture, deviation, seed=0, folder=tmp_path / str(deviation))
        weights = load_file(folder / "model.safetensors")
        # GPT-2 draws what writes to the residual stream narrower, by the root of twice its layers.
        drawn_so = {name: w for name, w in weights.items() if w.dim() == 2 and "c_proj" not in name}
        assert len(drawn_so) > 4 * 2  # of four layers, at least what attention and MLP read with
        for name, weight in drawn_so.items():
            assert float(weight.std()) == pytest.approx(deviation, rel=0.05), name
