"""`make bench`: what labelling costs beside what the model costs, and beside common practice.

Every figure is a ratio: both sides run in turn, over the same prompts, and medians are compared.
A forward pass is that of TransformerBridge as it is booted, without what labelling changes of it.
"Processes" is how a model on the CPU is labelled: a copy of this process for every thread that the
other side has, each with one. Microseconds are printed for orientation only. `--few` takes 40
relations and 60 features, every so many of the built-in ones by name.

    python -m benchmarks.bench [--shape NAME ...] [--prompts 40] [--rounds 5] [--few] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.shapes import SHAPES, make
from heuristics.registry import load_heuristics
from labeler.batches import batches, pad
from labeler.config import load_settings
from labeler.corpus import Shard
from labeler.engines.forked import in_order
from labeler.engines.threads import keep_memory
from labeler.model import LanguageModel
from labeler.score import Scorer, score_shards
from labeler.session import Session

SLOW_PROMPTS = 6
"""Prompts for what is too slow to be run over all."""

FEW = {"relation": 40, "feature": 60}

HEAD_TYPES = ("previous_token_head", "duplicate_token_head", "induction_head")


def labelling(session: Session) -> None:
    """The whole first pass: texts from cached parses, every heuristic, every head and neuron."""
    for shard in session.shards:
        _score(session, shard)


def _score(session: Session, shard: Shard) -> None:
    scorer = Scorer(session.model, session.vocabulary)
    for done in score_shards([(scorer, session.batches(shard))], session.overlap):
        done.statistics()


def labelling_in_processes(session: Session, workers: int) -> None:
    """The same by forked processes, as a run does it; what they found stays with them."""
    shards = session.shards
    for _ in in_order(lambda i: _score(session, shards[i]), len(shards), workers, print):
        pass


def reading(session: Session) -> None:
    """The text's side of it alone."""
    for shard in session.shards:
        scorer = Scorer(session.model, session.vocabulary)
        for batch in session.batches(shard):
            scorer.read(batch)


def bare(model: Path, session: Session) -> LanguageModel:
    """The model as TransformerBridge boots it."""
    from transformer_lens.model_bridge import TransformerBridge

    bridge = TransformerBridge.boot_transformers(str(model), device="cpu")
    return LanguageModel(bridge, str(model), session.model.tokenizer)


def some_heuristics() -> list[str]:
    """The names of `FEW` built-in heuristics."""
    found = []
    for kind, wanted in FEW.items():
        names = sorted(item.name for item in load_heuristics() if item.kind == kind)
        found += [f"{kind} {names[i * len(names) // wanted]}" for i in range(wanted)]
    return found


class Forward:
    """The bare model over the same batches, tokenised and padded beforehand."""

    def __init__(self, session: Session, model: Path) -> None:
        texts = [text for shard in session.shards for text in session.texts(shard.prompts)]
        prepared = [session.prepare(text) for text in texts]
        self.model = bare(model, session)
        self.tokens = [pad(batch) for batch in batches(prepared, session.settings.token_budget)]
        self.strings = [text.string for text in texts]
        self.count = sum(len(text) for text in texts)

    def stopped(self) -> None:
        """Up to the unembedding."""
        for tokens in self.tokens:
            self.model.read(tokens, {})

    def stopped_in_processes(self, workers: int) -> None:
        """Up to the unembedding, by forked processes."""
        for _ in in_order(
            lambda i: self.model.read(self.tokens[i], {}), len(self.tokens), workers, print
        ):
            pass

    def whole(self) -> None:
        """With logits."""
        for tokens in self.tokens:
            self.model.logits(tokens, {})

    def detector(self) -> None:
        """`head_detector` for its three types of head, a prompt at a time, as it is meant."""
        from transformer_lens.head_detector import detect_head

        for string in self.strings[:SLOW_PROMPTS]:
            for kind in HEAD_TYPES:
                detect_head(self.model.bridge, string, kind)  # type: ignore[arg-type]

    def cached(self) -> None:
        """Common practice: `run_with_cache` a prompt at a time, a mask a head, in numpy."""
        for string in self.strings[:SLOW_PROMPTS]:
            ids, _ = self.model.tokenize(string)
            ids = ids[: self.model.shape.n_ctx]
            with torch.inference_mode():
                _, cache = self.model.bridge.run_with_cache(torch.from_numpy(ids)[None])
            mask = np.eye(len(ids), k=-1)
            for layer in range(self.model.shape.n_layers):
                pattern = cache[f"blocks.{layer}.attn.hook_pattern"][0].numpy()
                for head in pattern:
                    float((head * mask).sum() / head.sum())
                cache[f"blocks.{layer}.mlp.hook_post"][0].numpy().mean(axis=0)

    @property
    def slow_fraction(self) -> float:
        """The part of all tokens that the slow ones are run over."""
        few = sum(len(self.model.tokenize(text)[0]) for text in self.strings[:SLOW_PROMPTS])
        return few / self.count


def interleaved(sides: dict[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    """Median seconds of each side, all run once in every round; the first round is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(rounds + 1):
        for name, side in sides.items():
            start = time.perf_counter()
            side()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def measure(name: str, prompts: int, rounds: int, threads: int, few: bool) -> dict[str, Any]:
    """All ratios of one shape."""
    with tempfile.TemporaryDirectory() as folder:
        model = make(name, Path(folder) / "model")
        given = {"model": str(model), "max_prompts": prompts, "device": "cpu", "threads": 1}
        given["only"] = some_heuristics() if few else []
        session = Session(load_settings(None, given | {"out": Path(folder) / "run"}))
        vocabulary = session.vocabulary
        forward = Forward(session, model)
        sides: dict[str, Callable[[], None]] = {
            "labelling": lambda: labelling(session),
            "reading": lambda: reading(session),
            "labelling in processes": lambda: labelling_in_processes(session, threads),
            "stopped in processes": lambda: forward.stopped_in_processes(threads),
            "stopped": forward.stopped,
            "whole": forward.whole,
        }
        found = interleaved(sides, rounds)
        slow = interleaved({"detector": forward.detector, "cached": forward.cached}, 1)
        found |= {side: value / forward.slow_fraction for side, value in slow.items()}
    ours = found["labelling in processes"]
    return {
        "shape": name,
        "tokens": forward.count,
        "relations": len(vocabulary.relations),
        "features": len(vocabulary.features),
        "labelling / forward stopped at the unembedding": ours / found["stopped"],
        "labelling / forward with logits": ours / found["whole"],
        "both in processes: labelling / forward stopped": ours / found["stopped in processes"],
        "labelling in one process / forward stopped": found["labelling"] / found["stopped"],
        "text's side alone / forward stopped": found["reading"] / found["stopped"],
        "head_detector, 3 types / labelling": found["detector"] / ours,
        "run_with_cache, 1 heuristic / labelling": found["cached"] / ours,
        "microseconds a token": {k: round(v / forward.count * 1e6, 1) for k, v in found.items()},
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", action="append", choices=["embedded", *SHAPES])
    parser.add_argument("--prompts", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--few", action="store_true")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    keep_memory()
    rows = []
    for name in asked.shape or ["embedded", *SHAPES]:
        rows.append(measure(name, asked.prompts, asked.rounds, asked.threads, asked.few))
        for key, value in rows[-1].items():
            print(f"{key:48} {value:.2f}" if isinstance(value, float) else f"{key:48} {value}")
        print(flush=True)
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
