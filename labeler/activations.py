"""What the report draws of the MLP: a map of tokens, heat maps, prompts side by side, norms."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from scipy.cluster.hierarchy import leaves_list, linkage
from threadpoolctl import threadpool_limits
from torch import Tensor

from labeler.batches import batches, pad
from labeler.evidence import strings
from labeler.hooks import seven_figures
from labeler.model import LanguageModel
from labeler.prepare import Prepared

MAP_TOKENS = 400
MAP_PROMPTS = 40
HEAT_NEURONS = 40
PROMPTS = 60
MOVED = 3
"""Neurons named for each prompt."""
BEGINS = 100
"""Characters of a prompt that are quoted."""
STILL = 1e-6
"""A neuron whose activations deviate by less stands still, and no prompt moves it."""


class Activations:
    """Gathers, over a few judging prompts, what pictures of activations need."""

    def __init__(self, model: LanguageModel, mean: ndarray, std: ndarray) -> None:
        self.model, self.mean, self.std = model, mean, std
        shape = model.shape
        self.by_prompt: list[dict[str, Any]] = []
        self.norm = np.zeros((2, shape.n_layers, shape.n_ctx))
        self.seen = np.zeros(shape.n_ctx)

    def read(self, items: Sequence[Prepared]) -> dict[str, Tensor]:
        """Summaries of every text are kept; its last `hook_mlp_out` is returned by text id."""
        out: dict[str, Tensor] = {}
        for batch in batches(list(items)):
            kept = _hooked(self.model, batch)
            for row, item in enumerate(batch):
                out[item.text.id] = self._text(item, kept, row)
        return out

    def _text(self, item: Prepared, kept: dict[str, Tensor], row: int) -> Tensor:
        n, shape = len(item), self.model.shape
        post = [
            kept[f"blocks.{layer}.mlp.hook_post"][row, item.first : n]
            for layer in range(shape.n_layers)
        ]
        x = torch.cat(post, dim=1).float().cpu().numpy()
        away = deviations(x.mean(axis=0, dtype=np.float64), self.mean, self.std)
        furthest = np.argsort(-np.abs(away), kind="stable")[:MOVED]
        self.by_prompt.append(
            {
                "prompt": item.text.id,
                "begins": item.text.string[:BEGINS],
                "tokens": n - item.first,
                **seven_figures(x),
                "distance": float(np.sqrt((away**2).mean())),
                "moved": [[shape.neurons[i], round(float(away[i]), 2)] for i in furthest],
            }
        )
        self.seen[item.first : n] += 1
        for kind, name in enumerate(("hook_attn_out", "hook_mlp_out")):
            for layer in range(shape.n_layers):
                norm = kept[f"blocks.{layer}.{name}"][row, item.first : n].float().norm(dim=1)
                self.norm[kind, layer, item.first : n] += norm.cpu().numpy()
        return kept[f"blocks.{shape.n_layers - 1}.hook_mlp_out"][row, :n].float().cpu()

    def norms(self) -> list[dict[str, Any]]:
        """Mean norm of both outputs by position, a row a layer."""
        places = np.flatnonzero(self.seen)
        return [
            {
                "layer": layer,
                "position": places.tolist(),
                "attention": _rounded(self.norm[0, layer, places] / self.seen[places]),
                "mlp": _rounded(self.norm[1, layer, places] / self.seen[places]),
                "prompts": self.seen[places].astype(int).tolist(),
            }
            for layer in range(self.model.shape.n_layers)
        ]


def deviations(x: ndarray, mean: ndarray, std: ndarray) -> ndarray:
    """Distance from the mean in standard deviations; 0 for neurons that stand still."""
    return np.where(std > STILL, (x - mean) / np.maximum(std, STILL), 0.0)


def _hooked(model: LanguageModel, batch: list[Prepared]) -> dict[str, Tensor]:
    kept: dict[str, Tensor] = {}
    hooks: dict[str, Callable[[Tensor], None]] = {}
    for layer in range(model.shape.n_layers):
        for name in ("hook_attn_out", "hook_mlp_out", "mlp.hook_post"):
            full = f"blocks.{layer}.{name}"
            hooks[full] = partial(kept.__setitem__, full)
    model.read(pad(batch), hooks)
    return kept


def _rounded(values: ndarray, digits: int = 4) -> list[Any]:
    return list(np.round(values.astype(float), digits).tolist())


def chosen_tokens(items: Sequence[Prepared]) -> list[tuple[int, int]]:
    """(text, position) of the tokens with the lowest hashes."""
    ranked = []
    for index, item in enumerate(items):
        for position in range(item.first, len(item)):
            key = f"{item.text.id}\0{position}".encode()
            ranked.append((hashlib.blake2b(key, digest_size=8).digest(), index, position))
    ranked.sort()
    return sorted((index, position) for _, index, position in ranked[:MAP_TOKENS])


def token_map(
    items: Sequence[Prepared],
    vectors: dict[str, Tensor],
    features: Sequence[str],
    layer: int,
    seed: int,
) -> dict[str, Any]:
    """PCA and t-SNE of `hook_mlp_out` on a sample of tokens, with the features that hold there."""
    places = chosen_tokens(items)
    if len(places) < 10:
        return {}
    x = np.stack([vectors[items[i].text.id][p].numpy() for i, p in places])
    pca, explained, tsne = projections(x.astype(np.float64), seed)
    rows = []
    for k, (index, position) in enumerate(places):
        own = items[index].predictors[position].indices
        rows.append(
            {
                "prompt": items[index].text.id,
                "position": position,
                "token": str(items[index].text.tokens[position]),
                "pca": _rounded(pca[k]),
                "tsne": _rounded(tsne[k]),
                "features": [int(column) for column in own if column < len(features)],
            }
        )
    return {
        "hook": f"blocks.{layer}.hook_mlp_out",
        "explained": _rounded(explained),
        "features": list(features),
        "tokens": rows,
    }


def projections(x: Float[ndarray, "token d"], seed: int) -> tuple[ndarray, ndarray, ndarray]:
    """Two principal components, the variance that they explain, and t-SNE on the first thirty."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    if np.ptp(x, axis=0).max() <= 1e-9 * np.abs(x).max():
        # An MLP that writes nothing, or always the same: t-SNE divides by the spread and crashes.
        return np.zeros((len(x), 2)), np.zeros(2), np.zeros((len(x), 2))
    parts = min(30, *x.shape)
    pca = PCA(n_components=parts, svd_solver="full").fit(x)
    reduced = pca.transform(x)
    perplexity = min(30.0, (len(x) - 1) / 3)
    # A few hundred points: threads would wait for each other longer than they work.
    with warnings.catch_warnings(), threadpool_limits(1, "openmp"):
        warnings.simplefilter("ignore")
        tsne = TSNE(perplexity=perplexity, init="pca", random_state=seed, max_iter=500)
        placed = tsne.fit_transform(reduced)
    two = np.zeros((len(x), 2))
    two[:, : min(2, parts)] = reduced[:, :2]
    return two, pca.explained_variance_ratio_[:2], placed


def clustered(values: Float[ndarray, "row column"]) -> Int[ndarray, " row"]:
    """An order of rows that puts like next to like (average linkage of correlations)."""
    if len(values) < 3:
        return np.arange(len(values))
    centred = values - values.mean(axis=1, keepdims=True)
    scaled = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)
    return np.asarray(leaves_list(linkage(scaled, method="average", optimal_ordering=True)))


def heat_map(model: LanguageModel, item: Prepared, mean: ndarray, std: ndarray) -> dict[str, Any]:
    """The neurons that a prompt moves most, clustered; values in the corpus's deviations."""
    kept = _hooked(model, [item])
    layers = range(model.shape.n_layers)
    post = torch.cat([kept[f"blocks.{layer}.mlp.hook_post"][0] for layer in layers], dim=1)
    x = post.float().cpu().numpy()
    z = deviations(x, mean, std)
    strongest = np.sort(np.argsort(-z[item.first :].std(axis=0), kind="stable")[:HEAT_NEURONS])
    order = strongest[clustered(z[item.first :, strongest].T)]
    names = model.shape.neurons
    return {
        "prompt": item.text.id,
        "tokens": strings(item.text),
        "neurons": [names[neuron] for neuron in order],
        "values": [_rounded(row, 2) for row in z[:, order].T],
    }


def activation_pictures(
    model: LanguageModel,
    items: Sequence[Prepared],
    shown: Sequence[Prepared],
    mean: ndarray,
    std: ndarray,
    features: Sequence[str],
    seed: int,
) -> dict[str, Any]:
    """activations.json (docs/run-folder.md); `items` are judging texts, `shown` showcase ones."""
    gathered = Activations(model, mean, std)
    vectors = gathered.read(items[:PROMPTS])
    by_prompt = sorted(gathered.by_prompt, key=lambda row: (-row["distance"], row["prompt"]))
    last = model.shape.n_layers - 1
    return {
        "map": token_map(items[:MAP_PROMPTS], vectors, features, last, seed),
        "heat_maps": [heat_map(model, item, mean, std) for item in shown],
        "prompts": [
            {k: round(v, 5) if isinstance(v, float) else v for k, v in row.items()}
            for row in by_prompt
        ],
        "norms": gathered.norms(),
    }
