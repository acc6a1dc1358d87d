"""Do the statistics hold? Labels of random weights, and how often intervals hold the truth.

    python -m benchmarks.calibration random [--prompts 12 24 160] [--seeds 1]
    python -m benchmarks.calibration coverage [--prompts 40 100] [--draws 10]
        [--model M] [--corpus C] [--max-tokens N] [--population 1500]

`random` labels models with random weights, of four architectures and three sizes of weight, and
counts the heads that have a label and the neurons whose label has a class: none should. `coverage`
draws prompts from a corpus again and again, labels the model on each draw alone, and counts how
often the 95% interval of a labelled head's R² holds the R² that the same label has on all prompts
of the corpus on which it was not chosen.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.shapes import write
from labeler.config import Settings
from labeler.corpus import Corpus, read_corpus
from labeler.engines.fold import fold_statistics
from labeler.measure import Measured, measure
from labeler.predict import Rules
from labeler.profiles import Profiles
from labeler.progress import Silent
from labeler.results import RunFolder, open_run
from labeler.run import run_labels
from labeler.session import EMBEDDED_MODEL, Session, judging_prompts
from labeler.statistics import split_folds
from labeler.verification import labels_of

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


def drawn(corpus: Corpus, prompts: int, seed: int) -> tuple[str, ...]:
    """So many prompts of a corpus, without putting back."""
    chosen = np.random.default_rng(seed).permutation(len(corpus))[:prompts]
    return tuple(corpus.prompts[index].text for index in sorted(chosen))


@dataclass(frozen=True)
class Held:
    """Of so many intervals those that held the truth; `bias` sums by how much R² was above it."""

    intervals: int
    held: int
    bias: float


def coverage(settings: Settings, prompts: int, draws: int, folder: Path) -> Iterator[Held]:
    """One entry a draw: the intervals of R² of the heads that have a label."""
    corpus = read_corpus(settings.corpus, max_prompts=settings.max_prompts)
    for seed in range(draws):
        own = drawn(corpus, prompts, seed)
        out = folder / str(seed)
        asked = replace(settings, prompts=own, max_prompts=None, out=out, reinitialised=False)
        run = open_run(run_labels(asked).path)
        truth = true_r2(Session(asked), run, corpus)
        heads = run.heads
        told = (heads["confidence"] != "unlabelled") & heads["r2_low"].notna()
        inside = (heads["r2_low"] <= truth) & (truth <= heads["r2_high"])
        off = (heads["r2"] - truth)[told]
        yield Held(int(told.sum()), int((inside & told).sum()), float(off.sum()))
        shutil.rmtree(out)


def true_r2(session: Session, run: RunFolder, corpus: Corpus) -> np.ndarray:
    """R² of a run's labels, `[head]`, on all prompts of a corpus but those they were chosen on."""
    judged = {prompt.text for shard in judging_prompts(session) for prompt in shard.prompts}
    chosen_on = {prompt.text for prompt in session.corpus.prompts} - judged
    others = [prompt for prompt in corpus.prompts if prompt.text not in chosen_on]
    shape, vocabulary = session.model.shape, session.vocabulary
    labels = labels_of(run, vocabulary, shape.heads)
    rules = Rules.by_layer(labels, shape, len(vocabulary.classes))
    folds = fold_statistics(session, Silent())
    profiles = Profiles.of([folds[i] for i in split_folds(len(folds))[0]], shape)
    total = Measured.empty(len(shape.heads))
    for batch in session.prepared(session.texts(others)):
        total += measure(batch, session.model, rules, profiles)
    return np.asarray(1 - total.error / total.energy)


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
        intervals = held = 0
        bias = 0.0
        with tempfile.TemporaryDirectory() as folder:
            for found in coverage(settings, prompts, asked.draws, Path(folder)):
                intervals, held = intervals + found.intervals, held + found.held
                bias += found.bias
                print(f"  {held} of {intervals} intervals", flush=True)
        off = bias / max(intervals, 1)
        print(
            f"{prompts:4} prompts: {held / max(intervals, 1):.1%} of {intervals} intervals held ",
            end="",
        )
        print(f"the truth; R² was off by {off:+.4f} on average")


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
