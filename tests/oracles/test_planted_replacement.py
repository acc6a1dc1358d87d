"""Labels run in the place of heads that are known: right ones lose nothing, wrong ones all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pytest
import torch

from heuristics.registry import load_heuristics
from labeler.annotate import ParseCache, annotate
from labeler.campaign import Campaign, controls
from labeler.corpus import read_corpus
from labeler.engines.threads import limited
from labeler.losses import COSTLY, FRACTIONS, Verified
from labeler.model import LanguageModel
from labeler.pipeline import Pipeline
from labeler.predict import Rules
from labeler.prepare import Prepared, build_vocabulary, prepare
from labeler.profiles import Profiles
from labeler.progress import Silent
from labeler.score import score_shard
from labeler.stand_ins import StandIns

from .build import build_induction
from .labelling import attention_of, only_patterns
from .prompts import prompts

RIGHT = {
    "L0H0": "previous token",
    "L0H1": "",
    "L1H0": "after duplicate token",
    "L1H1": "start of text",
}
VAGUE = RIGHT | {"L0H0": "nearby (32)", "L1H0": "nearby (32)"}
"""Wrong, and as blunt as uniform attention, against which a label is measured."""
SHARP = RIGHT | {"L0H0": "four tokens back", "L1H0": "current token"}
"""Wrong, and sure of it: the induction head copies what does not follow."""
RELATIONS = tuple(sorted({*RIGHT.values(), *VAGUE.values(), *SHARP.values()} - {""}))
NEEDED = ("L0H0", "L1H0")
"""The induction pair; the other two write nothing that is read."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("induction")
    build_induction(folder)
    return attention_of(folder)


@pytest.fixture(scope="module")
def texts(model: LanguageModel, tmp_path_factory: pytest.TempPathFactory) -> list[Prepared]:
    """Stories told twice over: what an induction head is for.

    A word that is said once stands first, for "the previous token" leaves BOS out.
    """
    told = [f"But {text} {text}" for text in prompts(16)]
    cache = ParseCache(Pipeline("embedded"), tmp_path_factory.mktemp("parses"))
    found = annotate(read_corpus(told).prompts, model, cache, model.shape.n_ctx, "cut")
    vocabulary = build_vocabulary(load_heuristics(only=RELATIONS), found)
    return [prepare(text, vocabulary, (None,)) for text in found]


def _rules(said: Mapping[str, str], model: LanguageModel, n_classes: int) -> list[Rules]:
    """Labels that give all attention to one relation wherever it has a target."""
    names = sorted(RELATIONS)
    rules = []
    for layer in range(model.shape.n_layers):
        weight = np.zeros((model.shape.n_heads, n_classes, len(names)))
        for head in range(model.shape.n_heads):
            if relation := said[f"L{layer}H{head}"]:
                weight[head, :, names.index(relation)] = 1.0
        rules.append(Rules(np.arange(len(names)), weight))
    return rules


def _verified(
    model: LanguageModel, texts: Sequence[Prepared], said: Mapping[str, str], workers: int = 1
) -> Verified:
    choosing, judging = texts[:4], texts[4:]
    n_classes = int(max(item.classes.max() for item in texts)) + 1
    vocabulary = build_vocabulary(load_heuristics(only=RELATIONS), [item.text for item in texts])
    with only_patterns(model):
        statistics = score_shard(choosing, model, vocabulary)
    rules = _rules(said, model, n_classes)
    stand_ins = StandIns(
        shape=model.shape,
        rules={"label": rules, "dense": rules, **controls(rules, len(RELATIONS), 0)},
        profiles=Profiles.of([statistics], model.shape),
        mean=[],
    )
    prepared = {item.id: item for item in texts}
    first, rest = ([item.text for item in items] for items in (choosing, judging))
    campaign = Campaign(
        model, stand_ins, lambda text: prepared[text.id], first, rest, 256, Silent()
    )
    campaign.workers = workers
    return campaign.run()


@pytest.fixture(scope="module")
def right(model: LanguageModel, texts: list[Prepared]) -> Verified:
    return _verified(model, texts, RIGHT)


@pytest.fixture(scope="module")
def vague(model: LanguageModel, texts: list[Prepared]) -> Verified:
    return _verified(model, texts, VAGUE)


@pytest.fixture(scope="module")
def sharp(model: LanguageModel, texts: list[Prepared]) -> Verified:
    return _verified(model, texts, SHARP)


def test_several_processes_find_what_one_does(model: LanguageModel, texts: list[Prepared]) -> None:
    # One thread everywhere, so that sums are grouped alike and the bits can be compared.
    with limited(1):
        found = [_verified(model, texts, VAGUE, workers) for workers in (1, 3)]
    one, many = found
    assert list(many.rows()) == list(one.rows())
    assert many.costly == one.costly
    assert len(one.costly) == COSTLY * len(RIGHT)
    assert many.order == one.order


def _heads(found: Verified) -> pd.DataFrame:
    return pd.DataFrame(list(found.heads())).set_index("name")


@pytest.mark.parametrize("name", NEEDED)
def test_the_right_label_recovers_what_the_head_does(right: Verified, name: str) -> None:
    assert _heads(right).loc[name, "recovered"] >= 0.98


@pytest.mark.parametrize("name", NEEDED)
def test_a_wrong_label_recovers_nothing(vague: Verified, sharp: Verified, name: str) -> None:
    assert _heads(vague).loc[name, "recovered"] == pytest.approx(0, abs=0.05)
    assert _heads(sharp).loc[name, "recovered"] < 0


def test_heads_that_write_nothing_read_are_inert(right: Verified) -> None:
    heads = _heads(right)
    assert heads["inert"].to_dict() == {name: name not in NEEDED for name in RIGHT}
    assert heads.loc[~heads.index.isin(NEEDED), "recovered"].isna().all()


def test_with_all_heads_replaced_only_the_right_labels_keep_the_loss(
    right: Verified, vague: Verified
) -> None:
    whole = right.curve()[FRACTIONS.index(1.0)]
    assert whole["label"] == pytest.approx(0, abs=0.03)
    # Uniform attention predicts no repetition: the losses here are e^0.8 and more apart.
    for condition in ("uniform", "distance_profile", "zero"):
        assert whole[condition] > 1
    assert vague.curve()[FRACTIONS.index(1.0)]["label"] > 1


def test_wrong_labels_and_divergence_are_told_apart(right: Verified) -> None:
    rows = pd.DataFrame(list(right.rows()))
    heads = rows[rows["scope"] == "head"].set_index(["name", "condition"])
    for name in NEEDED:
        assert heads.loc[(name, "label"), "kl"] < 0.02
        for control in ("other_label", "shuffled_label"):
            assert heads.loc[(name, control), "rise"] > 1
    # L0H1's label names no key anywhere, so it speaks about no query.
    assert np.isnan(heads.loc[("L0H1", "label"), "kl"])
