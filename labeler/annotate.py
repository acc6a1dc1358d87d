"""From prompts to Texts: tokens with offsets, and the parse, cached on disk."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray

from heuristics.parse import Parse
from heuristics.text import Text
from labeler.corpus import Prompt
from labeler.errors import RunFolderError
from labeler.model import LanguageModel
from labeler.pipeline import INTEGERS, STRINGS, Pipeline
from labeler.results import write_atomic


def cache_folder() -> Path:
    """`$LABELER_CACHE`, or the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("LABELER_CACHE") or Path(base) / "head-labeler")


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
    for name in INTEGERS:
        joined = [getattr(parse, name) for parse in parses]
        arrays[name] = np.concatenate([np.zeros(0, dtype=np.int64), *joined]).astype(np.int32)
    for name in STRINGS:
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
        columns: dict[str, ndarray] = {name: arrays[name].astype(np.int64) for name in INTEGERS}
        for name in STRINGS:
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
