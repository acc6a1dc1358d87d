"""Labels chosen by effect: heads that are known keep their names, and random ones get none."""

from __future__ import annotations

from pathlib import Path

import torch

from labeler import label
from labeler.run import Run

from .build import build_induction, random_model
from .prompts import prompts


def _run(folder: Path, n: int, choose_by: str) -> Run:
    torch.set_num_threads(1)
    out = folder / choose_by
    return label(
        folder, prompts(n), out, device="cpu", reinitialised=False, choose_by=choose_by, threads=1
    )


def test_the_induction_pair_is_named_and_heads_that_write_nothing_keep_their_labels(
    tmp_path: Path,
) -> None:
    """What two heads write is not read: of them the pattern alone can speak."""
    build_induction(tmp_path)
    by_pattern, by_effect = (_run(tmp_path, 80, how) for how in ("pattern", "effect"))
    found = by_effect.heads.set_index("name")
    assert "previous token" in found.loc["L0H0", "label"]
    assert found.loc["L1H0", "gist"] == by_pattern.heads.set_index("name").loc["L1H0", "gist"]
    for name in ("L0H1", "L1H1"):
        assert found.loc[name, "label"] == by_pattern.heads.set_index("name").loc[name, "label"]
    assert (found["r2"].loc[["L0H0", "L1H0"]] > 0.9).all()


def test_heads_of_random_weights_stay_unlabelled(tmp_path: Path) -> None:
    run = _run(random_model(tmp_path, 0, "llama-gqa"), 160, "effect")
    assert len(run.heads) == 16
    assert (run.heads["confidence"] == "unlabelled").all()
