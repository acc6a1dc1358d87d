"""How much the prompts that judge share with those that chose: figures hold for such text alone.

Copies of a text that differ in more than spacing fall into any fold. What they have in common shows
in runs of words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from labeler.corpus import Prompt

WORDS = 8
MOST = 0.5
SAMPLE = 1_000
"""Prompts of each half that are looked at, those of the lowest digests."""
MANY = 0.1
"""The part of the judging prompts from which on it is said."""


def shared(prompts: Sequence[Prompt], n_folds: int) -> float | None:
    """The part of judging prompts most of whose runs of eight words a choosing prompt has, too.

    A prompt of fewer words is one run. None where nothing is folded.
    """
    if n_folds < 2:
        return None
    halves: tuple[list[Prompt], list[Prompt]] = ([], [])
    for prompt in sorted(prompts, key=lambda prompt: prompt.digest):
        halves[prompt.fold(n_folds) % 2].append(prompt)
    choosing, judging = (half[:SAMPLE] for half in halves)
    known = {run for prompt in choosing for run in _runs(prompt.words)}
    near = [_part(_runs(prompt.words), known) >= MOST for prompt in judging]
    return sum(near) / len(near) if near else None


def near_copies(corpus: Mapping[str, Any]) -> str:
    """What a reader of run.json's `corpus` should be told; empty where there is nothing."""
    part = corpus.get("shared") or 0.0
    if part < MANY:
        return ""
    return (
        f"{part:.0%} of the prompts that judge have most of their words in common with prompts "
        "that chose: held-out figures are of such text alone"
    )


def _runs(words: Sequence[str]) -> set[tuple[str, ...]]:
    return {tuple(words[at : at + WORDS]) for at in range(max(1, len(words) - WORDS + 1))}


def _part(runs: set[tuple[str, ...]], known: set[tuple[str, ...]]) -> float:
    return len(runs & known) / len(runs)
