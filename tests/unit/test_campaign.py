"""Controls that are wrong labels, and intervals over prompts rather than their pieces."""

from __future__ import annotations

import numpy as np
import pytest

from labeler.campaign import controls
from labeler.intervals import ratio
from labeler.losses import CLEAR_LOSS, CURVES, FRACTIONS, Losses, Verified
from labeler.predict import Rules
from labeler.verification import headline
from labeler.verify import Nats


def _rules(*relations: int) -> Rules:
    weight = np.zeros((3, 2, len(relations)))
    weight[0, :, 0] = 0.5
    weight[1, :, -1] = 0.4
    return Rules(np.array(relations), weight)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("relations", [(3,), (3, 5), (1, 3, 5, 8)])
def test_a_shuffled_label_says_nothing_that_the_label_says(relations, seed):
    rules = _rules(*relations)
    [shuffled] = controls([rules], 10, seed)["shuffled_label"]
    assert len({*shuffled.relations.tolist()}) == len(relations)
    assert not (shuffled.relations == rules.relations).any()
    if len(relations) > 1:  # those of the layer, in other places
        assert {*shuffled.relations.tolist()} == {*relations}
    assert np.array_equal(shuffled.weight, rules.weight)


def test_another_label_is_one_that_says_something_else():
    rules = _rules(3, 5)
    [other] = controls([rules], 10, 0)["other_label"]
    # The third head says nothing, so the second is followed by the first.
    assert np.array_equal(other.weight, rules.weight[[1, 0, 0]])


def _losses(prompts: list[str], clean: np.ndarray, tokens: np.ndarray, **more: np.ndarray):
    losses = Losses(prompts, [Nats(clean, tokens)])
    for condition, found in more.items():
        losses.add("head", "L0H0", condition, Nats(found, tokens))
    return losses


def test_pieces_of_one_prompt_count_as_one():
    draw = np.random.default_rng(0)
    clean, tokens = draw.gamma(9, 10, 12), np.full(12, 100.0)
    more = np.repeat(draw.normal(2, 1, 4), 3)  # the three pieces of a prompt are alike
    losses = _losses(list("aaabbbcccddd"), clean, tokens, label=clean + more)
    rise, low, high = losses.rise("head", "L0H0", "label")
    over, under = more.reshape(4, 3).sum(axis=1), tokens.reshape(4, 3).sum(axis=1)
    by_hand = [float(np.expm1(x[0])) for x in ratio(over[:, None], under[:, None])]
    assert [rise, low, high] == pytest.approx(by_hand)
    alone = _losses(list("abcdefghijkl"), clean, tokens, label=clean + more)
    found, *bounds = alone.rise("head", "L0H0", "label")
    assert found == pytest.approx(rise)
    # Twelve for four: an interval narrower by the root of three, and by 2.2 for 3.2 in Student's t.
    assert high - low > 2 * (bounds[1] - bounds[0])


@pytest.mark.parametrize(("strength", "inert"), [(0.9, True), (1.1, False)])
def test_a_head_is_inert_unless_its_ablation_clearly_costs(strength: float, inert: bool):
    n = 30
    tokens, clean = np.full(n, 100.0), np.full(n, 300.0)
    noise = np.random.default_rng(1).normal(0, 1, n)
    _, low, high = (x[0] for x in ratio(noise[:, None], tokens[:, None]))
    lost = noise - noise.mean() + strength * CLEAR_LOSS * (high - low) / 2 * 100
    losses = _losses(list(map(str, range(n))), clean, tokens, label=clean, uniform=clean + lost)
    found = next(iter(Verified(losses, [0], np.zeros(1), [], ["L0H0"]).heads()))
    assert found["inert"] is inert
    assert (found["recovered"] is None) is inert


def _curve(tokens: np.ndarray, more: float) -> list[dict[str, float | None]]:
    clean = 3 * tokens
    losses = Losses(list(map(str, range(len(tokens)))), [Nats(clean, tokens)])
    for fraction in FRACTIONS:
        for condition in CURVES:
            cost = np.log1p(more) * tokens
            losses.add("fraction", f"{fraction:g}", condition, Nats(clean + cost, tokens))
    return Verified(losses, [0], np.zeros(1), [], ["L0H0"]).curve()


def test_a_rise_without_an_interval_is_said_without_one() -> None:
    # One prompt has 97% of the tokens: as much as one prompt alone.
    curve = _curve(np.array([970.0, 10.0, 10.0, 10.0]), 0.2)
    assert curve[0]["label_low"] is None
    assert headline(curve) == (
        "With 25% of heads replaced by their labels perplexity rises by 20.0%; "
        "with all, it rises by 20.0%."
    )


def test_a_fall_of_perplexity_is_called_one() -> None:
    curve = _curve(np.full(20, 50.0), -0.1)
    assert headline(curve) == (
        "With 25% of heads replaced by their labels perplexity falls by 10.0% (10.0% to 10.0%); "
        "with all, it falls by 10.0% (10.0% to 10.0%). On this text the model does better without "
        "its own attention, so what labels cost says little."
    )
    doubtful = {"label": -0.01, "label_low": -0.03, "label_high": 0.01}
    both = [{"fraction": 0.25, **doubtful}, {"fraction": 1.0, **doubtful, "label": 0.01}]
    assert headline(both) == (
        "With 25% of heads replaced by their labels perplexity falls by 1.0% (-1.0% to 3.0%); "
        "with all, it rises by 1.0% (-3.0% to 1.0%)."
    )
