"""Made-up activations.json and hooks.parquet: what the page of activations is drawn from."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.data.synthetic_heads import Size

FEATURES = ("comma", "proper noun", "speech")
HOOKS = ("hook_resid_mid", "mlp.hook_pre", "mlp.hook_post", "hook_mlp_out", "hook_resid_post")


def hook_rows(size: Size, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Rows of hooks.parquet with signed logarithmic buckets."""
    magnitudes = np.geomspace(1e-3, 30, 60)
    edges = np.concatenate([-magnitudes[::-1], [0], magnitudes])
    names = [f"blocks.{layer}.{hook}" for layer in range(size.n_layers) for hook in HOOKS]
    rows = []
    for name in [*names, "ln_final.hook_normalized", "ln_final.hook_out"]:
        values = rng.normal(0.05, float(rng.uniform(0.3, 2)), 20_000)
        counts = np.histogram(values, edges)[0]
        quartiles = np.quantile(values, [0, 0.25, 0.5, 0.75, 1]).tolist()
        rows.append(
            {
                **{"hook": name, "count": len(values) * 100},
                **{"mean": float(values.mean()), "std": float(values.std())},
                **dict(zip(("min", "q1", "median", "q3", "max"), quartiles, strict=True)),
                **{"edges": edges.tolist(), "counts": counts.tolist(), "relative_error": 1 / 64},
            }
        )
    return rows


def activations_json(
    size: Size, prompts: list[dict[str, Any]], rng: np.random.Generator
) -> dict[str, Any]:
    """activations.json; commas lie apart from the other tokens, the other features do not."""
    return {
        "map": _map(size, prompts, rng),
        "heat_maps": [_heat(size, prompt, rng) for prompt in prompts],
        "prompts": _prompts(size, prompts, rng),
        "norms": [_norms(layer, rng) for layer in range(size.n_layers)],
    }


def _map(size: Size, prompts: list[dict[str, Any]], rng: np.random.Generator) -> dict[str, Any]:
    tokens = []
    for prompt in prompts:
        for position, token in enumerate(prompt["tokens"][1:], start=1):
            comma = token == ","
            features = [0] if comma else []
            features += [index for index in (1, 2) if rng.random() < 0.3]
            place = rng.normal(0, 1, 4) + (6 if comma else 0)
            tokens.append(
                {
                    **{"prompt": prompt["id"], "position": position, "token": token},
                    **{"pca": place[:2].tolist(), "tsne": (place[2:] * 9).tolist()},
                    "features": features,
                }
            )
    hook = f"blocks.{size.n_layers - 1}.hook_mlp_out"
    return {"hook": hook, "explained": [0.31, 0.12], "features": [*FEATURES], "tokens": tokens}


def _heat(size: Size, prompt: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    n = min(40, size.d_mlp)
    values = rng.normal(0, 1.5, (n, len(prompt["tokens"]))).round(2)
    return {
        **{"prompt": prompt["id"], "tokens": prompt["tokens"]},
        **{"neurons": [f"L0N{i}" for i in range(n)], "values": values.tolist()},
    }


def _prompts(
    size: Size, prompts: list[dict[str, Any]], rng: np.random.Generator
) -> list[dict[str, Any]]:
    rows = []
    for index in range(30):
        x = np.maximum(rng.normal(-0.1, 0.4, 500), -0.17)
        low, q1, median, q3, high = np.quantile(x, [0, 0.25, 0.5, 0.75, 1]).tolist()
        rows.append(
            {
                **{"prompt": f"a{index:03d}", "begins": prompts[-1]["text"][:100], "tokens": 90},
                **{"mean": float(x.mean()), "std": float(x.std()), "min": low, "q1": q1},
                **{"median": median, "q3": q3, "max": high, "distance": 0.5 - index / 100},
                "moved": [[f"L0N{k}", 2.5 - k] for k in range(min(3, size.d_mlp))],
            }
        )
    return rows


def _norms(layer: int, rng: np.random.Generator) -> dict[str, Any]:
    position = np.arange(1, 200)
    return {
        **{"layer": layer, "position": position.tolist()},
        "attention": (2 + rng.random() + 1 / position).tolist(),
        "mlp": (5 + np.log1p(position) / 3).tolist(),
        "prompts": np.maximum(60 - position // 3, 0).tolist(),
    }
