"""Trains, judges and packs the English pipeline that ships with the package.

    python recipes/english_pipeline.py EWT_FOLDER CHILDES_FOLDER OUTPUT_FOLDER

EWT_FOLDER holds UD English EWT (`en_ewt-ud-*.conllu`), CHILDES_FOLDER UD English CHILDES
(`en_childes-ud-dev.conllu` and `gold/*.conllu`).
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import spacy
from english_documents import grouped, lowercased, to_doc, to_example
from english_lemmas import lemma_tables
from english_stories import StoryWriter, insert_spoken_commas
from english_treebank import Sentence, read_conllu, without_sentences
from spacy.language import Language
from spacy.pipeline.tok2vec import Tok2VecListener
from spacy.symbols import NORM, ORTH
from spacy.tokens import Token
from spacy.training import Example
from spacy.util import (
    compile_prefix_regex,
    compile_suffix_regex,
    fix_random_seed,
    load_config,
    load_model_from_config,
)
from spacy.vocab import Vocab
from thinc.api import NumpyOps, set_current_ops

NAME, VERSION = "labeler_english", "0.1.0"
LICENCE = "CC BY-SA 4.0"
SOURCES = [
    {
        "name": "UD English EWT",
        "url": "https://github.com/UniversalDependencies/UD_English-EWT",
        "author": "Natalia Silveira et al.",
        "license": LICENCE,
    },
    {
        "name": "UD English CHILDES",
        "url": "https://github.com/UniversalDependencies/UD_English-CHILDES",
        "author": "Xiulin Yang et al.",
        "license": LICENCE,
    },
]
MARK_RUN = r"(?:[!?]{2,}|\*{2,}|={2,}|_{2,}|-{2,}|\.{2,})"


@dataclass(frozen=True)
class Treebanks:
    """Training sentences of both treebanks and the held-out ones, by name."""

    ewt: list[Sentence]
    childes: list[Sentence]
    held_out: dict[str, list[Sentence]]


@dataclass(frozen=True)
class Schedule:
    """How long and on what mixture to train; counts are per pass over EWT."""

    steps: int
    minutes: float
    batch_words: int
    dropout: float
    learn_rate: float
    childes_share: float
    stories: int
    seed: int


def read_treebanks(ewt: Path, childes: Path) -> Treebanks:
    """Reads both treebanks; sentences held out from CHILDES leave its training files."""
    held_out = {
        "ewt-dev": read_conllu(ewt / "en_ewt-ud-dev.conllu"),
        "ewt-test": read_conllu(ewt / "en_ewt-ud-test.conllu"),
        "childes-dev": read_conllu(childes / "en_childes-ud-dev.conllu"),
    }
    gold = [s for path in sorted((childes / "gold").glob("*.conllu")) for s in read_conllu(path)]
    return Treebanks(
        ewt=read_conllu(ewt / "en_ewt-ud-train.conllu"),
        childes=without_sentences(gold, held_out["childes-dev"]),
        held_out=held_out,
    )


def one_pass(
    vocab: Vocab, banks: Treebanks, writer: StoryWriter, schedule: Schedule, rng: random.Random
) -> list[Example]:
    """Every EWT sentence, a fresh sample of CHILDES and freshly written stories, shuffled."""
    sampled = [s for s in banks.childes if len(s.tokens) > 2]
    sampled = rng.sample(sampled, int(schedule.childes_share * len(sampled)))
    sampled = [insert_spoken_commas(s, rng) if rng.random() < 0.4 else s for s in sampled]
    groups = [*grouped(banks.ewt, rng), *grouped(sampled, rng)]
    groups += [writer.story(rng) for _ in range(schedule.stories)]
    rng.shuffle(groups)
    examples = []
    for group in groups:
        if rng.random() < 0.04:
            group = [lowercased(sentence) for sentence in group]
        reference = to_doc(vocab, group, curly=rng.random() < 0.25)
        examples.append(to_example(vocab, reference))
    return examples


def batches(examples: Sequence[Example], words: int) -> Iterator[list[Example]]:
    """Successive examples of about so many words together."""
    batch: list[Example] = []
    size = 0
    for example in examples:
        batch.append(example)
        size += len(example.reference)
        if size >= words:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def blank_pipeline(config: Path, overrides: dict[str, object]) -> Language:
    """The untrained network, with a tokenizer that splits as the treebanks do."""
    nlp = load_model_from_config(load_config(config, overrides), auto_fill=True)
    fit_tokenizer(nlp)
    return nlp


def fit_tokenizer(nlp: Language) -> None:
    """Keeps runs of marks together, and takes the norms out of the exceptions.

    spaCy's exceptions give "n't" the norm "not"; treebank words have no such norms, and what
    the network reads must be the same in training and in use.
    """
    tokenizer, defaults = nlp.tokenizer, nlp.Defaults
    tokenizer.prefix_search = compile_prefix_regex([MARK_RUN, *defaults.prefixes]).search
    tokenizer.suffix_search = compile_suffix_regex([MARK_RUN, *defaults.suffixes]).search
    pieces = {text: [part[ORTH] for part in parts] for text, parts in tokenizer.rules.items()}
    pieces |= {"wanna": ["wan", "na"], "Wanna": ["Wan", "na"]}
    tokenizer.rules = {
        text: [
            {ORTH: form, NORM: form.replace("’", "'").lower()} if "’" in form else {ORTH: form}
            for form in forms
        ]
        for text, forms in pieces.items()
    }


def learn_rate(progress: float, step: int, schedule: Schedule) -> float:
    """Rises over 200 steps, stays for a third of the training, and falls linearly to zero."""
    warm = min(1.0, (step + 1) / 200)
    falling = min(1.0, 1.5 * (1.0 - progress))
    return schedule.learn_rate * warm * falling


def example_batches(
    nlp: Language, banks: Treebanks, schedule: Schedule, rng: random.Random
) -> Iterator[list[Example]]:
    """Batches without end, each pass written anew; initializes the pipeline before the first."""
    writer = StoryWriter([*banks.ewt, *banks.childes])
    passes = (one_pass(nlp.vocab, banks, writer, schedule, rng) for _ in itertools.count())
    labelled = [to_example(nlp.vocab, to_doc(nlp.vocab, [s])) for s in banks.ewt + banks.childes]
    labelled += next(passes)
    nlp.initialize(lambda: labelled)
    del labelled
    for examples in passes:
        yield from batches(examples, schedule.batch_words)


def train(
    nlp: Language, banks: Treebanks, schedule: Schedule, report_every: int, checkpoint: Path
) -> None:
    """Trains in place, for the steps or until the time is over.

    What stays is the last weights or their running averages, whichever parse EWT's dev better.
    """
    # The stock check that a listener is fed its own batch reads every token, a tenth of the time.
    Tok2VecListener.get_batch_id = classmethod(lambda _, inputs: sum(map(id, inputs)))
    stream = example_batches(nlp, banks, schedule, random.Random(schedule.seed))
    upcoming = next(stream)
    optimizer = nlp.resume_training()
    started, words, progress, step = time.monotonic(), 0, 0.0, 0
    while progress < 1.0:
        optimizer.learn_rate = learn_rate(progress, step, schedule)
        nlp.update(upcoming, drop=schedule.dropout, sgd=optimizer)
        words += sum(len(example.reference) for example in upcoming)
        upcoming, step = next(stream), step + 1
        spent = time.monotonic() - started
        progress = max(step / schedule.steps, spent / 60 / schedule.minutes)
        if step % report_every == 0:
            figures = judge(nlp, banks.held_out["ewt-dev"][:600])
            shown = " ".join(f"{name} {value:.1f}" for name, value in figures.items())
            print(f"step {step} {spent:.0f}s {words / spent:.0f} words/s | {shown}", flush=True)
            pack(nlp, checkpoint, {"EWT dev, first 600": figures})
    last = judge(nlp, banks.held_out["ewt-dev"])
    with nlp.use_params(optimizer.averages):
        average = judge(nlp, banks.held_out["ewt-dev"])
        averaged = nlp.to_bytes()
    print(f"LAS of the last weights {last['LAS']:.2f}, of their averages {average['LAS']:.2f}")
    if average["LAS"] > last["LAS"]:
        nlp.from_bytes(averaged)


def judge(nlp: Language, sentences: Sequence[Sentence], group: int = 1) -> dict[str, float]:
    """Accuracies in per cent on gold tokens, `group` sentences to a document.

    `UAS` and `LAS` leave punctuation out, as spaCy's scorer does; `UAS+p` and `LAS+p` do not.
    """
    starts = range(0, len(sentences), group)
    documents = [to_doc(nlp.vocab, sentences[start : start + group]) for start in starts]
    blank = [to_example(nlp.vocab, document).predicted for document in documents]
    right: Counter[str] = Counter()
    words = marks = 0
    for found, gold in zip(nlp.pipe(blank, batch_size=64), documents, strict=True):
        for mine, wanted in zip(found, gold, strict=True):
            if not wanted.is_space:
                words += 1
                marks += wanted.dep_ == "punct"
                right.update(_right(mine, wanted))
    counted = {"UAS": words - marks, "LAS": words - marks}
    kinds = ("UPOS", "UAS", "LAS", "UAS+p", "LAS+p", "lemmas")
    return {kind: round(100 * right[kind] / counted.get(kind, words), 2) for kind in kinds}


def _right(mine: Token, wanted: Token) -> Iterator[str]:
    if mine.pos_ == wanted.pos_:
        yield "UPOS"
    if mine.lemma_ == wanted.lemma_:
        yield "lemmas"
    if mine.head.i == wanted.head.i:
        kinds = ("UAS", "LAS") if mine.dep_ == wanted.dep_ else ("UAS",)
        yield from (f"{kind}+p" for kind in kinds)
        if wanted.dep_ != "punct":
            yield from kinds


def pack(nlp: Language, folder: Path, performance: dict[str, dict[str, float]]) -> None:
    """Writes the pipeline beside its place and then moves it there, words of training left out."""
    nlp.meta.update(
        name=NAME,
        version=VERSION,
        license=LICENCE,
        sources=SOURCES,
        spacy_version=">=3.8.0,<3.9.0",
        description="English: parts of speech, dependencies (Universal Dependencies) and lemmas.",
        performance=performance,
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    nlp.to_disk(fresh)
    strings_file = fresh / "vocab" / "strings.json"
    kept = sorted(needed_strings(nlp) & set(json.loads(strings_file.read_text(encoding="utf-8"))))
    strings_file.write_text(json.dumps(kept, ensure_ascii=False, indent=0), encoding="utf-8")
    spacy.load(fresh)("One day, it loaded.")
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)


def needed_strings(nlp: Language) -> set[str]:
    """The labels, also those that stand for a crossing arc, and the parser's moves."""
    kept = {label for labels in nlp.pipe_labels.values() for label in map(str, labels)}
    kept |= {part for label in kept for part in label.split("||")}
    return kept | {move.partition("-")[2] for move in nlp.get_pipe("parser").move_names}


def performance(nlp: Language, banks: Treebanks) -> dict[str, dict[str, float]]:
    """Accuracies on every held-out part, one sentence to a document and ten."""
    return {
        f"{name}, {group} to a document": judge(nlp, sentences, group)
        for name, sentences in banks.held_out.items()
        for group in (1, 10)
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ewt", type=Path)
    parser.add_argument("childes", type=Path)
    parser.add_argument("output", type=Path)
    beside = Path(__file__).with_suffix(".cfg")
    parser.add_argument("--config", type=Path, default=beside)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=JSON", help="over the config")
    parser.add_argument("--steps", type=int, default=4300)
    parser.add_argument("--minutes", type=float, default=1e9, help="train no longer than this")
    parser.add_argument("--batch-words", type=int, default=1200)
    parser.add_argument("--dropout", type=float, default=0.15)
    parser.add_argument("--learn-rate", type=float, default=0.0015)
    parser.add_argument("--childes-share", type=float, default=0.3)
    parser.add_argument("--stories", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--report-every", type=int, default=250)
    return parser.parse_args()


def main() -> None:
    """Trains, judges on what was held out, and packs."""
    given = _arguments()
    # thinc's own matrix product is several times slower than numpy's on some processors.
    set_current_ops(NumpyOps(use_blis=False))
    banks = read_treebanks(given.ewt, given.childes)
    fields = {name: getattr(given, name) for name in Schedule.__dataclass_fields__}
    overrides = {key: json.loads(value) for key, _, value in (o.partition("=") for o in given.set)}
    nlp = blank_pipeline(given.config, overrides)
    schedule = Schedule(**fields)
    fix_random_seed(schedule.seed)
    checkpoint = given.output.with_name(given.output.name + ".checkpoint")
    train(nlp, banks, schedule, given.report_every, checkpoint)
    tables = lemma_tables(banks.ewt, banks.childes)
    nlp.add_pipe("lemmatizer", config={"mode": "rule"}).initialize(lookups=tables)
    figures = performance(nlp, banks)
    pack(nlp, given.output, figures)
    for part, values in figures.items():
        print(part, " ".join(f"{name} {value:.2f}" for name, value in values.items()))
    size = sum(path.stat().st_size for path in given.output.rglob("*") if path.is_file())
    print(f"{given.output}: {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
