"""What was found when a run was opened before: nothing is loaded twice for what is known."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from heuristics.contract import Heuristic
from labeler import __version__
from labeler.annotate import cache_folder
from labeler.classes import Group, Member, QueryClasses
from labeler.config import Settings
from labeler.errors import RunFolderError
from labeler.model import LanguageModel
from labeler.predictors import NeuronVocabulary
from labeler.prepare import Vocabulary
from labeler.results import RunFolder, write_atomic
from labeler.session import Session, model_name
from labeler.shape import Shape
from labeler.tokenizer import tokenizer_of

FILE = "opened.json"
FACTS = {"shape", "fingerprint", "vocabulary"}


class Deferred(LanguageModel):
    """A model whose shape and fingerprint are known: weights are loaded when something asks."""

    def __init__(
        self, folder: str, shape: Shape, fingerprint: str, load: Callable[[], LanguageModel]
    ) -> None:
        self.tokenizer = tokenizer_of(folder)
        self.shape = shape
        self._fingerprint, self._load = fingerprint, load

    @cached_property
    def loaded(self) -> LanguageModel:
        """The model itself."""
        return self._load()

    @cached_property
    def bridge(self) -> Any:
        """The loaded model's."""
        return self.loaded.bridge

    @cached_property
    def device(self) -> torch.device:  # type: ignore[override]
        """Where the loaded model is."""
        return self.loaded.device

    def fingerprint(self) -> str:
        """The hash of its weights when they were read."""
        return self._fingerprint


class Remembered:
    """What was found when a run was opened: kept in a folder of the cache that is that run's own.

    The folder's name tells apart all that a trial rests on: the run, when it was made, the files
    of its model, and what reads them. `facts` is empty where nothing is kept.
    """

    def __init__(self, run: RunFolder, settings: Settings) -> None:
        name = model_name(settings)
        said = [str(run.path.resolve()), run.run.get("created"), name, *_stamp(Path(name))]
        digest = hashlib.blake2b(json.dumps(said).encode(), digest_size=16)
        for file in ("plan.json", "settings.toml"):
            path = run.path / file
            digest.update(path.read_bytes() if path.is_file() else b"")
        self.folder = cache_folder() / "trials" / digest.hexdigest()
        self.model_folder = name if Path(name).is_dir() else ""
        self.facts: Mapping[str, Any] = {}
        with suppress(OSError, ValueError):
            found = json.loads((self.folder / FILE).read_bytes())
            if isinstance(found, dict) and set(found) == FACTS:
                self.facts = found

    def model(self, load: Callable[[], LanguageModel]) -> LanguageModel:
        """The model, loaded now only if it is not known."""
        if not self.facts:
            return load()
        shape = self.facts["shape"]
        shape = Shape(**shape | {"windows": tuple(shape["windows"])})
        return Deferred(self.model_folder, shape, self.facts["fingerprint"], load)

    def tell(self, session: Session) -> None:
        """Give a session of the same plan the vocabulary that was resolved for it."""
        if self.facts:
            session.vocabulary = restored(self.facts["vocabulary"], session.heuristics)

    def keep(self, session: Session) -> None:
        """Write down what a session found; not of a hub's model, which would have to be asked."""
        if self.facts or not self.model_folder:
            return
        self.facts = {
            "shape": asdict(session.model.shape),
            "fingerprint": session.model.fingerprint(),
            "vocabulary": described(session.vocabulary),
        }
        with suppress(OSError, RunFolderError):
            write_atomic(self.folder / FILE, json.dumps(self.facts).encode())


def described(vocabulary: Vocabulary) -> dict[str, Any]:
    """What a vocabulary resolved to, as JSON; heuristics by name."""
    classes, neurons = vocabulary.classes, asdict(vocabulary.neurons)
    return {
        "members": [_named(member) for member in classes.members],
        "parts": [[leaf, _named(member)] for leaf, member in classes.parts],
        "groups": [asdict(group) for group in classes.groups],
        "neurons": {name: value for name, value in neurons.items() if name != "features"},
    }


def restored(facts: Mapping[str, Any], heuristics: Sequence[Heuristic]) -> Vocabulary:
    """The inverse of `described`, of the same heuristics."""
    features = tuple(item for item in heuristics if item.kind == "feature")
    by_name = {item.name: item for item in features}

    def member(said: Mapping[str, Any]) -> Member:
        return Member(**{**said, "feature": by_name.get(said["feature"])})

    neurons: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in facts["neurons"].items()
    }
    return Vocabulary(
        relations=tuple(item for item in heuristics if item.kind == "relation"),
        features=features,
        classes=QueryClasses(
            members=tuple(member(said) for said in facts["members"]),
            groups=tuple(Group(**g | {"leaves": tuple(g["leaves"])}) for g in facts["groups"]),
            parts=tuple((leaf, member(said)) for leaf, said in facts["parts"]),
        ),
        neurons=NeuronVocabulary(features, **neurons),
    )


def _named(member: Member) -> dict[str, Any]:
    said = {name: getattr(member, name) for name in ("name", "wording", "word", "plural")}
    return {**said, "feature": member.feature.name if member.feature else None}


def _stamp(folder: Path) -> list[Any]:
    """What changes when the files of a model do, or what reads them."""
    files = sorted(file for file in folder.iterdir() if file.is_file()) if folder.is_dir() else []
    found = [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in files]
    libraries = [version(name) for name in ("torch", "transformers", "transformer_lens", "spacy")]
    return [found, __version__, *libraries]
