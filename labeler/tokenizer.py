"""The model's own tokenizer, which must say where its tokens stand, or why it cannot be had."""

from __future__ import annotations

from json import JSONDecodeError
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, processors

from labeler.errors import ModelError
from labeler.loading import damaged

FILE = "tokenizer.json"


def tokenizer_of(path: str) -> Any:
    """The tokenizer of a model folder.

    Raises ModelError where there is none, where its file is damaged, and where it cannot say at
    which characters its tokens stand; JSONDecodeError and UnicodeDecodeError for a damaged file,
    which `loading.explain` finds.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
    except (JSONDecodeError, UnicodeDecodeError):
        raise
    except Exception:
        _check_file(Path(path) / FILE)
        raise
    # Where there is no file, transformers makes some families one of special tokens alone.
    if len(tokenizer) <= len(tokenizer.all_special_tokens):
        raise _none(path)
    if not tokenizer.is_fast:
        raise ModelError(
            f"the tokenizer of {path} gives no character offsets; expected a fast tokenizer "
            f"({FILE})"
        )
    return untrimmed(tokenizer)


def untrimmed(tokenizer: Any) -> Any:
    """A tokenizer without post-processing, of which only the trimming of spaces is left.

    Special tokens are never asked for, BOS comes by hand; trimmed offsets (as RoBERTa's and OPT's)
    would leave out the space that a token begins with.
    """
    tokenizer.backend_tokenizer.post_processor = processors.Sequence([])
    return tokenizer


def _check_file(file: Path) -> None:
    if not file.is_file():
        raise _none(str(file.parent))
    try:
        Tokenizer.from_file(str(file))
    except Exception as error:
        raise ModelError(damaged(file, error)) from error


def _none(path: str) -> ModelError:
    return ModelError(
        f"model {path} has no tokenizer that can be read; expected {FILE} beside its config.json, "
        "from where the model comes from"
    )
