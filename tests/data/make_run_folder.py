"""Make a synthetic run folder of any size, after docs/run-folder.md: what the report is tried on.

    python tests/data/make_run_folder.py runs/synthetic --layers 12 --heads 12 --mlp 3072 --hostile

Patterns are mixtures of simple relations with noise, so that a label can be seen to hold or fail.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy import ndarray

from labeler.results import SCHEMA, TABLES, write_json, write_table

STORIES = (
    'One day, Tom asks Lily: "I am looking for a banana but I cannot find it." '
    'Lily says: "Don\'t worry, I saw it under the big tree."',
    "When Mary and John went to the pond, Mary gave the red boat to John. John put the red boat "
    'on the water, and the wind took it away.\n"Wait!" cried Mary. "John, catch the red boat!"',
    "Grandma put apples, pears, plums, and nuts in the basket. Ben ate the apples, the pears, and "
    "the plums, but he did not eat the nuts, because the squirrel loved them.",
)
HOSTILE = (
    "</script><img src=x onerror=window.pwned=1>",
    "\u202eright to left\u202c",
    "שלום",
    "nul\x00byte",
    "🦔👩‍👩‍👧",
    "x" * 10_000,
    "{{ 7*7 }}{% raw %}",
    "<!--<script>window.pwned=2</script>",
    "'\"`;window.pwned=3//",
    "\u2028\u2029\ufeff\t\r",
    "=cmd|' /C calc'!A1",
    "\ud7ff\U0010ffff e\u0301\u0301",
)
RELATIONS = (
    "previous token",
    "current token",
    "start of text",
    "nearest structural pivot",
    "opening speech mark",
    "two back",
    "previous token unigram",
    "every proper noun",
    "clause start",
    "nearby (8)",
    "anywhere",
    "duplicate token",
)
WORDING = {
    "previous token": "the previous token",
    "current token": "the current token",
    "start of text": "the start of text",
    "nearest structural pivot": "the nearest preceding structural pivot",
    "opening speech mark": "the opening speech mark",
    "two back": "the token two back",
    "previous token unigram": "earlier copies of the current token",
    "every proper noun": "the current and previous proper nouns",
    "clause start": "the start of the current clause",
    "nearby (8)": "the last 8 tokens alike",
    "anywhere": "all tokens alike",
    "duplicate token": "the last copy of the current token",
}
CLASSES = ("closing speech mark", "comma", 'word "but"', "proper noun")
NEURON_KINDS = ("token detector", "class", "mixed", "position", "dead", "always on", "unlabelled")


@dataclass(frozen=True)
class Size:
    """How big a run to make, and of what."""

    n_layers: int = 1
    n_heads: int = 16
    d_mlp: int = 1024
    evidence: int = 3
    hostile: bool = False
    verified: bool = True


def tokenise(text: str) -> list[str]:
    """Rough pieces in the manner of byte-level BPE: a space belongs to the word behind it."""
    pieces = re.findall(r" ?[A-Za-z]+|\n| ?[^A-Za-z\s]+|\s", text)
    out: list[str] = []
    for piece in pieces:
        cut = 7 if len(piece.strip()) > 7 else len(piece)
        out += [part for part in (piece[:cut], piece[cut:]) if part]
    return ["<|bos|>", *out]


def targets(relation: str, tokens: list[str]) -> ndarray:
    """The target sets of one relation, `Bool[query key]`, causal."""
    n = len(tokens)
    query, key = np.mgrid[:n, :n]
    words = np.array(tokens, dtype=object)
    pivot = np.array([token.strip() in {",", ".", '."', "<|bos|>"} for token in tokens])
    mark = np.array([token.startswith(' "') or token == '"' for token in tokens])
    proper = np.array([bool(re.match(r" ?[A-Z]", token)) for token in tokens])
    same = words[:, None] == words[None, :]
    rules = {
        "previous token": key == query - 1,
        "current token": key == query,
        "start of text": key == 0,
        "nearest structural pivot": _nearest(np.broadcast_to(pivot, (n, n)), query, key),
        "opening speech mark": _nearest(np.broadcast_to(mark, (n, n)), query, key),
        "two back": key == query - 2,
        "previous token unigram": same & (key < query),
        "every proper noun": np.broadcast_to(proper, (n, n)) & (key > 0),
        "clause start": _nearest(np.broadcast_to(np.roll(pivot, 1), (n, n)), query, key),
        "nearby (8)": (key > query - 8) & (key > 0),
        "anywhere": key > 0,
        "duplicate token": _nearest(same & (key < query), query, key),
    }
    return rules[relation] & (key <= query)


def _nearest(mask: ndarray, query: ndarray, key: ndarray) -> ndarray:
    place = np.where(mask & (key <= query), key, -1)
    best = place.max(axis=1, keepdims=True)
    return (place == best) & (best >= 0)


def pattern(shares: dict[str, float], tokens: list[str]) -> ndarray:
    """The pattern that printed shares stand for, the remainder uniform over visible keys."""
    n = len(tokens)
    visible = np.tril(np.ones((n, n)))
    total = np.zeros((n, n))
    for relation, share in shares.items():
        mask = targets(relation, tokens).astype(float)
        total += share * mask / np.maximum(mask.sum(axis=1, keepdims=True), 1)
    rest = 1 - total.sum(axis=1, keepdims=True)
    return total + rest * visible / visible.sum(axis=1, keepdims=True)


def noisy(clean: ndarray, amount: float, rng: np.random.Generator) -> ndarray:
    """A pattern near `clean`: rows stay distributions."""
    noise = np.tril(rng.gamma(0.25, 1.0, clean.shape)) + np.eye(len(clean)) * 1e-9
    noise /= noise.sum(axis=1, keepdims=True)
    return (1 - amount) * clean + amount * noise


@dataclass(frozen=True)
class Head:
    """One made-up head: what it does, how cleanly, and on which class it does something else."""

    name: str
    layer: int
    head: int
    shares: dict[str, float]
    noise: float
    exception: tuple[str, str] | None

    @property
    def confidence(self) -> str:
        """The mark that this much noise would earn."""
        steps = ((0.35, "clear"), (0.6, "likely"), (0.85, "weak"))
        return next((name for bound, name in steps if self.noise < bound), "unlabelled")

    @property
    def label(self) -> str:
        """A sentence in the voice of the source's table."""
        if self.confidence == "unlabelled":
            return ""
        parts = list(self.shares.items())
        first, rest = parts[0], parts[1:]
        if first[1] >= 0.9:
            text = f"Attends to {WORDING[first[0]]}"
        else:
            text = f"Attends mostly to {WORDING[first[0]]} ({first[1]:.0%})"
        if rest:
            text += ", also to " + " and ".join(f"{WORDING[r]} ({s:.0%})" for r, s in rest)
        if self.exception:
            text += f"; on a {self.exception[0]}, to {WORDING[self.exception[1]]} (61%)"
        return text + "."


def make_heads(size: Size, rng: np.random.Generator) -> list[Head]:
    """Heads of every confidence, a third of them with an exception."""
    heads = []
    for index in range(size.n_layers * size.n_heads):
        layer, head = divmod(index, size.n_heads)
        count = int(rng.integers(1, 4))
        names = [RELATIONS[index % len(RELATIONS)]]
        names += [r for r in rng.permutation(RELATIONS[:10]) if r not in names][: count - 1]
        cut = np.sort(rng.dirichlet(np.ones(count + 1) * 1.5))[::-1].round(2)
        cut = np.array([0.93]) if index % 5 == 0 else np.maximum(cut[:count], 0.03)
        shares = dict(zip(names, cut.tolist(), strict=False))
        exception = (CLASSES[index % 4], "opening speech mark") if index % 3 == 0 else None
        noise = float(rng.uniform(0.1, 0.95))
        heads.append(Head(f"L{layer}H{head}", layer, head, shares, noise, exception))
    return heads


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
        if item.exception and item.confidence != "unlabelled":
            rows.append(_prediction(item.name, item.exception[1], item.exception[0], 0.61, rng))
            rows[-1]["order"] = 0
    return rows


def _prediction(
    name: str, relation: str, query_class: str, share: float | None, rng: np.random.Generator
) -> dict[str, Any]:
    mass = (share or 0) * 0.9 + float(rng.uniform(0, 0.06))
    lift = 1 + mass * 6
    return {
        **{"name": name, "prediction": relation, "query_class": query_class, "share": share},
        "share_low": None if share is None else max(0.0, share - 0.02),
        "share_high": None if share is None else min(1.0, share + 0.02),
        **{"coverage": 0.96, "mass": mass, "lift": lift},
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
        for query_class in ["", item.exception[0]] if item.exception else [""]:
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
        offsets = [[0, 0], *([a, b] for a, b in zip(starts, starts[1:], strict=False))]
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
        kinds = ["best", "worst"] + ([f"exception: {item.exception[0]}"] if item.exception else [])
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


def neuron_table(size: Size, rng: np.random.Generator) -> pd.DataFrame:
    """neurons.parquet: kinds and figures in plausible proportions."""
    n = size.n_layers * size.d_mlp
    kind = rng.choice(NEURON_KINDS, n, p=[0.5, 0.15, 0.13, 0.03, 0.04, 0.01, 0.14])
    tokens = np.array([" banana", " Tom", ",", "\n", " big", ' "', " said", " the"], dtype=object)
    if size.hostile:
        tokens = np.array([*tokens[:4], *HOSTILE[:5]], dtype=object)
    first, second = rng.integers(0, len(tokens), (2, n))
    labels = {
        "token detector": lambda i: f"Fires on {tokens[first[i]]!r} and {tokens[second[i]]!r}.",
        "class": lambda i: "Fires on a proper noun, less on a pronoun.",
        "mixed": lambda i: f"Fires on a comma, and on {tokens[first[i]]!r} inside speech.",
        "position": lambda i: "Fires on the first 8 positions.",
        "dead": lambda i: "Never fires on this corpus.",
        "always on": lambda i: "Fires everywhere.",
        "unlabelled": lambda i: "",
    }
    r2 = np.where(np.isin(kind, ["dead", "unlabelled"]), np.nan, rng.beta(1.6, 3, n)).round(4)
    steps = [kind == "unlabelled", r2 >= 0.5, r2 >= 0.2]
    spread = rng.gamma(2, 0.3, n)
    columns: dict[str, Any] = {
        "name": [f"L{i // size.d_mlp}N{i % size.d_mlp}" for i in range(n)],
        **{"layer": np.arange(n) // size.d_mlp, "neuron": np.arange(n) % size.d_mlp},
        "label": [labels[k](i)[:300] for i, k in enumerate(kind)],
        "kind": kind,
        "confidence": np.select(steps, ["unlabelled", "clear", "likely"], "weak"),
        **{"r2": r2, "r2_low": r2 - 0.03, "r2_high": r2 + 0.03},
        **{"r2_reinitialised": rng.beta(1.2, 6, n), "r2_partial": r2 * 0.3},
        **{"auroc": 0.5 + r2 / 2, "average_precision": r2 * 0.9, "base_rate": 0.03},
        **{"mean": spread * 0.1, "std": spread, "min": -0.17, "q1": -0.12, "median": -0.05},
        **{"q3": spread * 0.2, "max": spread * 6},
        "promotes": [[str(t) for t in rng.permutation(tokens)[:4]] for _ in range(n)],
        "suppresses": [[str(t) for t in rng.permutation(tokens)[:4]] for _ in range(n)],
        "role": rng.choice(["prediction", "suppression", "partition", ""], n),
    }
    return pd.DataFrame(columns)


def neuron_evidence(
    size: Size, prompts: list[dict[str, Any]], rng: np.random.Generator
) -> list[dict[str, Any]]:
    """Rows of evidence/neurons.parquet: top, deciles and counter-examples."""
    kinds = ["top"] * size.evidence
    if size.evidence > 1:
        kinds += [f"decile {d}" for d in range(1, 11)]
        kinds += ["feature without activation", "activation without feature"]
    rows = []
    for index in range(size.n_layers * size.d_mlp):
        for rank, kind in enumerate(kinds):
            prompt = prompts[(rank + index) % len(prompts)]
            position = int(rng.integers(1, len(prompt["tokens"])))
            start = max(0, position - 8)
            tokens = prompt["tokens"][start : position + 4]
            values = rng.normal(0, 0.4, len(tokens)).round(3)
            values[position - start] = round(float(rng.uniform(1, 4)), 3)
            rows.append(
                {
                    "name": f"L{index // size.d_mlp}N{index % size.d_mlp}",
                    **{"kind": kind, "rank": rank if kind == "top" else 0, "start": start},
                    **{"prompt": prompt["id"], "position": position, "tokens": tokens},
                    **{"value": float(values[position - start]), "values": values.tolist()},
                }
            )
    return rows


def hook_rows(size: Size, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Rows of hooks.parquet with signed logarithmic buckets."""
    magnitudes = np.geomspace(1e-3, 30, 60)
    edges = np.concatenate([-magnitudes[::-1], [0], magnitudes])
    rows = []
    for layer in range(size.n_layers):
        for hook in ("attn.hook_z", "hook_resid_mid", "mlp.hook_post", "hook_resid_post"):
            scale = float(rng.uniform(0.3, 2) * (1 + layer))
            values = rng.normal(0.05, scale, 20_000)
            counts = np.histogram(values, edges)[0]
            quartiles = np.quantile(values, [0, 0.25, 0.5, 0.75, 1]).tolist()
            rows.append(
                {
                    **{"hook": f"blocks.{layer}.{hook}", "count": len(values) * 100},
                    **{"mean": float(values.mean()), "std": float(values.std())},
                    **dict(zip(("min", "q1", "median", "q3", "max"), quartiles, strict=True)),
                    **{"edges": edges.tolist(), "counts": counts.tolist()},
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
                }
            )
    return rows


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
        "heuristics": [
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
        "predictions.parquet": prediction_rows(heads, rng),
        "profiles.parquet": profile_rows(heads, rng),
        "hooks.parquet": hook_rows(size, rng),
        "pairs.parquet": pair_rows(size, heads, rng),
        "evidence/heads.parquet": head_evidence(heads, prompts, rng),
        "evidence/neurons.parquet": neuron_evidence(size, prompts, rng),
    }
    if size.verified:
        tables["replacement.parquet"] = replacement_rows(heads, rng)
    for file in TABLES:
        if file in tables:
            write_table(out, file, tables[file])
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
    given = parser.parse_args()
    verified = not given.unverified
    size = Size(given.layers, given.heads, given.mlp, given.evidence, given.hostile, verified)
    make_run_folder(given.out, size)


if __name__ == "__main__":
    main()
