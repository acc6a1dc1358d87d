"""Activations at hooks: exact figures over one prompt, logarithmic buckets over a corpus."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from labeler.model import LanguageModel
from labeler.prepare import Prepared
from labeler.shape import Shape

MANTISSA = 5
LOWEST, HIGHEST = -24, 24
PER_SIGN = (HIGHEST - LOWEST) << MANTISSA
N_BUCKETS = 2 * PER_SIGN + 1
RELATIVE_ERROR = 2.0 ** -(MANTISSA + 1)
"""How far a quantile of a corpus may be off, relative to its value, between 2⁻²⁴ and 2²⁴."""

HISTOGRAM_BINS = 60


def hook_names(shape: Shape) -> list[str]:
    """The hooks looked at, in the order of the forward pass.

    `ln_final.hook_normalized` is before the affine step, `ln_final.hook_out` after it.
    """
    in_layer = ["hook_resid_pre", "hook_attn_out"]
    if not shape.parallel:
        in_layer.append("hook_resid_mid")
    if shape.d_mlp:
        in_layer += ["mlp.hook_pre", "mlp.hook_post", "hook_mlp_out"]
    in_layer.append("hook_resid_post")
    names = [f"blocks.{layer}.{name}" for layer in range(shape.n_layers) for name in in_layer]
    return [*names, "ln_final.hook_normalized", "ln_final.hook_out"]


def _bucket_table() -> Int[ndarray, " code"]:
    """From a float32's sign, exponent and first mantissa bits to its bucket, ascending by value."""
    code = np.arange(1 << (9 + MANTISSA))
    size = code & ((1 << (8 + MANTISSA)) - 1)
    place = np.clip(size - ((127 + LOWEST) << MANTISSA) + 1, 0, PER_SIGN)
    negative = code >> (8 + MANTISSA) == 1
    return np.asarray(np.where(negative, PER_SIGN - place, PER_SIGN + place))


_BUCKETS = _bucket_table()


def bucket_edges() -> Float[ndarray, " edge"]:
    """The bounds of the buckets, `N_BUCKETS + 1` of them; what is below 2⁻²⁴ counts as 0."""
    steps = np.arange(PER_SIGN + 1)
    fraction = 1 + (steps & ((1 << MANTISSA) - 1)) / (1 << MANTISSA)
    size = np.ldexp(fraction, LOWEST + (steps >> MANTISSA))
    return np.concatenate([-size[::-1], size])


def count_buckets(values: Float[ndarray, " value"]) -> Int[ndarray, " bucket"]:
    """How many values fall into each bucket (DDSketch with linear steps: Masson et al. 2019).

    Buckets are fixed, so counts add in any order. The exponent and the first five bits of the
    mantissa are read off the number itself.
    """
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    codes = np.bincount((bits >> (23 - MANTISSA)).astype(np.int32), minlength=len(_BUCKETS))
    return np.bincount(_BUCKETS, weights=codes, minlength=N_BUCKETS).astype(np.int64)


def quantile(counts: ndarray, q: float) -> float:
    """A quantile from buckets: the middle of the bucket that holds it."""
    total = counts.sum()
    if total <= 0:
        return float("nan")
    index = int(np.searchsorted(np.cumsum(counts), q * (total - 1), side="right"))
    edges = bucket_edges()
    return 0.0 if index == PER_SIGN else float((edges[index] + edges[index + 1]) / 2)


def empty_sums(shape: Shape) -> dict[str, ndarray]:
    """The part of a shard's statistics that is about hooks."""
    n = len(hook_names(shape))
    return {
        "hook_count": np.zeros(n),
        "hook_sum": np.zeros(n),
        "hook_square": np.zeros(n),
        "hook_buckets": np.zeros((n, N_BUCKETS)),
        "hook_min": np.full(n, np.inf),
        "hook_max": np.full(n, -np.inf),
    }


SAMPLED = 8
"""Quartiles of a corpus come from one token in so many, by position from a start of its own."""


def add_hook(
    sums: Mapping[str, ndarray],
    hook: int,
    value: Float[Tensor, "token d"],
    sample: Int[ndarray, " sampled"],
) -> None:
    """Add one hook's values at the tokens of a batch; buckets count some of the tokens only."""
    if not value.numel():
        return
    sums["hook_count"][hook] += value.numel()
    sums["hook_sum"][hook] += float(value.sum())
    sums["hook_square"][hook] += float(torch.linalg.vector_norm(value)) ** 2
    low, high = torch.aminmax(value)
    sums["hook_min"][hook] = min(sums["hook_min"][hook], float(low))
    sums["hook_max"][hook] = max(sums["hook_max"][hook], float(high))
    kept = value[torch.from_numpy(sample).to(value.device)]
    sums["hook_buckets"][hook] += count_buckets(kept.cpu().numpy().ravel())


def sampled(batch: Sequence[Prepared]) -> Int[ndarray, " sampled"]:
    """The tokens of a batch that buckets count: every eighth of a text, from where its name says.

    Tokens are numbered through the batch, BOS left out.
    """
    found, before = [], 0
    for item in batch:
        n = len(item) - item.first
        start = zlib.crc32(item.text.string.encode("utf-8", "surrogatepass")) % SAMPLED
        found.append(before + np.arange(min(start, max(n - 1, 0)), n, SAMPLED))
        before += n
    return np.concatenate(found)


def hook_rows(sums: Any, shape: Shape) -> Iterator[dict[str, Any]]:
    """Rows of hooks.parquet: quartiles, right to `RELATIVE_ERROR`, and histogram are of the sampled
    tokens, the rest of all."""
    edges = bucket_edges()
    for index, name in enumerate(hook_names(shape)):
        count = float(sums["hook_count"][index])
        if not count:
            continue
        mean = sums["hook_sum"][index] / count
        variance = max(sums["hook_square"][index] / count - mean**2, 0.0)
        counts = sums["hook_buckets"][index]
        low, high = sums["hook_min"][index], sums["hook_max"][index]
        bins = np.linspace(low, high, HISTOGRAM_BINS + 1)
        middle = (edges[:-1] + edges[1:]) / 2
        middle[PER_SIGN] = 0.0
        binned, _ = np.histogram(np.clip(middle, low, high), bins=bins, weights=counts)
        yield {
            "hook": name,
            "count": int(count),
            "mean": mean,
            "std": variance**0.5,
            "min": low,
            "q1": min(max(quantile(counts, 0.25), low), high),
            "median": min(max(quantile(counts, 0.5), low), high),
            "q3": min(max(quantile(counts, 0.75), low), high),
            "max": high,
            "edges": bins.tolist(),
            "counts": binned.astype(np.int64).tolist(),
            "relative_error": RELATIVE_ERROR,
        }


def seven_figures(values: ndarray) -> dict[str, float]:
    """Mean, standard deviation, minimum, quartiles and maximum, exactly (float64)."""
    x = np.asarray(values, dtype=np.float64).ravel()
    q1, median, q3 = np.quantile(x, [0.25, 0.5, 0.75]).tolist()
    return {
        "mean": float(x.mean()),
        "std": float(x.std()),
        "min": float(x.min()),
        "q1": q1,
        "median": median,
        "q3": q3,
        "max": float(x.max()),
    }


def prompt_statistics(model: LanguageModel, prompt: str) -> list[dict[str, Any]]:
    """The exact figures of every hook over one prompt, BOS left out, cut to the context.

    A prompt without tokens gives no rows.
    """
    ids, _ = model.tokenize(prompt)
    ids = ids[: model.shape.n_ctx]
    first = int(model.bos is not None)
    kept: dict[str, Tensor] = {}
    if len(ids) <= first:
        return []
    hooks: dict[str, Callable[[Tensor], None]] = {
        name: partial(_keep, kept, name) for name in hook_names(model.shape)
    }
    model.read(torch.from_numpy(ids)[None], hooks)
    rows = []
    for name in hook_names(model.shape):
        x = kept[name][0, first:].float().cpu().numpy()
        rows.append({"hook": name, "count": int(x.size), **seven_figures(x)})
    return rows


def _keep(kept: dict[str, Tensor], name: str, value: Tensor) -> None:
    kept[name] = value.clone()
