"""Made-up neurons: kinds, figures and strips in plausible proportions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tests.data.synthetic_heads import HOSTILE, NEURON_KINDS, STORIES, Size, tokenise


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
    gists = {}
    if size.wordy:
        named = _named(n, rng)
        gists = {"gist": [label.split(", and on ")[0] for label in named]}
        labels = dict.fromkeys(labels, named.__getitem__)
    r2 = np.where(np.isin(kind, ["dead", "unlabelled"]), np.nan, rng.beta(1.6, 3, n)).round(4)
    steps = [kind == "unlabelled", r2 >= 0.5, r2 >= 0.2]
    spread = rng.gamma(2, 0.3, n)
    columns: dict[str, Any] = {
        "name": [f"L{i // size.d_mlp}N{i % size.d_mlp}" for i in range(n)],
        **{"layer": np.arange(n) // size.d_mlp, "neuron": np.arange(n) % size.d_mlp},
        "label": [labels[k](i)[:400] for i, k in enumerate(kind)],
        **gists,
        "kind": kind,
        "confidence": np.select(steps, ["unlabelled", "clear", "likely"], "weak"),
        **{"r2": r2, "r2_low": r2 - 0.03, "r2_high": r2 + 0.03},
        **{"r2_reinitialised": rng.beta(1.2, 6, n), "r2_partial": r2 * 0.3},
        **{"auroc": 0.5 + r2 / 2, "average_precision": r2 * 0.9, "base_rate": 0.03},
        **{"mean": spread * 0.1, "std": spread, "min": -0.17, "q1": -0.12, "median": -0.05},
        **{"q3": spread * 0.2, "max": spread * 6},
        "promotes": [[str(t) for t in rng.permutation(tokens)[:4]] for _ in range(n)],
        "suppresses": [[str(t) for t in rng.permutation(tokens)[:4]] for _ in range(n)],
        "precision_top": 0.8,
        "precision_deciles": [np.linspace(0.05, 0.95, 10).tolist()] * n,
        "edges": [np.linspace(-0.17, 4, 11).tolist()] * n,
        "counts": [[700, 100, 40, 20, 10, 8, 6, 4, 2, 1]] * n,
        **{"output_variance": 0.002, "output_kurtosis": 3.4, "output_skew": -0.1},
        "role": rng.choice(["prediction", "suppression", "partition", ""], n),
    }
    return pd.DataFrame(columns)


def _named(n: int, rng: np.random.Generator) -> list[str]:
    """Labels that name five groups of four tokens, each another: some 250 characters."""
    words = sorted({token.replace("\n", "⏎") for text in STORIES for token in tokenise(text)})
    drawn = rng.choice([f'"{word}"' for word in words], (n, 5, 4)).tolist()
    return [
        "Fires on " + ", and on what follows ".join(", ".join(group) for group in groups) + "."
        for groups in drawn
    ]


def neuron_predictions(table: pd.DataFrame, size: Size, rng: np.random.Generator) -> pd.DataFrame:
    """Rows of predictions.parquet about neurons: two each, as many as there can be if `wordy`."""
    words = sorted({f'"{token}"' for token in tokenise(STORIES[0])})
    each = 6 if size.wordy else 2
    names = np.repeat(table["name"][table["label"] != ""], each)
    drawn = rng.choice(words, (len(names), 5)).tolist()
    return pd.DataFrame(
        {
            "name": names,
            "prediction": [f"token {' | '.join(group)}" for group in drawn],
            **{"query_class": "", "order": np.arange(len(names)) % each},
            **{"share": rng.normal(0, 1, len(names)).round(4), "p": 1e-4, "q": 1e-3},
            **{"gain": rng.beta(1, 20, len(names)).round(4), "selected": True},
        }
    )


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
