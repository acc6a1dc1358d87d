"""Short prompts: a few predictions explain much of any pattern there, of random weights too."""

from __future__ import annotations

from pathlib import Path

import torch

from labeler import label
from labeler.run import Run

from .build import build_heads, random_model
from .prompts import prompts
from .random_models import Shape

SHAPE = Shape("gpt2", n_layers=2, n_heads=4, d_model=64, d_mlp=8, n_ctx=64)
N_PROMPTS, TOKENS = 200, 8


def _run(model: Path, reinitialised: bool = True) -> Run:
    torch.set_num_threads(1)
    given = {"max_tokens": TOKENS, "reinitialised": reinitialised, "engine": "serial"}
    out = model.with_name("run")
    return label(model, prompts(N_PROMPTS), out, device="cpu", threads=1, **given)


def test_random_weights_stay_unlabelled(tmp_path: Path) -> None:
    labelled, heads = [], 0
    for seed in (1, 2, 3):  # heads of one model are alike: of seed 0 three pass
        run = _run(random_model(tmp_path / str(seed) / "model", seed, SHAPE))
        floor = run.folder.run["figures"]["head_floor"]
        assert (run.heads["r2"] > 0.06).all()  # on long prompts that would be enough
        unlabelled = run.heads["confidence"] == "unlabelled"
        copies = "one head in fifty of re-initialised copies reaches"
        reached = f"{copies} {floor:g} on prompts so short"
        assert run.heads["label"][unlabelled].str.contains(reached, regex=False).all()
        said = f"{copies} R² {floor:g}, and a label must explain more."
        assert run.headline.endswith(f" On short prompts (8 tokens at the median) {said}")
        heads += len(run.heads)
        labelled += [f"{seed} {name}" for name in run.heads["name"][~unlabelled]]
    assert heads == 24
    assert len(labelled) <= 0.05 * heads, labelled


def test_planted_heads_keep_their_labels(tmp_path: Path) -> None:
    build_heads(tmp_path / "model")
    run = _run(tmp_path / "model")
    heads = run.heads.set_index("name")
    # All but the uniform head, and two of which too few of so short prompts have a target.
    labelled = set(heads.index[heads["confidence"] == "clear"])
    assert labelled == set(heads.index) - {"L0H3", "L2H0", "L2H2"}
    assert heads["label"]["L0H0"].startswith("Attends to the previous token where it can (")
    assert heads["label"]["L1H3"] == "Attends to the current token."


def test_without_copies_the_headline_warns(tmp_path: Path) -> None:
    run = _run(random_model(tmp_path / "model", 0, SHAPE), reinitialised=False)
    assert run.folder.run["figures"]["head_floor"] == 0.06
    assert (run.heads["confidence"] != "unlabelled").any()
    said = "heads of any model may pass, and no re-initialised copy was read."
    assert run.headline.endswith(f" On short prompts (8 tokens at the median) {said}")
