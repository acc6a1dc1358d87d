"""Sixteen heads, one for each row of the source's table, and the texts they are made on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from transformers import AutoTokenizer

from heuristics.registry import load_heuristics
from labeler.annotate import ParseCache, annotate
from labeler.corpus import choose_folds, read_corpus
from labeler.model import LanguageModel
from labeler.pipeline import Pipeline
from labeler.prepare import Prepared, Vocabulary, build_vocabulary, prepare
from labeler.session import EMBEDDED_MODEL

from .synthetic import Made

SIXTEEN: tuple[Made, ...] = (
    Made(
        "Dialogue structure and speaker change.",
        {"start of the last turn": 0.4, "speech verb of this speech": 0.45, "start of text": 0.1},
    ),
    Made(
        'The preceding structural pivot; on "but", only itself.',
        {"nearest structural pivot": 0.85},
        {'on "but"': {"current token": 1.0}},
    ),
    Made("The subject of the sentence.", {"subject of the sentence": 0.8}),
    Made(
        "The current token, also sometimes the previous one.",
        {"current token": 0.7, "previous token": 0.2},
    ),
    Made(
        "The start of the clause and the coordinating conjunction.",
        {"start of the clause": 0.5, "nearest coordinating conjunction": 0.35},
    ),
    Made(
        "The previous token; on the closing speech mark, the opening one.",
        {"previous token": 0.95},
        {"on the closing speech mark": {"opening mark of this speech": 0.9}},
    ),
    Made(
        "The backward part of skip n-grams: where the same token, or pair, was seen before.",
        {"duplicate token": 0.5, "duplicate bigram": 0.4},
    ),
    Made(
        "The current and previous proper nouns.",
        {"current and previous proper nouns": 0.9},
    ),
    Made("All tokens of the clause by varying amounts.", {"same clause fading": 0.85}),
    Made(
        "The start of the clause and, within speech, the opening mark.",
        {"start of the clause": 0.5, "opening mark of this speech": 0.4},
    ),
    Made(
        "The previous token, as unigram and as bigram.",
        {"previous token": 0.5, "duplicate bigram": 0.4},
    ),
    Made(
        "Narrative summary.",
        {"start of text": 0.35, "every comma": 0.3, "nearest verb before a name": 0.2},
        {
            "on the closing speech mark": {"nearest proper noun": 0.8},
            "on most verbs": {"nearest noun": 0.8},
        },
    ),
    Made("The start of the text: a sink.", {"start of text": 0.95}),
    Made("All structural pivots at once.", {"every structural pivot": 0.85}),
    Made("60% sink, 40% nearest pivot.", {"start of text": 0.6, "nearest structural pivot": 0.4}),
    Made("Nothing: spread over all visible tokens.", {}),
)

MAX_TOKENS = 200
"""Enough for "but" to stand 50 times in a quarter of the stories, as an exception has to."""


@dataclass(frozen=True)
class Stories:
    """The embedded corpus, annotated by the embedded pipeline, in the story model's tokens."""

    vocabulary: Vocabulary
    folds: tuple[tuple[Prepared, ...], ...]

    @property
    def choosing(self) -> list[Prepared]:
        """The texts of the folds that choose."""
        return [item for fold in self.folds[0::2] for item in fold]


def embedded_stories(cache: Path | None, max_tokens: int = MAX_TOKENS) -> Stories:
    """All embedded stories, cut to a number of tokens, by fold."""
    tokenizer = AutoTokenizer.from_pretrained(str(EMBEDDED_MODEL))
    shape = SimpleNamespace(name="embedded", vocabulary=len(tokenizer))
    model = SimpleNamespace(tokenizer=tokenizer, bos=tokenizer.bos_token_id, shape=shape)
    model.tokenize = partial(LanguageModel.tokenize, model)
    prompts = read_corpus("stories").prompts
    texts = annotate(prompts, model, ParseCache(Pipeline("embedded"), cache), max_tokens, "cut")
    n_folds = choose_folds(len(prompts))
    vocabulary = build_vocabulary(load_heuristics(), texts)
    folds: list[list[Prepared]] = [[] for _ in range(n_folds)]
    for prompt, text in zip(prompts, texts, strict=True):
        folds[prompt.fold(n_folds)].append(prepare(text, vocabulary, (None,)))
    return Stories(vocabulary, tuple(tuple(fold) for fold in folds))


def seeds(items: Sequence[Prepared]) -> dict[str, int]:
    """A seed for each text, whatever the order they come in."""
    return {text_id: i for i, text_id in enumerate(sorted(item.text.id for item in items))}


def generator(text_seed: int, head: int) -> np.random.Generator:
    """The source of one head's noise on one text."""
    return np.random.default_rng([text_seed, head])
