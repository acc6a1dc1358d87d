"""From prompts to Texts: tokens with offsets, and the parse, cached on disk.

The only file that imports spaCy.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray

from heuristics.parse import Parse
from heuristics.schemes import normalise, scheme_of
from heuristics.text import Text
from labeler.corpus import Prompt
from labeler.errors import ConfigError, RunFolderError
from labeler.model import LanguageModel
from labeler.readers import first_line
from labeler.results import write_atomic
from labeler.tags import mended_tag

EMBEDDED = Path(__file__).parent / "assets" / "english_pipeline"
_INTEGERS = ("start", "end", "head", "sentence")
_STRINGS = ("text", "lemma", "pos", "dep", "entity")
CACHE_FORMAT = 4
NONE = "none"
"""The pipeline that finds words and sentences by rule, and parses nothing."""
LONGEST_PIECE = 10_000
"""Characters; spaCy's tokenizer takes time with the square of what has no space in it."""


def cache_folder() -> Path:
    """`$LABELER_CACHE`, or the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("LABELER_CACHE") or Path(base) / "head-labeler")


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
        from labeler.words import part_words

        return part_words(spacy.load(EMBEDDED))
    return spacy.load(name)


def _words() -> Any:
    import spacy

    from labeler.words import part_words

    nlp = part_words(spacy.blank("en"))
    nlp.add_pipe("sentencizer")
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
    columns: dict[str, list[ndarray]] = {name: [] for name in (*_INTEGERS, *_STRINGS)}
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
        text=_strings(word.text for word in words),
        lemma=_strings(word.lemma_ or word.lower_ for word in words),
        pos=_strings(mended_tag(word.text, word.pos_) for word in words),
        dep=_strings(normalise([word.dep_ for word in words])),
        head=np.array([word.head.i for word in words], dtype=np.int64),
        sentence=sentence,
        entity=_strings(word.ent_type_ for word in words),
        parsed=parsed,
    )


def _strings(values: Iterable[str]) -> ndarray:
    found = list(values)
    array = np.empty(len(found), dtype=object)
    array[:] = found
    return array


class ParseCache:
    """Parses of one shard in one compressed file, keyed by its prompts and the pipeline."""

    def __init__(self, pipeline: Pipeline, folder: Path | None) -> None:
        self.pipeline = pipeline
        self.folder = folder

    def parses(self, prompts: Sequence[Prompt]) -> list[Parse]:
        """The parse of each prompt: read if cached, else computed and written."""
        path = self._path(prompts)
        if path is not None and path.is_file():
            found = _read(path)
            if found is not None and len(found) == len(prompts):
                return found
        parses = list(self.pipeline.parse([prompt.text for prompt in prompts]))
        if path is not None:
            try:
                write_atomic(path, _pack(parses))
            except (RunFolderError, OSError):
                self.folder = None
        return parses

    def missing(self, prompts: Sequence[Prompt]) -> bool:
        """Whether these could be kept, and are not yet."""
        path = self._path(prompts)
        return path is not None and not path.is_file()

    def _path(self, prompts: Sequence[Prompt]) -> Path | None:
        if self.folder is None:
            return None
        digest = hashlib.blake2b(digest_size=16)
        for prompt in prompts:
            digest.update(hashlib.blake2b(prompt.text.encode(), digest_size=16).digest())
        return self.folder / "parses" / self.pipeline.fingerprint / f"{digest.hexdigest()}.npz"


def _pack(parses: Sequence[Parse]) -> bytes:
    arrays: dict[str, ndarray] = {
        "count": np.array([len(parse) for parse in parses]),
        "parsed": np.array([parse.parsed for parse in parses]),
    }
    for name in _INTEGERS:
        joined = [getattr(parse, name) for parse in parses]
        arrays[name] = np.concatenate([np.zeros(0, dtype=np.int64), *joined]).astype(np.int32)
    for name in _STRINGS:
        table: dict[str, int] = {}
        codes = [
            table.setdefault(value, len(table))
            for parse in parses
            for value in getattr(parse, name)
        ]
        arrays[name] = np.array(codes, dtype=np.int32)
        encoded = [value.encode() for value in table]
        arrays[f"{name}_lengths"] = np.array([len(value) for value in encoded], dtype=np.int32)
        arrays[f"{name}_bytes"] = np.frombuffer(b"".join(encoded), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _read(path: Path) -> list[Parse] | None:
    """None where the file is damaged: it is then made anew."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        columns: dict[str, ndarray] = {name: arrays[name].astype(np.int64) for name in _INTEGERS}
        for name in _STRINGS:
            raw, ends = arrays[f"{name}_bytes"].tobytes(), np.cumsum(arrays[f"{name}_lengths"])
            starts = np.concatenate([[0], ends[:-1]])
            table = [raw[a:b].decode() for a, b in zip(starts, ends, strict=False)]
            columns[name] = np.array([*table, ""], dtype=object)[arrays[name]]
        ends = np.cumsum(arrays["count"])
        return [
            Parse(**{name: column[end - n : end] for name, column in columns.items()}, parsed=flag)
            for n, end, flag in zip(
                arrays["count"].tolist(), ends.tolist(), arrays["parsed"].tolist(), strict=True
            )
        ]
    except Exception:  # noqa: BLE001 - whatever numpy and zlib make of a damaged file
        return None


def fit_to_context(text: Text, limit: int, long: str) -> list[Text]:
    """A text cut to `limit` tokens, or split into pieces of at most so many, BOS before each."""
    if len(text) <= limit:
        return [text]
    bos = 1 if text.has_bos else 0
    stops = [limit] if long == "cut" else list(range(limit, len(text) + limit - bos, limit - bos))
    pieces = []
    for number, stop in enumerate(stops):
        kept = slice(stop - limit + bos, stop)
        ids = np.concatenate([text.token_ids[:bos], text.token_ids[kept]])
        offsets = np.concatenate([text.offsets[:bos], text.offsets[kept]])
        name = text.id if number == 0 else f"{text.id}#{number + 1}"
        pieces.append(replace(text, id=name, token_ids=ids, offsets=offsets))
    return pieces


def annotate(
    prompts: Sequence[Prompt],
    model: LanguageModel,
    cache: ParseCache,
    limit: int,
    long: str = "split",
) -> list[Text]:
    """The Texts of a shard, cut or split to `limit` tokens."""
    texts: list[Text] = []
    for prompt, parse in zip(prompts, cache.parses(prompts), strict=True):
        ids, offsets = model.tokenize(prompt.text)
        whole = Text(
            id=prompt.id,
            string=prompt.text,
            token_ids=ids,
            offsets=offsets,
            has_bos=model.bos is not None,
            parse=parse,
            doc=partial(_doc, cache.pipeline, prompt.text),
        )
        texts += fit_to_context(whole, limit, long)
    return texts


def _doc(pipeline: Pipeline, string: str) -> Any:
    return pipeline.nlp(string)
