"""What was found when a run was opened before: nothing is loaded twice for what is known."""

from __future__ import annotations

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
from labeler.classes import Group, Member, QueryClasses
from labeler.errors import RunFolderError
from labeler.model import LanguageModel, tokenizer_of
from labeler.predictors import NeuronVocabulary
from labeler.prepare import Vocabulary
from labeler.results import write_atomic
from labeler.session import Session, model_name
from labeler.shape import Shape

FILE = "opened.json"


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


def remember(kept: Path, session: Session) -> None:
    """Write down what a session found, if it can be told later whether its model has changed."""
    model = session.model
    stamp = _stamp(model_name(session.settings))
    if not stamp or isinstance(model, Deferred):
        return
    facts = {
        "stamp": stamp,
        "shape": asdict(model.shape),
        "fingerprint": model.fingerprint(),
        "vocabulary": described(session.vocabulary),
    }
    with suppress(OSError, RunFolderError):
        write_atomic(kept / FILE, json.dumps(facts).encode())


class Remembered:
    """What is written down about a run; `facts` is empty where nothing is, or its model changed."""

    def __init__(self, kept: Path, folder: str) -> None:
        self.folder = folder
        self.facts: dict[str, Any] = {}
        with suppress(OSError, ValueError):
            facts = json.loads((kept / FILE).read_bytes())
            self.facts = facts if facts["stamp"] == _stamp(folder) else {}

    def model(self, load: Callable[[], LanguageModel]) -> LanguageModel:
        """The model, loaded now only if it is not known."""
        if not self.facts:
            return load()
        shape = self.facts["shape"]
        shape = Shape(**shape | {"windows": tuple(shape["windows"])})
        return Deferred(self.folder, shape, self.facts["fingerprint"], load)

    def tell(self, session: Session) -> None:
        """Give a session of the same plan the vocabulary that was resolved for it."""
        if self.facts:
            session.vocabulary = restored(self.facts["vocabulary"], session.heuristics)


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


def _stamp(folder: str) -> list[Any]:
    """What changes when the files of a model do, or what reads them; empty for a hub's model."""
    path = Path(folder)
    if not path.is_dir():
        return []
    files = sorted(file for file in path.iterdir() if file.is_file())
    found = [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in files]
    libraries = [version(name) for name in ("torch", "transformers", "transformer_lens")]
    return [str(path.resolve()), found, libraries]
