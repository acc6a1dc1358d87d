"""Heads ↔ neurons: does a neuron's activation follow what a head writes along its input?"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from labeler.batches import batches, pad
from labeler.columns import Columns, at_tokens
from labeler.intervals import margin
from labeler.model import LanguageModel

TOKENS = 10_000
"""Tokens that choose the pairs, and as many that judge them; 20,000 in all."""

FOLLOWERS = 5
"""Pairs kept for each head, the strongest first."""


@dataclass(frozen=True, eq=False)
class Path:
    """From the heads of one layer to the neurons of the same or the next.

    `project[h, d, n]` is W_O of the head along the input direction of a neuron, behind the norm
    before the MLP: z · project is what the head writes there.
    """

    layer: int
    neurons: int
    project: Float[Tensor, "head d_head neuron"]
    strength: Float[Tensor, "head neuron"]


def paths(model: LanguageModel) -> list[Path]:
    """All pairs of layers that are looked at; for gated MLPs the gate is the input direction."""
    shape, found = model.shape, []
    for layer in range(shape.n_layers):
        w_o = model.output_weights(layer).float()
        for neurons in range(layer, min(layer + 2, shape.n_layers)):
            w_in = model.input_weights(neurons).float()
            project = torch.einsum("hdm,mn->hdn", w_o, w_in)
            scale = w_o.flatten(1).norm(dim=1)[:, None] * w_in.norm(dim=0)[None]
            strength = project.norm(dim=1) / scale.clamp(min=1e-12)
            found.append(Path(layer, neurons, project, strength))
    return found


def sampled(texts: Sequence[Columns], limit: int = TOKENS) -> list[Columns]:
    """Texts by the hash of their name, until there are enough tokens."""
    ranked = sorted(texts, key=lambda text: hashlib.blake2b(text.id.encode()).digest())
    found, total = [], 0
    for text in ranked:
        if total and total + len(text) > limit:
            break
        found.append(text)
        total += len(text)
    return found


def _read(
    model: LanguageModel, texts: Sequence[Columns], budget: int
) -> Iterator[tuple[list[Tensor], list[Tensor]]]:
    """`hook_z` and `hook_post` of every layer at the real positions, a batch at a time."""
    shape = model.shape
    for batch in batches(texts, budget):
        kept: dict[str, Tensor] = {}
        hooks: dict[str, Callable[[Tensor], None]] = {}
        for layer in range(shape.n_layers):
            for name in ("attn.hook_z", "mlp.hook_post"):
                full = f"blocks.{layer}.{name}"
                hooks[full] = partial(_keep, kept, full, batch)
        model.read(pad(batch), hooks)
        layers = range(shape.n_layers)
        yield (
            [kept[f"blocks.{layer}.attn.hook_z"] for layer in layers],
            [kept[f"blocks.{layer}.mlp.hook_post"] for layer in layers],
        )


def _keep(kept: dict[str, Tensor], name: str, batch: list[Columns], value: Tensor) -> None:
    kept[name] = at_tokens(value, batch)


def correlations(
    model: LanguageModel, texts: Sequence[Columns], routes: Sequence[Path], budget: int
) -> list[Float[ndarray, "head neuron"]]:
    """The correlation of every pair, from second moments of `hook_z` and `hook_post`."""
    moments = [_Moments(path) for path in routes]
    for z, x in _read(model, texts, budget):
        for one in moments:
            one.add(z[one.path.layer], x[one.path.neurons])
    return [one.correlation() for one in moments]


class _Moments:
    def __init__(self, path: Path) -> None:
        heads, d_head, neurons = path.project.shape
        self.path = path
        self.count = 0
        self.z = torch.zeros(heads, d_head, dtype=torch.float64)
        self.zz = torch.zeros(heads, d_head, d_head, dtype=torch.float64)
        self.zx = torch.zeros(heads, d_head, neurons, dtype=torch.float64)
        self.x = torch.zeros(neurons, dtype=torch.float64)
        self.xx = torch.zeros(neurons, dtype=torch.float64)

    def add(self, z: Float[Tensor, "token head d"], x: Float[Tensor, "token neuron"]) -> None:
        self.count += len(x)
        self.z += z.sum(dim=0).double().cpu()
        self.zz += torch.einsum("thd,the->hde", z, z).double().cpu()
        self.zx += torch.einsum("thd,tn->hdn", z, x).double().cpu()
        self.x += x.double().sum(dim=0).cpu()
        self.xx += (x.double() ** 2).sum(dim=0).cpu()

    def correlation(self) -> ndarray:
        n = max(self.count, 1)
        project = self.path.project.double().cpu()
        zz = self.zz / n - torch.einsum("hd,he->hde", self.z, self.z) / n**2
        zx = self.zx / n - torch.einsum("hd,n->hdn", self.z, self.x) / n**2
        written = torch.einsum("hdn,hde,hen->hn", project, zz, project)
        both = (project * zx).sum(dim=1)
        spread = (self.xx / n - (self.x / n) ** 2).clamp(min=0)
        scale = (written.clamp(min=0) * spread[None]).sqrt()
        return np.asarray(torch.where(scale > 1e-12, both / scale.clamp(min=1e-12), 0.0).numpy())


def strongest(found: Sequence[ndarray], routes: Sequence[Path]) -> Int[ndarray, "pair 3"]:
    """(route, head, neuron) of the pairs that each head keeps."""
    kept: dict[tuple[int, int], list[tuple[float, int, int]]] = {}
    for route, (values, path) in enumerate(zip(found, routes, strict=True)):
        for head, row in enumerate(np.abs(values)):
            for neuron in np.argsort(-row, kind="stable")[:FOLLOWERS]:
                if row[neuron] > 0:
                    own = kept.setdefault((path.layer, head), [])
                    own.append((-float(row[neuron]), route, int(neuron)))
    chosen = [
        (route, head, neuron)
        for (_, head), own in sorted(kept.items())
        for _, route, neuron in sorted(own)[:FOLLOWERS]
    ]
    return np.array(chosen, dtype=np.int64).reshape(-1, 3)


def fold_moments(
    model: LanguageModel,
    texts: Sequence[Columns],
    routes: Sequence[Path],
    chosen: Int[ndarray, "pair 3"],
    budget: int,
) -> Float[ndarray, "moment pair"]:
    """n, Σw, Σx, Σw², Σx², Σwx of the chosen pairs over one fold."""
    sums = np.zeros((6, len(chosen)))
    for z, x in _read(model, texts, budget):
        for route in np.unique(chosen[:, 0]):
            own = np.flatnonzero(chosen[:, 0] == route)
            path, heads, neurons = routes[route], chosen[own, 1], chosen[own, 2]
            project = path.project[heads, :, neurons]
            written = torch.einsum("tpd,pd->tp", z[path.layer][:, heads], project)
            w, y = (v.double().cpu().numpy() for v in (written, x[path.neurons][:, neurons]))
            sums[:, own] += np.stack(
                [np.full(len(own), len(w)), *(v.sum(axis=0) for v in (w, y, w**2, y**2, w * y))]
            )
    return sums


def correlation_of(sums: Float[ndarray, "moment pair"]) -> Float[ndarray, " pair"]:
    """Pearson's correlation from sums; 0 where either side is constant."""
    n, w, y, ww, yy, wy = sums
    n = np.maximum(n, 1)
    scale = np.sqrt(np.maximum(ww / n - (w / n) ** 2, 0) * np.maximum(yy / n - (y / n) ** 2, 0))
    both = wy / n - w * y / n**2
    return np.asarray(np.where(scale > 1e-12, both / np.maximum(scale, 1e-12), 0.0))


def jackknife(by_fold: Float[ndarray, "fold moment pair"]) -> tuple[ndarray, ndarray, ndarray]:
    """The correlation over all folds, with an interval."""
    total = by_fold.sum(axis=0)
    whole = correlation_of(total)
    left_out = np.stack([correlation_of(total - own) for own in by_fold])
    half = margin(left_out, by_fold[:, 0])
    return whole, np.maximum(whole - half, -1), np.minimum(whole + half, 1)


def pair_rows(
    model: LanguageModel, by_fold: Sequence[Sequence[Columns]], budget: int
) -> list[dict[str, Any]]:
    """Rows of pairs.parquet: chosen on even folds, correlation and interval from odd ones."""
    routes = paths(model)
    choosing = [text for fold in by_fold[0::2] for text in fold]
    judging = list(by_fold[1::2]) or [choosing]
    found = correlations(model, sampled(choosing), routes, budget)
    chosen = strongest(found, routes)
    if not len(chosen):
        return []
    limit = TOKENS // len(judging)
    own = [fold_moments(model, sampled(f, limit), routes, chosen, budget) for f in judging if f]
    whole, low, high = jackknife(np.stack(own))
    tokens = int(sum(part[0, 0] for part in own))
    return [
        {
            "head": f"L{routes[route].layer}H{head}",
            "neuron": f"L{routes[route].neurons}N{neuron}",
            "correlation": whole[index],
            "correlation_low": low[index],
            "correlation_high": high[index],
            "tokens": tokens,
            "weight_path": float(routes[route].strength[head, neuron]),
        }
        for index, (route, head, neuron) in enumerate(chosen.tolist())
    ]
