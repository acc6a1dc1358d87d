"""What a worker must have in common with the run that it works for."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version

from labeler import __version__
from labeler.errors import EngineError
from labeler.session import Session


def identity(session: Session) -> dict[str, str]:
    """Hashes and versions by name; two sessions that agree in them score alike."""
    plan = session.plan()
    vocabulary = session.vocabulary
    said = [
        [item.name for item in vocabulary.relations],
        [item.name for item in vocabulary.features],
        list(vocabulary.classes.leaves),
        list(vocabulary.neurons.tokens),
        list(vocabulary.neurons.words_so_far),
        list(vocabulary.neurons.previous_words),
    ]
    settings = {
        name: plan[name]
        for name in ("limit", "long", "dtype", "token_budget", "frequent_tokens", "threads")
    }
    return {
        "head-labeler": __version__,
        "torch": version("torch"),
        "model": str(plan["model"]),
        "pipeline": str(plan["pipeline"]),
        "heuristics": _hash(plan["heuristics"]),
        "vocabulary": _hash(said),
        "settings": _hash(settings),
    }


def check_identity(own: dict[str, str], wanted: dict[str, str], place: str) -> None:
    """EngineError naming the first thing in which a worker differs."""
    for name, value in wanted.items():
        if own[name] != value:
            raise EngineError(
                f"the worker on {place} has another {name} ({own[name]}) than this machine "
                f"({value}); install and store the same on all of them"
            )


def _hash(value: object) -> str:
    return hashlib.blake2b(json.dumps(value).encode(), digest_size=8).hexdigest()
