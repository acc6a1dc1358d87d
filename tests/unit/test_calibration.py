"""What the calibration campaign takes for the truth, and what it takes for random weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file

from benchmarks.calibration import ARCHITECTURES, drawn, random_model, true_r2
from labeler.config import Settings
from labeler.corpus import read_corpus
from labeler.results import open_run
from labeler.run import run_labels
from labeler.session import Session


def test_of_a_runs_own_prompts_the_truth_is_what_it_printed(tmp_path: Path) -> None:
    """Those that it was chosen on left out, they are those that judged it."""
    stories = read_corpus("stories")
    own = drawn(stories, 20, seed=0)
    settings = Settings(prompts=own, max_tokens=64, out=tmp_path / "run", reinitialised=False)
    run = open_run(run_labels(settings).path)
    session = Session(settings)
    same = replace(stories, prompts=tuple(p for p in stories.prompts if p.text in own))
    sure = (run.heads["confidence"] != "unlabelled").to_numpy()
    assert sure.any()
    printed = run.heads["r2"].to_numpy()[sure]
    assert true_r2(session, run, same)[sure] == pytest.approx(printed, abs=1e-5)
    others = replace(stories, prompts=stories.prompts[:20])
    assert true_r2(session, run, others)[sure] != pytest.approx(printed, abs=1e-3)


def test_draws_hold_prompts_once_and_differ() -> None:
    stories = read_corpus("stories")
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
