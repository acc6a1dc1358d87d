"""A run of a second: one layer of two heads, a few stories, shards of two."""

from __future__ import annotations

from pathlib import Path

from labeler.config import Settings
from tests.oracles.prompts import prompts
from tests.oracles.random_models import Shape, random_model

TINY = Shape("gpt2", n_layers=1, n_heads=2, d_model=16, d_mlp=8, n_ctx=64)
ONLY = ("previous token", "current token", "comma", "full stop", "nearest comma", "start of text")


def small_run(folder: Path, n_prompts: int = 16, **options: object) -> Settings:
    """Settings of a run of a model and a corpus that are made in `folder`, if not there yet."""
    model, corpus = folder / "model", folder / "stories.txt"
    if not corpus.exists():
        random_model(model, 0, TINY)
        corpus.write_text("\n\n".join(prompts(n_prompts)), encoding="utf-8")
    given: dict[str, object] = {
        "model": str(model),
        "corpus": str(corpus),
        "out": folder / "out",
        "only": ONLY,
        "prompts_per_shard": 2,
        "reinitialised": False,
        "threads": 1,
        "device": "cpu",
    }
    return Settings(**{**given, **options})  # type: ignore[arg-type]


def contents(run: Path) -> dict[str, bytes]:
    """Every file of a run folder but the lock and the two that hold times and places."""
    left_out = {"run.json", "settings.toml", ".lock"}
    return {
        str(path.relative_to(run)): path.read_bytes()
        for path in sorted(run.rglob("*"))
        if path.is_file() and path.name not in left_out
    }


def asked(made: Path, tmp_path: Path, **options: object) -> Settings:
    """The settings of the small run in `made`, into a folder of the test's own."""
    return small_run(made, out=tmp_path / "run", **options)
