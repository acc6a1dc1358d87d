"""A made-up run.json."""

from __future__ import annotations

from typing import Any

import pandas as pd

from heuristics.registry import load_heuristics
from labeler.plugins import described
from labeler.results import SCHEMA
from tests.data.synthetic_heads import CLASSES, HOSTILE, RELATIONS, WORDING, Size

CURVE = {
    0.1: (0.004, 0.003, 0.01, 0.02, 0.03),
    0.25: (0.037, 0.03, 0.07, 0.107, 0.2),
    0.5: (0.194, 0.13, 0.37, 0.99, 1.4),
    0.75: (0.52, 0.34, 0.8, 2.6, 3.9),
    1.0: (1.01, 0.64, 1.6, 9.47, 12.1),
}
CURVE_NAMES = ("label", "dense", "distance_profile", "uniform", "first_position")


def curve_rows() -> list[dict[str, float]]:
    """`replacement_curve` of run.json."""
    rows = []
    for fraction, values in CURVE.items():
        row = {"fraction": fraction}
        for name, value in zip(CURVE_NAMES, values, strict=True):
            row |= {name: value, f"{name}_low": value * 0.9, f"{name}_high": value * 1.1}
        rows.append(row)
    return rows


def run_json(size: Size, heads: list[dict[str, Any]], neurons: pd.DataFrame) -> dict[str, Any]:
    """run.json."""
    marks = pd.Series([row["confidence"] for row in heads]).value_counts()
    labelled = len(heads) - int(marks.get("unlabelled", 0))
    named = int((~neurons["kind"].isin(["unlabelled", "dead"])).sum())
    evil = HOSTILE[0] if size.hostile else ""
    return {
        "schema": SCHEMA,
        "created": "2026-11-23T09:30:00+00:00",
        "versions": {"labeler": "0.1.0", "torch": "2.13.0", "transformer_lens": "4.3.1"},
        "model": {
            **{"name": "story-1L" + evil, "hash": "3f9a1c0d7be2", "architecture": "GPTNeo"},
            **{"n_layers": size.n_layers, "n_heads": size.n_heads, "d_model": 256, "d_head": 16},
            **{"d_mlp": size.d_mlp, "n_ctx": 512, "vocabulary": 2048, "has_bos": True},
        },
        "corpus": {
            **{"source": "stories.jsonl", "hash": "b07c55e1aa90", "prompts": 212, "folds": 16},
            **{"tokens": 41_302, "skipped": {"duplicate": 3, "shorter than 8 tokens": 1}},
        },
        "pipeline": {"name": "stories_en", "version": "0.1", "scheme": "ud", "hash": "77ab01"},
        "heuristics": [described(item) for item in load_heuristics()]
        if size.wordy
        else [
            {
                **{"name": name, "kind": "relation", "module": "heuristics.position"},
                **{"hash": f"{i:06x}", "description": f"Attention to {WORDING[name]}."},
            }
            for i, name in enumerate(RELATIONS)
        ],
        "heuristics_failed": [
            {"name": "colour", "module": "mine.py", "prompt": "s2", "error": "ValueError: " + evil}
        ]
        if size.hostile
        else [],
        "query_classes": [{"name": n, "wording": f"on a {n}", "rows": 900} for n in CLASSES],
        "settings": {"seed": 0, "max_predictions": 4, "clear": 0.5, "likely": 0.2},
        "counts": {
            **{"heads": len(heads), "heads_labelled": labelled, "neurons": len(neurons)},
            **{"neurons_labelled": named, "dead": int((neurons["kind"] == "dead").sum())},
            **{k: int(marks.get(k, 0)) for k in ("clear", "likely", "weak", "unlabelled")},
        },
        "headline": f"{labelled} of {len(heads)} heads are labelled; replacing a quarter of them "
        "by their labels raises perplexity by 3.7%.",
        "figures": {
            **{"mean_r2": 0.39, "mean_r2_dense": 0.45, "mean_r2_distance": 0.34},
            **{"neurons_r2_median": 0.31, "neurons_r2_above_0.1": 0.81},
            **{"neurons_r2_median_reinitialised": 0.17},
            **{"neurons_r2_above_0.1_reinitialised": 0.62},
        },
        "replacement_curve": curve_rows() if size.verified else [],
        "seconds": {"parse": 4.1, "statistics": 11.9, "fit": 1.2, "verify": 14.0},
    }
