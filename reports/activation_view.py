"""Activations as the page shows them: hooks, a map of tokens, prompts side by side, norms."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labeler.results import RunFolder
from reports.pack import Dictionary, pack, rounded
from reports.plots import Boxes, Curves, Overlay, boxes, by_position, overlay, scatter, told_apart
from reports.shapes import Histogram, rebin
from reports.wording import count, decimal, number, percent, sentence, significant, visible

FIGURES = ("mean", "std", "min", "q1", "median", "q3", "max")
MEANINGS = {
    "hook_resid_pre": "residual stream, into the block",
    "hook_attn_out": "what attention adds",
    "hook_resid_mid": "residual stream, before the MLP",
    "mlp.hook_pre": "MLP, before the activation function",
    "mlp.hook_pre_linear": "MLP, the arm without activation function",
    "mlp.hook_post": "MLP, after it: the neurons",
    "hook_mlp_out": "what the MLP adds",
    "hook_resid_post": "residual stream, after the MLP",
    "ln_final.hook_normalized": "final norm, before its affine step",
    "ln_final.hook_out": "final norm, after its affine step",
}
PAIRS = (
    ("hook_resid_mid", "hook_resid_post", "Residual stream, before and after the MLP"),
    ("mlp.hook_pre", "mlp.hook_post", "Neurons, before and after the activation function"),
)
FEW = 5
"""Positions that fewer prompts reach are not drawn: their means would be noise."""
DIFFERENT = 8
"""Prompts listed by name."""

Row = dict[str, Any]


@dataclass(frozen=True)
class HookView:
    """Statistics of the activations at one hook."""

    hook: str
    meaning: str
    count: str
    figures: list[str]
    histogram: Histogram | None
    ends: tuple[str, str]


@dataclass(frozen=True)
class PairView:
    """A histogram before and after."""

    wording: str
    layer: int
    drawn: Overlay


@dataclass(frozen=True)
class Feature:
    """A feature that the map can be coloured by: who carries it, and how far it tells apart."""

    name: str
    inside: list[int]
    says: str
    chosen: bool


@dataclass(frozen=True)
class MapView:
    """Tokens in two planes."""

    hook: str
    planes: list[tuple[str, list[tuple[float, float]]]]
    titles: list[str]
    features: list[Feature]

    @property
    def chosen(self) -> Feature | None:
        """The feature shown first: the one that the first plane tells apart best."""
        return next((feature for feature in self.features if feature.chosen), None)


@dataclass(frozen=True)
class PromptView:
    """A prompt among those that differ most from the corpus."""

    prompt: str
    begins: str
    tokens: str
    distance: str
    figures: list[str]
    moved: list[tuple[str, str]]


@dataclass(frozen=True)
class ActivationsView:
    """The page of activations."""

    hooks: list[HookView]
    pairs: list[PairView]
    heat: list[str]
    map: MapView | None
    boxes: Boxes | None
    titles: list[str]
    prompts: list[PromptView]
    n_prompts: int
    norms: list[tuple[int, Curves]]


def activations_view(folder: RunFolder) -> ActivationsView:
    """What `hooks.parquet` and `activations.json` hold, worded and placed."""
    rows = [{str(k): v for k, v in row.items()} for row in folder.hooks.to_dict("records")]
    pictures = folder.activations
    prompts = pictures.get("prompts") or []
    distances = [number(row.get("distance")) or 0.0 for row in prompts]
    return ActivationsView(
        hooks=[_hook(row) for row in rows],
        pairs=list(_pairs(rows)),
        heat=[sentence(one["prompt"]) for one in pictures.get("heat_maps") or []],
        map=_map(pictures.get("map") or {}),
        boxes=boxes(prompts, distances),
        titles=[_prompt_title(row) for row in prompts],
        prompts=[_prompt(row) for row in prompts[:DIFFERENT]],
        n_prompts=len(prompts),
        norms=_norms(pictures.get("norms") or []),
    )


def heat_part(folder: RunFolder) -> str | None:
    """The heat maps, packed: tokens and neurons by name, values in standard deviations."""
    maps = folder.activations.get("heat_maps") or []
    if not maps:
        return None
    labels = dict(zip(folder.neurons["name"], folder.neurons["label"], strict=True))
    words: Dictionary[str] = Dictionary()
    packed = [
        {
            "tokens": [words.number(visible(token)) for token in one["tokens"]],
            "neurons": [str(name) for name in one["neurons"]],
            "labels": [words.number(sentence(labels.get(name))) for name in one["neurons"]],
            "values": [rounded(row, 1) for row in one["values"]],
        }
        for one in maps
    ]
    return pack({"maps": packed, "words": words.items})


def in_place(value: Any, std: Any) -> str:
    """A figure to the third digit after the first of the deviation: rows of one scale line up."""
    scale = number(std)
    if scale is None or scale <= 0:
        return significant(value)
    return decimal(value, min(max(3 - math.floor(math.log10(scale)), 0), 9))


def _hook(row: Row) -> HookView:
    name = str(row["hook"])
    edges, counts = row["edges"], row["counts"]
    drawn = None
    if edges is not None and counts is not None and not isinstance(edges, float):
        drawn = rebin(edges, counts, number(row["mean"]), number(row["std"]))
    return HookView(
        sentence(name),
        MEANINGS.get(name.split(".", 2)[-1] if name.startswith("blocks.") else name, ""),
        count(row["count"]),
        [in_place(row[key], row["std"]) for key in FIGURES],
        drawn,
        (significant(drawn.low), significant(drawn.high)) if drawn else ("", ""),
    )


def _pairs(rows: list[Row]) -> list[PairView]:
    by_hook = {str(row["hook"]): row for row in rows}
    layers = sorted({int(name.split(".")[1]) for name in by_hook if name.startswith("blocks.")})
    found = []
    for layer in layers:
        for first, second, wording in PAIRS:
            names = [f"blocks.{layer}.{name}" for name in (first, second)]
            if all(name in by_hook for name in names):
                drawn = overlay(by_hook[names[0]], by_hook[names[1]])
                if drawn:
                    found.append(PairView(wording, layer, drawn))
    return found


def _map(given: Mapping[str, Any]) -> MapView | None:
    tokens = given.get("tokens") or []
    if not tokens:
        return None
    first, second = (percent(value) for value in given["explained"][:2])
    pca, tsne = ([token[key] for token in tokens] for key in ("pca", "tsne"))
    planes = [
        (f"PCA: two components, {first} and {second} of the variance", scatter(pca)),
        ("t-SNE: near is alike, far says little", scatter(tsne)),
    ]
    titles = [f"{visible(t['token'])} ({sentence(t['prompt'])}:{t['position']})" for t in tokens]
    return MapView(sentence(given["hook"]), planes, titles, _features(given, tokens, pca))


def _features(
    given: Mapping[str, Any], tokens: Sequence[Row], pca: Sequence[Sequence[float]]
) -> list[Feature]:
    inside: dict[int, list[int]] = {}
    for place, token in enumerate(tokens):
        for column in token["features"]:
            inside.setdefault(int(column), []).append(place)
    apart = {key: told_apart(pca, places) for key, places in inside.items()}
    best = max(apart, key=lambda key: (apart[key], -key), default=None)
    return [
        Feature(
            sentence(given["features"][key]),
            inside[key],
            f"{len(inside[key])} of {len(tokens)} tokens; {percent(apart[key])} of the spread in "
            "the PCA plane lies between them and the others.",
            key == best,
        )
        for key in sorted(inside, key=lambda key: str(given["features"][key]).strip("'\"").lower())
    ]


def _prompt_title(row: Row) -> str:
    figures = ", ".join(f"{key} {in_place(row[key], row['std'])}" for key in FIGURES)
    return f"{sentence(row['prompt'])}, {row['tokens']} tokens: {figures}"


def _prompt(row: Row) -> PromptView:
    return PromptView(
        sentence(row["prompt"]),
        sentence(row.get("begins", "")),
        count(row["tokens"]),
        decimal(row["distance"]),
        [in_place(row[key], row["std"]) for key in FIGURES],
        [(str(name), decimal(value, 1)) for name, value in row.get("moved") or []],
    )


def _norms(rows: Sequence[Row]) -> list[tuple[int, Curves]]:
    found = []
    for row in rows:
        enough = [i for i, reached in enumerate(row["prompts"]) if reached >= FEW]
        kept = enough or list(range(len(row["position"])))
        drawn = by_position(
            [row["position"][i] for i in kept],
            [(name, [row[name][i] for i in kept]) for name in ("attention", "mlp")],
        )
        if drawn:
            found.append((int(row["layer"]), drawn))
    return found
