"""Make a synthetic run folder of any size, after docs/run-folder.md: what the report is tried on.

    python -m tests.data.make_run_folder runs/synthetic --layers 12 --heads 12 --mlp 3072 --hostile

Patterns are mixtures of simple relations with noise, so that a label can be seen to hold or fail.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy import ndarray

from labeler.results import TABLES, write_json, write_table
from tests.data.synthetic_activations import activations_json, hook_rows
from tests.data.synthetic_heads import (
    COVERAGE,
    HOSTILE,
    RELATIONS,
    STORIES,
    WORDING,
    Head,
    Size,
    make_heads,
    noisy,
    pattern,
    tokenise,
)
from tests.data.synthetic_neurons import neuron_evidence, neuron_predictions, neuron_table
from tests.data.synthetic_run import run_json


def head_rows(heads: list[Head], size: Size, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Rows of heads.parquet."""
    rows = []
    for item in heads:
        r2 = round((1 - item.noise) ** 1.2, 4)
        recovered = round(min(0.98, r2 + float(rng.uniform(0, 0.2))), 3)
        inert = rng.random() < 0.08
        rows.append(
            {
                **{"name": item.name, "layer": item.layer, "head": item.head},
                **{"label": item.label, "confidence": item.confidence},
                **{"r2": r2, "r2_low": r2 - 0.031, "r2_high": min(r2 + 0.028, 1.0)},
                **{"r2_dense": min(r2 + 0.07, 1.0), "r2_distance": r2 * 0.6},
                "unexplained": max(0.0, 1 - sum(item.shares.values())),
                "first_position_share": item.shares.get("start of text", 0.04),
                **{"entropy": 0.5 + 2 * item.noise, "written": 1 / size.n_heads},
                "first_position_share_weighted": 0.02,
                "induction": 0.4 if "duplicate token" in item.shares else 0.01,
                "recovered": None if inert or not size.verified else recovered,
                "recovered_low": None if inert or not size.verified else recovered - 0.06,
                "recovered_high": None if inert or not size.verified else min(recovered + 0.05, 1),
                "cost": round(0.002 + 0.03 * item.noise, 5) if size.verified else None,
            }
        )
    return rows


def prediction_rows(heads: list[Head], rng: np.random.Generator) -> list[dict[str, Any]]:
    """Rows of predictions.parquet for heads: all relations, and the printed exceptions."""
    rows = []
    for item in heads:
        for relation in RELATIONS:
            share = item.shares.get(relation)
            chosen = share is not None and item.confidence != "unlabelled"
            rows.append(_prediction(item.name, relation, "", share if chosen else None, rng))
            rows[-1]["order"] = list(item.shares).index(relation) if chosen else None
        for query_class, shares in item.exceptions.items():
            for order, (relation, share) in enumerate(shares.items()):
                if item.confidence != "unlabelled":
                    rows.append(_prediction(item.name, relation, query_class, share, rng))
                    rows[-1]["order"] = order
    return rows


def _prediction(
    name: str, relation: str, query_class: str, share: float | None, rng: np.random.Generator
) -> dict[str, Any]:
    mass = (share or 0) * 0.9 + float(rng.uniform(0, 0.06))
    lift = 1 + mass * 6
    return {
        **{"name": name, "prediction": relation, "phrase": WORDING[relation]},
        **{"query_class": query_class, "share": share},
        "share_low": None if share is None else max(0.0, share - 0.02),
        "share_high": None if share is None else min(1.0, share + 0.02),
        **{"coverage": COVERAGE, "mass": mass, "lift": lift},
        **{"lift_low": lift * 0.92, "lift_high": lift * 1.08},
        **{"p": None if share is None else 1e-6, "q": None if share is None else 4e-6},
        **{"selected": share is not None, "gain": None if share is None else share * 0.6},
    }


def profile_rows(heads: list[Head], rng: np.random.Generator) -> list[dict[str, Any]]:
    """Rows of profiles.parquet: all queries, and the class of the exception."""
    rows = []
    for item in heads:
        decay = rng.uniform(0.05, 0.6)
        curve = np.exp(-decay * np.arange(64)) * 0.3
        curve[1 if "previous token" in item.shares else 0] += max(item.shares.values()) * 0.7
        curve /= max(curve.sum(), 1.0)
        for query_class in ("", *item.exceptions):
            rows += [
                {"name": item.name, "query_class": query_class, "distance": d, "attention": a}
                for d, a in enumerate(curve.tolist())
            ]
    return rows


def write_showcase(
    out: Path, heads: list[Head], size: Size, rng: np.random.Generator
) -> list[dict[str, Any]]:
    """The showcase files; returns the prompts."""
    prompts: list[dict[str, Any]] = []
    arrays: dict[str, ndarray] = {}
    texts = [tokenise(text) for text in STORIES]
    if size.hostile:
        texts.append(["<|bos|>", *HOSTILE])
    for index, tokens in enumerate(texts):
        label = np.stack([pattern(head.shares, tokens) for head in heads])
        real = np.stack([noisy(p, h.noise, rng) for p, h in zip(label, heads, strict=True)])
        arrays |= {f"real_{index}": real.astype(np.float16)}
        arrays |= {f"label_{index}": label.astype(np.float16)}
        starts = np.cumsum([0, *(len(token) for token in tokens[1:])]).tolist()
        offsets = [[0, 0], *([a, b] for a, b in itertools.pairwise(starts))]
        text = "".join(tokens[1:])
        prompts.append({"id": f"s{index + 1}", "tokens": tokens, "offsets": offsets, "text": text})
    write_json(out / "showcase" / "prompts.json", prompts)
    np.savez_compressed(out / "showcase" / "patterns.npz", **arrays)  # type: ignore[arg-type]
    return [{**p, "real": arrays[f"real_{i}"]} for i, p in enumerate(prompts)]


def head_evidence(
    heads: list[Head], prompts: list[dict[str, Any]], rng: np.random.Generator
) -> list[dict[str, Any]]:
    """Rows of evidence/heads.parquet: best, worst and, where there is one, the exception."""
    rows = []
    for index, item in enumerate(heads):
        kinds = ["best", "worst", *(f"exception: {name}" for name in item.exceptions)]
        for kind in kinds:
            for rank in range(4):
                prompt = prompts[(rank + index) % len(prompts)]
                n = len(prompt["tokens"])
                query = int(rng.integers(n // 2, n))
                start, stop = max(0, query - 24), min(n, query + 3)
                real = prompt["real"][index, query, start:stop].astype(float)
                guess = pattern(item.shares, prompt["tokens"])[query, start:stop]
                rows.append(
                    {
                        **{"name": item.name, "kind": kind, "rank": rank, "prompt": prompt["id"]},
                        **{"query": query, "start": start, "real": real.tolist()},
                        "tokens": prompt["tokens"][start:stop],
                        **{"predicted": guess.tolist(), "r2": 0.9 - 0.1 * rank},
                    }
                )
    return rows


def pair_rows(size: Size, heads: list[Head], rng: np.random.Generator) -> list[dict[str, Any]]:
    """Rows of pairs.parquet: a few neurons that follow each head."""
    rows = []
    for item in heads:
        for neuron in rng.choice(size.d_mlp, min(6, size.d_mlp), replace=False):
            value = float(rng.uniform(-0.5, 0.7))
            name = f"L{item.layer}N{neuron}"
            rows.append(
                {
                    **{"head": item.name, "neuron": name, "correlation": value, "tokens": 20_000},
                    **{"correlation_low": value - 0.04, "correlation_high": value + 0.04},
                    "weight_path": 0.1,
                }
            )
    return rows


def replacement_rows(heads: list[Head], rng: np.random.Generator) -> list[dict[str, Any]]:
    """Rows of replacement.parquet for single heads."""
    rows = []
    for item in heads:
        base = 0.004 + 0.03 * item.noise
        names = {"clean": 0.0, "label": base, "dense": base * 0.7, "distance_profile": base * 1.8}
        names |= {"uniform": 0.06, "mean": 0.05, "zero": 0.08, "first_position": 0.09}
        names |= {"other_label": 0.1, "shuffled_label": 0.07}
        for condition, rise in names.items():
            jitter = rise * float(rng.uniform(0.9, 1.1))
            rows.append(
                {
                    **{"scope": "head", "name": item.name, "condition": condition},
                    **{"loss": 1.9 + np.log1p(jitter), "rise": jitter, "kl": jitter / 2},
                    **{"rise_low": jitter * 0.8, "rise_high": jitter * 1.2, "tokens": 20_000},
                }
            )
    return rows


def cost_rows(
    heads: list[Head], prompts: list[dict[str, Any]], rng: np.random.Generator
) -> list[dict[str, Any]]:
    """Rows of evidence/costs.parquet: two tokens a head, the dearer second."""
    rows = []
    for item in heads:
        for rise in (1.5, 3.25):
            prompt = prompts[int(rng.integers(len(prompts)))]
            position = int(rng.integers(2, len(prompt["tokens"])))
            start = max(0, position - 8)
            rows.append(
                {
                    **{"name": item.name, "prompt": prompt["id"], "position": position},
                    **{"rise": rise, "start": start},
                    "tokens": prompt["tokens"][start : position + 4],
                }
            )
    return rows


def make_run_folder(out: Path, size: Size | None = None, seed: int = 0) -> Path:
    """Write a whole run folder at `out` and return it."""
    size = size or Size()
    rng = np.random.default_rng(seed)
    heads = make_heads(size, rng)
    rows = head_rows(heads, size, rng)
    neurons = neuron_table(size, rng)
    prompts = write_showcase(out, heads, size, rng)
    tables: dict[str, Any] = {
        "heads.parquet": rows,
        "neurons.parquet": neurons,
        "predictions.parquet": pd.concat(
            [
                pd.DataFrame(prediction_rows(heads, rng)),
                neuron_predictions(neurons, size, np.random.default_rng(seed)),
            ],
            ignore_index=True,
        ),
        "profiles.parquet": profile_rows(heads, rng),
        "hooks.parquet": hook_rows(size, rng),
        "pairs.parquet": pair_rows(size, heads, rng),
        "evidence/heads.parquet": head_evidence(heads, prompts, rng),
        "evidence/neurons.parquet": neuron_evidence(size, prompts, rng),
    }
    if size.verified:
        tables["replacement.parquet"] = replacement_rows(heads, rng)
        tables["evidence/costs.parquet"] = cost_rows(heads, prompts, rng)
    for file in TABLES:
        if file in tables:
            write_table(out, file, tables[file])
    write_json(out / "activations.json", activations_json(size, prompts, rng))
    write_json(out / "run.json", run_json(size, rows, neurons))
    return out


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--heads", type=int, default=16)
    parser.add_argument("--mlp", type=int, default=1024)
    parser.add_argument("--evidence", type=int, default=3)
    parser.add_argument("--hostile", action="store_true")
    parser.add_argument("--unverified", action="store_true")
    parser.add_argument("--wordy", action="store_true")
    given = parser.parse_args()
    verified = not given.unverified
    shape = (given.layers, given.heads, given.mlp, given.evidence)
    make_run_folder(given.out, Size(*shape, given.hostile, verified, given.wordy))


if __name__ == "__main__":
    main()
