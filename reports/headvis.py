"""The folder that HeadVis and Neuronpedia read: metrics of all heads, and sequences head by head.

The tree and its keys are those of HeadVis' data pipeline (config.json, scatter_data.json,
heads/L{layer}H{head}.json). Sequences are the showcase prompts, sparse: at most eight keys a query
and nothing below 0.005. Metrics come from the whole corpus, as far as the run folder has them.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray

from labeler.results import RunFolder
from reports.head_view import by_name
from reports.place import Kind, replaced
from reports.records import head_records
from reports.wording import number

INTERVALS = 10
KEYS_PER_QUERY = 8
THRESHOLD = 0.005
DISTANCE_EDGES = (0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
METRICS = {
    "self_attention_score": "Mean attention to the current token",
    "prev_token_score": "Mean attention to the previous token",
    "pattern_entropy": "Mean entropy of a query's attention, in nats",
    "qk_distance": "Mean distance from query to key, from the distance profile",
    "qk_distance_variance": "Variance of that distance",
    "induction_score": "Mass on induction targets over repeated random tokens",
}

WORDS = ("label", "automatic_label", "confidence", "verdict")
"""What scatter_data.json says of a head beside its metrics; HeadVis reads only the metrics."""


HEADVIS = Kind(
    name="a HeadVis folder of ours",
    tops=("config.json", "scatter_data.json", "server_config.json", "heads", "attributions"),
    files=re.compile(
        r"(config|scatter_data|server_config)\.json|heads/L-?\d+H-?\d+\.json|"
        r"attributions/manifest\.json"
    ),
    marked="scatter_data.json",
    mark='"label": ',
)


def write_headvis(folder: RunFolder, out: Path) -> Path:
    """Write the tree below `out`, in the place of an earlier one of ours, and return `out`."""
    with replaced(out, HEADVIS) as fresh:
        _write_tree(folder, fresh)
    return out


def _write_tree(folder: RunFolder, out: Path) -> None:
    rows = folder.heads.to_dict("records")
    profiles = by_name(folder.profiles[folder.profiles["query_class"].fillna("").eq("")])
    prompts = folder.showcase()
    for index, row in enumerate(rows):
        sequences = _sequences(prompts, index)
        name = f"L{int(row['layer'])}H{int(row['head'])}.json"
        _write(out / "heads" / name, _payload(sequences))
    scatter = [
        {"layer": int(row["layer"]), "head": int(row["head"])}
        | _metrics({str(k): v for k, v in row.items()}, profiles.get(str(row["name"]), []))
        | {key: record[key] for key in WORDS}
        for row, record in zip(rows, head_records(folder), strict=True)
    ]
    _write(out / "scatter_data.json", scatter)
    _write(out / "config.json", _config(folder, prompts))
    _write(out / "server_config.json", {})
    _write(out / "attributions" / "manifest.json", {})


def _metrics(row: dict[str, Any], profile: list[dict[str, Any]]) -> dict[str, float | None]:
    at = {int(p["distance"]): number(p["attention"]) or 0.0 for p in profile}
    total = sum(at.values())
    mean = sum(d * a for d, a in at.items()) / total if total > 0 else None
    variance = None
    if mean is not None:
        variance = sum((d - mean) ** 2 * a for d, a in at.items()) / total
    return {
        "self_attention_score": _round(at.get(0)),
        "prev_token_score": _round(at.get(1)),
        "pattern_entropy": _round(number(row["entropy"])),
        "qk_distance": _round(mean),
        "qk_distance_variance": _round(variance),
        "induction_score": _round(number(row["induction"])),
    }


def _round(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)


def _sequences(prompts: list[dict[str, Any]], head: int) -> list[dict[str, Any]]:
    """One record a prompt; intervals rank them by their highest attention, 10 the highest."""
    records = []
    for identity, prompt in enumerate(prompts):
        pattern = np.asarray(prompt["real"][head], dtype=float)
        flat, values = sparse(pattern)
        records.append(
            {
                "sequence_id": identity,
                "interval": 0,
                "tokens": list(prompt["tokens"]),
                "attention_indices": flat,
                "attention_values": values,
                "seq_len": len(pattern),
                "max_activation": _round(_highest(pattern)),
            }
        )
    ranked = sorted(range(len(records)), key=lambda i: (records[i]["max_activation"], i))
    for rank, index in enumerate(ranked):
        records[index]["interval"] = -(-(rank + 1) * INTERVALS // len(ranked))
    return records


def sparse(pattern: ndarray) -> tuple[list[int], list[float]]:
    """Flat indices q · n + k and values of the largest entries of each row."""
    flat: list[int] = []
    values: list[float] = []
    for query, row in enumerate(pattern):
        keys = np.argsort(-row, kind="stable")[:KEYS_PER_QUERY]
        for key in sorted(int(key) for key in keys if row[key] >= THRESHOLD):
            flat.append(query * len(pattern) + key)
            values.append(round(float(row[key]), 4))
    return flat, values


def _highest(pattern: ndarray) -> float:
    """The largest attention off the diagonal, first row and column left out as HeadVis does."""
    rest = np.tril(pattern, -1)[1:, 1:]
    return float(rest.max()) if rest.size else 0.0


def _payload(sequences: list[dict[str, Any]]) -> dict[str, Any]:
    highest = [s["max_activation"] for s in sequences]
    edges = [round(step / 20, 2) for step in range(21)]
    counts = np.histogram(highest, bins=np.array(edges))[0].tolist()
    return {
        "sequences": sequences,
        "qk_distance_histogram": _distances(sequences),
        "top_query_tokens": _tokens(sequences, "query"),
        "top_key_tokens": _tokens(sequences, "key"),
        "histogram": {"bin_edges": edges, "bin_values": counts},
        "statistics": {
            "n_samples": len(sequences),
            "mean_max_activation": _round(float(np.mean(highest))) if highest else None,
        },
    }


def _distances(sequences: list[dict[str, Any]]) -> dict[str, list[float]]:
    mass = [0.0] * (len(DISTANCE_EDGES) - 1)
    for sequence in sequences:
        n = sequence["seq_len"]
        for flat, value in _entries(sequence):
            place = bisect_right(DISTANCE_EDGES, flat // n - flat % n) - 1
            if place < len(mass):
                mass[place] += value
    return {"bin_edges": list(DISTANCE_EDGES), "bin_values": [round(m, 4) for m in mass]}


def _entries(sequence: dict[str, Any]) -> list[tuple[int, float]]:
    pairs = zip(sequence["attention_indices"], sequence["attention_values"], strict=True)
    return list(pairs)


def _tokens(sequences: list[dict[str, Any]], side: str) -> list[dict[str, Any]]:
    mass: dict[str, float] = defaultdict(float)
    for sequence in sequences:
        n = sequence["seq_len"]
        for flat, value in _entries(sequence):
            mass[sequence["tokens"][flat // n if side == "query" else flat % n]] += value
    ranked = sorted(mass.items(), key=lambda item: (-item[1], item[0]))[:50]
    return [{"token": token, "weight": round(weight, 4)} for token, weight in ranked]


def _config(folder: RunFolder, prompts: list[dict[str, Any]]) -> dict[str, Any]:
    model, corpus = folder.run["model"], folder.run["corpus"]
    heads = [
        [int(layer), int(head)]
        for layer, head in zip(folder.heads["layer"], folder.heads["head"], strict=True)
    ]
    pipeline = {
        "model_name": model["name"],
        "dataset_name": corpus.get("source", ""),
        "n_sequences": corpus.get("prompts", len(prompts)),
        "seq_len": max((len(p["tokens"]) for p in prompts), default=0),
        "dtype": (folder.run.get("settings") or {}).get("dtype", "float32"),
        "attn_implementation": "eager",
    }
    return {
        **pipeline,
        "heads": heads,
        "n_layers": model["n_layers"],
        "n_heads": model["n_heads"],
        "n_intervals": INTERVALS,
        "metrics": list(METRICS),
        "metric_descriptions": METRICS,
        "head_data_pattern": "L{layer}H{head}.json",
        "has_umap": False,
        "umap_heads": [],
        "custom_plots": [
            {"key": "qk_distance_histogram", "label": "Q-K distance"},
            {"key": "histogram", "label": "Highest attention of a sequence"},
        ],
        "custom_tables": [
            {"key": "top_query_tokens", "label": "Top query tokens"},
            {"key": "top_key_tokens", "label": "Top key tokens"},
        ],
        "statistics_display": {
            "n_samples": {"label": "Sequences", "format": "default"},
            "mean_max_activation": {"label": "Mean highest attention", "format": "default"},
        },
        "pipeline_config": pipeline,
    }


def _write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=True, allow_nan=False) + "\n", encoding="ascii")
