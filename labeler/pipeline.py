"""spaCy: from strings to parses. The only file that imports it."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray

from heuristics.parse import Parse
from heuristics.schemes import normalise, scheme_of
from labeler.errors import ConfigError
from labeler.readers import first_line
from labeler.sentences import mark_abbreviations, mark_lines
from labeler.tags import mended_tag
from labeler.words import part_words

EMBEDDED = Path(__file__).parent / "assets" / "english_pipeline"
INTEGERS = ("start", "end", "head", "sentence")
STRINGS = ("text", "lemma", "pos", "dep", "entity")
"""The columns of a parse."""
CACHE_FORMAT = 6
NONE = "none"
"""The pipeline that finds words and sentences by rule, and parses nothing."""
LONGEST_PIECE = 10_000
"""Characters; spaCy's tokenizer takes time with the square of what has no space in it."""


@dataclass(frozen=True)
class Pipeline:
    """A spaCy pipeline, loaded when the first uncached prompt asks for it."""

    name: str

    @cached_property
    def nlp(self) -> Any:
        """The loaded pipeline; ConfigError if it is not installed."""
        try:
            nlp = _words() if self.name == NONE else _load(self.name)
        except Exception as error:
            raise ConfigError(_unloadable(self.name, error)) from error
        # Long strings are parsed piece by piece; only a plugin's `doc()` sees a whole one.
        nlp.max_length = sys.maxsize
        return nlp

    @property
    def parses(self) -> bool:
        """Whether it says more than where words and sentences are."""
        pipes = ("parser", "tagger", "morphologizer")
        return self.name == "embedded" or any(self.nlp.has_pipe(pipe) for pipe in pipes)

    @property
    def folder(self) -> Path | None:
        """Where its files are, if it was not named by a package."""
        folder = EMBEDDED if self.name == "embedded" else Path(self.name)
        return folder if self.name != NONE and folder.is_dir() else None

    @cached_property
    def version(self) -> str:
        """The pipeline's version; where a folder says it, nothing is loaded for it."""
        if self.folder is not None:
            with suppress(OSError, ValueError, KeyError, TypeError):
                return str(json.loads((self.folder / "meta.json").read_bytes())["version"])
        return str(self.nlp.meta["version"])

    @cached_property
    def scheme(self) -> str:
        """`ud` or `spacy`: the names of its dependency labels."""
        if self.name == "embedded":  # not loaded for this: a test holds it
            return "ud"
        labels = self.nlp.get_pipe("parser").labels if self.nlp.has_pipe("parser") else ()
        return scheme_of(labels)

    @cached_property
    def fingerprint(self) -> str:
        """What a cached parse depends on: the pipeline's files, or its name and version."""
        digest = hashlib.blake2b(digest_size=8)
        digest.update(f"{CACHE_FORMAT} spacy {version('spacy')} ".encode())
        if self.folder is not None:
            for file in sorted(path for path in self.folder.rglob("*") if path.is_file()):
                digest.update(file.read_bytes())
        else:
            digest.update(f"{self.name} {self.version}".encode())
        return digest.hexdigest()

    def parse(self, strings: Sequence[str]) -> Iterator[Parse]:
        """Parses of strings, in order; long ones are parsed in pieces (see `pieces`)."""
        cut = [pieces(string) for string in strings]
        docs = self.nlp.pipe([piece for own in cut for piece in own], batch_size=32)
        for own in cut:
            parses = [_from_doc(doc, doc.has_annotation("DEP")) for doc in islice(docs, len(own))]
            yield _joined(parses, [len(piece) for piece in own])


def _load(name: str) -> Any:
    import spacy

    if name == "embedded":
        return _first(part_words(spacy.load(EMBEDDED)), mark_abbreviations)
    return spacy.load(name)


def _words() -> Any:
    import spacy

    nlp = part_words(spacy.blank("en"))
    nlp.add_pipe("sentencizer")
    return _first(nlp, mark_abbreviations, mark_lines)


def _first(nlp: Any, *functions: Callable[[Any], Any]) -> Any:
    """A pipeline that calls these first, before it looks for sentences itself."""
    from spacy.language import Language

    for function in functions:
        Language.component(function.__name__, func=function)
        nlp.add_pipe(function.__name__, first=True)
    return nlp


def _unloadable(name: str, error: Exception) -> str:
    instead = (
        "or leave --spacy out for the embedded pipeline (English: parts of speech, dependencies "
        "and lemmas; no entities), or pass --spacy none to do without a parse"
    )
    reason = first_line(error, 200)
    if name == "embedded":
        return f"the embedded pipeline cannot be loaded ({reason}); install again"
    if Path(name).exists() or "/" in name:
        why = reason if Path(name).exists() else "there is nothing there"
        return f"spaCy pipeline {name} cannot be loaded ({why}); name a pipeline folder, {instead}"
    if isinstance(error, OSError):
        return (
            f"spaCy pipeline {name!r} is not installed: run `python -m spacy download {name}`, "
            f"{instead}"
        )
    return f"spaCy pipeline {name!r} cannot be loaded ({reason}); mend it, {instead}"


def pieces(string: str, longest: int = LONGEST_PIECE) -> list[str]:
    """A string cut into pieces that a parser can hold, after a paragraph, a line or a space."""
    found = []
    while len(string) > longest:
        window = string[:longest]
        ends = (window.rfind(mark) + len(mark) for mark in ("\n\n", "\n", " ") if mark in window)
        end = next((end for end in ends if end > longest // 2), longest)
        found.append(string[:end])
        string = string[end:]
    return [*found, string]


def _joined(parses: Sequence[Parse], lengths: Sequence[int]) -> Parse:
    """The parse of a string from those of its pieces, `lengths` characters each."""
    if len(parses) == 1:
        return parses[0]
    columns: dict[str, list[ndarray]] = {name: [] for name in (*INTEGERS, *STRINGS)}
    character = word = sentence = 0
    for parse, length in zip(parses, lengths, strict=True):
        shift = {"start": character, "end": character, "head": word, "sentence": sentence}
        for name, column in columns.items():
            column.append(
                getattr(parse, name) + shift[name] if name in shift else getattr(parse, name)
            )
        character, word = character + length, word + len(parse)
        sentence += int(parse.sentence.max(initial=-1)) + 1
    joined = {name: np.concatenate(column) for name, column in columns.items()}
    return Parse(**joined, parsed=all(parse.parsed for parse in parses))


def _from_doc(doc: Any, parsed: bool) -> Parse:
    words = list(doc)
    start = np.array([word.idx for word in words], dtype=np.int64)
    sentence = np.zeros(len(words), dtype=np.int64)
    if parsed or doc.has_annotation("SENT_START"):
        starts = np.array([bool(word.is_sent_start) for word in words], dtype=np.int64)
        sentence = np.maximum(np.cumsum(starts) - 1, 0)
    return Parse(
        start=start,
        end=start + np.array([len(word) for word in words], dtype=np.int64),
        text=np.array([word.text for word in words], dtype=object),
        lemma=np.array([word.lemma_ or word.lower_ for word in words], dtype=object),
        pos=np.array([mended_tag(word.text, word.pos_) for word in words], dtype=object),
        dep=np.array(normalise([word.dep_ for word in words]), dtype=object),
        head=np.array([word.head.i for word in words], dtype=np.int64),
        sentence=sentence,
        entity=np.array([word.ent_type_ for word in words], dtype=object),
        parsed=parsed,
    )
