"""The labeler on models whose heads are known: every planted head is named, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from labeler import label
from labeler.run import Run

from .build import SHAPES, build_heads, build_induction, random_model
from .heads import CURRENT_BETA, FACTS, PREVIOUS_BETA
from .labelling import Texts, Verdict, attention_of, story_texts, verdicts
from .prompts import prompts
from .vocabulary import pieces

CLOSE = 0.02
N_PROMPTS = 320
N_TEXTS = 160
"""Ten prompts for each of sixteen folds: the fewest that give all of them."""
WHERE_ITSELF_COUNTS = {
    # The head looks to the pivot or comma that it stands on; "nearest" looks before the query.
    "nearest structural pivot": "latest structural pivot",
}


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("parses")


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The whole labeler, from prompts to tables, on the head oracle."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("oracle")
    build_heads(folder / "model")
    model, out = str(folder / "model"), folder / "run"
    return label(model, prompts(N_PROMPTS), out, device="cpu", reinitialised=False)


@pytest.fixture(scope="session")
def texts(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Texts:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("tokens")
    build_induction(folder)
    return story_texts(attention_of(folder), prompts(N_TEXTS), cache)


def _said(run: Run, head: str) -> str:
    return str(run.heads.set_index("name").loc[head, "label"])


def _chosen(run: Run, head: str, query_class: str = "") -> dict[str, float]:
    """Relation → attention given where it has a target: share ÷ coverage."""
    table = run.predictions
    own = table[(table["name"] == head) & table["selected"].astype(bool)]
    own = own[own["query_class"].fillna("") == query_class]
    return dict(zip(own["prediction"], own["share"] / own["coverage"], strict=True))


def _exceptions(run: Run, head: str) -> set[str]:
    table: pd.DataFrame = run.predictions
    own = table[(table["name"] == head) & table["selected"].astype(bool)]
    return set(own["query_class"].fillna("")) - {""}


@pytest.mark.parametrize(
    ("head", "relations"),
    [
        ("L0H1", {"latest structural pivot": 1.0}),
        ("L0H2", {"previous token": 1.0}),
        ("L0H3", {"duplicate token": 1.0}),
        ("L1H0", {"start of text": 0.6, "latest structural pivot": 0.4}),
        ("L1H1", {"every comma": 1.0}),
        ("L1H2", {"latest comma, or start": 1.0}),
        ("L2H1", {"start of text": 1.0}),
        ("L2H2", {"every speech mark": 1.0}),
        ("L2H3", {"current token": 1.0}),
    ],
)
def test_a_planted_head_has_its_relations_and_no_others(
    run: Run, head: str, relations: dict[str, float]
) -> None:
    planted = {WHERE_ITSELF_COUNTS.get(n, n): s for n, s in FACTS[head].predictions.items()}
    assert planted == relations
    assert _chosen(run, head) == pytest.approx(relations, abs=CLOSE)


@pytest.mark.parametrize(
    ("head", "sentence"),
    [
        ("L0H0", "Attends mostly to the previous token ("),
        ("L0H1", "Attends to the latest structural pivot (start of text, comma, full stop)"),
        ("L0H2", "Attends to the previous token (aside from the closing speech mark: attends to"),
        ("L0H3", "Attends to all earlier copies of the current token where it can"),
        ("L1H0", "Attends mostly to the start of the text (60%), also to the latest structural"),
        ("L1H1", "Attends to all commas so far where it can"),
        ("L1H2", "Attends to the latest comma, itself included (the start of the text until one"),
        ("L1H3", "Attends mostly to the current token ("),
        ("L2H1", "Attends to the start of the text."),
        ("L2H2", "Attends to all speech marks so far where it can"),
        ("L2H3", 'Attends to the current token (aside from "but": attends to all proper nouns so'),
    ],
)
def test_the_sentence_names_the_planted_head(run: Run, head: str, sentence: str) -> None:
    assert _said(run, head).startswith(sentence)


@pytest.mark.parametrize(
    ("head", "back", "beta"), [("L0H0", 1, PREVIOUS_BETA), ("L1H3", 0, CURRENT_BETA)]
)
def test_a_head_that_leaks_has_its_expected_share(
    run: Run, head: str, back: int, beta: float
) -> None:
    # Of n visible keys the target has e^β / (e^β + n − 1): (e^β − 1) / (e^β + n − 1) beyond
    # uniform. Least squares weighs each row with 1 − 1/n, the length of what can be explained.
    counts = [len(pieces(text)) + 1 for text in prompts(N_PROMPTS)]
    n = np.concatenate([np.arange(max(back + 1, 2), count + 1) for count in counts]).astype(float)
    beyond = np.expm1(beta) / (np.exp(beta) + n - 1)
    expected = float((beyond * (1 - 1 / n)).sum() / (1 - 1 / n).sum())
    name = "previous token" if back else "current token"
    assert _chosen(run, head) == pytest.approx({name: expected}, abs=CLOSE)


def test_exceptions_are_found_and_none_is_made_up(run: Run) -> None:
    found = {head: _exceptions(run, head) for head in FACTS}
    assert {head: where for head, where in found.items() if where} == {
        "L0H2": {"closing speech mark"},
        "L2H3": {'"but"'},
    }
    marks = _chosen(run, "L0H2", "closing speech mark")
    assert marks == pytest.approx({"opening mark of this speech": 1.0}, abs=CLOSE)
    assert _chosen(run, "L2H3", '"but"') == pytest.approx({"every proper noun": 1.0}, abs=CLOSE)


def test_a_uniform_head_is_unlabelled_and_a_previous_token_head_has_no_content(run: Run) -> None:
    rows = run.heads.set_index("name")
    assert rows.loc["L2H0", "confidence"] == "unlabelled"
    # It sees 2 to 60 tokens alike in texts of 25 to 60; their geometric mean is some 20.
    said = "Unlabelled: diffuse, its attention as wide as an even spread over 20 tokens"
    assert rows.loc["L2H0", "gist"] == f"{said}."
    why = "nothing that was tried held on the judging prompts"
    assert rows.loc["L2H0", "label"] == f"{said}; {why}."
    assert (rows.drop(index="L2H0")["confidence"] == "clear").all()
    assert set(_chosen(run, "L0H0")) == {"previous token"}


def test_what_is_printed_explains_what_it_claims(run: Run) -> None:
    # Where the ingredients are exact the measured pattern is too, up to rounding to percents and
    # to the second position, which follows the general rule but sees only itself and the first.
    r2 = run.heads.set_index("name")["r2"]
    for head in ("L0H1", "L0H3", "L1H0", "L1H1", "L2H1", "L2H2", "L2H3"):
        assert r2[head] > 0.999, head
    assert r2["L0H2"] > 0.98
    assert abs(r2["L2H0"]) < 1e-6


def test_the_headline_averages_over_the_labelled_heads(run: Run) -> None:
    own = run.heads.set_index("name")["r2"].drop("L2H0").mean()
    assert run.headline.startswith("11 of 12 heads are labelled; on average a label explains ")
    assert f" {own:.0%} of what its head's attention does" in run.headline
    figures = run.folder.run["figures"]
    assert figures["mean_r2_labelled"] == pytest.approx(own)
    # The twelfth spreads evenly: over all heads it counts as nothing explained.
    assert figures["mean_r2"] == pytest.approx(own * 11 / 12, abs=1e-6)


def _names(verdict: Verdict) -> set[str]:
    relations = verdict.found.fit.vocabulary.relations
    return {relations[t.relation].name for rule in verdict.label.rules for t in rule.terms}


def test_the_induction_pair(texts: Texts, tmp_path: Path) -> None:
    build_induction(tmp_path)
    heads = verdicts(attention_of(tmp_path), texts)
    assert {name: _names(verdict) for name, verdict in heads.items()} == {
        "L0H0": {"previous token"},
        "L0H1": set(),
        "L1H0": {"after duplicate token"},
        "L1H1": {"start of text"},
    }
    assert heads["L0H1"].confidence == "unlabelled"
    for name in ("L0H0", "L1H0", "L1H1"):
        assert heads[name].confidence == "clear"
        (term,) = heads[name].label.general.terms
        assert term.weight == pytest.approx(1.0, abs=CLOSE)


def test_random_weights_stay_unlabelled(texts: Texts, tmp_path: Path) -> None:
    labelled, heads = [], 0
    for name in SHAPES:
        found = verdicts(attention_of(random_model(tmp_path / name, 0, name)), texts)
        heads += len(found)
        labelled += [f"{name} {h}" for h, v in found.items() if v.confidence != "unlabelled"]
    assert heads == sum(shape.n_layers * shape.n_heads for shape in SHAPES.values())
    assert len(labelled) <= 0.05 * heads, labelled
