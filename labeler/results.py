"""The run folder: its schema in one place, writing and reading (see docs/run-folder.md)."""

from __future__ import annotations

import errno
import io
import json
import os
import threading
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy import ndarray

from labeler.errors import RunFolderError as RunFolderError  # for reports, too
from labeler.foreign import blamed, read_arrays, read_json, read_table, shown
from labeler.foreign_facts import check_facts, check_showcase

SCHEMA = 1

EVENLY = "(all visible tokens)"
"""In predictions.parquet in the place of a prediction: an exception that says no more than that."""
GOES_ON = "◌"
"""Among tokens as shown: one of bytes, of a character that the token before it has shown."""

TABLES: dict[str, tuple[str, ...]] = {
    "heads.parquet": (
        *("name", "layer", "head", "label", "confidence", "r2", "r2_low", "r2_high", "r2_dense"),
        *("r2_distance", "unexplained", "first_position_share", "entropy", "written"),
        *("first_position_share_weighted", "induction"),
        *("recovered", "recovered_low", "recovered_high", "cost"),
    ),
    "neurons.parquet": (
        *("name", "layer", "neuron", "label", "kind", "confidence", "r2", "r2_low", "r2_high"),
        *("r2_reinitialised", "r2_partial", "auroc", "average_precision", "base_rate"),
        *("mean", "std", "min", "q1", "median", "q3", "max", "promotes", "suppresses", "role"),
        *("precision_top", "precision_deciles"),
        *("output_variance", "output_kurtosis", "output_skew"),
    ),
    "predictions.parquet": (
        *("name", "prediction", "query_class", "order", "share", "share_low", "share_high"),
        *("coverage", "mass", "lift", "lift_low", "lift_high", "p", "q", "selected", "gain"),
    ),
    "profiles.parquet": ("name", "query_class", "distance", "attention"),
    "hooks.parquet": (
        *("hook", "count", "mean", "std", "min", "q1", "median", "q3", "max", "edges", "counts"),
        "relative_error",
    ),
    "pairs.parquet": (
        *("head", "neuron", "correlation", "correlation_low", "correlation_high", "tokens"),
        "weight_path",
    ),
    "replacement.parquet": (
        *("scope", "name", "condition", "loss", "rise", "rise_low", "rise_high", "kl", "tokens"),
    ),
    "evidence/heads.parquet": (
        *("name", "kind", "rank", "prompt", "query", "start", "tokens", "real", "predicted", "r2"),
    ),
    "evidence/costs.parquet": ("name", "prompt", "position", "rise", "start", "tokens"),
    "evidence/neurons.parquet": (
        *("name", "kind", "rank", "prompt", "position", "value", "start", "tokens", "values"),
    ),
}
"""File → the columns that it has at least."""

OWN = {
    *("run.json", "plan.json", "settings.toml", "activations.json", "review.json"),
    *("review.previous.json", ".lock", "statistics", "judged", "showcase", "report"),
    *(Path(file).parts[0] for file in TABLES),
}
"""What stands in a run folder."""


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: a temporary neighbour, then a rename."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """A rename is on disk when its folder is; a file system that cannot say so is left alone."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def cannot_write(path: Path, error: OSError) -> RunFolderError:
    """What is said where the disk refuses."""
    remedy = "free some space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "mend that"
    return RunFolderError(
        f"cannot write {path}: {error.strerror}; {remedy} or choose another --out"
    )


def write_json(path: Path, value: Any) -> None:
    """JSON with sorted keys, so that equal runs are equal files."""
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, default=_plain)
    write_atomic(path, text.encode())


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"cannot write a {type(value).__name__} as JSON")


def write_table(folder: Path, file: str, table: pd.DataFrame | Iterable[Mapping[str, Any]]) -> None:
    """Write one of `TABLES`; columns of the schema come first and are all there."""
    frame = table if isinstance(table, pd.DataFrame) else pd.DataFrame(list(table))
    columns = list(TABLES[file])
    extra = [column for column in frame.columns if column not in columns]
    frame = frame.reindex(columns=columns + extra)
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False, compression="zstd")
    write_atomic(folder / file, buffer.getvalue())


@dataclass(frozen=True)
class RunFolder:
    """A run on disk; tables are read when first asked for, and empty where there is no file."""

    path: Path

    @cached_property
    def run(self) -> dict[str, Any]:
        """`run.json`."""
        value: dict[str, Any] = read_json(self.path / "run.json", dict)
        if value.get("schema") != SCHEMA:
            raise RunFolderError(f"{self.path} is not a run folder of schema {SCHEMA}")
        check_facts(value, self.path / "run.json")
        return value

    def _table(self, file: str) -> pd.DataFrame:
        path = self.path / file
        if not path.is_file():
            return pd.DataFrame(columns=list(TABLES[file]))
        return read_table(path, file, TABLES[file])

    @cached_property
    def heads(self) -> pd.DataFrame:
        """One row a head."""
        return self._table("heads.parquet")

    @cached_property
    def neurons(self) -> pd.DataFrame:
        """One row a neuron."""
        return self._table("neurons.parquet")

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """Component × prediction, long; `phrase` is the name where a folder has no phrases."""
        table = self._table("predictions.parquet")
        names = table["prediction"]
        said = table["phrase"].fillna(names) if "phrase" in table else names
        return table.assign(phrase=said)

    @cached_property
    def profiles(self) -> pd.DataFrame:
        """Mean attention by distance, per head and query class."""
        return self._table("profiles.parquet")

    @cached_property
    def hooks(self) -> pd.DataFrame:
        """Statistics of activations, with histograms."""
        return self._table("hooks.parquet")

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """Heads and the neurons that follow them."""
        return self._table("pairs.parquet")

    @cached_property
    def replacement(self) -> pd.DataFrame:
        """What replacing heads by their labels costs."""
        return self._table("replacement.parquet")

    @cached_property
    def costs(self) -> pd.DataFrame:
        """Where labels that replace heads lose most, token by token."""
        return self._table("evidence/costs.parquet")

    @cached_property
    def evidence_heads(self) -> pd.DataFrame:
        """Examples and counter-examples of heads."""
        return self._table("evidence/heads.parquet")

    @cached_property
    def evidence_neurons(self) -> pd.DataFrame:
        """Examples and counter-examples of neurons."""
        return self._table("evidence/neurons.parquet")

    @cached_property
    def activations(self) -> dict[str, Any]:
        """`activations.json`: what pictures of the MLP are drawn from; empty without an MLP."""
        return self._json("activations.json")

    @property
    def key(self) -> str:
        """What ties a review to a run: the same corpus and the same model."""
        corpus, model = self.run.get("corpus", {}), self.run.get("model", {})
        return f"{corpus.get('hash', '')}+{model.get('hash', '')}"

    def check_tested(self) -> None:
        """RunFolderError where the prompts were too few to hold any out."""
        corpus = self.run["corpus"]
        if not corpus["folds"]:
            raise RunFolderError(
                f"{self.path} has no label that was tested: its prompts are too few "
                f"({corpus['prompts']:,}); take a run on some hundred"
            )

    @property
    def headlines(self) -> list[str]:
        """The result in a sentence, and after `verify` what running the labels costs."""
        found = [str(self.run["headline"]), self.run.get("headline_replacement")]
        return [line for line in found if line]

    @cached_property
    def review(self) -> dict[str, Any]:
        """`review.json`; empty where nobody reviewed."""
        return self._json("review.json")

    def _json(self, file: str) -> dict[str, Any]:
        path = self.path / file
        found: dict[str, Any] = read_json(path, dict) if path.is_file() else {}
        return found

    def showcase(self) -> list[dict[str, Any]]:
        """Prompts with `id`, `tokens`, `offsets`, `text`, and `real`, `label` [head query key]."""
        path = self.path / "showcase" / "prompts.json"
        if not path.is_file():
            return []
        prompts: list[dict[str, Any]] = read_json(path, list)
        patterns = read_arrays(path.with_name("patterns.npz"))
        for index, prompt in enumerate(prompts):
            check_showcase(prompt, index, patterns, path)
            prompt["real"] = patterns[f"real_{index}"].astype(np.float32)
            prompt["label"] = patterns[f"label_{index}"].astype(np.float32)
        return prompts

    def blamed(self) -> AbstractContextManager[None]:
        """Whatever making something of this run stumbles over becomes a RunFolderError about it."""
        return blamed(self.path)

    def refuse_links(self, *paths: Path) -> None:
        """RunFolderError for a link in the run: it may lead to files that are not its own."""
        for path in paths:
            if path.is_relative_to(self.path) and path.is_symlink():
                raise RunFolderError(f"{path} is a link; remove it, or write somewhere else")

    def refuse_own(self, out: Path, but: str = "") -> None:
        """RunFolderError where writing `out` would write over the run; its part `but` may be."""
        there, here = out.resolve(), self.path.resolve()
        inside = there.relative_to(here).parts if there.is_relative_to(here) else ("elsewhere",)
        if inside and (inside[0] not in OWN or inside[0] == but):
            return
        what = "a part of the run" if inside else "the run folder itself"
        raise RunFolderError(f"--out {out} is {what} and would be written over; choose another")


def open_run(path: str | Path) -> RunFolder:
    """A finished run folder; RunFolderError if there is none at `path`."""
    folder = RunFolder(Path(path))
    said = shown(folder.path)
    if not folder.path.is_dir():
        raise RunFolderError(f"no run folder at {said}; expected the --out of `labeler run`")
    if not (folder.path / "run.json").is_file():
        begun = (folder.path / "plan.json").is_file()
        then = (
            f"`labeler run --resume --out {said}` goes on with what was begun there"
            if begun
            else "expected the --out of `labeler run`"
        )
        raise RunFolderError(f"{said} holds no finished run (no run.json); {then}")
    _ = folder.run
    if not (folder.path / "heads.parquet").is_file():
        raise RunFolderError(
            f"{said} is not whole: heads.parquet is missing; copy all of the run, or run the "
            "labelling again"
        )
    return folder
