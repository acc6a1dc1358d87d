"""A tiny model in a folder, a few prompts, and the command line called in this process."""

from __future__ import annotations

import io
import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import sklearn.manifold  # noqa: F401 - once here, not by every copy of this process

from labeler.cli import main
from labeler.run import run_labels
from tests.oracles.prompts import prompts
from tests.oracles.random_models import Shape, random_model
from tests.torture.small import small_run

TINY = Shape("gpt2", n_layers=1, n_heads=2, d_model=16, d_mlp=8, n_ctx=64)
N_PROMPTS = 10


@dataclass(frozen=True)
class Result:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line that a user's error is; stage lines of the progress before it aside."""
        last = self.err.rstrip("\n").rsplit("\n", 1)[-1]
        assert last.startswith("labeler: "), self.err
        assert "Traceback" not in self.err + self.out
        return last.removeprefix("labeler: ")


Cli = Callable[..., Result]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """`labeler ARGUMENTS`, with bytes on standard input."""

    def call(*arguments: object, stdin: bytes = b"") -> Result:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        capsys.readouterr()
        code: int | str | None = 0
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as ended:
            code = ended.code
        said = capsys.readouterr()
        return Result(code if isinstance(code, int) else 0, said.out, said.err)

    return call


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One layer of two heads and eight neurons over a word-level tokenizer, context 64."""
    return random_model(tmp_path_factory.mktemp("models") / "tiny", 0, TINY)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten stories, one a paragraph."""
    path = tmp_path_factory.mktemp("corpus") / "stories.txt"
    path.write_text("\n\n".join(prompts(N_PROMPTS)) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def finished(model: Path, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the tiny model over the ten stories, never written to."""
    from labeler import label

    return label(model, corpus, tmp_path_factory.mktemp("runs") / "finished").path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small model, a corpus, and an undisturbed run of them in `out`."""
    folder = tmp_path_factory.mktemp("made")
    run_labels(small_run(folder))
    return folder
