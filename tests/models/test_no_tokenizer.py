"""A model folder without a tokenizer, or with one whose file is damaged, is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from labeler.errors import ModelError
from labeler.model import load_model

from .small import CONFIGS, small_model

DAMAGED = {
    "cut off": b'{"version": "1.0", "mod',
    "empty": b"",
    "not UTF-8": b"\xff\xfe{}",
    "JSON of something else": b"{}",
    "a model that there is not": b'{"version": "1.0", "added_tokens": [], "model": {"type": "X"}}',
}


@pytest.mark.parametrize("architecture", CONFIGS)
def test_a_folder_without_a_tokenizer_is_told(architecture: str, tmp_path: Path):
    """For some families transformers makes one of special tokens, for others it raises."""
    folder = small_model(tmp_path / "small", architecture)
    for file in folder.glob("tokenizer*"):
        file.unlink()
    with pytest.raises(ModelError, match=r"no tokenizer that can be read; expected tokenizer.json"):
        load_model(str(folder), "cpu")


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_file_is_named(case: str, tmp_path: Path):
    folder = small_model(tmp_path / "small", "LlamaForCausalLM")
    (folder / "tokenizer.json").write_bytes(DAMAGED[case])
    with pytest.raises(ModelError, match=r"small/tokenizer.json is damaged: .*download it anew"):
        load_model(str(folder), "cpu")


def test_its_damaged_settings_are_named(tmp_path: Path):
    folder = small_model(tmp_path / "small", "LlamaForCausalLM")
    (folder / "tokenizer_config.json").write_text("{bad")
    with pytest.raises(ModelError, match=r"small/tokenizer_config.json is damaged"):
        load_model(str(folder), "cpu")
