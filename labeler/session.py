"""What a run works with: everything that settings name, loaded and checked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from heuristics.contract import Heuristic
from heuristics.registry import load_heuristics
from heuristics.text import Text
from labeler import plugins
from labeler.annotate import ParseCache, annotate, cache_folder
from labeler.batches import batches
from labeler.columns import Columns
from labeler.config import Settings
from labeler.corpus import (
    Corpus,
    Prompt,
    Shard,
    choose_folds,
    embedded_showcase,
    read_corpus,
    shards,
    told,
)
from labeler.engines.forked import in_order
from labeler.engines.threads import workers
from labeler.errors import ConfigError, CorpusError, PluginError
from labeler.model import LanguageModel, load_model
from labeler.pipeline import Pipeline
from labeler.predictors import predictor_matrix
from labeler.prepare import Prepared, Vocabulary, build_vocabulary, prepare
from labeler.progress import Progress, Silent
from labeler.reinitialised import PROMPTS as REINITIALISED_TEXTS

EMBEDDED_MODEL = Path(__file__).parent / "assets" / "story_model"
SAMPLE = 400
LONGEST = 2048
"""Tokens of a text, unless told otherwise: patterns take memory with the square of its length."""


def model_name(settings: Settings) -> str:
    """The folder or hub name of the model that settings ask for."""
    return str(EMBEDDED_MODEL) if settings.model == "embedded" else settings.model


def model_of(settings: Settings, tell: Callable[[str], None]) -> LanguageModel:
    """Load the model that settings ask for; `tell` is told what of the memory it takes."""
    return load_model(
        model_name(settings),
        settings.device,
        settings.dtype,
        revision=settings.revision,
        device_map=settings.device_map,
        pickle=settings.pickle,
        copies=2 if settings.reinitialised else 1,
        tell=tell,
    )


class Session:
    """What a run works with: everything that settings name, loaded and checked."""

    def __init__(
        self,
        settings: Settings,
        progress: Progress | None = None,
        corpus: Corpus | None = None,
        model: LanguageModel | None = None,
    ) -> None:
        self.settings = settings
        self.progress = progress or Silent()
        self.failed: list[PluginError] = []
        self.slow: list[dict[str, Any]] = []
        self.heuristics = load_heuristics(
            settings.plugin,
            settings.only,
            settings.without,
            self.failed.append if settings.keep_going else None,
        )
        self._need_a_relation()
        given = corpus or self._given()  # before the model, which may take minutes
        if not corpus:
            for line in told(given):
                self.progress.note(line)
        self.model = model or model_of(settings, self.progress.note)
        embedded = settings.model == "embedded"
        self.model_name = "embedded story model" if embedded else settings.model
        self.limit = min(settings.max_tokens or LONGEST, self.model.shape.n_ctx)
        self.corpus = corpus or self._kept(given)
        self.pipeline = Pipeline(settings.spacy)
        self.unparsed = self._leave_out_unparsed()
        self.cache = ParseCache(self.pipeline, cache_folder())
        self.n_folds, self.shards = self._cut(self.corpus)

    def _need_a_relation(self) -> None:
        if not any(item.kind == "relation" for item in self.heuristics):
            raise ConfigError("no relation is left to label heads with; loosen --only or --without")

    def _cut(self, corpus: Corpus) -> tuple[int, tuple[Shard, ...]]:
        """The number of folds and the shards; no folds where one half of them would be empty."""
        size = self.settings.prompts_per_shard
        n_folds = choose_folds(len(corpus))
        cut = shards(corpus, n_folds, size)
        if {shard.fold % 2 for shard in cut} == {0, 1}:
            return n_folds, cut
        return 0, shards(corpus, 0, size)

    def _given(self) -> Corpus:
        """The corpus as it was given; CorpusError where it cannot be read."""
        settings = self.settings
        source: Any = settings.prompts or settings.corpus
        wanted = None if settings.min_tokens > 1 else settings.max_prompts
        return read_corpus(source, column=settings.column, max_prompts=wanted)

    def _kept(self, corpus: Corpus) -> Corpus:
        """The prompts that are long enough, and no more than asked for."""
        settings = self.settings
        kept, short, long = [], 0, 0
        for prompt in corpus.prompts:
            n = len(self.model.tokenize(prompt.text)[0])
            if n < settings.min_tokens:
                short += 1
                continue
            long += n > self.limit
            kept.append(prompt)
            if len(kept) == settings.max_prompts:
                break
        if not kept:
            raise CorpusError(
                f"no prompt of {corpus.source} has {settings.min_tokens} tokens or more; lower "
                "--min-tokens"
            )
        what = "cut" if settings.long == "cut" or settings.max_tokens else "split"
        counts = {f"under {settings.min_tokens} tokens": short, f"{what} at {self.limit}": long}
        skipped = {**corpus.skipped, **{k: v for k, v in counts.items() if v}}
        return replace(corpus, prompts=tuple(kept), skipped=skipped)

    def texts(self, prompts: Sequence[Prompt]) -> list[Text]:
        """Annotated prompts; a limit that the user set cuts, the context splits unless told."""
        long = "cut" if self.settings.max_tokens else self.settings.long
        return annotate(prompts, self.model, self.cache, self.limit, long)

    @property
    def sample(self) -> Corpus:
        """The prompts with the lowest digests, whatever the order of the corpus."""
        lowest = sorted(self.corpus.prompts, key=lambda prompt: prompt.digest)[:SAMPLE]
        return replace(self.corpus, prompts=tuple(lowest))

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """Resolved on the sample, cut as if it were the corpus: so a worker that has no more does.

        A corpus no larger than that is cut as it is for scoring, and its parses are used again.
        """
        sample = self.sample
        parts = [shard.prompts for shard in self._cut(sample)[1]]
        self.progress.stage("annotate", len(sample), "prompts")
        self._parse(parts)
        texts = [text for part in parts for text in self.texts(part)]
        return build_vocabulary(self.heuristics, texts, self.settings.frequent_tokens)

    def _parse(self, parts: Sequence[Sequence[Prompt]]) -> None:
        """See to it that parses are cached, each part by one of the run's processes."""
        missing = [part for part in parts if self.cache.missing(part)]
        self.progress.advance(sum(map(len, parts)) - sum(map(len, missing)))
        if missing:
            _ = self.pipeline.nlp  # loaded before it is copied

        def parse(number: int) -> None:
            self.cache.parses(missing[number])

        done = in_order(parse, len(missing), workers(self.settings), self.progress.note)
        for number, _ in enumerate(done):
            self.progress.advance(len(missing[number]))

    def try_heuristics(self) -> None:
        """Ask plugins about a few texts, and the rest too: PluginError before the folder is made.

        Under `keep_going` plugins are asked about every text, and what fails anywhere leaves the
        vocabulary: the run is the one that it would be without it.
        """
        if self.settings.keep_going:
            self._leave_out_failing()
        texts = self.texts(self.shards[0].prompts)[: plugins.TRIED]
        own = [item for item in self.heuristics if not item.built_in]
        self.slow = plugins.tried(own, texts)
        for text in texts:
            self.prepare(text)

    def _leave_out_unparsed(self) -> list[Heuristic]:
        """Without a parse, what uses it takes no part."""
        if self.pipeline.parses:
            return []
        unparsed = [item for item in self.heuristics if item.parse]
        self.heuristics = tuple(item for item in self.heuristics if not item.parse)
        self._need_a_relation()
        return unparsed

    def _leave_out_failing(self) -> None:
        own = [item for item in self.heuristics if not item.built_in]
        prompts = [shard.prompts for shard in self.shards] + [embedded_showcase()]
        texts = (text for part in prompts for text in self.texts(part))
        failed = plugins.failing(own, texts)
        if not failed:
            return
        left_out = {(error.kind, error.heuristic) for error in failed}
        self.failed += failed
        self.heuristics = tuple(
            item for item in self.heuristics if (item.kind, item.name) not in left_out
        )
        without = (*self.settings.without, *map(" ".join, sorted(left_out)))
        self.settings = replace(self.settings, without=without)
        self._need_a_relation()

    @property
    def overlap(self) -> bool:
        """Whether texts are read while the model runs: on the CPU that takes the model's time."""
        return self.model.device.type != "cpu"

    def prepare(self, text: Text) -> Prepared:
        """A text, ready to be scored."""
        return prepare(text, self.vocabulary, self.model.shape.kinds)

    def batches(self, shard: Shard) -> Iterator[list[Prepared]]:
        """A shard's texts in batches, each ready to be scored when it is asked for."""
        return self.prepared(self.texts(shard.prompts))

    def prepared(self, texts: Sequence[Text]) -> Iterator[list[Prepared]]:
        """Texts in batches, each prepared when it is asked for."""
        for batch in batches(texts, self.settings.token_budget):
            yield [self.prepare(text) for text in batch]

    @cached_property
    def median_tokens(self) -> float:
        """Tokens of a text that is scored: the median over the sample, a long prompt cut."""
        prompts = self.sample.prompts
        lengths = [len(self.model.tokenize(prompt.text)[0]) for prompt in prompts]
        return float(np.median(np.minimum(lengths, self.limit)))

    def control_texts(self) -> list[list[Text]]:
        """What a re-initialised copy reads: some texts of every fold, the first of the corpus."""
        n_folds = max(self.n_folds, 1)
        limit = max(1, REINITIALISED_TEXTS // n_folds)
        by_fold: list[list[Text]] = [[] for _ in range(n_folds)]
        for shard in self.shards:
            own = by_fold[shard.fold]
            if len(own) < limit:
                own += sorted(self.texts(shard.prompts), key=lambda text: text.id)
        return [own[:limit] for own in by_fold]

    def neuron_columns(self) -> list[list[Columns]]:
        """What neurons are described by on the texts that a re-initialised copy reads."""
        return [
            [Columns.of(text, predictor_matrix(text, self.vocabulary.neurons)) for text in fold]
            for fold in self.control_texts()
        ]

    def plan(self) -> dict[str, Any]:
        """Everything that the statistics of a shard depend on."""
        return {
            "model": self.model.fingerprint(),
            "corpus": self.corpus.hash,
            "shards": [shard.id for shard in self.shards],
            "pipeline": self.pipeline.fingerprint,
            "heuristics": [plugins.described(item) for item in self.heuristics],
            "limit": self.limit,
            "long": self.settings.long,
            "dtype": self.settings.dtype,
            "token_budget": self.settings.token_budget,
            "frequent_tokens": self.settings.frequent_tokens,
            "seed": self.settings.seed,
            "threads": self.settings.threads,
        }

    def plan_file(self) -> bytes:
        """`plan.json`; runs of one plan have the same bytes."""
        return json.dumps(self.plan(), indent=1, sort_keys=True, ensure_ascii=False).encode()


def judging_prompts(session: Session) -> Iterator[Shard]:
    """Shards whose folds judge; all where there are no folds."""
    for shard in session.shards:
        if session.n_folds == 0 or shard.fold % 2 == 1:
            yield shard


def showcase(session: Session) -> list[Prepared]:
    """The showcase prompts, cut to the context."""
    texts = session.texts(embedded_showcase())
    return [session.prepare(text) for text in texts]
