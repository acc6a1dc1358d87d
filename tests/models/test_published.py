"""What is published about GPT-2 small, where its weights can be had: `LABELER_GPT2`, or the hub.

Previous-token heads 2.2 and 4.11, duplicate-token heads 0.1, 0.10 and 3.0, induction heads 5.5 and
6.9 with the weaker 5.8 and 5.9, copy suppression 10.7 (Wang et al. 2022, arXiv 2211.00593;
McDougall et al. 2023, arXiv 2310.04625). Bounds are ranks among the 144 heads, set before any of
them was measured.
"""

from __future__ import annotations

import os
from functools import partial

import pytest
import torch
from torch import Tensor

from labeler import Run, label
from labeler.errors import ModelError
from labeler.model import LanguageModel, load_model

pytestmark = pytest.mark.slow
NAME = os.environ.get("LABELER_GPT2", "gpt2")
SEQUENCES, LENGTH = 8, 48


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    try:
        return load_model(NAME, "cpu")
    except ModelError as error:
        pytest.skip(f"no weights of GPT-2 small: {error}")


@pytest.fixture(scope="module")
def run(model: LanguageModel, tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("gpt2") / "run"
    return label(NAME, out=out, max_prompts=320, reinitialised=False, device="cpu")


@pytest.fixture(scope="module")
def earlier_copy(model: LanguageModel) -> dict[str, float]:
    """Attention to the earlier copy of the query's own token, over random tokens said twice."""
    generator = torch.Generator().manual_seed(0)
    once = torch.randint(1000, 50_000, (SEQUENCES, LENGTH), generator=generator)
    tokens = torch.cat([torch.full((SEQUENCES, 1), model.bos), once, once], dim=1)
    mass: dict[str, float] = {}

    def keep(layer: int, pattern: Tensor) -> None:
        query = torch.arange(LENGTH + 1, 2 * LENGTH + 1)
        found = pattern[:, :, query, query - LENGTH].mean(dim=(0, 2))
        mass.update({f"L{layer}H{head}": float(x) for head, x in enumerate(found)})

    layers = range(model.shape.n_layers)
    model.read(tokens, {f"blocks.{i}.attn.hook_pattern": partial(keep, i) for i in layers})
    return mass


def first(figures: dict[str, float], count: int) -> set[str]:
    return set(sorted(figures, key=lambda name: -figures[name])[:count])


def test_previous_token_heads_say_so(run: Run):
    labels = run.heads.set_index("name").label
    for name in ("L2H2", "L4H11"):
        assert labels[name].startswith("Attends"), labels[name]
        rows = run.predictions
        own = rows[(rows.name == name) & rows.selected.astype(bool) & (rows.query_class == "")]
        assert own.sort_values("order").prediction.iloc[0] == "previous token"


def test_duplicate_token_heads_attend_to_the_earlier_copy(earlier_copy: dict[str, float]):
    assert {"L0H1", "L0H10", "L3H0"} <= first(earlier_copy, 12)


def test_induction_heads_are_those_that_are_known(run: Run):
    figures = dict(zip(run.heads.name, run.heads.induction.astype(float), strict=True))
    assert {"L5H5", "L6H9"} <= first(figures, 8)
    assert {"L5H8", "L5H9"} <= first(figures, 30)


def test_copy_suppression_is_not_taken_for_a_relation(run: Run):
    """10.7 attends to whatever the model is about to repeat: that is no relation of the text."""
    row = run.heads.set_index("name").loc["L10H7"]
    assert row.confidence in ("unlabelled", "weak")
