"""Do the statistics hold? Labels of random weights, and how often intervals hold the truth.

    python -m benchmarks.calibration random [--prompts 12 24 160] [--seeds 1]
    python -m benchmarks.calibration coverage [--prompts 40 100] [--draws 10]
        [--model M] [--corpus C] [--max-tokens N] [--population 1500]

`random` labels models with random weights, of four architectures and three sizes of weight, and
counts the heads that have a label and the neurons whose label has a class: none should. `coverage`
draws prompts from a corpus again and again, labels the model on each draw alone, and counts how
often a 95% interval of the R² of a labelled head or neuron, of a share or of a lift holds what that
is on all prompts of the corpus on which the label was not chosen.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.coverage import Intervals, coverage, drawn
from benchmarks.shapes import write
from labeler.config import Settings
from labeler.corpus import read_corpus
from labeler.intervals import ratio
from labeler.results import open_run
from labeler.run import run_labels
from labeler.session import EMBEDDED_MODEL

ARCHITECTURES: dict[str, dict[str, Any]] = {
    "gpt2": {"n_embd": 96, "n_layer": 4, "n_head": 6, "n_inner": 192, "n_positions": 512},
    "llama": {"num_key_value_heads": 3, "intermediate_size": 192},
    "gpt_neox": {"intermediate_size": 192},
    "opt": {"ffn_dim": 192, "word_embed_proj_dim": 96},
}
"""Four layers of six heads each."""
COMMON = {
    "hidden_size": 96,
    "num_hidden_layers": 4,
    "num_attention_heads": 6,
    "max_position_embeddings": 512,
}
DEVIATIONS = (0.02, 0.2, 1.0)
"""Standard deviations that weights are drawn with: as they are before training, and far larger."""


def random_model(architecture: str, deviation: float, seed: int, folder: Path) -> Path:
    """Write a model with random weights on the embedded model's tokenizer."""
    from transformers import AutoTokenizer

    settings = {
        "vocab_size": len(AutoTokenizer.from_pretrained(EMBEDDED_MODEL)),
        "pad_token_id": 0,
        "init_std" if architecture == "opt" else "initializer_range": deviation,
        **({} if architecture == "gpt2" else COMMON),
        **ARCHITECTURES[architecture],
    }
    return write(architecture, settings, seed, folder)


@dataclass(frozen=True)
class Labelled:
    """Of so many heads the labels that some have, of so many neurons those with a class."""

    heads: int
    labelled: tuple[str, ...]
    neurons: int
    with_class: int


def labelled(model: Path, prompts: int, seed: int, folder: Path) -> Labelled:
    """Label a model on so many embedded stories, drawn by the seed."""
    corpus = drawn(read_corpus("stories"), prompts, seed)
    run = open_run(run_labels(Settings(model=str(model), prompts=corpus, out=folder)).path)
    sure = run.heads["confidence"] != "unlabelled"
    found = tuple(f"{name}: {said}" for name, said in run.heads.loc[sure, ["name", "label"]].values)
    neurons = len(run.neurons)
    with_class = round(run.run["figures"]["neurons_with_class"] * neurons)
    return Labelled(len(run.heads), found, neurons, with_class)


def _random(asked: argparse.Namespace) -> None:
    total: dict[int, list[Labelled]] = {prompts: [] for prompts in asked.prompts or (12, 24, 160)}
    for architecture in ARCHITECTURES:
        for deviation in DEVIATIONS:
            for seed in range(asked.seeds):
                with tempfile.TemporaryDirectory() as place:
                    folder = Path(place)
                    model = random_model(architecture, deviation, seed, folder / "model")
                    for prompts, all_found in total.items():
                        found = labelled(model, prompts, seed, folder / str(prompts))
                        all_found.append(found)
                        what = (
                            f"{architecture}, deviation {deviation}, seed {seed}, {prompts} prompts"
                        )
                        print(what, *found.labelled, sep="\n  ", flush=True)
    print()
    for prompts, all_found in total.items():
        heads, neurons = (sum(getattr(f, n) for f in all_found) for n in ("heads", "neurons"))
        said = sum(len(found.labelled) for found in all_found)
        classes = sum(found.with_class for found in all_found)
        print(f"{prompts:4} prompts: {said} of {heads} heads labelled, ", end="")
        print(f"{classes} of {neurons:,} neurons with a class ({classes / neurons:.2%})")


def _coverage(asked: argparse.Namespace) -> None:
    settings = Settings(
        model=asked.model,
        corpus=asked.corpus,
        max_tokens=asked.max_tokens,
        max_prompts=asked.population,
    )
    for prompts in asked.prompts or (40, 100):
        found: dict[str, list[Intervals]] = {}
        with tempfile.TemporaryDirectory() as folder:
            for figures in coverage(settings, prompts, asked.draws, Path(folder)):
                for kind, own in figures.items():
                    found.setdefault(kind, []).append(own)
                held = (
                    f"{kind} {own.held.sum()} of {len(own.held)}" for kind, own in figures.items()
                )
                print("  held:", ", ".join(held), flush=True)
        for kind, draws in found.items():
            print(f"{prompts:4} prompts: {kind}: {summed_up(draws)}")


def summed_up(draws: Sequence[Intervals]) -> str:
    """The fraction of all intervals that held, with its own interval over draws, and the bias."""
    number = np.array([[len(own.held)] for own in draws], dtype=float)
    held = np.array([[own.held.sum()] for own in draws], dtype=float)
    part, low, high = (float(value[0]) for value in ratio(held, number))
    off = np.concatenate([own.printed - own.truth for own in draws])
    sure = "" if np.isnan(low) else f" ({low:.1%} to {min(high, 1.0):.1%})"
    return (
        f"{part:.1%}{sure} of {len(off)} intervals held the truth; "
        f"figures were off by {off.mean() if len(off) else 0.0:+.4f} on average"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["random", "coverage"])
    parser.add_argument("--prompts", type=int, nargs="+")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--corpus", default="stories")
    parser.add_argument("--max-tokens", type=int)
    parser.add_argument("--population", type=int)
    asked = parser.parse_args()
    {"random": _random, "coverage": _coverage}[asked.what](asked)


if __name__ == "__main__":
    main()
