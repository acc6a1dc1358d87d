"""Neurons taken out: set to zero or to their mean, one by one and all together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from labeler.columns import Columns, batched
from labeler.errors import ConfigError, did_you_mean
from labeler.intervals import margin, numbered
from labeler.model import LanguageModel
from labeler.shape import Shape

FIRST_JUDGED = 2


def parse_neurons(names: Sequence[str], shape: Shape) -> list[tuple[int, int]]:
    """(layer, neuron) of names such as `L0N12`; ConfigError for one that the model has not."""
    known = {name: divmod(index, shape.d_mlp) for index, name in enumerate(shape.neurons)}
    for name in names:
        if name not in known:
            raise ConfigError(
                f"no neuron {name!r}; {did_you_mean(name, list(known))}; the model has "
                f"{shape.n_layers} layers of {shape.d_mlp} neurons, L0N0 the first"
            )
    return [known[name] for name in names]


def token_losses(
    model: LanguageModel, tokens: Int[Tensor, "batch pos"], held: Mapping[tuple[int, int], float]
) -> Float[Tensor, "batch pos"]:
    """Loss in nats on tokens 2 and later while neurons are held at values, at every position."""
    by_layer: dict[int, list[tuple[int, float]]] = {}
    for (layer, neuron), value in held.items():
        by_layer.setdefault(layer, []).append((neuron, value))
    hooks: dict[str, Callable[[Tensor], Tensor | None]] = {
        f"blocks.{layer}.mlp.hook_post": partial(_hold, own) for layer, own in by_layer.items()
    }
    logits = model.logits(tokens, hooks).float().cpu()
    return torch.nn.functional.cross_entropy(
        logits[:, FIRST_JUDGED - 1 : -1].transpose(1, 2), tokens[:, FIRST_JUDGED:], reduction="none"
    )


def _hold(own: Sequence[tuple[int, float]], post: Tensor) -> Tensor:
    index = torch.tensor([neuron for neuron, _ in own], device=post.device)
    values = torch.tensor([value for _, value in own], device=post.device, dtype=post.dtype)
    held = post.clone()
    held[..., index] = values
    return held


def ablate_neurons(
    model: LanguageModel,
    texts: Sequence[Columns],
    names: Sequence[str],
    means: Mapping[str, float],
    budget: int = 2048,
) -> list[dict[str, Any]]:
    """Rows of replacement.parquet, scope `neuron` for each and `neurons` for all of them together.

    `condition` is `clean`, `zero` or `mean` (at `means`, activations by name). `rise` is of
    perplexity (0.05 = +5%) with an interval over prompts, `cost` the rise of loss in nats a token.
    Raises ConfigError for a neuron that the model has not.
    """
    places = parse_neurons(names, model.shape)
    trials: dict[tuple[str, str, str], dict[tuple[int, int], float]] = {
        ("neurons", ",".join(names), "clean"): {}
    }
    zero = dict.fromkeys(places, 0.0)
    mean = {place: float(means[name]) for name, place in zip(names, places, strict=True)}
    for condition, held in (("zero", zero), ("mean", mean)):
        for name, place in zip(names, places, strict=True):
            trials["neuron", name, condition] = {place: held[place]}
        if len(names) > 1:
            trials["neurons", ",".join(names), condition] = held
    nats: dict[tuple[str, str, str], list[float]] = {trial: [] for trial in trials}
    counts: list[int] = []
    prompts: list[str] = []
    for batch, tokens in batched(texts, budget):
        own = [max(len(text) - FIRST_JUDGED, 0) for text in batch]
        counts += own
        prompts += [text.prompt for text in batch]
        for trial, held in trials.items():
            losses = token_losses(model, tokens, held)
            nats[trial] += [float(losses[row, :n].double().sum()) for row, n in enumerate(own)]
    prompt = numbered(prompts)
    count = np.bincount(prompt, counts)
    clean = np.bincount(prompt, nats["neurons", ",".join(names), "clean"])
    return [
        {"scope": scope, "name": name, "condition": condition}
        | loss_figures(np.bincount(prompt, nats[scope, name, condition]), clean, count)
        for scope, name, condition in trials
    ]


def loss_figures(
    nats: Float[ndarray, " prompt"],
    clean: Float[ndarray, " prompt"],
    count: Float[ndarray, " prompt"],
) -> dict[str, Any]:
    """Loss, and its rise with a jackknife interval over prompts; null bounds below 3."""
    total = max(float(count.sum()), 1.0)
    rise = (nats - clean).sum() / total
    found: dict[str, Any] = {
        "loss": float(nats.sum() / total),
        "rise": float(np.expm1(rise)),
        "rise_low": None,
        "rise_high": None,
        "cost": float(rise),
        "tokens": int(count.sum()),
    }
    n = len(count)
    if n >= 3:
        left = np.maximum(total - count, 1.0)
        out = ((nats - clean).sum() - (nats - clean)) / left
        half = float(margin(out))
        found |= {
            "rise_low": float(np.expm1(rise - half)),
            "rise_high": float(np.expm1(rise + half)),
        }
    return found
